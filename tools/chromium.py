"""The browser of the tests, the slides and the pages: one that is there, or else one that is fetched.

    python tools/chromium.py            # get one where there is none; `make test` does this
    python tools/chromium.py --others   # Firefox and WebKit too, from Debian; `make test-all` does this
"""
import contextlib, os, shutil, subprocess, sys
from pathlib import Path

NAMES = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge"
APPS = [Path(f"/Applications/{name}.app/Contents/MacOS/{name}")
        for name in ("Chromium", "Google Chrome", "Microsoft Edge")]
REMEDY = "No browser is here, and none could be fetched. Install Chromium, Chrome or Edge, and put it on the PATH."
LIBRARY = "libatomic1"  # Playwright's node needs it, and a bare Debian hasn't got it
NO_DRIVER = f"Playwright can't run here (python -m playwright --version says why). Does {LIBRARY} miss?"


def playwrights() -> Path | None:
    "Playwright's own Chromium, where it has been fetched."
    with contextlib.suppress(Exception):  # it isn't there, or can't run
        from playwright.sync_api import sync_playwright
        with sync_playwright() as p: path = Path(p.chromium.executable_path)
        return path if path.is_file() else None


def found() -> str | None:
    "Look for a browser: on the PATH, among the Mac's applications, then Playwright's own."
    on_path = next(filter(None, map(shutil.which, NAMES)), None)
    return on_path or next((str(path) for path in (*APPS, playwrights()) if path and path.is_file()), None)


OTHERS = {"firefox-esr": "firefox-esr", "WebKitWebDriver": "webkit2gtk-driver", "xvfb-run": "xvfb",
          "dbus-launch": "dbus-x11"}


def runs() -> bool:
    "Whether Playwright, which drives the browser, can run."
    return not subprocess.run([sys.executable, "-m", "playwright", "--version"], capture_output=True).returncode


def is_debian() -> bool:
    with contextlib.suppress(OSError): return "\nID=debian\n" in "\n" + Path("/etc/os-release").read_text("utf-8")
    return False


def from_debian(*packages: str) -> list[list[str]] | None:
    "The commands that install Debian's `packages`; None where that can't be done."
    root = getattr(os, "geteuid", lambda: 1)() == 0
    if not (is_debian() and root and shutil.which("apt-get")): return None
    return [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *packages]]


def ways() -> list[list[list[str]]]:
    "The ways to fetch one here, each a list of commands: Debian's own for root, then Playwright's."
    apt = from_debian("chromium", LIBRARY)
    return [apt]*bool(apt) + [[[sys.executable, "-m", "playwright", "install", "chromium"]]]


def ran(commands: list[list[str]]) -> bool:
    "Whether all `commands` did what they should; they are shown."
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    print(" && ".join(map(" ".join, commands)), flush=True)
    return not any(subprocess.run(c, env=env, stdout=subprocess.DEVNULL).returncode for c in commands)


def others():
    "Fetch Firefox and WebKit where they are missing and can be had; the tests that need them are skipped without."
    lacking = [package for program, package in OTHERS.items() if not shutil.which(program)]
    if lacking and (commands := from_debian(*lacking)): ran(commands)


def got() -> str:
    "The path of a browser, fetched where there is none; SystemExit, with the remedy, where that can't be."
    if (path := found()) and runs(): return path
    for commands in ways():
        print("No browser is here, or none that can be driven:", end=" ")
        if ran(commands) and (path := found()) and runs(): return path
    sys.exit(NO_DRIVER if found() else REMEDY)


if __name__ == "__main__":
    if "--others" in sys.argv: others()
    print(got())
