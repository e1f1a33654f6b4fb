"""What a page, a file or a network sends is never run and never breaks the kernel's side.

The sources are read for what could run foreign code; widgets get every odd message through the comm's own path.
"""
import ast, json, re, traceback
from pathlib import Path
from types import SimpleNamespace

import pytest
from driver import with_helpers
from every_widget import MAKERS, TEXTS, make
from hypothesis import HealthCheck, given, settings, strategies as st
from ipywidgets.widgets import widget as ipywidgets_widget
from jupyter_client.manager import start_new_kernel
from places import NBS, REPO, modules, tracked

from study_group.widgets.base import StudyWidget


# what the sources call

ALLOWED = {  # what calls it: a module by its dotted name, or a file → what it calls → why
    "command.start": {"exec": "self_checks runs check cells of the course's own notebooks",
                      "compile": "the same, so that an error names the notebook"},
    "batching.calls": {"exec": "a row's code is padding_table's own; it is run to say what came of it"},
    "widgets.padding_table": {"exec": "the same code, to draw its batch"},
    "batching.calls.ipynb": {"exec": "the same code, checked"},
    "core.quizzes.ipynb": {"exec": "the setup of a quiz that the cell above writes", "eval": "its answers' claims"},
    "learning.inputs.ipynb": {"pickle": "that a setting can be copied and sent to a worker"},
    "learning.questions.ipynb": {"load_learner": "fastai's own, for what `export` has just written"},
    "nbs/02_models.ipynb": {"torch.load": "the lesson on pickles, with one that it has just written itself"},
    "nbs/06_fastai_and_blurr.ipynb": {"load_learner": "fastai's own, for what `export` has just written"},
    "tools/mutants.py": {"compile": "one of our own modules, with a small bug put in"},
    "tools/record_blurr.py": {"load_learner": "the same, for the record"}}
ASKS = {"core.data": {"urllib.request", "http.client"},  # which modules ask the network, and by what
        "core.checkpoints": {"get_hf_file_metadata", "hf_hub_url"},
        "command.doctor": {"get_hf_file_metadata", "hf_hub_url"}}


def name_of(path: Path) -> str:
    "How `ALLOWED` names a file: a module `a.b`, its notebook `a.b.ipynb`, any other by its path in the repository."
    for root, suffix in (("study_group", ""), ("nbs/under_the_hood", ".ipynb")):
        if path.is_relative_to(REPO/root):
            return ".".join(path.relative_to(REPO/root).with_suffix("").parts) + suffix
    return path.relative_to(REPO).as_posix()


def sources():
    "(name, code) of each Python source: modules, tools, and the code cells of notebooks."
    others = tracked("tools", "deploy", "nbs")
    for path in [*modules().values(), *(path for path in others if path.suffix == ".py")]:
        yield name_of(path), path.read_text("utf-8")
    for path in (path for path in others if path.suffix == ".ipynb"):
        for n, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] != "code" or "#| export" in source: continue
            lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
            yield f"{name_of(path)} cell {n}", "\n".join(lines)


def dotted(node) -> str:
    "`a.b.c` as it is written; of other calls the last name."
    if isinstance(node, ast.Attribute): return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


PICKLES = {"pickle", "cPickle", "_pickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
RUNNERS = {"eval", "exec", "compile", "__import__"}


def dangers(code: str) -> list[str]:
    "What `code` calls or names that could run foreign code."
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import): found += [a.name for a in node.names if a.name.split(".")[0] in PICKLES]
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PICKLES: found.append(node.module)
        if isinstance(node, ast.keyword) and node.arg in ("trust_remote_code", "allow_pickle", "shell"):
            if not (isinstance(node.value, ast.Constant) and node.value.value is False): found.append(node.arg)
        if isinstance(node, ast.Constant) and node.value == "trust_remote_code": found.append(node.value)
        if not isinstance(node, ast.Call): continue
        name, last = dotted(node.func), dotted(node.func).rpartition(".")[2]
        given = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
        if isinstance(node.func, ast.Name) and name in RUNNERS: found.append(name)
        if last in ("read_pickle", "load_learner", "system", "popen"): found.append(last)
        if name == "torch.load" and given.get("weights_only") is not True: found.append(name)
        if name in ("yaml.load", "yaml.unsafe_load", "yaml.full_load"): found.append(name)
        if last in ("extractall", "extract") and given.get("filter") != "data": found.append(last)
    return found


@pytest.mark.parametrize("code, found", [
    ("import pickle", 1), ("from joblib import load", 1), ("torch.load(f)", 1), ("torch.load(f, weights_only=True)", 0),
    ("torch.load(f, weights_only=False)", 1), ("np.load(f, allow_pickle=True)", 1), ("np.load(f)", 0),
    ("load('x', trust_remote_code=True)", 1), ("load('x', trust_remote_code=False)", 0),
    ("load('x', **{'trust_remote_code': True})", 1), ("eval('1')", 1), ("model.eval()", 0), ("exec(x)", 1),
    ("re.compile('x')", 0), ("pd.read_pickle(f)", 1), ("os.system('x')", 1), ("run(x, shell=True)", 1),
    ("tar.extractall(x)", 1), ("tar.extractall(x, filter='data')", 0), ("yaml.load(x)", 1), ("yaml.safe_load(x)", 0)])
def test_dangers_are_found(code, found): assert len(dangers(code)) == found


def test_no_source_runs_what_it_reads():
    found = {(name.split(" cell")[0], danger): name for name, code in sources() for danger in dangers(code)}
    allowed = {(name, danger) for name, all_ in ALLOWED.items() for danger in all_}
    assert sorted(found.keys() - allowed) == []
    assert sorted(allowed - found.keys()) == []  # what is allowed is needed


def test_every_source_is_looked_at():
    names = [name.split(" cell")[0] for name, _ in sources()]
    assert {*modules(), "tools/check.py", "tools/website/conf.py", "deploy/jupyterhub_config.py"} <= {*names}
    no_code = {f"nbs/{name}.ipynb" for name in ("cheat_sheet", "glossary", "host")}
    assert {name_of(path) for path in NBS.rglob("*.ipynb")} - {*names} == no_code


NETWORK = {"urllib.request", "http.client", "socket", "requests", "httpx", "aiohttp", "ftplib", "smtplib"}
HUB = {"hf_hub_download", "snapshot_download", "get_hf_file_metadata", "hf_hub_url", "load_dataset", "untar_data"}


def test_who_asks_the_network():
    """One module downloads a file, and checks its SHA-256 (test_data). Models come by transformers, as safetensors; the
    hub is asked for their names. Packages come by pip and npm, which check what they fetch."""
    asks = {}
    for name, code in sources():
        for node in ast.walk(ast.parse(code)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module in NETWORK else []
            names += [a.name for a in node.names if a.name in HUB] if isinstance(node, ast.ImportFrom) else []
            if found := (NETWORK | HUB).intersection(names): asks.setdefault(name, set()).update(found)
    assert {name: found for name, found in asks.items() if name in modules()} == ASKS


# what the pages' scripts do

STATIC = sorted(p for p in (REPO/"study_group/static").rglob("*") if p.is_file() and p.suffix != ".wasm")
FETCHES = {"weights.js": ["fetch("]}  # the weights beside a live page: tests/browser/test_site.py looks on
ACTS = (r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|\beval\(|new Function|"
        r"setTimeout\(\s*['\"`]|javascript:")
LEAVES = (r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts|\bimport\s*\(|"
          r"""\bimport\s*['"]|(?:\sfrom\s+|\}\s*from\s*)['"](?!\.)|^import\b(?! \{[^}]*\} from "\.\.?/)|"""
          r"@import|url\(\s*['\"]?(?!data:|#)|https?://(?!www\.w3\.org/)")


@pytest.mark.parametrize("path", STATIC, ids=lambda p: p.name)
def test_scripts_and_styles_make_no_html_and_ask_nobody(path):
    text = re.sub(r"^\s*(//|/?\*).*$", "", path.read_text("utf-8"), flags=re.M)
    assert re.findall(ACTS, text, flags=re.M) == []
    assert re.findall(LEAVES, text, flags=re.M) == FETCHES.get(path.name, [])
    for name in re.findall(r'\bfrom "([^"]*)"', text): assert (path.parent/name).resolve() in STATIC


@pytest.mark.parametrize("bad", ["a.innerHTML = x", "eval(x)", "new Function(x)", "setTimeout('x')", "fetch(x)",
                                 "import x from 'y'", 'import { x } from "y"', 'import {\n  x,\n} from "/y"',
                                 "import{x}from'y'", 'import "./y.js"', 'import * as x from "./y.js"',
                                 'export { x } from "y"', "@import 'x'", "url(//a.b/c)", "x = 'https://a.example'"])
def test_what_scripts_must_not_do_is_found(bad): assert re.search(f"{ACTS}|{LEAVES}", bad, flags=re.M)


def test_every_widget_is_tried():
    sources = "".join(path.read_text("utf-8") for path in modules().values())
    assert set(re.findall(r"^class (\w+)\((?:\w+, )?StudyWidget\)", sources, re.M)) == MAKERS.keys()


class Page:
    "A widget, and a page that sends it messages; `sent` is what the widget sends, `shown` tracebacks a learner'd see."

    def __init__(self, name: str, monkeypatch):
        self.name, self.sent, self.shown = name, [], []
        shell = SimpleNamespace(showtraceback=lambda *_, **__: self.shown.append(traceback.format_exc()))
        monkeypatch.setattr(ipywidgets_widget, "get_ipython", lambda: shell)
        self.widget = make(name)
        self.widget.comm.send = lambda data=None, buffers=None, **_: self.sent.append(data)
        self.start = dict(self.widget.get_state())

    def send(self, **data):
        self.widget._handle_msg({"content": {"data": data}, "buffers": []})

    def update(self, **state): self.send(method="update", state=state, buffer_paths=[])

    def held(self):
        "The widget's state, if it is one: each trait takes what it has, JSON does too, and no traceback was shown."
        assert self.shown == [], self.shown[-1]
        state = self.widget.get_state()
        for name, trait in self.widget.traits(sync=True).items():
            value = getattr(self.widget, name)
            assert trait._validate(self.widget, value) == value, name
        json.dumps(ipywidgets_widget._remove_buffers(state)[0], allow_nan=False)
        assert self.widget.html() and repr(self.widget)
        return state

    def works(self):
        "The widget does what a page asks of it."
        *_, name, value = MAKERS[self.name]
        self.update(**{name: value})
        assert getattr(self.widget, name) == value
        self.held()


@pytest.fixture(params=MAKERS)
def page(request, monkeypatch): return Page(request.param, monkeypatch)


ODD = [None, True, -1, 0, 7, 10**30, -10**400, 1.5, float("nan"), float("inf"), "", "x", "\ud83d", "a\0b", "a"*30_000,
       [], [[]], [None], [["a", 1], {}], [0, 0], [-1, 10**30], ["x", "\ud83d"], [TEXTS], {}, {"x": 1}, {"": None},
       {"side": "up", "rows": []}, {"side": "left", "rows": [7]}, {"side": "left", "rows": ["1"], "more": 1},
       {"rows": None, "side": None}, "IPY_MODEL_x", "<script>"]


def test_no_value_for_any_trait_breaks_a_widget(page):
    for name in sorted(page.widget.keys):
        for value in ODD: page.update(**{name: value})
        page.held()
    page.works()


def test_what_only_python_sets_stays(page):
    mine = {name for name in page.widget.keys if name not in PAGES.get(page.name, ()) and
            (name.startswith("_") or name in StudyWidget.class_trait_names())}
    mine |= {name for name, trait in page.widget.traits(sync=True).items() if trait.read_only}
    before = page.widget.get_state()
    for name in mine:
        for value in ("x", [], {}, 7, b"x"): page.update(**{name: value})
    assert {n: v for n, v in page.widget.get_state().items() if n in mine} == {n: before[n] for n in mine}


PAGES = dict(MaskBench={"_mask"}, Quiz={"_checks"})  # private traits that a page sets


def test_a_page_that_sent_nonsense_gets_back_what_holds(page):
    if page.widget.comm.__class__.__module__.startswith("ipykernel"):
        pytest.skip("ipywidgets 7 sends nothing where there is no kernel")
    name = MAKERS[page.name][-2]
    page.sent.clear()
    page.update(**{name: {"no": "such"}})
    held = page.widget.get_state(name)
    assert [d["state"] for d in page.sent if d["method"] == "update"][-1:] == [held]


def test_unknown_traits_and_none_at_all(page):
    page.update()
    page.update(no_such=1, **{"": 2, "__class__": 3, "set_state": 4, "comm": None, "keys": []})
    page.held(), page.works()


def test_nonsense_beside_a_good_value_spoils_only_itself(page):
    *_, name, value = MAKERS[page.name]
    page.update(**{"_twin": 5, name: value, "_esm": "evil()"})
    assert getattr(page.widget, name) == value and "evil" not in page.widget._esm
    page.held()


MESSAGES = [{}, dict(method=None), dict(method="nothing"), dict(method=7), dict(method="update"),
            dict(method="update", state=None), dict(method="update", state=[1]), dict(method="update", state="x"),
            dict(method="update", state={"text": 1}, buffer_paths=[["text"]]),
            dict(method="update", state={}, buffer_paths=[["a", "b"], 7]),
            dict(method="update", state={}, buffer_paths=3), dict(method="request_state"),
            dict(method="custom"), dict(method="custom", content=None)]
CONTENTS = [None, 1, "x", [], [{}], {}, {"want": None}, {"want": "exact"}, {"want": ["exact"]},
            {"want": "exact", "kind": "weights", "row": 0, "layer": 0, "head": 0, "query": 10**9, "key": 0},
            {"want": "heads", "row": 9}, {"want": "mask", "mask": "x"}, {"want": "html", "x": 1},
            {"want": "overview", "row": -1, "stage": "softmax"},
            {"want": "overview", "version": [], "row": 1.5, "stage": {}}, {"want": "__init__"}, {"rows": "x"},
            {"rows": [10**30, None, -1, "a", [], {}]}, {"rows": {}}, {"name": "batch_size", "value": None, "n": "x"},
            {"name": "batch_size", "value": [1]}, {"name": "seed", "value": float("nan"), "n": 10**30},
            {"name": "lengths", "value": [1]}, {"name": ["order"], "value": 1}, {"name": "order", "value": {}},
            {"name": {}, "value": 1}, {"ask": "more"}, {"ask": None}, {"kind": "anywidget-command", "name": "x"}]


def test_no_message_breaks_a_widget(page):
    for message in MESSAGES: page.send(**message)
    page.held()
    for content in CONTENTS: page.send(method="custom", content=content)
    page.held(), page.works()


def test_messages_that_are_none(page):
    for msg in ({}, {"content": None}, {"content": {}}, {"content": {"data": None}}, {"content": {"data": [1]}},
                {"content": {"data": {"method": "custom", "content": {}}}}, {"content": {"data": {"method": "update",
                 "state": {"_view": 1}, "buffer_paths": [["_view"]]}}, "buffers": []}):
        page.widget._handle_msg(msg)
    page.held(), page.works()


def some(inner): return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
json_like = st.recursive(plain, some, max_leaves=6)


def test_no_mix_of_values_breaks_a_widget(page):
    names = sorted(page.widget.keys)

    @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(st.sampled_from(names), json_like, max_size=4), json_like)
    def tried(state, content):
        page.update(**state)
        page.send(method="custom", content=content)
        page.held()
    tried()
    page.works()


# … and in a kernel, through its comms

IN_A_KERNEL = """
from every_widget import MAKERS, make
widgets = {name: make(name) for name in MAKERS}
print(*(f"{name}={w.model_id}" for name, w in widgets.items()))
"""


@pytest.fixture(scope="module")
def real_kernel():
    manager, client = start_new_kernel(kernel_name="python3", env=with_helpers())
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def said(client, code: str) -> str:
    "What `code` printed in the kernel; errors fail."
    out = []
    reply = client.execute_interactive(code, timeout=60, output_hook=lambda m: out.append(m["content"].get("text", "")))
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(out)


def test_a_kernel_shows_nothing_and_goes_on(real_kernel):
    ids = dict(pair.split("=") for pair in said(real_kernel, IN_A_KERNEL).split())
    assert ids.keys() == MAKERS.keys()
    shown, waiting = [], set()
    for name, comm_id in ids.items():
        trait = MAKERS[name][-2]
        for data in (dict(method="update", state={trait: {"no": "such"}}, buffer_paths=[]),
                     dict(method="update", state={"_view": 7, "layout": None, "_esm": 1}, buffer_paths=[]),
                     dict(method="update", state=[]), dict(method="custom", content={"want": 3, "name": []}), {}):
            msg = real_kernel.session.msg("comm_msg", dict(comm_id=comm_id, data=data))
            real_kernel.shell_channel.send(msg)
            waiting.add(msg["header"]["msg_id"])
    while waiting:
        msg = real_kernel.get_iopub_msg(timeout=60)
        if msg["msg_type"] in ("error", "stream"): shown.append(msg["content"])
        if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "idle":
            waiting.discard(msg["parent_header"].get("msg_id"))
    assert shown == []
    assert said(real_kernel, "print(len([w.html() for w in widgets.values()]))").strip() == str(len(MAKERS))
