"""Other browsers than Chromium, each driven by its own protocol: Firefox by WebDriver BiDi, WebKit by WebDriver.

Debian has both: firefox-esr; webkit2gtk-driver, xvfb and dbus-x11.
"""
import contextlib, json, os, re, shutil, subprocess, tempfile, time, urllib.request
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from driver import answers, free_port
from websocket import create_connection

WAIT = 180  # seconds
MINI_BROWSER = next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), None)
Open = Callable[[str, str], object]  # opens an address, then calls an async function, as JavaScript; what it gives


def missing(engine: str) -> list[str]:
    "The programs that `engine` needs and that aren't here."
    needed = {"firefox": ["firefox-esr"], "webkit": ["WebKitWebDriver", "xvfb-run", "dbus-launch"]}[engine]
    lacking = [name for name in needed if not shutil.which(name)]
    return lacking + ["MiniBrowser"]*(engine == "webkit" and not MINI_BROWSER)


@contextlib.contextmanager
def running(*command, **env) -> Iterator[Path]:
    "Let `command` run, and end it; a file with what it says."
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        log = Path(home, "log")
        with open(log, "w") as to:
            process = subprocess.Popen(command, stdout=to, stderr=to, start_new_session=True,
                                       env={**os.environ, "HOME": home, "MOZ_HEADLESS": "1", **env})
        try: yield log
        finally:
            with contextlib.suppress(ProcessLookupError): os.killpg(process.pid, 15)
            with contextlib.suppress(subprocess.TimeoutExpired): process.wait(10)
            with contextlib.suppress(ProcessLookupError): os.killpg(process.pid, 9)


@contextlib.contextmanager
def firefox() -> Iterator[Open]:
    port, number = free_port(), count(1)
    options = "--headless", "--remote-debugging-port", f"{port}", "--no-remote", "--profile"
    with (tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
          running("firefox-esr", *options, profile) as log):
        end = time.monotonic() + WAIT
        while not re.search(r"ws://127\.0\.0\.1:\d+", log.read_text()):
            if time.monotonic() > end: raise RuntimeError(log.read_text()[-2000:])
            time.sleep(.2)
        socket = create_connection(f"ws://127.0.0.1:{port}/session", timeout=WAIT, suppress_origin=True)

        def ask(method: str, **params):
            socket.send(json.dumps(dict(id=(n := next(number)), method=method, params=params)))
            while (said := json.loads(socket.recv())).get("id") != n: pass
            if said["type"] == "error": raise RuntimeError(f"{method}: {said['message']}")
            return said["result"]

        ask("session.new", capabilities={})
        context = ask("browsingContext.getTree")["contexts"][0]["context"]

        def opened(url: str, script: str):
            ask("browsingContext.navigate", context=context, url=url, wait="complete")
            found = ask("script.evaluate", expression=f"({script})().then(JSON.stringify)", awaitPromise=True,
                        target=dict(context=context))
            if found["type"] == "exception": raise RuntimeError(found["exceptionDetails"]["text"])
            return json.loads(found["result"]["value"])
        try: yield opened
        finally: socket.close()


@contextlib.contextmanager
def webkit() -> Iterator[Open]:
    address = f"http://127.0.0.1:{(port := free_port())}"

    def ask(path: str, **params):
        request = urllib.request.Request(f"{address}/{path}", json.dumps(params).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=WAIT) as reply: return json.load(reply)["value"]

    with running("xvfb-run", "-a", "dbus-launch", "--exit-with-session", "WebKitWebDriver", f"--port={port}",
                 WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS="1") as log:
        end = time.monotonic() + WAIT
        while not answers(f"{address}/status"):
            if time.monotonic() > end: raise RuntimeError(log.read_text()[-2000:])
            time.sleep(.2)
        wanted = {"webkitgtk:browserOptions": dict(binary=str(MINI_BROWSER), args=["--automation"])}
        session = ask("session", capabilities=dict(alwaysMatch=wanted))["sessionId"]
        ask(f"session/{session}/timeouts", script=WAIT * 1000, pageLoad=WAIT * 1000)

        def opened(url: str, script: str):
            ask(f"session/{session}/url", url=url)
            body = f"const done = arguments[0]; ({script})().then((x) => done([x]), (error) => done(`${{error}}`));"
            found = ask(f"session/{session}/execute/async", script=body, args=[])
            if isinstance(found, str): raise RuntimeError(found)
            return found[0]
        yield opened


ENGINES = dict(firefox=firefox, webkit=webkit)
