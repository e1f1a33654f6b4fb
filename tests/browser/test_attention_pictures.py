"""What the attention grid shows beside its maps: query and key behind a cell, and what each layer says; in JupyterLab,
as a page of its own, for models that have neither, by pointer and by keys."""
import copy, re

import pytest
from architectures import model as made, tokenizer
from axe import judged, learn
from tiny_models import bundled
from traitlets import TraitError
from transformers import AutoModel, AutoModelForCausalLM

from study_group.attending.lens import logit_lens
from study_group.attending.maps import attention_maps
from study_group.attending.products import query_key
from study_group.widgets import attention_grid, attention_pictures
from study_group.widgets.attention_grid import AttentionGrid

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]
GRID = f"grid = AttentionGrid({TEXTS!r}, layer=3, head=5, row=1)"


@pytest.fixture
def show(lab):
    "Show the grid made by this code, and wait until all of it is there; its page."
    def show(code=GRID):
        lab.show(f"from study_group.widgets.attention_grid import *\n{code}\ngrid", ".attention-grid")
        lab.settled()
        return lab
    yield show
    lab.page.set_viewport_size(dict(width=1400, height=1000))


@pytest.fixture
def saved(saved_grid):
    "Open the grid of these maps as a page of its own; the page."
    return lambda maps, checkpoint=None, **where: saved_grid(AttentionGrid(maps, checkpoint, **where))


def click(page, row: int, column: int):
    "Fix a cell of the heatmap."
    heat = page.locator(".attention-grid .heat")
    left, top, cell = map(float, heat.get_attribute("data-places").split())
    heat.click(position=dict(x=left + (column + .5)*cell, y=top + (row + .5)*cell))


def steps(page, title: str) -> list[tuple[str, str]]:
    "The steps of the strip, once it has this title."
    page.locator(".attention-grid .products h5").get_by_text(re.compile(f"^{re.escape(title)}$")).wait_for()
    lines = page.locator(".attention-grid .steps li")
    return [(line.locator("span").text_content(), line.locator("b").text_content()) for line in lines.all()]


def near(seen: list, want: list):
    "The same words, and numbers that are the same but for the last digit."
    assert [words for words, _ in seen] == [words for words, _ in want]
    for (_, ours), (_, theirs) in zip(seen, want):
        if theirs in ("open", "closed"): assert ours == theirs
        else: assert float(ours.replace("−", "-")) == pytest.approx(float(theirs), abs=2e-4)


def table(page) -> list[list[str]]:
    "The cells of the layers' table, once it is there."
    page.wait_for_selector(".attention-grid .layers table")
    return page.eval_on_selector_all(".attention-grid .layers tbody tr", """rows => rows.map(row =>
        [...row.querySelectorAll('td')].map(cell => [...cell.children].map(part => part.textContent).join(' ')))""")


def said(lens, row: int = 0) -> list[list[str]]:
    "The same by Python."
    real = [i for i, kind in enumerate(lens.kinds[row]) if kind != "pad"]
    return [[" ".join(lens.answer(layer, row, i)[0]) for layer in range(lens.n_layers + 1)] for i in real]


def test_a_cell_that_is_fixed_shows_its_query_and_key(show):
    lab, maps = show(), attention_maps(TEXTS)
    page = lab.page
    assert "Click on a cell" in page.locator(".products").text_content()
    click(page, 0, 2)
    near(steps(page, "Query of [CLS] 0, key of hate 2"), query_key(maps, 3, 5, 0, 2, 1).steps())
    found = query_key(maps, 3, 5, 0, 2, 1)
    columns = page.locator(".products .column")
    assert columns.count() == 32
    column = columns.nth(7)
    words = column.get_attribute("aria-label").replace("−", "-")
    want = [x[7].item() for x in (found.q, found.k, found.products)]
    assert [float(n) for n in re.findall(r"-?\d+\.\d+", words)] == pytest.approx(want, abs=1e-4)
    column.hover()
    assert re.sub("−", "-", page.locator(".products .one").text_content()) == \
        f"7: {want[0]:.4f} × {want[1]:.4f} = {want[2]:.4f}"
    side = "above" if want[0] > 0 else "below"
    assert f"var(--{side})" in column.locator("i").first.get_attribute("style")
    page.locator(".attention-grid .heat").focus()
    page.keyboard.press("ArrowDown")
    near(steps(page, "Query of i 1, key of hate 2"), query_key(maps, 3, 5, 1, 2, 1).steps())
    lab.python("grid.layer, grid.head = 5, 9")
    page.wait_for_selector(".attention-grid[data-shows='softmax padding 5 1 9']")
    page.wait_for_function("n => document.querySelector('.products .steps').textContent.includes(n)",
                           arg=f"{query_key(maps, 5, 9, 1, 2, 1).weight:.4f}")
    click(page, 3, 12)
    near(steps(page, "Query of this 3, key of [PAD] 12"), query_key(maps, 5, 9, 3, 12, 1).steps())
    assert dict(steps(page, "Query of this 3, key of [PAD] 12"))["mask"] == "closed"


def test_another_mask_has_another_weight(show):
    lab = show()
    click(lab.page, 1, 0)
    before = steps(lab.page, "Query of i 1, key of [CLS] 0")
    lab.page.get_by_role("button", name="causal", exact=True).click()
    lab.until("grid.mask == 'causal'")
    want = query_key(attention_maps(TEXTS, mask="causal"), 3, 5, 1, 0, 1).steps()
    lab.page.get_by_text("softmax among 2 keys: weight").wait_for()
    near(steps(lab.page, "Query of i 1, key of [CLS] 0"), want)
    assert before[-1] != want[-1]


def test_keys_walk_over_the_numbers(show):
    page = show().page
    click(page, 0, 2)
    page.wait_for_selector(".products .column")
    page.locator(".products .column").first.focus()
    for key, at in (("ArrowRight", 1), ("End", 31), ("ArrowLeft", 30), ("Home", 0)):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.dataset.at") == str(at)
        assert page.locator(".products .one").text_content().startswith(f"{at}: ")


def test_layer_by_layer(show):
    lab = show()
    page = lab.page
    page.get_by_role("button", name="layer by layer").click()
    lab.until("grid.picture == 'layers'")
    assert table(page) == said(logit_lens(TEXTS[1]))
    for hidden in (".body", ".note", "[aria-label=Stage]", "[aria-label=Mask]", "[title='A picture of the open head']"):
        assert not page.locator(f".attention-grid {hidden}").is_visible()
    assert page.locator(".layers tbody th").first.text_content() == "[CLS] ←"
    page.locator(".layers td[data-at='2 5']").hover()
    assert page.locator(".layers .told").text_content().startswith("hate, layer 5: NEGATIVE 55.8 %, POSITIVE 44.2 %")
    page.locator(".layers td[data-at='0 0']").focus()
    page.keyboard.press("ArrowRight"), page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.at") == "1 1"
    assert page.locator(".layers .told").text_content().startswith("i, layer 1: ")
    orange, blue = (page.locator(f".layers td[data-at='{at}']").get_attribute("style") for at in ("0 6", "5 4"))
    assert "--above" in orange and "0.43" in orange and "--below" in blue
    lab.python("grid.row = 0")
    page.wait_for_function("document.querySelectorAll('.layers tbody tr').length === 16")
    assert table(page) == said(logit_lens(TEXTS[0]))
    lab.python("grid.picture = 'maps'")
    page.locator(".attention-grid .heat").wait_for()
    assert not page.locator(".layers").is_visible()


def test_other_texts_have_other_layers(show):
    lab = show(f"{GRID[:-1]}, picture='layers')")
    assert table(lab.page) == said(logit_lens(TEXTS[1]))
    lab.page.locator("textarea").nth(1).fill("No.")
    lab.page.wait_for_function("document.querySelectorAll('.layers tbody tr').length === 4")
    assert table(lab.page) == said(logit_lens("No."))


def test_models_that_have_neither_say_so(show):
    lab = show("from architectures import *\n"
               "grid = AttentionGrid('A fine film.', (model('XLNet', AutoModel), tokenizer()))")
    click(lab.page, 1, 1)
    lab.page.locator(".products").get_by_text("XLNetModel computes attention in a way of its own").wait_for()
    lab.page.get_by_role("button", name="layer by layer").click()
    lab.page.locator(".layers").get_by_text("XLNetModel gives no logits").wait_for()
    lab.settled()


def test_a_saved_page_has_them(saved):
    maps = attention_maps(TEXTS)
    page = saved(TEXTS, layer=3, head=5, row=1)
    click(page, 0, 2)
    near(steps(page, "Query of [CLS] 0, key of hate 2"), query_key(maps, 3, 5, 0, 2, 1).steps())
    page.locator(".thumb[data-at='5 11']").click()
    page.wait_for_selector(".attention-grid[data-shows='softmax padding 5 1 11']")
    weight = query_key(maps, 5, 11, 0, 2, 1).weight
    page.wait_for_function("n => document.querySelector('.products .steps').textContent.includes(n)",
                           arg=f"{weight:.4f}")
    page.get_by_role("button", name="layer by layer").click()
    assert table(page) == said(logit_lens(TEXTS[1]))


def test_a_saved_page_of_a_decoder_with_biases(saved):
    pair = made("T5", AutoModel), tokenizer()
    maps = attention_maps("A fine film.", pair, which="decoder", targets="I loved it.")
    page = saved(maps, layer=1, head=2)
    click(page, 3, 1)
    looks = maps.queries.tokens[0]
    near(steps(page, f"Query of {looks[3]} 3, key of {looks[1]} 1"), query_key(maps, 1, 2, 3, 1).steps())
    page.get_by_role("button", name="layer by layer").click()
    page.get_by_text("What each layer says isn't in this page").wait_for()


def test_a_saved_page_of_large_maps_says_what_it_lacks(saved, monkeypatch):
    monkeypatch.setattr(attention_pictures, "PAGE_MORE", 1000)
    page = saved(TEXTS)
    click(page, 0, 2)
    page.get_by_text("The query and the key aren't in this page").wait_for()
    page.get_by_role("button", name="layer by layer").click()
    page.get_by_text("What each layer says isn't in this page").wait_for()


def test_hostile_texts_stay_text(saved):
    names = {0: "<img src=x onerror=alert(1)>", 1: '"><b>'}
    model, tokens = copy.deepcopy(bundled()[0]), bundled()[1]
    model.config.id2label = names
    page = saved("<b>hi</b> \x07 مرحبا", (model, tokens), picture="layers")
    assert page.locator(".layers img, .layers b").count() == 0 and "<img src=x" in str(table(page))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1200, 400])
def test_everyone_can_use_them(saved, dark, width):
    page = saved(TEXTS, layer=3, head=5, row=1)
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.set_viewport_size(dict(width=width, height=900))
    learn(page)
    click(page, 0, 2)
    page.wait_for_selector(".products .column")
    assert judged(page, ".products")[0] == []
    page.get_by_role("button", name="layer by layer").click()
    table(page)
    assert judged(page, ".attention-grid")[0] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# the static form

def test_the_static_form_says_the_same():
    grid, lens = AttentionGrid(TEXTS, row=1, picture="layers"), logit_lens(TEXTS[1])
    assert lens.table() in grid.html() and repr(grid) == repr(lens)
    grid.picture = "maps"
    assert "<img" in grid.html() and "What each layer says" not in grid.html()
    none = AttentionGrid("A fine film.", (made("XLNet", AutoModel), tokenizer()), picture="layers")
    assert "XLNetModel gives no logits" in none.html() and "XLNetModel gives no logits" in repr(none)


def test_pictures_that_arent_there():
    with pytest.raises(TraitError, match="picture='x' must be one of 'maps', .*'layers'"):
        AttentionGrid("so", picture="x")


def test_what_was_asked_for_is_kept_until_the_maps_are_others(monkeypatch):
    runs, own = [], attention_grid.layer_vectors
    monkeypatch.setattr(attention_grid, "layer_vectors", lambda *at: (runs.append(at[1:]), own(*at))[1])
    grid = AttentionGrid(TEXTS)
    first = [grid._ask_vectors(0, 2, head)["data"] for head in range(3)]
    assert runs == [(2, 0)] and len({*first}) == 3
    grid.mask = "causal"
    assert grid._ask_vectors(0, 2, 0)["data"] != first[0] and runs == [(2, 0)]*2 and len(grid._kept) == 1


def test_words_of_a_language_model():
    pair = made("GPT2", AutoModelForCausalLM), tokenizer()
    grid = AttentionGrid("A fine film.", pair, picture="layers")
    view = grid._ask_layers(0)
    lens = logit_lens("A fine film.", pair)
    assert [[cell[1][0] for cell in line] for line in view["cells"]] == \
        [[lens.answer(layer, 0, i)[0] for layer in range(3)] for i in range(len(view["tokens"]))]
    assert view["reads"] is None
