"""The tours of widgets: their steps as the scripts have them, and for each step a check of its claim.

A check does what its step asks for, in the widget's root (a Playwright locator), and leaves it as it was.
"""
import json, re, subprocess
from itertools import pairwise

import npm
from study_group.checkpoints import load_tokenizer
from study_group.pipeline import trace
from study_group.tokenizing.sizes import trained
from study_group.widgets.scripts import static_text

CHECKS = {"mask_bench": {}, "pipeline_strip": {}, "tokenizer_race": {}, "attention_grid": {}}
TEXTS = ["I hate it!", "Good."]  # of 6 and of 4 tokens: the second has pads
SIZES = [160, 1000, 4000]
WORDS = "Let's tokenize unbelievable honey"
SETTLED = """async e => {
    for (let n = 0; n < 3; n += e.ariaBusy === 'true' ? 0 : 1) await new Promise(go => setTimeout(go, 20));
}"""


def steps(name: str) -> list[dict]:
    "The steps of a widget's tour."
    code = re.sub("export const [a-zA-Z]+ =", "const steps =", static_text(f"tours/{name}.js"))
    code += "console.log(JSON.stringify(steps));"
    return json.loads(subprocess.run([npm.command("node"), "-e", code], capture_output=True, check=True).stdout)


def checks(name: str, title: str):
    def keep(check):
        CHECKS[name][title] = check
        return check
    return keep


def settle(root): root.evaluate(SETTLED)


def number(text: str) -> float: return float(re.sub("[≈,% ]", "", text).replace("−", "-"))


def numbers(found) -> list[float]: return [number(text) for text in found.all_inner_texts()]


def press(root, name: str):
    "Press the button that says `name`, whatever sign stands before it."
    root.locator(f"button:text-is('{name}')").click()
    settle(root)


COPY = """const pen = new OffscreenCanvas(c.width, c.height).getContext('2d', { willReadFrequently: true });
        pen.drawImage(c, 0, 0);"""  # its own may not be read often


def pixels(canvas) -> list[list[int]]:
    "Each row of pixels: r, g, b, opacity, r, …"
    return canvas.evaluate("""c => {
        COPY
        return Array.from({ length: c.height }, (_, row) => [...pen.getImageData(0, row, c.width, 1).data]);
    }""".replace("COPY", COPY))


# MaskBench

def facts(root) -> tuple[int, int, int, int, int]:
    "Rows, columns, tokens of the texts, pads, bits that are 0."
    shape, *more = root.locator(".facts dd").all_inner_texts()
    return *map(int, re.findall(r"\d+", shape)), *map(int, more)


def verdicts(root) -> list[str]: return root.locator(".row .verdict").all_inner_texts()


def fill(root, label: str, text: str):
    root.get_by_label(label, exact=True).fill(text)
    settle(root)


@checks("mask_bench", "The texts")
def _(root):
    (_, n, tokens, *_), longest = facts(root), "a word " * 10
    fill(root, "Text 2", longest)
    _, width, now, pads, _ = facts(root)
    assert width == len(load_tokenizer()(longest).input_ids) > n  # as wide as the longest
    assert pads == width - n and now == width + n                  # and the other is filled up
    fill(root, "Text 2", TEXTS[1])
    assert facts(root)[2] == tokens


@checks("mask_bench", "The batch")
def _(root):
    root.locator(".cell[data-row='0'][data-column='2']").hover()
    said = root.locator(".story").inner_text()
    assert "hate" in said and str(load_tokenizer().convert_tokens_to_ids("hate")) in said and "position 2" in said
    root.locator(".cell[tabindex='0']").focus()
    root.page.keyboard.press("ArrowRight")
    assert root.locator(".story").inner_text() != said
    rows, columns, *_ = facts(root)
    for part in ("small", ".bit"): assert root.locator(f".cell {part}").count() == rows*columns
    ids = [int(text) for text in root.locator(".cell small").all_inner_texts()]
    assert ids == load_tokenizer()(TEXTS, padding=True, return_tensors="pt").input_ids.flatten().tolist()


@checks("mask_bench", "What padding costs")
def _(root):
    before = facts(root)
    press(root, "+ Add a text")
    fill(root, "Text 3", "Yes")
    rows, width, tokens, pads, _ = facts(root)
    assert (rows, width) == (before[0] + 1, before[1]) and rows*width == tokens + pads
    assert pads - before[3] == width - 3 >= width/2  # [CLS] yes [SEP]; the rest of its row
    root.get_by_role("button", name="Remove text 3").click()
    settle(root)


@checks("mask_bench", "Two answers for each row")
def _(root):
    press(root, "correct mask")
    assert {text[-len("same as alone"):] for text in verdicts(root)} == {"same as alone"}
    here, alone = [root.locator(f".row .{line} .number").all_inner_texts() for line in ("here", "alone")]
    assert here == alone != []


@checks("mask_bench", "The forgotten mask")
def _(root):
    press(root, "no mask")
    assert verdicts(root)[0].endswith("same as alone") and "differs" in verdicts(root)[1]
    assert root.locator(".error").text_content() == ""
    press(root, "correct mask")
    assert "differs" not in "".join(verdicts(root))


@checks("mask_bench", "One bit of a pad")
def _(root):
    pad = root.locator(".cell.pad").last
    assert pad.locator(".bit").inner_text() == "0" and "repeating" in pad.locator(".chip").evaluate(
        "e => getComputedStyle(e).backgroundImage")
    for way in (pad.click, lambda: pad.press(" ")):
        way()
        settle(root)
        assert "differs" in verdicts(root)[1]
        way()
        settle(root)
        assert verdicts(root)[1].endswith("same as alone")


@checks("mask_bench", "Hide a word")
def _(root):
    word = root.locator(".cell[data-row='0'][data-column='2']")
    word.click()
    settle(root)
    assert "line-through" in word.locator(".chip").evaluate("e => getComputedStyle(e).textDecorationLine")
    here, alone = [root.locator(f".row .{line} .label").first.inner_text() for line in ("here", "alone")]
    assert verdicts(root)[0].endswith("label flipped") and here != alone
    word.click()
    settle(root)


# PipelineStrip

def slide(root, value: int):
    root.get_by_role("slider").fill(str(value))
    settle(root)


def answer(root) -> list[str]:
    "The label and the score in the line of the text that is shown."
    line = root.locator(".text[aria-current=true]")
    return [line.locator(f".answer .{part}").inner_text() for part in ("label", "score")]


def shown(root) -> list[str]: return root.locator("tbody .token").all_inner_texts()


@checks("pipeline_strip", "Texts and answers")
def _(root):
    fill(root, "Text 1", text := "A dull film")
    t = trace(text)
    best = t.probabilities[0].argmax().item()
    assert answer(root) == [t.checkpoint[0].config.id2label[best], f"{t.probabilities[0, best]:.4f}"]
    assert [token for token in shown(root) if token != "[PAD]"] == t.tokens[0]
    fill(root, "Text 1", TEXTS[0])


@checks("pipeline_strip", "Tokens")
def _(root):
    t = trace(TEXTS)
    for n, (token, piece) in enumerate(zip(t.tokens[0], t.pieces(0))):
        root.locator(f"tr[data-token='{n}'] th.token").hover()
        said = root.locator(".story").inner_text()
        assert said.startswith(token) and (f"from “{piece}”" in said) == bool(piece)
        assert piece in TEXTS[0] and bool(piece) == ("added by the tokenizer" not in said)


@checks("pipeline_strip", "Numbers for the model")
def _(root):
    ids = {}
    for row in (1, 0):
        root.locator(".text").nth(row).click()
        settle(root)
        for line in root.locator(".tokens tbody tr").all():
            token, id, mask = [line.locator(f".{name}").inner_text() for name in ("token", "id", "mask")]
            assert ids.setdefault(token, id) == id == str(load_tokenizer().convert_tokens_to_ids(token))
            assert mask == ("0" if token == "[PAD]" else "1")
    assert {"hate", "good", "[PAD]"} <= ids.keys()  # both texts were looked at


@checks("pipeline_strip", "Vectors")
def _(root):
    pictures, past = root.locator(".tokens canvas"), []
    for layer in range(7):
        slide(root, layer)
        first, second = map(pixels, pictures.all())
        assert (first == second) == (layer == 0)
        past.append(second)
    for before, after in pairwise(past): assert all(a != b for a, b in zip(before, after, strict=True))
    for value, r, b in zip(trace(TEXTS).hidden_states[0][0, 1].tolist(), past[0][1][::4], past[0][1][2::4]):
        if abs(value) > .1: assert (value > 0) == (r > b)  # orange, blue


@checks("pipeline_strip", "One token all the way")
def _(root):
    line, other = [root.locator(f"tr[data-token='{n}']") for n in (2, 4)]
    veil = lambda: other.locator(".vector").first.evaluate("e => getComputedStyle(e).backgroundColor")
    plain = veil()
    line.locator(".id").click()
    assert line.get_attribute("aria-selected") == "true" and veil() != plain
    line.press("ArrowDown")
    assert root.locator("tr[data-token='3']").get_attribute("aria-selected") == "true"
    root.locator("tr[data-token='3'] .id").click()
    root.page.mouse.move(0, 0)
    assert root.locator("[aria-selected=true]").count() == 0 and veil() == plain
    assert {states.shape[1] for states in trace(TEXTS).hidden_states} == {len(shown(root))}


@checks("pipeline_strip", "What the head reads")
def _(root):
    read, t = root.locator("tbody .read"), trace(TEXTS)
    opacity = lambda: float(read.first.evaluate("e => getComputedStyle(e).opacity"))
    assert opacity() == 1 and read.all_inner_texts()[:2] == ["→", ""]
    slide(root, 3)
    assert opacity() < .5
    slide(root, 6)
    model = t.checkpoint[0]
    alone = model.classifier(model.pre_classifier(t.hidden_states[-1][:, 0]).relu())  # nothing but those vectors
    assert (alone - t.logits).abs().max() < 1e-5


@checks("pipeline_strip", "Logits, and what becomes of them")
def _(root):
    labels = root.locator(".labels tbody")
    before = labels.inner_text()
    for layer in (0, 3, 6):
        slide(root, layer)
        assert labels.inner_text() == before
    logits, values = [numbers(labels.locator(f".{name} .number")) for name in ("logit", "value")]
    assert logits.index(max(logits)) == values.index(max(values))


@checks("pipeline_strip", "The answer")
def _(root):
    fill(root, "Text 1", "It was far from boring.")
    label, score = answer(root)
    assert [root.locator(f".verdict .{name}").inner_text() for name in ("label", "score")] == [label, score]
    assert label == "NEGATIVE" and float(score) > .9  # sure, and wrong
    fill(root, "Text 1", TEXTS[0])


# TokenizerRace

LANES = ["Word", "Character", "BPE", "WordPiece", "Unigram"]


@checks("tokenizer_race", "One text, cut in many ways")
def _(root):
    token = root.locator(".hue-2 .token").nth(4)
    token.hover()
    said = root.locator(".story").inner_text()
    assert token.get_attribute("title") in said and [name for name in LANES if name not in said] == []
    at, chars = [found.evaluate_all("all => all.map(e => e.getBoundingClientRect().left)")
                 for found in (token, root.locator(".char"))]
    assert min(abs(at[0] - char) for char in chars) < 1
    root.locator(".board").press("ArrowLeft")
    assert root.locator(".story").inner_text() != said


@checks("tokenizer_race", "Your text")
def _(root):
    fill(root, "text", "zorblquax")
    for n in range(5):
        kinds = root.locator(f".hue-{n} .token").evaluate_all("all => all.map(e => e.classList.contains('unknown'))")
        assert len(kinds) > 1 or kinds == [True]
    fill(root, "text", WORDS)


@checks("tokenizer_race", "What it costs")
def _(root):
    lanes = [numbers(root.locator(f".lane.hue-{n} .number")) for n in range(5)]
    bars = root.locator(".lane .number:nth-child(2)")
    tokens = [lane[0] for lane in lanes]
    assert [float(bar.evaluate("e => e.style.getPropertyValue('--part')")) for bar in bars.all()] == [
        n/max(tokens) for n in tokens]
    few, many = lanes[tokens.index(min(tokens))], lanes[tokens.index(max(tokens))]
    assert few[2] > many[2] or few[3] > many[3]


@checks("tokenizer_race", "Unknown tokens")
def _(root):
    root.locator(".hue-0 .unknown").first.hover()
    assert "not in the vocabulary" in root.locator(".story").inner_text()
    root.locator(".board").focus()
    root.page.keyboard.press("ArrowRight")
    assert "Word" in root.locator(".story").inner_text()
    words = trained("Word", 1000)
    assert words.encoding("zorblquax").ids == words.encoding("unbelievable").ids


@checks("tokenizer_race", "The size of the vocabulary")
def _(root):
    found = []
    for stop, size in enumerate(SIZES):
        slide(root, stop)
        root.locator(".slider output", has_text=f"{size:,}").wait_for()
        settle(root)
        found.append((root.locator(".hue-2 .token").count(), root.locator(".hue-0 .unknown").count()))
        assert max(numbers(root.locator(".lane .number:last-child"))) <= size
    for (bpe, unknown), (bpe_then, unknown_then) in pairwise(found): assert bpe_then <= bpe and unknown_then <= unknown
    assert found[0] > found[-1]
    slide(root, 1)


def curve(root, panel: int, name: str) -> list[tuple[float, float]]:
    "The points of a line, left to right, with y going up."
    root.page.wait_for_function("e => e.querySelector('.measuring').textContent === ''", arg=root.element_handle())
    points = root.locator(f".panel:nth-child({panel}) .line[data-name='{name}']").get_attribute("points")
    return [(float(x), -float(y)) for x, y in (point.split(",") for point in points.split())]


@checks("tokenizer_race", "Tokens per word")
def _(root):
    for name in LANES[2:]:
        falls = [(a[1] - b[1])/(b[0] - a[0]) for a, b in pairwise(curve(root, 1, name))]
        assert len(falls) == len(SIZES) - 1 and falls[0] > falls[-1] > 0 == sum(fall <= 0 for fall in falls)
    root.locator(".panel:nth-child(1) svg").click(position=dict(x=50, y=100))
    settle(root)
    assert root.get_by_role("slider").input_value() == "0"
    slide(root, 1)


@checks("tokenizer_race", "Unknown tokens on new texts")
def _(root):
    word, *others = [curve(root, 2, name) for name in LANES]
    for line in others:
        assert all(y > 10 + then for (_, y), (_, then) in zip(word, line, strict=True))  # in pixels


# AttentionGrid

def drawn(canvas) -> str: return canvas.evaluate("c => c.toDataURL()")


def point(root, row: int, column: int):
    "Move the pointer to a cell of the heatmap."
    heat = root.locator(".heat")
    left, top, cell = map(float, heat.get_attribute("data-places").split())
    heat.hover(position=dict(x=left + (column + .5)*cell, y=top + (row + .5)*cell))
    root.page.wait_for_timeout(150)  # exact numbers come a moment later


def weights(root, side: str = "out") -> dict[int, float]:
    "The list of what a token looks at: position → weight, the largest first."
    lists = root.locator(f".story .{side} li")
    return dict(zip(map(int, lists.locator("small").all_inner_texts()), numbers(lists.locator(".value"))))


def opacity(root, row: int, column: int) -> int:
    "How opaque a cell is, away from the line that strikes it."
    left, top, cell = map(float, root.locator(".heat").get_attribute("data-places").split())
    return root.locator(".heat canvas").evaluate("""(c, [x, y]) => {
        COPY
        const scale = c.width / c.clientWidth;
        return pen.getImageData(x * scale, y * scale, 1, 1).data[3];
    }""".replace("COPY", COPY), [left + (column + .5)*cell + 3, top + (row + .5)*cell + 4])


def rest(root):
    root.page.mouse.move(0, 0)
    settle(root)


def opened(root, layer: int, head: int):
    root.locator(f".thumb[data-at='{layer} {head}']").click()
    root.page.wait_for_selector(f"[data-shows$=' {layer} 0 {head}']:not([data-shows^='…'])")


@checks("attention_grid", "All heads")
def _(root):
    heat = root.locator(".heat canvas")
    opened(root, 2, 3)
    before = drawn(heat)
    assert root.locator(".title").first.inner_text() == "Layer 2, head 3"
    root.locator(".thumb[data-at='2 3']").press("ArrowDown")
    settle(root)
    assert root.locator(".title").first.inner_text() == "Layer 3, head 3" and drawn(heat) != before
    assert root.locator(".thumb").count() == 6*12


@checks("attention_grid", "One head")
def _(root):
    opened(root, 5, 9)
    point(root, 2, 4)
    found = weights(root)
    assert len(found) == 6 and abs(sum(found.values()) - 1) < .02
    assert abs(number(root.locator(".readout .number").inner_text()) - found[4]) < .001
    rest(root)
    seen = [opacity(root, 2, column) for column in found]  # the largest first
    assert seen == sorted(seen, reverse=True) and seen[0] > seen[-1]


@checks("attention_grid", "The same head as lines")
def _(root):
    lines = root.locator(".lines")
    width, step = lines.evaluate("e => e.clientWidth"), 22
    room = min(92, width*.3) + 4

    def gaps(row: int, column: int) -> float:
        "The share of a line on which nothing is drawn."
        return lines.locator("canvas").evaluate("""(c, [from, to, left, right]) => {
            COPY
            const scale = c.width / c.clientWidth;
            const way = Array.from({ length: 100 }, (_, n) => (n + .5) / 100);
            return way.filter(part => pen.getImageData((left + (right - left) * part) * scale,
                (from + (to - from) * part) * scale, 1, 1).data[3] === 0).length / 100;
        }""".replace("COPY", COPY), [(row + .5)*step, (column + .5)*step, room, width - room])

    lines.hover(position=dict(x=20, y=2.5*step))
    root.page.wait_for_timeout(150)
    out, into = weights(root), weights(root, "in")
    assert gaps(2, next(iter(out))) == 0                      # its own, to where it looks most
    other = next(q for q in into if q != 2)
    assert .1 < gaps(other, 2) < .9                           # dashed, to it
    mine = drawn(lines.locator("canvas"))
    rest(root)
    assert drawn(lines.locator("canvas")) != mine


@checks("attention_grid", "Three stages")
def _(root):
    look = lambda row: root.get_by_label(f"Text of row {row}", exact=True).click()
    look(1)
    settle(root)
    press(root, "scores")
    point(root, 1, 2)
    assert root.locator(".ends").inner_text().startswith("−") and min(weights(root).values()) < 0
    press(root, "scores + mask")
    point(root, 1, 5)  # a pad
    assert "−∞" in root.locator(".readout").inner_text()
    press(root, "softmax")
    point(root, 1, 5)
    assert number(root.locator(".readout .number").inner_text()) == 0
    found = weights(root).values()
    assert min(found) >= 0 and max(found) <= 1 and abs(sum(found) - 1) < .02
    look(0)
    rest(root)


@checks("attention_grid", "Who may look at whom")
def _(root):
    press(root, "causal")
    root.page.wait_for_selector("[data-shows*=' causal ']")
    for row in range(6):
        point(root, row, 5)
        found = weights(root)
        assert all(value == 0 for column, value in found.items() if column > row) and abs(sum(found.values()) - 1) < .01
        assert ("(masked)" in root.locator(".readout").inner_text()) == (row < 5)
    press(root, "padding")
    rest(root)


@checks("attention_grid", "Without special tokens")
def _(root):
    opened(root, 5, 9)
    point(root, 2, 3)
    before = weights(root)
    root.get_by_role("checkbox", name="special tokens").uncheck()
    settle(root)
    point(root, 1, 2)  # the same tokens, as [CLS] has gone
    after = weights(root)
    assert all(abs(after[k] - before[k]) < .001 for k in after) and before.keys() - after.keys() == {0, 5}
    part = float(re.search(r"\(([\d.]+) of 1 is shown\)", root.locator(".out h5").inner_text())[1])
    assert part < 1 and abs(part + before[0] + before[5] - 1) < .02
    root.get_by_role("checkbox", name="special tokens").check()
    rest(root)


@checks("attention_grid", "What attention doesn't tell")
def _(root):
    found = []
    point(root, 2, 3)
    root.page.mouse.down()
    root.page.mouse.up()
    rest(root)
    for head in (1, 4, 9):
        opened(root, 5, head)
        root.page.wait_for_timeout(150)
        found.append(weights(root))
    assert len({str(one) for one in found}) == 3
