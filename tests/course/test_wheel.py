"""The wheel carries the whole course: alone in an empty environment, as on Colab, it runs every session."""
import json, os, subprocess, sys, zipfile

import matrix, pytest
from places import REPO

from study_group.course import settings

pytestmark = pytest.mark.extra  # building one asks the package index for the build backend


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "-o", folder, REPO], check=True, capture_output=True)
    return next(folder.glob("*.whl"))  # built from the source distribution


def test_holds_what_the_repository_holds(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(["git", "ls-files", "study_group", "nbs"], cwd=REPO, capture_output=True, text=True).stdout
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
    run = [sys.executable, "-c", f"import sys\n{code}", str(tmp_path / "site")]
    env = os.environ | dict(PYTHONPATH=str(tmp_path / "site"))
    done = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.stdout.split()[-1] == "POSITIVE", done.stdout + done.stderr
    assert (tmp_path / "course/01_pipeline.ipynb").read_bytes() == (REPO / "nbs/01_pipeline.ipynb").read_bytes()
    for linked in ("images/pipeline_strip.png", "images/diagrams/layer.svg", "under_the_hood/widgets/mask_bench.ipynb"):
        assert (tmp_path / "course" / linked).exists()


@pytest.mark.parametrize("extra", ["", "[fastai]"])
def test_on_colab_pip_replaces_nothing(wheel, tmp_path, extra):
    "A dry run beside what Colab has, by names and versions. (There, `jedi` comes too: IPython 7 lacks it.)"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    (packages,) = tmp_path.glob("env/lib/python*/site-packages")
    for name, version in (matrix.pins(matrix.COLAB) | dict(torch="2.11.0", torchvision="0.26.0")).items():
        info = packages / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    pip = [sys.executable, "-m", "pip", "--python", tmp_path / "env/bin/python", "install"]
    run = [*pip, "--dry-run", "--no-index", "--quiet", "--report", "-", f"{wheel}{extra}"]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [new["metadata"]["name"] for new in json.loads(done.stdout)["install"]] == ["study-group"]


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    "A folder with an environment that holds the wheel and what it needs, and a learner's copies of the notebooks."
    folder = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    install = ["-m", "pip", "install", "-q", "-c", REPO / "tools/constraints.txt", f"{wheel}[lab]"]
    subprocess.run([folder / "env/bin/python", *install], check=True)
    subprocess.run([folder / "env/bin/study-group", "start", "course", "--no-open"], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("session", settings().sessions)
def test_each_session_runs_without_the_repository(elsewhere, session):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    env |= dict(HOME=str(elsewhere / "home"), PATH=f"{elsewhere / 'env/bin'}:{env['PATH']}", HF_HUB_OFFLINE="1")
    run = [elsewhere / "env/bin/jupyter-execute", f"{session}.ipynb", "--timeout=900"]
    done = subprocess.run(run, cwd=elsewhere / "course", env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
