"What stands in deploy/ for more than one machine: what it names is there, nobody is root, memory is as measured."
import re

import yaml
from places import NBS, REPO

DOCKER = (REPO / "deploy/Dockerfile").read_text()
STEPS = [line.split(maxsplit=1) for line in DOCKER.splitlines() if line and not line.startswith("#")]


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
