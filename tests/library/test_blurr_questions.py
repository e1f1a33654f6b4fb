"""Questions on texts against the real Blurr 1.0.5, transformers' old pipeline, SQuAD's script; in fastai; bad input.

tools/blurr_tasks/questions.py says how tests/data/blurr_questions.json was made; here it runs on our pieces.
"""
import copy, json, math, re, warnings
from functools import partial

import numpy as np, pandas as pd, pytest, torch, torch.nn.functional as F
import record_blurr
from blurr_tasks import questions as recorder
from datasets import Dataset
from fastai.text.all import CategoryBlock, ColSplitter, CrossEntropyLossFlat, DataBlock, Learner, load_learner
from recorded import differences
from transformers import (AutoModelForQuestionAnswering, DistilBertConfig, DistilBertForQuestionAnswering, GPT2Config,
                          GPT2ForQuestionAnswering, AutoTokenizer)

from study_group.core.data import corpus, corpus_questions
from study_group.learning.batches import TextBlock, first_blurr_tfm, get_hf_objects
from study_group.learning.learners import BaseModelWrapper, Blearner
from study_group.learning.questions import *
from study_group.learning.spans import *
from study_group.learning.squad import *

PATH = record_blurr.DATA / "blurr_questions.json"
RECORDED = json.loads(PATH.read_text(encoding="utf-8"))
TOKENIZER = AutoTokenizer.from_pretrained(record_blurr.FOLDER)


# As the real ones, but where they are wrong: each such place is mended in the recording first, with the reason.

def mended_table(old, tokenizer=TOKENIZER) -> dict:
    "Blurr's end was exclusive, though the model's loss compares the last token; and it took an answer's first place."
    names = old["columns"]
    def row(values):
        row = dict(zip(names, values))
        context, answer, part = row["context"], row["answer_text"], row["proc_context"]
        first, start = context.index(part), row["ans_start_char_idx"]
        here = first <= start and start + len(answer) <= first + len(part)
        encoding = tokenizer(row["proc_question"], part)
        right = [encoding.char_to_token(c - first, sequence_index=1) if here else 0
                 for c in (start, start + len(answer) - 1)]
        theirs = [row["ans_start_token_idx"], max(row["ans_end_token_idx"] - 1, 0)]
        if theirs != right: assert context.lower().count(answer.lower()) > 1
        row |= dict(ans_start_token_idx=right[0], ans_end_token_idx=right[1], is_answerable=here)
        return [*row.values()]
    return {**old, "rows": [row(values) for values in old["rows"]]}


def mended_batch(old) -> dict:
    "Blurr's p_mask left the question open, and closed [CLS], where 'no answer' is; the context is new in a batch."
    inputs, new = old["inputs"], {}
    assert inputs["p_mask"] == inputs["special_tokens_mask"]
    contexts = {f"q{i}": recorder.CONTEXTS[row[0]] for i, row in enumerate(recorder.ROWS)}
    for name, value in inputs.items():
        if name == "cls_index": new["context"] = [contexts[i] for i in inputs["id"]]
        new[name] = value
    new["p_mask"] = [[int(not (t == 0 or part and not special)) for t, (part, special) in enumerate(zip(*rows))]
                     for rows in zip(inputs["token_type_ids"], inputs["special_tokens_mask"])]
    return dict(keys=list(new), inputs=new, targets=old["targets"])


def mended_training(old) -> dict:
    "Blurr gathered probabilities of pads and questions, too."
    valid = [mended_batch(b) for b in old["valid"]]
    (batch,), probs = valid, torch.tensor(old["training"]["probs"])
    probs = probs * (1 - torch.tensor(batch["inputs"]["p_mask"]))
    assert old["gathered"] == "AttributeError"  # from batches of two widths
    probs = (probs / probs.sum(-1, keepdim=True)).tolist()
    return {**old, "valid": valid, "training": {**old["training"], "probs": probs}, "gathered": 2}


def mended_tables(old) -> dict:
    "The same exclusive ends; and predictions were argmaxes over all tokens, such as two of the question."
    def table(rows): return [[text, found, [start, end - 1], answer] for text, found, (start, end), answer, *_ in rows]
    assert "mill burn down at first" in old["show_results"]["rows"][0][-1]
    return {name: {**shown, "rows": table(shown["rows"])} for name, shown in old.items()}


def mended_predicting(old) -> dict:
    "Blurr took the end for exclusive here, too: answers lack a token, or end before they start. And it left options."
    new, (answers, options) = [], old.values()
    for answer, (c, question, *_) in zip(answers, [*recorder.ROWS, recorder.ROWS[0]]):
        encoding = TOKENIZER(question, recorder.CONTEXTS[c], return_offsets_mapping=True)
        offsets = [encoding["offset_mapping"][t] for t in context_tokens(TOKENIZER, encoding, 0)]
        ends = [0, *(end for _, end in offsets)]
        last = max(t for t, end in enumerate(ends) if end <= answer["end"])
        end = offsets[last][1]
        new.append({**answer, "answer": recorder.CONTEXTS[c][answer["start"]:end], "end": end})
    assert sum(a["end"] <= a["start"] for a in answers) == 4
    assert {"return_overflowing_tokens", "truncation"} < {*options}
    return dict(answers=new, options=["return_offsets_mapping", "return_special_tokens_mask"])


def mended_pipeline(old) -> list:
    "Where there were fewer spans than top_k, the pipeline filled up with some of score 0: backward, or of [CLS]."
    return [[[a for a in answers if a[3] > 0] for answers in asked] for asked in old]


MENDED = dict(preprocessing=lambda old: {k: mended_table(v) for k, v in old.items()},
              batches=lambda old: {k: [mended_batch(b) for b in v] for k, v in old.items()}, training=mended_training,
              tables=mended_tables, predicting=mended_predicting, pipeline=mended_pipeline,
              high=lambda old: {**old, "batch": mended_batch(old["batch"])})


@pytest.mark.parametrize("case", recorder.CASES, ids=lambda case: case.__name__)
def test_as_recorded(case):
    new = json.loads(json.dumps(record_blurr.plain(case())))
    if case is recorder.tables:
        new = {name: {**shown, "rows": [row[:4] for row in shown["rows"]]} for name, shown in new.items()}
    assert differences(MENDED.get(case.__name__, lambda x: x)(RECORDED[case.__name__]), new) == []


def test_recording_is_whole_and_small():
    assert list(RECORDED) == [case.__name__ for case in recorder.CASES]
    assert PATH.stat().st_size < 200_000
    losses = RECORDED["training"]["training"]["losses"]
    assert len(losses) == 18 and sum(losses[-3:]) < sum(losses[:3]) / 1.5


# The library's own

@pytest.fixture(scope="module")
def hf(): return recorder.qa_objects(.5)


@pytest.fixture
def dls(hf): return recorder.qa_loaders(hf, recorder.placed(hf[2]), bs=3)


@pytest.fixture
def learn(dls, hf):
    learn = BlearnerForQuestionAnswering(dls, copy.deepcopy(hf[3]))
    with learn.no_bar(), learn.no_logging(): yield learn


def logits(model, tokenizer, question, context):
    encoding = tokenizer(question, context, return_tensors="pt")
    with torch.no_grad(): outputs = model.eval()(**encoding)
    return encoding, outputs.start_logits[0], outputs.end_logits[0]


def test_the_loss_is_the_models(learn, dls):
    x, start, end = dls.valid.one_batch()
    with torch.no_grad(): outputs = learn.model.eval()(x)
    assert outputs.loss is not None
    loss = PreCalculatedQALoss()
    assert torch.allclose(loss((outputs.start_logits, outputs.end_logits), start, end), outputs.loss, atol=1e-6)
    beyond = torch.full_like(end, 500)  # as transformers clamps and ignores them
    del x["start_positions"], x["end_positions"]
    theirs = learn.model.hf_model(**{k: x[k] for k in TOKENIZER.model_input_names}, start_positions=start,
                                  end_positions=torch.where(torch.arange(len(end)) == 1, beyond, end)).loss
    cut_off = torch.where(torch.arange(len(end)) == 1, beyond, end)
    assert torch.allclose(theirs, loss((outputs.start_logits, outputs.end_logits), start, cut_off), atol=1e-6)


def test_without_positions_the_loss_is_computed(hf):
    with_them, without = (BlearnerForQuestionAnswering(recorder.qa_loaders(hf, recorder.placed(hf[2]), **given), hf[3])
                          for given in ({}, dict(include_labels=False)))
    with with_them.no_bar(), without.no_bar():
        assert with_them.validate()[0] == pytest.approx(without.validate()[0], rel=1e-5)


def test_get_preds_of_batches_of_different_widths(learn, hf):
    (starts, ends), targets, (first, last), losses = learn.get_preds(with_decoded=True, with_loss=True)
    frame = recorder.placed(hf[2])
    frame = frame[frame.is_valid]
    assert len({len(hf[2](q, c)["input_ids"]) for q, c in zip(frame.question, frame.context)}) > 2
    assert [t.tolist() for t in targets] == [frame.ans_start_token_idx.tolist(), frame.ans_end_token_idx.tolist()]
    for i, row in enumerate(frame.itertuples()):
        encoding, *both = logits(hf[3], hf[2], row.question, row.context)
        open_ = [0, *context_tokens(hf[2], encoding, 0)]
        for probs, raw, decoded in ((starts[i], both[0], first[i]), (ends[i], both[1], last[i])):
            assert torch.allclose(probs[open_], raw[open_].softmax(-1), atol=1e-5)
            assert probs.sum() == pytest.approx(1, abs=1e-5) and decoded in open_
        places = torch.tensor([row.ans_start_token_idx, row.ans_end_token_idx])
        assert losses[i] > 0 and targets[0][i] == places[0]
    (unasked, _), targets = learn.get_preds(dl=learn.dls.test_dl(frame))  # without targets
    assert not targets and torch.allclose(unasked, starts, atol=1e-5)
    alone = BlearnerForQuestionAnswering(recorder.qa_loaders(hf, recorder.placed(hf[2]), bs=1), hf[3])
    with alone.no_bar(): (one, _), *_ = alone.get_preds()
    assert torch.allclose(one, starts, atol=1e-5)


def test_a_pad_or_the_question_never_wins(hf):
    model = copy.deepcopy(hf[3])
    with torch.no_grad(): model.qa_outputs.weight.zero_()
    dls = recorder.qa_loaders(hf, recorder.placed(hf[2]), bs=13)
    learn = BlearnerForQuestionAnswering(dls, model)
    def pads_win(module, inputs, output):
        output[:, 1:4] += 50
        output[:, -4:] += 90
        return output
    hook = model.qa_outputs.register_forward_hook(pads_win)
    with learn.no_bar(): _, _, decoded = learn.get_preds(ds_idx=0, with_decoded=True)
    hook.remove()
    frame = recorder.placed(hf[2])
    for row, start, end in zip(frame[~frame.is_valid].itertuples(), *decoded):
        encoding = hf[2](row.question, row.context)
        assert {start.item(), end.item()} <= {0, *context_tokens(hf[2], encoding, 0)}


def test_learner_predict_and_tables(learn, dls, hf):
    row = recorder.placed(hf[2]).iloc[0]
    shown, decoded, probs = Learner.predict(learn, row)
    assert shown[0] == str(decoded.item()) and probs.sum() == pytest.approx(1, abs=1e-5)
    results = record_blurr.table(learn.show_results, {}, shuffle=False, max_n=9)
    assert len(results["rows"]) == 3  # of a batch of three
    _, _, decoded = learn.get_preds(with_decoded=True)
    assert [row[4] for row in results["rows"]] == [[a.item(), b.item()] for a, b in zip(*decoded)][:3]


@pytest.mark.parametrize("doc_stride, max_seq_len", [(None, None), (8, 40), (0, 40), (20, 60)])
def test_answers_are_those_of_a_search_by_hand(hf, doc_stride, max_seq_len):
    "Every window and every span, in loops."
    _, _, tokenizer, model = hf
    question, context = "Who orders soup?", recorder.LONG
    stride = min((max_seq_len or 384) // 2, 128) if doc_stride is None else doc_stride
    encoding = tokenizer(question, context, max_length=max_seq_len or 384, stride=stride, truncation="only_second",
                         return_overflowing_tokens=True, return_offsets_mapping=True)
    assert (len(encoding["input_ids"]) > 1) == bool(max_seq_len)
    spans = []
    for i, ids in enumerate(encoding["input_ids"]):
        types = torch.tensor([encoding["token_type_ids"][i]])
        with torch.no_grad(): out = model.eval()(torch.tensor([ids]), token_type_ids=types)
        inside = [t for t, s in enumerate(encoding.sequence_ids(i)) if s == 1]
        start, end = (torch.softmax(x[0][[0, *inside]], -1)[1:].tolist() for x in (out.start_logits, out.end_logits))
        at = [encoding["offset_mapping"][i][t] for t in inside]
        spans += [(start[a] * end[b], at[a][0], at[b][1]) for a in range(len(inside))
                  for b in range(a, min(a + 7, len(inside)))]
    best = sorted(spans, reverse=True)[:4]
    ours = find_answers(model, tokenizer, question, context, top_k=4, max_answer_len=7, align_to_words=False,
                        max_seq_len=max_seq_len, doc_stride=doc_stride)
    assert [(a["start"], a["end"]) for a in ours] == [span[1:] for span in best]
    assert [a["score"] for a in ours] == pytest.approx([span[0] for span in best], rel=1e-4)
    assert all(a["answer"] == context[a["start"]:a["end"]] for a in ours)


def test_no_answer_counts_as_much_as_in_the_least_sure_window(hf):
    _, _, tokenizer, model = hf
    options = dict(max_seq_len=40, doc_stride=8)
    encoding, start, end = qa_logits(model, tokenizer, "Who?", recorder.LONG, **options)
    nothing = min((s.softmax(-1)[0] * e.softmax(-1)[0]).item() for s, e in zip(start, end))
    found = find_answers(model, tokenizer, "Who?", recorder.LONG, top_k=9999, handle_impossible_answer=True, **options)
    assert [a["score"] for a in found if not a["answer"]] == pytest.approx([nothing])
    scores = [a["score"] for a in found]
    assert scores == sorted(scores, reverse=True) and all(a["start"] < a["end"] for a in found if a["answer"])
    model = copy.deepcopy(model)
    with torch.no_grad(): model.qa_outputs.weight.zero_()  # all spans are alike, and [CLS] is above them
    hook = model.qa_outputs.register_forward_hook(lambda m, i, out: torch.cat([out[:, :1] + 9, out[:, 1:]], 1))
    learn = BlearnerForQuestionAnswering(recorder.qa_loaders(hf, recorder.placed(tokenizer)), model)
    item = dict(question="Who?", context=recorder.LONG)
    answer, = learn.predict(item)
    assert answer["answer"] is None and (answer["start"], answer["end"]) == (0, 0) and answer["score"] > .9
    assert learn.predict(item, handle_impossible_answer=False)[0]["answer"]
    hook.remove()


# SQuAD's rules

def test_scores_are_percentages_of_all():
    references = [dict(id=i, answers=dict(text=["cat", "a dog"])) for i in range(4)]
    given = [dict(id=i, prediction_text=t) for i, t in enumerate(["the dog", "cat dog", "bird", "CAT."])]
    assert squad_metric.compute(predictions=given, references=references) == dict(
        exact_match=50., f1=pytest.approx(100 * (1 + 2 / 3 + 0 + 1) / 4))


def test_cls_is_no_answer_and_in_none(hf):
    x, *_ = recorder.qa_loaders(hf, recorder.placed(hf[2]), bs=1).train.one_batch()
    row = {k: v[0] for k, v in x.items()}
    word = len(row["input_ids"]) - 3
    row["start_logits"] = torch.tensor([9. if t == 0 else 3. * (t == word) for t in range(word + 3)])
    first, last = row["offset_mapping"][word]
    for impossible, right in ((False, [row["context"][first:last]]), (True, [])):
        scores = compute_qa_metrics([row | dict(end_logits=row["start_logits"])],
                                    [dict(id=row["id"], answers=dict(text=right))], hf[2], dict(max_length=1),
                                    handle_impossible_answer=impossible)
        assert scores == dict(exact_match=100, f1=100)


def test_metrics_of_a_learner_are_those_of_its_answers(hf):
    frame = recorder.questions().drop(columns="is_valid")
    pre = QAPreprocessor(hf[2], id_attr="id", tok_kwargs=dict(return_overflowing_tokens=True, max_length=28, stride=6))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = pre.process_df(frame).assign(is_valid=True)
    rows = pd.concat([rows.assign(is_valid=False), rows], ignore_index=True)
    asked = [dict(id=row.id, answers=dict(text=[row.answer_text])) for row in frame.itertuples()]
    for data in (asked, pd.DataFrame(asked), Dataset.from_list(asked)):
        cb = QAMetricsCallback(partial(compute_qa_metrics, n_best=999), validation_ds=data)
        learn = BlearnerForQuestionAnswering.from_data(rows, (hf[3], hf[2]), max_seq_len=28, id_attr="id",
                                                       dl_kwargs=dict(bs=5), learner_kwargs=dict(cbs=cb))
        with learn.no_bar(), learn.no_logging(): loss, *_ = learn.validate()
        given = []
        for i, part in rows[rows.is_valid].groupby("id"):
            spans = []
            for row in part.itertuples():
                encoding, start, end = logits(hf[3], hf[2], row.proc_question, row.proc_context)
                offsets = hf[2](row.proc_question, row.proc_context, return_offsets_mapping=True)["offset_mapping"]
                inside = context_tokens(hf[2], encoding, 0)
                spans += [(start[a].item() + end[b].item(), row.proc_context[offsets[a][0]:offsets[b][1]])
                          for a in inside for b in inside if a <= b]
            given.append(dict(id=i, prediction_text=max(spans)[1]))
        assert {k: cb.metric_value(k) for k in cb.qa_metrics} == pytest.approx(squad_metric.compute(given, asked))
        assert loss > 0


# A learner of our own

def small(n_layers=1) -> tuple:
    "The bundled model's tokenizer, and a model for questions with one layer."
    hf = get_hf_objects(model_cls=AutoModelForQuestionAnswering, config_kwargs=dict(n_layers=n_layers))
    torch.manual_seed(0)
    torch.nn.init.normal_(hf[3].qa_outputs.weight, std=.1)
    return hf[3], hf[2]


def windows(tokenizer, n=12) -> pd.DataFrame:
    asked = corpus_questions().iloc[:n]
    pre = QAPreprocessor(tokenizer, ans_start_char_idx="answer_start",
                         tok_kwargs=dict(return_overflowing_tokens=True, max_length=96, stride=32))
    return pre.process_df(asked).assign(is_valid=lambda d: d._id % 3 == 2)


def trained_on(data, place, **kwargs):
    return BlearnerForQuestionAnswering.from_data(data, place, max_seq_len=96, dl_kwargs=dict(bs=4), **kwargs)


@pytest.mark.parametrize("kind", ["DataFrame", "Dataset", "csv", "jsonl", "dicts"])
def test_kinds_of_data(kind, tmp_path):
    place = small()
    rows = windows(place[1])
    rows["is_valid"] = rows.is_valid.astype(bool)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    data = dict(DataFrame=rows, Dataset=Dataset.from_pandas(rows), dicts=rows.to_dict("records"),
                csv=tmp_path / "rows.csv", jsonl=str(tmp_path / "rows.jsonl"))
    learn = trained_on(data[kind], place)
    assert [len(learn.dls.train_ds), len(learn.dls.valid_ds)] == [(~rows.is_valid).sum(), rows.is_valid.sum()]
    tokenizer, (x, start, end) = place[1], learn.dls.valid.one_batch()
    answers = {(row.proc_context, row.question.lower()): row.answer_text.lower() if row.is_answerable else ""
               for row in rows.itertuples()}
    for ids, context, a, b in zip(x["input_ids"], x["context"], start, end):
        question = tokenizer.decode(ids).split(" [SEP]")[0].removeprefix("[CLS] ")
        assert tokenizer.decode(ids[a:b + 1], skip_special_tokens=True) == answers[context, question]


def test_a_dataset_is_prepared_like_a_table():
    _, tokenizer = small()
    asked = corpus_questions().iloc[:7]
    pre = QAPreprocessor(tokenizer, ans_start_char_idx="answer_start")
    train, valid = asked.iloc[:4], asked.iloc[4:]
    made = pre.process_hf_dataset(*(Dataset.from_pandas(part, preserve_index=False) for part in (train, valid)))
    table = pre.process_df(train, valid)
    assert made.to_pandas().equals(table.astype(made.to_pandas().dtypes)) and table.is_valid.sum() == 3


def test_train_export_load_and_answer(tmp_path):
    place = small()
    learn = trained_on(windows(place[1]), place, learner_kwargs=dict(path=tmp_path))
    asked = corpus_questions().iloc[[0, 7, 60]]
    with learn.no_bar(), learn.no_logging(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = {k: v.clone() for k, v in learn.model.state_dict().items()}
        assert 0 < learn.lr_find(show_plot=False, num_it=10).valley < 1
        assert all(torch.equal(v, before[k]) for k, v in learn.model.state_dict().items())
        frozen = [n for n, p in learn.model.hf_model.named_parameters() if p.requires_grad and "LayerNorm" not in n
                  and "layer_norm" not in n]
        assert frozen == ["qa_outputs.weight", "qa_outputs.bias"]
        first, *_ = learn.validate()
        learn.fine_tune(3, 1e-3)
        assert learn.validate()[0] < first
        answers = learn.predict(asked)
        learn.export("learner.pkl")
        assert load_learner(tmp_path / "learner.pkl").predict(asked) == answers
        assert learn.predict(asked) == answers == [learn.predict(dict(row))[0] for _, row in asked.iterrows()]
        assert Dataset.from_pandas(asked) and learn.predict(Dataset.from_pandas(asked)) == answers
        assert learn.predict(asked.to_dict("records")) == answers
        learn.fit(1, 1e-4)  # after predicting and exporting
        learn.model.hf_model.save_pretrained(tmp_path / "hub")
        place[1].save_pretrained(tmp_path / "hub")
    hf = get_hf_objects(tmp_path / "hub", AutoModelForQuestionAnswering)
    again, = find_answers(hf[3], hf[2], asked.question[0], asked.context[0], max_seq_len=96)
    assert again["answer"] == learn.predict(dict(asked.iloc[0]), handle_impossible_answer=False)[0]["answer"]


def test_it_learns_where_answers_are():
    "Six questions by heart, with two layers."
    place = small(2)
    rows = windows(place[1], 6).assign(is_valid=False)
    rows = pd.concat([rows, rows.assign(is_valid=True)], ignore_index=True)
    asked = corpus_questions().iloc[:6].reset_index(names="_id")
    asked["answers"] = [dict(text=[a] if a else []) for a in asked.answer_text]
    measure = QAMetricsCallback(partial(compute_qa_metrics, id_attr="id", handle_impossible_answer=True),
                                validation_ds=asked.rename(columns={"_id": "id"}))
    learn = trained_on(rows, place, id_attr="_id", learner_kwargs=dict(cbs=measure))
    learn.unfreeze()
    with learn.no_bar(), learn.no_logging():
        learn.validate()
        before = measure.metric_value("exact_match")
        learn.fit_one_cycle(14, 2e-3)
    assert before < 20 and measure.metric_value("exact_match") > 80
    learn.get_preds(dl=learn.dls.test_dl(rows.iloc[:2], with_labels=True))  # of a few, which aren't to be scored
    assert learn.recorder.metric_names[3:5] == ["exact_match", "f1"]
    assert learn.recorder.values[-1][2] == measure.metric_value("exact_match")


# Tokenizers and models of other kinds

def test_pads_on_the_left():
    "Then the context comes first, and positions move with the pads."
    _, tokenizer = small()
    tokenizer = AutoTokenizer.from_pretrained(tokenizer.name_or_path, padding_side="left")
    model = DistilBertForQuestionAnswering(DistilBertConfig(dim=12, n_layers=1, n_heads=2, hidden_dim=8,
                                                            vocab_size=len(tokenizer)))
    rows = windows(tokenizer)
    learn = trained_on(rows, (model, tokenizer))
    padded, texts = 0, []
    for x, start, end in learn.dls.train:
        padded += (x["attention_mask"][:, 0] == 0).sum().item()
        spans = zip(x["input_ids"], start, end)
        here = [tokenizer.decode(ids[a:b + 1], skip_special_tokens=True) for ids, a, b in spans]
        assert [t != "" for t in here] == [a.item() != c.item() for a, c in zip(start, x["cls_index"][:, 0])]
        texts += here
    assert padded and {*texts} <= {"", *rows.answer_text.str.lower(), "a pinata", "one hundred and forty - two"}
    assert len({*texts}) > 4
    for answer in learn.predict(corpus_questions().iloc[:3], handle_impossible_answer=False): assert answer["answer"]


def test_a_model_without_cls_and_without_pad():
    tokenizer = AutoTokenizer.from_pretrained(small()[1].name_or_path, cls_token=None, pad_token=None)
    config = GPT2Config(n_embd=8, n_layer=1, n_head=1, vocab_size=len(tokenizer))
    rows = windows(tokenizer)
    learn = trained_on(rows, (GPT2ForQuestionAnswering(config), tokenizer))
    with learn.no_bar(), learn.no_logging():
        assert math.isfinite(learn.validate()[0])
        assert learn.predict(corpus_questions().iloc[:2], handle_impossible_answer=False)[1]["answer"]


# Long and odd texts

ODD = ["She said 🐶, “piñata” and left.", "a\u0301 cafe\u0301\u200b, naïve\u00a0Łódź!", "<b>bold</b> & <i>1 < 2</i>",
       "東京 は 雨。", "x" * 300]


@pytest.mark.parametrize("context", ODD)
@pytest.mark.parametrize("align", [True, False])
def test_answers_are_cut_from_the_context(hf, context, align):
    for a in find_answers(hf[3], hf[2], "What?", context, top_k=20, align_to_words=align):
        assert a["answer"] == context[a["start"]:a["end"]] and a["answer"].strip()
    html = draw_answer(hf[3], hf[2], "<b>?", context).data
    assert html.count("&lt;</bdi>") == context.count("<") and "&lt;b&gt;?</b>" in html


def test_the_picture_shows_the_logits_and_frames_the_answer(hf):
    question, context = recorder.ROWS[1][1], recorder.CONTEXTS[0]
    html = draw_answer(hf[3], hf[2], question, context).data
    encoding, start, end = qa_logits(hf[3], hf[2], question, context)
    best, = find_answers(hf[3], hf[2], question, context)
    titles = re.findall(r'title="(.*?): start (.*?), end (.*?)"', html)
    inside = context_tokens(hf[2], encoding, 0)
    assert [(float(a), float(b)) for _, a, b in titles] == [(pytest.approx(start[0, t].item(), abs=.006),
                                                            pytest.approx(end[0, t].item(), abs=.006)) for t in inside]
    assert "".join(t for t, *_ in titles) == context.replace(" ", "")
    heights = [int(h) for h in re.findall(r"height:(\d+)px;background", html)]
    assert len(heights) == 2 * len(inside) and (min(heights), max(heights)) == (2, 28)
    tallest = max(start[0, inside].max(), end[0, inside].max())
    assert heights.index(28) == [x.item() for t in inside for x in (start[0, t], end[0, t])].index(tallest)
    framed = [bool(re.search("currentColor", column)) for column in html.split("<span title=")[1:]]
    assert [t for t, on in zip(inside, framed) if on] == [*range(best["tokens"][0], best["tokens"][1] + 1)]
    nothing = draw_answer(hf[3], hf[2], question, context, handle_impossible_answer=True, max_answer_len=1)
    assert ("currentColor" in nothing.data) == ("no answer" not in nothing.data)


@pytest.mark.parametrize("context", ODD)
def test_every_word_is_found_again(context):
    _, tokenizer = small()
    for match in re.finditer(r"\w[\w\u0301]*", context):
        row = dict(context=context, question="What?", answer_text=match[0], answer_start=match.start())
        made = QAPreprocessor(tokenizer, ans_start_char_idx="answer_start").process_df(pd.DataFrame([row])).iloc[0]
        at = tokenizer("What?", context, return_offsets_mapping=True)["offset_mapping"]
        assert at[made.ans_start_token_idx][0] <= match.start() and at[made.ans_end_token_idx][1] >= match.end() - 1
        assert at[made.ans_start_token_idx][1] > match.start() and at[made.ans_end_token_idx][0] < match.end()


def test_every_question_of_ours_is_whole_in_a_window():
    asked = corpus_questions()
    _, tokenizer = small()
    for size, stride in ((512, 0), (160, 48), (96, 40)):
        pre = QAPreprocessor(tokenizer, ans_start_char_idx="answer_start",
                             tok_kwargs=dict(return_overflowing_tokens=True, max_length=size, stride=stride))
        rows = pre.process_df(asked)
        assert {*rows[rows.is_answerable]._id} == {*asked[asked.answer_text != ""].index}
        covered = rows.groupby("_id").proc_context.agg(list)
        for context, parts in zip(asked.context, covered):
            assert context.startswith(parts[0]) and context.endswith(parts[-1])


def test_a_window_that_starts_within_a_word_keeps_its_answers():
    "Cut off from its beginning, a word may have more tokens, and push others out at the end."
    _, tokenizer = small()
    context = " ".join(["Unputdownableness rhododendronlessly antidisestablishmentarianism."] * 9)
    rows = [dict(context=context, question="What?", answer_text=m[0], answer_start=m.start())
            for m in re.finditer(r"\w+", context)]
    for size in (20, 23, 26, 29):
        pre = QAPreprocessor(tokenizer, ans_start_char_idx="answer_start",
                             tok_kwargs=dict(return_overflowing_tokens=True, max_length=size, stride=5))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = pre.process_df(pd.DataFrame(rows))
        assert made.is_answerable.sum() > 9
        for row in made[made.is_answerable].itertuples():
            ids = tokenizer("What?", row.proc_context, truncation="only_second", max_length=size)["input_ids"]
            answer = ids[row.ans_start_token_idx:row.ans_end_token_idx + 1]
            assert tokenizer.decode(answer) == row.answer_text.lower()


def test_an_answer_on_the_edge_is_told():
    context, (_, tokenizer) = corpus()[0], small()
    row = dict(context=context, question="How many steps?", answer_text="forty-two steps, and the keeper")
    pre = QAPreprocessor(tokenizer, tok_kwargs=dict(return_overflowing_tokens=True, max_length=20))
    with pytest.warns(UserWarning, match="1 answers, first in row 0, are whole in no window"):
        pre.process_df(pd.DataFrame([row]))


# Bad input

GOOD = dict(context="The cat slept. The cat woke.", question="Who?", answer_text="The cat", ans_start_char_idx=15)


@pytest.mark.parametrize("change, said", [
    (dict(ans_start_char_idx=None), "Row 1: 'The cat' is 2 times in the context"),
    (dict(answer_text="dog", ans_start_char_idx=None), "'dog' is 0 times in the context"),
    (dict(ans_start_char_idx=3), "at ans_start_char_idx=3 the context doesn't have 'The cat'"),
    (dict(ans_start_char_idx=-13), "at ans_start_char_idx=-13 the context"),
    (dict(ans_start_char_idx=900), "at ans_start_char_idx=900 the context"),
    (dict(answer_text=None), "ans_attr='answer_text' has nothing in 1 of 2 rows, first in row 1"),
    (dict(context=" "), "'context' is empty in 1 of 2 rows"), (dict(question=""), "'question' is empty in 1 of 2 rows"),
    (dict(context=None), "'context' has nothing in 1 of 2 rows"),
    (dict(answer_text=3.5), "must be a string, not float"), (dict(question=["Who?"]), "must be a string, not list"),
    (dict(question="Who? " * 99), "a shorter question")])
def test_bad_rows(change, said):
    _, tokenizer = small()
    pre = QAPreprocessor(tokenizer, tok_kwargs=dict(return_overflowing_tokens=True, max_length=14))
    with pytest.raises((ValueError, TypeError), match=re.escape(said)):
        pre.process_df(pd.DataFrame([GOOD, GOOD | change]))


@pytest.mark.parametrize("lost", ["context", "question", "answer_text"])
def test_lost_columns(lost):
    with pytest.raises(ValueError, match=f"there is no column '{lost}'"):
        QAPreprocessor(small()[1]).process_df(pd.DataFrame([GOOD]).drop(columns=lost))


@pytest.mark.parametrize("change, kwargs, said", [
    (lambda d: d.drop(columns="ans_end_token_idx"), {}, "no column 'ans_end_token_idx': QAPreprocessor"),
    (lambda d: d, dict(tok_ans_start_attr="first"), "no column 'first'"),
    (lambda d: d.assign(ans_start_token_idx=-1), {}, "Row 0 has its answer at tokens [-1, "),
    (lambda d: d.assign(ans_end_token_idx=0, ans_start_token_idx=3), {}, "[3, 0]: they must be in order, below 96"),
    (lambda d: d.assign(ans_end_token_idx=96), {}, "they must be in order, below 96. Give max_seq_len as max_length"),
    (lambda d: d.assign(ans_end_token_idx=None), {}, "'ans_end_token_idx' has nothing in"),
    (lambda d: d, dict(context_attr="text"), "context_attr='text': there is no column 'text'"),
    (lambda d: d, dict(question_attr="text"), "question_attr='text': there is no column 'text'"),
    (lambda d: d, dict(id_attr="name"), "id_attr='name': there is no column 'name'"),
    (lambda d: d.assign(is_valid=True), {}, "is left for training"), (lambda d: d.iloc[:0], {}, "data has no rows"),
    (lambda d: d, dict(dl_kwargs=dict(bs=500)), "bs=500 is more than the"),
    (lambda d: "questions.txt", {}, "must end in one of .csv"), (lambda d: 3, {}, "isn't a table")])
def test_bad_data(change, kwargs, said):
    place = small()
    given = dict(max_seq_len=96, dl_kwargs=dict(bs=2)) | kwargs
    with pytest.raises((ValueError, TypeError), match=re.escape(said)):
        BlearnerForQuestionAnswering.from_data(change(windows(place[1], 4)), place, **given)


def test_wrong_heads_losses_and_batches(dls, hf):
    classifier = get_hf_objects()
    with pytest.raises(TypeError, match="has no head ForQuestionAnswering"):
        BlearnerForQuestionAnswering.from_data(windows(classifier[2], 4), (classifier[3], classifier[2]),
                                               max_seq_len=96, dl_kwargs=dict(bs=2))
    with pytest.raises(TypeError, match="gives no start_logits"):
        find_answers(classifier[3], classifier[2], "Who?", "I.")
    with pytest.raises(TypeError, match=r"loss_func=.*questions need PreCalculatedQALoss\(\)"):
        BlearnerForQuestionAnswering(dls, hf[3], loss_func=CrossEntropyLossFlat())
    block = DataBlock(blocks=(TextBlock(*hf), CategoryBlock(vocab=range(9)), CategoryBlock(vocab=range(9))), n_inp=1,
                      get_x=lambda row: (row["question"], row["context"]), get_y=[lambda row: 0] * 2,
                      splitter=ColSplitter())
    with pytest.raises(TypeError, match="batch_tokenize_tfm=QABatchTokenizeTransform"):
        BlearnerForQuestionAnswering(block.dataloaders(recorder.questions(), bs=2), hf[3])
    tfm = QABatchTokenizeTransform(*hf)
    with pytest.raises(ValueError, match="A sample has 1 targets, and needs two"):
        tfm.encodes([[dict(text=("Who?", "I.")), torch.tensor(0)]])
    with pytest.raises(TypeError, match="must be a pair"): tfm.encodes([[dict(text="Who?")]])
    with pytest.raises(ValueError, match="QAPreprocessor makes rows of windows"):
        QABatchTokenizeTransform(*hf, tok_kwargs=dict(return_overflowing_tokens=True))
    with pytest.raises(TypeError, match="and no logits"):
        Learner(dls, BaseModelWrapper(hf[3].bert), loss_func=PreCalculatedQALoss(), cbs=[QAModelCallback]).validate()


@pytest.mark.parametrize("item, kwargs, said", [
    (dict(question="Who?"), {}, "there is no column 'context'"),
    (dict(context="I."), {}, "there is no column 'question'"),
    (dict(question="", context="I."), {}, "question is empty"),
    (dict(question="Who?", context="\n"), {}, "context is empty"),
    (dict(question="Who?", context=None), {}, "context=None must be a string"), ("Who?", {}, "must end in one of"),
    ([3], {}, "there is no column 'question'"), (3, {}, "TypeError"),
    (dict(question="Who? " * 200, context="I. " * 200), {}, "a shorter question"),
    (dict(question="Who?", context="I."), dict(top_k=0), "top_k=0 must be a whole number"),
    (dict(question="Who?", context="I."), dict(max_answer_len=1.5), "max_answer_len=1.5 must be a whole number"),
    (dict(question="Who?", context="I. " * 300), dict(doc_stride=507), "share 507 with the next"),
    (dict(question="Who?", context="I. " * 300), dict(doc_stride=600), "share 600 with the next"),
    (dict(question="Who?", context="I."), dict(max_seq_len=4), "fewer shared ones")])
def test_bad_questions(learn, item, kwargs, said):
    if said == "TypeError":
        with pytest.raises(TypeError): learn.predict(item, **kwargs)
        return
    with pytest.raises((ValueError, TypeError), match=re.escape(said)): learn.predict(item, **kwargs)
