"What browser tests share: a browser for live pages, whose engine is written once, and a saved grid without a network."
import pytest
from replay import Live


@pytest.fixture(scope="session")
def live_browser(chrome, tmp_path_factory):
    live = Live(chrome, tmp_path_factory.mktemp("live"))
    yield live
    live.context.close()


@pytest.fixture
def live(live_browser):
    "Live pages, in which nothing may go wrong and nothing be asked for elsewhere."
    live_browser.log.clear()
    yield live_browser
    assert live_browser.log == []


@pytest.fixture
def saved_grid(chrome, tmp_path):
    "Open an AttentionGrid as a page of its own, without any network; the page, in which nothing may go wrong."
    context = chrome.new_context(offline=True, viewport=dict(width=1200, height=1000))
    page, log = context.new_page(), []
    page.on("console", lambda m: log.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: log.append(str(e)))
    page.on("request", lambda r: r.url.startswith(("file:", "blob:")) or log.append(r.url))

    def saved(grid):
        page.goto(grid.save(tmp_path / "attention.html").as_uri())
        page.wait_for_selector(".attention-grid[aria-busy=false]")
        return page
    yield saved
    context.close()
    assert log == []
