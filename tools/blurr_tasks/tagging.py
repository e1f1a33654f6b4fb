"""Token classification: labels laid on tokens, batches, seqeval's numbers, training, tables, entities found.

`python tools/record_blurr.py tagging` writes tests/data/blurr_tagging.json; tests/library/test_blurr_tagging.py replays
it on study_group.learning.tagging.
"""
from fastai.text.all import *
from record_blurr import (CONFIG, FOLDER, ORIGINAL, BaseModelCallback, BaseModelWrapper, Blearner, TextBlock, batch,
                          blurr_splitter, get_hf_objects, plain, quiet, same_head, table, trainable, trained)
from transformers import AutoModelForTokenClassification, pipeline

if ORIGINAL:
    from blurr.text.data.token_classification import *
    from blurr.text.modeling.token_classification import *
else:
    from study_group.learning.alignment import *
    from study_group.learning.entities import *
    from study_group.learning.grouping import *
    from study_group.learning.tagging import *

NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-DISH"]  # no I-DISH: dishes here have one word
TAGS = dict(zip("opPlLd", NAMES))
# words and their tags, a letter each; then whether it is for validation
ROWS = [
    ("Greta Halvorsen bakes in Trondheim .", "pPoolo", 0),
    ("The ramen was cold .", "odooo", 0),
    ("Ask Umberto about the lasagne .", "opoodo", 0),
    ("From San Sebastián we took the ferry to Bilbao .", "olLooooolo", 0),
    ("Nobody came .", "ooo", 0),
    ("Supercalifragilisticexpialidocious goulash for Ilse", "odop", 0),
    ("Wanjiru cooks ugali for the whole street .", "podooooo", 0),
    ("WE MET DARIUSZ IN GDAŃSK .", "oopolo", 0),
    ("paella , says mercedes , belongs to valencia .", "doopooolo", 0),
    ("Did Oluwaseun Adeyemi call ?", "opPoo", 0),
    ("In Addis Ababa Tigist shared her injera with us .", "olLpoodooo", 0),
    ("Snow again .", "ooo", 0),
    ("Kazimierz left Kraków at dawn", "poloo", 0),
    ("Is this the bus to Ulaanbaatar ?", "ooooolo", 0),
    ("Umberto and Greta live near Trondheim .", "popoolo", 0),
    ("Bilbao sleeps late .", "looo", 0),
    ("Mercedes moved to Gdańsk .", "poolo", 1),
    ("The goulash of Ilse Brandauer is the best in Bilbao .", "odopPoooolo", 1),
    ("Who ate the pho and the paella ?", "ooodoodo", 1),
    ("Tigist drove through Ulaanbaatar", "pool", 1),
]
# what Blurr cuts up, or loses
HARD = ["Mercedes 🎉 moved to Gdańsk .", "Jean-Luc lives in San-Diego .", "Dariusz O'Leary cooks ."]
TEXTS = ["Umberto lives in Trondheim.", "Greta Halvorsen, from Bilbao, ate the ramen.", "Nobody came.",
         "Kazimierz and Wanjiru Supercalifragilistic met in Addis Ababa!",
         "Unbelievably, Tigist left Ulaanbaatar at dawn"]


def frame() -> pd.DataFrame:
    rows = [(words.split(), [TAGS[tag] for tag in tags], bool(valid)) for words, tags, valid in ROWS]
    assert all(len(words) == len(labels) for words, labels, _ in rows)
    return pd.DataFrame(rows, columns=["tokens", "token_labels", "is_valid"])


def objects():
    arch, config, tokenizer, model = get_hf_objects(
        FOLDER, model_cls=AutoModelForTokenClassification, config_kwargs=dict(num_labels=len(NAMES), **CONFIG))
    return arch, config, tokenizer, same_head(model)


def loaders(hf, target=True, data=None, bs=4, **kwargs):
    tfm = TokenClassBatchTokenizeTransform(*hf, target_label_names=NAMES, **kwargs)
    text = TextBlock(batch_tokenize_tfm=tfm, input_return_type=TokenClassTextInput)
    blocks, get_y = ((text, TokenCategoryBlock(vocab=NAMES)), dict(get_y=ColReader("token_labels"))) if target else (
        (text,), {})
    block = DataBlock(blocks=blocks, get_x=ColReader("tokens"), splitter=ColSplitter(), **get_y)
    return block.dataloaders(frame() if data is None else data, bs=bs, shuffle=False, num_workers=0)


STRATEGIES = [OnlyFirstTokenLabelingStrategy, SameLabelLabelingStrategy, BILabelingStrategy]


def strategies() -> dict:
    "Labels of words, as names and as numbers, laid on tokens."
    tokenizer, found = objects()[2], {}
    for words in frame().tokens.tolist() + [text.split() for text in HARD]:
        ids = tokenizer(words, is_split_into_words=True).word_ids()
        for shift in range(3):
            names = [NAMES[(i + shift) % len(NAMES)] for i in range(len(words))]
            for cls in STRATEGIES:
                strategy = cls(tokenizer, NAMES)
                numbers = strategy.align_labels_with_tokens(ids, names)
                assert numbers == strategy.align_labels_with_tokens(ids, [NAMES.index(name) for name in names])
                found[f"{cls.__name__} {shift} {' '.join(words)}"] = numbers
    return found


def batches() -> dict:
    "How a batch is made, for one option after the other."
    hf, cases = objects(), {}
    def add(name, **kwargs): cases[name] = [batch(b) for b in loaders(hf, **kwargs).train]
    for cls in STRATEGIES: add(cls.__name__, labeling_strategy_cls=cls)
    add("no labels", include_labels=False)
    add("no target", target=False)
    add("max_length", max_length=6)
    add("padded to max_length", max_length=12, padding="max_length")
    add("another number to ignore", ignore_token_id=-1, include_labels=False)
    return cases


def words_and_labels() -> dict:
    "From ids and labels of tokens back to words and their labels."
    arch, _, tokenizer, _ = objects()
    strategy, found = OnlyFirstTokenLabelingStrategy(tokenizer, NAMES), {}
    for words in frame().tokens.tolist() + [text.split() for text in HARD]:
        encoding = tokenizer(words, is_split_into_words=True)
        labels = strategy.align_labels_with_tokens(encoding.word_ids(), [i % len(NAMES) for i in range(len(words))])
        tokens = get_token_labels_from_input_ids(tokenizer, encoding["input_ids"], labels, NAMES)
        try: together = get_word_labels_from_token_labels(arch, tokenizer, tokens)
        except IndexError: together = "IndexError"
        found[" ".join(words)] = dict(tokens=tokens, words=together)
    return found


def categories() -> dict:
    "Names to numbers and back."
    categorize = TokenCategorize(vocab=NAMES)
    encoded = [categorize(labels) for labels in frame().token_labels]
    return dict(encoded=encoded, numbers=categorize([1, 0, 5]), loss_func=type(categorize.loss_func).__name__,
                ignored=categorize.ignore_token_id, kinds=sorted({type(o).__name__ for o in encoded}))


def draws(seed: int):
    "Whole numbers that look random, the same everywhere."
    while True:
        seed = (seed * 1103515245 + 12345) % 2**31
        yield seed >> 8


KEYS = ["accuracy", "precision", "recall", "f1", "classification_report"]


def tag_sequences() -> list:
    "Pairs of predicted and true tags: some written by hand, most drawn."
    found = [
        ([["O", "B-PER", "I-PER"]], [["O", "B-PER", "I-PER"]]), ([["B-PER", "O"]], [["O", "O"]]),
        ([["O", "O"]], [["B-PER", "I-PER"]]), ([["I-PER", "I-LOC", "O"]], [["B-PER", "B-LOC", "O"]]),
        ([["B-PER", "I-LOC", "I-LOC"]], [["B-PER", "I-PER", "I-LOC"]]), ([[], ["B-LOC"]], [[], ["B-LOC"]]),
        ([["S-PER", "B-LOC", "I-LOC", "E-LOC"]], [["S-PER", "B-LOC", "E-LOC", "E-LOC"]]),
        ([["B", "I", "O"]], [["B", "B", "O"]]),
        ([["O", "O"], ["O"]], [["O", "O"], ["O"]]), ([["B-a-b", "I-a-b"]], [["B-a-b", "I-a"]]), ([[]], [[]]), ([], []),
        ([["NOUN", "VERB", "NOUN"]], [["NOUN", "NOUN", "VERB"]])]
    tags, more = ["O", "O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC", "I-DISH", "B-DISH"], draws(7)
    for n in range(40):
        true = [[tags[next(more) % len(tags)] for _ in range(next(more) % 9)] for _ in range(1 + n % 4)]
        predicted = [[tag if next(more) % 3 else tags[next(more) % len(tags)] for tag in row] for row in true]
        found.append((predicted, true))
    return found


def metrics() -> list:
    "What seqeval says of pairs of tag sequences; the name of the error where it fails."
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for predicted, true in tag_sequences():
            said = {}
            for key in KEYS:
                try: said[key] = calculate_token_class_metrics(predicted, true, key)
                except Exception as e: said[key] = type(e).__name__
            found.append(said)
    return found


def learner(dls, hf, loss_func=None, **kwargs):
    if loss_func is None: return Blearner(dls, hf[3], **kwargs)
    return Learner(dls, BaseModelWrapper(hf[3]), loss_func=loss_func, splitter=blurr_splitter, cbs=[BaseModelCallback],
                   **kwargs)


RATES = (1e-2, 1e-5)


def single() -> dict:
    "Training, metrics and tables."
    hf = objects()
    dls = loaders(hf)
    learn, metrics = learner(dls, hf), TokenClassMetricsCallback()
    result = dict(arch=hf[0], groups=[len(g) for g in learn.splitter(learn.model)], trainable=trainable(learn),
                  loss_func=type(learn.loss_func).__name__)
    learn.add_cb(metrics)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result["training"] = trained(learn, RATES, epochs=2)
    predicted, true = map(list, zip(*getattr(metrics, "results")))
    with quiet(learn):
        result |= dict(
            names=list(learn.recorder.metric_names), values=plain(learn.recorder.values),
            predicted=predicted, true=true, report=learn.token_classification_report,
            show_batch=table(dls.show_batch, dict(dataloaders=dls)),
            show_batch_cut=table(dls.show_batch, dict(dataloaders=dls), max_n=3, trunc_at=2),
            show_results=table(learn.show_results, dict(learner=learn), shuffle=False, max_n=3),
            show_results_cut=table(learn.show_results, dict(learner=learn), shuffle=False, trunc_at=3))
    return result


def fastai_loss() -> dict:
    "Training with the loss of fastai instead of the model's, and every token labelled."
    hf = objects()
    dls = loaders(hf, labeling_strategy_cls=SameLabelLabelingStrategy)
    return trained(learner(dls, hf, CrossEntropyLossFlat()), RATES)


def found_entities() -> dict:
    "Entities by each of Blurr's strategies, and by the library's pipeline."
    hf = objects()
    learn = learner(loaders(hf, labeling_strategy_cls=SameLabelLabelingStrategy), hf)
    with quiet(learn): trained(learn, RATES, epochs=5)
    learn.model.eval()
    hf[3].config.id2label = dict(enumerate(NAMES))
    result = {}
    for name in ("simple", "first", "max", "average"):
        with quiet(learn): result[name] = plain(learn.blurr_predict_tokens(TEXTS, aggregation_strategy=name))
    for name in ("none", "simple", "first", "max", "average"):
        pipe = pipeline("token-classification", model=hf[3], tokenizer=hf[2], aggregation_strategy=name)
        result[f"pipeline, {name}"] = plain(pipe(TEXTS))
    return result


def high() -> dict:
    "From a table to a learner in one call."
    learn = BlearnerForTokenClassification.from_data(frame(), FOLDER, labels=NAMES,
                                                     dl_kwargs=dict(bs=4, shuffle=False, num_workers=0))
    same_head(learn.model.hf_model)
    with quiet(learn):
        return dict(batch=batch(learn.dls.one_batch()), vocab=learn.dls.vocab, valid=learn.validate()[0],
                    loss_func=type(learn.loss_func).__name__, trainable=trainable(learn),
                    metrics=type(learn.get_metrics_cb()).__name__, model=learn.get_model_cls().__name__)


def processed() -> dict:
    "What the preprocessor makes of a table, where it cuts nothing and where it cuts."
    tokenizer, found = objects()[2], {}
    data = frame().rename(columns=dict(token_labels="labels"))
    for name, options in {"whole": {}, "cut": dict(tok_kwargs=dict(max_length=7))}.items():
        made = TokenClassPreprocessor(tokenizer, **options)
        df = made.process_df(data[~data.is_valid], data[data.is_valid])
        found[name] = dict(columns=list(df.columns), rows=plain(df.values.tolist()), label_names=made.label_names)
    return found


CASES = [strategies, batches, words_and_labels, categories, metrics, single, fastai_loss, found_entities, high,
         processed]
