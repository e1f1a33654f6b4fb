"""The house: which module of the package may know which. All imports are read, also those inside functions and doors.

Each rule is a function of the package's folder that tells what breaks it, so that it is tried on broken packages too.
"""
import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from re import sub
from typing import NamedTuple

import pytest
from places import REPO, modules

IDEAS = {"core", "tokenizing", "batching", "attending", "learning"}
PICTURES = "widgets"
DOOR = "core.doors"  # imports the widget it is asked for: who asks is looked at
PASS_ON = {"", "course"}  # may import a name from where it isn't defined: the package itself, and the command's face


class Import(NamedTuple):
    "Modules go by their dotted names in the package; the package itself is ''."
    by: str
    of: str    # "?…" where it can't be read
    name: str  # "" where it is the module itself
    line: int

    def __str__(self):
        what = f"{self.name} from {self.of or 'the package'}" if self.name else self.of or "the package"
        return f"{self.by or '__init__'}:{self.line} imports {what}"


def files(folder: Path) -> dict[str, Path]:
    "The package's modules."
    found = {path.relative_to(folder).with_suffix("").parts: path for path in sorted(folder.rglob("*.py"))}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for parts, path in found.items()}


def joined(*parts: str) -> str: return ".".join(filter(None, parts))


def written(node: ast.expr | None) -> str | None:
    "What is written in a string or an f-string, with * for what is put in; None where that can't be read."
    if isinstance(node, ast.Constant) and isinstance(node.value, str): return node.value
    if not isinstance(node, ast.JoinedStr): return None
    return "".join(part.value if isinstance(part, ast.Constant) else "*" for part in node.values)


class Reader:
    "The imports in one module."

    def __init__(self, folder: Path, by: str, path: Path, known: dict[str, Path]):
        self.by, self.known, self.package = by, known, folder.name
        self.room = by if path.name == "__init__.py" else by.rpartition(".")[0]
        self.tree = ast.parse(path.read_text(encoding="utf-8"))

    def inside(self, name: str) -> str | None:
        "The dotted name in the package of what is called `name` in full, None for what is elsewhere."
        if name == self.package: return ""
        return name.removeprefix(f"{self.package}.") if name.startswith(f"{self.package}.") else None

    def above(self, level: int) -> str:
        "The package that `level` dots stand for."
        parts = self.room.split(".") if self.room else []
        return ".".join(parts[:len(parts) - level + 1])

    def imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str, str]]:
        "(module, name, what it is called here)."
        if isinstance(node, ast.Import):
            for alias in node.names:
                if (of := self.inside(alias.name)) is not None: yield of, "", alias.asname or ""
            return
        of = joined(self.above(node.level), node.module) if node.level else self.inside(node.module)
        if of is None: return
        for alias in node.names:
            module = joined(of, alias.name)
            yield (module, "", alias.asname or alias.name) if module in self.known else (of, alias.name, "")

    def called(self, node: ast.Call) -> Iterator[str]:
        "The modules that a call imports."
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if self.by == DOOR: return
        if name in ("open_widget", "door"):
            for widget in map(written, node.args[name == "door":]):
                yield f"{PICTURES}.{sub('(?<!^)(?=[A-Z])', '_', widget).lower()}" if widget else "?"
        if name not in ("import_module", "__import__"): return
        what = written(node.args[0] if node.args else None)
        if what is None or what.startswith("*"): yield "?"
        elif what.startswith("."):
            dots = len(what) - len(what.lstrip("."))
            yield from self.like(joined(self.above(dots), what.lstrip(".")))
        elif (of := self.inside(what)) is not None: yield from self.like(of)

    def like(self, pattern: str) -> list[str]:
        return [module for module in self.known if fnmatchcase(module, pattern)] or [f"?{pattern}"]

    def imports(self) -> Iterator[Import]:
        here, nodes = {}, [*ast.walk(self.tree)]
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for of, name, alias in self.imported(node):
                    yield Import(self.by, of if of in self.known else f"?{of}", name, node.lineno)
                    if alias: here[alias] = of
            elif isinstance(node, ast.Call):
                for of in self.called(node):
                    yield Import(self.by, of if of in self.known else f"?{of.lstrip('?')}", "", node.lineno)
        for node in nodes:  # a name that is something else too, an argument say, isn't followed
            if isinstance(node, ast.arg): here.pop(node.arg, None)
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load): here.pop(node.id, None)
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in here:
                of = here[node.value.id]
                if joined(of, node.attr) not in self.known: yield Import(self.by, of, node.attr, node.lineno)


def imports(folder: Path) -> list[Import]:
    known = files(folder)
    return [found for by, path in known.items() for found in Reader(folder, by, path, known).imports()]


def defined(body: list[ast.stmt]) -> Iterator[str]:
    "The names that a module's statements define, those aside that they import."
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            continue
        bound = getattr(node, "targets", None) or [getattr(node, "target", None)]
        bound += [item.optional_vars for item in getattr(node, "items", ())]
        yield from (name.id for at in filter(None, bound) for name in ast.walk(at) if isinstance(name, ast.Name))
        blocks = [getattr(node, part, []) for part in ("body", "orelse", "finalbody")]
        for block in [*blocks, *(handler.body for handler in getattr(node, "handlers", ()))]:
            if isinstance(block, list): yield from defined(block)


# the rules

def can_be_read(folder: Path) -> list[str]:
    "Each import leads to a module, and says in its place to which."
    return [str(found) for found in imports(folder) if found.of.startswith("?")]


def goes_in_no_circle(folder: Path) -> list[str]:
    graph = {module: set() for module in files(folder)}
    for found in imports(folder):
        if found.of in graph: graph[found.by].add(found.of)
    try: TopologicalSorter(graph).prepare()
    except CycleError as e: return [" ← ".join(module or "__init__" for module in e.args[1])]
    return []


def no_idea_knows_a_picture(folder: Path) -> list[str]:
    return [str(found) for found in imports(folder)
            if found.by.split(".")[0] in IDEAS and found.of.lstrip("?").split(".")[0] == PICTURES]


def no_room_knows_a_face(folder: Path) -> list[str]:
    known = files(folder)
    faces = {name for name, path in known.items() if name and "." not in name and path.name != "__init__.py"}
    return [str(found) for found in imports(folder) if found.by not in {"", *faces} and found.of in faces]


def names_come_from_where_they_are_defined(folder: Path) -> list[str]:
    own = {module: {*defined(ast.parse(path.read_text(encoding="utf-8")).body)}
           for module, path in files(folder).items()}
    given = {"__name__", "__doc__", "__file__", "__path__", "__spec__", "__dict__"}
    return [str(found) for found in imports(folder) if found.name and found.by not in PASS_ON
            and found.of in own and found.name not in own[found.of] | given]


RULES = [can_be_read, goes_in_no_circle, no_idea_knows_a_picture, no_room_knows_a_face,
         names_come_from_where_they_are_defined]


@pytest.mark.parametrize("rule", RULES)
def test_the_package_keeps_the_rule(rule): assert rule(REPO / "study_group") == []


def test_every_module_is_read():
    known, there = files(REPO / "study_group"), modules()
    assert {*known.values()} == {*there.values()} and len(known) > 30
    assert {room for name in known if "." in name for room in name.split(".")[:1]} >= {*IDEAS, PICTURES, "command"}
    found = imports(REPO / "study_group")
    assert len(found) > 2 * len(known) and {f.of for f in found if f.of.startswith(PICTURES)} > {f"{PICTURES}.base"}


# … and packages made here

GOOD = {  # two rooms, pictures, and a face
    "__init__.py": "from .padding import classify", "core/__init__.py": "", "widgets/__init__.py": "",
    "core/texts.py": "import torch\nfrom importlib import import_module\nLIMIT = 3\ntry: import numpy as np\n"
                     "except ImportError: np = None\ndef check(texts): return import_module('torch'), texts.copy()",
    "core/doors.py": "from importlib import import_module\n"
                     "def open_widget(name): return import_module(f'house.widgets.{name}')\n"
                     "def door(module, *widgets): return lambda name: open_widget(name)",
    "batching/__init__.py": "", "batching/costs.py": "from ..core import texts\ndef cost(texts): return texts.lower()",
    "batching/answers.py": "from ..core.texts import LIMIT, check\nfrom ..core.texts import np\n"
                           "def classify(): from . import costs; return costs.cost(LIMIT), costs.__name__",
    "widgets/base.py": "import house.core.texts as t\nclass StudyWidget: limit = t.LIMIT",
    "widgets/mask_bench.py": "from .base import StudyWidget\nclass MaskBench(StudyWidget): pass",
    "padding.py": "from .batching.answers import classify\nfrom .core.doors import door, open_widget\n"
                  "__getattr__ = door(__name__, 'MaskBench')\ndef bench(): return open_widget('MaskBench')",
    "course.py": "from .padding import classify"}


def built(folder: Path, changes: dict[str, str]) -> Path:
    "The package `house` in `folder`: `GOOD`, with `changes`."
    for name, code in (GOOD | changes).items():
        (path := folder / "house" / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    return folder / "house"


@pytest.mark.parametrize("rule", RULES)
def test_a_good_package_keeps_the_rule(rule, tmp_path): assert rule(built(tmp_path, {})) == []


COSTS, DOORWAY = GOOD["batching/costs.py"], "from ..core.doors import door, open_widget\n"
BROKEN = {  # what is wrong → the rule that it breaks, what is said of it, which files differ
    "a circle inside a function": (goes_in_no_circle, "batching.answers", {
        "batching/costs.py": f"{COSTS}\ndef f(): from .answers import classify"}),
    "a circle by name": (goes_in_no_circle, "batching.costs", {
        "core/texts.py": "from importlib import import_module\nimport_module('house.batching.costs')"}),
    "a circle by a name that is put in": (goes_in_no_circle, "core.texts", {
        "core/texts.py": "import importlib\ndef f(n): return importlib.import_module(f'house.batching.{n}')"}),
    "a circle by a relative name": (goes_in_no_circle, "batching.costs", {
        "core/texts.py": "from importlib import import_module\nimport_module('..batching.costs', __package__)"}),
    "a circle through a door": (goes_in_no_circle, "widgets.mask_bench", {
        "widgets/base.py": "from ..core.doors import door\n__getattr__ = door(__name__, 'MaskBench')"}),
    "a circle of two faces": (goes_in_no_circle, "homework", {
        "homework.py": "from .padding import bench\ndef f(): pass",
        "padding.py": "def bench(): import house.homework"}),
    "a module imports itself": (goes_in_no_circle, "core.texts", {"core/texts.py": "from . import texts"}),
    "an idea imports a picture": (no_idea_knows_a_picture, "batching.costs:2 imports MaskBench from widgets.mask_bench",
                                  {"batching/costs.py": "def f():\n    from ..widgets.mask_bench import MaskBench"}),
    "an idea opens a picture": (no_idea_knows_a_picture, "batching.costs:2 imports widgets.mask_bench", {
        "batching/costs.py": f"{DOORWAY}open_widget('MaskBench')"}),
    "an idea has a door": (no_idea_knows_a_picture, "batching.costs:2", {
        "batching/costs.py": f"{DOORWAY}__getattr__ = door(__name__, 'MaskBench')"}),
    "an idea imports a picture by name": (no_idea_knows_a_picture, "batching.costs:2 imports widgets.base", {
        "batching/costs.py": "from importlib import import_module\nimport_module('house.widgets.base')"}),
    "a picture looks up": (no_room_knows_a_face, "widgets.mask_bench:1 imports bench from padding", {
        "widgets/mask_bench.py": "def f(): from ..padding import bench"}),
    "a name through another room": (
        names_come_from_where_they_are_defined, "costs:1 imports LIMIT from batching.answ", {
        "batching/costs.py": "from .answers import LIMIT"}),
    "a private name through another": (names_come_from_where_they_are_defined, "imports _x from batching.answers", {
        "core/texts.py": "_x = LIMIT = check = np = 1", "batching/answers.py": "from ..core.texts import _x",
        "batching/costs.py": "def f(): from .answers import _x"}),
    "a room's name through a face": (names_come_from_where_they_are_defined, "imports classify from padding", {
        "homework.py": "from .padding import classify"}),
    "a picture through a face's door": (names_come_from_where_they_are_defined, "imports MaskBench from padding", {
        "homework.py": "from .padding import MaskBench"}),
    "a name through a module's attribute": (names_come_from_where_they_are_defined, "imports LIMIT from batching.ans", {
        "batching/costs.py": "from . import answers as a\ndef f(): return a.LIMIT"}),
    "all names at once": (names_come_from_where_they_are_defined, "imports * from core.texts", {
        "batching/costs.py": "from ..core.texts import *"}),
    "a module that isn't there": (can_be_read, "batching.costs:1 imports f from ?core.gone", {
        "batching/costs.py": "from ..core.gone import f"}),
    "a picture that isn't there": (can_be_read, "padding:2 imports ?widgets.gone_away", {
        "padding.py": "from .core.doors import door\n__getattr__ = door(__name__, 'GoneAway')"}),
    "a name that can't be read": (can_be_read, "batching.costs:2 imports ?", {
        "batching/costs.py": "from importlib import import_module\ndef f(name): return import_module(name)"})}


@pytest.mark.parametrize("wrong", BROKEN)
def test_what_breaks_a_rule_is_told(wrong, tmp_path):
    rule, said, changes = BROKEN[wrong]
    assert said in "\n".join(rule(built(tmp_path, changes)))
