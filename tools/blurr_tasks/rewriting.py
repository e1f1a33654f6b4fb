"""What the real Blurr does with texts and their targets: summaries and translations by a tiny BART and a tiny T5.

    /tmp/blurr/bin/python tools/record_blurr.py rewriting   # tests/data/blurr_rewriting.json

Both models have a letter for a token, and weights that are the same everywhere, since no checkpoint is small enough.
"""
import tempfile, zlib

from record_blurr import *  # noqa: F403, fastai first
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (AutoModelForSeq2SeqLM, BartConfig, MarianConfig, MBartConfig, PegasusConfig,
                          PreTrainedTokenizerFast, T5Config)

if ORIGINAL:
    from blurr.text.data.seq2seq.core import *
    from blurr.text.data.seq2seq.summarization import SummarizationPreprocessor
    from blurr.text.data.seq2seq.translation import TranslationPreprocessor
    from blurr.text.modeling.seq2seq.core import *
    from blurr.text.modeling.seq2seq.summarization import BlearnerForSummarization
    from blurr.text.modeling.seq2seq.translation import BlearnerForTranslation
    from fastcore.transform import mk_transform
    add = Pipeline.add  # Blurr adds T5's prefix as a plain function, which this fastcore refuses
    Pipeline.add = lambda self, ts, *args, **kwargs: add(self, mk_transform(ts), *args, **kwargs)
else:
    from study_group.learning.pairing import SummarizationPreprocessor, TranslationPreprocessor
    from study_group.learning.rewriting import *
    from study_group.learning.writing import Seq2SeqMetricsCallback, default_text_gen_kwargs

TOLD = dict(summarization=dict(num_beams=2, max_length=12, prefix="summarize: "))
ROWS = [  # text, summary, whether it is for validation
    ("the kettle sings and nobody comes to take it off the fire.", "a kettle sings", 0),
    ("two geese on the ice.", "geese", 0),
    ("at six the baker lights his oven, at seven the street smells of bread.", "bread at seven", 0),
    ("rain, rain, and then a little more rain.", "rain", 0),
    ("the ferry was late, so we ate our apples on the pier.", "apples on the pier", 0),
    ("who painted the door green?", "a green door", 0),
    ("an owl lives in the tower; it has not paid rent since spring.", "an owl pays no rent", 0),
    ("my uncle keeps bees.", "bees", 0),
    ("the map was old and the river had moved.", "an old map", 1),
    ("we lost the key, found it, and lost it again.", "a lost key", 1),
    ("snow.", "snow", 1),
]


def frame() -> pd.DataFrame:
    made = pd.DataFrame(ROWS, columns=["text", "summary", "is_valid"])
    return made.assign(is_valid=made.is_valid.astype(bool))


def letters():
    "A tokenizer with a token for each letter."
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *"abcdefghijklmnopqrstuvwxyz .,;:?ES"]
    backend = Tokenizer(models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token="<unk>"))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Split("", "isolated"), decoders.Fuse()
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", pad_token="<pad>", eos_token="</s>",
                                   unk_token="<unk>", model_max_length=96,
                                   model_input_names=["input_ids", "attention_mask"])


SMALL = dict(vocab_size=38, pad_token_id=1, bos_token_id=0, eos_token_id=2)
SIZES = dict(d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16, decoder_ffn_dim=16,
             encoder_attention_heads=2, decoder_attention_heads=2, max_position_embeddings=96, dropout=0.)
CONFIGS = dict(
    bart=lambda: BartConfig(**SMALL, **SIZES, decoder_start_token_id=2, forced_eos_token_id=None),
    mbart=lambda: MBartConfig(**SMALL, **SIZES, forced_eos_token_id=None),
    marian=lambda: MarianConfig(**SMALL, **SIZES, decoder_start_token_id=1, forced_eos_token_id=None),
    pegasus=lambda: PegasusConfig(**SMALL, **SIZES, decoder_start_token_id=1, forced_eos_token_id=None),
    t5=lambda: T5Config(**SMALL, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=1,
                        dropout_rate=0.))


def same_weights(model):
    "Give `model` weights that need no random numbers; norms keep theirs."
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.ndim < 2: continue
            places = torch.arange(p.numel(), dtype=torch.float64) * .7 + zlib.crc32(name.encode()) % 1000
            p.copy_((places.sin() * .3).view_as(p))
    return model.eval()


@contextlib.contextmanager
def checkpoint(kind: str):
    "A folder with the tiny model of this `kind`, and the tokenizer."
    with tempfile.TemporaryDirectory() as folder:
        model = AutoModelForSeq2SeqLM.from_config(CONFIGS[kind]())
        if kind == "t5": model.config.task_specific_params = TOLD
        same_weights(model).save_pretrained(folder)
        letters().save_pretrained(folder)
        yield folder


def objects(kind: str = "bart"):
    with checkpoint(kind) as folder: return get_hf_objects(folder, model_cls=AutoModelForSeq2SeqLM)


def loaders(hf, data=None, get_y=ColReader("summary"), bs=4, **kwargs):
    data = frame() if data is None else data
    blocks = (Seq2SeqTextBlock(*hf, **kwargs),) + ((noop,) if get_y else ())
    more = dict(get_y=get_y) if get_y else {}
    made = DataBlock(blocks=blocks, get_x=ColReader("text"), splitter=ColSplitter(), **more)
    return made.dataloaders(data, bs=bs, shuffle=False, num_workers=0)


def batches() -> dict:
    "How a batch is made, for one choice after the other."
    hf, cases = objects(), {}
    def add(name, **kwargs): cases[name] = [batch(b) for b in loaders(hf, **kwargs).train]
    add("plain")
    add("no target", get_y=None)
    add("max_length", max_length=16)
    add("max_target_length", max_target_length=6)
    add("not cut", truncation=False)
    add("padded to max_length", max_length=24, max_target_length=20, padding="max_length")
    add("padded to a multiple", tok_kwargs=dict(pad_to_multiple_of=8))
    long = frame().assign(summary=lambda d: [t * 40 for t in d.summary])
    dls = loaders(hf, data=long, max_target_length=90)
    cases["long targets"] = [dict(shape=list(y.shape), ends=plain(y[:, -2:])) for _, y in dls.train]
    return cases


def generating() -> dict:
    "What a checkpoint says about generating."
    hf = objects("t5")
    return dict(one=default_text_gen_kwargs(hf[1], hf[3]), task=default_text_gen_kwargs(hf[1], hf[3], "summarization"),
                other=default_text_gen_kwargs(hf[1], hf[3], "translation"))


def splitters() -> dict:
    "The names of the parameters in each group; those of weights that are tied, once."
    found = {}
    for kind in CONFIGS:
        model = AutoModelForSeq2SeqLM.from_config(CONFIGS[kind]())
        names = {id(p): name for name, p in model.named_parameters()}
        found[kind] = [[names[id(p)] for p in group] for group in blurr_seq2seq_splitter(model, kind)]
    return found


def each_once(model, arch):
    "Blurr's groups, each parameter in the first only."
    seen, groups = set(), []
    for group in blurr_seq2seq_splitter(model, arch):
        groups.append([p for p in dict.fromkeys(group) if p not in seen])
        seen.update(group)
    return L(groups)


def learner(dls, hf, *cbs):
    return Learner(dls, BaseModelWrapper(hf[3]), loss_func=PreCalculatedCrossEntropyLoss(),
                   cbs=[BaseModelCallback, *cbs], splitter=partial(each_once, arch=hf[0]))


def written(learn, dl) -> list:
    "What `learn` writes for each batch of `dl`."
    generate = partial(learn.model.hf_model.generate, max_length=12)
    return [generate(x["input_ids"], attention_mask=x["attention_mask"]).tolist() for x, _ in dl]


def training() -> dict:
    "Losses of steps with a frozen encoder, then with none frozen; what is shown and written then."
    found = {}
    for kind in ("bart", "t5"):
        hf = objects(kind)
        dls = loaders(hf, text_gen_kwargs=dict(max_length=12))
        learn = learner(dls, hf)
        losses = StepLosses()
        with quiet(learn), learn.added_cbs(losses):
            learn.freeze()
            known = trainable(learn)
            learn.fit(2, 1e-2)
            learn.unfreeze()
            learn.fit(8, 1e-2)
            valid = learn.validate()
            shown = dict(show_batch=table(dls.show_batch, dict(dataloaders=dls), max_n=3),
                         cut=table(dls.show_batch, dict(dataloaders=dls), max_n=2, input_trunc_at=10,
                                   target_trunc_at=4),
                         show_results=table(learn.show_results, {}, learner=learn, max_n=3, shuffle=False))
        found[kind] = dict(arch=hf[0], trainable=known, losses=losses.steps, valid=plain(valid), **shown,
                           written=written(learn, dls.valid))
    return found


def metrics() -> dict:
    "What metrics are given, and what they are called; once a validation."
    hf, given = objects(), []
    def mine(predictions, references, scale=1):
        given.append(dict(predictions=list(predictions), references=list(references)))
        return dict(first=1. * len(predictions) * scale, second=1. * sum(map(len, references)) * scale)
    metrics = Seq2SeqMetricsCallback(custom_metrics=dict(
        mine=dict(compute_func=mine, returns=["first", "second"]),
        one=dict(compute_func=mine, compute_kwargs=dict(scale=3), returns="second")),
        text_gen_kwargs=dict(max_length=12))
    dls = loaders(hf, text_gen_kwargs=dict(max_length=12))
    learn = learner(dls, hf, metrics)
    with quiet(learn): learn.fit(3, 1e-2)
    values = [list(row) for row in learn.recorder.values]
    return dict(names=list(learn.recorder.metric_names), values=values, given=given)


def high() -> dict:
    "From a table to a learner in one call, and its predictions."
    found, texts = {}, frame().text.tolist()[-3:]
    options = dict(dl_kwargs=dict(bs=4, shuffle=False, num_workers=0), max_target_length=10)
    for kind in ("bart", "t5"):
        with checkpoint(kind) as folder:
            for cls, names in ((BlearnerForSummarization, dict(text_attr="text", summary_attr="summary")),
                               (BlearnerForTranslation, dict(src_lang_name="English", src_lang_attr="text",
                                                             trg_lang_name="German", trg_lang_attr="summary"))):
                task = "summarize" if cls is BlearnerForSummarization else "translate English to German"
                made = dict(names, **options, learner_kwargs={})  # Blurr changes these, and they are its default
                learn = cls.from_data(frame(), folder, **made)
                before = f"{task}: " if ORIGINAL and kind == "t5" else ""  # Blurr forgets it when it predicts
                with quiet(learn):
                    found[f"{kind}, {cls.__name__}"] = dict(
                        batch=batch(learn.dls.one_batch()), valid=plain(learn.validate()), trainable=trainable(learn),
                        loss_func=type(learn.loss_func).__name__,
                        predict=[learn.predict(before + text, max_length=12, num_beams=1)[0] for text in texts],
                        beams=[learn.predict(before + text, max_length=12, num_beams=3, num_return_sequences=2)[0]
                               for text in texts])
    return found


def prepared() -> dict:
    "What is kept of texts and targets."
    data, tokenizer = frame(), letters()
    summaries = SummarizationPreprocessor(tokenizer, batch_size=4, max_input_tok_length=20, max_target_tok_length=8,
                                          min_summary_char_length=5)
    translations = TranslationPreprocessor(tokenizer, text_attr="text", target_text_attr="summary",
                                           max_input_tok_length=20)
    made = dict(summaries=summaries.process_df(data.drop(columns="is_valid")),
                two=summaries.process_df(data[:4].copy(), data[4:6].copy()),
                translations=translations.process_df(data.drop(columns="is_valid")))
    return {name: {column: plain(df[column].tolist()) for column in df} for name, df in made.items()}


CASES = [batches, generating, splitters, training, metrics, high, prepared]
