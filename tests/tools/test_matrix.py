"""tools/matrix.py's parts that install nothing: which versions a row asks for, and how its result becomes a table."""
import subprocess, sys, tomllib

import matrix, pytest
from packaging.version import Version
from places import REPO

PYPROJECT = """[project]
dependencies = ["ipywidgets>=7", "torch>=2.6", "transformers[torch]>=5.20,<6"]
[project.optional-dependencies]
fastai = ["fastai>=2.8"]
lab = ["study-group[fastai]", "ipywidgets>=8", "jupyterlab>=4.6"]
dev = ["pytest>=9"]
"""


def test_lower_bounds_are_those_a_learner_needs(monkeypatch, tmp_path):
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    core = dict(ipywidgets="7", torch="2.6", transformers="5.20")
    assert matrix.lower_bounds([]) == core
    assert matrix.lower_bounds(["fastai", "lab"]) == core | dict(ipywidgets="8", fastai="2.8", jupyterlab="4.6")


def test_every_dependency_has_a_lower_bound():
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    assert len(matrix.lower_bounds([])) == len(project["dependencies"])


def test_versions_are_colabs_lowest_pinned_or_newest():
    assert matrix.constraints("3.12-newest") == []
    assert any(c.startswith("torch==") for c in matrix.constraints("3.12-pinned"))
    assert "pandas==2.2.3" in matrix.constraints("3.13-colab") and "pandas==2.2.2" in matrix.constraints("3.12-colab")
    assert {"torch==2.11.0", "torchvision==0.26.0"} < {*matrix.constraints("3.12-colab")}
    with pytest.raises(KeyError, match="oldest"): matrix.constraints("3.12-oldest")


def test_what_is_installed_on_colab_replaces_nothing_there():
    have = matrix.pins(matrix.COLAB) | dict(torch="2.11.0")
    for extras in ([], ["fastai"]):
        low = matrix.lower_bounds(extras)
        assert [name for name in low if Version(have[name]) < Version(low[name])] == []


def test_a_python_is_found_or_not():
    assert matrix.interpreter(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert matrix.interpreter("2.99") is None
    assert matrix.run("2.99-newest")[:5] == ["2.99-newest", "–", "–", "–", "no such Python here"]


def test_what_cant_be_installed_counts_as_failed_and_the_next_row_runs(monkeypatch, tmp_path, capsys):
    def install(row, at): raise subprocess.CalledProcessError(1, "pip")
    (tmp_path / "CONTRIBUTING.md").write_text(matrix.BEGIN + matrix.END)
    monkeypatch.setattr(matrix, "install", install), monkeypatch.setattr(matrix, "ROOT", tmp_path)
    row = "{0.major}.{0.minor}-newest".format(sys.version_info)
    monkeypatch.setattr(sys, "argv", ["matrix.py", "--write", row, "2.99-newest"])
    assert matrix.main() == 1
    written = (tmp_path / "CONTRIBUTING.md").read_text()
    assert f"| {row} | – | – | – | can't be installed | 0 | 1 | 0 |" in written and "no such Python here" in written


@pytest.mark.parametrize("said, counted", [
    ("…\n3 failed, 812 passed, 2 skipped, 40 deselected, 5 warnings, 1 error in 93.21s (0:01:33)\n", [812, 4, 2]),
    ("807 passed in 60.00s", [807, 0, 0]), ("2 passed, 2 errors in 1s", [2, 2, 0]), ("", [0, 0, 0])])
def test_tests_are_counted(said, counted):
    assert matrix.counts(said) == counted


def test_rows_are_put_in_the_place_of_old_ones():
    old, new = [["3.11-lowest", *"abcdefg", 1], ["3.13-newest", *"hijklmn", 2]], ["3.11-lowest", *"opqrstu", 3]
    page = f"before\n{matrix.BEGIN}{matrix.END}after\n"
    once = matrix.merged(page, old[::-1])
    assert once == f"before\n{matrix.BEGIN}{matrix.table(old)}{matrix.END}after\n"
    assert matrix.merged(once, [new]) == f"before\n{matrix.BEGIN}{matrix.table([new, old[1]])}{matrix.END}after\n"
