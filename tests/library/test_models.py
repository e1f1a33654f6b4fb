"Session 2's helpers: other architectures, the library's pipelines, damaged files, saving that fails."
import json, math, os, struct, subprocess, sys
from pathlib import Path

import pandas as pd
import pytest
import torch
import transformers
from hypothesis import given, settings, strategies as st
from safetensors.torch import save_file
from transformers import pipeline

from study_group.checkpoints import BUNDLED, CheckpointError, load, load_model, load_tokenizer
from study_group.data import corpus
from study_group.core.weights import safetensors_header
from study_group.models import (anatomy, compare_outputs, heads, save_checkpoint, saved_files,
                                sentence_embeddings, token_labels)

SMALL = dict(vocab_size=30_522, pad_token_id=0)
BERT = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, **SMALL)
MODELS = {
    "BertForMaskedLM": BERT, "BertModel": BERT, "RobertaForTokenClassification": BERT,
    "AlbertForSequenceClassification": dict(BERT, embedding_size=8),
    "GPT2LMHeadModel": dict(n_embd=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0, **SMALL),
    "T5ForConditionalGeneration": dict(d_model=16, d_ff=32, num_layers=2, num_heads=2, d_kv=8, eos_token_id=102,
                                       **SMALL),
    "BartForConditionalGeneration": dict(d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
                                         decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, **SMALL),
    "LlamaForCausalLM": BERT}


def small(name: str):
    cls = getattr(transformers, name)
    torch.manual_seed(0)
    return cls(cls.config_class(**MODELS[name])).eval()


@pytest.fixture(scope="module")
def bundled(): return load()


@pytest.mark.parametrize("name", MODELS)
def test_the_parts_of_any_model_add_up(name):
    model = small(name)
    found = anatomy(model)
    assert found.total == sum(p.numel() for p in model.parameters()) == sum(n for n, _ in found.parts.values())
    assert math.isclose(sum(row.share for row in found.rows), 1) and found.n_bytes == 4*found.total
    layers = [part for part in found.parts if "layer " in part]
    assert len(layers) == (1 if "Albert" in name else 4 if name[:2] in ("T5", "Ba") else 2)
    assert found.parts["embeddings"][0] >= 30_522*8
    assert ("head" in found.parts) == any(w in name for w in ("MaskedLM", "Token", "Sequence", "Llama"))


def test_a_single_layer_is_a_model_too():
    assert anatomy(torch.nn.Linear(3, 2)).parts == {"model": (8, 1.0)}


def test_names_are_text_in_the_picture():
    class Odd(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.add_module("<img src=x>", torch.nn.Linear(2, 2))
    html = anatomy(Odd())._repr_html_()
    assert "<img" not in html and "&lt;img src=x&gt;" in html


def test_heads_of_a_pair_are_those_of_its_folder(bundled):
    ours, theirs = heads(), heads(bundled)
    assert ours.to_dict() == theirs.to_dict() and len(ours) == 8


def test_heads_read_texts_as_all_others_do(bundled):
    shape = heads(bundled, "a text").set_index("auto_class").output_shape["AutoModel"]
    assert shape[:2] == (1, 4) and heads(bundled, pd.Series(["a text"], index=[7])).output_shape[0] == shape
    for texts in (pd.DataFrame(dict(text=["a"])), dict(text="a"), None):
        with pytest.raises(TypeError, match="texts=.* must be a string or a list of strings"): heads(bundled, texts)


@pytest.mark.parametrize("name", ["BertModel", "RobertaForTokenClassification", "GPT2LMHeadModel",
                                  "T5ForConditionalGeneration"])
def test_heads_of_other_architectures(name, bundled):
    model = small(name)
    table = heads((model, bundled[1])).set_index("auto_class")
    for auto, row in table.iterrows():
        assert type(model.config) in getattr(transformers, auto)._model_mapping
        state = set(getattr(transformers, row.model_class)(model.config).state_dict())
        assert set(row.new_weights) <= state and row.output_shape, (auto, row.output)
    own = table[table.model_class == name]
    assert len(own) and all(not new for new in own.new_weights)


def test_where_two_models_part(bundled):
    model, tokenizer = bundled
    changed = load_model()
    with torch.no_grad(): changed.distilbert.transformer.layer[3].ffn.lin1.weight[0, 0] += 1
    found = compare_outputs((changed, tokenizer), (model, tokenizer), ["One.", "And two."])
    assert found["where"] == "layer 4" and not found["equal"] and found["differences"]["layer 3"] == 0
    assert found["max_difference"] == max(found["differences"].values())
    assert compare_outputs(None, None, "One.")["equal"]


def test_other_tokens_are_another_function(bundled):
    other = load_tokenizer(BUNDLED)
    other.add_tokens(["so much"])
    model = load_model()
    model.resize_token_embeddings(len(other), mean_resizing=False)
    assert compare_outputs((model, other), bundled, "I hate this so much!")["where"] == "input_ids"


@pytest.mark.parametrize("wrong, words", [("no/such folder", "no/such folder"), (3, "3")])
def test_what_is_no_checkpoint_is_told(wrong, words):
    with pytest.raises((CheckpointError, TypeError), match=words): compare_outputs(wrong, None, "One.")


def test_a_model_without_a_tokenizer_is_told():
    with pytest.raises(TypeError, match=r"pass \(model, tokenizer\)"): compare_outputs(small("BertModel"), None, "One.")


LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC", "B-A-B"]


@pytest.fixture(scope="module")
def labeller(bundled):
    "A model that labels each token by its id, with weights made by hand: no training, no chance."
    config = transformers.DistilBertConfig(dim=32, n_layers=1, n_heads=2, hidden_dim=32, **SMALL,
                                           id2label=dict(enumerate(LABELS)), label2id=dict(zip(LABELS, range(7))))
    torch.manual_seed(3)
    model = transformers.DistilBertForTokenClassification(config).eval()
    with torch.no_grad(): model.distilbert.embeddings.word_embeddings.weight.mul_(40), model.classifier.weight.mul_(25)
    return model, bundled[1]


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert abs(a["score"] - b["score"]) < 1e-5*(1 + abs(b["score"]))
        assert {k: v for k, v in a.items() if k != "score"} == {k: v for k, v in b.items() if k != "score"}


HARD = ["", " ", "🎬 naïve café 漢字", "x"*120, "a\u0301 [SEP] b", "so good "*400, "\u202eevil\u202c\0"]


@pytest.mark.parametrize("aggregation", ["none", "simple"])
def test_token_labels_are_the_pipelines(labeller, aggregation):
    model, tokenizer = labeller
    pipe = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy=aggregation)
    texts, seen = [*corpus()[:40], *HARD], set()
    for text in texts:
        theirs = pipe(text)
        same(token_labels(text, labeller, aggregation), theirs)
        seen |= {e.get("entity") or e["entity_group"] for e in theirs}
    assert len(seen) >= 4, "labels that never come up test nothing"
    for ours, theirs in zip(token_labels(texts[:3], labeller, aggregation), pipe(texts[:3])): same(ours, theirs)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["Ann", "went", "to", "Paris", ".", "mug🙂", "can't", "1990", "Ōsaka"]), max_size=9))
def test_token_labels_of_any_words(labeller, words):
    model, tokenizer = labeller
    pipe = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="simple")
    same(token_labels(" ".join(words), labeller, "simple"), pipe(" ".join(words)) if words else [])


def test_embeddings_do_not_depend_on_the_batch(bundled):
    texts = [*corpus()[:35], "so good "*400]
    together = sentence_embeddings(texts)
    assert together.shape == (36, 384) and together.dtype == torch.float32
    for i in (0, 17, 34, 35):
        inputs = bundled[1](texts[i], truncation=True, return_tensors="pt")
        with torch.no_grad(): states = bundled[0].distilbert(**inputs).last_hidden_state[0]
        torch.testing.assert_close(together[i], states.mean(0), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(sentence_embeddings(texts[:2], bundled), together[:2], atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="empty"): sentence_embeddings([])


# files


@pytest.mark.parametrize("name", ["BertForMaskedLM", "T5ForConditionalGeneration"])
def test_saved_files_tell_what_save_pretrained_wrote(tmp_path, name):
    small(name).save_pretrained(tmp_path, max_shard_size="500KB")
    rows = {row.name: row for row in saved_files(tmp_path)}
    assert rows.keys() == {p.name for p in tmp_path.iterdir()} and len(rows) > 3
    assert not [row for row in rows.values() if row.purpose == "not of save_pretrained"]
    tensors = [t for row in rows.values() for t in row.tensors or ()]
    index = json.loads((tmp_path/"model.safetensors.index.json").read_text())
    assert {t.name for t in tensors} == set(index["weight_map"])


DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(NAMES, st.tuples(st.lists(st.integers(0, 4), max_size=3), st.sampled_from(DTYPES)),
                       max_size=5))
def test_a_header_says_what_safetensors_wrote(tmp_path_factory, shapes):
    path = tmp_path_factory.mktemp("st")/"x.safetensors"
    tensors = {name: torch.zeros(shape, dtype=dtype) for name, (shape, dtype) in shapes.items()}
    save_file(tensors, path)
    found = {e.name: e for e in safetensors_header(path)}
    assert found.keys() == tensors.keys()
    for name, t in tensors.items():
        assert found[name].shape == tuple(t.shape) and found[name].end - found[name].begin == t.nbytes


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=60), st.booleans())
def test_no_bytes_are_a_crash(tmp_path_factory, content, framed):
    path = tmp_path_factory.mktemp("st")/"x.safetensors"
    path.write_bytes(struct.pack("<Q", len(content)) + content if framed else content)
    try: safetensors_header(path)
    except ValueError as e: assert "safetensors file" in str(e) or "cut short" in str(e)


@pytest.mark.parametrize("header", [{"w": 1}, {"w": {}}, {"w": {"dtype": "F32", "shape": 3, "data_offsets": [0, 1]}},
                                    {"w": {"dtype": "F32", "shape": [], "data_offsets": [0]}},
                                    {"w": {"dtype": "F32", "shape": [], "data_offsets": ["a", "b"]}}])
def test_a_header_of_another_form_is_told(tmp_path, header):
    text = json.dumps(header).encode()
    (path := tmp_path/"x.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    with pytest.raises(ValueError, match="no safetensors file"): safetensors_header(path)


# saving


@pytest.fixture
def tiny(bundled):
    config = transformers.DistilBertConfig(dim=12, n_layers=1, n_heads=2, hidden_dim=16, **SMALL)
    return transformers.DistilBertForSequenceClassification(config).eval(), bundled[1]


def test_what_is_saved_is_what_loads(tiny, tmp_path):
    folder = save_checkpoint(*tiny, tmp_path/"deep"/"er")
    assert compare_outputs(folder, tiny, ["One.", "And two."])["max_difference"] == 0
    assert {p.name for p in folder.parent.iterdir()} == {"er"}
    umask = os.umask(0); os.umask(umask)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~umask


def test_a_relative_folder_and_one_at_home(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path), monkeypatch.setenv("HOME", str(tmp_path))
    assert save_checkpoint(*tiny, "here") == tmp_path/"here" and save_checkpoint(*tiny, "~/there") == tmp_path/"there"


def test_a_link_to_a_checkpoint_stays_a_link(tiny, tmp_path):
    save_checkpoint(*tiny, tmp_path/"v1")
    (tmp_path/"current").symlink_to("v1")
    save_checkpoint(*tiny, tmp_path/"current", overwrite=True)
    assert (tmp_path/"current").is_symlink() and (tmp_path/"v1"/"config.json").exists()


@pytest.mark.parametrize("step", ["rename", "save"])
def test_a_failure_leaves_the_old_checkpoint(tiny, tmp_path, monkeypatch, step):
    folder = save_checkpoint(*tiny, tmp_path/"mine")
    before = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    def full(*_): raise OSError("disk full")
    real = Path.rename
    if step == "save": monkeypatch.setattr(tiny[0], "save_pretrained", full)
    else: monkeypatch.setattr(Path, "rename", lambda self, to: (full if self.name == "new" else real)(self, to))
    with pytest.raises(OSError, match="disk full"): save_checkpoint(*tiny, folder, overwrite=True)
    assert {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


KILLED = """
import sys, time
from pathlib import Path
from study_group.models import save_checkpoint
from study_group.checkpoints import load
model, tokenizer = load()
class Slow:
    def save_pretrained(self, folder):
        (Path(folder)/"tokenizer.json").write_text("{")
        print("half written", flush=True); time.sleep(60)
save_checkpoint(model, Slow(), sys.argv[1], overwrite=True)
"""


def test_a_killed_process_leaves_the_old_checkpoint(tiny, tmp_path):
    folder = save_checkpoint(*tiny, tmp_path/"mine")
    with subprocess.Popen([sys.executable, "-c", KILLED, folder], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "half written\n"
        process.kill()
    assert compare_outputs(folder, tiny, "One.")["max_difference"] == 0


def test_a_file_in_the_way_is_told(tiny, tmp_path):
    (tmp_path/"notes").write_text("mine")
    with pytest.raises(FileExistsError, match="something else than a checkpoint"):
        save_checkpoint(*tiny, tmp_path/"notes", overwrite=True)
    assert (tmp_path/"notes").read_text() == "mine"
    (tmp_path/"empty").mkdir()
    assert (save_checkpoint(*tiny, tmp_path/"empty", overwrite=True)/"config.json").exists()
