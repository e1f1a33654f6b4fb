"""A real JupyterLab that can be driven, on a port of this machine; and what a page may not do."""
import contextlib, json, os, shutil, socket, subprocess, sys, tempfile, time, urllib.request
from itertools import pairwise
from pathlib import Path

HELPERS = Path(__file__).parent


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(url: str) -> bool:
    with contextlib.suppress(OSError): return urllib.request.urlopen(url, timeout=1).status == 200
    return False


def with_helpers() -> dict[str, str]:
    "The environment of a kernel that can import the helpers."
    path = filter(None, [str(HELPERS), os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


@contextlib.contextmanager
def jupyterlab(folder: Path):
    "The address of a private JupyterLab on `folder`, with settings, home and data of its own."
    port, home = free_port(), Path(tempfile.mkdtemp(prefix="lab-"))
    settings = home / "settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    quiet = dict(fetchNews="false", checkForUpdates=False, doNotDisturbMode=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    env = {"HF_HUB_OFFLINE": "1", **with_helpers(), "HOME": str(home), "IPYTHONDIR": f"{home}/ipython",
           "JUPYTER_CONFIG_DIR": f"{home}/config", "JUPYTER_DATA_DIR": f"{home}/data",
           "JUPYTER_RUNTIME_DIR": f"{home}/run",
           "JUPYTERLAB_SETTINGS_DIR": f"{home}/settings", "JUPYTERLAB_WORKSPACES_DIR": f"{home}/workspaces"}
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
               "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--ServerApp.disable_check_xsrf=True",
               "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly",
               "--JupyterNotebookApp.expose_app_in_browser=True"]
    with open(home / "log", "w") as log:
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 90
        while not answers(f"{url}/api/status"):
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError((home / "log").read_text()[-3000:])
            time.sleep(.2)
        yield url
    finally:
        with contextlib.suppress(OSError):
            for kernel in json.load(urllib.request.urlopen(f"{url}/api/kernels")):
                request = urllib.request.Request(f"{url}/api/kernels/{kernel['id']}", method="DELETE")
                urllib.request.urlopen(request)
        server.terminate()
        try: server.wait(15)
        except subprocess.TimeoutExpired: server.kill()
        shutil.rmtree(home, ignore_errors=True)


def watch(page, url: str) -> list[str]:
    "A list in which the page's console errors are noted, and requests that would leave this machine: they fail."
    log = []

    def refuse(route):
        log.append(f"left this machine: {route.request.url}")
        route.abort()

    page.on("console", lambda m: log.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: log.append(str(e)))
    page.route(lambda u: not u.startswith((url, "data:", "blob:")), refuse)
    return log


STILL = """async () => {
    const parts = () => [...document.querySelectorAll('.study-widget, .study-widget *')];
    const place = ({ x, y, width, height }) => `${x} ${y} ${width} ${height}`;
    const look = () => parts().map(part => `${part.className} ${place(part.getBoundingClientRect())}`).join();
    const moves = () => document.getAnimations().some(a => a.effect.getComputedTiming().endTime !== Infinity);
    for (let before = '', same = 0, n = 0; same < 10; n += 1) {
        if (n > 1800) throw new Error('the widgets go on moving');
        await new Promise(requestAnimationFrame);
        const now = look();
        same = now === before && !moves() ? same + 1 : 0;
        before = now;
    }
}"""


def still(page):
    "Wait until ten frames in a row show the widgets alike: another size or theme shows a few frames later."
    page.evaluate(STILL)


LOOK = """e => {
    const names = 'borderStyle borderWidth borderRadius textDecorationLine textDecorationStyle fontWeight fontStyle '
        + 'textTransform transform content outlineStyle backgroundImage boxShadow';
    const plain = value => value.replace(/(rgba?|color|oklch)\\([^)]*\\)/g, '');
    return ['', '::before', '::after'].flatMap(part =>
        names.split(' ').map(name => `${part} ${name}: ${plain(getComputedStyle(e, part)[name])}`)).join('; ');
}"""


def look(element) -> str:
    "How an element looks, its colours and its size aside; what looks otherwise is told apart without colour."
    return element.evaluate(LOOK)


class Lab:
    "A JupyterLab page that can be driven; `log` collects console errors and requests that failed or left this machine."

    def __init__(self, page, url: str, folder: Path):
        self.page, self.url, self.folder, self.log = page, url, folder, watch(page, url)
        self.visit("lab?reset")
        page.evaluate("() => document.querySelector('#jp-left-stack').offsetWidth && "
                      "jupyterapp.commands.execute('application:toggle-left-area')")

    def visit(self, path: str):
        "Go to this page of the server and wait until it stands."
        self.page.goto(f"{self.url}/{path}")
        self.page.wait_for_function("() => window.jupyterapp !== undefined")
        self.page.evaluate("async () => { await jupyterapp.started; await jupyterapp.restored; }")

    def open(self, notebook: str):
        "Open a notebook of the folder and wait for its kernel."
        self.take("jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'})", notebook)

    def take(self, panel: str, path: str):
        "Take what the script `panel` gives for the notebook, and wait for its kernel."
        self.page.evaluate("""async path => {
            const w = await PANEL;
            await w.context.ready; await w.sessionContext.ready; window.notebook = w;
            const idle = () => w.sessionContext.session?.kernel?.status === 'idle';
            for (let i = 0; i < 1200 && !idle(); i++) await new Promise(r => setTimeout(r, 50));
            if (!idle()) throw new Error('the kernel is not idle');
        }""".replace("PANEL", panel), path)

    def notebook(self, *sources: str):
        "Open a new notebook with these code cells and run it; there must be no errors."
        cell = dict(cell_type="code", metadata={}, execution_count=None, outputs=[])
        name = f"{time.monotonic_ns()}.ipynb"
        nb = dict(cells=[cell | dict(id=f"c{n}", source=s) for n, s in enumerate(sources)], nbformat=4,
                  nbformat_minor=5, metadata=dict(kernelspec=dict(name="python3", display_name="Python 3")))
        (self.folder / name).write_text(json.dumps(nb))
        self.open(name)
        assert self.run_all() == []

    def show(self, code: str, selector: str):
        """Run `code` in the notebook's last cell, without errors, and wait until the widget it shows has painted.

        From here on `texts`, `wait_for` and `settled` are about that widget.
        """
        self.widget = selector
        self.page.evaluate("""async code => {
            const cells = notebook.content;
            cells.activeCellIndex = cells.widgets.length - 1;
            cells.activeCell.model.sharedModel.setSource(code);
            await jupyterapp.commands.execute('notebook:run-cell');
        }""", code)
        assert not (wrong := self.errors()), wrong
        self.page.wait_for_selector(f"{selector}[data-ready]")

    def texts(self, selector: str) -> list[str]:
        "What each element of the widget says that `selector` finds."
        return self.page.locator(f"{self.widget} {selector}").all_inner_texts()

    def wait_for(self, selector: str, words: str, n: int = 0):
        "Wait until the `n`th element of the widget that `selector` finds says `words`."
        says = "([at, words, n]) => document.querySelectorAll(at)[n]?.innerText.includes(words)"
        self.page.wait_for_function(says, arg=[f"{self.widget} {selector}", words, n])

    def settled(self):
        "Wait until the widget's picture isn't behind what was done to it."
        self.page.wait_for_selector(f"{self.widget}[aria-busy=false]")

    def run_all(self) -> list:
        "Run all cells; what went wrong, as `errors` has it."
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        return self.errors()

    def errors(self) -> list[tuple]:
        "What went wrong as (cell, error, message)."
        return [(n, o["ename"], o["evalue"]) for n, outputs in enumerate(self.outputs()) for o in outputs
                if o["output_type"] == "error"]

    def growth(self, again, times: int = 4) -> float:
        """How many MB the page or the kernel grows by each of the `times` that `again` is called, noise aside.

        What isn't given back grows every time.
        """
        sizes = []
        for _ in range(times):
            again()
            self.page.request_gc()
            sizes.append((self.page.evaluate("performance.memory.usedJSHeapSize / 2**20"),
                          self.ask("__import__('psutil').Process().memory_info().rss/2**20")))
        return max(min(after - before for before, after in pairwise(one)) for one in zip(*sizes))

    def outputs(self) -> list[list[dict]]:
        "For each cell its outputs."
        return self.page.evaluate("() => notebook.content.widgets.map(c => c.model.outputs?.toJSON() ?? [])")

    def python(self, code: str) -> str:
        "Run `code` in the open notebook's kernel; what it printed."
        return self.page.evaluate("""async code => {
            const future = notebook.sessionContext.session.kernel.requestExecute({code});
            let said = '';
            future.onIOPub = m => { said += m.content.text ?? m.content.evalue ?? ''; };
            await future.done;
            return said.trim();
        }""", code)

    def ask(self, expression: str):
        "The value of `expression` in the kernel, as JSON has it."
        return json.loads(self.python(f"import json; print(json.dumps({expression}))"))

    def forge(self, widget: str, states=(), questions=()):
        "Send the kernel, in the page's name, updates of `widget`'s state and custom messages that no page would send."
        comm = self.ask(f"{widget}.comm.comm_id")
        for data in [dict(method="update", state=state, buffer_paths=[]) for state in states] + [
                dict(method="custom", content=question) for question in questions]:
            self.page.evaluate("""([id, data]) => {
                const kernel = notebook.sessionContext.session.kernel;
                kernel.sendShellMessage({channel: 'shell', parent_header: {}, metadata: {}, buffers: [],
                    content: {comm_id: id, data},
                    header: {msg_id: `${Math.random()}`, msg_type: 'comm_msg', session: kernel.clientId, username: '',
                             date: new Date().toISOString(), version: '5.3'}});
            }""", [comm, data])

    def until(self, expression: str):
        "Wait until `expression` is true in the kernel: what the page does arrives there a moment later."
        end = time.monotonic() + 30
        while (said := self.python(f"print(bool({expression}))")) != "True":
            assert time.monotonic() < end, f"{expression} stays {said}"
            self.page.wait_for_timeout(50)

    def dark(self, on: bool = True):
        theme = "JupyterLab Dark" if on else "JupyterLab Light"
        self.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        self.page.wait_for_function("on => document.body.dataset.jpThemeLight === String(!on)", arg=on)
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    def close(self):
        "Close the open notebook and end its kernel."
        self.page.evaluate("async () => { await notebook.sessionContext.shutdown(); notebook.dispose(); }")
