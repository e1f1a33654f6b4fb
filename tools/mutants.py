"""Do the tests notice a bug? Put small ones into a subject's modules, one at a time, and run the subject's tests.

    python tools/mutants.py [padding …]         # default: all subjects; exit code 1 where too few are caught
    python tools/mutants.py --n 300 attention   # a larger sample

Most bugs are cosmic-ray's: another operator or number, `not` before a condition, a loop that never runs … Which are
tried is drawn by a hash of the line, so the sample stays where code stays. No file is changed: a child of this
process, which has torch and the like already, gets a module's changed source in place of what is on the disk.
"""
import argparse, ast, contextlib, gc, importlib, json, os, resource, signal, sys, time
from collections import defaultdict
from functools import cache
from hashlib import md5
from importlib.machinery import SourceFileLoader
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import parso, pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider
from hypothesis import Phase, settings

ROOT = Path(__file__).parent.parent
SUBJECTS = dict(  # modules by their dotted names
    padding="padding batching.by_hand batching.calls batching.costs batching.answers",
    tokenizers="tokenizing.base tokenizing.words tokenizing.steps tokenizing.bpe tokenizing.wordpiece "
               "tokenizing.unigram",
    attention="attention attending.axes attending.masks attending.listening attending.maps attending.drawing",
    products="attending.products", lens="attending.lens attending.reading attending.probing",
    effects="attending.effects attending.alone",
    attributions="attending.attributions attending.vectors attending.agreement")
ENOUGH = .85  # of the mutants are to be caught
AT_ONCE, MEMORY = 2, 6 << 30  # processes, and bytes for each
EXAMPLES, SLOW = 50, 1.5  # of a property; a test of more seconds is left out. With more of both, more could be caught
# Of cosmic-ray's operators these are left out: `is` for `==` and the like, since equal words and small numbers are
# mostly the same object; and for `+`, say, all but `-`, since most others end in an error wherever they run.
NEAR = {"Add_Sub", "Sub_Add", "Mul_Add", "Mul_FloorDiv", "Div_Mul", "Div_FloorDiv", "FloorDiv_Mul", "FloorDiv_Div",
        "Mod_FloorDiv", "Pow_Mul", "BitOr_BitAnd", "BitOr_BitXor", "BitAnd_BitOr", "BitXor_BitOr"}
SAME = {  # what a mutant's line has that can't change what the code does, and why
    ("padding", "amax(+1)"): "logits have two dimensions",
    ("attending.products", "super().__init__(0, allowed, True"): "each layer says anew whether scores are wanted",
    ("attending.products", "super().__init__( 1, allowed"): "how many layers there are is never asked",
    ("attending.products", ".item() or 2"): "nought by any number is nought",
    ("attending.products", "if off <= "): "no weights are off by just so much",
    ("attending.effects", ".item() or 2"): "nought by any number is nought",
    ("attending.effects", "self.base.argmax(+1)"): "these logits have two dimensions",
    ("attending.alone", "real.sum(1)"): "a mask has two dimensions"}


class Undo(Operator):
    "Leave out a call that is a statement of its own; turn the condition of a comprehension round."
    def mutation_positions(self, node):
        alone = node.type == "atom_expr" and node.parent.type == "simple_stmt"
        if alone or node.type == "comp_if": yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        if node.type == "atom_expr": return parso.parse(f"{node.get_first_leaf().prefix}None")
        node.children[1] = parso.parse(f" not ({node.children[1].get_code()})")
        return node

    def examples(): return ()


@cache
def operators() -> dict[str, Operator]:
    "By name, all that can make a mutant."
    found = dict(Undo=Undo())
    for name in OperatorProvider():
        kind, _, change = name.partition("_")
        if kind.startswith("Variable") or "Binary" in kind and change not in NEAR: continue
        if change in ("Is_IsNot", "IsNot_Is") or not {"Is", "IsNot"} & {*change.split("_")}:
            found[name] = OperatorProvider()[name]()
    return found


def in_type(node) -> bool:
    "Whether `node` is part of a type annotation."
    while (parent := node.parent) is not None:
        if parent.type == "tfpdef" and node is not parent.children[0]: return True
        if parent.type == "annassign" and node is parent.children[1]: return True
        if parent.type == "funcdef" and node is parent.annotation: return True
        node = parent
    return False


@cache
def places(source: str) -> dict[tuple, list]:
    "(line, column) → the operators that can make a mutant there, each with the number of this occurrence."
    nodes, found = list(ast_nodes(get_ast(source))), defaultdict(list)
    for name, operator in operators().items():
        at = [(start, node) for node in nodes for start, _ in operator.mutation_positions(node)]
        for n, (start, node) in enumerate(at):
            if not in_type(node) and not node.get_code(False).startswith("@patch"): found[start].append((name, n))
    return found


class Mutant(NamedTuple):
    module: str
    line: int
    before: str  # the line
    after: str
    source: str  # of the whole module

    def __str__(self): return f"{self.module}:{self.line}: {self.before} → {self.after}"

    @property
    def same(self) -> str | None:
        return next((why for (m, new), why in SAME.items() if m == self.module and new in self.after), None)


def mutants(module: str, source: str):
    "A mutant for each of the `places` in the `source` of `module`, in an order that is drawn."
    lines, found, old = source.split("\n"), places(source), ast.dump(ast.parse(source))
    def draw(line, column, name=None): return md5(repr((module, lines[line - 1], column, name)).encode()).hexdigest()
    for line, column in sorted(found, key=lambda at: draw(*at)):
        for name, n in sorted(found[line, column], key=lambda how: draw(line, column, how[0])):
            new = mutate_code(source, operators()[name], n)
            with contextlib.suppress(SyntaxError):
                if ast.dump(ast.parse(new)) == old: continue
                yield Mutant(module, line, lines[line - 1].strip(), new.split("\n")[line - 1].strip(), new)
                break


def place(module: str) -> Path:
    "The file of `module`, a dotted name without `study_group.`."
    return ROOT/"study_group"/f"{module.replace('.', '/')}.py"


def sample(subject: str, n: int) -> list[Mutant]:
    "About `n` mutants of `subject`, of each module as large a share."
    sources = {m: place(m).read_text(encoding="utf-8") for m in SUBJECTS[subject].split()}
    n_places = {m: len(places(source)) for m, source in sources.items()}
    share = min(1, n/sum(n_places.values()))
    return [mutant for m, source in sources.items() for mutant in islice(mutants(m, source), round(share*n_places[m]))]


def allow(seconds: float): signal.setitimer(signal.ITIMER_PROF, seconds)  # of the processor; then comes the end


class Hurry:
    "Runs the tests that took the fewest `seconds` first, and ends the process where one takes far longer than that."
    def __init__(self, seconds: dict): self.seconds = seconds
    def took(self, item) -> float: return self.seconds.get(item.nodeid, 0)

    def pytest_collection_modifyitems(self, items):
        items[:] = sorted((item for item in items if self.took(item) < SLOW), key=self.took)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        began, _ = time.process_time(), allow(5 + 4*(self.took(item) or 60))
        done = yield
        self.seconds[item.nodeid] = time.process_time() - began
        return done


def run_tests(subject: str, hurry: Hurry) -> int:
    "Run the tests of `subject` that need no browser, in this process; pytest's exit code."
    importlib.import_module("torch").set_num_threads(1)
    phases = Phase.explicit, Phase.generate  # nobody reads the examples: no need to look for small ones
    settings.register_profile("mutants", derandomize=True, phases=phases, database=None)
    settings.load_profile("mutants")
    type.__setattr__(settings, "max_examples", property(lambda self: min(EXAMPLES, self._max_examples)))
    quick = ["--assert=plain", "--tb=line", "-Wignore", "-pno:cacheprovider", "-pno:unraisableexception"]
    which = [str(ROOT/f"tests/library/test_{subject}.py"), "-m", "not browser and not extra"]
    return pytest.main(["-xq", *quick, *which], plugins=[hurry])


def forked(work, say: int | None = None) -> int:
    "The id of a child that ends with the exit code that `work` gives; what it prints goes to the file `say`."
    if pid := os.fork(): return pid
    try:
        if say is not None: os.dup2(say, 1), os.dup2(say, 2)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        allow(60), signal.alarm(900)
        os._exit(work())
    finally: os._exit(99)


def first_run(subject: str) -> dict[str, float]:
    "How many seconds each test of `subject` takes with no bug put in; what they import from elsewhere is imported."
    out, into = os.pipe()

    def work():
        code = run_tests(subject, hurry := Hurry({}))
        files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
        ours = str(ROOT/"study_group"), str(ROOT/"tests")
        elsewhere = [name for name, file in files.items() if not file.startswith(ours)]
        with open(into, "w") as f: json.dump([hurry.seconds, elsewhere], f)
        return code

    pid = forked(work)
    os.close(into)
    with open(out) as f: said = f.read()
    if os.waitpid(pid, 0)[1]: sys.exit(f"The tests of {subject} fail with no bug put in.")
    seconds, elsewhere = json.loads(said)
    for name in elsewhere:
        with contextlib.suppress(Exception): importlib.import_module(name)
    gc.freeze()
    return seconds


def with_mutant(subject: str, mutant: Mutant, seconds: dict) -> int:
    "Run the tests of `subject` with `mutant` in place of its module; pytest's exit code."
    path, get_code = str(place(mutant.module)), SourceFileLoader.get_code
    def instead(self, name): return compile(mutant.source, path, "exec") if self.path == path else get_code(self, name)
    SourceFileLoader.get_code = instead
    return run_tests(subject, Hurry(seconds))


def survivors(subject: str, tried: list[Mutant], seconds: dict):
    "Those of the mutants `tried` that the tests of `subject` don't notice: no test fails, hangs or eats the memory."
    running, waiting = {}, iter(tried)
    with open(os.devnull, "w") as nowhere:
        while True:
            while len(running) < AT_ONCE and (mutant := next(waiting, None)):
                running[forked(lambda: with_mutant(subject, mutant, seconds), nowhere.fileno())] = mutant
            if not running: return
            pid, status = os.wait()
            mutant = running.pop(pid)
            if status == 0: yield mutant


def check(subject: str, n: int) -> bool:
    "Try `n` mutants of `subject` and print how it went; whether enough are caught."
    began, seconds, tried = time.monotonic(), first_run(subject), sample(subject, n)
    same, no_bug = [mutant for mutant in tried if mutant.same], Mutant("", 0, "", "", "")
    left = list(survivors(subject, [no_bug, *(mutant for mutant in tried if not mutant.same)], seconds))
    if no_bug not in left: sys.exit(f"The tests of {subject} fail in a child with no bug put in.")
    left.remove(no_bug)
    n_caught = len(tried) - len(same) - len(left)
    print(f"{subject}: {n_caught} of {len(tried)} mutants are caught, {n_caught/len(tried):.1%}; without {len(same)} "
          f"that change nothing, {n_caught/(len(tried) - len(same)):.1%}. {(time.monotonic() - began)/60:.1f} minutes")
    for mutant in left: print(f"  not caught: {mutant}")
    for mutant in same: print(f"  the same: {mutant}: {mutant.same}")
    return n_caught >= ENOUGH*(len(tried) - len(same))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("subjects", nargs="*", default=list(SUBJECTS), help=", ".join(SUBJECTS))
    parser.add_argument("--n", type=int, default=80, help="mutants of each subject")
    args = parser.parse_args()
    os.environ |= dict(HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    return not all([check(subject, args.n) for subject in args.subjects])


if __name__ == "__main__": sys.exit(main())
