"""One JupyterHub for all: five learners run session 1 at the same time (what it takes is in the host's page), and two
who have accounts can't touch what is the other's."""
import asyncio, os, shutil, tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat, pytest
from hub import Account, Learner, running_hub, with_accounts
from places import REPO
from tornado.httpclient import HTTPClientError

from study_group.command.group import read_group

pytestmark = pytest.mark.extra  # needs JupyterHub and its proxy: `make test-all` installs both
LEARNERS = ["ada", "blaise", "claude", "dorothy", "emmy"]
ANSWER = """
from study_group.core.progress import change_progress
change_progress(lambda data: data.update(name={name!r}))
"""
FORBIDDEN = ["cat {progress}/progress.json", "ls {progress}", "ls {progress}/..", "echo x > {progress}/progress.json",
             "rm -f {progress}/progress.json", "mv {progress} {progress}2", "mkdir {progress}/../cy",
             "echo x > {home}/study-group/index.ipynb", "touch {home}/study-group/more", "rm -rf {home}/study-group"]


def waited_for(work, seconds: int):
    "What the coroutine `work` returns; the browser of other tests has a loop in this thread."
    with ThreadPoolExecutor(1) as pool: return pool.submit(asyncio.run, asyncio.wait_for(work, seconds)).result()


def test_five_learners_run_session_1_at_once(tmp_path):
    cells = [c.source for c in nbformat.read(REPO / "nbs/01_pipeline.ipynb", 4).cells if c.cell_type == "code"]
    with running_hub(tmp_path) as hub:
        async def all_of_them(): return await asyncio.gather(*(Learner(name, *hub).session(cells) for name in LEARNERS))
        took = waited_for(all_of_them(), 900)
    for name, t in zip(LEARNERS, took):
        print(f"{name}: {t['seconds']:.0f} s, {t['own']:.2f} GB, and {t['shared']:.2f} GB that all share")
    assert max(t["own"] for t in took) < 1.2
    for name in LEARNERS:  # their copies, to write in
        assert (tmp_path / f"learners/{name}/study-group/01_pipeline.ipynb").is_file()


@pytest.fixture
def accounts():
    "A folder that everybody may pass, and the command that gives ada and ben an account."
    if getattr(os, "geteuid", lambda: 1)() or not shutil.which("unshare"): pytest.skip("only root can give accounts")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder, with_accounts(dict(ada="ada's", ben="ben's"), folder)
    shutil.rmtree(folder)


def test_two_accounts_cannot_touch_each_others_folders(accounts):
    folder, before = accounts
    (keep := folder / "hub").mkdir()
    places = dict(progress=keep / "progress/ada", home=folder / "home/ada")

    async def refused(code: int, work):
        with pytest.raises(HTTPClientError) as e: await work
        assert e.value.code == code

    async def both(hub):
        ada, ben = Account("ada", *hub, "ada's"), Account("ben", *hub, "ben's")
        for learner in (ada, ben):
            await learner.arrive()
            await learner.run(ANSWER.format(name=learner.name))
            assert (await learner.run("!id -un")).strip() == learner.name
        await refused(403, Account("ada", *hub, "ben's").enter())
        await refused(403, ben.ask("/user/ada/api/contents"))
        await refused(404, ben.ask("/hub/api/users/ada"))
        await refused(404, ben.ask("/hub/api/users/ada/server", "DELETE"))
        run = "import subprocess; print(subprocess.run({!r}, shell=True, capture_output=True).returncode)"
        for command in FORBIDDEN: assert int(await ben.run(run.format(command.format(**places)))) != 0, command
        for own in ("cat $STUDY_GROUP_PROGRESS/progress.json", "touch ~/study-group/index.ipynb"):
            assert int(await ben.run(run.format(own))) == 0, own
        await ben.run(f"!rm -r ~/study-group && ln -s {places['home']} ~/study-group")  # so that root makes it his?
        await ben.leave()
        with pytest.raises((HTTPClientError, asyncio.TimeoutError)): await asyncio.wait_for(ben.arrive(), 60)

    with running_hub(keep, *before, STUDY_GROUP_HUB_ACCOUNTS="1") as hub: waited_for(both(hub), 600)
    for path in [places["progress"], *places["progress"].iterdir(), *places["home"].rglob("*")]:
        assert path.lstat().st_uid == 61001, path
    learners, troubles = read_group(keep / "progress")  # whoever hosts is root
    assert sorted(learner.kept["name"] for learner in learners) == ["ada", "ben"] and troubles == []


def test_only_this_machine_is_let_in():
    "The demonstration has no passwords: it must not listen to anybody else."
    config = (REPO / "deploy/jupyterhub_config.py").read_text()
    assert config.count("http://127.0.0.1:") >= 3 and "0.0.0.0" not in config
