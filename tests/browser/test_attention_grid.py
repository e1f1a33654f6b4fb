"""The attention grid in a real JupyterLab and as a page of its own: seen, pointed at, walked along, at any size."""
import json

import pytest
from driver import still
from playwright.sync_api import Error

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]
SETUP = """
import torch
from dataclasses import replace
from study_group.attention import attention_maps
from study_group.widgets.attention_grid import *
"""
BIG = """
torch.manual_seed(0)
weights = (torch.randn(12, 1, 12, 512, 512)*2).softmax(-1)
maps = replace(attention_maps("so "*510), weights=weights)
"""


@pytest.fixture
def show(lab):
    "Show a grid made by this code, and wait until all of it is there; its page."
    def show(code=f"maps = attention_maps({TEXTS!r}, scores=True)\ngrid = AttentionGrid(maps, layer=3, head=5, row=1)"):
        lab.show(f"{SETUP}{code}\ngrid", ".attention-grid")
        lab.settled()
        return lab
    yield show
    lab.page.set_viewport_size(dict(width=1400, height=1000))


@pytest.fixture
def saved(saved_grid):
    "Open the grid of these maps as a page of its own; the page."
    from study_group.widgets.attention_grid import AttentionGrid
    return lambda maps, **where: saved_grid(AttentionGrid(maps, **where))


def shows(page, what: str):
    "Wait until the grid shows `what`: stage, mask, layer, row, head."
    page.wait_for_selector(f".attention-grid[data-shows='{what}']")


def says(page, words: str, at: str = ".readout"):
    "Wait until the part of the grid that the selector `at` finds says `words`."
    found = "([at, words]) => document.querySelector(`.attention-grid ${at}`).textContent.includes(words)"
    try: page.wait_for_function(found, arg=[at, words], timeout=20_000)
    except Error: assert words in page.locator(f".attention-grid {at}").text_content()


def place(page, row: int, column: int) -> tuple[float, float]:
    "Where the middle of a cell is in the heatmap, in CSS pixels."
    left, top, cell = map(float, page.locator(".attention-grid .heat").get_attribute("data-places").split())
    return left + (column + .5)*cell, top + (row + .5)*cell


def point(page, row: int, column: int):
    "Move the pointer to a cell of the heatmap."
    page.locator(".attention-grid .heat").scroll_into_view_if_needed()
    box, (x, y) = page.locator(".attention-grid .heat").bounding_box(), place(page, row, column)
    page.mouse.move(box["x"] + x, box["y"] + y)


def alphas(page, row: int, column: int, dx: float = 3, dy: float = 4, size: int = 1) -> list[int]:
    "How opaque the heatmap is at (dx, dy) from the middle of a cell."
    x, y = place(page, row, column)
    return page.evaluate("""([x, y, size]) => {
        const canvas = document.querySelector('.attention-grid .heat canvas');
        const scale = canvas.width / canvas.clientWidth;
        const data = canvas.getContext('2d').getImageData(x * scale, y * scale, size, size).data;
        return Array.from({length: size * size}, (_, n) => data[4 * n + 3]);
    }""", [x + dx, y + dy, size])


def test_shows_all_heads_and_one_of_them_large(show):
    lab = show()
    page = lab.page
    shows(page, "softmax padding 3 1 5")
    assert page.locator(".attention-grid .thumb").count() == 72
    assert lab.texts(".title") == ["Layer 3, head 5"] and lab.texts(".code") == ["maps.weights[3, 1, 5]"]
    weights = lab.ask("maps.weights[3, 1, 5].tolist()")
    for row, column in ((0, 0), (2, 0), (2, 5), (7, 3)):
        assert abs(alphas(page, row, column)[0] - 255*weights[row][column]**.5) < 1.6
    thumb = page.locator(".attention-grid .thumb[data-at='3 5'] canvas").evaluate(
        "c => [c.width, [...c.getContext('2d').getImageData(0, 0, 16, 1).data].filter((_, n) => n % 4 === 3)]")
    assert thumb == [16, lab.ask("weights_to_bytes(maps.weights[3, 1, 5, 0]).tolist()")]
    masked = alphas(page, 2, 10, -8, -8, 16)
    assert 0 in masked and max(masked) > 60  # hatched and struck, not blank and not filled
    assert lab.texts(".legend li")[1:] == ["pad", "masked: weight 0"]
    assert "Attention is not explanation" in lab.texts(".caveat")[0]
    lab.python("grid.layer, grid.head, grid.row = 0, 2, 0")
    shows(page, "softmax padding 0 0 2")
    assert lab.texts(".legend li")[1:] == []  # no pad, so nothing is masked
    page.select_option(".attention-grid .rows", label="row 1: I hate this so much!")
    lab.until("grid.row == 1")
    page.locator(".attention-grid .thumb[data-at='5 11']").click()
    shows(page, "softmax padding 5 1 11")
    lab.until("(grid.layer, grid.head) == (5, 11)")


def test_pointing_tells_exact_numbers(show):
    lab = show()
    weights = lab.ask("maps.weights[3, 1, 5].tolist()")
    point(lab.page, 2, 5)
    says(lab.page, f"{weights[2][5]:.6f}")
    assert lab.texts(".readout") == [f"hate2 → much5{weights[2][5]:.6f}"]
    out = sorted(range(16), key=lambda k: -weights[2][k])[:6]
    assert lab.texts(".out li .value") == [f"{weights[2][k]:.4f}" for k in out]
    assert [int(n) for n in lab.texts(".out li small")] == out
    into = sorted(range(16), key=lambda q: -weights[q][5])[:6]
    assert lab.texts(".in li .value") == [f"{weights[q][5]:.4f}" for q in into]
    assert lab.texts("h5") == ["hate looks at", "much is looked at by"]
    point(lab.page, 3, 12)
    says(lab.page, "0.000000 (masked)")
    lines = lab.page.locator(".attention-grid .lines").bounding_box()
    lab.page.mouse.move(lines["x"] + 20, lines["y"] + lines["height"]*4.5/16)
    says(lab.page, f"so4 → so4{weights[4][4]:.6f}")
    lab.page.mouse.move(0, 0)
    says(lab.page, "arrow keys")


def test_stages_and_masks(show):
    lab = show()
    page, button = lab.page, lambda name: lab.page.get_by_role("button", name=name, exact=True)
    button("scores").click()
    shows(page, "scores padding 3 1 5")
    lab.until("grid.stage == 'scores'")
    scores = lab.ask("maps.scores[3, 1, 5].tolist()")
    most = max(abs(x) for row in scores for x in row)
    assert abs(alphas(page, 2, 0)[0] - 255*abs(scores[2][0])/most) < 2.5
    point(page, 2, 12)
    says(page, f"{scores[2][12]:.6f}".replace("-", "−"))
    assert page.locator(".attention-grid .silent").is_visible()
    assert lab.texts(".ends") == [f"−{most:.1f}\n0\n{most:.1f}"]
    button("scores + mask").click()
    shows(page, "masked padding 3 1 5")
    point(page, 2, 12)
    says(page, "−∞ (masked)")
    assert lab.texts(".legend li")[1:] == ["pad", "masked: −∞"]
    button("softmax").click()
    button("causal").click()
    shows(page, "softmax causal 3 1 5")
    assert lab.ask("grid.mask") == "causal"
    assert lab.texts(".choice [aria-pressed=true]") == ["maps", "softmax", "causal"]
    assert alphas(page, 1, 5, 3, -6) == [0] and max(alphas(page, 1, 5, 0, -2, 4)) > 100  # a line, and nothing else
    weights = lab.ask("grid.maps.weights[3, 1, 5, 4].tolist()")
    point(page, 4, 2)
    says(page, f"{weights[2]:.6f}")
    lab.python("grid.mask = 'none'")
    shows(page, "softmax none 3 1 5")
    lab.python("grid = AttentionGrid(replace(maps, _checkpoint=None, scores=None))")
    lab.show("grid", ".attention-grid")
    assert button("scores").is_disabled()
    button("both").click()
    says(page, "These maps have no model", ".error")
    assert lab.texts(".choice [aria-pressed=true]") == ["maps", "softmax", "padding"]


def test_tokens_can_be_left_out_and_pairs_told_apart(show):
    lab = show()
    page = lab.page
    page.get_by_label("special tokens").uncheck()
    page.get_by_label("pads").uncheck()
    point(page, 1, 4)  # hate → much, of six words
    weights = lab.ask("maps.weights[3, 1, 5].tolist()")
    says(page, f"hate2 → much5{weights[2][5]:.6f}")
    shown = sum(weights[2][1:7])
    assert lab.texts(".out h5") == [f"hate looks at ({shown:.2f} of 1 is shown)"]
    lab = show("grid = AttentionGrid([('I love this.', 'So do I!'), 'alone'])")
    page.locator(".attention-grid .pairs").select_option("0 1")
    shows(page, "softmax padding 0 0 0")
    point(page, 2, 1)  # the third of A, the second of B
    says(page, "love2 → do7")
    page.get_by_label("Text of row 1").focus()
    shows(page, "softmax padding 0 1 0")
    assert page.locator(".attention-grid .pairs").is_hidden()


def test_texts_are_typed(show):
    lab = show(f"grid = AttentionGrid({TEXTS!r}, layer=5, head=9, stage='scores')\ngrid.mask = 'causal'")
    page, first = lab.page, lab.page.get_by_label("Text of row 0")
    assert page.locator(".attention-grid .rows").count() == 0
    page.get_by_label("Text of row 1").click()
    shows(page, "scores causal 5 1 9")
    first.fill("Good, no?")
    shows(page, "scores causal 5 0 9")
    lab.until(f"grid.texts == ['Good, no?', {TEXTS[1]!r}]")
    lab.settled()
    score = lab.ask("attention_maps(grid.texts, scores=True, mask='causal').scores[5, 0, 9, 3, 1].item()")
    point(page, 3, 1)
    says(page, f"no3 → good1{score:.6f}".replace("-", "−"))
    assert lab.texts(".text[aria-current=true] .number") == ["0"]
    first.fill("so "*5000)
    says(page, "A text has 5,002 tokens, more than 4,096", ".error")
    assert page.get_by_label("Text of row 0").get_attribute("aria-invalid") == "true"
    assert lab.ask("grid.maps.texts[0]") == "Good, no?" and lab.texts(".readout")[0].startswith("no3 → good1")
    first.fill("so "*600)
    says(page, "90 tokens cut off", ".note")
    assert lab.texts(".error") == [""]
    heads, box = (page.locator(f".attention-grid .{part}").bounding_box() for part in ("thumbs", "texts"))
    assert box["height"] <= 106 and heads["y"] - box["y"] < 260  # however long the texts are
    lab.python("grid.texts = [('Is it?', 'It is.'), 'Yes.']")
    shows(page, "scores causal 5 0 9")
    page.get_by_label("Text of row 0, sentence B").fill("It never was.")
    lab.until("grid.texts == [('Is it?', 'It never was.'), 'Yes.']")
    lab.settled()
    page.locator(".attention-grid .pairs").select_option("0 1")
    point(page, 1, 1)
    says(page, "is1 → never6")


def test_by_keyboard(show):
    lab = show()
    page, press = lab.page, lab.page.keyboard.press
    page.locator(".attention-grid .rows").focus()
    ring = []
    for _ in range(14):
        ring.append(page.evaluate("() => [document.activeElement.className, "
                                  "getComputedStyle(document.activeElement).outlineStyle]"))
        if "heat" in ring[-1][0]: break
        press("Tab")
    assert [name for name, _ in ring].count("thumb") == 1 and all(style != "none" for _, style in ring)
    page.locator(".attention-grid .thumb[tabindex='0']").focus()
    for key, at in (("ArrowRight", "3 6"), ("ArrowUp", "2 6"), ("End", "2 11"), ("ArrowRight", "2 11"),
                    ("Home", "2 0")):
        press(key)
        layer, head = at.split()
        shows(page, f"softmax padding {layer} 1 {head}")
        assert page.evaluate("() => document.activeElement.dataset.at") == at
    page.locator(".attention-grid .heat").focus()
    weights = lab.ask("maps.weights[2, 1, 0].tolist()")
    for key, (q, k) in (("ArrowDown", (1, 0)), ("ArrowRight", (1, 1)), ("End", (1, 15)), ("Home", (1, 0)),
                        ("PageDown", (11, 0)), ("PageUp", (1, 0)), ("ArrowLeft", (1, 0))):
        press(key)
        says(page, f"{weights[q][k]:.6f}")
    says(page, f"i1 → [CLS]0{weights[1][0]:.6f}", "[role=status]")
    press("Escape")
    says(page, "arrow keys")
    assert lab.ask("(grid.layer, grid.head)") == [2, 0]  # and no key reached JupyterLab: the cell is still there


def test_what_is_wrong_changes_nothing(show):
    lab = show()
    states = [{"layer": "x"}, {"layer": 99}, {"head": None}, {"row": [1]}, {"stage": 3}, {"stage": "soft"},
              {"error": 3}, {"targets": 3}, {"targets": ["So."]}]
    questions = None, {"want": 3}, {"want": "heads"}, {"want": "mask", "mask": 1}
    lab.forge("grid", states, questions)
    assert lab.ask("[grid.layer, grid.head, grid.row, grid.stage, grid.mask]") == [3, 5, 1, "softmax", "padding"]
    lab.page.locator(".attention-grid .thumb[data-at='1 1']").click()
    shows(lab.page, "softmax padding 1 1 1")
    lab.log.clear()  # the page hears what was sent in its name, and complains


EVIL = "<img src=x onerror=\"document.title='gone'\"></script><script>document.title='gone'</script>"


def test_tokens_and_texts_stay_text(show, saved):
    from dataclasses import replace
    from study_group.attention import attention_maps
    lab = show(f"maps = attention_maps([{EVIL!r}, '\u202e مرحبا \x07'])\n"
               f"grid = AttentionGrid(replace(maps, tokens=[[{EVIL!r}]*maps.n_tokens]*2))")
    point(lab.page, 3, 3)
    says(lab.page, "<img src=x")
    assert lab.page.locator(".attention-grid :is(img, script)").count() == 0 and lab.page.title() != "gone"
    maps = attention_maps([EVIL])
    page = saved(replace(maps, tokens=[[EVIL]*maps.n_tokens]))
    point(page, 3, 3)
    says(page, "<img src=x")
    assert page.title() == "AttentionGrid" and page.locator("img:not([src^='data:'])").count() == 0


def test_512_tokens_and_running_again(show):
    lab = show(BIG + "grid = AttentionGrid(maps)")
    page = lab.page
    shows(page, "softmax padding 0 0 0")
    for layer, head in ((0, 5), (1, 7), (11, 11)):
        page.locator(f".attention-grid .thumb[data-at='{layer} {head}']").evaluate("thumb => thumb.click()")
        shows(page, f"softmax padding {layer} 0 {head}")
    page.locator(".attention-grid .heat").focus()
    for key in ("+", "+", "+", "+", "+", "End", "PageDown"): page.keyboard.press(key)
    says(page, lab.ask("f'{weights[11, 0, 11, 10, 511]:.6f}'"))
    row = lab.ask("maps.weights[11, 0, 11, 10].tolist()")
    assert lab.texts(".out li .value")[0] == f"{max(row):.4f}"

    def again():
        for _ in range(5): lab.show("grid = AttentionGrid(maps)\ngrid", ".attention-grid"), lab.settled()
    assert lab.growth(again) < 15  # the weights are 150 MB


def test_a_saved_page_needs_nothing_else(saved):
    from study_group.attention import attention_maps
    maps = attention_maps(TEXTS, scores=True)
    page = saved(maps, layer=3, head=5, row=1)
    shows(page, "softmax padding 3 1 5")
    point(page, 2, 5)
    says(page, "≈")
    words = page.locator(".attention-grid .readout").inner_text()
    assert abs(float(words.split("≈")[1]) - maps.weights[3, 1, 5, 2, 5]) < .0045
    assert page.locator(".attention-grid .mask").count() == 0 and page.get_by_role("button", name="HTML").count() == 0
    for layer in (0, 5):
        page.locator(f".attention-grid .thumb[data-at='{layer} 7']").click()
        shows(page, f"softmax padding {layer} 1 7")
        assert abs(alphas(page, 1, 0)[0] - 255*maps.weights[layer, 1, 7, 1, 0]**.5) < 1.6
    page.get_by_role("button", name="scores + mask").click()
    shows(page, "masked padding 5 1 7")
    with page.expect_download() as download: page.get_by_role("button", name="Save as PNG").click()
    from PIL import Image
    image = Image.open(download.value.path())
    assert download.value.suggested_filename == "attention-masked-layer5-head7.png" and min(image.size) > 700
    light = page.locator(".attention-grid").evaluate("e => getComputedStyle(e).color")
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector(".attention-grid[data-theme=dark]")
    assert page.locator(".attention-grid").evaluate("e => getComputedStyle(e).color") != light
    page.set_viewport_size(dict(width=400, height=900))
    assert page.evaluate("() => document.documentElement.scrollWidth <= 400")


def test_saved_from_the_notebook(show):
    lab = show()
    with lab.page.expect_download() as download: lab.page.get_by_role("button", name="Save as HTML").click()
    page = download.value.path().read_text(encoding="utf-8")
    says(lab.page, "Saved as HTML.", "[role=status]")
    assert page.startswith("<!doctype html>") and json.dumps(TEXTS[0])[1:-1] in page
    lab.settled()


def test_in_the_dark_in_little_room_and_without_the_kernel(show):
    lab = show()
    twin, live = lab.outputs()[-1]
    html, plain = "".join(twin["data"]["text/html"]), "".join(twin["data"]["text/plain"])
    assert html.count("<img") == 2 and "[PAD]" in html and len(html) < 60_000 and "maps.weights[3, 1, 5]" in plain
    lab.page.wait_for_function("() => document.querySelector('[id^=study-]').style.display === 'none'")
    light = alphas(lab.page, 2, 0, size=1)
    lab.dark()
    lab.page.wait_for_selector(".attention-grid[data-theme=dark]")
    assert alphas(lab.page, 2, 0, size=1) == light
    lab.page.set_viewport_size(dict(width=420, height=1000))
    still(lab.page)
    root = lab.page.locator(".attention-grid")
    assert root.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    point(lab.page, 2, 0)
    says(lab.page, "hate2 → [CLS]0")
    heads, one, story = (lab.page.locator(f".attention-grid .{part}").bounding_box()
                         for part in ("overview", "open", "story"))
    assert heads["y"] + heads["height"] <= one["y"] and one["y"] + one["height"] <= story["y"]


# two sides of different lengths

CROSSED = """
import torch
from transformers import T5Config, T5ForConditionalGeneration
from study_group.attention import attention_maps
from study_group.checkpoints import load_tokenizer
from study_group.widgets.attention_grid import AttentionGrid
torch.manual_seed(0)
config = T5Config(vocab_size=30_522, d_model=32, d_kv=8, d_ff=32, num_layers=2, num_decoder_layers=3, num_heads=4,
                  decoder_start_token_id=0)
model = T5ForConditionalGeneration(config).eval()
with torch.no_grad():
    for p in model.parameters():
        if p.ndim > 1: p.normal_(std=.15)
checkpoint = model, load_tokenizer()
texts, targets = ["I hate this so much, my friend!", "So good!"], ["Das ist sehr schlimm.", "Wie gut!"]
given = dict(which="cross", targets=targets)
maps = attention_maps(texts, checkpoint, scores=True, **given)
"""


@pytest.fixture
def crossed(lab):
    "Show a grid of these texts, the decoder's look at the encoder, and wait until all of it is there."
    lab.show(f"{CROSSED}grid = AttentionGrid(texts, checkpoint, layer=2, head=1, **given)\ngrid", ".attention-grid")
    lab.settled()
    yield lab
    lab.page.set_viewport_size(dict(width=1400, height=1000))


def tokens(lab, side: str, row: int = 0): return lab.ask(f"maps.{side}.tokens[{row}]")


def test_rows_and_columns_are_of_two_texts(crossed):
    lab, page = crossed, crossed.page
    shows(page, "softmax padding 2 0 1")
    assert "of the decoder looking at the encoder" in lab.texts(".note")[0]
    weights, looks, looked = lab.ask("maps.weights[2, 0, 1].tolist()"), tokens(lab, "queries"), tokens(lab, "keys")
    assert (len(looks), len(looked)) == (len(weights), len(weights[0])) and len(looks) != len(looked)
    for q, k in ((0, 0), (1, 7), (len(looks) - 1, 2), (3, len(looked) - 1)):
        assert abs(alphas(page, q, k)[0] - 255*weights[q][k]**.5) < 1.6
        point(page, q, k)
        says(page, f"{weights[q][k]:.6f}")
        assert lab.texts(".readout")[0].startswith(f"{looks[q]}{q} → {looked[k]}{k}")
    q, k = 3, len(looked) - 1
    out = sorted(range(len(looked)), key=lambda k: -weights[q][k])[:6]
    assert [int(n) for n in lab.texts(".out li small")] == out
    assert lab.texts(".out li .token") == [looked[k] for k in out]
    into = sorted(range(len(looks)), key=lambda q: -weights[q][k])[:6]
    assert [int(n) for n in lab.texts(".in li small")] == into
    assert lab.texts(".in li .token") == [looks[q] for q in into]
    thumb = page.locator(".attention-grid .thumb[data-at='2 1'] canvas").evaluate("c => [c.width, c.height]")
    assert thumb == [len(looked), len(looks)]


def test_a_token_of_one_side_is_of_one_side(crossed):
    lab, page = crossed, crossed.page
    weights, looks, looked = lab.ask("maps.weights[2, 0, 1].tolist()"), tokens(lab, "queries"), tokens(lab, "keys")
    page.locator(".attention-grid .lines").scroll_into_view_if_needed()
    lines = page.locator(".attention-grid .lines").bounding_box()
    steps = page.locator(".attention-grid .lines canvas").evaluate("c => c.clientHeight")/max(len(looks), len(looked))
    page.mouse.move(lines["x"] + 20, lines["y"] + steps*2.5)
    page.wait_for_selector(".attention-grid .out h5")
    assert lab.texts("h5") == [f"{looks[2]} looks at"] and lab.texts(".readout") == [f"{looks[2]}2 looks"]
    best = max(weights[2])
    says(page, f"{best:.4f}", ".out li .value")
    page.mouse.move(lines["x"] + lines["width"] - 20, lines["y"] + steps*(len(looked) - .5))
    page.wait_for_selector(".attention-grid .in h5")
    assert lab.texts("h5") == [f"{looked[-1]} is looked at by"]
    says(page, f"{max(line[-1] for line in weights):.4f}", ".in li .value")
    assert lab.texts(".readout") == [f"{looked[-1]}{len(looked) - 1} is looked at"]
    assert page.locator(".attention-grid .lines").bounding_box() == lines  # nothing moves under the pointer


def test_by_keyboard_to_the_last_corner(crossed):
    lab, page = crossed, crossed.page
    looks, looked = tokens(lab, "queries"), tokens(lab, "keys")
    page.locator(".attention-grid .heat").focus()
    page.keyboard.press("Control+End")
    for _ in range(30): page.keyboard.press("ArrowDown")
    for _ in range(30): page.keyboard.press("ArrowRight")
    says(page, f"{looks[-1]}{len(looks) - 1} → {looked[-1]}{len(looked) - 1}")


def test_stages_masks_and_parts_are_chosen(crossed):
    lab, page = crossed, crossed.page
    assert lab.texts('[aria-label="Mask"] button') == ["padding", "none"]
    page.get_by_role("button", name="scores", exact=True).click()
    shows(page, "scores padding 2 0 1")
    lab.settled()
    score = lab.ask("maps.scores[2, 0, 1, 1, 2].item()")
    point(page, 1, 2)
    says(page, f"{score:.6f}".replace("-", "−"))
    page.get_by_role("button", name="none", exact=True).click()
    shows(page, "scores none 2 0 1")
    page.get_by_label("Attention of").select_option("decoder")
    lab.until("grid.which == 'decoder'")
    shows(page, "scores both 2 0 1")
    lab.settled()
    assert "of the decoder alone" in lab.texts(".note")[0]
    page.get_by_role("button", name="softmax").click()
    shows(page, "softmax both 2 0 1")
    lab.settled()
    own = lab.ask("attention_maps(texts, checkpoint, which='decoder', targets=targets).weights[2, 0, 1].tolist()")
    assert abs(alphas(page, 3, 1)[0] - 255*own[3][1]**.5) < 1.6
    page.get_by_label("Attention of").select_option("encoder")
    shows(page, "softmax padding 1 0 1")  # it has two layers
    lab.settled()
    page.get_by_label("Text of row 1").fill("So very good!")
    lab.until("grid.texts[1] == 'So very good!' and grid.maps.texts[1] == 'So very good!'")


def target(lab, row: int): return lab.page.get_by_label(f"Target of row {row}")


def targets(lab, n: int) -> list[str]: return [target(lab, row).input_value() for row in range(n)]


def test_what_the_decoder_reads_is_typed(crossed):
    lab, page = crossed, crossed.page
    writes = page.get_by_label("let the model write it")
    assert targets(lab, 2) == lab.ask("targets") and not writes.is_checked()
    assert lab.texts(".about") == ["The encoder reads", "The decoder reads\nlet the model write it"]
    target(lab, 1).click()
    shows(page, "softmax padding 2 1 1")
    target(lab, 1).fill("Sehr, sehr gut!")
    lab.until("grid._view['reads'] == grid.targets == [targets[0], 'Sehr, sehr gut!']")
    lab.settled()
    point(page, 3, 2)
    now = "attention_maps(texts, checkpoint, which='cross', targets=grid.targets).weights[2, 1, 1, 3, 2].item()"
    says(page, f"{lab.ask(now):.6f}")
    writes.check()
    lab.until("grid.targets is None and grid._view['targets'] is None")
    lab.settled()
    written = lab.ask("attention_maps(texts, checkpoint, which='cross').queries.texts")
    assert targets(lab, 2) == written and written[0] != "Das ist sehr schlimm."
    page.get_by_label("Text of row 0").fill("A fine film.")
    lab.until("grid._view['texts'][0] == 'A fine film.'")
    lab.settled()
    assert targets(lab, 2) == lab.ask("grid._view['reads']")
    target(lab, 0).press("End")
    page.keyboard.type("?")
    assert not writes.is_checked()
    lab.until(f"grid._view['targets'] == [{targets(lab, 1)[0]!r}, {written[1]!r}]")
    writes.check()
    lab.until("grid._view['targets'] is None")
    writes.uncheck()  # what it wrote is given
    lab.until("grid._view['targets'] == grid._view['reads'] == grid.targets")
    page.get_by_label("Attention of").select_option("encoder")
    lab.until("grid._view['which'] == 'encoder'")
    lab.settled()
    assert target(lab, 0).is_hidden() and page.get_by_text("The encoder reads").is_hidden()


def test_targets_of_another_number_have_a_remedy(crossed):
    lab, page = crossed, crossed.page
    lab.python("grid.texts = ['One.', 'Two.', 'Three.']")
    says(page, "targets has 2 texts and texts has 3: pass one target for each text, or None", ".error")
    assert targets(lab, 3) == [*lab.ask("targets"), ""]
    target(lab, 2).fill("Drei.")
    lab.until("grid._view['reads'] == [*targets, 'Drei.']")
    lab.settled()
    assert lab.texts(".error") == [""]
    lab.python("grid.texts = ['One.']")
    says(page, "targets has 3 texts and texts has 1", ".error")
    page.get_by_label("let the model write it").check()
    lab.until("grid._view['targets'] is None and grid.error == ''")
    lab.settled()
    target(lab, 0).fill("so "*5000)
    says(page, "A text has 5,002 tokens, more than 4,096", ".error")
    assert [target(lab, 0).get_attribute("aria-invalid"),
            page.get_by_label("Text of row 0").get_attribute("aria-invalid")] == ["true", "false"]
    target(lab, 0).fill("so "*600)
    says(page, "Longer than the decoder takes: 90 tokens cut off.", ".note")
    nasty = f"{EVIL} \u202e مرحبا 🏳️‍🌈"
    target(lab, 0).fill(nasty)
    lab.until(f"grid._view['reads'] == [{nasty!r}]")
    lab.settled()
    assert lab.texts(".error") == [""] and page.locator(".attention-grid :is(img, script)").count() == 0
    assert page.title() != "gone"
    target(lab, 0).fill("")
    lab.until("grid._view['reads'] == ['']")
    lab.settled()


def test_targets_of_a_saved_page_are_read_only(saved_grid):
    from study_group.widgets.attention_grid import AttentionGrid
    there = {}
    exec(CROSSED, there)
    page = saved_grid(AttentionGrid(there["texts"], there["checkpoint"], **there["given"]))
    for row, text in enumerate(there["targets"]):
        box = page.get_by_label(f"Target of row {row}")
        assert box.input_value() == text and box.get_attribute("readonly") is not None
    assert page.get_by_label("let the model write it").is_disabled()
    page.get_by_label("Target of row 1").click()
    shows(page, "softmax padding 0 1 0")
    page.set_viewport_size(dict(width=400, height=900))
    assert page.evaluate("() => document.documentElement.scrollWidth <= 400")


def test_pads_can_be_left_out_on_both_sides(crossed):
    lab, page = crossed, crossed.page
    page.get_by_label("Text of row 1").click()
    shows(page, "softmax padding 2 1 1")
    lab.settled()
    page.get_by_label("pads").uncheck()
    page.get_by_label("special tokens").uncheck()
    weights = lab.ask("maps.weights[2, 1, 1].tolist()")
    looks, looked = ([n for n, kind in enumerate(lab.ask(f"maps.{side}.kinds[1]")) if kind not in ("pad", "special")]
                     for side in ("queries", "keys"))
    point(page, len(looks) - 1, 1)
    says(page, f"{weights[looks[-1]][looked[1]]:.6f}")
    assert lab.texts(".readout")[0].startswith(f"{tokens(lab, 'queries', 1)[looks[-1]]}{looks[-1]} → ")


def test_a_saved_page_has_two_sides(saved):
    from PIL import Image
    there = {}
    exec(CROSSED, there)
    maps = there["maps"]
    page = saved(maps, layer=1, head=2)
    shows(page, "softmax padding 1 0 2")
    for q, k in ((1, 7), (maps.n_query - 1, 0), (0, maps.n_key - 1)):
        assert abs(alphas(page, q, k)[0] - 255*maps.weights[1, 0, 2, q, k].item()**.5) < 1.6
    assert page.get_by_label("Attention of").is_hidden()
    page.locator(".attention-grid .thumb[data-at='2 3']").click()
    page.get_by_role("button", name="scores + mask").click()
    shows(page, "masked padding 2 0 3")
    with page.expect_download() as download: page.get_by_role("button", name="Save as PNG").click()
    assert min(Image.open(download.value.path()).size) > 400
    page.set_viewport_size(dict(width=400, height=900))
    assert page.evaluate("() => document.documentElement.scrollWidth <= 400")


def test_a_window_is_named_beside_the_mask(saved):
    import transformers
    from study_group.checkpoints import load_tokenizer
    from study_group.attention import attention_maps
    config = transformers.MistralConfig(vocab_size=30_522, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, intermediate_size=36, sliding_window=4, pad_token_id=0, bos_token_id=1, eos_token_id=2)
    page = saved(attention_maps("I hate this so much!", (transformers.MistralModel(config).eval(), load_tokenizer())))
    shows(page, "softmax own 0 0 0")
    says(page, "Grouped: 4 query heads share 2 keys and values; sliding window of 4 in every layer.", ".note")
