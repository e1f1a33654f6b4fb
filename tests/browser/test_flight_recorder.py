"The flight recorder in a real JupyterLab."
import re

import pytest
from driver import look

ROWS = """[dict(text="<b>a</b>", label=0), dict(ids=[101, 5, 102, 0], reads=["[CLS]", "x", "[SEP]", "[PAD]"],
               kinds=["special", "word", "special", "pad"], mask=[1, 1, 1, 0], logits=[.5, -.25])]"""
SETUP = f"""
from study_group.widgets.flight_recorder import FlightRecorder
def event(phase, *steps, calls=1, rows={ROWS}):
    return dict(phase=phase, steps=list(steps), where=f"<i>{{phase}}</i>", note=f"note of {{phase}}", calls=calls,
                rows=rows)
flights = dict(one=[event("item", "tokenize", calls=2), event("batch", "pad"), event("model", "mask"),
                    event("model", "logits")],
               two=[event("dataset", "tokenize", "pad", "mask"), event("model", "logits")],
               three=[event("item", "label"), event("batch", "tokenize", "pad", "mask", "label"),
                      event("model", "logits")])
recorder = FlightRecorder(flights)
recorder
"""


@pytest.fixture
def show(lab):
    lab.show(SETUP, ".flight-recorder")
    yield lab
    lab.page.set_viewport_size(dict(width=1400, height=1000))


def card(lab, lane: int, n: int):
    return lab.page.locator(".flight-recorder .lane").nth(lane).locator(".event").filter(
        has=lab.page.get_by_text(f"{n + 1}", exact=True)).first


def marked(lab, name: str) -> list[str]:
    "Names of the cards of that class, or those that are pressed."
    at = "[aria-pressed=true]" if name == "pressed" else f".{name}"
    labels = lab.page.locator(f".flight-recorder .event{at}").evaluate_all(
        "nodes => nodes.map(n => n.getAttribute('aria-label'))")
    return [re.sub("^(.*?), .*; (.*), (.*)$", r"\2, event \1, \3", label) for label in labels]


def test_events_stand_in_their_lane_and_phase_in_order(show):
    lab = show
    found = lab.page.evaluate("""() => [...document.querySelectorAll('.flight-recorder .lane')].map(lane =>
        [...lane.querySelectorAll('.cell')].map(cell =>
            [...cell.querySelectorAll('.event .steps')].map(s => [...s.children].map(c => c.innerText).join(' '))))""")
    assert found == [[[], ["tokenize"], ["pad"], ["mask", "logits"]], [["tokenize pad mask"], [], [], ["logits"]],
                     [[], ["label"], ["tokenize pad mask label"], ["logits"]]]
    assert lab.texts(".lane:nth-child(2) .number") == ["1", "2", "3", "4"] and lab.texts(".calls") == ["2 calls"]
    assert lab.texts(".phase b") == ["dataset", "item", "batch", "model"]
    assert all(key in lab.texts(".story")[0] for key in ("←", "↑", "Esc")) and marked(lab, "pressed") == []
    board = lab.page.locator(".flight-recorder [role=table]")
    assert [board.locator(f"[role={r}]").count() for r in ("row", "columnheader", "rowheader", "cell")] == [4, 5, 3, 12]


def test_a_click_shows_the_data_and_lights_the_same_step_elsewhere(show):
    lab = show
    card(lab, 0, 1).locator(".where").click()
    lab.until("recorder.event == [0, 1]")
    assert lab.texts(".title") == ["one, event 2 · batch · <i>batch</i>"] and lab.texts(".note") == ["note of batch"]
    assert lab.texts(".data .plain .text") == ["<b>a</b>"]
    assert lab.page.locator(".flight-recorder .story :is(i, b b)").count() == 0
    assert lab.texts(".data tr th") == ["ids", "stand for", "mask"]
    assert [t.split() for t in lab.texts(".data tr")][2] == ["mask", "1", "1", "1", "0"]
    assert lab.texts(".plain .logits") == ["0.5000   −0.2500"]
    hatched = lab.page.locator(".flight-recorder .data td.reads.pad .chip")
    assert "repeating" in hatched.evaluate("e => getComputedStyle(e).backgroundImage")
    assert marked(lab, "pressed") == ["one, event 2, batch"]
    assert marked(lab, "kin") == ["two, event 1, dataset", "three, event 2, batch"]
    assert lab.texts(".chip.lit") == ["pad"] * 3
    lit, other = (lab.page.locator(f".flight-recorder .event .chip{at}").first for at in (".lit", ":not(.lit)"))
    assert look(lit) != look(other)  # not by colour alone


def test_a_step_is_followed_through_the_lanes(show):
    lab = show
    lab.page.get_by_role("button", name="mask", exact=True).click()
    lab.until("recorder.step == 'mask'")
    assert lab.texts(".line span") == ["one: model · two: dataset · three: batch"]
    assert marked(lab, "kin") == ["one, event 3, model", "two, event 1, dataset", "three, event 2, batch"]
    assert len(marked(lab, "other")) == 6 and lab.texts(".chip.lit") == ["mask"] * 3
    card(lab, 2, 1).locator(".chip", has_text="pad").click()
    lab.until("(recorder.step, recorder.event) == ('pad', [2, 1])")
    card(lab, 0, 0).locator(".where").click()  # has no pad: nothing is followed any more
    lab.until("(recorder.step, recorder.event) == (None, [0, 0])")
    lab.python("recorder.step = 'label'")
    lab.wait_for(".line span", "one: never · two: never · three: item, batch")
    lab.page.locator(".flight-recorder .lane .chip", has_text="logits").first.hover()  # pointing follows for a while
    assert lab.texts(".chip.lit") == ["logits"] * 3
    lab.page.locator(".flight-recorder .follow[data-step=label]").click()  # lets it go
    lab.until("recorder.step is None")


def test_by_keyboard(show):
    lab = show
    assert lab.page.locator(".flight-recorder .event[tabindex='0']").count() == 1
    card(lab, 0, 0).focus()
    for key, at in (("ArrowRight", [0, 1]), ("ArrowDown", [1, 0]), ("ArrowDown", [2, 1]), ("End", [2, 2]),
                    ("ArrowRight", [2, 2]), ("ArrowUp", [1, 1]), ("ArrowUp", [0, 3]), ("ArrowUp", [0, 3]),
                    ("Home", [0, 0]), ("ArrowLeft", [0, 0])):
        lab.page.keyboard.press(key)
        lab.until(f"recorder.event == {at}")
        assert lab.page.evaluate("() => document.activeElement.getAttribute('aria-pressed')") == "true"
    assert lab.page.locator(".flight-recorder .event[tabindex='0']").count() == 1
    lab.page.keyboard.press("Escape")
    lab.until("recorder.event is None")
    lab.page.keyboard.press("Enter")
    lab.until("recorder.event == [0, 0]")


def test_in_the_dark_and_in_little_room(show):
    lab = show
    colours = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    light = card(lab, 0, 0).evaluate(colours)
    lab.dark()
    lab.page.wait_for_selector(".flight-recorder[data-theme=dark]")
    assert all(a != b for a, b in zip(light, card(lab, 0, 0).evaluate(colours)))
    lab.python("recorder.event = [0, 1]")
    lab.wait_for(".title", "one, event 2")
    lab.page.set_viewport_size(dict(width=420, height=1000))
    lab.page.wait_for_selector(".flight-recorder .heads", state="hidden")
    root = lab.page.locator(".flight-recorder")
    assert root.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    tops = [card(lab, 0, n).bounding_box()["y"] for n in range(4)]
    assert tops == sorted(tops) and card(lab, 0, 0).is_visible()
    said = lab.page.locator(".flight-recorder .cell").nth(1).evaluate("e => getComputedStyle(e, '::before').content")
    assert said == '"item"'


def test_hostile_messages_change_nothing(show):
    lab = show
    for wrong in ("event=[9, 9]", "event='x'", "step='x'", "step=3"):
        name, value = wrong.split("=", 1)
        assert "TraitError" in lab.python(f"try: recorder.set_state({{{name!r}: {value}}})\n"
                                          "except Exception as e: print(type(e).__name__)")
    assert lab.ask("[recorder.event, recorder.step]") == [None, None]


def test_the_twin_says_it_all(show):
    twin, live = show.outputs()[-1]
    html = "".join(twin["data"]["text/html"])
    assert html.count("<details") == 9 and "&lt;i&gt;" in html and "<i>" not in html and "<script" not in html
    assert "[CLS] x [SEP] [PAD]" in html and "style=" in html
    assert "1. item     tokenize: <i>item</i> (2 calls)" in "".join(twin["data"]["text/plain"])
    show.page.wait_for_function("() => document.querySelector('[id^=study-]').style.display === 'none'")
