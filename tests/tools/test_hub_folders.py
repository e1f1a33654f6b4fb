"The folders that the hub gives to each learner; test_hub.py tries them with real accounts."
import os, pwd, shutil, subprocess
from types import SimpleNamespace

from places import REPO


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


def test_with_accounts_learners_log_in_and_are_themselves(monkeypatch, tmp_path):
    names, config = configured(monkeypatch, tmp_path, accounts=True)
    assert config.JupyterHub.spawner_class == "localprocess" and config.JupyterHub.authenticator_class == "pam"
    done = []
    monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=61001, pw_gid=61002, pw_dir="/home/ada"))
    monkeypatch.setattr(os, "getgrouplist", lambda name, gid: [gid])
    monkeypatch.setattr(shutil, "chown", lambda *what: done.append(what))
    monkeypatch.setattr(subprocess, "run", lambda command, **options: done.append((command[1:], options["user"])))
    names["prepare"](spawned := spawner("ada", tmp_path))
    own = tmp_path / "progress/ada"
    assert spawned.environment == dict(STUDY_GROUP_PROGRESS=str(own))
    assert (own.stat().st_mode & 0o777, own.parent.stat().st_mode & 0o777) == (0o700, 0o711)
    assert done == [(own, 61001, 61002), (["start", "/home/ada/study-group", "--no-open"], 61001)]  # nothing as root


def test_without_accounts_each_has_a_folder_too(monkeypatch, tmp_path):
    names, config = configured(monkeypatch, tmp_path, accounts=False)
    assert config.JupyterHub.spawner_class == "simple"
    names["prepare"](spawned := spawner("ada", tmp_path))
    assert spawned.environment == dict(STUDY_GROUP_PROGRESS=str(tmp_path / "progress/ada"))
    assert (tmp_path / "learners/ada/study-group/index.ipynb").is_file()
