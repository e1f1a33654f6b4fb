"""`make lab` on a fresh machine: which PyTorch it installs, and what it says before a large download.

Stand-ins for PyTorch and the rest lie in two indexes on this machine: one has everything, the other is PyTorch's own.
"""
import importlib.util, os, re, shutil, subprocess, threading, venv, zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from places import REPO

PINS = dict(re.findall(r"(?m)^(torch|torchvision)==(.*)", (REPO / "tools/constraints.txt").read_text()))
PROJECT = """[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """import shutil
def build_editable(folder, *_): return shutil.copy("study_group-0.1-py3-none-any.whl", folder).rpartition("/")[2]
"""


def wheel(folder, name: str, version: str, *needs: str, says: str = ""):
    "Write a wheel that holds one module, which sets KIND to what it `says`."
    info, file = f"{name}-{version}.dist-info", f"{name}-{version}-py3-none-any.whl"
    about = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: lab",
             *(f"Requires-Dist: {need}" for need in needs)]
    os.makedirs(folder, exist_ok=True)
    with zipfile.ZipFile(os.path.join(folder, file), "w") as z:
        z.writestr(f"{name}.py", f"KIND = {says!r}\n")
        z.writestr(f"{info}/METADATA", "\n".join(about) + "\n")
        z.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr(f"{info}/RECORD", "")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_): pass


@pytest.fixture
def machine(tmp_path):
    "A machine without PyTorch, and a copy of the repository as far as `make` looks; `machine.make(words)` runs there."
    indexes, here, bin_ = tmp_path/"indexes", tmp_path/"my course", tmp_path/"bin"
    for name, version in PINS.items(): wheel(indexes/"all"/name, name, version, "gpu_libraries", says="with CUDA")
    for name in ("gpu_libraries", "filelock"): wheel(indexes/"all"/name.replace("_", "-"), name, "1")
    here.mkdir()
    for name in ("Makefile", "tools/constraints.txt"):
        (here/name).parent.mkdir(exist_ok=True)
        shutil.copy(REPO/name, here/name)
    (here/"pyproject.toml").write_text(PROJECT)
    (here/"backend.py").write_text(BACKEND)
    wheel(here, "study_group", "0.1", "torch>=2.6", 'torchvision; extra == "lab"')
    venv.create(here/".venv", symlinks=True)  # with pip linked, it takes a moment
    packages = next((here/".venv/lib").glob("*/site-packages"))
    (packages/"pip").symlink_to(importlib.util.find_spec("pip").submodule_search_locations[0])
    bin_.mkdir()
    (bin_/"touch").symlink_to(shutil.which("touch"))
    for path, words in ((bin_/"uname", "echo Linux"), (here/".venv/bin/jupyter", 'echo "opened: $@"')):
        path.write_text(f"#!/bin/sh\n{words}\n"), path.chmod(0o755)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=indexes))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    at = f"http://127.0.0.1:{server.server_port}"
    env = dict(PATH=str(bin_), HOME=str(tmp_path), PIP_INDEX_URL=f"{at}/all", PIP_CONFIG_FILE=os.devnull,
               PIP_NO_CACHE_DIR="1", PIP_DISABLE_PIP_VERSION_CHECK="1", NO_PROXY="127.0.0.1")

    def make(*words):
        done = subprocess.run([shutil.which("make"), *words, f"TORCH_INDEX={at}/cpu"], cwd=here, env=env,
                              capture_output=True, text=True)
        return SimpleNamespace(code=done.returncode, said=done.stdout + done.stderr)

    def installed():
        "What PyTorch there is, and whether its GPU libraries came along."
        kinds = [re.search("KIND = '(.*)'", (packages/f"{name}.py").read_text())[1] for name in PINS]
        return kinds, (packages/"gpu_libraries.py").exists()

    yield SimpleNamespace(make=make, installed=installed, indexes=indexes, bin=bin_, here=here)
    server.shutdown()


def has_cpu_builds(machine, label: str):
    for name, version in PINS.items():
        needs = "filelock" if name == "torch" else "torch"
        wheel(machine.indexes/"cpu"/name, name, f"{version}{label}", needs, says="CPU")


@pytest.mark.parametrize("label", ["+cpu", pytest.param("", marks=pytest.mark.extra)], ids=["labelled", "same name"])
def test_cpu_builds_are_taken_and_kept(machine, label):
    has_cpu_builds(machine, label)
    first = machine.make("lab", "TORCH=cpu")
    assert first.code == 0 and "opened: lab nbs/index.ipynb" in first.said and "NVIDIA" not in first.said, first.said
    assert machine.installed() == (["CPU", "CPU"], False)
    os.utime(machine.here/"pyproject.toml", (4e9, 4e9))  # the mark is old: all is looked at again
    again = machine.make("lab")
    assert again.code == 0 and "pip install" in again.said and "NVIDIA" not in again.said, again.said
    assert machine.installed() == (["CPU", "CPU"], False)


def test_without_a_card_a_line_comes_before_the_download(machine):
    done = machine.make("lab")
    said = done.said.splitlines()
    hint = next(n for n, line in enumerate(said) if "no NVIDIA card" in line)
    assert said[hint].endswith("make lab TORCH=cpu") and "-e " in said[hint + 1] and done.code == 0, done.said
    assert machine.installed() == (["with CUDA", "with CUDA"], True)
    assert "NVIDIA" not in machine.make("lab").said


@pytest.mark.extra
@pytest.mark.parametrize("name, says", [("nvidia-smi", ""), ("uname", "echo Darwin")], ids=["card", "Mac"])
def test_with_a_card_or_on_a_mac_nothing_is_said(machine, name, says):
    (machine.bin/name).write_text(f"#!/bin/sh\n{says}\n"), (machine.bin/name).chmod(0o755)
    done = machine.make("lab")
    assert done.code == 0 and "NVIDIA" not in done.said and machine.installed()[1], done.said


def test_another_word_is_refused(machine):
    done = machine.make("lab", "TORCH=gpu")
    assert done.code == 2 and "TORCH=gpu isn't known: say TORCH=cpu, or leave it out" in done.said
