"""A real JupyterLab in a real Chromium, one of each for the whole run; no network but this machine."""
import os

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # what the notebooks print mustn't depend on a hub
os.environ["STUDY_GROUP_PROGRESS"] = "off"  # no test finds what another has kept
pytest.register_assert_rewrite("driver", "tiny_models")
from chromium import got
from driver import Lab, jupyterlab


def pytest_collection_modifyitems(items):
    for item in items:
        if "chrome" in item.fixturenames: item.add_marker("browser")


@pytest.fixture(scope="session")
def chrome():
    from playwright.sync_api import sync_playwright  # here: most tests need no browser
    path = got()
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-quic", "--enable-precise-memory-info"]
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab_page(chrome, tmp_path_factory):
    "One JupyterLab with one page for the whole run: starting them takes seconds."
    folder = tmp_path_factory.mktemp("course")
    with jupyterlab(folder) as url:
        page = chrome.new_page(viewport=dict(width=1400, height=1000))
        page.set_default_timeout(60_000)
        yield Lab(page, url, folder)


@pytest.fixture(scope="module")
def kernel(lab_page):
    "The page with a notebook of one empty cell open, for all tests of a module: starting a kernel takes seconds too."
    lab_page.notebook("")
    yield lab_page
    lab_page.close()


@pytest.fixture
def lab(kernel):
    "The module's notebook; the page's log must stay empty."
    kernel.log.clear()
    yield kernel
    kernel.dark(False)
    assert kernel.log == []
