"What stands in deploy/ for more than one machine: what it names is there, nobody is root, memory is as measured."
import re, shutil

import image, pytest, yaml
from places import NBS, REPO

DOCKER = (REPO / "deploy/Dockerfile").read_text()
STEPS = image.steps(DOCKER)


def test_the_image_is_made_by_the_makefile_and_runs_as_nobodys_root():
    makefile = (REPO / "Makefile").read_text()
    target, = re.findall(r"make (\S+) TORCH=cpu", DOCKER)
    assert re.search(rf"^{re.escape(target)}\b", makefile, re.M)
    kinds = [kind for kind, _ in STEPS]
    assert kinds[0] == "FROM" and kinds.index("USER") > max(i for i, kind in enumerate(kinds) if kind == "RUN")
    user = dict(STEPS)["USER"]
    assert user != "root" and f"useradd --create-home --uid 1000 {user}" in DOCKER
    left_out = (REPO / "deploy/Dockerfile.dockerignore").read_text().split()
    assert {".venv", ".cache", ".git"} <= {*left_out} and "nbs" not in left_out


def test_the_charts_values_fit_the_image_and_the_hosts_page():
    values = yaml.safe_load((REPO / "deploy/values.yaml").read_text())["singleuser"]
    home = dict(STEPS)["WORKDIR"]  # the last one
    assert values["storage"]["homeMountPath"] == home == "/home/learner" and values["uid"] == 1000
    assert values["lifecycleHooks"]["postStart"]["exec"]["command"][2] == f"{home}/study-group"
    said = (NBS / "host.ipynb").read_text(encoding="utf-8")
    learner = float(re.search(r"So count (\d\.\d) GB a learner", said)[1])
    assert values["memory"] == dict(guarantee=f"{learner}G", limit=f"{2*learner}G")
    assert "twice that for session 6" in said


def test_an_instruction_that_the_tool_cannot_follow_is_named():
    assert image.steps("# a\nFROM x\nRUN a && \\\n  b\n") == [("FROM", "x"), ("RUN", "a &&   b")]
    with pytest.raises(ValueError, match="ADD isn't among the instructions"): image.steps("FROM x\nADD a b")


def test_the_steps_are_followed_in_their_place_as_their_user(tmp_path, monkeypatch):
    monkeypatch.setattr(image.subprocess, "run", lambda command, **_: ran.append([str(word) for word in command]))
    monkeypatch.setattr(image.Machine, "copy", lambda self, *what: copied.append((self.at, *what)))
    monkeypatch.setenv("PIP_INDEX_URL", "https://x.y/simple")
    monkeypatch.setenv("SECRET", "s")
    ran, copied = [], []
    machine = image.Machine(tmp_path, "trixie", [], "https://x.y/torch")
    for step in STEPS: machine.follow(*step)
    assert ran[0][0] == "debootstrap" and copied == [("/course", ".", ".")]
    make, = (command for command in ran if any("make .venv/lab" in word for word in command))
    assert {"--userspec=root", "MAKEFLAGS=TORCH_INDEX=https://x.y/torch", "PIP_INDEX_URL=https://x.y/simple"} < {*make}
    assert make[make.index("-C") + 1] == "/course" and not any("SECRET" in word for word in make)
    start = [str(word) for word in machine.command(*machine.start)]
    assert {"--userspec=learner", "HOME=/home/learner"} < {*start} and start[start.index("-C") + 1] == "/home/learner"
    assert any(word.startswith("PATH=/course/.venv/bin:/usr/local/sbin") for word in start) and machine.port == 8888


def test_only_what_belongs_into_the_image_is_copied(tmp_path, monkeypatch):
    for name in ("kept.py", ".venv/bin/x", "nbs/__pycache__/y", ".git/z", "deploy/Dockerfile"):
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / name).touch()
    shutil.copy(REPO / "deploy/Dockerfile.dockerignore", tmp_path / "here/deploy")
    monkeypatch.setattr(image, "ROOT", tmp_path / "here")
    machine = object.__new__(image.Machine)
    machine.folder, machine.at = tmp_path / "there", "/course"
    machine.copy(".", ".")
    assert (tmp_path / "there/course/kept.py").is_file()
    assert {path.name for path in (tmp_path / "there/course").iterdir()} == {"kept.py", "nbs", "deploy"}
    assert [*(tmp_path / "there/course/nbs").iterdir()] == []
    with pytest.raises(ValueError, match="COPY a b"): machine.copy("a", "b")
