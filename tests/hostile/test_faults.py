"""Faults as they happen: full disks, interrupts, a kernel that restarts, two notebooks at once, nowhere to write.

Hubs and package indexes that fail are in test_checkpoints and test_data.
"""
import ast, hashlib, json, os, re, resource, shutil, subprocess, sys, tempfile, threading
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel
from places import REPO, modules

from study_group.course import course_root


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# a disk that is full: a small one of its own (as root), and a limit on a file's size, which stops in mid-file too

@contextmanager
def small_disk(folder: Path, kb: int):
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kb}k", "tmpfs", folder], check=True)
    try: yield
    finally: subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def limit(size: int):
    "No file gets longer than `size` bytes."
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try: yield
    finally: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="module")
def tiny():
    import torch
    from transformers import DistilBertConfig, DistilBertForSequenceClassification
    from study_group.checkpoints import load_tokenizer
    torch.manual_seed(0)
    model = DistilBertForSequenceClassification(DistilBertConfig(dim=12, n_layers=1, n_heads=2, hidden_dim=16))
    return model, load_tokenizer()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass


@pytest.fixture
def index(tmp_path, monkeypatch):
    "A package index whose file has 900 kB."
    from study_group.core import data
    (folder := tmp_path/"index/vadersentiment").mkdir(parents=True)
    (folder/"index.html").write_text(f'<a href="{data.SDIST}">{data.SDIST}</a>')
    (folder/data.SDIST).write_bytes(b"x"*900_000)
    monkeypatch.setattr(data, "SDIST_SHA256", hashlib.sha256(b"x"*900_000).hexdigest())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder.parent)))
    threading.Thread(target=server.serve_forever, args=(.05,), daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "*")
    yield
    server.shutdown()


@pytest.fixture
def writers(tiny, index, tmp_path, monkeypatch):
    "The package's writers: name → function of the folder to write to, and whether something is there already."
    from study_group import course, homework, models
    from study_group.command import blog
    from study_group.core import data
    from study_group.widgets import flight_recorder
    (aside := tmp_path/"aside").mkdir()

    def post(folder, again):
        cells = [dict(cell_type="markdown", metadata={}, source="word "*20_000*(1 + again))]
        (aside/"post.ipynb").write_text(json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=4)))
        return partial(blog.blog, aside/"post.ipynb", "html", folder, force=again)

    def page(folder, again):
        event = dict(phase="item", steps=["pad"], where="w", note="n "*9_000*(1 + again), calls=1, rows=[])
        return partial(flight_recorder.FlightRecorder(dict(a=[event]*4)).save, folder/"page.html")

    def download(folder, again):
        monkeypatch.setenv("STUDY_GROUP_CACHE", str(folder))
        return data._sdist

    bundled = homework.competition_data("bundled")
    return dict(save_checkpoint=lambda folder, again: partial(models.save_checkpoint, *tiny, folder/"mine", again),
                start=lambda folder, again: partial(course.start, folder/"course", open_lab=False),
                submit=lambda folder, again: partial(homework.submit, ["POSITIVE"]*98, "me", bundled, folder),
                page=page, blog=post, download=download,
                sentences=lambda folder, again: partial(
                    data.keep_sentences, {f"{n} {again} " + "word "*1_900: "POSITIVE" for n in range(10 + 5*again)},
                    folder/"mine.csv"))


WRITES = {  # writer → kB on a disk that is too small, bytes of the longest file, what the message says
    "save_checkpoint": (600, 200_000, "mine' can't be written ("),
    "start": (300, 100_000, "course' can't be written ("),
    "blog": (60, 50_000, "can't be written ("), "page": (60, 50_000, ""), "sentences": (60, 50_000, ""),
    "submit": (8, 10, "can't be written ("),
    "download": (500, 500_000, "The folder for downloads can't be written (")}


def written_half(writer: str, before: dict, after: dict) -> bool:
    "Whether something in `after` isn't as it was, and not whole."
    new = {name: data for name, data in after.items() if before.get(name) != data}
    if writer == "download": new.pop("vaderSentiment-3.2.1.tar.part", None)  # what has arrived is kept, under this name
    if writer == "start":
        nbs = course_root()/"nbs"
        new = {name: d for name, d in new.items() if (nbs/name.removeprefix("course/")).read_bytes() != d}
    return bool(new) or before.keys() - after.keys()


@pytest.mark.parametrize("writer", WRITES)
def test_a_disk_that_is_full(writer, writers, tmp_path):
    if os.geteuid(): pytest.skip("only root may mount a small disk; a limit is tried for all")
    kb, _, said = WRITES[writer]
    with small_disk(folder := tmp_path/"disk", kb):
        if writer == "submit": fill(folder)
        before = files(folder)
        with pytest.raises(OSError, match=f"{re.escape(said)}.*No space left"): writers[writer](folder, False)()
        assert not written_half(writer, before, files(folder))


def fill(folder: Path):
    "Leave no room on the disk."
    with suppress(OSError), open(folder/"fill", "ab", buffering=0) as file:
        while file.write(b"x"*4096): pass


@pytest.mark.parametrize("writer", WRITES)
def test_a_write_that_stops_in_mid_file(writer, writers, tmp_path):
    _, size, said = WRITES[writer]
    (folder := tmp_path/"folder").mkdir()
    write = writers[writer](folder, False)
    with limit(size), pytest.raises(OSError, match=f"{re.escape(said)}.*File too large"): write()
    assert not written_half(writer, {}, files(folder))
    write()  # with room it goes on


@pytest.mark.parametrize("writer", ["save_checkpoint", "blog", "page", "sentences"])
def test_a_write_that_stops_leaves_what_was_there(writer, writers, tmp_path):
    (folder := tmp_path/"folder").mkdir()
    writers[writer](folder, False)()
    before, write = files(folder), writers[writer](folder, True)
    with limit(WRITES[writer][1]), pytest.raises(OSError, match="File too large"): write()
    assert files(folder) == before
    write()


WRITE = {"core.files": {"write_file"},  # by module
         "core.data": {"_complete", "_sdist"},
         "command.start": {"_bring", "start"}, "command.blog": {"_put"}, "homework": {"_keep"},
         "models": {"save_checkpoint", "_swap"}}


def test_every_writer_is_tried():
    "What else opens a file to write, or makes a folder, has to be added above."
    found = {}
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef): continue
            calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
            names = {getattr(c.func, "attr", getattr(c.func, "id", "")) for c in calls if not (
                getattr(c.func, "attr", getattr(c.func, "id", "")) == "open" and not opens_to_write(c))}
            if names & {"open", "write_text", "write_bytes", "mkdir", "save_pretrained", "to_csv", "dump", "rename"}:
                found.setdefault(name, set()).add(node.name)
    assert found == WRITE


def opens_to_write(call: ast.Call) -> bool:
    modes = [n.value for a in call.args[1:] for n in ast.walk(a) if isinstance(n, ast.Constant)]
    return any(isinstance(m, str) and set(m) & set("wax+") and len(m) < 4 for m in modes)


# an interrupt, in a real kernel

class Kernel:
    "A kernel of its own."

    def __init__(self):
        self.manager, self.client = start_new_kernel(kernel_name="python3")

    def send(self, kind: str, **content) -> str:
        "Send a message; its id."
        msg = self.client.session.msg(kind, content)
        self.client.shell_channel.send(msg)
        return msg["header"]["msg_id"]

    def run(self, code: str) -> str:
        return self.send("execute_request", code=code, silent=False, store_history=False, allow_stdin=False,
                         stop_on_error=False, user_expressions={})

    def until(self, id: str, text: str | None = None) -> tuple[str, list[str]]:
        "What request `id` prints, and which errors it shows, until it is done or has printed `text`."
        out, errors = "", []
        while True:
            msg = self.client.get_iopub_msg(timeout=120)
            if msg["parent_header"].get("msg_id") != id: continue
            content = msg["content"]
            if msg["msg_type"] == "stream": out += content["text"]
            if msg["msg_type"] == "error": errors.append(content["ename"])
            if text is not None and text in out or content.get("execution_state") == "idle": return out, errors

    def ask(self, code: str) -> str:
        "What `code` prints; it shows no error."
        out, errors = self.until(self.run(code))
        assert errors == [], errors
        return out.strip()


@pytest.fixture(scope="module")
def own_kernel():
    kernel = Kernel()
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


SLOW = """
import time
from study_group.checkpoints import load
from study_group.widgets.pipeline_strip import PipelineStrip
model, tokenizer = load()
slow, forward = 0, model.forward
def wait(*args, **kwargs):
    if slow: print("running", flush=True); time.sleep(slow)
    return forward(*args, **kwargs)
model.forward = wait
"""


def test_an_update_of_a_widget_can_be_interrupted(own_kernel):
    k = own_kernel
    k.ask(SLOW + "strip = PipelineStrip(['One.', 'Two.'], (model, tokenizer)); slow = 60")
    strip = k.ask("print(strip.model_id)")
    def update(**state):
        return k.send("comm_msg", comm_id=strip, data=dict(method="update", state=state, buffer_paths=[]))
    id = update(texts=["Three."])
    k.until(id, "running")
    k.manager.interrupt_kernel()
    assert k.until(id)[1] == []
    assert "was interrupted" in k.ask("print(strip.error)")
    assert k.ask("slow = 0; print(strip.trace.texts, len(strip._batch))") == "['One.', 'Two.'] 2"
    assert k.until(update(texts=["Four."]))[1] == []
    assert k.ask("print(strip.error, strip.trace.texts, strip.texts, 'Four.' in strip.html())") == \
        "['Four.'] ['Four.'] True"


TRAIN = """
import pandas as pd, time, torch
from fastai.text.all import Callback
from study_group.blurr import BlearnerForSequenceClassification
from study_group.checkpoints import load
torch.manual_seed(0)
model, tokenizer = load()
frame = pd.DataFrame(dict(text=["A fine film.", "A dull film."]*4, label=["fine", "dull"]*4))
learn = BlearnerForSequenceClassification.from_data(frame, (model, tokenizer), dl_kwargs=dict(bs=2))
class Say(Callback):
    def after_step(self):
        if self.train_iter == 2: print("training", flush=True)
"""


@pytest.mark.extra
def test_training_can_be_interrupted(own_kernel):
    k = own_kernel
    k.ask(TRAIN)
    id = k.run("learn.fine_tune(50, 1e-3, cbs=[Say])")
    k.until(id, "training")
    k.manager.interrupt_kernel()
    assert k.until(id)[1] == ["KeyboardInterrupt"]
    asked = "answers = learn.blurr_predict(['A fine film.']); print(answers[0]['label'] in ('fine', 'dull'))"
    assert k.ask(asked).endswith("True")
    again = "with learn.no_bar(), learn.no_logging(): learn.fit(1, 1e-4)\nprint(len(learn.recorder.values))"
    assert k.ask(again) == "1"


# two notebooks at once

AT_ONCE = """
import os, sys, time
from pathlib import Path
folder, aside = Path(sys.argv[1]), sys.argv[2]
from study_group import course
from study_group.core import data
import study_group.models, torch
from study_group.checkpoints import load_tokenizer
from transformers import DistilBertConfig, DistilBertForSequenceClassification
torch.manual_seed(int(aside))
model = DistilBertForSequenceClassification(DistilBertConfig(dim=12, n_layers=1, n_heads=2, hidden_dim=16))
tokenizer = load_tokenizer()
data.SDIST_SHA256 = sys.argv[3]
print("ready", flush=True), sys.stdin.readline()
for n in range(20):
    os.environ["STUDY_GROUP_CACHE"] = str(folder/f"cache{n}")
    data._sdist()
    course.start(folder/f"course{n}", open_lab=False)
    try: study_group.models.save_checkpoint(model, tokenizer, folder/"mine", overwrite=True)
    except OSError as e: assert "mine' can't be written (" in str(e), e
"""


@pytest.mark.extra
def test_two_notebooks_at_once(index, tmp_path):
    from study_group.core import data
    from study_group.checkpoints import load_shared
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    (folder := tmp_path/"both").mkdir()
    both = [subprocess.Popen([sys.executable, "-c", AT_ONCE, folder, n, data.SDIST_SHA256], **pipes) for n in "12"]
    for p in both: assert p.stdout.readline() == "ready\n", p.communicate()
    for p in both: p.stdin.write("\n"), p.stdin.flush()
    said = [p.communicate(timeout=100) for p in both]
    assert [p.returncode for p in both] == [0, 0], said
    for n in range(20):
        assert [p.name for p in (folder/f"cache{n}").iterdir()] == [data.SDIST]
        started = files(folder/f"course{n}")
        assert len(started) > 20 and not written_half("start", {}, {f"course/{k}": v for k, v in started.items()})
    load_shared(folder/"mine")
    assert {p.name.rstrip("0123456789") for p in folder.iterdir()} == {"cache", "course", "mine"}


# a package that is installed for reading only, and nowhere to write

READER = """
import os, sys
import study_group
assert study_group.__file__.startswith(sys.argv[1]), study_group.__file__
from study_group.pipeline import trace
from study_group.models import heads
from study_group.tokenizers import BPETokenizer
from study_group.padding import classify, padding_table
from study_group.attention import attention_maps
from study_group.homework import competition_data, submit
from study_group.course import settings
from study_group.widgets.quiz import Quiz
from study_group.data import load_reviews
assert trace("I hate this so much!").predictions[0]["label"] == "NEGATIVE"
assert trace("Fine.").widget().html() and Quiz("01_pipeline").html() and len(padding_table(["a", "b c"]))
assert classify(["Fine."], progress=False)[0]["label"] and attention_maps("Fine.").weights.numel()
assert BPETokenizer().train(["a hug"], 30).encode("hug") and len(heads()) and settings().sessions
os.environ["PIP_INDEX_URL"] = "http://127.0.0.1:1"
for call in (load_reviews, lambda: submit(["POSITIVE"]*98, "me", competition_data("bundled"))):
    try: call()
    except OSError as e: assert "STUDY_GROUP_CACHE" in str(e), e
    else: raise AssertionError(call)
import fastai.text.all
from study_group.blurr import BlearnerForSequenceClassification
rows = [dict(text=t, label=l) for t, l in [("A fine film.", 1), ("A dull film.", 0)]*8]
BlearnerForSequenceClassification.from_data(rows, dl_kwargs=dict(bs=4))
print("all well")
"""


@pytest.fixture(scope="module")
def read_only():
    "A folder with the package as it is installed, for reading only; not among pytest's, which are closed to others."
    with tempfile.TemporaryDirectory(prefix="installed-") as name:
        folder = Path(name)
        shutil.copytree(REPO/"study_group", folder/"study_group", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(REPO/"nbs", folder/"study_group/nbs")
        shutil.copy(REPO/"settings.ini", folder/"study_group")
        for path in [folder, *folder.rglob("*")]: path.chmod(0o555 if path.is_dir() else 0o444)
        yield folder
        for path in [folder, *folder.rglob("*")]: path.chmod(0o755)


@pytest.mark.extra
def test_a_package_for_reading_only_and_nowhere_to_write(read_only):
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    env = dict(PATH=os.environ["PATH"], PYTHONPATH=str(read_only), HF_HUB_OFFLINE="1", no_proxy="*",
               HOME=str(read_only/"home"))
    done = subprocess.run([*nobody, sys.executable, "-c", READER, read_only], cwd=read_only, env=env,
                          capture_output=True, text=True)
    assert done.stdout.endswith("all well\n"), done.stdout + done.stderr[-3000:]
    assert "Traceback" not in done.stderr
