"""Learners run cells in any order, twice, and before what they need: each works, or says by name what is missing."""
import json, os, subprocess, sys
from pathlib import Path

import pytest
from places import REPO

from study_group.course import settings

RUN = """
import json, os, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
how, notebook = sys.argv[1:]
shell, cells = InteractiveShell.instance(), json.load(open(notebook, encoding="utf-8"))["cells"]
cells = [(cell["id"], "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
wrong, names = [], dict(shell.user_ns)

def run(id, source):
    with capture_output() as said: result = shell.run_cell(source, store_history=False)
    error = result.error_before_exec or result.error_in_exec
    named = "check_" in source and "def " not in source and "import" not in source  # an exercise's check, asked
    if how == "alone" and (isinstance(error, NameError) or error is None and not named): return
    if error is not None or how == "alone": wrong.append([id, type(error).__name__, str(error) or said.stdout])

for id, source in cells:
    if how == "alone":
        shell.user_ns.clear(), shell.user_ns.update(names)
        run(id, source)
    elif how == "backwards": run(id, source)
    else: run(id, source), run(id, source)
if how != "alone":  # … and all of it again: from the top, or from the end
    for cell in cells[::-1 if how == "backwards" else 1]: run(*cell)
print("\\n" + json.dumps(wrong))
"""


def run(how: str, notebook: Path, folder: Path) -> list:
    "What goes wrong, as (cell's id, error, message), where cells run `alone`, `twice` or `backwards`."
    env = {**os.environ, "STUDY_GROUP_CACHE": str(folder), "MPLBACKEND": "agg", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", RUN, how, notebook]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.extra
@pytest.mark.parametrize("session", settings().sessions)
def test_a_cell_alone_works_or_python_names_what_is_missing(session, tmp_path):
    assert run("alone", REPO/f"nbs/{session}.ipynb", tmp_path) == []


@pytest.mark.extra
@pytest.mark.parametrize("session", settings().sessions)
def test_each_cell_twice_and_all_of_them_again(session, tmp_path):
    assert run("twice", REPO/f"nbs/{session}.ipynb", tmp_path) == []


@pytest.mark.extra
@pytest.mark.parametrize("session", settings().sessions)
def test_each_cell_again_from_the_end(session, tmp_path):
    assert run("backwards", REPO/f"nbs/{session}.ipynb", tmp_path) == []


def test_what_goes_wrong_is_found(tmp_path):
    sources = ["n = 1", "check_n(n)", "def check_n(n): return 'Right'", "total = []\nn += 1\nassert n == 2", "1/0"]
    cells = [dict(cell_type="code", id=str(i), source=source) for i, source in enumerate(sources)]
    (tmp_path/"a.ipynb").write_text(json.dumps(dict(cells=cells)))
    assert [id for id, *_ in run("alone", tmp_path/"a.ipynb", tmp_path)] == ["4"]
    assert [id for id, *_ in run("twice", tmp_path/"a.ipynb", tmp_path)][:3] == ["1", "1", "3"]
    assert [id for id, *_ in run("backwards", tmp_path/"a.ipynb", tmp_path)] == ["1", "4", "4", "3"]
