"""The token strip in a real JupyterLab: seen, typed into, pointed at and walked along, without a network."""
import pytest
from driver import look

SETUP = """
from study_group.checkpoints import load_tokenizer
from study_group.widgets.token_strip import TokenStrip, lines
from study_group.tokenizers import BPETokenizer, WordTokenizer
from study_group.data import corpus
"""
BYTES = "BPETokenizer(byte_level=True).train(corpus(), 400)"


@pytest.fixture
def show(lab):
    "Show a strip of this text; its page."
    def show(text="Unhug the HuggingFace ☃!", tokenizer="None", **options):
        code = f"{SETUP}strip = TokenStrip({text!r}, {tokenizer}, **{options})\nstrip"
        lab.show(code, ".token-strip")
        return lab
    return show


def fact(lab, name: str) -> str: return lab.texts(f'.head [data-fact="{name}"] dd')[0]


def classes(lab, selector: str) -> str: return lab.page.locator(f".token-strip {selector}").first.get_attribute("class")


def focused(lab) -> str: return lab.page.evaluate("() => document.activeElement.dataset.token")


def test_shows_tokens_ids_offsets_and_words(show):
    lab = show()
    assert lab.texts(".token .chip") == lab.ask("[l.token for l in lines(strip._view)]")
    assert lab.texts(".token .id") == [str(i) for i in lab.ask("[l.id for l in lines(strip._view)]")]
    assert lab.texts(".token .place")[:3] == ["0:2", "2:4", "4:5"]
    assert lab.texts(".word .number") == [str(n) for n in range(5)]
    assert lab.texts(".part") == ["Un", "hu", "g", "the", "Hugging", "Face", "☃", "!"]
    assert [fact(lab, n) for n in ("characters", "tokens", "tokens per word", "characters per token", "unknown")] == [
        "24", "8", "2.00", "3.00", "1"]


def test_kinds_are_told_apart_without_colour(show):
    lab = show(special_tokens=True)
    kinds = [lab.page.locator(f".token.{kind} .chip").first for kind in ("special", "unknown", "continuation", "word")]
    assert len({look(kind) for kind in kinds}) == 4
    assert len(lab.texts(".legend li")) == 3


def test_typing_tokenizes_and_keeps_the_box(show):
    lab = show("fine")
    box = lab.page.get_by_label("Text", exact=True)
    box.evaluate("e => { window.box = e; }")
    box.click()
    lab.page.keyboard.press("End")
    lab.page.keyboard.type(" embeddings", delay=20)
    lab.wait_for(".board", "##bed")
    lab.settled()
    assert lab.ask("strip.text") == "fine embeddings"
    assert box.evaluate("e => e === window.box && e === document.activeElement && e.selectionStart") == 15
    box.fill("")
    lab.wait_for(".story", "No tokens")
    assert fact(lab, "tokens") == "0"


def test_pointing_links_characters_token_and_id(show):
    lab = show()
    cell, part = lab.page.locator(".token[data-token='5']"), lab.page.locator(".part[data-token='5']")
    cell.locator(".id").hover()
    assert "lit" in cell.get_attribute("class") and "lit" in part.get_attribute("class")
    assert lab.texts(".story dd") == ["##face", "12172", "5", "Face", "17:21", "2"]
    lab.page.locator(".part[data-token='3']").hover()
    assert "lit" in classes(lab, ".token[data-token='3']") and "lit" not in cell.get_attribute("class")
    lab.page.get_by_label("Text", exact=True).hover()
    assert lab.page.locator(".token-strip .lit").count() == 0
    lab.page.locator(".token[data-token='4']").focus()
    assert "lit" in classes(lab, ".part[data-token='4']")


def test_tokens_are_held_and_walked_along_by_keyboard(show):
    lab = show()
    lab.page.locator(".token[data-token='3']").click()
    lab.page.wait_for_selector(".token[data-token='3'][aria-selected=true]")
    lab.until("strip.token == 3")
    for key, token in (("ArrowRight", 4), ("End", 7), ("ArrowRight", 7), ("ArrowLeft", 6), ("Home", 0)):
        lab.page.keyboard.press(key)
        lab.page.wait_for_selector(f".token[data-token='{token}'][aria-selected=true].held")
        assert focused(lab) == str(token)
    lab.until("strip.token == 0")
    lab.page.keyboard.press("Escape")
    lab.page.wait_for_function("() => !document.querySelector('.token-strip .held')")
    lab.until("strip.token is None")
    lab.page.keyboard.press("ArrowRight")
    assert focused(lab) == "1" and lab.ask("strip.token") is None  # nothing is held, so only the focus goes
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_selector(".token[data-token='1'].held")
    lab.until("strip.token == 1")


def test_special_tokens_by_a_checkbox(show):
    lab = show("hi")
    box = lab.page.get_by_label("special tokens")
    box.check()
    lab.wait_for(".board", "[SEP]")
    assert lab.texts(".token .chip") == ["[CLS]", "hi", "[SEP]"] and lab.ask("strip.special_tokens") is True
    assert lab.texts(".part") == ["hi"] and fact(lab, "of them added") == "2"
    lab = show("hi", BYTES)
    assert lab.page.get_by_label("special tokens (it adds none)").is_disabled()


def test_bytes_can_be_read(show):
    lab = show("the 🙂é", BYTES)
    shown = lab.texts(".token .chip")
    assert shown[-7:] == ["␣", "🙂F0", "9F", "99", "82", "éC3", "A9"] and "Ġ" not in "".join(lab.texts(".words"))
    n = len(shown) - 6
    assert lab.page.locator(f".token[data-token='{n}']").get_attribute("title") == "ð"
    lab.page.locator(f".token[data-token='{n + 2}']").hover()
    assert lab.page.locator(".token.kin").count() == 4 and lab.texts(".part.lit") == ["🙂"]
    assert lab.texts(".story dd")[3:5] == ["🙂", "4:5"]
    assert [said.split(" ")[0] for said in lab.texts(".legend li")][1:] == ["␣the", "F0bytes"]


def test_any_script_and_control_characters(show):
    lab = show("مرحبا\u202e\n\x07 e\u0301")
    assert lab.page.locator(".board").get_attribute("dir") == "rtl"
    assert "⏎" in lab.texts(".said")[0] and "␇" in "".join(lab.texts(".said"))
    lab.page.locator(".token").first.focus()
    lab.page.keyboard.press("ArrowLeft")  # the text goes to the left
    assert focused(lab) == "1"


def test_what_is_typed_stays_text(show):
    evil = "<img/src=x/onerror=alert(1)> <script>document.title='gone'</script> &lt;b&gt;"
    lab = show("fine", f"WordTokenizer().train(['fine', {evil!r}], 50)")  # each of them is one token
    lab.page.get_by_label("Text", exact=True).fill(evil)
    lab.wait_for(".board", "alert")
    lab.settled()
    assert "".join(lab.texts(".said")) == evil and lab.texts(".token .chip") == evil.split()
    for n in range(3):
        lab.page.locator(f".token[data-token='{n}']").hover()
        assert lab.texts(".story dd")[0] == evil.split()[n]
    assert lab.page.locator(".token-strip :is(img, script)").count() == 0 and lab.page.title() != "gone"


def test_errors_are_said_and_go(show):
    lab = show("fine")
    box, alarm = lab.page.get_by_label("Text", exact=True), lab.page.locator(".token-strip .error")
    type_half = "e => { e.value = 'half: \\ud83d'; e.dispatchEvent(new Event('input')); }"
    for spoil in (lambda: lab.python("strip.text = 'half: \\ud83d'"), lambda: box.evaluate(type_half)):
        spoil()
        lab.wait_for(".error", "half a character")
        lab.until("'half a character' in strip.error")
        assert lab.ask("strip.text") == "fine"
        assert lab.texts(".token .chip") == ["fine"]
        box.fill("fin")
        box.fill("fine")
        alarm.wait_for(state="hidden")
        lab.until("strip.error == ''")


def test_ten_thousand_tokens_are_drawn_where_they_are_looked_at(show):
    lab = show("the word goes on and on " * 1700)
    assert fact(lab, "tokens") == "10,200"
    assert lab.page.locator(".token-strip .token").count() < 1000
    lab.page.locator(".token[data-token='0']").focus()
    lab.page.keyboard.press("End")
    assert focused(lab) == "10199"
    last = lab.page.locator(".token[data-token='10199']")
    box, board = last.bounding_box(), lab.page.locator(".board").bounding_box()
    assert board["y"] <= box["y"] and box["y"] + box["height"] <= board["y"] + board["height"]
    lab.page.locator(".board").evaluate("e => { e.scrollTop = e.scrollHeight/2; }")
    lab.page.wait_for_function("""() => { const {left, top} = document.querySelector('.board').getBoundingClientRect();
        return document.elementFromPoint(left + 200, top + 200)?.closest('.line')?.hasChildNodes(); }""")
    assert lab.page.locator(".token-strip .token").count() < 2000


def test_python_steers_it_in_light_and_dark(show):
    lab = show()
    lab.python("strip.token = 6")
    lab.page.wait_for_selector(".token[data-token='6'].held")
    lab.python("strip.text, strip.special_tokens = 'What a film!', True")
    lab.wait_for(".board", "film")
    lab.wait_for(".board", "[CLS]")
    assert lab.page.get_by_label("Text", exact=True).input_value() == "What a film!"
    light = lab.page.locator(".token-strip").evaluate("e => getComputedStyle(e).color")
    lab.dark()
    lab.page.wait_for_selector(".token-strip[data-theme=dark]")
    assert lab.page.locator(".token-strip").evaluate("e => getComputedStyle(e).color") != light
    twin, live = lab.outputs()[-1]
    assert "".join(twin["data"]["text/html"]).startswith("<div id=\"study-") and "Unhug" in twin["data"]["text/html"]
    lab.page.wait_for_function("() => document.querySelector('[id^=study-]').style.display === 'none'")


def test_running_the_cell_again_keeps_nothing_big(show):
    lab = show("the word goes on and on " * 1700)
    assert lab.growth(lambda: lab.python("for _ in range(12): strip = TokenStrip(strip.text, load_tokenizer())")) < 40


def test_another_checkpoints_tokenizer_cuts_the_same_text(show):
    lab = show("hugging")
    lab.python("tokenizer = load_tokenizer().train_new_from_iterator(['hugs pugs'] * 9, 60)\n"
               "tokenizer.save_pretrained('mine')")
    field, first = lab.page.get_by_role("textbox", name="checkpoint"), lab.texts(".token")

    def enter(name: str):
        field.fill(name)
        field.press("Enter")
    enter("mine")
    lab.until("strip.checkpoint == 'mine'")
    lab.settled()
    assert lab.ask("[line.token for line in lines(strip._view)]") == lab.ask("tokenizer.tokenize('hugging')")
    assert lab.texts(".token") != first
    enter("nobody/nothing")
    lab.wait_for(".error", "checkpoint='nobody/nothing' can't be loaded")
    assert lab.ask("[strip.checkpoint, strip.text]") == ["mine", "hugging"]
    enter("")
    lab.until("strip.checkpoint == '' and strip.error == ''")
    lab.settled()
    assert lab.texts(".token") == first
