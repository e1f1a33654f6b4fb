"""The attention grid's picture of how far the answer moves without each head: in JupyterLab, as a page of its own, for
models and parts that it isn't measured for, by pointer and by keys."""
import copy, re

import pytest
from architectures import model as made, tokenizer
from axe import judged, learn
from tiny_models import bundled
from transformers import AutoModel

from study_group.attending.effects import head_effect
from study_group.widgets import attention_grid
from study_group.widgets.attention_grid import AttentionGrid

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]
GRID = f"grid = AttentionGrid({TEXTS!r}, layer=3, head=5, row=1"


@pytest.fixture
def show(lab):
    "Show the grid made by this code, and wait until all of it is there; its page."
    def show(code):
        lab.show(f"from study_group.widgets.attention_grid import *\n{code}\ngrid", ".attention-grid")
        lab.settled()
        return lab
    return show


def maps(page) -> list[list[list[float]]]:
    "How strongly each head is coloured in both maps, once they are there."
    page.wait_for_selector(".effects .cell")
    return page.eval_on_selector_all(".effects .heads", """maps => maps.map(map => [...map.querySelectorAll('.row')]
        .slice(1).map(row => [...row.querySelectorAll('.cell')]
            .map(cell => Number(cell.getAttribute('style').match(/, ([0-9.]+)\\)/)[1]))))""")


def close(seen, want):
    "Colours go with the numbers, up to the largest."
    assert [x for line in seen for x in line] == pytest.approx((.8*want/want.max()).flatten().tolist(), abs=2e-3)


def test_both_maps_and_what_is_said_of_a_head(show):
    lab, effect = show(f"{GRID})"), head_effect(TEXTS[1])
    page, table = lab.page, effect.table()
    page.get_by_role("button", name="effect of heads").click()
    lab.until("grid.picture == 'effect'")
    moved, entropy = maps(page)
    close(moved, effect.moved), close(entropy, table.entropy.to_numpy().reshape(6, 12))
    assert not page.locator(".attention-grid .body").is_visible()
    words = page.locator(".effects .told")
    page.locator(".effects .cell[data-at='5 1']").first.hover()
    row = table.loc[5, 1]
    want = [5, 1, *(round(x, n) for x, n in ((row.moved, 3), (row.entropy, 2), (100*row.special, 1)))]
    assert [float(n) for n in re.findall(r"[\d.]+", words.text_content())] == pytest.approx(want, abs=.011)
    assert page.locator(".effects .cell.here").count() == 2  # the same head in both
    page.locator(".effects .cell[data-at='0 0']").nth(1).focus()
    for key in ("ArrowDown", "ArrowRight", "End"): page.keyboard.press(key)
    assert words.text_content().startswith("layer 1, head 11: ")
    assert f"agree by {effect.agreement().entropy:.2f}".replace("-", "−") in \
        page.locator(".effects").text_content().replace("-", "−")
    page.keyboard.press("Enter")
    lab.until("(grid.layer, grid.head, grid.picture) == (1, 11, 'maps')")
    page.locator(".attention-grid .heat").wait_for()
    lab.python("grid.picture, grid.row = 'effect', 0")
    page.wait_for_function("document.querySelector('.effects').textContent.includes('POSITIVE')")
    close(maps(page)[0], head_effect(TEXTS[0]).moved)
    assert page.locator(".effects .cell.chosen").first.get_attribute("data-at") == "1 11"


def test_other_texts_are_measured_anew(show):
    lab = show(f"{GRID}, picture='effect')")
    maps(lab.page)
    lab.page.locator("textarea").nth(1).fill("A fine film.")
    lab.page.wait_for_function("document.querySelector('.effects').textContent.includes('POSITIVE')")
    close(maps(lab.page)[0], head_effect("A fine film.").moved)


def test_what_isnt_measured_says_why(show):
    lab = show("from architectures import *\nfrom transformers import AutoModel\n"
               "grid = AttentionGrid('A fine film.', (model('Bert', AutoModel), tokenizer()), picture='effect')")
    lab.page.locator(".effects").get_by_text("BertModel doesn't give (batch, n_labels) logits").wait_for()
    assert lab.page.locator(".effects .cell").count() == 0
    lab.settled()


def test_a_saved_page_has_what_was_measured(saved_grid):
    grid = AttentionGrid(TEXTS, layer=3, head=5, row=1)
    grid.effect(1)
    page = saved_grid(grid)
    page.get_by_role("button", name="effect of heads").click()
    close(maps(page)[0], head_effect(TEXTS[1]).moved)
    page.locator(".effects .cell[data-at='5 9']").first.click()
    page.wait_for_selector(".attention-grid[data-shows='softmax padding 5 1 9']")
    page.get_by_role("button", name="effect of heads").click()
    page.locator(".text").first.click()
    page.locator(".effects").get_by_text("isn't in this page for this text").wait_for()
    page = saved_grid(AttentionGrid(TEXTS, row=1))
    page.get_by_role("button", name="effect of heads").click()
    page.locator(".effects").get_by_text("isn't in this page for this text").wait_for()


def test_heads_that_make_another_label_are_marked_and_hostile_labels_stay_text(saved_grid):
    pair = copy.deepcopy(made("Bert")), tokenizer()
    pair[0].config.id2label = {n: f"<img src=x onerror=alert({n})>" for n in range(pair[0].config.num_labels)}
    text = next(text for text in ("A fine film.", "No.", "so much", "I hate it", "what a day", "an old man", "never")
                if head_effect(text, pair).flips.any())
    page = saved_grid(AttentionGrid(text, pair, picture="effect"))
    maps(page)
    flips = page.eval_on_selector_all(".effects figure:first-child .cell", "cells => cells.map(c => c.textContent)")
    assert flips == ["⇄"*int(flip) for flip in head_effect(text, pair).flips.flatten()]
    assert page.locator(".effects img").count() == 0 and "<img src=x" in page.locator(".effects").text_content()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1200, 400])
def test_everyone_can_use_it(saved_grid, dark, width):
    page = saved_grid(AttentionGrid(TEXTS, layer=3, head=5, row=1, picture="effect"))
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.set_viewport_size(dict(width=width, height=900))
    learn(page)
    maps(page)
    assert judged(page, ".attention-grid")[0] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# the static form, and Python

def test_the_static_form_says_the_same():
    grid, effect = AttentionGrid(TEXTS, row=1, picture="effect"), head_effect(TEXTS[1])
    assert repr(grid) == repr(effect) and effect._repr_html_() in grid.html()
    assert f"{effect.moved[5, 0]:.2f}" in grid.html()
    none = AttentionGrid("A fine film.", (made("Bert", AutoModel), tokenizer()), picture="effect")
    assert "BertModel doesn&#x27;t give" in none.html() and "BertModel doesn't give" in repr(none)
    decoder = AttentionGrid("A fine film.", (made("Bart"), tokenizer()), which="decoder", targets="So.",
                            picture="effect")
    assert "measured of the encoder's heads" in repr(decoder)


def test_a_text_is_measured_once_until_texts_are_others(monkeypatch):
    runs, own = [], attention_grid.head_effect
    monkeypatch.setattr(attention_grid, "head_effect", lambda *at: (runs.append(at[0]), own(*at))[1])
    grid = AttentionGrid(TEXTS, bundled())
    for row in (0, 1, 0, 1): grid._ask_effect(row)
    assert runs == [[text] for text in TEXTS]
    grid.texts = ["No."]
    assert grid._ask_effect(0)["label"] == "NEGATIVE" and runs[2:] == [["No."]]
