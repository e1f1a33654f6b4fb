"A browser for live pages, whose engine is written once."
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
