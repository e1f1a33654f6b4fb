"""The pipeline strip in a real JupyterLab: seen, clicked and typed into, without a network."""
import pytest
from driver import look

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]


@pytest.fixture
def show(lab):
    "Show a strip of these texts; its page."
    def show(texts=TEXTS):
        code = f"from study_group.pipeline import trace\nstrip = trace({texts!r}).widget()\nstrip"
        lab.show(code, ".pipeline-strip")
        return lab
    return show


def pixels(lab, line: int, vector: int) -> list[int]:
    "The opacity of each pixel of a token's line in one of the two pictures; 0 is the number zero."
    return lab.page.evaluate("""([line, vector]) => {
        const canvas = document.querySelectorAll('.pipeline-strip .tokens canvas')[vector];
        const data = canvas.getContext('2d').getImageData(0, line, canvas.width, 1).data;
        return Array.from({length: canvas.width}, (_, i) => data[4*i + 3]);
    }""", [line, vector])


def test_shows_every_stage(show):
    lab = show()
    assert lab.texts("tr[data-token] .token") == lab.ask("strip.trace.tokens[0]")
    assert lab.texts("tr[data-token] td.id") == [str(i) for i in lab.ask("strip.trace.input_ids[0].tolist()")]
    assert lab.texts("tr[data-token] .piece")[8:10] == ["Hugging", "Face"]
    assert lab.texts(".text .label") == ["POSITIVE", "NEGATIVE"]
    logits = lab.ask("strip.trace.logits[0].tolist()")
    assert lab.texts("td.logit") == [f"{x:.4f}".replace("-", "−") for x in logits]
    assert lab.texts("td.value") == [f"{x:.4f}" for x in lab.ask("strip.trace.probabilities[0].tolist()")]
    assert "POSITIVE" in lab.texts(".verdict")[0]
    assert "reads [CLS]" in lab.texts("section.head")[0]


def test_the_pictures_are_the_numbers(show):
    lab = show()
    for line, vector, layer in ((0, 0, 0), (10, 1, 6)):
        values = lab.ask(f"strip.trace.hidden_states[{layer}][0, {line}].abs().tolist()")
        seen = pixels(lab, line, vector)
        assert len(seen) == len(values) == 384
        order = sorted(range(384), key=values.__getitem__)
        assert max(seen[i] for i in order[:20]) < min(seen[i] for i in order[-20:])


def test_typing_is_run(show):
    lab = show()
    box = lab.page.get_by_label("Text 2")
    box.click()
    box.fill("I love this so much!")
    lab.wait_for(".text .label", "POSITIVE", 1)
    lab.settled()
    assert "love" in lab.texts("tr[data-token] .token")
    lab.until(f"strip.texts == {[TEXTS[0], 'I love this so much!']}")
    assert box.evaluate("e => e === document.activeElement")
    assert lab.texts("tr[data-token].pad td.mask") == ["0"] * 8


def test_what_is_typed_stays_text(show):
    lab = show(["fine"])
    evil = "<img src=x onerror=alert(1)><script>document.title = 'gone'</script> &lt; مرحبا 🙂"
    lab.page.get_by_label("Text 1").fill(evil)
    lab.wait_for(".tokens", "alert")
    lab.settled()
    lab.until(f"strip.trace.texts == [{evil!r}]")
    assert lab.page.locator(".pipeline-strip img, .pipeline-strip script").count() == 0
    assert lab.page.title() != "gone"


def test_layer_slider_by_keyboard(show):
    lab = show()
    before = pixels(lab, 0, 1)
    slider = lab.page.locator(".pipeline-strip input[type=range]")
    slider.press("ArrowLeft")
    lab.settled()
    lab.until("strip.layer == 5")
    assert pixels(lab, 0, 1) != before
    slider.press("Home")
    lab.settled()
    assert pixels(lab, 0, 1) == pixels(lab, 0, 0)


def test_a_token_is_followed_by_mouse_and_keyboard(show):
    lab = show()
    lab.page.locator("tr[data-token='9']").click()
    lab.page.wait_for_selector("tr[data-token='9'][aria-selected=true]")
    lab.until("strip.token == 9")
    assert "12172" in lab.texts(".story")[0]
    lab.page.locator("tr[data-token='9']").press("ArrowDown")
    lab.page.wait_for_selector("tr[data-token='10'][aria-selected=true]")
    lab.until("strip.token == 10")
    lab.page.locator("tr[data-token='10']").press("Escape")
    lab.page.wait_for_selector("tr[data-token='10'][aria-selected=false]")
    lab.until("strip.token is None")


def test_python_steers_it(show):
    lab = show()
    lab.python("strip.row = 1")
    lab.wait_for(".verdict", "NEGATIVE")
    lab.python("strip.texts = ['What a film!']")
    lab.page.wait_for_function("() => document.querySelectorAll('.pipeline-strip .text').length === 1")
    assert lab.page.get_by_label("Text 1").input_value() == "What a film!"
    lab.python("strip.texts = ['half: \\ud83d']")
    lab.wait_for(".error", "half a character")
    assert "film" in lab.texts("tr[data-token] .token")


def test_errors_are_said_and_go(show):
    lab = show(["fine", "good"])
    box, alarm = lab.page.get_by_label("Text 2"), lab.page.locator(".pipeline-strip .error")
    type_half = "e => { e.value = 'half: \\ud83d'; e.dispatchEvent(new Event('input', {bubbles: true})); }"
    for spoil in (lambda: lab.python("strip.texts = ['fine', 'half: \\ud83d']"), lambda: box.evaluate(type_half)):
        spoil()
        lab.wait_for(".error", "texts[1]")
        lab.until("'half a character' in strip.error and strip.texts == ['fine', 'good']")
        box.fill("goo")
        box.fill("good")  # so fast that it never was another text
        alarm.wait_for(state="hidden")
        lab.until("strip.error == ''")
    assert box.get_attribute("aria-invalid") == "false"


def test_pads_are_told_apart_without_colour(show):
    lab = show()
    lab.python("strip.row = 1")
    lab.page.wait_for_selector(".pipeline-strip tr.pad")
    hatched = lab.page.locator("tr.pad .chip").first.evaluate("e => getComputedStyle(e).backgroundImage")
    assert "repeating-linear-gradient" in hatched
    kinds = [lab.page.locator(f"tr.{kind} .chip").first for kind in ("special", "word", "pad")]
    assert len({look(kind) for kind in kinds}) == 3


def test_long_text_scrolls_and_says_what_was_cut(show):
    lab = show(["word " * 10_000])
    assert lab.page.locator("tr[data-token]").count() == 512
    assert "9,490 tokens were cut off" in lab.texts(".cut")[0]
    assert lab.page.locator(".pipeline-strip").bounding_box()["height"] < 900


def test_dark_theme_repaints(show):
    lab = show()
    light = lab.page.locator(".pipeline-strip").evaluate("e => getComputedStyle(e).color")
    lab.dark()
    lab.page.wait_for_selector(".pipeline-strip[data-theme=dark]")
    assert lab.page.locator(".pipeline-strip").evaluate("e => getComputedStyle(e).color") != light


def test_the_static_twin_is_there_first_and_hides(show):
    lab = show()
    twin, live = lab.outputs()[-1]
    assert "".join(twin["data"]["text/html"]).startswith("<div id=\"study-") and "text/plain" in twin["data"]
    assert "application/vnd.jupyter.widget-view+json" in live["data"]
    lab.page.wait_for_function("() => document.querySelector('[id^=study-]').style.display === 'none'")


def test_running_the_cell_again_keeps_few_traces(show):
    lab = show()
    lab.python("for _ in range(20): strip = trace(strip.texts).widget()")
    kept = "sum(type(o).__name__ == 'Trace' for o in __import__('gc').get_objects())"
    assert lab.ask(kept) <= 8
