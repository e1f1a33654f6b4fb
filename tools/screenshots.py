"""Take the pictures that the front page shows: real widgets in a real JupyterLab in Chromium."""
import sys, tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import conftest  # noqa: E402

PICTURES = {  # file → (cells that show a widget, its selector)
    "pipeline_strip.png": (["from study_group.pipeline import trace",
                            "trace([\"I've been waiting for a HuggingFace course my whole life.\", 'I hate this so much!'])"],
                           ".pipeline-strip"),
}


def main():
    with sync_playwright() as p, tempfile.TemporaryDirectory() as folder, conftest.jupyterlab(Path(folder)) as url:
        browser = p.chromium.launch(executable_path=conftest.CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        lab = conftest.Lab(browser.new_page(viewport=dict(width=1280, height=1000)), url, Path(folder))
        for name, (cells, selector) in PICTURES.items():
            lab.cells(*cells)
            lab.page.wait_for_selector(f"{selector}[data-ready]")
            lab.page.locator(selector).screenshot(path=ROOT / "nbs/images" / name)
            lab.close()
        browser.close()


if __name__ == "__main__": main()
