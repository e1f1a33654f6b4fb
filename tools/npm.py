"""Packages from npm, kept in .cache/."""
import shutil, subprocess, sys, tarfile
from pathlib import Path

CACHE = Path(__file__).parent.parent / ".cache"


def fetched(package: str, version: str) -> Path:
    "The folder with what `package` has at `version`, fetched from npm the first time."
    folder = CACHE / f"{package}-{version}"
    if not folder.is_dir():
        if not shutil.which("npm"): sys.exit(f"npm isn't installed: it fetches {package} (apt-get install npm).")
        CACHE.mkdir(exist_ok=True)
        command = ["npm", "pack", "--silent", f"{package}@{version}", "--pack-destination", CACHE]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(CACHE / f"{package}-{version}.tgz") as packed: packed.extractall(folder, filter="data")
    return folder / "package"
