"""What the course's pages need beyond Sphinx's settings: notebooks for readers, anchors as in JupyterLab, MathML."""
import json, re
from fnmatch import filter as matching
from pathlib import Path
from posixpath import dirname, join, normpath

from docutils.nodes import SkipNode
from math_core import LatexToMathML

from study_group.command.sync import WRITTEN
from study_group.course import settings

PARTS = {"At hand": "[cgt]*", "The group": "posts", "For the host": "host", "Solutions": "solutions/*",
         "Under the hood": "under_the_hood/**"}
TREE = "```{{toctree}}\n:hidden:\n:glob:\n:caption: {}\n\n{}\n```"


def slug(heading: str) -> str:
    "The anchor of `heading`, as JupyterLab has it."
    return heading.replace(" ", "-")


def trees(pages: set[str]) -> str:
    "What the front page says for the sidebar to list `pages`."
    sessions = "\n".join(f"{n} {title} <{name}>" for n, (name, title) in enumerate(settings().sessions.items(), 1))
    parts = {"Sessions": sessions} | {name: pattern for name, pattern in PARTS.items() if matching(pages, pattern)}
    return "\n\n".join(TREE.format(*part) for part in parts.items())


def elsewhere(text: str, page: str) -> str:
    "`text`, Markdown of `page`, with links to what isn't in nbs/ leading to the repository, without Colab's picture."
    s = settings()

    def to(link):
        place = normpath(join("nbs", dirname(page), link[1]))
        if place.startswith("nbs/"): return link[0]
        return f"](https://github.com/{s.user}/{s.repo}/blob/{s.branch}/{place}"

    text = re.sub(r"\]\((\.\./[^)#\s]+)", to, text)
    return re.sub(r"\[!\[(Open In Colab)\]\([^)]*\)\]", r"[\1]", text)


def for_readers(cell: dict, page: str) -> dict:
    "`cell` of `page` without nbdev's directives and without badges, its code to unfold where JupyterLab folds it."
    text = "".join(cell["source"])
    if cell["cell_type"] != "code": return cell | dict(source=elsewhere(text, page))
    folded = cell["metadata"].get("jupyter", {}).get("source_hidden")
    return cell | dict(source=re.sub(r"(?m)^#\|.*\n?", "", text).strip(),
                       metadata=dict(tags=["hide-input"] if folded else []))


def hidden(cell: dict) -> bool:
    "Whether `cell` is nothing for a reader without a kernel."
    hide = cell["cell_type"] == "code" and re.search(r"(?m)^#\| *hide *$", "".join(cell["source"]))
    return bool(hide) or cell.get("id") in set(WRITTEN) - {"colab-badge"}


def enliven(cell: dict, widgets: list[str]):
    "Put `widgets`, that can be explored without Python, in the place of their static forms in `cell`."
    static = [out["data"] for out in cell.get("outputs", ())
              if "".join(out.get("data", {}).get("text/html", "")).startswith('<div id="study-')]
    if len(static) != len(widgets): raise ValueError(f"the cell shows {len(widgets)} widgets, but holds {len(static)}")
    for data, widget in zip(static, widgets): data["text/html"] = widget


def opening(cells: list[dict], widgets: list[str]) -> list[dict]:
    "The front page's `cells` with its first picture alive: the `widgets` in the place of the image."
    front, *rest = cells
    words = re.sub(r"(?m)^!\[.*\n?", "", "".join(front["source"]))
    shown = [dict(output_type="display_data", metadata={}, data={"text/html": widget}) for widget in widgets]
    alive = dict(cell_type="code", id="alive", metadata=dict(tags=["remove-input"]), outputs=shown,
                 execution_count=None, source="# a cell without a source isn't shown")
    return [front | dict(source=words), alive, *rest]


def prepare(app, docname: str, source: list[str]):
    "Make of the notebook in `source` what the page `docname` shows; Markdown stays, but for a list of no posts."
    if docname == "posts" and not matching(app.env.found_docs, "posts/*/*"):  # Sphinx 9 would complain
        source[0] = re.sub(r"(?ms)^```\{toctree\}.*?^```$", "Nobody has written one yet.", source[0])
    if Path(app.env.doc2path(docname)).suffix != ".ipynb": return
    nb = json.loads(source[0])
    widgets = json.loads(Path(app.config.widgets).read_text(encoding="utf-8")).get(docname, {})
    shown = [cell for cell in nb["cells"] if not hidden(cell)]
    for cell in shown: enliven(cell, widgets.get(cell["id"], []))
    cells = [for_readers(c, docname) for c in shown]
    if docname == app.config.root_doc:
        cells = opening(cells, widgets["opening"])
        cells.append(dict(cell_type="markdown", id="trees", metadata={}, source=trees(app.env.found_docs)))
    source[0] = json.dumps(nb | dict(cells=cells))


def inline(self, node):
    "Write a formula as MathML, which browsers draw by themselves."
    self.body.append(LatexToMathML().convert_with_local_state(node.astext(), displaystyle=False))
    raise SkipNode


def block(self, node):
    self.body.append(LatexToMathML().convert_with_local_state(node.astext(), displaystyle=True))
    raise SkipNode


def lighten(app, pagename: str, templatename: str, context: dict, doctree):
    "Leave out of a page's code the marks of what has text's own colour (names, punctuation, spaces): half its bytes."
    def plain(code): return re.sub(r'<span class="(?:n|nn|p|w)">([^<]*)</span>', r"\1", code[0])
    if "body" in context: context["body"] = re.sub(r'(?s)<div class="highlight">.*?</pre>', plain, context["body"])


def setup(app):
    app.add_config_value("widgets", "", "env", str)
    app.connect("source-read", prepare)
    app.connect("html-page-context", lighten)
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return dict(parallel_read_safe=True, parallel_write_safe=True)
