"The course as pages: each page in a browser without a network."
import re

import pytest, website
from places import NBS

from study_group.pipeline import trace

TYPED = "Ça alors, not a single dull moment!"


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
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 60_000_000


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
    reader.open(site / "index.html")
    assert not page.evaluate(background)
    page.locator(".theme-toggle:visible").click()
    assert page.evaluate(background) and page.evaluate("() => getComputedStyle(document.body).colorScheme") == "light"


@pytest.mark.extra
def test_widgets_are_explored_without_python(chrome, site):
    page = (reader := website.Reader(chrome, site)).page

    def visit(session: str): reader.open(site / f"{session}.html")

    visit("03_tokenizers")
    theatre = page.locator(".merge-theatre").first
    theatre.get_by_role("button", name="Next", exact=True).click()
    assert theatre.locator(".steps").inner_text().startswith("1 of")
    strip = page.locator(".token-strip").first
    strip.locator(".token").nth(1).hover()
    assert strip.locator("[data-fact=position]").inner_text().split() == ["position", "1"]
    visit("04_padding_and_masks")
    table = page.locator(".padding-table").first
    table.locator(".rows tbody tr").first.wait_for()
    rows = table.locator(".rows tbody tr").count()
    table.get_by_role("button", name="error").click()
    assert 0 < table.locator(".rows tbody tr").count() < rows
    visit("05_attention")
    page.locator(".attention-grid .thumb[data-at='1 2']").first.click()
    page.wait_for_selector(".attention-grid[data-shows*=' 1 1 2']")
    assert reader.log == []


@pytest.mark.extra
def test_the_front_page_shows_what_was_answered_in_a_session(chrome, site):
    page = (reader := website.Reader(chrome, site)).page
    reader.open(site / "01_pipeline.html")
    question = page.locator(".quiz form").first
    for n in range(question.locator("input").count()):  # the first answers, until one is right
        if question.locator("input").nth(n).is_disabled(): break
        question.locator("input").nth(n).check()
        question.get_by_role("button", name="Check").click()
    reader.open(site / "index.html")
    page.wait_for_function("() => document.querySelector('.progress tbody tr').innerText.includes('1 of ')")
    assert reader.log == []


def start(page):
    "Let the model run in the first widget that offers it."
    page.get_by_role("button", name="Run the model").first.click()
    page.wait_for_function("() => !document.querySelector('progress')", timeout=60_000)


@pytest.mark.extra
@pytest.mark.parametrize("way", ["served", "from disk"])
def test_the_front_page_reads_what_is_typed(chrome, site, way):
    where = website.served(site) if way == "served" else site.as_uri()
    page, log, asked = chrome.new_page(), [], []
    page.on("console", lambda m: log.append((m.text, m.location["url"])) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: log.append(str(error)))
    page.on("request", lambda r: asked.append(r.url))
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))  # browsers ask for it by themselves
    if way == "from disk": page.context.set_offline(True)
    page.goto(f"{where}/index.html")
    page.wait_for_load_state("networkidle")
    assert not any("weights" in url for url in asked)  # 42 MB are fetched when somebody asks for them
    start(page)
    page.locator(".pipeline-strip textarea").first.fill(TYPED)
    answer = trace(TYPED)
    page.wait_for_function("score => document.querySelector('.pipeline-strip .verdict').innerText.includes(score)",
                           arg=f"{answer.predictions[0]['score']:.4f}")
    assert answer.predictions[0]["label"] in page.locator(".pipeline-strip .verdict").inner_text()
    tokens = page.locator(".pipeline-strip .tokens").inner_text()
    assert all(token in tokens for token in answer.tokens[0])
    assert all(url.startswith((where, "blob:", "data:")) for url in asked) and log == []
    page.close()


@pytest.mark.extra
@pytest.mark.parametrize("name", website.OWN_PAGES)
def test_a_widget_of_its_own_page_takes_texts(chrome, site, name):
    reader = website.Reader(chrome, site)
    reader.open(site / f"widgets/{name}.html")
    page = reader.page
    page.wait_for_selector(".study-widget")
    page.wait_for_timeout(1000)  # the engine is loaded
    if page.get_by_role("button", name="Run the model").count(): start(page)
    page.wait_for_selector(".study-widget[data-ready]")
    for box in page.locator("textarea:visible").all()[:1]:
        box.fill(TYPED)
        page.wait_for_function("() => !document.querySelector('.study-widget[aria-busy=true]')")
        assert TYPED in [box.input_value()] and not page.locator("[role=alert]:visible").all_inner_texts()
    assert reader.log == []
