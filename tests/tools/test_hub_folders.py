"The hub's folders for progress: each learner's is open to them and to whoever hosts, and to nobody else."
import json, os, pwd, shutil, subprocess
from types import SimpleNamespace

import pytest
from places import REPO

from study_group.command.group import read_group
from study_group.core.progress import EMPTY

USERS = dict(ada=61001, ben=61002)


def configured(monkeypatch, keep, accounts: bool):
    "What deploy/jupyterhub_config.py defines, with these settings."
    monkeypatch.setenv("STUDY_GROUP_HUB", str(keep))
    monkeypatch.setenv("STUDY_GROUP_HUB_ACCOUNTS", "1" if accounts else "")
    class Anything:
        def __getattr__(self, name):
            self.__dict__[name] = Anything()
            return self.__dict__[name]
    config = Anything()
    names = dict(get_config=lambda: config, __file__=str(REPO / "deploy/jupyterhub_config.py"))
    exec(compile((REPO / "deploy/jupyterhub_config.py").read_text(), "jupyterhub_config.py", "exec"), names)
    return names, config


def spawner(name, keep):
    homes = f"{keep}/learners/{{username}}"
    return SimpleNamespace(user=SimpleNamespace(name=name), environment={}, home_dir_template=homes)


def as_user(uid: int, command: str) -> int:
    "What `command` ends with when the user `uid` gives it to a shell."
    return subprocess.run(["sh", "-c", command], user=uid, group=uid, extra_groups=[], capture_output=True).returncode


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root may become another user")
def test_two_users_cannot_touch_each_others_progress(monkeypatch, tmp_path):
    for folder in (tmp_path, *tmp_path.parents): folder.chmod(folder.stat().st_mode | 0o011)
    homes = {name: tmp_path / "home" / name for name in USERS}
    for name, home in homes.items():
        home.mkdir(parents=True)
        shutil.chown(home, USERS[name], USERS[name])
    monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(
        pw_uid=USERS[name], pw_gid=USERS[name], pw_dir=str(homes[name])))
    names, config = configured(monkeypatch, tmp_path / "hub", accounts=True)
    assert config.JupyterHub.spawner_class == "localprocess" and config.JupyterHub.authenticator_class == "pam"
    for name in USERS:
        names["prepare"](spawned := spawner(name, tmp_path))
        own = spawned.environment["STUDY_GROUP_PROGRESS"]
        assert as_user(USERS[name], f"echo '{json.dumps(EMPTY | dict(name=name))}' > {own}/progress.json") == 0
        assert as_user(USERS[name], f"test -w {homes[name]}/study-group/01_pipeline.ipynb") == 0
    ada, ben = (tmp_path / "hub/progress" / name for name in USERS)
    for command in (f"cat {ada}/progress.json", f"ls {ada}", f"ls {ada.parent}", f"echo x > {ada}/progress.json",
                    f"rm -f {ada}/progress.json", f"mv {ada} {ada}2", f"touch {ada}/more", f"mkdir {ada.parent}/cy"):
        assert as_user(USERS["ben"], command) != 0, command
    assert as_user(USERS["ben"], f"cat {ben}/progress.json") == 0
    learners, troubles = read_group(tmp_path / "hub/progress")  # whoever hosts is root
    assert sorted(learner.kept["name"] for learner in learners) == ["ada", "ben"] and troubles == []


def test_without_accounts_each_has_a_folder_too(monkeypatch, tmp_path):
    names, config = configured(monkeypatch, tmp_path, accounts=False)
    assert config.JupyterHub.spawner_class == "simple"
    names["prepare"](spawned := spawner("ada", tmp_path))
    assert spawned.environment == dict(STUDY_GROUP_PROGRESS=str(tmp_path / "progress/ada"))
    assert (tmp_path / "learners/ada/study-group/index.ipynb").is_file()
