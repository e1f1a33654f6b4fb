"Checkpoints by name, against hubs that refuse, keep silent, say no or serve; broken folders; the model card's claims."
import hashlib, json, os, select, shutil, subprocess, sys, threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server

import pytest
import torch
from safetensors import safe_open
from tokenizers import Tokenizer, models
from transformers import (AutoConfig, AutoModel, DistilBertConfig, DistilBertForSequenceClassification, DistilBertModel,
                          PreTrainedTokenizerFast)
from transformers.utils import logging

from study_group.core import checkpoints
from study_group.checkpoints import (BUNDLED, HEADS, CheckpointError, load, load_model, load_shared,
                                     load_tokenizer)

SLIDES = {"I've been waiting for a HuggingFace course my whole life.": "POSITIVE", "I hate this so much!": "NEGATIVE"}
SLIDE_IDS = [101, 1045, 1005, 2310, 2042, 3403, 2005, 1037, 17662, 12172, 2607, 2026, 2878, 2166, 1012, 102]
REMEDY = "Leave `checkpoint` out to use the bundled model"


def labels(texts, model, tokenizer):
    inputs = tokenizer(list(texts), padding=True, return_tensors="pt")
    return [model.config.id2label[n] for n in model(**inputs).logits.argmax(-1).tolist()]


@pytest.fixture(scope="session")
def bundled(): return load()


@pytest.fixture(scope="session")
def tiny_folder(bundled, tmp_path_factory):
    "A checkpoint of 1.5 MB with random weights, to be copied."
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    config = DistilBertConfig(dim=12, n_layers=1, n_heads=2, hidden_dim=16, initializer_range=.5)
    DistilBertForSequenceClassification(config).save_pretrained(folder)
    bundled[1].save_pretrained(folder)
    return folder


@pytest.fixture
def folder(tiny_folder, tmp_path): return Path(shutil.copytree(tiny_folder, tmp_path/"tiny"))


def answer(model): return model(torch.tensor([SLIDE_IDS])).logits.tolist()


def fails(call, *words):
    "`call()` raises a CheckpointError of one line with these `words`."
    with pytest.raises(CheckpointError) as e: call()
    assert [w for w in words if w not in str(e.value)] == [] and "\n" not in str(e.value)


# by name: a learner's process of its own, since the hub's address is read at import

LEARNER = """
import json, socket, sys, time
out, sys.stdout, tried = sys.stdout, sys.stderr, []
def refuse(*args, **kwargs): tried.append(str(args)); raise OSError("no network here")
socket.socket.connect, getaddrinfo, socket.getaddrinfo = refuse, socket.getaddrinfo, refuse
import torch
from study_group.checkpoints import *
model, tokenizer = load()
label = model.config.id2label[model(**tokenizer("I hate this so much!", return_tensors="pt")).logits.argmax().item()]
print(json.dumps([label, tried]), file=out, flush=True)
del socket.socket.connect
socket.getaddrinfo = getaddrinfo
for line in sys.stdin:
    start, value, error = time.perf_counter(), None, None
    try: value = eval(json.loads(line))
    except Exception as e: error = type(e).__name__, str(e)
    print(json.dumps([value, error, time.perf_counter() - start]), file=out, flush=True)
"""


class Learner:
    "A process with an empty HF_HOME whose hub is at `port`; a call evaluates an expression there."

    def __init__(self, home: Path):
        with create_server(("127.0.0.1", 0)) as s: self.port = s.getsockname()[1]
        self.home = home
        env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")} | dict(
            HF_HOME=str(home), HF_ENDPOINT=f"http://127.0.0.1:{self.port}", no_proxy="*")
        self.process = subprocess.Popen([sys.executable, "-c", LEARNER], env=env, cwd=home.parent, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.start = None  # (label, attempts to connect) of the bundled model, once it has started

    def _read(self):
        assert select.select([self.process.stdout], [], [], 60)[0], "no answer in a minute"
        return json.loads(self.process.stdout.readline())

    def wait(self): self.start = self.start or self._read()

    def __call__(self, expression):
        self.process.stdin.write(json.dumps(expression) + "\n")
        self.process.stdin.flush()
        return self._read()

    def files(self): return [f for f in self.home.rglob("*") if f.is_file() or f.is_symlink()]


@pytest.fixture(scope="session")
def started(tmp_path_factory):
    learner = Learner(tmp_path_factory.mktemp("learner")/"home")
    yield learner
    learner.process.terminate()
    learner.process.communicate()


@pytest.fixture
def learner(started):
    started.wait()
    shutil.rmtree(started.home, ignore_errors=True)
    return started


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args): pass

    def say(self, status, body=b"", **headers):
        self.send_response(status)
        headers = {"Content-Length": len(body)} | {k.replace("_", "-"): v for k, v in headers.items()}
        for name, value in headers.items(): self.send_header(name, str(value))
        self.end_headers()
        cut = self.server.cut if self.path.endswith("model.safetensors") else None
        if self.command == "GET": self.wfile.write(body[:cut])

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.server.always: return self.say(self.server.always[0], b"<h1>", **self.server.always[1])
        if self.path == "/api/models/someone/tiny": return self.say(200, b'{"id": "someone/tiny", "siblings": []}')
        file = self.server.folder/self.path.removeprefix("/someone/tiny/resolve/main/").lstrip("/")
        if not file.is_file(): return self.say(404, X_Error_Code="EntryNotFound")
        tag = hashlib.sha1(content := file.read_bytes()).hexdigest()
        self.say(200, content, ETag=f'"{tag}"', X_Repo_Commit="1"*40)

    do_HEAD = do_GET


@contextmanager
def hub(port, folder=None, always=None, cut=None):
    "A hub that serves `folder` as someone/tiny, or says `always` (status, headers); `cut`: so much of the weights."
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.folder, server.always, server.asked, server.cut = folder, always, [], cut
    threading.Thread(target=server.serve_forever, args=(.05,), daemon=True).start()
    try: yield server
    finally:
        server.shutdown()
        server.server_close()


def refused_by(learner, expression, *words):
    "In `learner`, `expression` raises a CheckpointError with name, `words` and remedy within 10 s; nothing is written."
    value, error, seconds = learner(expression)
    assert error and error[0] == "CheckpointError" and "checkpoint='nobody/nothing'" in error[1] and REMEDY in error[1]
    assert [w for w in words if w not in error[1]] == [] and seconds < 10 and learner.files() == []


LOADERS = "load('nobody/nothing')", "load_tokenizer('nobody/nothing')"


@pytest.mark.parametrize("expression", LOADERS)
def test_a_hub_that_never_answers_fails_in_seconds(learner, expression):
    with create_server(("127.0.0.1", learner.port)): refused_by(learner, expression, "can't be reached", "timed out")


@pytest.mark.parametrize("expression", LOADERS)
def test_a_hub_that_refuses_fails_at_once(learner, expression):
    refused_by(learner, expression, "isn't in this machine's cache", "can't be reached", "refused")


@pytest.mark.parametrize("status, headers, words", [
    (404, dict(X_Error_Code="RepoNotFound"), "the hub has no such checkpoint"),
    (401, dict(X_Error_Code="RepoNotFound"), "the hub has no such checkpoint"),
    (401, {}, "hub"), (403, dict(X_Error_Code="GatedRepo"), "accept terms on its hub page"),
    (404, dict(X_Error_Code="EntryNotFound"), "without a config.json"), (503, {}, "the hub answered: "),
    (200, {}, ""), (302, dict(Location="http://127.0.0.1:1/login"), "")],
    ids=lambda v: str(v) if isinstance(v, int) else None)
def test_a_hub_that_says_no_is_understood(learner, status, headers, words):
    with hub(learner.port, always=(status, headers)): refused_by(learner, "load('nobody/nothing')", words)


def test_a_model_of_the_hub_loads_by_name_and_then_without_the_hub(learner, tiny_folder):
    expression = f"load_model('someone/tiny')(torch.tensor([{SLIDE_IDS}])).logits.tolist()"
    want = answer(load_model(tiny_folder))
    with hub(learner.port, tiny_folder) as served:
        assert learner(expression)[:2] == [want, None]
        assert "/someone/tiny/resolve/main/model.safetensors" in served.asked
        served.asked.clear()
        assert learner(expression)[:2] == [want, None] and served.asked == []
    assert learner(expression)[:2] == [want, None]
    assert not [f for f in learner.files() if f.name.endswith(".incomplete")]


WIDGETS = dict(PipelineStrip=("pipeline", "trace.logits"), MaskBench=("padding", "logits"))


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_widget_takes_a_model_of_the_hub_by_name_and_keeps_it_where_another_fails(learner, tiny_folder, widget):
    face, logits = WIDGETS[widget]
    make = f"w := __import__('study_group.{face}', fromlist=['x']).{widget}('I hate this so much!')"
    def named(name): return f"setattr(w, 'checkpoint', {name!r}), [w.checkpoint, w.error, w.texts, w.{logits}.tolist()]"
    model, tokenizer = load(tiny_folder)
    with torch.no_grad(): want = model(**tokenizer("I hate this so much!", return_tensors="pt")).logits.tolist()
    with hub(learner.port, tiny_folder): value, error, _ = learner(f"[{make}, {named('someone/tiny')}][-1]")
    assert (value[:3], error) == (["someone/tiny", "", ["I hate this so much!"]], None)
    torch.testing.assert_close(torch.tensor(value[3]), torch.tensor(want), rtol=1e-5, atol=1e-5)
    other, error, seconds = learner(f"[{make}, {named('someone/tiny')}, {named('nobody/nothing')}][-1]")
    assert (other[0], other[3], error) == ("someone/tiny", value[3], None) and seconds < 20
    assert other[1].startswith("checkpoint='nobody/nothing' can't be loaded: ") and REMEDY in other[1]


def test_half_of_a_models_weights_are_none_and_the_next_try_goes_on(learner, tiny_folder):
    expression = f"load_model('someone/tiny')(torch.tensor([{SLIDE_IDS}])).logits.tolist()"
    with hub(learner.port, tiny_folder, cut=700_000):
        value, error, seconds = learner(expression)
        assert error and error[0] == "CheckpointError" and "checkpoint='someone/tiny'" in error[1], (value, error)
    whole = (tiny_folder/"model.safetensors").stat().st_size
    assert not [f for f in learner.files() if f.name == "model.safetensors" and f.stat().st_size < whole]
    with hub(learner.port, tiny_folder): assert learner(expression)[:2] == [answer(load_model(tiny_folder)), None]


@pytest.mark.parametrize("expression", [
    "load_tokenizer('someone/tiny')", pytest.param("load('someone/tiny')[1]"),
    pytest.param("(load_model('someone/tiny'), load_tokenizer('someone/tiny'))[1]")])
def test_a_tokenizer_of_the_hub_loads_by_name_and_then_without_the_hub(learner, tiny_folder, expression):
    expression += f"({next(iter(SLIDES))!r}).input_ids"
    with hub(learner.port, tiny_folder): assert learner(expression)[:2] == [SLIDE_IDS, None]
    assert learner(expression)[:2] == [SLIDE_IDS, None]


KINDS = "mpnet", "modernbert", "deberta-v2", "t5"  # without a tokenizer's files, each fails in a way of its own


def configured(kind, folder):
    "`folder`, with the config.json of a tiny model of another `kind`."
    (folder/"config.json").unlink()
    size = dict(num_hidden_layers=1, num_attention_heads=2, hidden_size=12, intermediate_size=16, num_layers=1,
                pad_token_id=0)
    try: config = AutoConfig.for_model(kind, vocab_size=30_522, **size)
    except Exception as e: pytest.skip(f"this transformers has no config of {kind}: {e}")  # 5.15: modernbert
    AutoModel.from_config(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_of_the_hub_is_fetched_after_its_model_whatever_the_kind(learner, folder, kind):
    loaded = "(load_model('someone/tiny', 'base'), load_tokenizer('someone/tiny'))[1]"
    expression = f"{loaded}({next(iter(SLIDES))!r}).input_ids"
    with hub(learner.port, configured(kind, folder)): assert learner(expression)[:2] == [SLIDE_IDS, None]


def test_the_bundled_model_needs_no_socket(started):
    started.wait()
    assert started.start == ["NEGATIVE", []]


# folders

def test_a_folder_is_named_by_string_or_path_absolute_relative_or_at_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.chdir(folder.parent)
    want = answer(load(folder)[0])
    for name in (str(folder), f"{folder}/", "tiny", "./tiny", Path("tiny"), "~/tiny", Path("~/tiny")):
        model, tokenizer = load(name)
        assert answer(model) == want and tokenizer(next(iter(SLIDES))).input_ids == SLIDE_IDS


@pytest.mark.parametrize("name", [
    "./not-there", "not/there/", "a/b/c", "", "~", "~nobody-of-that-name/x", "two words", "a\0b",
    Path("not-there")], ids=repr)
def test_what_is_neither_a_folder_nor_a_name_fails_without_a_hub(monkeypatch, tmp_path, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(checkpoints, "_ask_hub", lambda *a, **k: pytest.fail("asked the hub"))
    for call in (load, load_tokenizer, load_shared): fails(lambda: call(name), f"checkpoint={os.fspath(name)!r}")


@pytest.mark.parametrize("name", ["nobody/bad--name", "nobody/nothing.git", "x"*97, "ünï/cödé"])
def test_a_name_that_the_hub_cannot_have_is_a_checkpoint_error(name): fails(lambda: load(name), name, REMEDY)


def test_offline_mode_is_told(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    fails(lambda: load("nobody/nothing"), "checkpoint='nobody/nothing'", "offline mode is on", REMEDY)


def test_a_folder_without_config_is_told_how_to_get_one(folder):
    (folder/"config.json").unlink()
    for call in (load, load_shared):
        fails(lambda: call(folder), str(folder), "without a config.json", "save_pretrained")
    (folder/"tokenizer_config.json").unlink()
    fails(lambda: load_tokenizer(folder), str(folder), "without a config.json", "save_pretrained")


@pytest.mark.parametrize("kind", ["distilbert", *KINDS])
def test_a_folder_without_a_tokenizer_is_told(folder, kind):
    for file in configured(kind, folder).glob("tokenizer*"): file.unlink()
    fails(lambda: load_tokenizer(folder), str(folder), "tokenizer")


def test_a_folder_with_a_tokenizer_alone_is_a_tokenizer_and_no_model(bundled, tmp_path):
    bundled[1].save_pretrained(tmp_path)
    text = "I hate this so much!"
    assert load_tokenizer(tmp_path)(text).input_ids == bundled[1](text).input_ids
    fails(lambda: load_model(tmp_path), "without a config.json")


def test_a_folder_with_half_a_tokenizer_is_told(folder):
    (folder/"tokenizer.json").unlink()
    fails(lambda: load_tokenizer(folder), str(folder), "tokenizer")


ADDED = {str(30_522 + n): dict(content=f"<tool-{n}>", special=False) for n in range(12)}


def test_tokens_that_were_added_to_a_tokenizer_do_not_stand_for_it(folder):
    (folder/"tokenizer.json").unlink()
    (folder/"tokenizer_config.json").write_text(json.dumps(dict(added_tokens_decoder=ADDED)))
    fails(lambda: load_tokenizer(folder), str(folder), "it has no tokenizer")


@pytest.mark.parametrize("words", [["[UNK]", "[PAD]", "good", "bad", "film", "!"],
                                   ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "good", "bad"]], ids=["4 words", "2 words"])
def test_a_toy_tokenizer_of_six_tokens_is_one(folder, words):
    config = DistilBertConfig(vocab_size=6, dim=12, n_layers=1, n_heads=2, hidden_dim=16)
    DistilBertForSequenceClassification(config).save_pretrained(folder)
    toy = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    names = dict(zip(("unk_token", "pad_token", "cls_token", "sep_token"), (w for w in words if w[0] == "[")))
    PreTrainedTokenizerFast(tokenizer_object=toy, **names).save_pretrained(folder)
    for call in (load, load_shared):
        model, tokenizer = call(folder)
        assert len(tokenizer) == 6 and tokenizer("bad").input_ids == [words.index("bad")]
        assert model(**tokenizer("bad", return_tensors="pt")).logits.shape == (1, 2)


def damaged(file, content, *marks): return pytest.param(file, content, marks=marks, id=f"{file} {content!r:.20}")


OTHER_SIZES = b'{"model_type": "distilbert", "dim": 24, "n_heads": 2, "n_layers": 1, "hidden_dim": 16}'
@pytest.mark.parametrize("file, content", [
    damaged("config.json", b"{"), damaged("config.json", b"[]"), damaged("config.json", b'{"model_type": "nonsense"}'),
    damaged("config.json", OTHER_SIZES),
    damaged("tokenizer.json", b"{"), damaged("tokenizer.json", b"{}"), damaged("model.safetensors", None),
    damaged("model.safetensors", b""), damaged("model.safetensors", b"<html>Not Found</html>"),
    damaged("model.safetensors", "cut")])
def test_a_damaged_file_is_a_checkpoint_error(folder, file, content):
    if content is None: (folder/file).unlink()
    else: (folder/file).write_bytes((folder/file).read_bytes()[:-1000] if content == "cut" else content)
    fails(lambda: load(folder), str(folder))


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("target", ["gone", "itself"])
def test_a_link_that_leads_nowhere_is_named(folder, file, target):
    (folder/file).unlink()
    (folder/file).symlink_to(file if target == "itself" else target)
    for call in (load, load_model, load_tokenizer, load_shared):
        fails(lambda: call(folder), f"{str(folder)!r}", f"{file} is a link that leads nowhere")


def test_links_that_lead_somewhere_are_files_like_any_other(folder, tmp_path):
    want = answer(load_model(folder))
    linked = tmp_path/"linked"
    linked.mkdir()
    for file in folder.iterdir(): (linked/file.name).symlink_to(file)
    assert answer(load(linked)[0]) == answer(load_shared(linked)[0]) == want


def test_every_head_gives_its_model_or_says_that_there_is_none(folder):
    classes = {"base": "Model", "sequence-classification": "ForSequenceClassification", "masked-lm": "ForMaskedLM",
               "token-classification": "ForTokenClassification", "question-answering": "ForQuestionAnswering"}
    assert {h: type(load_model(folder, h)).__name__.removeprefix("DistilBert") for h in classes} == classes
    assert HEADS.keys() - classes == {"causal-lm"}
    fails(lambda: load_model(folder, "causal-lm"), str(folder), "AutoModelForCausalLM", "DistilBertConfig")
    with pytest.raises(ValueError, match="head='classify' isn't one of 'base', 'sequence-classification'"):
        load_model(folder, "classify")


def test_models_are_in_eval_mode_and_fp32_unless_asked(folder):
    load_model(folder).half().save_pretrained(folder)
    assert json.loads((folder/"config.json").read_text())["dtype"] == "float16"
    assert {p.dtype for p in load_model(folder).parameters()} == {torch.float32}
    assert {p.dtype for p in load_model(folder, dtype="float16").parameters()} == {torch.float16}
    assert {p.dtype for p in load_model(folder, "base", dtype=torch.bfloat16).parameters()} == {torch.bfloat16}
    assert not any(m.training for m in load_model(folder).modules())


def test_progress_bars_are_left_as_they_were(folder):
    for switch, want in ((logging.disable_progress_bar, False), (logging.enable_progress_bar, True)):
        switch()
        load(folder)
        fails(lambda: load_model(folder, "causal-lm"))
        assert logging.is_progress_bar_enabled() is want


# pairs

def test_a_pair_goes_through_as_it_is(folder):
    model, tokenizer = load(folder)
    model.half().train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    for call in (load, load_shared):
        for pair in ((model, tokenizer), [model, tokenizer]):
            got = call(pair)
            assert type(got) is tuple and got[0] is model and got[1] is tokenizer
    assert load_model((model, tokenizer), "base") is model and load_tokenizer((model, tokenizer)) is tokenizer
    assert model.training and model.dtype == torch.float16
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


@pytest.mark.parametrize("wrong", [lambda m, t: (t, m), lambda m, t: (m, "bert"), lambda m, t: 3, lambda m, t: b"bert",
                                   lambda m, t: (m, t, 1), lambda m, t: m, lambda m, t: ()], ids=range(7))
def test_what_is_no_checkpoint_is_a_type_error(bundled, wrong):
    for call in (load, load_model, load_tokenizer, load_shared):
        with pytest.raises(TypeError, match=r"checkpoint=[\s\S]*(in this order|\(model, tokenizer\) pair)"):
            call(wrong(*bundled))


def test_the_error_for_a_model_alone_is_short(bundled):
    with pytest.raises(TypeError) as e: load(bundled[0])
    assert len(str(e.value)) < 500


# shared

def test_load_shares_nothing_and_load_shared_everything(folder):
    assert load_model(folder) is not load_model(folder) and load_shared() is load_shared(None) is load_shared(BUNDLED)
    assert load_shared(folder) is load_shared(folder)
    assert type(load_shared(folder, "base")[0]) is DistilBertModel


def other_weights(folder):
    model = load_model(folder)
    torch.nn.init.ones_(model.classifier.bias)
    model.save_pretrained(folder)


@pytest.mark.parametrize("change", [other_weights, lambda folder: (folder/"tokenizer_config.json").write_text("{}")],
                         ids=["weights", "tokenizer"])
def test_load_shared_reads_a_folder_again_when_its_files_change(folder, change):
    before = load_shared(folder)
    change(folder)
    after = load_shared(folder)
    assert after is not before and after is load_shared(folder)
    assert answer(after[0]) == answer(load_model(folder))


def test_load_shared_reads_a_folder_again_when_an_older_file_takes_its_place(folder, tmp_path):
    other = Path(shutil.copytree(folder, tmp_path/"other"))
    other_weights(other)
    os.utime(other/"model.safetensors", (1, 1))
    load_shared(folder)
    os.replace(other/"model.safetensors", folder/"model.safetensors")
    assert answer(load_shared(folder)[0]) == answer(load_model(folder))


# what the model card claims

def test_the_bundled_model_answers_as_its_card_says(bundled):
    assert labels(SLIDES, *bundled) == list(SLIDES.values())
    assert labels(["The movie was not as bad as I feared.", "Not a single dull moment."], *bundled) == ["NEGATIVE"]*2


def test_the_bundled_tokenizer_is_that_of_every_tutorial(bundled):
    encoded = bundled[1](next(iter(SLIDES)))
    assert encoded.input_ids == SLIDE_IDS and set(encoded) == {"input_ids", "attention_mask"}
    assert len(bundled[1]) == bundled[1].vocab_size == 30_522 and bundled[1].model_max_length == 512


def test_the_bundled_checkpoint_has_the_shape_and_size_that_its_card_says():
    config = AutoConfig.from_pretrained(BUNDLED)
    assert (config.n_layers, config.n_heads, config.dim, config.vocab_size) == (6, 12, 384, 30_522)
    assert config.architectures == ["DistilBertForSequenceClassification"]
    assert sum(f.stat().st_size for f in BUNDLED.rglob("*")) <= 50_000_000
    with safe_open(BUNDLED/"model.safetensors", "pt") as tensors:
        assert {tensors.get_slice(name).get_dtype() for name in tensors.keys()} == {"F16"}
        assert tensors.get_slice("distilbert.embeddings.word_embeddings.weight").get_shape() == [30_522, 384]
    assert load_model().dtype == torch.float32
