"""What the real Blurr does for language models, causal and masked: tests/data/blurr_language.json.

The causal model is a tiny GPT-2 with weights drawn from a seed; the masked one is two layers of all-MiniLM-L6-v2, with
a head, which the checkpoint hasn't, drawn so too. Tokens are hidden by a rule without chance, a strategy of our own:
what BERT's draws is looked at by itself.
"""
import random, tempfile
from functools import cache
from pathlib import Path

from fastai.text.all import *  # before Blurr: it has a TextBlock too
from record_blurr import (CONFIG, FOLDER, Dataset, PreCalculatedCrossEntropyLoss, StepLosses, batch, frame,
                          get_hf_objects, plain, quiet, table, trainable, transformers)
from transformers import AutoModelForMaskedLM, AutoTokenizer

try:
    from blurr.text.data.core import TextBlock
    from blurr.text.data.language_modeling import *
    from blurr.text.modeling.core import Blearner, blurr_splitter
    from blurr.text.modeling.language_modeling import *
except ImportError:
    from study_group.blurr import Blearner, TextBlock, blurr_splitter
    from study_group.learning.language import *
    from study_group.learning.objectives import *
    from study_group.learning.windows import LMPreprocessor

SMALL = dict(n_embd=32, n_layer=2, n_head=2, n_positions=64, resid_pdrop=0., embd_pdrop=0., attn_pdrop=0.)
HEAD = "cls.", "transformer.ln_f."  # how names of the last parts of both models begin


class EveryFourth(BaseLMStrategy):
    "Hide every fourth token that isn't special, from the third on: the first of four is kept, the others are masked."
    def build_inputs_targets(self, samples, include_labels=True, inputs=None):
        built = []
        for x, *_ in samples:
            ids = x["input_ids"].tolist()
            special = self.hf_tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
            hidden = [i for i, s in enumerate(special) if not s][2::4]
            targets = torch.full_like(x["input_ids"], self.ignore_token_id)
            targets[hidden] = x["input_ids"][hidden]
            ids = x["input_ids"].clone()
            ids[[i for n, i in enumerate(hidden) if n % 4]] = self.hf_tokenizer.mask_token_id
            x["input_ids"] = ids
            if include_labels: x["labels"] = targets.clone()
            built.append((x, targets))
        return built

    @classmethod
    def get_lm_type(cls): return LMType.MASKED


def fixed(parameters):
    "Fill matrices with numbers that every NumPy draws alike, vectors with zeros; the weights of norms stay."
    with torch.no_grad():
        for k, (name, p) in enumerate(parameters):
            if p.ndim > 1: p.copy_(torch.from_numpy(np.random.RandomState(k).standard_normal(p.shape)*.2))
            elif name.endswith("bias"): p.zero_()


def once(model):
    "Two groups: the body, and what of the head isn't tied."
    named = list(model.hf_model.named_parameters())
    return L([p for n, p in named if not n.startswith(HEAD)], [p for n, p in named if n.startswith(HEAD)])


def causal():
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    tokenizer.eos_token = "[SEP]"
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=len(tokenizer), pad_token_id=0, bos_token_id=101, eos_token_id=102, **SMALL))
    fixed(sorted(model.named_parameters()))
    return "gpt2", model.config, tokenizer, model.eval()


def masked():
    hf = get_hf_objects(FOLDER, model_cls=AutoModelForMaskedLM, config_kwargs=dict(num_hidden_layers=2, **CONFIG))
    fixed(sorted((n, p) for n, p in hf[3].named_parameters() if n.startswith("cls.")))
    return hf


KINDS = dict(causal=(causal, CausalLMStrategy, CausalLMTextInput), masked=(masked, EveryFourth, MLMTextInput))


def loaders(kind, strategy=None, val_bs=4, **kwargs):
    make, own, shown = KINDS[kind]
    hf = make()
    tfm = LMBatchTokenizeTransform(*hf, lm_strategy_cls=strategy or own, **kwargs)
    block = DataBlock(blocks=(TextBlock(batch_tokenize_tfm=tfm, input_return_type=shown), noop),
                      get_x=ItemGetter("text"), splitter=ColSplitter())
    table = frame()[["text", "is_valid"]]
    return hf, block.dataloaders(table, bs=4, val_bs=val_bs, shuffle=False, num_workers=0)


def learner(kind, **kwargs):
    hf, dls = loaders(kind, val_bs=7, **kwargs)  # all in one batch: Blurr sorts what is held out by characters
    return BlearnerForLM(dls, hf[3], splitter=once, metrics=[perplexity], cbs=[BlearnerForLM.get_metrics_cb()])


def batches() -> dict:
    "Batches for both kinds, with several options."
    options = {"plain": {}, "no labels": dict(include_labels=False), "cut": dict(max_length=8)}
    return {f"{kind}, {name}": [batch(b) for b in loaders(kind, **given)[1].train]
            for kind in KINDS for name, given in options.items()}


def bert() -> list:
    "What its own masks are like: in each row, how long it is, its pads, what is hidden, and what is shown instead."
    random.seed(0)
    torch.manual_seed(0)
    rows = []
    _, dls = loaders("masked", BertMLMStrategy)
    for _ in range(3):
        for x, y in dls.valid:
            for ids, mask, labels in zip(x["input_ids"], x["attention_mask"], y):
                rows.append(dict(length=len(ids), pads=int((mask == 0).sum()),
                                 hidden=[[int(t), int(i)] for t, i in zip(labels, ids) if t != -100]))
    return rows


def training() -> dict:
    "Losses of frozen and unfrozen steps, then what is measured, with the best guess for each token that is held out."
    found = {}
    for kind, epochs, lr in (("causal", 4, 1e-2), ("masked", 2, 1e-3)):
        learn, losses = learner(kind), StepLosses()
        with quiet(learn), learn.added_cbs(losses):
            frozen = trainable(learn)
            learn.fit(1, 1e-3)
            learn.unfreeze()
            learn.fit(epochs, lr)
            (x, y), = learn.dls.valid
            with torch.no_grad(): guesses = learn.model(x).logits.argmax(-1)
        found[kind] = dict(frozen=frozen, losses=losses.steps, metrics=[m.name for m in learn.metrics],
                           values=plain(learn.recorder.values[-1][1:]), loss_func=type(learn.loss_func).__name__,
                           rows=sorted(zip(plain(x["input_ids"]), plain(y), plain(guesses))))
    return found


def shown() -> dict:
    "The tables."
    found = {}
    for kind in KINDS:
        learn = learner(kind)
        with quiet(learn):
            found[kind] = dict(
                batch=table(learn.dls.show_batch, dict(dataloaders=learn.dls), max_n=3),
                cut=table(learn.dls.show_batch, dict(dataloaders=learn.dls), max_n=3, trunc_at=20),
                results=table(learn.show_results, dict(learner=learn), ds_idx=0, shuffle=False, max_n=3),
                results_cut=table(learn.show_results, dict(learner=learn), ds_idx=0, shuffle=False, max_n=3,
                                  trunc_at=9))
    return found


def predictions() -> dict:
    "Masks filled, texts gone on with."
    masked, causal = learner("masked"), learner("causal")
    masked.model.eval(), causal.model.eval()
    with quiet(masked), quiet(causal), torch.no_grad():
        fill = {text: masked.blurr_fill_mask(text, n_preds=4)
                for text in ("The bread is in the [MASK].", "[MASK]!", "We missed [MASK] by a minute, and waited.")}
        texts = ["The dough rose", "We waited for the night train, and"]
        return dict(fill=fill, one=masked.blurr_fill_mask("Who left the [MASK] on?"),
                    greedy=causal.blurr_generate(texts, max_new_tokens=6, do_sample=False),
                    beams=causal.blurr_generate(texts[0], key="texts", max_new_tokens=5, num_beams=3, do_sample=False,
                                                num_return_sequences=2))


def splitters() -> dict:
    "In how many groups Blurr's own splitter has the tied weight."
    found = {}
    for kind, (make, *_) in KINDS.items():
        model = make()[3]
        groups, tied = blurr_splitter(model), model.get_input_embeddings().weight
        found[kind] = dict(groups=len(groups), tied=sum(any(p is tied for p in group) for group in groups))
    return found


def windows() -> dict:
    "Texts joined and cut up."
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    texts = frame()[["text"]]
    train, valid = texts[:16], texts[16:].reset_index(drop=True)
    make = partial(LMPreprocessor, tokenizer, chunk_size=32)
    both = make(is_valid_attr="held_out").process_df(train, valid)
    return dict(plain=plain(make().process_df(train).values.tolist()),
                own_separator=plain(make(sep_token="…").process_df(train).values.tolist()),
                small_batches=plain(make(batch_size=8).process_df(train).values.tolist()),
                both=dict(columns=list(both.columns), held_out=plain(both.held_out.tolist())),
                dataset=make().process_hf_dataset(Dataset.from_pandas(train)).to_pandas().values.tolist())


@cache
def saved(folder) -> str:
    "The causal model as a checkpoint in `folder`."
    _, _, tokenizer, model = causal()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def high() -> dict:
    "From a table to a learner in one call."
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, place in dict(causal=saved(Path(folder)), masked=FOLDER).items():
            learn = BlearnerForLM.from_data(frame(), place, lm_strategy_cls=KINDS[kind][1],
                                            dl_kwargs=dict(bs=4, shuffle=False, num_workers=0))
            if kind == "masked":
                named = learn.model.hf_model.named_parameters()
                fixed(sorted((n, p) for n, p in named if n.startswith("cls.")))
            with quiet(learn):
                found[kind] = dict(batch=batch(learn.dls.one_batch()), loss_func=type(learn.loss_func).__name__,
                                   metrics=[m.name for m in learn.metrics], lm_type=KINDS[kind][1].get_lm_type().name,
                                   model=type(learn.model.hf_model).__name__)
    return found


CASES = [batches, bert, training, shown, predictions, splitters, windows, high]
