"A JupyterHub that runs deploy/jupyterhub_config.py, learners who come to it through its API, and accounts for them."
import asyncio, json, os, secrets, shutil, subprocess, sys, time, uuid
from contextlib import contextmanager, suppress
from pathlib import Path

from driver import free_port
from places import REPO
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

MEMORY = "__import__('psutil').Process().memory_full_info()"  # uss: its own; rss: with the libraries that all share


@contextmanager
def running_hub(keep: Path, *before: str, **env: str):
    "Run a hub that keeps everything in `keep`, through the command `before`; its address, and a token for its API."
    port, token = free_port(), secrets.token_hex(16)
    env = os.environ | env | dict(STUDY_GROUP_HUB=str(keep), STUDY_GROUP_HUB_PORT=str(port),
                                  STUDY_GROUP_HUB_TOKEN=token)
    command = [*before, sys.executable, "-m", "jupyterhub", "-f", REPO / "deploy/jupyterhub_config.py"]
    with open(keep / "log", "w") as log: server = subprocess.Popen(command, env=env, cwd=keep, stdout=log, stderr=log)
    try: yield f"http://127.0.0.1:{port}", token
    finally:
        server.terminate()
        server.wait(60)


class Learner:
    "One learner's way through the hub's API: a server, a kernel, cells."

    def __init__(self, name: str, url: str, token: str):
        self.name, self.url, self.headers = name, url, {"Authorization": f"token {token}"}

    async def ask(self, path: str, method: str = "GET", /, **body):
        content = json.dumps(body) if method == "POST" else None
        request = HTTPRequest(self.url + path, method, self.headers, content, request_timeout=300)
        return json.loads((await AsyncHTTPClient().fetch(request)).body or "null")

    async def enter(self):
        "Wait until the hub is there, and become known to it."
        for _ in range(600):
            try: await self.ask("/hub/api/"); break
            except (HTTPClientError, OSError): await asyncio.sleep(.2)
        await self.ask(f"/hub/api/users/{self.name}", "POST")

    async def arrive(self):
        "Start this learner's server and a kernel on it."
        await self.enter()
        await self.ask(f"/hub/api/users/{self.name}/server", "POST")
        async def ready(): return (await self.ask(f"/hub/api/users/{self.name}"))["servers"].get("", {}).get("ready")
        while not await ready(): await asyncio.sleep(.3)
        kernel = await self.ask(f"/user/{self.name}/api/kernels", "POST", name="python3", path="")
        channels = f"{self.url.replace('http', 'ws')}/user/{self.name}/api/kernels/{kernel['id']}/channels"
        self.socket = await websocket_connect(HTTPRequest(channels, headers=self.headers))

    async def leave(self):
        "Stop this learner's server."
        await self.ask(f"/hub/api/users/{self.name}/server", "DELETE")
        while (await self.ask(f"/hub/api/users/{self.name}"))["servers"]: await asyncio.sleep(.3)

    async def run(self, code: str) -> str:
        "What `code` prints. Raises AssertionError with the kernel's error."
        header = dict(msg_id=uuid.uuid4().hex, username=self.name, session=self.name, version="5.3",
                      msg_type="execute_request")
        content = dict(code=code, silent=False, store_history=True, user_expressions={}, allow_stdin=False)
        await self.socket.write_message(json.dumps(dict(header=header, parent_header={}, metadata={}, content=content,
                                                        channel="shell", buffers=[])))
        printed, replied, idle = "", False, False
        while not (replied and idle):
            got = await self.socket.read_message()
            message = json.loads(got) if isinstance(got, str) else {}  # a widget's buffers are bytes
            if message.get("parent_header", {}).get("msg_id") != header["msg_id"]: continue
            kind, said = message["header"]["msg_type"], message["content"]
            if kind == "stream": printed += said["text"]
            assert kind != "error", "\n".join(said["traceback"])
            replied, idle = replied or kind == "execute_reply", idle or said.get("execution_state") == "idle"
        return printed

    async def session(self, cells: list[str]) -> dict:
        "Arrive, run all `cells`, and say what that took."
        await self.arrive()
        start = time.monotonic()
        for source in cells: await self.run(source)
        seconds = time.monotonic() - start
        own, shared = map(int, (await self.run(f"m = {MEMORY}; print(m.uss, m.rss - m.uss)")).split())
        return dict(seconds=seconds, own=own/1e9, shared=shared/1e9)


class Account(Learner):
    "A learner who has an account of the machine, and shows its password."

    def __init__(self, name: str, url: str, token: str, password: str):
        super().__init__(name, url, token)
        self.password = password

    async def enter(self):
        with suppress(HTTPClientError): await super().enter()  # known already
        self.headers, auth = {}, dict(username=self.name, password=self.password)
        token = (await self.ask(f"/hub/api/users/{self.name}/tokens", "POST", auth=auth))["token"]
        self.headers = {"Authorization": f"token {token}"}


def closed(place: Path) -> Path | None:
    "The first folder on the way to `place` that only its owner may pass."
    return next((at for at in [*reversed(place.parents), place] if not at.stat().st_mode & 1), None)


def with_accounts(passwords: dict[str, str], folder: Path) -> list[str]:
    """The command before a program that sees a machine with these accounts. Only it does: the files in /etc stay as
    they are. Python and the course can be reached by all, even where a folder on their way is closed to others."""
    lines = dict(passwd="{0}:x:{1}:{1}::{2}:/bin/sh", group="{0}:x:{1}:", shadow="{0}:{3}:19000:0:99999:7:::")
    for n, (name, password) in enumerate(passwords.items()):
        home = folder / "home" / name
        home.mkdir(parents=True)
        os.chown(home, 61001 + n, 61001 + n)
        hashed = subprocess.run(["openssl", "passwd", "-6", password], capture_output=True, text=True).stdout.strip()
        for file, line in lines.items():
            if not (copy := folder / file).exists(): shutil.copy2(f"/etc/{file}", copy)
            with copy.open("a") as f: f.write(line.format(name, 61001 + n, home, hashed) + "\n")
    script = [f"mount --bind '{folder/file}' /etc/{file}" for file in lines]
    need = [place for place in {Path(sys.base_prefix), Path(sys.prefix), REPO} if closed(place)]
    for n, place in enumerate(need): script.append(f"mkdir '{folder}/{n}' && mount --bind '{place}' '{folder}/{n}'")
    script += [f"mount -t tmpfs -o mode=755 tmpfs '{at}'" for at in {*map(closed, need)}]
    for n, place in enumerate(need): script.append(f"mkdir -p '{place}' && mount --move '{folder}/{n}' '{place}'")
    return ["unshare", "--mount", "sh", "-c", " && ".join([*script, 'exec "$@"']), "sh"]
