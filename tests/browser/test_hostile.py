"The nasty texts in a real browser: what is given to a widget, and what is typed into it."
import json
from contextlib import contextmanager

import pytest
from nasty import HALVES, NASTY, SHORT

SETUP = """import json, time
from nasty import *
from nasty_widgets import *
EVERY = [NASTY[name] for name in SHORT]
NASTY["all"] = chr(10).join(EVERY)"""
GIVEN = {  # the widget's class in the page → the code that shows it, and what goes through all the texts
    "pipeline-strip": ("PipelineStrip(EVERY)", "for w.row in range(len(EVERY)): pass"),
    "mask-bench": ("MaskBench(EVERY)", "w.preset('no mask')"),
    "token-strip": ("TokenStrip(NASTY['all'], own(NASTY['all']))", "for w.text in EVERY: pass"),
    "tokenizer-race": ("TokenizerRace(NASTY['all'], {text: own(text) for text in EVERY[2:6]})",
                       "for w.text in EVERY: pass"),
    "merge-theatre": ("MergeTheatre(texts={text: 1 for text in EVERY if text})",
                      "for w.method in ('unigram', 'wordpiece'): w.step = len(w.steps)"),
    "padding-table": ("padding_table(EVERY, text_pair=EVERY[::-1])", "for w.selected in range(0, len(w), 5): pass"),
    "attention-grid": ("AttentionGrid(EVERY)", "for w.row in range(len(EVERY)): pass"),
    "flight-recorder": ("FlightRecorder({text: events_of(text) for text in EVERY[2:9]})",
                        "for w.event in ([0, 0], [4, 2], [6, 1]): pass"),
    "quiz": ("quiz(NASTY['all'])", "w._checks = [[[0]]]"),
}
ACTS = """() => {
    const acts = ({ name, value }) => name.startsWith('on') || /^(src|href|srcdoc|action|formaction|data)$/.test(name)
        && /pwned|javascript:/.test(value);
    const found = [...document.querySelectorAll('.jp-OutputArea *')].filter(node =>
        ['SCRIPT', 'IFRAME', 'PLAINTEXT', 'OBJECT', 'EMBED'].includes(node.tagName) || [...node.attributes].some(acts));
    return [window.pwned, ...found.map(node => node.outerHTML.slice(0, 200))];
}"""


@pytest.fixture(scope="module")
def ready(kernel):
    kernel.python(SETUP)
    kernel.page.evaluate("texts => { window.nasty = JSON.parse(texts); }", json.dumps(NASTY | {
        "all": "\n".join(NASTY[name] for name in SHORT)}))
    return kernel


@contextmanager
def kernel_in_time(lab, seconds: float = 10):
    "What is done inside takes the kernel no more than `seconds`; it answers afterwards."
    before = lab.ask("time.process_time()")
    yield
    assert lab.ask("time.process_time()") - before < seconds and lab.errors() == []
    assert lab.page.evaluate(ACTS) == [None]


@pytest.mark.parametrize("widget", GIVEN)
def test_a_widget_of_them(ready, lab, widget):
    make, through = GIVEN[widget]
    with kernel_in_time(lab, 40):
        lab.show(f"w = {make}\nw", f".{widget}")
        assert lab.python(through) == ""
        lab.page.wait_for_function("at => document.querySelector(at).ariaBusy !== 'true'", arg=f".{widget}")
        lab.page.wait_for_timeout(300)  # that no text acts, once its pictures fail, can't be waited for


BOXES = {  # the widget's class in the page → the code that shows it, and what the kernel has of the text
    "pipeline-strip": ("PipelineStrip(FINE)", "w.texts[0]"), "mask-bench": ("MaskBench(FINE)", "w.texts[0]"),
    "token-strip": ("TokenStrip(FINE)", "w.text"), "tokenizer-race": ("TokenizerRace(FINE)", "w.text"),
    "merge-theatre": ("MergeTheatre(texts=[FINE])", "w.own_text")}
TYPE = """([at, name]) => {
    const box = document.querySelector(`${at} :is(textarea, input[type=text])`);
    box.focus();
    box.value = window.nasty[name];
    box.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste' }));
    window.typed = box.value;
}"""


def type_each(lab, widget: str, names: list[str], seconds: float):
    "Each of the texts comes into the widget's box as if pasted; the kernel gets it, or the page says why not."
    make, has = BOXES[widget]
    lab.show(f"w = {make}\nw", f".{widget}")
    for name in names:
        with kernel_in_time(lab, seconds):
            lab.page.evaluate(TYPE, [f".{widget}", name])
            typed = lab.page.evaluate("() => [JSON.stringify(window.typed), window.typed.length > 20000]")
            refused = name in HALVES or widget == "tokenizer-race" and typed[1]
            lab.until("w.error" if refused else f"{has} == json.loads({typed[0]!r}) and not w.error")
            if refused: lab.wait_for(".error", "half a character" if name in HALVES else "pass a part")
            lab.page.wait_for_function("at => document.querySelector(at).ariaBusy !== 'true'", arg=f".{widget}")


@pytest.mark.parametrize("widget", BOXES)
def test_typed_into_a_widget(ready, lab, widget): type_each(lab, widget, ["all", "other half", "planes"], 10)


@pytest.mark.extra
@pytest.mark.parametrize("widget", BOXES)
def test_each_typed_into_a_widget(ready, lab, widget): type_each(lab, widget, [*NASTY], 30)
