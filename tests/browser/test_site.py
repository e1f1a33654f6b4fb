"The course as pages: each page in a browser without a network."
import re

import pytest, website
from places import NBS


def test_reader_says_what_goes_wrong(chrome, tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#there">1</a> <a href="b.html#gone">2</a> <a href="c.html">3</a>')
    (tmp_path / "b.html").write_text('<p id="there">x</p><script>throw Error("oh")</script><img src="https://x.y/z">')
    reader = website.Reader(chrome, tmp_path)
    reader.walk()
    found = "\n".join(reader.log)
    for words in ("#gone leads nowhere", "c.html leads nowhere", "oh", "failed: https://x.y/z"): assert words in found
    assert "there leads" not in found


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    website.build(folder := tmp_path_factory.mktemp("site") / "pages")
    return folder


@pytest.mark.extra
def test_every_page_works_without_a_network(chrome, site):
    reader = website.Reader(chrome, site)
    reader.walk()
    assert reader.log == []
    assert len(reader.pages()) > len(list(NBS.rglob("*.ipynb")))  # the search page too
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 30_000_000


@pytest.mark.extra
def test_the_cheat_sheet_has_two_sides(chrome, site):
    page = chrome.new_page()
    page.goto((site / "cheat_sheet.html").as_uri())
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) == 2


@pytest.mark.extra
def test_search_finds_a_session(chrome, site):
    reader = website.Reader(chrome, site)
    assert "Behind the pipeline" in reader.search("postprocess logits")
    assert reader.log == []


@pytest.mark.extra
def test_theme_can_be_chosen_and_pages_are_narrow(chrome, site):
    page = (reader := website.Reader(chrome, site, color_scheme="dark", viewport=dict(width=400, height=800))).page
    background = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(c => c > 128)"
    for path in reader.pages():
        reader.open(path)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 400, path
    assert not page.evaluate(background)
    page.locator(".theme-toggle:visible").click()
    assert page.evaluate(background) and page.evaluate("() => getComputedStyle(document.body).colorScheme") == "light"


@pytest.mark.extra
def test_widgets_are_explored_without_python(chrome, site):
    page = (reader := website.Reader(chrome, site)).page

    def visit(session: str):
        reader.open(site / f"{session}.html")
        page.wait_for_function("() => document.querySelectorAll('[data-page]:not(:has([data-ready]))').length === 0")

    visit("03_tokenizers")
    theatre = page.locator(".merge-theatre").first
    theatre.get_by_role("button", name="Next", exact=True).click()
    assert theatre.locator(".steps").inner_text().startswith("1 of")
    strip = page.locator(".token-strip").first
    strip.locator(".token").nth(1).hover()
    assert strip.locator("[data-fact=position]").inner_text().split() == ["position", "1"]
    visit("04_padding_and_masks")
    table = page.locator(".padding-table").first
    rows = table.locator(".rows tbody tr").count()
    table.get_by_role("button", name="error").click()
    assert 0 < table.locator(".rows tbody tr").count() < rows
    visit("05_attention")
    page.locator(".attention-grid .thumb[data-at='1 2']").first.click()
    page.wait_for_selector(".attention-grid[data-shows*=' 1 1 2']")
    assert reader.log == []
