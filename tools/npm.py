"""Packages from npm, kept in .cache/."""
import contextlib, os, shutil, subprocess, sys, tarfile, tempfile
from pathlib import Path

CACHE = Path(__file__).parent.parent / ".cache"


def fetched(package: str, version: str) -> Path:
    "The folder with what `package` has at `version`, fetched from npm the first time."
    folder = CACHE / f"{package}-{version}"
    if not folder.is_dir():
        if not shutil.which("npm"): sys.exit(f"npm isn't installed: it fetches {package} (apt-get install npm).")
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as part:  # whole or not at all, whoever else fetches it
            command = ["npm", "pack", "--silent", f"{package}@{version}", "--pack-destination", part]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            with tarfile.open(f"{part}/{folder.name}.tgz") as packed: packed.extractall(f"{part}/whole", filter="data")
            with contextlib.suppress(OSError): os.rename(f"{part}/whole", folder)
    return folder / "package"
