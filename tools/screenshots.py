"""Take the pictures that the front page shows: real widgets in a real JupyterLab in Chromium."""
import sys, tempfile
from io import BytesIO
from pathlib import Path

import chromium
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests/helpers"))
from driver import Lab, jupyterlab, still

TEXTS = """["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]"""
PICTURES = {  # widget's file → code that shows it
    "pipeline_strip": f"from study_group.pipeline import trace\ntrace({TEXTS})",
    "token_strip": """from study_group.checkpoints import load_tokenizer
from study_group.tokenizers import TokenStrip
TokenStrip("Let's do tokenization!", load_tokenizer())""",
    "merge_theatre": """from study_group.tokenizers import MergeTheatre
MergeTheatre("bpe", {"low": 5, "lower": 2, "newest": 6, "widest": 3}, step=4)""",
    "tokenizer_race": """from study_group.tokenizers import TokenizerRace
TokenizerRace("Tokenization splits unbelievable words into pieces.")""",
    "mask_bench": f"""from study_group.padding import MaskBench
bench = MaskBench({TEXTS})
bench.preset("mask a word")
bench""",
    "padding_table": f"from study_group.padding import padding_table\npadding_table({TEXTS})",
    "padding_bill": """from study_group.checkpoints import load_tokenizer
from study_group.data import bundled_reviews
from study_group.padding import PaddingBill
PaddingBill(load_tokenizer()(bundled_reviews().text.tolist(), return_length=True)["length"])""",
    "attention_grid": f"""from study_group.attention import AttentionGrid
AttentionGrid({TEXTS}, layer=5, head=9, row=1)""",
    "flight_recorder": f"""from study_group.blurr import flights
from study_group.widgets.flight_recorder import FlightRecorder
FlightRecorder(flights({TEXTS}, ["POSITIVE", "NEGATIVE"]), event=[1, 1], step="pad")""",
    "quiz": 'from study_group.widgets.quiz import Quiz\nQuiz("01_pipeline")',
}


def pose(name: str, widget):
    "The part of `widget` to take a picture of, made ready: of a quiz one question, with an answer tried."
    if name != "quiz": return widget
    question = widget.locator("form").first
    question.locator("input").first.check()
    question.locator("button[type=submit]").click()
    return question


def main(names: list[str]):
    "Take the pictures of the widgets named, or of all."
    path = chromium.got()
    with sync_playwright() as p, tempfile.TemporaryDirectory() as folder, jupyterlab(Path(folder)) as url:
        browser = p.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        lab = Lab(browser.new_page(), url, Path(folder))
        lab.page.set_default_timeout(180_000)  # the race trains and measures 45 tokenizers
        lab.notebook("")
        for name, code in PICTURES.items():
            if names and name not in names: continue
            selector = "." + name.replace("_", "-")
            # the strip's head is beside the rest where there is room
            lab.page.set_viewport_size(dict(width=1380 if name == "pipeline_strip" else 1280, height=1400))
            lab.show(code, selector)
            lab.page.locator(f"{selector}:is([aria-busy=true], :has([aria-busy=true]))").wait_for(state="detached")
            widget = pose(name, lab.page.locator(selector))
            lab.page.mouse.move(0, 0)
            still(lab.page)
            picture = Image.open(BytesIO(widget.screenshot())).convert("RGB")
            picture = picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3)
            picture.save(ROOT / f"nbs/images/{name}.png", optimize=True)
        browser.close()


if __name__ == "__main__": main(sys.argv[1:])
