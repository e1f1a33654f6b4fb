"""The course as pages that need no kernel and no network, in _site/; each page is opened in a browser and looked at.

    python tools/website.py           # build _site/ and check it
    python tools/website.py --check   # only check it

Notebooks with widgets are run for that, so that what can be explored without Python can be explored in their pages.
"""
import http.server, json, shutil, subprocess, sys, tempfile, threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from string import Template
from urllib.parse import unquote

import chromium, notebooks
from playwright.sync_api import Browser, sync_playwright

from study_group.padding import padding_table
from study_group.widgets.attention_grid import AttentionGrid
from study_group.widgets.base import StudyWidget
from study_group.widgets.engine import engine_files
from study_group.widgets.mask_bench import MaskBench
from study_group.widgets.merge_theatre import MergeTheatre
from study_group.widgets.padding_bill import PaddingBill
from study_group.widgets.pipeline_strip import PipelineStrip
from study_group.widgets.scripts import static_text
from study_group.widgets.token_strip import TokenStrip
from study_group.widgets.tokenizer_race import TokenizerRace

ROOT = Path(__file__).parent.parent

SITE = ROOT / "_site"
FOR_PAGES = """
from IPython.display import display
from study_group.widgets import StudyWidget
StudyWidget._ipython_display_ = lambda self: display({{"text/html": self.fragment({engine!r})}}, raw=True)
"""
TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]


LENGTHS = [12, 31, 9, 64, 18, 25, 40, 7, 120, 33, 15, 22, 51, 8, 28, 19]
OWN_PAGES = {  # the widgets that have a page of their own, by its name
    "attention_grid": lambda: AttentionGrid(TEXTS), "mask_bench": lambda: MaskBench(TEXTS),
    "merge_theatre": MergeTheatre, "padding_bill": lambda: PaddingBill(LENGTHS, 4),
    "padding_table": lambda: padding_table(TEXTS),
    "pipeline_strip": lambda: PipelineStrip(TEXTS), "token_strip": lambda: TokenStrip(TEXTS[0]),
    "tokenizer_race": lambda: TokenizerRace(TEXTS[0])}


def engine_at(page: str, engine: str) -> str:
    "The address of the script `engine` as `page` (its path without .html) sees it."
    return f"{'../' * page.count('/')}live/{engine}"


def widgets(path: Path, page: str, engine: str) -> dict[str, list[str]]:
    "For each cell of the notebook at `path`, by its id, the widgets that it shows, as HTML for a page without Python."
    if 'id=\\"study-' not in path.read_text(encoding="utf-8"): return {}
    cells = notebooks.execute(path, FOR_PAGES.format(engine=engine_at(page, engine)))["cells"]
    shown = {cell["id"]: ["".join(out.get("data", {}).get("text/html", "")) for out in cell.get("outputs", ())]
             for cell in cells}
    return {id: found for id, all_ in shown.items() if (found := [html for html in all_ if is_widget(html)])}


def is_widget(html: str) -> bool: return html.startswith(('<div id="study-', "<div data-page="))


def build(to: Path = SITE):
    "Write the pages to the folder `to`, anew. A link between them that leads nowhere is an error."
    options = ["--quiet", "--fail-on-warning", "--keep-going", "--jobs", "auto", "-c", ROOT / "tools/website"]
    files, shown = engine_files(), {name: make() for name, make in OWN_PAGES.items()}
    engine = next(iter(files))
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(2) as pool:
        paths = notebooks.notebooks()
        names = [path.relative_to(ROOT / "nbs").with_suffix("").as_posix() for path in paths]
        found = dict(zip(names, pool.map(widgets, paths, names, [engine] * len(paths))))
        found["index"]["opening"] = [shown["pipeline_strip"].fragment(engine_at("index", engine))]
        Path(work, "widgets.json").write_text(json.dumps(found), encoding="utf-8")
        options += ["-D", f"widgets={work}/widgets.json"]
        folders = ["-d", f"{work}/doctrees", ROOT / "nbs", f"{work}/pages"]
        done = subprocess.run([sys.executable, "-m", "sphinx", *options, *folders])
        if done.returncode: sys.exit("no pages: see above")
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(f"{work}/pages", to, ignore=shutil.ignore_patterns("*.map"))
    for name, data in files.items(): write(to / "live" / name, data)
    for name, widget in shown.items():
        write(to / f"widgets/{name}.html", own_page(widget, f"../live/{engine}").encode())


def write(path: Path, data: bytes):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def own_page(widget: StudyWidget, engine: str) -> str:
    "A page with `widget` alone, and a way to the course."
    body = f'<p><a href="../index.html">The course</a></p>{widget.fragment(engine)}'
    return Template(static_text("page.html")).substitute(title=type(widget).__name__, rules="", body=body)


def served(folder: Path) -> str:
    "Serve `folder` as a plain static server does; its address."
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_): pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


class Reader:
    "A browser without a network, on the pages in `site`; `log` has what went wrong."

    def __init__(self, browser: Browser, site: Path, **options):
        self.site, self.log, self.ids = site, [], {}
        context = browser.new_context(offline=True, **options)
        self.page = page = context.new_page()
        page.on("console", lambda m: self.say(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: self.say(e))
        page.on("requestfailed", lambda r: self.say(f"failed: {r.url[:100]}"))

    def say(self, words): self.log.append(f"{Path(self.page.url).name}: {words}")

    def open(self, path: Path) -> list[str]:
        "Open a page, wait until it is quiet; its links to pages."
        self.page.goto(path.as_uri())
        self.page.wait_for_load_state("networkidle")
        self.ids[path] = set(self.page.evaluate("() => [...document.querySelectorAll('[id]')].map(n => n.id)"))
        links = self.page.evaluate("() => [...document.links].map(a => a.href)")
        return [unquote(a.removeprefix("file://")) for a in links if a.startswith("file:")]

    def pages(self) -> list[Path]: return sorted(self.site.rglob("*.html"))

    def walk(self):
        "Open every page, and see that each link to a page leads to a place."
        links = {path: self.open(path) for path in self.pages()}
        for path, targets in links.items():
            for target in targets:
                file, _, id = target.partition("#")
                place = Path(file.partition("?")[0])
                if not (place.is_file() and (not id or place not in links or id in self.ids[place])):
                    self.log.append(f"{path.name}: {target} leads nowhere")

    def search(self, words: str) -> list[str]:
        "The titles that a search finds from the front page."
        self.open(self.site / "index.html")
        self.page.locator("input[name=q]").first.fill(words)
        self.page.keyboard.press("Enter")
        self.page.locator("#search-results .search-summary", has_text="found").wait_for()
        return self.page.locator("#search-results li a").all_inner_texts()


def main() -> int:
    if "--check" not in sys.argv: build()
    path = chromium.got()
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        reader = Reader(browser, SITE)
        reader.walk()
        if not reader.search("attention mask"): reader.log.append("the search finds nothing")
        size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
        print(f"_site/index.html and {len(reader.pages()) - 1} more pages, {size / 1e6:.1f} MB")
        for line in reader.log: print(f"    {line}")
        return bool(reader.log)


if __name__ == "__main__": sys.exit(main())
