"""Five learners on one JupyterHub run session 1 at the same time; what it takes is in the host's page."""
import asyncio, json, os, secrets, subprocess, sys, time, uuid
from concurrent.futures import ThreadPoolExecutor

import nbformat, pytest
from driver import free_port
from places import REPO
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

pytestmark = pytest.mark.extra  # needs JupyterHub and its proxy: `make test-all` installs both
LEARNERS = ["ada", "blaise", "claude", "dorothy", "emmy"]
MEMORY = "__import__('psutil').Process().memory_full_info()"  # uss: its own; rss: with the libraries that all share


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    "The address of a running hub, and a token for its API."
    port, token, keep = free_port(), secrets.token_hex(16), tmp_path_factory.mktemp("hub")
    env = {**os.environ, "STUDY_GROUP_HUB": str(keep), "STUDY_GROUP_HUB_PORT": str(port),
           "STUDY_GROUP_HUB_TOKEN": token}
    command = [sys.executable, "-m", "jupyterhub", "-f", REPO / "deploy/jupyterhub_config.py"]
    with open(keep / "log", "w") as log: server = subprocess.Popen(command, env=env, cwd=keep, stdout=log, stderr=log)
    try: yield f"http://127.0.0.1:{port}", token, keep
    finally:
        server.terminate()
        server.wait(30)


class Learner:
    "One learner's way through the hub's API: a server, a kernel, cells."

    def __init__(self, name: str, hub: tuple):
        self.name, (self.url, token, self.keep) = name, hub
        self.headers = {"Authorization": f"token {token}"}

    async def ask(self, path: str, method: str = "GET", /, **body):
        content = json.dumps(body) if method == "POST" else None
        request = HTTPRequest(self.url + path, method, self.headers, content, request_timeout=120)
        return json.loads((await AsyncHTTPClient().fetch(request)).body or "null")

    async def arrive(self):
        "Start this learner's server and a kernel on it."
        for _ in range(300):
            try: await self.ask("/hub/api/"); break
            except (HTTPClientError, OSError): await asyncio.sleep(.2)
        await self.ask(f"/hub/api/users/{self.name}", "POST")
        await self.ask(f"/hub/api/users/{self.name}/server", "POST")
        async def ready(): return (await self.ask(f"/hub/api/users/{self.name}"))["servers"].get("", {}).get("ready")
        while not await ready(): await asyncio.sleep(.3)
        kernel = await self.ask(f"/user/{self.name}/api/kernels", "POST", name="python3", path="")
        channels = f"{self.url.replace('http', 'ws')}/user/{self.name}/api/kernels/{kernel['id']}/channels"
        self.socket = await websocket_connect(HTTPRequest(channels, headers=self.headers))

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


def test_five_learners_run_session_1_at_once(hub):
    cells = [c.source for c in nbformat.read(REPO / "nbs/01_pipeline.ipynb", 4).cells if c.cell_type == "code"]
    async def all_of_them(): return await asyncio.gather(*(Learner(name, hub).session(cells) for name in LEARNERS))
    with ThreadPoolExecutor(1) as pool:  # the browser of other tests has a loop in this thread
        took = pool.submit(asyncio.run, asyncio.wait_for(all_of_them(), 900)).result()
    for name, t in zip(LEARNERS, took):
        print(f"{name}: {t['seconds']:.0f} s, {t['own']:.2f} GB, and {t['shared']:.2f} GB that all share")
    assert max(t["own"] for t in took) < 1.2
    for name in LEARNERS:  # their copies, to write in
        assert (hub[2] / f"learners/{name}/study-group/01_pipeline.ipynb").is_file()


def test_only_this_machine_is_let_in():
    "The demonstration has no passwords: it must not listen to anybody else."
    config = (REPO / "deploy/jupyterhub_config.py").read_text()
    assert config.count("http://127.0.0.1:") >= 3 and "0.0.0.0" not in config
