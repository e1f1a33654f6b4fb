"""The mask bench in a real JupyterLab: seen, clicked, walked along, edited and hurried, without a network."""
import re

import pytest
from driver import look

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]
SETUP = """
import time, torch
import study_group.widgets.mask_bench as module
from study_group.widgets.mask_bench import *
from study_group.pipeline import trace
quick = module.quick_logits = getattr(module.quick_logits, "quick", module.quick_logits)
"""
HALF = "e => { e.value = 'half: \\ud83d'; e.dispatchEvent(new Event('input', {bubbles: true})); }"
SLOW = """
def slow(*args): time.sleep(.3); return quick(*args)
slow.quick, module.quick_logits = quick, slow
"""
COUNT = """() => {  // what widgets ask of the kernel
    [window.asked, window.uncounted] = [0, WebSocket.prototype.send];
    WebSocket.prototype.send = function send(data) {
        const said = typeof data === 'string' ? data : new TextDecoder().decode(data);
        if (said.includes('"custom"')) window.asked += 1;
        window.uncounted.call(this, data);
    };
}"""


@pytest.fixture
def show(lab):
    "Show a bench of these texts, and wait until all is known; its page."
    def show(texts=TEXTS, code=""):
        lab.show(f"{SETUP}{code}\nbench = MaskBench({texts!r})\nbench", ".mask-bench")
        lab.settled()
        return lab
    yield show
    lab.page.set_viewport_size(dict(width=1400, height=1000))


def cell(lab, row: int, column: int):
    return lab.page.locator(f".mask-bench .cell[data-row='{row}'][data-column='{column}']")


def bits(lab, row: int) -> list[int]: return [int(bit) for bit in lab.texts(f".cell[data-row='{row}'] .bit")]


def numbers(lab, row: int, line: str) -> list[str]:
    "What stands in a line (here, alone, delta) of the answers of a row in sight."
    at = lab.page.locator(".mask-bench .row").filter(has=lab.page.locator(f".cell[data-row='{row}']"))
    return at.locator(f".{line} .number").all_inner_texts()


def verdicts(lab) -> list[str]: return lab.texts(".row .verdict")


def said(values) -> list[str]: return [f"{x:.4f}".replace("-", "−") for x in values]


def answers(lab, what: str, row: int) -> list[str]:
    "The line that Python's numbers make: logit and score of each label."
    logits = lab.ask(f"bench.{'logits' if what == 'here' else 'reference_logits'}[{row}].tolist()")
    scores = lab.ask(f"torch.tensor({logits}).softmax(-1).tolist()")
    return said(x for pair in zip(logits, scores) for x in pair)


def test_shows_the_tensors_and_both_answers(show):
    lab = show()
    trace = "trace(bench.texts)"
    assert lab.texts(".cell .chip") == lab.ask(f"sum({trace}.tokens, [])")
    assert [int(i) for i in lab.texts(".cell small")] == lab.ask(f"{trace}.input_ids.flatten().tolist()")
    assert [bits(lab, 0), bits(lab, 1)] == lab.ask(f"{trace}.attention_mask.tolist()")
    assert lab.texts(".facts dd") == ["(2, 16)", "24", "8", "8"]
    assert lab.texts(".heads .position") == [str(n) for n in range(16)]
    for row, text in enumerate(TEXTS):
        assert numbers(lab, row, "here") == answers(lab, "here", row)
        alone = lab.ask(f"[t := trace({text!r}), [t.logits[0].tolist(), t.probabilities[0].tolist()]][1]")
        assert numbers(lab, row, "alone") == said([alone[0][0], alone[1][0], alone[0][1], alone[1][1]])
    assert verdicts(lab) == ["same as alone"] * 2
    assert lab.texts(".row .here .label") == lab.texts(".row .alone .label") == ["POSITIVE", "NEGATIVE"]


def test_a_click_flips_a_bit_and_runs_its_row(show):
    lab = show()
    before = numbers(lab, 0, "here")
    cell(lab, 1, 2).click()
    lab.settled()
    assert bits(lab, 1) == lab.ask("bench.attention_mask[1]") == [1, 1, 0, 1, 1, 1, 1, 1] + [0] * 8
    assert numbers(lab, 1, "here") == answers(lab, "here", 1)
    assert numbers(lab, 0, "here") == before and verdicts(lab)[0] == "same as alone"
    difference = lab.ask("bench.differences[1].item()")
    assert verdicts(lab)[1] == f"differs by {difference:.4f}, label flipped"
    logits, scores = lab.ask("[(f(bench.logits) - f(bench.reference_logits))[1].abs().tolist() "
                             "for f in (torch.clone, lambda x: x.softmax(-1))]")
    assert numbers(lab, 1, "delta") == said([logits[0], scores[0], logits[1], scores[1]])
    assert lab.texts(".note")[0].startswith("A mask of your own")
    cell(lab, 1, 2).click()
    lab.settled()
    assert verdicts(lab) == ["same as alone"] * 2 and lab.texts(".presets [aria-pressed=true]") == ["correct mask"]


def test_masked_and_wrong_bits_are_told_without_colour(show):
    lab = show()
    style = lambda at, name: at.evaluate("(e, name) => getComputedStyle(e)[name]", name)
    mark = lambda n: look(lab.page.locator(".mask-bench .verdict").nth(n))
    assert mark(0) == mark(1)
    cell(lab, 1, 2).click()
    cell(lab, 1, 9).click()
    lab.settled()
    masked, pad, attended = cell(lab, 1, 2), cell(lab, 1, 10), cell(lab, 1, 9)
    for struck in (masked, pad): assert "line-through" in style(struck.locator(".chip"), "textDecorationLine")
    assert "line-through" not in style(attended.locator(".chip"), "textDecorationLine")
    assert "repeating-linear-gradient" in style(pad.locator(".chip"), "backgroundImage")
    special, word = (cell(lab, 1, n).locator(".chip") for n in (0, 1))
    assert len({look(chip) for chip in (special, word, masked.locator(".chip"), pad.locator(".chip"))}) == 4
    for own, given in ((masked, pad), (attended, cell(lab, 1, 1))):  # 0, 1: which bits aren't the tokenizer's
        assert look(own.locator(".bit")) != look(given.locator(".bit"))
    for at, words in ((masked, ("hate", "5223", "position 2", "not attended")),
                      (attended, ("[PAD]", "padding", "position 9", "attended"))):
        assert [word for word in words if word not in at.get_attribute("aria-label")] == []
    assert "not attended" not in attended.get_attribute("aria-label")
    assert mark(0) != mark(1)  # the same as alone, and not


def test_by_keyboard(show):
    lab = show()
    assert lab.page.locator(".mask-bench .cell[tabindex='0']").count() == 1
    cell(lab, 0, 0).focus()
    where = "() => [Number(document.activeElement.dataset.row), Number(document.activeElement.dataset.column)]"
    for key, at in (("ArrowRight", [0, 1]), ("ArrowDown", [1, 1]), ("ArrowDown", [1, 1]), ("ArrowLeft", [1, 0]),
                    ("ArrowLeft", [1, 0]), ("End", [1, 15]), ("ArrowUp", [0, 15]), ("ArrowRight", [0, 15]),
                    ("Home", [0, 0]), ("ArrowDown", [1, 0]), ("ArrowRight", [1, 1]), ("ArrowRight", [1, 2])):
        lab.page.keyboard.press(key)
        assert lab.page.evaluate(where) == at
        assert cell(lab, *at).get_attribute("tabindex") == "0"
    assert lab.page.locator(".mask-bench .cell[tabindex='0']").count() == 1
    assert cell(lab, 1, 2).evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    lab.page.keyboard.press(" ")
    lab.wait_for(".row .verdict", "label flipped", 1)
    assert lab.ask("bench.attention_mask[1][2]") == 0 and lab.page.evaluate(where) == [1, 2]
    lab.wait_for("[role=status]", "Row 2: differs by")
    lab.page.keyboard.press("Enter")
    lab.wait_for(".row .verdict", "same as alone", 1)
    assert lab.ask("bench.attention_mask[1][2]") == 1
    grid = lab.page.locator(".mask-bench [role=grid]")
    assert (grid.get_attribute("aria-rowcount"), grid.get_attribute("aria-colcount")) == ("3", "18")
    assert lab.ask("len(bench.texts)") == 2  # and no key reached JupyterLab: the cell is still there


def test_presets_by_button_and_from_python(show):
    lab = show()
    lab.page.get_by_role("button", name="no mask").click()
    lab.settled()
    assert bits(lab, 1) == [1] * 16 and verdicts(lab)[0] == "same as alone"
    assert verdicts(lab)[1].startswith("differs by") and verdicts(lab)[1].endswith("same label")
    assert lab.texts(".note")[0].startswith("All ones")
    lab.page.get_by_role("button", name="left padding").click()
    lab.settled()
    assert lab.texts(".cell[data-row='1'] .chip")[7:10] == ["[PAD]", "[CLS]", "i"]
    assert bits(lab, 1) == [0] * 8 + [1] * 8 and verdicts(lab)[1].startswith("differs by")
    left = "tokenizer(bench.texts, padding=True, padding_side='left', return_tensors='pt')"
    wanted = lab.ask(f"(m := (t := trace(bench.texts)).checkpoint)[0](**m[1]{left[9:]}).logits[1].tolist()")
    assert numbers(lab, 1, "here")[::2] == said(wanted)
    lab.python("bench.preset('mask a word')")
    lab.wait_for(".row .verdict", "label flipped", 1)
    lab.settled()
    assert bits(lab, 0)[7:11] == [1, 0, 0, 1] and lab.texts(".presets [aria-pressed=true]") == ["mask a word"]
    lab.python("bench.attention_mask = torch.zeros(2, 16)")
    lab.wait_for(".notes", "Row 1: every bit is 0")
    lab.settled()
    assert numbers(lab, 0, "here") == numbers(lab, 1, "here") == answers(lab, "here", 1)


def test_texts_are_edited_added_and_removed(show):
    lab = show()
    cell(lab, 0, 5).click()
    lab.settled()
    box = lab.page.get_by_label("Text 2", exact=True)
    box.fill("What a film!")
    lab.wait_for(".cell[data-row='1'] .chip", "film", 3)
    lab.settled()
    assert lab.ask("bench.texts") == [TEXTS[0], "What a film!"]
    assert lab.ask("bench.attention_mask") == [bits(lab, 0), bits(lab, 1)] and bits(lab, 0)[4:7] == [1, 0, 1]
    assert box.evaluate("e => e === document.activeElement")
    lab.page.get_by_role("button", name="Add a text").click()
    lab.wait_for(".facts dd", "(3, 16)")
    assert lab.page.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Text 3"
    lab.page.keyboard.type("It was dull.")
    lab.wait_for(".cell[data-row='2'] .chip", "dull", 3)
    lab.page.get_by_role("button", name="Remove text 1").press("Enter")
    lab.wait_for(".facts dd", "(2, 6)")
    lab.settled()
    assert lab.ask("bench.texts") == ["What a film!", "It was dull."] and verdicts(lab) == ["same as alone"] * 2
    lab.page.get_by_role("button", name="Remove text 2").click()
    lab.wait_for(".facts dd", "(1, 6)")
    assert lab.page.locator(".mask-bench .remove").is_disabled()
    assert "No row has pads now" in lab.texts(".note")[0]
    lab.python("bench.texts = ['One.', 'And two.']")
    lab.wait_for(".facts dd", "(2, 5)")
    assert lab.page.get_by_label("Text 2", exact=True).input_value() == "And two."


def test_a_bad_text_is_told_and_changes_nothing(show):
    lab = show()
    box, alarm = lab.page.get_by_label("Text 2", exact=True), lab.page.locator(".mask-bench .error")
    for spoil in (lambda: box.evaluate(HALF), lambda: lab.python("bench.texts = ['fine', 'half: \\ud83d']")):
        spoil()
        lab.wait_for(".error", "half a character")
        assert lab.texts(".cell[data-row='1'] .chip")[2] == "hate" and lab.ask("bench.texts") == TEXTS
        assert verdicts(lab) == ["same as alone"] * 2
        box.fill("I hate this so much")
        box.fill(TEXTS[1])
        alarm.wait_for(state="hidden")
        lab.until("bench.error == ''")
        lab.settled()


def test_what_is_typed_stays_text(show):
    lab = show()
    evil = "<img src=x onerror=alert(1)> <script>document.title='gone'</script> مرحبا \u202e\x07"
    lab.page.get_by_label("Text 1", exact=True).fill(evil)
    lab.wait_for(".cell[data-row='0'] .chip", "<", 1)
    lab.settled()
    cell(lab, 0, 1).hover()
    assert lab.ask("bench.texts[0]") == evil
    assert lab.page.locator(".mask-bench :is(img, script)").count() == 0 and lab.page.title() != "gone"


def test_a_text_too_long_is_cut_and_told(show):
    lab = show(["word " * 600, "Short."])
    assert [re.findall(r"\d+", note) for note in lab.texts(".notes li")] == [["1", "90", "512"]]
    assert lab.texts(".facts dd")[0] == "(2, 512)"


def test_the_last_state_wins_and_no_number_is_stale(show):
    lab = show(code=SLOW)
    lab.page.evaluate("""() => {
        const row = document.querySelectorAll('.mask-bench .row')[1];
        window.pictures = [];
        const look = () => pictures.push([[...row.querySelectorAll('.bit')].map(b => b.textContent).join(''),
            row.querySelector('.here .number').textContent, row.querySelector('.verdict').textContent]);
        new MutationObserver(look).observe(row, {subtree: true, childList: true, characterData: true});
    }""")
    lab.page.evaluate(COUNT)
    for n, column in enumerate((1, 2, 3, 10, 2, 4)):
        cell(lab, 1, column).click()
        lab.page.wait_for_function("n => window.asked > n", arg=n)  # so each of them is on its way, and late
    lab.page.evaluate("() => { WebSocket.prototype.send = window.uncounted; }")
    assert lab.page.locator(".mask-bench").get_attribute("aria-busy") == "true"
    lab.settled()
    wanted = [1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0]
    assert bits(lab, 1) == wanted == lab.ask("bench.attention_mask[1]")
    assert numbers(lab, 1, "here") == answers(lab, "here", 1)
    seen = {(mask, logit) for mask, logit, verdict in lab.page.evaluate("() => pictures")
            if logit != "…" and not verdict.startswith("the model runs")}
    assert len(seen) > 0
    for mask, logit in seen:
        lab.python(f"bench.attention_mask = [[1]*16, {[int(b) for b in mask]}]")
        assert said([lab.ask("bench.logits[1, 0].item()")]) == [logit]


def test_a_click_waits_for_the_text_that_is_being_typed(show):
    lab = show(code=SLOW)
    lab.page.get_by_label("Text 2", exact=True).fill("I love this!")
    cell(lab, 0, 3).click()
    lab.wait_for(".cell[data-row='1'] .chip", "love", 2)
    lab.settled()
    assert lab.ask("bench.attention_mask") == [[1] * 3 + [0] + [1] * 12, [1] * 6 + [0] * 10]
    assert bits(lab, 0)[3] == 0 and verdicts(lab)[1] == "same as alone"


def test_a_large_batch_is_drawn_where_it_is_looked_at(show):
    lab = show(["word " * 600, *(f"Row {n}." for n in range(31))])
    page, board = lab.page, lab.page.locator(".mask-bench .board")
    assert lab.texts(".facts dd")[0] == "(32, 512)" and page.locator(".mask-bench .cell").count() < 600
    cell(lab, 0, 0).focus()
    page.keyboard.press("End")
    for _ in range(31): page.keyboard.press("ArrowDown")
    at = cell(lab, 31, 511)
    assert at.evaluate("e => e === document.activeElement") and page.locator(".mask-bench .cell").count() < 600
    inside = lambda a, b: (b["x"] <= a["x"] + 1 and a["x"] + a["width"] <= b["x"] + b["width"] + 1
                           and b["y"] <= a["y"] + 1 and a["y"] + a["height"] <= b["y"] + b["height"] + 1)
    box, seen = at.bounding_box(), board.bounding_box()
    panel = page.locator(".mask-bench .row[aria-rowindex='33'] .answers").bounding_box()
    name = page.locator(".mask-bench .row[aria-rowindex='33'] .name").bounding_box()
    assert inside(box, seen) and inside(panel, seen) and inside(name, seen)
    assert box["x"] + box["width"] <= panel["x"] + 1
    assert page.locator(".mask-bench .row[aria-rowindex='33'] .position").count() == 0
    page.keyboard.press(" ")
    lab.settled()
    assert lab.ask("bench.attention_mask[31][-1]") == 1 and at.locator(".bit").inner_text() == "1"
    board.evaluate("e => { e.scrollTop = 0; e.scrollLeft = 9000; }")
    page.wait_for_function("() => document.querySelector('.mask-bench .cell[data-row=\"0\"][data-column=\"180\"]')")
    assert page.locator(".mask-bench .cell[tabindex='0']").count() == 1 and at.evaluate("e => e.isConnected")


def test_hostile_messages_change_nothing(show):
    lab = show()
    states = [{"_mask": 3}, {"_mask": {"side": "up", "rows": []}}, {"_mask": {"side": "left", "rows": ["11", "x"]}},
              {"texts": None}, {"texts": [1]}, {"error": 3}, {"_results": "x"}]
    lab.forge("bench", states, (None, {"rows": 3}, {"rows": [{}, -1, 1e9]}))
    assert lab.ask("[bench.texts, bench.attention_mask[1], bench.labels]") == [
        TEXTS, [1] * 8 + [0] * 8, ["POSITIVE", "NEGATIVE"]]
    cell(lab, 1, 2).click()
    lab.until("bench.attention_mask[1][2] == 0")
    lab.log.clear()  # the page hears what was sent in its name, and complains


def test_in_the_dark_and_in_little_room(show):
    lab = show()
    light = lab.page.locator(".mask-bench").evaluate("e => getComputedStyle(e).color")
    lab.dark()
    lab.page.wait_for_selector(".mask-bench[data-theme=dark]")
    assert lab.page.locator(".mask-bench").evaluate("e => getComputedStyle(e).color") != light
    lab.page.set_viewport_size(dict(width=420, height=1000))
    lab.page.wait_for_selector(".mask-bench .narrow")
    root, panel = lab.page.locator(".mask-bench"), lab.page.locator(".mask-bench .row .answers").first
    assert root.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    cell(lab, 0, 0).focus()
    lab.page.keyboard.press("End")
    whole, shown, last = (at.bounding_box() for at in (root, panel, cell(lab, 0, 15)))
    assert whole["x"] <= shown["x"] and shown["x"] + shown["width"] <= whole["x"] + whole["width"]
    assert shown["y"] > last["y"]
    assert lab.texts(".row .here .label") == ["POSITIVE", "NEGATIVE"]


def test_the_twin_hides_and_running_again_keeps_nothing_big(show):
    lab = show()
    twin, live = lab.outputs()[-1]
    assert "same as alone" in "".join(twin["data"]["text/html"]) and "[PAD]" in "".join(twin["data"]["text/plain"])
    assert "application/vnd.jupyter.widget-view+json" in live["data"]
    lab.page.wait_for_function("() => document.querySelector('[id^=study-]').style.display === 'none'")
    held = "import gc, torch\ndef held(): return sum(t.nbytes for t in gc.get_objects() if type(t) is torch.Tensor)"
    lab.python(f"{held}\nbench = MaskBench(['word '*500, *'1234567'])")
    before = lab.ask("held()")
    lab.python("bench = MaskBench(['word '*500, *'1234567'])")
    assert lab.ask("held()") - before < 1_000_000  # its hidden states alone would be 43 MB
