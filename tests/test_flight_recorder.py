"""The flight recorder in a real JupyterLab, and what it records of three designs."""
import re

import pytest, torch

from study_group.flight_recorder import Flight, FlightRecorder, when

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]
ROWS = """[dict(text="<b>a</b>", label=0), dict(ids=[101, 5, 102, 0], reads=["[CLS]", "x", "[SEP]", "[PAD]"],
               kinds=["special", "word", "special", "pad"], mask=[1, 1, 1, 0], logits=[.5, -.25])]"""
SETUP = f"""
from study_group.flight_recorder import FlightRecorder
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
    assert "Choose an event" in lab.texts(".story")[0] and marked(lab, "pressed") == []
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
    lit = lab.page.locator(".flight-recorder .kin .chip.lit").first  # not by colour alone
    look = "e => [getComputedStyle(e).fontWeight, getComputedStyle(e).textDecorationLine]"
    assert lit.evaluate(look) == ["700", "underline"]


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
    look = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    light = card(lab, 0, 0).evaluate(look)
    lab.dark()
    lab.page.wait_for_selector(".flight-recorder[data-theme=dark]")
    assert all(a != b for a, b in zip(light, card(lab, 0, 0).evaluate(look)))
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


# What it records

def test_three_designs_fly_alike():
    from study_group.blurr import flights, get_hf_objects
    hf = get_hf_objects(config_kwargs=dict(n_layers=1))
    texts = ["Dull.", *TEXTS]  # the shortest first
    others = ["A long one, longer than all the others here, "*3]
    flown = flights(texts, ["NEGATIVE", "POSITIVE", "NEGATIVE"], hf, others)
    expected = hf[3].eval()(**hf[2](texts, padding=True, return_tensors="pt")).logits.detach()
    for flight in flown.values():
        assert torch.allclose(flight.logits, expected, atol=1e-5)
        assert [len(e["rows"]) for e in flight.events] == [3] * len(flight.events)
        assert not flight.on and not hf[3]._forward_hooks
    table = when(flown)
    assert table.loc["tokenize"].tolist() == ["item", "dataset", "batch"]
    assert table.loc["mask"].tolist() == ["model", "dataset", "batch"]
    assert table.loc["label"].tolist() == ["item", "dataset, batch", "item, batch"]
    n_pads = {name: [row["kinds"].count("pad") for e in f.events if "pad" in e["steps"] for row in e["rows"]]
              for name, f in flown.items()}
    real = [len(ids) for ids in hf[2](texts)["input_ids"]]
    assert n_pads["FastHugs"] == n_pads["Blurr"] == [max(real) - n for n in real]
    assert all(a > b for a, b in zip(n_pads["AdaptNLP"], n_pads["Blurr"]))
    labels = [row["label"] for row in flown["Blurr"].events[0]["rows"]]
    assert labels == [0, 1, 0] and FlightRecorder(flown, step="mask")._view["lanes"][0]["name"] == "FastHugs"


@pytest.mark.parametrize("texts, labels, error", [
    (["a", "b"], ["POSITIVE"], "2 texts and 1 labels"), (["a"], ["good"], "'good' isn't one of the model's"),
    (["a", 3], ["POSITIVE"] * 2, "must be a string")])
def test_bad_flights(texts, labels, error):
    from study_group.blurr import flights
    with pytest.raises((ValueError, TypeError), match=error): flights(texts, labels)


def test_a_flight_ends_with_its_logits():
    flight = Flight(None)
    flight.log("tokenize", "x", "before the start", [{}])
    flight.start().log("logits", "x", "", [dict(logits=torch.ones(2))])
    flight.log("tokenize", "x", "after the end", [{}])
    assert [e["steps"] for e in flight.events] == [["logits"]] and flight.logits.tolist() == [[1, 1]]


def test_the_adaptive_learner_trains():
    from fastai.data.core import DataLoaders
    from study_group.blurr import AdaptiveLearner, CrossEntropyLossFlat, get_hf_objects
    from torch.utils.data import DataLoader
    from transformers import default_data_collator
    _, _, tokenizer, model = get_hf_objects(config_kwargs=dict(n_layers=1))
    ids = tokenizer(TEXTS, padding=True)["input_ids"]
    rows = [dict(input_ids=row, attention_mask=[int(i > 0) for i in row], label=n) for n, row in enumerate(ids)]
    loader = DataLoader(rows, batch_size=2, collate_fn=default_data_collator)
    learn = AdaptiveLearner(DataLoaders(loader, loader), model, loss_func=CrossEntropyLossFlat())
    with learn.no_bar(), learn.no_logging():
        before, = learn.validate()
        learn.fit(20, 3e-3)
        assert learn.validate()[0] < before / 2
