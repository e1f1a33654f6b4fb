"""The wheel carries the whole course: modules, widgets, the checkpoint, notebooks and settings."""
import subprocess, sys, zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.extra  # building one asks the package index for the build backend


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "-o", folder, ROOT], check=True, capture_output=True)
    return next(folder.glob("*.whl"))  # built from the source distribution


def test_holds_what_the_repository_holds(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(["git", "ls-files", "study_group", "nbs"], cwd=ROOT, capture_output=True, text=True).stdout
    wanted = {f"study_group/{f}" if f.startswith("nbs/") else f for f in tracked.split()} | {"study_group/settings.ini"}
    assert wanted - names == set()
    assert {n.split("/")[0] for n in names} == {"study_group", next(n for n in names if "dist-info" in n).split("/")[0]}
    assert wheel.stat().st_size < 55e6


def test_starts_the_course_and_answers(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = """if True:
        import study_group.course, study_group.pipeline
        assert study_group.course.__file__.startswith(sys.argv[1]), study_group.course.__file__
        study_group.course.main(["start", "course", "--no-open"])
        print(study_group.pipeline.trace("What a wonderful film!").predictions[0]["label"])"""
    run = [sys.executable, "-c", f"import sys; sys.path.insert(0, sys.argv[1])\n{code}", str(tmp_path / "site")]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split()[-1] == "POSITIVE", done.stdout + done.stderr
    assert (tmp_path / "course/01_pipeline.ipynb").read_bytes() == (ROOT / "nbs/01_pipeline.ipynb").read_bytes()
    for linked in ("images/pipeline_strip.png", "under_the_hood/mask_bench.ipynb"):
        assert (tmp_path / "course" / linked).exists()
