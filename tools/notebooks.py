"""Run notebooks in a real kernel, once each, and compare what they print with what they hold, or store it.

    python tools/notebooks.py [notebook …]           # run and store the outputs (default: all of nbs/)
    python tools/notebooks.py --check [notebook …]   # run and compare; tests/course/test_notebooks.py does this
"""
import argparse, os, re, subprocess, sys
from base64 import b64decode, b64encode
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from fastcore.nbio import read_nb, write_nb
from kernels import Manager
from nbclient import NotebookClient
from nbdev.clean import clean_nb
from PIL import Image

ROOT = Path(__file__).parent.parent
NUMBER = re.compile(r"-?\d[\d_,]*(?:\.\d+)?(?:e[+-]?\d+)?")
ALIGNED = re.compile(f" *{NUMBER.pattern} *")
VARIES = re.compile(r'data:image/png;base64,[\w+/=]+|\bstudy-[0-9a-f]{12}\b| at 0x[0-9a-f]+|<p class="live">.*?</p>')
NEEDS = {"ten_million_texts": ["ray==2.60.0", "msgpack", "protobuf"]}  # of PyPI, beyond the course
SAME_EVERYWHERE = ("text/plain", "text/html", "text/markdown")  # pictures and widgets aren't compared


def notebooks() -> list[Path]:
    return sorted(p for p in (ROOT / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def fetched(package: str, *needs: str) -> Path:
    "The folder with `package` and what it `needs`, fetched from PyPI the first time."
    folder = ROOT / ".cache" / package.replace("==", "-")
    if not folder.is_dir():
        folder.parent.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as part:  # whole or not at all, whoever else fetches it
            pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", f"{part}/whole"]
            subprocess.run([*pip, package, *needs], check=True)
            with suppress(OSError): os.rename(f"{part}/whole", folder)
    return folder


def execute(path: Path, before: str = "") -> dict:
    """The notebook at `path` after running it top to bottom in a fresh kernel; `before` is run first.

    It runs in a new folder: what it saves is gone, and whoever runs it doesn't meet their own sentences."""
    nb = nbformat.read(path, as_version=4)
    nbformat.validate(nb)
    if before: nb.cells.insert(0, nbformat.v4.new_code_cell(before))
    options = dict(timeout=900, extra_arguments=["--log-level=ERROR"], shutdown_kernel="immediate")
    env = dict(os.environ)
    if path.stem in NEEDS: env["PYTHONPATH"] = f"{fetched(*NEEDS[path.stem])}{os.pathsep}{env.get('PYTHONPATH', '')}"
    else: options["kernel_manager_class"] = Manager
    with TemporaryDirectory() as folder:
        NotebookClient(nb, resources={"metadata": {"path": folder}}, **options).execute(env=env)
    return nb


def texts(cell) -> list[str]:
    "What a reader sees of a code cell's outputs, as texts without pictures; None of it for a cell tagged `varies`."
    if "varies" in cell["metadata"].get("tags", []): return []
    shown, streams = [], []
    for out in cell["outputs"]:
        if out["output_type"] == "stream":
            if out["name"] == "stdout": streams.append("".join(out["text"]))
        elif out["output_type"] == "error": shown.append(f"{out['ename']}: {out['evalue']}")
        elif not is_view(out):
            shown += ["".join(out["data"][kind]) for kind in SAME_EVERYWHERE if kind in out["data"]]
    shown = [VARIES.sub("", s) for s in shown]
    return ["".join(streams)] * bool(streams) + shown


def is_view(out) -> bool: return any("widget-view" in kind for kind in out.get("data", {}))


def close(a: str, b: str) -> bool:
    "Whether two printed numbers agree: whole numbers exactly, others within 1e-5 or one in the last printed place."
    if a == b: return True
    if not ("." in a and "." in b): return False
    x, y = (float(n.replace(",", "").replace("_", "")) for n in (a, b))
    digits = len(re.split("e", b)[0].partition(".")[2])
    exponent = int(b.partition("e")[2] or 0)
    return abs(x - y) <= max(1e-5 + 1e-5 * abs(y), 1.01 * 10.0 ** (exponent - digits))


def same(a: str, b: str) -> bool:
    "Whether two texts agree, their numbers as `close` has it; blanks around a number may be more or fewer."
    return (ALIGNED.sub("#", a) == ALIGNED.sub("#", b)
            and all(map(close, NUMBER.findall(a), NUMBER.findall(b))))


def differences(stored, ran) -> list[str]:
    "Where two runs of one notebook print something else."
    found = []
    for n, (old, new) in enumerate(zip(stored["cells"], ran["cells"])):
        if old["cell_type"] != "code": continue
        a, b = texts(old), texts(new)
        if len(a) != len(b) or not all(map(same, a, b)):
            source = "".join(old["source"]).strip().splitlines()
            found.append(f"cell {n} ({source[-1] if source else ''})\n  stored: {a}\n  ran:    {b}")
    return found


def in_few_colours(png: str) -> str:
    "The picture `png` (base64) with 256 colours: a third of the size, no colour of a plot off by more than a shade."
    picture, small = Image.open(BytesIO(b64decode(png))).convert("RGB"), BytesIO()
    picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3).save(small, "PNG", optimize=True)
    return min(png, b64encode(small.getvalue()).decode(), key=len)


def store(path: Path, ran):
    "Put the outputs of `ran` into the notebook at `path`, cleaned, pictures small, without widgets and progress bars."
    nb = read_nb(path)
    for out in (out for cell in ran["cells"] for out in cell.get("outputs", ()) if "image/png" in out.get("data", {})):
        out["data"]["image/png"] = in_few_colours(out["data"]["image/png"])
    for old, new in zip(nb.cells, ran["cells"]):
        if old.cell_type != "code": continue
        old["outputs"] = [o for o in new["outputs"] if not is_view(o) and o.get("name") != "stderr"]
    clean_nb(nb, allowed_cell_metadata_keys=["cellView", "jupyter", "slideshow", "tags"])
    write_nb(nb, path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--check", action="store_true", help="compare with the stored outputs instead of storing")
    args, bad = parser.parse_args(), 0
    for path in args.notebooks or notebooks():
        ran = execute(path)
        if not args.check: store(path, ran)
        for line in differences(nbformat.read(path, as_version=4), ran) if args.check else ():
            print(f"{path}: {line}")
            bad += 1
    return bool(bad)


if __name__ == "__main__": sys.exit(main())
