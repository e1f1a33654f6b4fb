"""Extractive question answering: Blurr 1.0.5, SQuAD's script, and the pipeline that transformers had in version 4.

    /tmp/blurr/bin/python tools/record_blurr.py questions     # tests/data/blurr_questions.json

Blurr fetches SQuAD's script when it is imported; here it is written down instead, and compared with what transformers
4.30.2 has of it. Where `ORIGINAL` is asked, both sides are told the same in their own words.
"""
import collections, re, string
from types import SimpleNamespace

import datasets


def normalize_answer(s):
    "As in SQuAD's evaluate-v1.1.py, like the functions below."
    def remove_articles(text): return re.sub(r"\b(a|an|the)\b", " ", text)
    def white_space_fix(text): return " ".join(text.split())
    def remove_punc(text):
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)
    return white_space_fix(remove_articles(remove_punc(s.lower())))


def f1_score(prediction, ground_truth):
    prediction_tokens, ground_truth_tokens = [normalize_answer(s).split() for s in (prediction, ground_truth)]
    num_same = sum((collections.Counter(prediction_tokens) & collections.Counter(ground_truth_tokens)).values())
    if num_same == 0: return 0
    precision, recall = num_same / len(prediction_tokens), num_same / len(ground_truth_tokens)
    return (2 * precision * recall) / (precision + recall)


def exact_match_score(prediction, ground_truth): return normalize_answer(prediction) == normalize_answer(ground_truth)


def official(predictions, references):
    given = {p["id"]: p["prediction_text"] for p in predictions}
    exact = [max(exact_match_score(given[r["id"]], t) for t in r["answers"]["text"]) for r in references]
    f1 = [max(f1_score(given[r["id"]], t) for t in r["answers"]["text"]) for r in references]
    return dict(exact_match=100. * sum(exact) / len(references), f1=100. * sum(f1) / len(references))


datasets.load_metric = lambda name: SimpleNamespace(compute=official)  # before Blurr asks the network for it
from record_blurr import *

try:
    from blurr.text.data.question_answering import *
    from blurr.text.modeling.question_answering import *
except ImportError:
    from study_group.learning.batches import first_blurr_tfm
    from study_group.learning.questions import *
    from study_group.learning.spans import *
    from study_group.learning.squad import *

CONTEXTS = [
    "The kiln holds ninety pots. On Friday the potter lights it at dawn, feeds it with birch until noon, and on "
    "Sunday, when it has cooled, the potter opens the door.",
    "Marta Oyelaran repairs accordions in Łódź. She charges forty złoty an hour, and a cup of coffee for the advice.",
    "Two ferries cross the fjord. The red ferry carries cars, the white ferry carries walkers, and neither ferry sails "
    "in fog.",
    "Bees sleep.",
    "The café opens at six 🥐, closes at eight, and opens again at nine for the night nurses, who order soup. "
    "Nobody else orders soup after nine.",
    "In 1911 the mill burned down. It was built again in 1912, of brick, and it burned down again in 1940.",
    "A well-tempered blade, says the smith, isn't the hardest one: it bends, and it comes back.",
    "“Over here!” cried the ferryman’s daughter — she was eleven — and threw the rope.",
]
# context, question, answer, where it starts: at which of its occurrences; whether the row is for validation
ROWS = [
    (0, "How many pots does the kiln hold?", "ninety", 0, 0),
    (0, "Who opens the door?", "the potter", 1, 0),
    (1, "Where does Marta Oyelaran work?", "Łódź", 0, 0),
    (1, "What does an hour cost?", "forty złoty", 0, 0),
    (2, "Which ferry carries walkers?", "the white ferry", 0, 0),
    (2, "What carries cars?", "The red ferry", 0, 0),
    (3, "Who sleeps?", "Bees", 0, 0),
    (4, "When does the café open?", "at six 🥐", 0, 0),
    (4, "What do the nurses order?", "soup", 0, 0),
    (5, "When did the mill burn down at first?", "1911", 0, 1),
    (5, "Of what was the mill built again?", "brick", 0, 1),
    (6, "What does a good blade do?", "it bends, and it comes back", 0, 1),
    (7, "How old was the daughter?", "eleven", 0, 1),
]
LONG = " ".join(CONTEXTS)
FOLDED = " \n\n ".join(CONTEXTS[i] for i in (5, 1, 4, 7))


def questions(rows=ROWS) -> pd.DataFrame:
    def at(context, answer, n): return [m.start() for m in re.finditer(re.escape(answer), context)][n]
    return pd.DataFrame([dict(id=f"q{i}", context=CONTEXTS[c], question=q, answer_text=a,
                              ans_start_char_idx=at(CONTEXTS[c], a, n), is_valid=bool(valid))
                         for i, (c, q, a, n, valid) in enumerate(rows)])


def qa_objects(scale=.05):
    arch, config, tokenizer, model = get_hf_objects(FOLDER, model_cls=transformers.AutoModelForQuestionAnswering,
                                                    config_kwargs=CONFIG)
    with torch.no_grad():
        weight, n = model.qa_outputs.weight, model.qa_outputs.weight.numel()
        weight.copy_(torch.tensor([math.sin(.7 * i) * scale for i in range(n)]).view_as(weight))
        model.qa_outputs.bias.zero_()
    return arch, config, tokenizer, model


def placed(tokenizer, exclusive=False) -> pd.DataFrame:
    "The questions with the tokens of their answers, found by characters."
    frame, spans = questions(), []
    for row in frame.itertuples():
        encoding, first = tokenizer(row.question, row.context), row.ans_start_char_idx
        spans.append([encoding.char_to_token(c, sequence_index=1) for c in (first, first + len(row.answer_text) - 1)])
    return frame.assign(ans_start_token_idx=[a for a, _ in spans], ans_end_token_idx=[b + exclusive for _, b in spans])


def qa_loaders(hf, frame, bs=4, vocab=128, **kwargs):
    tfm = QABatchTokenizeTransform(*hf, **kwargs)
    blocks = (TextBlock(batch_tokenize_tfm=tfm, input_return_type=QATextInput),
              CategoryBlock(vocab=list(range(vocab))), CategoryBlock(vocab=list(range(vocab))))
    block = DataBlock(blocks=blocks, n_inp=1, splitter=ColSplitter(), get_x=asked_with_id,
                      get_y=[ItemGetter("ans_start_token_idx"), ItemGetter("ans_end_token_idx")])
    return block.dataloaders(frame, bs=bs, shuffle=False, num_workers=0)


def asked_with_id(row): return dict(text=(row["question"], row["context"]), id=row["id"])


# what is recorded

def preprocessing() -> dict:
    "The rows that QAPreprocessor makes: of whole contexts, of windows, of contexts that are cut, of two tables."
    tokenizer, frame = qa_objects()[2], questions()
    def made(process="process_df", tables=(frame,), **kwargs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = getattr(QAPreprocessor(tokenizer, **kwargs), process)(*tables)
        found = pd.DataFrame(found.to_pandas() if hasattr(found, "to_pandas") else found)
        return dict(columns=list(found.columns), rows=plain(found.values.tolist()))
    train, valid = [part.drop(columns="is_valid").reset_index(drop=True) for _, part in frame.groupby("is_valid")]
    windows = dict(return_overflowing_tokens=True, max_length=32, stride=6)
    return dict(whole=made(), named=made(id_attr="id"), windows=made(tok_kwargs=windows),
                cut=made(tok_kwargs=dict(max_length=28)), few=made(batch_size=3, tok_kwargs=windows),
                two=made(tables=(train, valid)))


def batches() -> dict:
    "How a batch is made."
    hf, cases = qa_objects(), {}
    frame = placed(hf[2])
    def add(name, **kwargs): cases[name] = [batch(b) for b in qa_loaders(hf, frame, **kwargs).train]
    add("plain")
    add("no labels", include_labels=False)
    add("max_length", max_length=24)
    add("padded", max_length=48, padding="max_length")
    return cases


def training() -> dict:
    "Training and validating; what is gathered, which Blurr can do from one batch."
    hf = qa_objects()
    dls = qa_loaders(hf, placed(hf[2]))
    learn = BlearnerForQuestionAnswering(dls, hf[3])
    result = dict(groups=[len(g) for g in learn.splitter(learn.model)], trainable=trainable(learn), n_inp=dls.n_inp,
                  loss_func=type(learn.loss_func).__name__, valid=[batch(b) for b in dls.valid],
                  training=trained(learn, epochs=3))
    learn = BlearnerForQuestionAnswering(qa_loaders(hf, placed(hf[2]), bs=2), hf[3])  # batches of two widths
    with quiet(learn):
        try: return result | dict(gathered=len(learn.get_preds()))
        except Exception as e: return result | dict(gathered=type(e).__name__)


def tables() -> dict:
    "What is shown. Blurr's ends are exclusive, so it is given those."
    hf = qa_objects()
    dls = qa_loaders(hf, placed(hf[2], exclusive=ORIGINAL))
    learn = BlearnerForQuestionAnswering(dls, hf[3])
    with quiet(learn):
        return dict(show_batch=table(dls.show_batch, dict(dataloaders=dls)),
                    cut=table(dls.show_batch, dict(dataloaders=dls), max_n=2, trunc_at=30),
                    show_results=table(learn.show_results, dict(learner=learn), ds_idx=1, shuffle=False))


def predicting() -> dict:
    "Blurr's own answers; and the options of the tokenizer after that."
    hf = qa_objects(.5)
    dls = qa_loaders(hf, placed(hf[2]))
    learn = BlearnerForQuestionAnswering(dls, hf[3])
    rows = [dict(question=row.question, context=row.context) for row in questions().itertuples()]
    options = {} if ORIGINAL else dict(max_answer_len=512, align_to_words=False)
    answers = learn.blurr_predict_answers(rows, **options) + learn.blurr_predict_answers(rows[0], **options)
    return dict(answers=answers, options=sorted(first_blurr_tfm(dls, [QABatchTokenizeTransform]).tok_kwargs))


def high() -> dict:
    "From a table to a learner in one call."
    hf = qa_objects()
    learn = BlearnerForQuestionAnswering.from_data(placed(hf[2]), FOLDER, max_seq_len=64, id_attr="id",
                                                   dl_kwargs=dict(bs=4, shuffle=False, num_workers=0))
    return dict(batch=batch(learn.dls.one_batch()), sizes=[len(dl) for dl in learn.dls], trainable=trainable(learn),
                model=type(learn.model.hf_model).__name__)


ODD = ["", " ", "the", "The  Cat", "a cat", "cat.", "CAT!", "an old cat sat", "old, cat; SAT", "theatre", "the the",
       "A.", "a-b", "ab", "forty-two", "forty two", "£12", "12", "São Paulo", "sao paulo", "naïve", "İstanbul",
       "istanbul",
       "ß", "SS", "“the cat”", "the cat", "don't", "dont", "cat cat dog", "cat dog dog", "a_the_b", "\tthe\ncat ",
       "cat\u00a0dog", "🐶 dog", "🐶", "ǅ", "3.14", "314", "an", "An.", "dog the 🐶", "l'été", "lété", "ca\u0301t"]


def scores() -> dict:
    "SQuAD's two scores for each pair of odd answers, and over many."
    if ORIGINAL:
        from transformers.data.metrics.squad_metrics import compute_exact, compute_f1
        from transformers.data.metrics.squad_metrics import normalize_answer as theirs
        assert [theirs(s) for s in ODD] == [normalize_answer(s) for s in ODD]
        for a in ODD:
            for b in ODD:
                assert compute_exact(b, a) == exact_match_score(a, b)
                if normalize_answer(a) and normalize_answer(b): assert compute_f1(b, a) == f1_score(a, b)
    def of(answer, right):
        found = squad_metric.compute(predictions=[dict(id="0", prediction_text=answer)],
                                     references=[dict(id="0", answers=dict(text=right, answer_start=[0] * len(right)))])
        return [found["exact_match"], found["f1"]]
    pairs = [[of(a, [b]) for b in ODD] for a in ODD]
    together = squad_metric.compute(predictions=[dict(id=str(i), prediction_text=a) for i, a in enumerate(ODD)],
                                    references=[dict(id=str(i), answers=dict(text=[b, "cat", "dog"]))
                                                for i, b in enumerate(ODD[1:] + ODD[:1])])
    return dict(exact=["".join("01"[e > 0] for e, _ in row) for row in pairs],
                f1=[[f for _, f in row] for row in pairs],
                best_of_two=[of(a, ["the cat", "dog"]) for a in ODD],
                together=[together["exact_match"], together["f1"]])


def metrics() -> dict:
    "Scores of whole answers while training. Blurr's ends are exclusive, so it is given those."
    hf = qa_objects(.5)
    frame = placed(hf[2], exclusive=ORIGINAL)
    dls = qa_loaders(hf, frame)
    asked = [dict(id=row.id, answers=dict(text=[row.answer_text], answer_start=[row.ans_start_char_idx]))
             for row in frame[frame.is_valid].itertuples()]
    x, *_ = next(iter(dls.valid))
    def of(shift):
        "Scores where the logits point at an answer that ends `shift` tokens too late."
        results = []
        for i, name in enumerate(x["id"]):
            row, = frame[frame.id == name].to_dict("records")
            n = len(x["input_ids"][i])
            start, end = np.linspace(-3, -4, n), np.linspace(-4, -3, n)
            start[row["ans_start_token_idx"]] = end[row["ans_end_token_idx"] + shift] = 5.
            results.append({k: v[i].numpy() if isinstance(v, torch.Tensor) else v[i] for k, v in x.items()} |
                           dict(start_logits=start, end_logits=end))
        return compute_qa_metrics(results, asked, hf[2], dict(max_length=64))
    return dict(right=of(0), longer=of(1), longest=of(3))


def callback() -> list:
    "Names and values that QAMetricsCallback gives: those of the function it is given."
    hf, seen = qa_objects(), []
    def measured(results, dataset, hf_tokenizer, tok_kwargs):
        seen.append(sorted(str(r["id"]) for r in results))
        return dict(exact_match=float(len(seen)), f1=.5)
    dls = qa_loaders(hf, placed(hf[2]), bs=3)
    learn = BlearnerForQuestionAnswering(dls, hf[3], cbs=[QAMetricsCallback(measured, validation_ds=[])])
    with quiet(learn): learn.fit(2, 1e-4)
    return [list(learn.recorder.metric_names), [list(row)[2:] for row in learn.recorder.values], seen]


ASKED = [dict(question=questions().question[i], context=CONTEXTS[ROWS[i][0]]) for i in (0, 3, 6, 7, 11, 12)] + [
    dict(question="What burned down?", context=LONG), dict(question="Who was eleven?", context=FOLDED),
    dict(question="Soup?", context="Soup"), dict(question="Who  orders\tsoup 🥐, and when?", context=FOLDED),
    dict(question="Whose unpronounceable name is Rhododendron?", context="Rhododendron Featherstonehaugh’s, naïvely.")]
OPTIONS = [{}, dict(top_k=3), dict(top_k=20, max_answer_len=4), dict(max_answer_len=1), dict(max_answer_len=60),
           dict(max_seq_len=40, doc_stride=10), dict(max_seq_len=40, doc_stride=3, top_k=5), dict(max_seq_len=32),
           dict(handle_impossible_answer=True, top_k=3), dict(handle_impossible_answer=True, max_seq_len=40),
           dict(align_to_words=False, top_k=4)]


def pipeline() -> list:
    "The answers of transformers' own pipeline: for each choice of options those to each question."
    _, _, tokenizer, model = qa_objects(.5)
    if ORIGINAL:
        pipe = transformers.pipeline("question-answering", model=model, tokenizer=tokenizer)
        def answers(item, **options):
            found = pipe(**item, **options)
            return found if isinstance(found, list) else [found]
    else:
        def answers(item, **options): return find_answers(model, tokenizer, **item, **options)
    return [[[[a["answer"], a["start"], a["end"], a["score"]] for a in answers(item, **options)] for item in ASKED]
            for options in OPTIONS]


CASES = [preprocessing, batches, training, tables, predicting, high, scores, metrics, callback, pipeline]
