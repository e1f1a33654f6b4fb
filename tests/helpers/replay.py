"""The same steps in Python and in a live page: what a widget's traits are after each, and what it answers.

A step is a dict of traits to set, all at once, or `Message(…)`, what the page's script sends.
"""
import json, re
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

from study_group.widgets.base import StudyWidget
from study_group.widgets.engine import engine_files
from study_group.widgets.scripts import to_json

NEAR = 2e-5  # floats differ at most by so much, and by so much of their size
NUMBER = r"[-−]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?"
PAGE = """async ([steps, names]) => {
    const study = document.querySelector("[data-page]").study, heard = [], found = [];
    const written = (_, value) => (value instanceof DataView
        ? { base64: btoa(Array.from(new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
                                    (byte) => String.fromCharCode(byte)).join("")) } : value);
    study.on("msg:custom", (content, buffers) => heard.push([content, buffers]));
    for (const step of steps) {
        heard.length = 0;
        if ("message" in step) study.send(step.message);
        else for (const name in step) study.set(name, step[name]);
        const isBusy = () => document.querySelector('[aria-busy="true"]');
        for (let n = 0; n < 3 || n < 2000 && isBusy(); n++) {
            await study.idle();
            await new Promise((go) => setTimeout(go, 30));
        }
        const traits = Object.fromEntries(names.map((name) => [name, study.get(name)]));
        found.push(JSON.parse(JSON.stringify({ traits, heard }, written)));
    }
    return found;
}"""


def message(**content) -> dict: return dict(message=content)


def write_engine(folder: Path) -> str:
    "Write what live pages share into `folder`; the name of the engine's script."
    files = engine_files()
    for name, data in files.items(): (folder/name).write_bytes(data)
    return next(iter(files))


def recorded(widget: StudyWidget, steps: list[dict], settle: Callable = lambda widget: None) -> list[dict]:
    "What Python does in each step; `settle(widget)` lets it finish what it does later."
    found, names = [], widget.page_traits()
    for step in steps:
        heard = []
        widget.send = lambda content, buffers=(): heard.append([content, [bytes(b) for b in buffers]])
        if "message" in step: widget._on_custom(step["message"], [])
        else: widget._on_update(step)
        settle(widget)
        found.append(json.loads(to_json(dict(traits={name: getattr(widget, name) for name in names}, heard=heard))))
    return found


def differences(here, there, where: str = "", rough: tuple[str, ...] = ()) -> list[str]:
    "Where two states differ; the bytes of what is called one of `rough` may be one more or less."
    if isinstance(here, dict) and isinstance(there, dict):
        if set(here) == set(there) == {"base64"}:
            a, b = b64decode(here["base64"]), b64decode(there["base64"])
            near = len(a) == len(b) and max((abs(x - y) for x, y in zip(a, b)), default=0) <= 1
            return [] if a == b or near and any(name in where for name in rough) else [f"{where}: {len(a)} other bytes"]
        if here.keys() != there.keys(): return [f"{where}: {sorted(here)} and {sorted(there)}"]
        return [d for name in here for d in differences(here[name], there[name], f"{where}.{name}", rough)]
    if isinstance(here, list) and isinstance(there, list):
        if len(here) != len(there): return [f"{where}: {here!r:.300} and {there!r:.300}"]
        return [d for n, (a, b) in enumerate(zip(here, there)) for d in differences(a, b, f"{where}[{n}]", rough)]
    if isinstance(here, str) and isinstance(there, str) and re.sub(NUMBER, "#", here) == re.sub(NUMBER, "#", there):
        if here == there: return []
        if "." not in here: return [f"{where}: {here!r:.300} and {there!r:.300}"]
        numbers = [[float(n.replace("−", "-").replace(",", "")) for n in re.findall(NUMBER, s)] for s in (here, there)]
        return [d for a, b in zip(*numbers) for d in differences(a, b, f"{where} {here!r}")]
    numbers = [x for x in (here, there) if isinstance(x, (int, float)) and not isinstance(x, bool)]
    if len(numbers) == 2: same = abs(here - there) <= NEAR + NEAR * abs(here)
    else: same = type(here) is type(there) and here == there
    return [] if same else [f"{where}: {here!r:.300} and {there!r:.300}"]


class Live:
    "A browser without a network, with the engine's files in `folder`."

    def __init__(self, chrome, folder: Path):
        self.folder, self.engine = folder, write_engine(folder)
        self.context = chrome.new_context(offline=True, viewport=dict(width=1200, height=900))
        self.page, self.log = self.context.new_page(), []
        self.page.on("console", lambda m: self.log.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.log.append(str(error)))
        self.page.on("request", lambda r: r.url.startswith(("file:", "blob:")) or self.log.append(r.url))

    def open(self, widget: StudyWidget):
        "Open `widget` as a live page that answers already; the page."
        path = self.folder/"page.html"
        path.write_text(f'<!doctype html><meta charset="utf-8">{widget.fragment(self.engine)}', encoding="utf-8")
        self.page.goto(path.as_uri())
        if widget.live()["model"]: self.page.get_by_role("button", name="Run the model").click()
        self.page.locator(".study-widget .offline", has_text="ithout Python").wait_for(timeout=60_000)
        return self.page

    def same(self, widget: StudyWidget, steps: list[dict], settle: Callable = lambda widget: None,
             rough: tuple[str, ...] = ()) -> list[str]:
        "Do `steps` in a live page and in Python; where they differ."
        self.open(widget)
        there = self.page.evaluate(PAGE, [steps, widget.page_traits()])
        here = recorded(widget, steps, settle)
        return [d for n, pair in enumerate(zip(here, there)) for d in differences(*pair, f"step {n}", rough)]
