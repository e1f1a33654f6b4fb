"The sessions' slides: what a deck shows, alone on a machine without a network."
import re
from dataclasses import replace
from pathlib import Path

import pytest, slides
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

HOSTILE = "<img src=x onerror='throw 1'>"
SETTINGS = replace(slides.settings(), title=HOSTILE, host="W&B")
FIRST = next(iter(SETTINGS.sessions))


def cell(source: str, kind: str = "", *said: str, **metadata):
    "A cell marked as `kind`: Markdown, or code where it begins with #| or has said something."
    if kind: metadata["slideshow"] = dict(slide_type=kind)
    if not said and not source.startswith("#|"): return new_markdown_cell(source, metadata=metadata)
    outputs = [new_output("stream", text=text) for text in said]
    return new_code_cell(source, metadata=metadata, outputs=outputs)


def written(tmp_path, *cells) -> Path:
    "The deck of a notebook of `cells`."
    title = cell("# Not here\n\n> What *it* is about")
    path = tmp_path / "deck.html"
    path.write_text(slides.deck(new_notebook(cells=[title, *cells]), SETTINGS, FIRST), encoding="utf-8")
    return path


def shown(tmp_path, browser, *cells) -> tuple:
    "The deck of a notebook of `cells` as parsed HTML, its number of pages, what is wrong, which are shown smaller."
    path = written(tmp_path, *cells)
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser"), *slides.walk(path, browser)


@pytest.fixture(scope="module")
def tiny(chrome, tmp_path_factory):
    return shown(
        tmp_path_factory.mktemp("deck"), chrome, cell("the first page's note", "notes"), cell("unmarked"),
        cell("## One\n\n[on](02_models.ipynb#Heads) [off](under_the_hood/blog.ipynb) $x^2$", "slide"),
        cell("#| export\nprint(text)", "fragment", HOSTILE), cell("unmarked = 1", "", "unmarked"),
        cell("folded = 1", "-", "seen", jupyter=dict(source_hidden=True)), cell("left out", "skip"),
        cell("## Two\n\nmore", "subslide"))


def test_first_page_says_what_the_settings_say(tiny):
    assert tiny[0].title.text == f"Behind the pipeline · {HOSTILE}"
    front = tiny[0].select_one(".slides > section > section")
    assert [p.text for p in front.select(".front > *")] == [HOSTILE, SETTINGS.sessions[FIRST],
                                                            "What it is about", "Session 1 · W&B"]
    assert "first page's note" in front.select_one("aside.notes").text


def test_marked_cells_are_shown_and_no_others(tiny):
    page, n, *_ = tiny
    assert n == 3
    text = page.select_one(".slides").text
    assert "seen" in text and HOSTILE in page.select_one(".fragment").text
    for word in ("unmarked", "left out", "folded", "export", "Not here"): assert word not in text


def test_formulas_and_links_work_in_a_file(tiny):
    page = tiny[0]
    assert page.select_one("math msup") and [a["href"] for a in page.select(".slides a")] == ["02_models.html"]


def test_nothing_fails_without_a_network(tiny): assert tiny[2:] == ([], [])


def test_deck_holds_all_it_needs(tiny):
    assert not [n for n in tiny[0].select("[src], link[href]") if not n.get("src", "").startswith("data:")]


def test_host_sees_the_notes_and_switches_the_theme(tmp_path, chrome):
    path = written(tmp_path, cell("## One", "slide"), cell("say **this**", "notes"))
    context = chrome.new_context(offline=True, color_scheme="dark")
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_function("() => window.Reveal?.isReady()")
    theme = page.locator("html").get_attribute
    with context.expect_page() as opened: page.keyboard.press("s")
    page.keyboard.press("ArrowRight")
    opened.value.get_by_text("say this").wait_for()
    before = theme("data-theme")
    page.keyboard.press("t")
    assert (before, theme("data-theme")) == ("dark", "light")
    context.close()


def test_pages_that_do_not_fit_are_found(tmp_path, chrome):
    tall, wide = "\n\n".join(["## Tall", *"x"*12]), f"    {'x'*160}"
    _, n, said, small = shown(tmp_path, chrome, cell(tall, "slide"), cell(wide, "slide"), cell("<!-- -->", "slide"),
                       cell("<script>throw Error('here')</script> text", "slide"))
    assert n == 5 and len(said) == 4 and small == []
    for words in ("page 2 of deck is", "px too tall", "page 3 of deck is", "px too wide", "4 of deck is empty", "here"):
        assert any(words in line for line in said)


@pytest.mark.parametrize("lines, percent", [(10, 100), (11, 93), (12, None)])
def test_page_that_is_a_little_too_tall_is_shown_smaller(tmp_path, chrome, lines, percent):
    path = written(tmp_path, cell("\n\n".join(["## Tall", *"x"*lines]), "slide"))
    n, said, small = slides.walk(path, chrome)
    named = [re.sub(r"\d+ px", "? px", line) for line in small]
    assert named == ["page 2 of deck is ? px too tall, so it is shown at 93 %"]*(percent == 93)
    assert len(said) == (percent is None)
    page = chrome.new_page(viewport=slides.SIZE)
    page.goto(path.as_uri() + "#/1")
    page.wait_for_function("() => window.Reveal?.isReady()")
    last = page.locator(".slides p", has_text="x").last.bounding_box()
    assert (last["y"] + last["height"] <= 720) == (percent is not None)
    page.close()


def test_page_shrinks_to_what_it_shows(tmp_path, chrome):
    code = "\n".join(["x"*110]*20)
    assert shown(tmp_path, chrome, cell(f"## Code\n\n```python\n{code}\n```", "slide"))[1:] == (2, [], [])


def test_widget_that_is_too_tall_scrolls(tmp_path, chrome):
    tall = cell("## Tall", "slide"), cell("widget", "-", "")
    tall[1].outputs = [new_output("display_data", data={"text/html": "<p>line</p>"*80})]
    assert shown(tmp_path, chrome, *tall)[1:] == (2, [], [])


def test_page_without_a_heading_has_the_one_before_it(tmp_path, chrome):
    path = written(tmp_path, cell("## A & B", "slide"), cell("more", "subslide"), cell("and more", "subslide"))
    page = chrome.new_page()
    page.goto(path.as_uri())
    page.wait_for_function("() => window.Reveal?.isReady()")
    assert page.locator(".section").all_text_contents() == ["A & B", "A & B"]
    page.close()
