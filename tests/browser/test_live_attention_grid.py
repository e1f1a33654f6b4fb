"The attention grid in a live page: the same texts, masks, heads and numbers as with Python."
import struct
from base64 import b64decode

import pytest
from nasty import NASTY, SHORT
from replay import PAGE, differences, message, recorded

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]


def questions(query: int, key: int, stages: list[str], row: int = 0, layers: tuple[int, ...] = (5,)) -> list[dict]:
    "What the script may ask of text `row`."
    asked = dict(kind="weights" if "softmax" in stages else "scores", row=row)
    return [*(message(want="overview", stage=stage, row=row) for stage in stages),
            *(message(want="heads", **asked, layer=layer, first=0) for layer in layers),
            *(message(want="exact", **asked, layer=layer, head=7, query=query, key=key) for layer in layers)]


def answer(step: dict, asked: dict) -> list:
    "What was answered to the question `asked`: the widget's own script asks too. Exact numbers as floats."
    want = asked.get("message", {})
    rest = {name: value for name, value in want.items() if name not in ("want", "version")}
    for said, buffers in step["heard"]:
        if said["what"] != want.get("want") or said["asked"] != rest: continue
        said.pop("version", None)  # these questions say none
        if said["what"] not in ("exact", "vectors"): return [said, buffers]
        data = b64decode(buffers[0]["base64"])
        if said["what"] == "vectors":
            n = next(n for n in range(1, 513) if 8*n*said["width"] + -(-n*n//8) == len(data))
            floats, bits = data[:8*n*said["width"]], data[8*n*said["width"]:]
            return [said, [*struct.unpack(f"<{len(floats)//4}f", floats)], bits.hex()]
        return [said, [*struct.unpack(f"<{len(data)//4}f", data)]]
    assert not want, f"{want} wasn't answered"
    return []


LONG = "A long, long film. "*150


@pytest.fixture
def same(live):
    "Where Python and a live page differ; bytes may be one more or less."
    def same(grid, steps):
        live.open(grid)
        grid._start = []  # a page asks anew
        here, there = recorded(grid, steps), live.page.evaluate(PAGE, [steps, grid.page_traits()])
        for step in (*here, *there):  # these are Python's alone, but for what the page was saved with
            for name in ("layers", "effect"): step["traits"].get("_view", {}).pop(name, None)
        return [d for n, (asked, *pair) in enumerate(zip(steps, here, there)) for d in (
            *differences(*(step["traits"] for step in pair), f"step {n} {asked}"),
            *differences(*(answer(step, asked) for step in pair), f"step {n} {asked}", ("step",)))]
    return same


def test_masks_and_numbers(same):
    from study_group.attention import AttentionGrid
    steps = [*questions(3, 14, ["softmax"], layers=range(6)), *questions(12, 7, ["scores", "masked"], 1)]
    for mask in ("causal", "both", "none", "padding"):
        steps += [message(want="mask", mask=mask), *questions(15, 1, ["softmax"], 1), *questions(9, 9, ["masked"])]
    assert same(AttentionGrid(TEXTS, row=1), steps) == []


def test_queries_and_keys(same):
    from study_group.attention import AttentionGrid
    steps = [message(want="vectors", row=row, layer=layer, head=head) for row, layer, head in
             ((0, 0, 0), (0, 5, 11), (1, 3, 9))]
    other = [dict(texts=["Not bad at all!"]), message(want="mask", mask="causal")]
    assert same(AttentionGrid(TEXTS), [*steps, *other, message(want="vectors", row=0, layer=1, head=6)]) == []


def test_texts(same):
    from study_group.attention import AttentionGrid
    lists = [["Good!"], ["Good!", "Good!"], ["", " "], ["مرحبا بالعالم", "👩\u200d👧 fine 👍🏽"],
             *([NASTY[name] for name in SHORT[n::5]] for n in range(5))]
    wrong = [[], ["word "*5000], [LONG]*29]
    steps = [*(dict(texts=texts) for texts in lists + wrong), message(want="mask", mask="causal"), dict(texts=TEXTS)]
    assert same(AttentionGrid(TEXTS, layer=5, head=9, row=1, stage="scores"), steps) == []


def test_numbers_of_a_long_text(same):
    from study_group.attention import AttentionGrid
    steps = [dict(texts=[LONG]), *questions(511, 300, ["softmax"]),
             dict(texts=["so "*170]), *(step for layer in (1, 3) for step in questions(150, 3, [], layers=[layer]))]
    assert same(AttentionGrid("So good!", layer=5), steps) == []


def test_typed_in_the_page(live):
    from study_group.attention import AttentionGrid, attention_maps
    page, text = live.page, "I love this film, so naïve 👍🏽."
    path, html = live.folder / "page.html", AttentionGrid(TEXTS, row=1).fragment(live.engine)
    path.write_text(f'<!doctype html><meta charset="utf-8">{html}', encoding="utf-8")
    page.goto(path.as_uri())
    box, button = page.get_by_label("Text of row 0"), lambda name: page.get_by_role("button", name=name, exact=True)
    assert box.get_attribute("readonly") is not None and button("causal").count() == 0
    page.get_by_text("The query and the key aren't in this page").wait_for()
    box.click()
    page.wait_for_selector(".attention-grid[data-shows='softmax padding 0 0 0']")
    page.get_by_role("button", name="Run the model").click()
    page.locator(".offline", has_text="This page answers without Python").wait_for()
    button("causal").click()
    page.wait_for_selector(".attention-grid[data-shows='softmax causal 0 0 0']")
    assert button("Save as HTML").count() == 0
    box.fill(text)
    page.wait_for_function("() => document.querySelector('[data-page]').study.get('_view').tokens[0][3] === 'this'")
    page.wait_for_selector(".attention-grid[aria-busy=false]")
    page.locator(".heat").focus()
    for key in ("ArrowDown",)*4: page.keyboard.press(key)
    number = attention_maps(text, mask="causal").weights[0, 0, 0, 4, 0].item()
    page.locator(".readout", has_text=f"film4 → [CLS]0{number:.6f}").wait_for()
    page.get_by_text("The query and the key aren't in this page").wait_for(state="detached")
    page.keyboard.press("Enter")
    page.locator(".products", has_text="Query of film 4, key of [CLS] 0").wait_for()
    assert page.locator(".products .steps b").last.text_content() == f"{number:.4f}"
    box.fill("so "*5000)
    page.locator(".error", has_text="A text has 5,002 tokens, more than 4,096").wait_for()
    assert page.locator(".readout").inner_text().startswith("film4")
    page.set_viewport_size(dict(width=400, height=900))
    assert page.evaluate("() => document.documentElement.scrollWidth <= 400")
    page.set_viewport_size(dict(width=1200, height=900))
