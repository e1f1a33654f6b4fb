"""Slides from the sessions: one self-contained deck each, and a walk through its pages.

    python tools/slides.py [session …]                     # write _slides/<session>.html and check each page
    python tools/slides.py --pictures FOLDER [--dark] …    # and keep a picture of each page

A deck shows the cells with a slideshow mark, and no others. Its pages are 1280 × 720: one that
is a little too tall (up to 8 %) is shown smaller, and named; one that is much too tall is an error.
"""
import argparse, re, sys
from html import escape
from pathlib import Path

import nbformat
from math_core import LatexToMathML
from nbconvert import SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.v4 import new_markdown_cell
from playwright.sync_api import Browser, sync_playwright
from pygments.formatters import HtmlFormatter

import chromium, npm
from study_group.course import Settings, settings

ROOT = Path(__file__).parent.parent

DECKS = ROOT / "_slides"
MARKS = ("slide", "subslide", "fragment", "notes", "-")
SIZE = dict(width=1280, height=720)


def reveal() -> Path:
    "The folder with reveal.js's built files."
    return npm.fetched("reveal.js", "6.0.2") / "dist"


def mark(cell) -> str | None:
    "The slideshow mark of `cell`, None where it isn't shown."
    kind = cell.metadata.get("slideshow", {}).get("slide_type")
    return kind if kind in MARKS else None


def is_title(cell) -> bool: return cell.cell_type == "markdown" and cell.source.startswith("# ")


def shown(nb) -> list:
    "The marked cells of `nb`, without nbdev's directives and folded code; its title isn't one: the deck has its own."
    cells = [c for c in nb.cells if mark(c) and not is_title(c)]
    for c in (c for c in cells if c.cell_type == "code"):
        c.source = re.sub(r"(?m)^#\|.*\n?", "", c.source).strip()
        folded = c.metadata.get("jupyter", {}).get("source_hidden") or not c.source
        c.metadata["transient"] = dict(remove_source=bool(folded))
    return cells


def front(nb, s: Settings, session: str):
    "The first page: what settings.ini says, and the notebook's subtitle."
    found = next((re.search(r"(?m)^> (.*)", c.source) for c in nb.cells if is_title(c)), None)
    course, title, host = map(escape, (s.title, s.sessions[session], s.host))
    number = list(s.sessions).index(session) + 1
    source = (f'<div class="front"><p class="course">{course}</p><h1>{title}</h1>'
              f'{rendered(found[1]) if found else ""}<p class="host">Session {number} · {host}</p></div>')
    return new_markdown_cell(source, metadata=dict(slideshow=dict(slide_type="slide")))


class Renderer(IPythonRenderer):
    "Markdown whose formulas are MathML, and whose links to a session's notebook open its deck."

    def link(self, text: str, url: str, title: str | None = None) -> str:
        notebook = re.fullmatch(r"(?:\.\./)?([^:#]*)\.ipynb(?:#.*)?", url)
        if notebook and notebook[1] not in settings().sessions: return text
        return super().link(text, f"{notebook[1]}.html" if notebook else url, title)

    def inline_math(self, body: str) -> str: return LatexToMathML().convert_with_local_state(body, displaystyle=False)

    def block_math(self, body: str) -> str: return LatexToMathML().convert_with_local_state(body, displaystyle=True)


def rendered(source: str) -> str:
    "`source`, Markdown, as HTML that holds its pictures."
    renderer = Renderer(escape=False, embed_images=True, path=str(ROOT / "nbs"), exclude_anchor_links=True)
    return MarkdownWithMath(renderer=renderer).render(source)


def colours() -> str:
    "Rules for the colours of code, light and dark; both have a contrast of 4.5 and more."
    styles = dict(light="xcode", dark="lightbulb")
    return "\n".join(HtmlFormatter(style=style, nobackground=True).get_style_defs(f"[data-theme={theme}] .highlight")
                     for theme, style in styles.items())


def deck(nb, s: Settings, session: str) -> str:
    "The page that holds the slides of `nb`."
    nb.cells = [front(nb, s, session), *shown(nb)]
    nb.metadata["language_info"] = nbformat.from_dict(dict(name="python"))
    exporter = SlidesExporter(template_name="slides", extra_template_basedirs=[str(ROOT / "tools")],
                              extra_template_paths=[str(reveal())], exclude_input_prompt=True,
                              exclude_output_prompt=True)
    exporter.register_filter("markdown2html", rendered)
    about = dict(title=f"{s.sessions[session]} · {s.title}", colours=colours())
    return exporter.from_notebook_node(nb, resources=dict(deck=about))[0]


def walk(path: Path, browser: Browser, pictures: Path | None = None, dark: bool = False) -> tuple[int, list, list]:
    "Open the deck at `path` offline and look at each page: how many there are, what is wrong, which are shown smaller."
    page, said, small = browser.new_page(viewport=SIZE, color_scheme="dark" if dark else "light"), [], []
    page.on("console", lambda m: said.append(f"console: {m.text}") if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: said.append(f"error: {e}"))
    page.on("requestfailed", lambda r: said.append(f"failed: {r.url[:100]}"))
    page.context.set_offline(True)
    page.goto(path.as_uri())
    page.wait_for_function("() => window.Reveal?.isReady()")
    places = page.evaluate("() => [...pages()].map(page => Object.values(Reveal.getIndices(page)).slice(0, 2))")
    for n, (h, v) in enumerate(places, 1):
        wide, tall, seen, squeezed = page.evaluate("""([h, v]) => {
            Reveal.slide(h, v, 1000);
            const page = Reveal.getCurrentSlide();
            const parts = [...page.querySelectorAll(":scope > :not(.section, aside)")];
            const seen = parts.some((part) => part.innerText.trim() || part.querySelector("img, svg"));
            return [...spill(page), seen, page.dataset.squeezed];
        }""", [h, v])
        name = f"page {n} of {path.stem}"
        if wide > 0: said.append(f"{name} is {wide} px too wide")
        if tall > 0: said.append(f"{name} is {tall} px too tall")
        if squeezed: small.append(f"{name} is {squeezed}")
        if not seen: said.append(f"{name} is empty")
        if pictures: page.screenshot(path=pictures / f"{path.stem}-{n:02}{'-dark' if dark else ''}.png")
    page.close()
    return len(places), said, small


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sessions", nargs="*", help="the notebooks' names (default: all)")
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of each page")
    parser.add_argument("--dark", action="store_true", help="look at the pages in the dark theme")
    args, s, bad = parser.parse_args(), settings(), 0
    for folder in filter(None, (DECKS, args.pictures)): folder.mkdir(parents=True, exist_ok=True)
    path = chromium.got()
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for session in args.sessions or s.sessions:
            path = DECKS / f"{session}.html"
            path.write_text(deck(nbformat.read(ROOT / f"nbs/{session}.ipynb", as_version=4), s, session), "utf-8")
            n, said, small = walk(path, browser, args.pictures, args.dark)
            size = path.stat().st_size / 1e6
            print(f"{path.relative_to(ROOT)}: {n} pages, {size:.1f} MB", *said, *small, sep="\n    ")
            bad += len(said)
    return bool(bad)


if __name__ == "__main__": sys.exit(main())
