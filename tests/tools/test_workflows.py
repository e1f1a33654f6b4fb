"What a fork on GitHub runs: hardly more than `make`, and a sentence where something isn't set yet."
import re, shutil, subprocess, tomllib

import check, pytest, yaml
from packaging.specifiers import SpecifierSet
from places import REPO

WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (REPO / ".github/workflows").glob("*.yml")}


def steps(name: str) -> list[dict]: return [step for job in WORKFLOWS[name]["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("name, target", [("test", "test"), ("pages", "site")])
def test_a_workflow_is_one_call_of_make(name, target):
    commands = [step["run"] for step in steps(name) if "run" in step and "name" not in step]
    assert commands == [f"make {target} TORCH=cpu"]
    assert re.search(rf"(?m)^{target}:", (REPO / "Makefile").read_text())
    assert all(step["with"]["cache"] == "pip" for step in steps(name) if "setup-python" in step.get("uses", ""))


def test_each_python_is_tested_that_the_table_of_versions_has():
    pythons = WORKFLOWS["test"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    rows = re.findall(r"(?m)^\| (3\.\d+)-", (REPO / "CONTRIBUTING.md").read_text())
    required = SpecifierSet(tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["requires-python"])
    assert pythons == sorted(set(rows)) and all(python in required for python in pythons)


@pytest.mark.parametrize("user, code", [("OWNER", 1), ("OWNER  ", 1), ("ada", 0), ("OWNERS", 0)])
def test_pages_of_nobody_are_refused_with_the_remedy(tmp_path, user, code):
    ini = (REPO / "settings.ini").read_text()
    (tmp_path / "settings.ini").write_text(re.sub(r"(?m)^user = .*", f"user = {user}", ini))
    ask = next(step["run"] for step in steps("pages") if "settings.ini" in step.get("name", ""))
    done = subprocess.run(["bash", "-e", "-c", ask], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == code
    assert ("user is still OWNER: set it to your GitHub name, run make sync, and push" in done.stdout) == bool(code)


def test_the_host_is_told_how_to_switch_it_on():
    page = (REPO / "nbs/host.ipynb").read_text()
    assert "https://USER.github.io/REPO/" in page and "Settings → Pages → Source: GitHub" in page


@pytest.mark.parametrize("file, old, new, named", [
    (".github/workflows/test.yml", "runs-on:", "run-on:", "run-on"),
    ("CITATION.cff", "authors:", "author:", "authors")])
def test_what_github_cannot_read_is_found(tmp_path, monkeypatch, file, old, new, named):
    shutil.copytree(REPO / ".github", tmp_path / ".github"), shutil.copy(REPO / "CITATION.cff", tmp_path)
    monkeypatch.setattr(check, "ROOT", tmp_path)
    (tmp_path / file).write_text((tmp_path / file).read_text().replace(old, new))
    found = check.unreadable()
    assert len(found) == 1 and file in found[0] and named in found[0]
