"""Take the pictures that the front page shows: real widgets in a real JupyterLab in Chromium."""
import sys, tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import conftest

PICTURES = {  # widget's file → code that shows it
    "pipeline_strip": """from study_group.pipeline import trace
trace(["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"])""",
}


def main():
    with sync_playwright() as p, tempfile.TemporaryDirectory() as folder, conftest.jupyterlab(Path(folder)) as url:
        browser = p.chromium.launch(executable_path=conftest.CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        lab = conftest.Lab(browser.new_page(viewport=dict(width=1280, height=1000)), url, Path(folder))
        lab.notebook("")
        for name, code in PICTURES.items():
            selector = "." + name.replace("_", "-")
            lab.show(code, selector)
            lab.page.mouse.move(0, 0)
            lab.page.locator(selector).screenshot(path=ROOT / f"nbs/images/{name}.png")
        browser.close()


if __name__ == "__main__": main()
