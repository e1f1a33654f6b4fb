"The attention grid in a live page: the same texts, masks, heads and numbers as with Python."
import struct
from base64 import b64decode

import pytest
from nasty import NASTY, SHORT
from replay import PAGE, differences, message, recorded

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]


def questions(n_tokens: int, row: int = 0, kind: str = "weights", layers: tuple[int, ...] = (0, 5)) -> list[dict]:
    "What the script may ask of text `row`."
    asked = dict(kind=kind, row=row)
    stages = ["softmax"] if kind == "weights" else ["scores", "masked"]
    return [*(message(want="overview", stage=stage, row=row) for stage in stages),
            *(message(want="heads", **asked, layer=layer, first=0) for layer in layers),
            *(message(want="exact", **asked, layer=layer, head=7, query=n_tokens - 1, key=1) for layer in layers)]


def answer(step: dict, asked: dict) -> list:
    "What was answered to the question `asked`: the widget's own script asks too. Exact numbers as floats."
    want = asked.get("message", {})
    rest = {name: value for name, value in want.items() if name not in ("want", "version")}
    for said, buffers in step["heard"]:
        if said["what"] != want.get("want") or said["asked"] != rest: continue
        said.pop("version", None)  # these questions say none
        if said["what"] != "exact": return [said, buffers]
        data = b64decode(buffers[0]["base64"])
        return [said, [*struct.unpack(f"<{len(data)//4}f", data)]]
    return []


@pytest.fixture
def same(live):
    "Where Python and a live page differ; bytes may be one more or less."
    def same(grid, steps):
        live.open(grid)
        grid._start = []  # a page asks anew
        here, there = recorded(grid, steps), live.page.evaluate(PAGE, [steps, grid.page_traits()])
        return [d for n, (asked, *pair) in enumerate(zip(steps, here, there)) for d in (
            *differences(*(step["traits"] for step in pair), f"step {n} {asked}"),
            *differences(*(answer(step, asked) for step in pair), f"step {n} {asked}", ("step",)))]
    return same


def test_masks_and_numbers(same):
    from study_group.attention import AttentionGrid
    steps = [*questions(16, layers=range(6)), *questions(8, 1, "scores", range(6))]
    for mask in ("causal", "both", "none", "padding"):
        steps += [message(want="mask", mask=mask), *questions(16), *questions(8, 1, "scores")]
    assert same(AttentionGrid(TEXTS), steps) == []


def test_texts(same):
    from study_group.attention import AttentionGrid
    grid = AttentionGrid(TEXTS, layer=5, head=9, row=1, stage="scores")
    long = "A long, long film. " * 150
    lists = [["Good!"], ["Good!", "Good!"], ["", " "], ["مرحبا بالعالم", "👩\u200d👧 fine 👍🏽"],
             *([NASTY[name], NASTY[other]] for name, other in zip(SHORT[::2], SHORT[1::2])), [long, "So good."]]
    wrong = [[], ["word " * 5000], [long]*29]
    steps = [dict(texts=texts) for texts in lists + wrong]
    assert same(grid, [*steps, message(want="mask", mask="causal"), dict(texts=TEXTS)]) == []
