"""Token classification against the real Blurr 1.0.5, seqeval, transformers' pipeline; in plain fastai; with bad input.

tools/blurr_tasks/tagging.py says how tests/data/blurr_tagging.json was made; here the same script runs on our pieces.
"""
import ast, json, re, unicodedata, warnings

import numpy as np, pandas as pd, pytest, record_blurr, tiny_models, torch
from blurr_tasks import tagging as recorder
from datasets import ClassLabel, Dataset, Features, Sequence, Value
from fastai.text.all import ColReader, ColSplitter, DataBlock, Learner, load_learner, set_seed
from recorded import differences
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (AutoModelForTokenClassification, DistilBertConfig, DistilBertForTokenClassification,
                          PreTrainedTokenizerFast, pipeline)

from study_group.core.checkpoints import quiet
from study_group.core.data import tagged_sentences
from study_group.learning.alignment import *
from study_group.learning.batches import TextBlock, get_hf_objects
from study_group.learning.entities import *
from study_group.learning.grouping import *
from study_group.learning.learners import (BaseModelCallback, BaseModelWrapper, Blearner, PreCalculatedCrossEntropyLoss,
                                           blurr_splitter)
from study_group.learning.tagging import *

RECORDED = json.loads((record_blurr.DATA / "blurr_tagging.json").read_text(encoding="utf-8"))
NAMES = recorder.NAMES


# As the real Blurr, but where Blurr is wrong: each such place is mended in the recording first, with the reason.

def written(word: str) -> str:
    "`word` as the tokenizer writes it: in lower case, without accents; an emoji is unknown."
    if not word.isascii() and not any(map(str.isalpha, word)): return "[UNK]"
    return "".join(c for c in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(c))


def without_o(numbers: list, only_first: list) -> list:
    "Blurr's BI strategy said O inside of a dish, as there is no I-DISH; it describes itself as only-first there."
    found, word = [], None
    for number, first in zip(numbers, only_first):
        starts = first != -100 or number == -100
        if starts: word = number
        found.append(-100 if not starts and NAMES[word] == "B-DISH" else number)
    return found


def mended_strategies(old):
    new = {name: without_o(numbers, old[name.replace("BI", "OnlyFirstToken", 1)]) if name.startswith("BI") else numbers
           for name, numbers in old.items()}
    assert new != old
    return new


def mended_batches(old):
    "The same, in batches."
    new = json.loads(json.dumps(old))
    for batch, first in zip(new["BILabelingStrategy"], old["OnlyFirstTokenLabelingStrategy"]):
        rows = [*map(without_o, batch["targets"][0], first["targets"][0])]
        batch["inputs"]["labels"], batch["targets"] = rows, [rows]
    assert new != old
    return new


def mended_words_and_labels(old):
    "Blurr lost unknown words, cut San-Diego up, and joined words and signs, whose labels it lost."
    assert old["Jean-Luc lives in San-Diego ."]["words"][0] == ["jean", "O"]
    joined = old["paella , says mercedes , belongs to valencia ."]["words"][:2]
    assert joined == [["paella,", "O"], ["says", "I-PER"]]  # B-PER was the comma's
    new = {}
    for text, said in old.items():
        words = text.split()
        tokens = said["tokens"]
        if "🎉" in words: tokens = [*tokens[:1], ["[UNK]", "B-PER"], *tokens[1:]]
        new[text] = dict(tokens=tokens, words=[[written(w), NAMES[i % len(NAMES)]] for i, w in enumerate(words)])
    return new


def mended_metrics(old):
    "seqeval fails where there is nothing to count; ours has zeros, and no accuracy."
    zeros = "       0.00      0.00      0.00         0\n"
    empty = "              precision    recall  f1-score   support\n\n\n" + "".join(
        f"{name:>12}{zeros}" for name in ("micro avg", "macro avg", "weighted avg"))
    instead = dict(ZeroDivisionError="nothing", TypeError=0., ValueError=empty)
    return [{key: instead.get(value, value) for key, value in said.items()} for said in old]


def mended_single(old):
    "Blurr swapped precision and recall, and its tables joined words and signs."
    right = {key: calculate_token_class_metrics(old["predicted"], old["true"], key) for key in recorder.KEYS}
    wrong = {key: calculate_token_class_metrics(old["true"], old["predicted"], key) for key in recorder.KEYS}
    assert old["report"] == wrong["classification_report"] != right["classification_report"]
    assert [*old["values"][0][1:]] == pytest.approx([wrong[key] for key in recorder.KEYS[:4]])
    frame = recorder.frame().set_index(recorder.frame().tokens.str.join(" "))
    def rows(name, table):
        shown = []
        for (said,) in table["rows"]:
            words = [word for word, *_ in ast.literal_eval(said)]
            row = next(r for r in frame.itertuples() if "".join(map(written, r.tokens)).startswith("".join(words)))
            pairs = [*zip(map(written, row.tokens), row.token_labels)]
            if "results" in name:
                i = next(i for i, true in enumerate(old["true"]) if true == row.token_labels)
                pairs = [(*pair, found) for pair, found in zip(pairs, old["predicted"][i])]
            shown.append([str(pairs[:dict(show_batch_cut=2, show_results_cut=3).get(name)])])
        return dict(table, rows=shown)
    tables = {name: rows(name, table) for name, table in old.items() if name.startswith("show")}
    return old | tables | dict(report=right["classification_report"],
                               values=[[old["values"][0][0], *(right[key] for key in recorder.KEYS[:4])]])


def mended_found_entities(old):
    "Blurr promised the pipeline's strategies, and had the places of `simple` with other words and other scores."
    def places(rows): return [[{**e, "word": ""} for e in row] for row in rows]
    assert differences(places(old["simple"]), places(old["pipeline, simple"])) == []
    for name in ("first", "max", "average"): assert places(old[name]) != places(old[f"pipeline, {name}"])
    return old | {name: old[f"pipeline, {name}"] for name in ("simple", "first", "max", "average")}


MENDED = dict(strategies=mended_strategies, batches=mended_batches, words_and_labels=mended_words_and_labels,
              metrics=mended_metrics, single=mended_single, found_entities=mended_found_entities)


@pytest.mark.parametrize("case", recorder.CASES, ids=lambda case: case.__name__)
def test_as_recorded(case):
    new = json.loads(json.dumps(record_blurr.plain(case())).replace("NaN", '"nothing"'))
    old = RECORDED[case.__name__]
    assert differences(MENDED.get(case.__name__, lambda x: x)(old), new) == []


def test_recording_is_whole_and_small():
    assert list(RECORDED) == [case.__name__ for case in recorder.CASES]
    assert (record_blurr.DATA / "blurr_tagging.json").stat().st_size < 200_000
    losses = RECORDED["single"]["training"]["losses"]
    assert len(losses) == 16 and losses[-1] < losses[0] / 5


# seqeval's numbers, where they matter

def test_precision_and_recall_are_not_swapped():
    true, found = [["B-PER", "I-PER", "O", "B-LOC", "O", "B-LOC"]], [["B-PER", "I-PER", "O", "O", "O", "O"]]
    scores = [calculate_token_class_metrics(found, true, key) for key in ("precision", "recall")]
    assert scores == [1, pytest.approx(1 / 3)]
    report = calculate_token_class_metrics(found, true, "classification_report")
    assert re.search(r"LOC +0.00 +0.00 +0.00 +2\n", report)  # two are there, none was found


@pytest.mark.parametrize("found, true, key, error", [
    ([["O"]], [["O"], ["O"]], "f1", "the same number of rows"), ([["O", "O"]], [["O"]], "f1", "[2] isn't [1]"),
    ([[1]], [["O"]], "f1", "1 isn't a tag"), ([[""]], [["O"]], "f1", "'' isn't a tag"),
    ([["O"]], [["O"]], "f", "metric_key='f' isn't one of accuracy, precision, recall, f1, classification_report")])
def test_scores_of_what_is_none(found, true, key, error):
    with pytest.raises(ValueError, match=re.escape(error)): calculate_token_class_metrics(found, true, key)


# The library's pipeline

TEXTS = [*recorder.TEXTS, *(" ".join(row) for row in tagged_sentences().words[::3]), "", " ", "🎉", "San-Diego🎉Zürich",
         "a [SEP] b [MASK]c", "naïve café\n\ttabs, (brackets) — dashes…", "日本語とEnglish", "ﬁne ½ İstanbul", "x" * 40]
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC"]


def unigram():
    "A SentencePiece-like tokenizer that writes spaces as ▁."
    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    backend.train_from_iterator(TEXTS * 3, trainers.UnigramTrainer(
        vocab_size=150, special_tokens=["<pad>", "<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False))
    ends = [("<s>", 2), ("</s>", 3)]
    backend.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>", bos_token="<s>",
                                   eos_token="</s>", model_max_length=64)


TOKENIZERS = dict(wordpiece=tiny_models.wordpiece, byte_level=tiny_models.roberta_tokenizer, unigram=unigram)


@pytest.fixture(scope="module", params=TOKENIZERS)
def random_pair(request):
    "A model with random weights, which has something to say about every token, and a tokenizer."
    tokenizer = TOKENIZERS[request.param]()
    tokenizer.model_max_length = 64
    torch.manual_seed(1)
    small = DistilBertConfig(dim=32, n_layers=2, n_heads=2, hidden_dim=64, vocab_size=len(tokenizer),
                             initializer_range=.3, max_position_embeddings=64, id2label=dict(enumerate(LABELS)))
    return DistilBertForTokenClassification(small).eval(), tokenizer


def same_entities(ours: list, theirs: list) -> bool:
    bare = [[{k: v for k, v in e.items() if k != "score"} for e in some] for some in (ours, theirs)]
    scores = [[float(e["score"]) for e in some] for some in (ours, theirs)]
    return bare[0] == bare[1] and scores[0] == pytest.approx(scores[1], abs=1e-5)


@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
def test_entities_are_the_pipelines(random_pair, strategy):
    model, tokenizer = random_pair
    library = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy=strategy)
    ours = tag(TEXTS, model, tokenizer, LABELS, strategy, max_length=64, bs=7)
    assert sum(map(len, ours)) > 100
    for text, found in zip(TEXTS, ours): assert same_entities(found, library(text)), text
    for row in tagged_sentences().words[::9]:
        theirs, = library(row, is_split_into_words=True)
        assert same_entities(tag([row], model, tokenizer, LABELS, strategy)[0], theirs), row


def test_other_labels_may_be_left_out(random_pair):
    model, tokenizer = random_pair
    library = pipeline("token-classification", model=model, tokenizer=tokenizer, ignore_labels=["PER"],
                       aggregation_strategy="simple")
    found, = tag(TEXTS[1:2], model, tokenizer, LABELS, "simple", "PER")
    assert found and same_entities(found, library(TEXTS[1]))


@pytest.mark.parametrize("strategy", ["word", "whole"])
def test_words_stay_whole_and_a_batch_changes_nothing(random_pair, strategy):
    model, tokenizer = random_pair
    together = tag(TEXTS, model, tokenizer, LABELS, strategy, max_length=64, bs=9)
    for text, row in zip(TEXTS, together):
        words = [text[a:b] for a, b in word_spans(text)]
        alone, = tag([text], model, tokenizer, LABELS, strategy, max_length=64)
        assert [{**e, "score": 0} for e in alone] == [{**e, "score": 0} for e in row]
        seen = [(a["score"], b["score"]) for a, b in zip(alone, row) if a["score"] is not None]
        assert all(a == pytest.approx(b, abs=1e-5) for a, b in seen)
        assert all(text[e["start"]:e["end"]] == e["word"] for e in row)
        if strategy == "word": assert [e["word"] for e in row] == words
        else: assert all(e["start"] in {a for a, _ in word_spans(text)} for e in row)
    given, = tag([["San-Diego", "🎉", "O'Neill"]], model, tokenizer, LABELS, "word")
    assert [e["word"] for e in given] == ["San-Diego", "🎉", "O'Neill"]
    assert [(e["start"], e["end"]) for e in given] == [(0, 9), (10, 11), (12, 19)]


def test_a_tokenizer_may_pad_on_the_left(random_pair, monkeypatch):
    model, tokenizer = random_pair
    expected = tag(TEXTS, model, tokenizer, LABELS, "none", max_length=64)
    monkeypatch.setattr(tokenizer, "padding_side", "left")
    found = tag(TEXTS, model, tokenizer, LABELS, "none", max_length=64)
    assert found == expected  # places of tokens would shift, and this model learns them by heart


def test_unknown_words_are_found_also_where_nobody_tells_words(random_pair):
    model, tokenizer = random_pair
    groups = TokenAggregationStrategies(tokenizer, LABELS)
    for text in ("Anna 🎉 sleeps", "日本語とEnglish"):
        e = tokenizer(text, return_offsets_mapping=True)
        with torch.no_grad(): probs = model(torch.tensor([e["input_ids"]])).logits[0].softmax(-1).numpy()
        rest = text, e["input_ids"], e["offset_mapping"], None, probs
        for name in groups.valid_strategies:
            assert groups.by_word_strategy(name, *rest) == groups.by_word_strategy(name, *rest, e.word_ids())


def test_a_word_is_answered_by_its_first_token(random_pair):
    model, tokenizer = random_pair
    words = ["Anna", "Wojciechowska", "🎉", "​", "San-Diego"]
    answers, = tag([words], model, tokenizer, LABELS, "word")
    encoding = tokenizer(words, is_split_into_words=True, return_tensors="pt")
    with torch.no_grad(): probs = model(**encoding).logits[0].softmax(-1)
    for w, answer in enumerate(answers):
        places = [i for i, at in enumerate(encoding.word_ids()) if at == w]
        if not places: assert answer["entity"] is answer["score"] is None  # a character that the tokenizer drops
        else: assert (answer["entity"], answer["score"]) == (LABELS[probs[places[0]].argmax()],
                                                              pytest.approx(probs[places[0]].max().item(), abs=1e-6))


def test_what_is_cut_off_is_said_and_has_no_answer(random_pair):
    model, tokenizer = random_pair
    words = ["Anna", "sleeps"] * 60
    with pytest.warns(UserWarning, match=re.escape("items[1] has more than 64 tokens. What is cut off has no answer")):
        _, answers = tag([["Anna"], words], model, tokenizer, LABELS, "word", max_length=64)
    kept = tokenizer(words, is_split_into_words=True, truncation=True, max_length=64).word_ids()
    assert [e["entity"] is not None for e in answers] == [w in kept for w in range(len(words))]
    assert answers[-1]["entity"] is answers[-1]["score"] is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tag([["Anna"] * 9], model, tokenizer, LABELS, "word", max_length=64)


@pytest.mark.parametrize("text, words", [
    ("(Tomás O'Neill!)", ["(", "Tomás", "O'Neill", "!", ")"]), ("👩‍🚀 👍🏽, ok…", ["👩‍🚀", "👍🏽", ",", "ok", "…"]),
    ("San-Diego-- -5 “x”", ["San-Diego", "-", "-", "-", "5", "“", "x", "”"]), ("\n\t ", []), ("...", [".", ".", "."])])
def test_words_of_a_text(text, words): assert [text[a:b] for a, b in word_spans(text)] == words


@pytest.mark.parametrize("items, options, error", [
    (["a"], dict(aggregation_strategy="median"), "aggregation_strategy='median' isn't one of none, token, simple"),
    ([3], {}, "3 must be a text, or a list of words"), ([None], {}, "None must be a text"),
    ([["a", None]], {}, "word=None must be a string"), (["\ud83d"], {}, "half a character")])
def test_bad_items(random_pair, items, options, error):
    with pytest.raises((ValueError, TypeError), match=re.escape(error)): tag(items, *random_pair, LABELS, **options)


# Labels on tokens

def test_strategies_agree_with_the_library_about_words(random_pair):
    tokenizer = random_pair[1]
    for words, labels in zip(tagged_sentences().words, tagged_sentences().labels):
        vocab = sorted({label for row in tagged_sentences().labels for label in row})
        encoding = tokenizer(words, is_split_into_words=True)
        places = encoding.word_ids()
        first = [i for i, w in enumerate(places) if w is not None and w not in places[:i]]
        def laid(cls): return cls(tokenizer, vocab).align_labels_with_tokens(places, labels)
        assert [i for i, n in enumerate(laid(OnlyFirstTokenLabelingStrategy)) if n >= 0] == first
        for numbers in (laid(SameLabelLabelingStrategy), laid(BILabelingStrategy)):
            assert [n >= 0 for n in numbers] == [w is not None for w in places]
            assert [vocab[numbers[i]] for i in first] == [labels[places[i]] for i in first]
        if tokenizer.unk_token_id in encoding["input_ids"]: continue
        numbers = laid(OnlyFirstTokenLabelingStrategy)
        tokens = get_token_labels_from_input_ids(tokenizer, encoding["input_ids"], numbers, vocab)
        back = get_word_labels_from_token_labels("", tokenizer, tokens)
        assert [label for _, label in back] == [label for w, label in enumerate(labels) if w in places]


def test_chunks_lose_nothing_and_fit(random_pair):
    words = [word for row in tagged_sentences().words for word in row]
    labels = [label for row in tagged_sentences().labels for label in row]
    table = pd.DataFrame(dict(tokens=[words, words[:3]], labels=[labels, labels[:3]], key=["a", "b"]))
    for stride in (0, 2, 50):
        made = TokenClassPreprocessor(random_pair[1], chunk_examples=True, word_stride=stride, id_attr="key",
                                      tok_kwargs=dict(max_length=40)).process_df(table)
        assert list(made) == ["proc_tokens", "proc_labels", "tokens", "labels", "key"]
        chunks, at = [*zip(*made[made.key == "a"][["proc_tokens", "proc_labels"]].to_numpy())], 0
        pairs, whole = [[*zip(*chunk)] for chunk in zip(*chunks)], [*zip(words, labels)]
        for chunk in pairs:
            assert len(random_pair[1]([w for w, _ in chunk], is_split_into_words=True)["input_ids"]) <= 40
            start = next(s for s in range(at, -1, -1) if whole[s:s + len(chunk)] == chunk)
            assert at - start <= stride and start + len(chunk) > at
            at = start + len(chunk)
        assert at == len(whole) and made.proc_tokens.tolist()[-1] == words[:3]


EVIL = "<img src=x onerror='window.evil=1'>"


def test_the_picture_fits_a_phone_and_texts_stay_texts(chrome):
    labels = ["B-" + EVIL, "O", "B-PER", "O"]
    picture = draw_alignment([EVIL, "San-Diego", "Wojciechowska", "late"], labels, tiny_models.wordpiece(),
                             BILabelingStrategy, max_length=24)
    for scheme in ("light", "dark"):
        page = chrome.new_page(viewport=dict(width=400, height=600), color_scheme=scheme)
        page.set_content(f"<!doctype html><body>{picture.data}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert page.locator("img").count() == 0 and page.evaluate("window.evil") is None
        text = page.locator("body").inner_text()
        assert EVIL in text and "San-Diego" in text and "−100" in text and "cut off" in text and "not seen" in text
        hatched = page.locator("span", has_text="−100").first.evaluate("o => getComputedStyle(o).backgroundImage")
        assert "repeating-linear-gradient" in hatched
        page.close()


# Plain fastai

def table(n=24) -> pd.DataFrame:
    frame = tagged_sentences().rename(columns=dict(words="tokens", labels="token_labels")).iloc[:n].copy()
    return frame.assign(is_valid=[i % 4 == 0 for i in range(n)])


VOCAB = sorted({label for row in tagged_sentences().labels for label in row})


@pytest.fixture
def hf():
    "The bundled model's first layer with a new head."
    torch.manual_seed(0)
    config = dict(n_layers=1, num_labels=len(VOCAB))
    with quiet(): return get_hf_objects(model_cls=AutoModelForTokenClassification, config_kwargs=config)


def made(hf, data=None, **kwargs):
    kwargs = dict(dl_kwargs=dict(bs=4)) | kwargs
    return BlearnerForTokenClassification.from_data(table() if data is None else data, (hf[3], hf[2]), **kwargs)


def middle(hf, data=None, vocab=VOCAB, **kwargs):
    tfm = TokenClassBatchTokenizeTransform(*hf, **kwargs)
    block = DataBlock(blocks=(TextBlock(batch_tokenize_tfm=tfm, input_return_type=TokenClassTextInput),
                              TokenCategoryBlock(vocab)), get_x=ColReader("tokens"), get_y=ColReader("token_labels"),
                      splitter=ColSplitter())
    return block.dataloaders(table() if data is None else data, bs=4)


@pytest.fixture
def learn(hf):
    learn = Learner(middle(hf), BaseModelWrapper(hf[3]), loss_func=PreCalculatedCrossEntropyLoss(),
                    splitter=blurr_splitter, cbs=[BaseModelCallback, TokenClassMetricsCallback])
    with learn.no_bar(), learn.no_logging(): yield learn


def probs_of(hf, words: list) -> torch.Tensor:
    with torch.no_grad():
        return hf[3].eval()(**hf[2](words, is_split_into_words=True, return_tensors="pt")).logits[0].softmax(-1)


def test_predictions_of_batches_of_different_width(learn, hf):
    widths = {x["input_ids"].shape[1] for x, _ in learn.dls.valid}
    assert len(widths) > 1
    ids, probs, targets, decoded, losses = learn.get_preds(with_input=True, with_decoded=True, with_loss=True)
    assert probs.shape == (6, max(widths), len(VOCAB)) and targets.shape == (6, max(widths)) == ids.shape
    for words, labels, row, target, row_ids in zip(*table()[table().is_valid][["tokens", "token_labels"]].T.to_numpy(),
                                                   probs, targets, ids):
        ours = probs_of(hf, words)
        assert torch.allclose(row[:len(ours)], ours, atol=1e-5)
        assert [VOCAB[n] for n in target if n >= 0] == labels
        assert (target[len(ours):] == -100).all() and (row_ids[len(ours):] == hf[2].pad_token_id).all()
    assert losses.shape == (6,) and decoded.tolist() == probs.argmax(-1).tolist()


def test_predict_of_fastai_answers_by_token(learn, hf):
    words = ["Anna", "sleeps", "in", "San-Diego", "🎉"]
    names, numbers, probs = learn.predict(words)
    assert torch.allclose(probs, probs_of(hf, words), atol=1e-5)
    assert list(names) == [VOCAB[n] for n in numbers] and len(numbers) == len(probs)
    shown, *_ = learn.predict(words, with_input=True)
    assert "anna sleeps in san" in shown


def test_answers_by_word_are_the_models(learn, hf):
    rows = table()[table().is_valid]
    for data in (rows, rows.tokens.tolist(), rows.tokens, rows.tokens.to_numpy(), Dataset.from_pandas(rows),
                 rows.to_dict("records")):
        answers = learn.blurr_predict_tokens(data, "word")
        for words, row in zip(rows.tokens, answers):
            probs, places = probs_of(hf, words), hf[2](words, is_split_into_words=True).word_ids()
            assert [e["word"] for e in row] == words
            expected = [probs[places.index(w)].max().item() for w in range(len(words))]
            assert [e["score"] for e in row] == pytest.approx(expected, abs=1e-5)
    one = learn.blurr_predict_tokens(rows.iloc[0], "word")
    assert len(one) == 1 and one == learn.blurr_predict_tokens([rows.tokens.iloc[0]], "word")
    assert len(learn.blurr_predict_tokens("Anna sleeps.")) == 1 and learn.blurr_predict_tokens([]) == []


def test_dropout_is_off_and_the_mode_is_put_back(learn):
    learn.model.train()
    assert learn.blurr_predict_tokens("Anna sleeps.", "word") == learn.blurr_predict_tokens("Anna sleeps.", "word")
    assert learn.model.training


def test_metrics_are_seqevals_and_there_once(learn):
    for _ in range(2): learn.fit(1, 1e-3, cbs=[TokenClassMetricsCallback()])
    assert list(learn.recorder.metric_names) == ["epoch", "train_loss", "valid_loss", "accuracy", "precision", "recall",
                                                 "f1", "time"]
    learn.validate()
    rows = table()[table().is_valid]
    found = [[e["entity"] for e in row] for row in learn.blurr_predict_tokens(rows, "word")]
    expected = [calculate_token_class_metrics(found, rows.token_labels.tolist(), key) for key in recorder.KEYS]
    assert list(learn.final_record)[1:] == pytest.approx(expected[:4])
    assert learn.token_classification_report == expected[4]
    callback = next(cb for cb in learn.cbs if isinstance(cb, TokenClassMetricsCallback))
    assert [callback.metric_value(key) for key in recorder.KEYS[:4]] == pytest.approx(expected[:4])
    few = TokenClassMetricsCallback(tok_metrics=["f1"])
    learn.remove_cb(callback)
    learn.fit(1, 1e-3, cbs=few)
    assert few.metric_value("f1") == learn.recorder.values[-1][-1]


def shown(show, monkeypatch, **kwargs) -> pd.DataFrame:
    tables = []
    monkeypatch.setattr(pd.DataFrame, "to_html", lambda self, *args, **more: tables.append(self.copy()) or "")
    show(**kwargs)
    return tables[0]


@pytest.mark.parametrize("strategy", [OnlyFirstTokenLabelingStrategy, SameLabelLabelingStrategy, BILabelingStrategy])
def test_tables(hf, strategy, monkeypatch, capsys):
    data = table(8).assign(tokens=[["Anna", "🎉", "Kowalski", "<b>"]] * 8,
                           token_labels=[["B-PER", "O", "B-LOC", "O"]] * 8)
    learn = Blearner(middle(hf, data, labeling_strategy_cls=strategy, target_label_names=VOCAB), hf[3])
    batch = shown(learn.dls.show_batch, monkeypatch, max_n=2)
    pairs = ast.literal_eval(batch.iloc[0, 0])
    assert len(batch) == 2 and pairs[:3] == [("anna", "B-PER"), ("[UNK]", "O"), ("kowalski", "B-LOC")]
    with learn.no_bar(): results = shown(learn.show_results, monkeypatch, max_n=1)
    rows = ast.literal_eval(results.iloc[0, 0])
    assert [row[:2] for row in rows] == pairs and {row[2] for row in rows} <= {*VOCAB}
    words = learn.blurr_predict_tokens([data.tokens[0]], "word")[0]
    assert [row[2] for row in rows][:3] == [e["entity"] for e in words][:3]


def test_what_training_never_sees_changes_nothing(hf):
    "The loss counts first tokens of words alone, and a cut row's labels stay at their words."
    batch = middle(hf).valid.one_batch()
    with torch.no_grad(): outputs = hf[3].eval()(**batch[0])
    counted = batch[1] >= 0
    by_hand = torch.nn.functional.cross_entropy(outputs.logits[counted], batch[1].as_subclass(torch.Tensor)[counted])
    assert outputs.loss.item() == pytest.approx(by_hand.item(), abs=1e-6)
    for x, y in middle(hf, max_length=7).valid:
        for ids, labels in zip(x["input_ids"], y):
            row = next(r for r in table().itertuples() if hf[2](r.tokens, is_split_into_words=True, truncation=True,
                                                               max_length=7)["input_ids"] == ids[ids != 0].tolist())
            n = int((labels >= 0).sum())
            assert [VOCAB[i] for i in labels if i >= 0] == row.token_labels[:n] and n < len(row.tokens) + 1


def test_lr_find_and_fine_tune(hf, tmp_path):
    learn = made(hf, learner_kwargs=dict(path=tmp_path))
    with learn.no_bar(), learn.no_logging():
        assert 0 < learn.lr_find(show_plot=False, num_it=8).valley < 1
        learn.fine_tune(1, 1e-3)
        assert np.isfinite(learn.recorder.losses).all()


def test_export_and_load(hf, tmp_path):
    learn = made(hf, learner_kwargs=dict(path=tmp_path, cbs=TokenClassMetricsCallback()))
    texts = ["Anna sleeps in San-Diego 🎉.", ["Mira", "reads"]]
    with learn.no_bar(), learn.no_logging(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learn.fit(1, 1e-3)
        before = learn.predict(texts), learn.blurr_predict_tokens(texts, "word")
        learn.export("learner.pkl")
        loaded = load_learner(tmp_path / "learner.pkl")
    assert (loaded.predict(texts), loaded.blurr_predict_tokens(texts, "word")) == before
    assert loaded.blurr_predict_tokens(table()[:2], "word") == learn.blurr_predict_tokens(table()[:2], "word")
    learn.save("half"), learn.load("half")


@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
def test_saved_and_taken_by_the_librarys_pipeline(hf, tmp_path, strategy):
    learn = made(hf)
    with learn.no_bar(), learn.no_logging(): learn.fit(2, 1e-2)
    learn.model.hf_model.save_pretrained(tmp_path)
    hf[2].save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["id2label"] == {str(i): name for i, name in enumerate(VOCAB)}
    assert config["label2id"] == {name: i for i, name in enumerate(VOCAB)}
    library = pipeline("token-classification", str(tmp_path), aggregation_strategy=strategy)
    for text in recorder.TEXTS + recorder.HARD:
        assert same_entities(learn.blurr_predict_tokens(text, strategy)[0], library(text)), text


def test_every_kind_of_data(hf, tmp_path):
    rows = table()
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    features = Features(dict(tokens=Sequence(Value("string")), token_labels=Sequence(ClassLabel(names=VOCAB)),
                             is_valid=Value("bool")))
    numbers = rows.assign(token_labels=[[VOCAB.index(label) for label in row] for row in rows.token_labels])
    def with_lists(kind): return rows.assign(**{name: [*map(kind, rows[name])] for name in ("tokens", "token_labels")})
    kinds = [rows, tmp_path / "rows.csv", str(tmp_path / "rows.jsonl"), Dataset.from_pandas(rows),
             rows.to_dict("records"), Dataset.from_dict(numbers.to_dict("list"), features=features),
             with_lists(tuple), with_lists(np.array)]
    seen = []
    for data in kinds:
        learn = made(hf, data, labels=VOCAB, dl_kwargs=dict(bs=4, shuffle=False))
        assert list(learn.dls.vocab) == VOCAB
        x, y = learn.dls.one_batch()
        seen.append((x["input_ids"].tolist(), y.tolist()))
    assert all(o == seen[0] for o in seen)
    named = made(hf, numbers, labels=VOCAB, dl_kwargs=dict(bs=4, shuffle=False)).dls.one_batch()[1].tolist()
    assert named == seen[0][1]


def test_labels_in_the_order_of_a_checkpoint(hf):
    hf[3].config.id2label = dict(enumerate(VOCAB[::-1]))
    assert list(made(hf).dls.vocab) == VOCAB[::-1]


def test_labels_of_the_data_where_none_are_given(hf):
    dls = middle(hf, vocab=None)
    assert list(dls.vocab) == VOCAB == sorted(VOCAB)


def test_a_roberta_takes_words(tmp_path):
    model, tokenizer = tiny_models.pair("roberta", num_labels=2)
    model.save_pretrained(tmp_path), tokenizer.save_pretrained(tmp_path)
    learn = BlearnerForTokenClassification.from_data(table(), tmp_path, labels=VOCAB, dl_kwargs=dict(bs=4))
    with learn.no_bar(), learn.no_logging(): learn.fit(1, 1e-3)
    answers, = learn.blurr_predict_tokens("Anna sleeps in San-Diego 🎉.", "word")
    assert [e["word"] for e in answers] == ["Anna", "sleeps", "in", "San-Diego", "🎉", "."]


def canine_words(tokenizer, i, encoding) -> list:
    "The word of each character, for words of three letters."
    special = tokenizer.all_special_ids
    ids, at, found = encoding["input_ids"][i], 0, []
    for id_ in ids:
        found.append(None if int(id_) in special else at // 3)
        at += found[-1] is not None
    return found


def test_a_slow_tokenizer_needs_a_function():
    from transformers import CanineForTokenClassification
    model, tokenizer = tiny_models.pair("canine", num_labels=2)
    model = CanineForTokenClassification(model.config)
    hf = "canine", model.config, tokenizer, model
    rows = [(["tic", "tac", "toe"], TokenTensorCategory([1, 0, 1])), (["toe"], TokenTensorCategory([1]))]
    with pytest.raises(ValueError, match="CanineTokenizer is a slow tokenizer"):
        TokenClassBatchTokenizeTransform(*hf)(rows)
    made = TokenClassBatchTokenizeTransform(*hf, slow_word_ids_func=canine_words)(rows)
    assert [y.tolist() for _, y in made] == [  # of two words, transformers 5.15 makes a pair
        [-100, 1, -100, -100, 0, -100, -100, 1, -100, -100, -100], [-100, 1, *[-100]*9]]
    processor = TokenClassPreprocessor(tokenizer, slow_word_ids_func=canine_words, tok_kwargs=dict(max_length=5))
    cut = processor.process_df(pd.DataFrame(dict(tokens=[["tic", "tac"]], labels=[["B-PER", "O"]])))
    assert cut.proc_tokens.tolist() == [["tic"]]
    with pytest.raises(ValueError, match="CanineTokenizer can't say where tokens are in a text"):
        tag(["tic tac"], model, tokenizer, ["O", "B-PER"])


def test_it_learns(hf):
    set_seed(1)
    learn = made(hf, table(40), learner_kwargs=dict(cbs=TokenClassMetricsCallback()))
    learn.freeze_to(1)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(14, 3e-3)
        learn.validate(dl=learn.dls.train.new(shuffle=False, drop_last=False))
    assert learn.final_record[-1] > .9


@pytest.mark.skipif(not torch.cuda.is_available(), reason="mixed precision needs a GPU")
def test_mixed_precision(learn):
    learn.to_fp16()
    learn.fit(1, 1e-3)
    assert np.isfinite(learn.recorder.losses).all()


# Bad input

WORDS, TAGS = table().tokens.tolist(), table().token_labels.tolist()


@pytest.mark.parametrize("change, options, error", [
    ({}, dict(tokens_attr="words"), "tokens_attr='words': there is no column 'words', only tokens, token_labels"),
    ({}, dict(token_labels_attr="tags"), "token_labels_attr='tags': there is no column 'tags'"),
    (dict(tokens=[None, *WORDS[1:]]), {}, "tokens_attr='tokens' has nothing in 1 of 24 rows, first in row 0"),
    (dict(tokens=[" ".join(row) for row in WORDS]), {}, "must have a list in each row, not empty; row 0 has 'Anna"),
    (dict(tokens=[[], *WORDS[1:]]), {}, "must have a list in each row, not empty; row 0 has []"),
    (dict(tokens=[[1] * len(row) for row in WORDS]), {}, "word=1 must be a string"),
    (dict(token_labels=[TAGS[0][1:], *TAGS[1:]]), {}, "Row 0 has 6 words in tokens_attr='tokens' and 5 labels"),
    (dict(token_labels=[[3] * len(row) for row in WORDS]), {}, "has the label 3, no name: pass labels"),
    (dict(token_labels=[[99] * len(row) for row in WORDS]), dict(labels=VOCAB), "label=99 isn't one of label_names"),
    (dict(token_labels=[[None] * len(row) for row in WORDS]), dict(labels=VOCAB), "label=None isn't one of"),
    (dict(token_labels=[["O"] * len(row) for row in WORDS]), {}, "labels=['O'] leaves nothing to tell apart"),
    ({}, dict(labels=VOCAB[1:] + ["B-ORG"]), "label='B-LOC' isn't one of label_names"),
    ({}, dict(labels=[*VOCAB, "B-ORG"]), "has a head for 7 labels, and the data have 8"),
    (dict(is_valid=False), {}, "No row of 24 is left for validation"),
    ({}, dict(dl_kwargs=dict(bs=19)), "bs=19 is more than the 18 rows for training")])
def test_bad_tables(hf, change, options, error):
    with pytest.raises((ValueError, TypeError), match=re.escape(error)): made(hf, table().assign(**change), **options)


@pytest.mark.parametrize("data, error", [
    ("rows.txt", "must end in one of .csv"), (3, "isn't a table"), ([], "data has no rows")])
def test_bad_data(hf, data, error):
    with pytest.raises((ValueError, TypeError), match=re.escape(error)): made(hf, data)


def test_another_head(hf):
    other = get_hf_objects(config_kwargs=dict(n_layers=1))
    with pytest.raises(TypeError, match="has no head ForTokenClassification"): made(other)


@pytest.mark.parametrize("change, error", [
    (dict(tokens=[["Anna"]] * 24), "['Anna'] has 1 words and"), (dict(tokens="Anna"), "must be a list of words")])
def test_bad_rows_in_the_middle_level(hf, change, error):
    with pytest.raises((ValueError, TypeError), match=re.escape(error)):
        middle(hf, table().assign(**change)).one_batch()


def test_rows_of_another_table(hf):
    learn = made(hf)
    for rows in (pd.DataFrame(dict(words=[["Anna"]])), [dict(words=["Anna"])], dict(words=["Anna"])):
        with pytest.raises(ValueError, match="tokens_attr='tokens': there is no column 'tokens', only words"):
            learn.predict(rows)


def test_inside_labels_need_names(hf):
    with pytest.raises(ValueError, match="BILabelingStrategy needs label_names"):
        middle(hf, labeling_strategy_cls=BILabelingStrategy).one_batch()
