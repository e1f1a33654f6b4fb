"""Padding, truncation and masks are the library's, over random batches, modes and tokenizers; the executed table;
classify beside the library's pipeline on tiny random models; nonsense."""
import copy, logging, random, warnings
from functools import cache
from itertools import combinations, product

import numpy as np
import pytest
import torch, transformers
from hypothesis import HealthCheck, given, settings, strategies as st
from tiny_models import ARCHITECTURES, PROBLEMS, TEXTS, assert_same, byte_level, library, pair, wordpiece
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch.utils.flop_counter import FlopCounterMode
from transformers import (BertConfig, BertForSequenceClassification, DataCollatorForSeq2Seq,
                          DataCollatorForTokenClassification, PreTrainedTokenizerFast)

from study_group import padding as module
from study_group.checkpoints import BUNDLED, load
from study_group.data import bundled_reviews
from study_group.padding import (BATCH_PRICE, CALLS, LABEL_PAD, PADDINGS, STRATEGIES, TRUNCATIONS,
                                 add_pad_token, check_mask, classify, encode, forward_flops,
                                 make_attention_mask, mask_effect, masked_logits, pad, padding_cost,
                                 padding_table, token_budget_batches, truncate)
from study_group.batching.calls import overheard
from study_group.pipeline import trace

ALL_NAMES = ["input_ids", "token_type_ids", "attention_mask"]


def word_level(template: str = "", pad_type: int = 0, **options):
    "A tokenizer whose words are numbers and their own ids, 0 to 99, with special tokens as in `template`."
    special = {"<cls>": 100, "<sep>": 101, "<pad>": 102, "<eod>": 103}
    backend = Tokenizer(models.WordLevel({str(n): n for n in range(100)} | special, unk_token="0"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if template:
        single, both = template.split("|")
        used = [(token, special[token]) for token in special if token in template]
        backend.post_processor = processors.TemplateProcessing(single=single, pair=both, special_tokens=used)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", **options)
    tokenizer._pad_token_type_id = pad_type  # XLNet's class sets it so
    return tokenizer


def gpt2_like(**more):
    "As GPT-2's: byte-level BPE, no special tokens, no padding token, no length known."
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(byte_level()), **dict(eos_token="</s>") | more)


def roberta_like(**more):
    backend = Tokenizer.from_str(byte_level())
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=20, pad_token="<pad>", **more)


TOKENIZERS = {
    "bundled": wordpiece,
    "BERT": lambda: wordpiece(model_input_names=ALL_NAMES, model_max_length=24),
    "left": lambda: wordpiece(padding_side="left", truncation_side="left", model_input_names=ALL_NAMES),
    "GPT-2, pads are </s>": lambda: add_pad_token(gpt2_like()),
    "GPT-2 with types": lambda: gpt2_like(pad_token="<pad>", model_input_names=ALL_NAMES, model_max_length=12),
    "RoBERTa": roberta_like,
    "XLNet": lambda: word_level("$A:0 <sep>:0 <cls>:2|$A:0 <sep>:0 $B:1 <sep>:1 <cls>:2", padding_side="left",
                                model_input_names=ALL_NAMES, pad_type=3),
    "numbers": lambda: word_level(model_max_length=9),
    "one end": lambda: word_level("$A <eod>|$A <eod> $B <eod>", model_input_names=["input_ids"]),
}
tokenizers = st.sampled_from(sorted(TOKENIZERS))
words = st.sampled_from(["7", "42", "99", "good", "unbelievably", "[SEP]", "</s>", "[PAD]", "é", "🎬", "it's"])
text = st.lists(words, max_size=14).map(" ".join)
lengths = st.one_of(st.none(), st.integers(1, 24))
quietly = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


@cache
def tokenizer_of(name): return TOKENIZERS[name]()


def silent(f, *args, **kwargs):
    "What `f` returns, or the error that it raises; warnings aren't shown."
    with warnings.catch_warnings(action="ignore"):
        try: return f(*args, **kwargs)
        except Exception as e: return e
        except BaseException as e:
            if type(e).__name__ == "PanicException": return RuntimeError(f"the library panicked: {e}")
            raise


# the same as calling the tokenizer

@quietly
@given(st.data())
def test_encode_is_the_tokenizers_call(data):
    tokenizer = tokenizer_of(data.draw(tokenizers))
    texts = data.draw(st.one_of(st.lists(text, min_size=1, max_size=4), text))
    pairs = data.draw(st.one_of(st.none(), text.filter(bool) if isinstance(texts, str) else
                                st.lists(text, min_size=len(texts), max_size=len(texts))))
    overflow = data.draw(st.booleans())
    options = dict(padding=data.draw(st.sampled_from(list(PADDINGS))), max_length=data.draw(lengths),
                   truncation=data.draw(st.sampled_from(list(TRUNCATIONS))),
                   stride=data.draw(st.integers(0, 4)) if overflow else 0,
                   pad_to_multiple_of=data.draw(st.sampled_from([None, None, 1, 3, 8])),
                   padding_side=data.draw(st.sampled_from([None, "left", "right"])), return_overflowing_tokens=overflow)
    ours = silent(encode, texts, pairs, tokenizer, **options)
    if isinstance(ours, ValueError) and ("stride" in str(ours) or "leaves no room" in str(ours)):
        return  # there the library panics, or returns what isn't cut
    theirs = silent(tokenizer, texts, pairs, **options)
    if isinstance(theirs, Exception): assert isinstance(ours, ValueError), (theirs, ours)
    elif pairs and overflow and nothing_left(theirs, options["max_length"] or 10**9): return
    else: assert not isinstance(ours, Exception) and dict(ours) == dict(theirs)


def nothing_left(batch, n):
    "Whether one of two texts had room for no token at all, so that it overflows in one piece, which can be too long."
    n_texts = batch["overflow_to_sample_mapping"][-1] + 1
    return len(batch["input_ids"]) > n_texts and any(len(ids) > n for ids in batch["input_ids"])


@quietly
@given(st.lists(st.integers(0, 99), max_size=20), st.one_of(st.none(), st.lists(st.integers(0, 99), max_size=20)),
       st.integers(1, 25), st.sampled_from(["longest_first", "only_first", "only_second"]), st.integers(0, 3),
       st.sampled_from(["right", "left"]))
def test_truncate_is_the_librarys(ids, pair_ids, n, strategy, stride, side):
    numbers = tokenizer_of("numbers")
    numbers.truncation_side = side
    texts = [None if x is None else [" ".join(map(str, x))] for x in (ids, pair_ids)]
    options = dict(truncation=strategy, max_length=n, stride=stride, return_overflowing_tokens=True)
    ours = silent(truncate, ids, pair_ids, n, strategy, stride, side)
    theirs = silent(numbers, *texts, **options)
    numbers.truncation_side = "right"
    if isinstance(ours, ValueError) and "stride" in str(ours): return
    if isinstance(theirs, Exception): assert isinstance(ours, ValueError)
    else: assert [c.ids + (c.pair_ids or []) for c in ours] == theirs["input_ids"]


def test_every_small_truncation_is_the_librarys():
    numbers = tokenizer_of("numbers")
    for n1, n2, n, strategy in product(range(5), (None, *range(5)), range(1, 9), list(TRUNCATIONS)[3:6]):
        ids, pair_ids = list(range(n1)), None if n2 is None else list(range(10, 10 + n2))
        texts = [None if x is None else " ".join(map(str, x)) for x in (ids, pair_ids)]
        ours, theirs = (silent(f, *args, **options) for f, args, options in (
            (truncate, (ids, pair_ids, n, strategy), {}), (numbers, texts, dict(truncation=strategy, max_length=n))))
        if isinstance(theirs, Exception): assert_refused(ours)
        else: assert ours[0].ids + (ours[0].pair_ids or []) == theirs["input_ids"], (ids, pair_ids, n, strategy)


@pytest.mark.parametrize("name", ["bundled", "RoBERTa", "numbers"])
def test_encode_is_the_tokenizers_call_in_each_row_of_the_table(name):
    tokenizer = tokenizer_of(name)
    for (padding, truncation), n in product(CALLS, (None, 1, 2, 3, 8, 30)):
        options = dict(padding=padding, truncation=truncation, max_length=n)
        ours, theirs = silent(encode, TEXTS, None, tokenizer, **options), silent(tokenizer, TEXTS, **options)
        no_room = "leaves no room" in str(ours) and n <= tokenizer.num_special_tokens_to_add()  # it goes over n
        if isinstance(theirs, Exception) or no_room: assert_refused(ours)
        else: assert dict(ours) == dict(theirs), options


# the same as tokenizer.pad

def rows_of(data, tokenizer, n_rows):
    "Random rows for `tokenizer`, some with more parts than ids."
    def column(values, ids): return data.draw(st.lists(values, min_size=len(ids), max_size=len(ids)))
    rows = [dict(input_ids=data.draw(st.lists(st.integers(0, 99), min_size=1, max_size=12))) for _ in range(n_rows)]
    known = {"token_type_ids", "special_tokens_mask", *tokenizer.model_input_names} - {"input_ids"}
    parts = data.draw(st.sets(st.sampled_from(sorted(known))))
    for row in rows: row.update({name: column(st.integers(0, 1), row["input_ids"]) for name in parts})
    return rows


@quietly
@given(st.data())
def test_pad_is_tokenizer_pad(data):
    tokenizer = tokenizer_of(data.draw(tokenizers))
    rows = rows_of(data, tokenizer, data.draw(st.integers(1, 5)))
    options = dict(padding=data.draw(st.sampled_from(list(PADDINGS))), max_length=data.draw(lengths),
                   pad_to_multiple_of=data.draw(st.sampled_from([None, 1, 3, 8])),
                   padding_side=data.draw(st.sampled_from([None, "left", "right"])))
    shape = data.draw(st.sampled_from(["rows", "columns", "one row", "tensors", "arrays"]))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    make = {"rows": lambda: rows, "columns": lambda: columns, "one row": lambda: dict(rows[0]),
            "tensors": lambda: [{name: torch.tensor(x) for name, x in row.items()} for row in rows],
            "arrays": lambda: [{name: np.array(x) for name, x in row.items()} for row in rows]}[shape]
    before = copy.deepcopy(rows)
    ours, theirs = silent(pad, make(), tokenizer=tokenizer, **options), silent(tokenizer.pad, make(), **options)
    assert rows == before, "pad changed what it was given"
    if isinstance(theirs, Exception) or shape == "arrays" and any(x.dtype == object for x in theirs.values()):
        return assert_refused(ours)  # of ragged rows the library makes an array of lists
    assert ours.keys() == theirs.keys()
    for name in ours:
        x, y = ours[name], theirs[name]
        assert type(x) is type(y)
        assert np.array_equal(x, y) if shape in ("tensors", "arrays") else x == y


def assert_refused(result): assert isinstance(result, ValueError), result


@quietly
@given(st.data())
def test_labels_are_padded_as_the_collators_do(data):
    tokenizer = tokenizer_of(data.draw(tokenizers))
    rows = [dict(input_ids=row["input_ids"]) for row in rows_of(data, tokenizer, data.draw(st.integers(1, 4)))]
    for_tokens, multiple = data.draw(st.booleans()), data.draw(st.sampled_from([None, 8]))
    for row in rows:
        n = len(row["input_ids"]) if for_tokens else data.draw(st.integers(1, 15))
        row["labels"] = data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    collator = DataCollatorForTokenClassification if for_tokens else DataCollatorForSeq2Seq
    modes = [dict(padding=True), dict(padding="max_length", max_length=24)]
    if for_tokens and tokenizer.model_max_length < 1e9: modes.append(dict(padding="max_length"))
    for padding in modes:
        theirs = silent(collator(tokenizer, pad_to_multiple_of=multiple, **padding), copy.deepcopy(rows))
        ours = silent(pad, rows, pad_to_multiple_of=multiple, tokenizer=tokenizer, return_tensors="pt", **padding)
        if isinstance(theirs, Exception):  # a row is longer than the model's maximum, and padding never cuts
            assert_refused(ours)
            continue
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_classes_and_unpadded_labels_stay():
    rows = [dict(input_ids=[1, 2], labels=1), dict(input_ids=[1], labels=0)]
    assert pad(rows)["labels"] == [1, 0]
    assert pad(rows, return_tensors="pt")["labels"].tolist() == [1, 0]
    assert pad([dict(input_ids=[1, 2], labels=[1]), dict(input_ids=[1], labels=[])], False)["labels"] == [[1], []]
    assert pad([dict(input_ids=[1, 2], label=1), dict(input_ids=[1], label=0)])["label"] == [1, 0]


def test_collates_in_a_dataloader():
    encodings = tokenizer_of("bundled")(TEXTS*3)
    rows = [{name: values[i] for name, values in encodings.items()} for i in range(len(TEXTS)*3)]
    loader = torch.utils.data.DataLoader(rows, batch_size=4, collate_fn=lambda r: pad(r, return_tensors="pt"))
    theirs = transformers.DataCollatorWithPadding(tokenizer_of("bundled"))
    for n, batch in enumerate(loader):
        for name, tensor in theirs(rows[4*n:4*n + 4]).items(): assert torch.equal(batch[name], tensor)


@quietly
@given(tokenizers, st.lists(text, min_size=1, max_size=4), st.sampled_from(["left", "right"]))
def test_mask_from_ids_is_the_tokenizers(name, texts, side):
    tokenizer = tokenizer_of(name)
    batch = tokenizer(texts, padding=True, padding_side=side, return_attention_mask=True)
    if not any(tokenizer.pad_token in t for t in texts):
        assert make_attention_mask(batch["input_ids"], tokenizer.pad_token_id) == batch["attention_mask"]
        ids = torch.tensor(batch["input_ids"])
        assert make_attention_mask(ids, tokenizer.pad_token_id).tolist() == batch["attention_mask"]


# silent traps of the library speak here

def test_what_does_nothing_says_so():
    forgetful = wordpiece(model_max_length=int(1e30))
    batch = forgetful(TEXTS)
    for call in (lambda: pad(batch, "max_length", tokenizer=forgetful),
                 lambda: encode(TEXTS, tokenizer=forgetful, truncation=True),
                 lambda: encode(TEXTS, tokenizer=forgetful, padding="max_length")):
        with pytest.warns(UserWarning, match=r"does nothing here.*1e\+30.*Pass max_length"): same = call()
        assert dict(same) == dict(batch)
    with pytest.warns(UserWarning, match="Rows of 21 tokens stay longer than max_length=6.*truncation=True"):
        pad(forgetful(TEXTS), "max_length", 6)
    with warnings.catch_warnings(action="error"): pad(batch, "max_length", 30, tokenizer=forgetful)


# batches

def cost(batches, lengths): return sum(len(b)*max(lengths[i] for i in b) + BATCH_PRICE for b in batches)


@quietly
@given(st.lists(st.integers(1, 70), min_size=1, max_size=40), st.integers(1, 300))
def test_batches_hold_each_text_once_within_the_budget(lengths, budget):
    batches = token_budget_batches(lengths, budget)
    assert sorted(i for b in batches for i in b) == list(range(len(lengths)))
    assert all(len(b) == 1 or len(b)*max(lengths[i] for i in b) <= budget for b in batches)
    longest = [max(lengths[i] for i in b) for b in batches]
    assert longest == sorted(longest, reverse=True)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=9), st.integers(1, 1000))
def test_no_cut_of_the_sorted_texts_is_cheaper(lengths, budget):
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    n, best = len(order), float("inf")
    for k in range(n):
        for cuts in combinations(range(1, n), k):
            batches = [order[a:b] for a, b in zip((0, *cuts), (*cuts, n))]
            fits = all(len(b) == 1 or len(b)*lengths[b[-1]] <= budget for b in batches)
            if fits: best = min(best, cost(batches, lengths))
    assert cost(token_budget_batches(lengths, budget), lengths) == best


@quietly
@given(st.lists(text, min_size=1, max_size=12), st.integers(1, 5))
def test_cost_is_that_of_real_batches(texts, batch_size):
    tokenizer = tokenizer_of("bundled")
    lengths = [len(ids) for ids in tokenizer(texts)["input_ids"]]
    ranked = [texts[i] for i in sorted(range(len(texts)), key=lambda i: lengths[i])]
    for strategy, rows, options in (("longest", texts, {}), ("sorted", ranked, {}),
                                    ("max_length", texts, dict(max_length=80)),
                                    ("multiple_of", texts, dict(pad_to_multiple_of=8))):
        padding = "max_length" if strategy == "max_length" else True
        batches = [rows[i:i + batch_size] for i in range(0, len(rows), batch_size)]
        masks = [torch.tensor(tokenizer(b, padding=padding, **options)["attention_mask"]) for b in batches]
        found = padding_cost(lengths, batch_size, strategy, **options)
        assert found["slots"] == sum(m.numel() for m in masks)
        assert found["pads"] == sum((m == 0).sum().item() for m in masks)
        assert found["wasted"] == found["pads"]/found["slots"]
        assert found["flops"] == sum(forward_flops(*m.shape) for m in masks)


@pytest.mark.parametrize("shape", [(1, 1, 8, 16), (3, 17, 32, 64), (5, 40, 64, 100)])
def test_flops_are_what_torch_counts(shape):
    rows, n, width, inner = shape
    config = BertConfig(hidden_size=width, intermediate_size=inner, num_hidden_layers=3, num_attention_heads=2,
                        vocab_size=50, attn_implementation="eager")
    model = BertForSequenceClassification(config).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad(): model(torch.ones(rows, n, dtype=torch.long))
    assert counter.get_total_flops() == forward_flops(rows, n, config) + 2*rows*width*(width + 2)  # pooler and head


def test_flops_of_a_model_that_says_no_inner_width():
    said, unsaid = (transformers.GPT2Config(n_embd=8, n_inner=n) for n in (32, None))
    assert forward_flops(1, 5, unsaid) == forward_flops(1, 5, said) != forward_flops(1, 5)


# the table

def test_the_table_has_every_strategy_and_no_call_twice():
    assert len(set(CALLS)) == len(CALLS) and {TRUNCATIONS[t] for _, t in CALLS} == set(TRUNCATIONS.values())


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("paired", [False, True])
def test_each_row_of_the_table_is_what_its_code_does(name, paired):
    texts, pairs = TEXTS[:2], TEXTS[1:] if paired else None
    tokenizer = TOKENIZERS[name]()
    table = padding_table(texts, tokenizer, (None, 1, 2, 3, 4, 8, 40, 0, -1), pairs)
    assert len(table) == len(CALLS)*9 == len(list(table)) == len(table.frame()) and table[0] == next(iter(table))
    whole = [len(ids) for ids in tokenizer(texts, pairs)["input_ids"]]
    for row in table:
        names = dict(texts=texts, text_pair=pairs)
        said, listener = [], logging.Handler()
        listener.emit = lambda record: said.append(record.getMessage())
        tokenizer.deprecation_warnings = {}  # some come only once
        logging.getLogger("transformers").addHandler(listener)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try: exec(row.code, names | dict(tokenizer=tokenizer), names)
            except Exception as e: assert row.error == f"{type(e).__name__}: {e}" and row.lengths is None
            else:
                batch = names["batch"]
                assert row.error is None and row.lengths == [len(ids) for ids in batch["input_ids"]]
                real = [e.attention_mask.count(1) for e in batch.encodings]
                assert row.pads == [n - r for n, r in zip(row.lengths, real)]
                assert row.cut == [w - r for w, r in zip(whole, real)]
        logging.getLogger("transformers").removeHandler(listener)
        assert (row.warning or "") == " ".join([*said, *(str(w.message) for w in caught)])
        if row.trap: assert not row.error


def test_traps_are_where_what_was_asked_for_did_not_happen():
    "Worked out anew: asked to cut to n or pad to n, silent, and yet a row has another length."
    for tokenizer in (tokenizer_of("bundled"), wordpiece(model_max_length=int(1e30))):
        limit = tokenizer.model_max_length
        for row in padding_table(TEXTS, tokenizer, (None, 1, 2, 3, 8, 30)):
            if row.error: continue
            n, alone = row.max_length, row.max_length is not None and row[:2] == (False, None)
            wants_cut = bool(TRUNCATIONS[row.truncation]) or alone
            wants_pads = PADDINGS[row.padding] == "max_length"
            endless = n is None and limit > 1e20
            assert ("Nothing is padded" in (row.trap or "")) == (endless and wants_pads), row
            assert ("Nothing would be cut" in (row.trap or "")) == (endless and wants_cut), row
            if row.warning: continue
            off = wants_cut and max(row.lengths) > (n or limit)
            off |= wants_pads and any(x != (n or limit) for x in row.lengths)
            off |= alone and any(row.cut) or n is not None and not wants_cut and not wants_pads
            off |= wants_cut and n == 2  # [CLS] and [SEP], and nothing of the text
            assert bool(row.trap) >= off, row
            quiet = row.trap is None or "model_max_length" in row.trap or "second text" in row.trap
            assert quiet or off, row


def test_where_a_second_text_is_missing_a_long_text_is_an_error():
    for tokenizer in (tokenizer_of("bundled"), wordpiece(model_max_length=int(1e30))):
        for row in padding_table(TEXTS, tokenizer, (None, 30)):
            if row.error: continue
            failed = isinstance(silent(exec, row.code, dict(tokenizer=tokenizer, texts=["so "*600])), Exception)
            assert ("no second text" in (row.trap or "")) == failed, row
        paired = padding_table(TEXTS, tokenizer, (None, 60), TEXTS)
        assert not any("no second text" in (row.trap or "") for row in paired)


def test_the_table_leaves_no_trace():
    tokenizer, logger = wordpiece(), logging.getLogger("transformers")
    transformers.logging.set_verbosity_error()
    def state():
        said_before = dict(tokenizer.deprecation_warnings)
        return tokenizer.backend_tokenizer.to_str(), said_before, logger.level, logger.handlers[:]
    before = state()
    table = padding_table("so "*600, tokenizer)
    assert state() == before
    transformers.logging.set_verbosity_warning()
    with overheard() as said: padding_table("so "*600, tokenizer)
    assert said == []
    assert "(602 > 512)" in table[0].warning
    assert "only_second" in repr(table) and "Traceback" not in repr(table)


# what the mask does

def test_mask_effect_on_all_reviews():
    checkpoint, reviews = load(), bundled_reviews().text.tolist()
    for i in range(0, 120, 20):
        texts = reviews[i:i + 20]
        effect, n = mask_effect(texts, checkpoint), [len(ids) for ids in checkpoint[1](texts)["input_ids"]]
        alone = [trace(t, checkpoint).logits[0].tolist() for t in texts]
        assert np.allclose(effect.alone.tolist(), alone, rtol=1e-5, atol=1e-5)
        assert np.allclose(effect.masked.tolist(), alone, rtol=1e-5, atol=1e-5)
        padded = np.array(n) < max(n)
        assert (effect.unmasked_difference[padded] > 1e-3).all() and (effect.unmasked_difference[~padded] < 1e-4).all()
        off = np.abs(np.array(effect.unmasked.tolist()) - alone).max(1)
        assert np.allclose(effect.unmasked_difference, off, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_mask_makes_a_batch_equal_to_single_texts(architecture):
    effect = mask_effect(TEXTS, pair(architecture))
    assert list(effect) == ["text", "alone", "masked", "unmasked", "masked_difference", "unmasked_difference"]
    assert effect.masked_difference.max() < 1e-4


def test_any_bit_may_be_flipped():
    checkpoint = model, tokenizer = pair("bert")
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    mask = batch["attention_mask"].clone()
    mask[0, 2] = 0
    with torch.no_grad(): want = model(**{**batch, "attention_mask": mask}).logits
    got = masked_logits(batch["input_ids"].tolist(), mask.tolist(), checkpoint, token_type_ids=batch["token_type_ids"])
    assert torch.equal(got, want) and not torch.allclose(got[0], masked_logits(checkpoint=checkpoint, **batch)[0])
    with pytest.warns(UserWarning, match="Row 1 masks every token"):
        mask[1] = 0
        masked_logits(batch["input_ids"], mask, checkpoint)


# no padding token

def test_gpt2_gets_a_padding_token_and_batches_as_alone():
    model, tokenizer = pair("gpt2")
    tokenizer, model.config.pad_token_id = gpt2_like(), None
    for call in (lambda: pad(tokenizer(TEXTS), tokenizer=tokenizer), lambda: classify(TEXTS, (model, tokenizer)),
                 lambda: encode(TEXTS, tokenizer=tokenizer, padding=True)):
        with pytest.raises(ValueError, match=r"no padding token.*add_pad_token\(tokenizer, model\)"): call()
    with pytest.raises(ValueError, match=r"batch sizes > 1.*add_pad_token"): classify(["good"]*2, (model, tokenizer))
    assert pad(tokenizer(TEXTS), False, tokenizer=tokenizer)["input_ids"] == tokenizer(TEXTS)["input_ids"]
    alone = [classify(text, (model, tokenizer), progress=False)[0] for text in TEXTS]
    assert add_pad_token(tokenizer, model) is tokenizer
    assert (tokenizer.pad_token, model.config.pad_token_id) == ("</s>", tokenizer.eos_token_id)
    assert_same(classify(TEXTS, (model, tokenizer), progress=False), alone)
    assert add_pad_token(tokenizer, model).pad_token == "</s>"


def test_a_new_padding_token_has_a_place_in_the_model():
    tokenizer = gpt2_like(eos_token=None)
    config = transformers.GPT2Config(vocab_size=len(tokenizer), n_embd=8, n_layer=1, n_head=2, pad_token_id=None)
    model = transformers.GPT2ForSequenceClassification(config)
    before = model.get_input_embeddings().weight.clone()
    assert add_pad_token(tokenizer, model).pad_token == "[PAD]" and model.config.pad_token_id == len(before)
    after = model.get_input_embeddings().weight
    assert len(after) == len(tokenizer) == len(before) + 1 and after[:-1].equal(before)
    add_pad_token(tokenizer, model)
    assert model.get_input_embeddings().weight is after


# classify

@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_classify_is_the_librarys_pipeline(architecture, problem):
    checkpoint = pair(architecture, **PROBLEMS[problem])
    texts = [" ".join(random.Random(n).choices(" ".join(TEXTS).split(), k=n % 23 + 1)) for n in range(70)]
    want = library(checkpoint)(texts, batch_size=32)
    for budget in (1, 64, 2048, 10**6):
        assert_same(classify(texts, checkpoint, token_budget=budget, progress=False), want)


@pytest.mark.parametrize("architecture", ["xlnet", "bert"])
def test_left_padding_and_long_texts(architecture):
    checkpoint = model, tokenizer = pair(architecture)
    if architecture == "bert": tokenizer.model_max_length, model.config.max_position_embeddings = int(1e30), 512
    texts = [*TEXTS, "so good "*400, "x"]
    want = [trace(text, checkpoint).predictions[0] for text in texts]
    assert_same(classify(texts, checkpoint, progress=False), want)


def test_classify_leaves_the_model_as_it_was():
    model, tokenizer = pair("distilbert")
    model.train(), model.distilbert.eval()
    before = {name: p.clone() for name, p in model.state_dict().items()}
    exact = classify(TEXTS*5, (model, tokenizer), progress=False)
    rough = classify(TEXTS*5, (model, tokenizer), dtype="bfloat16", progress=False)
    assert model.training and not model.distilbert.training and not torch.is_autocast_enabled("cpu")
    assert all(torch.equal(p, before[name]) and p.dtype == torch.float32 for name, p in model.state_dict().items())
    assert exact != rough and max(abs(a["score"] - b["score"]) for a, b in zip(exact, rough)) < .1


def test_progress_goes_to_stderr_and_can_be_silent(capfd):
    classify(TEXTS, pair("distilbert"))
    assert "3/3" in capfd.readouterr().err
    classify(TEXTS, pair("distilbert"), progress=False)
    assert capfd.readouterr() == ("", "")


# nonsense

IDS = [[101, 7, 102], [101, 102]]
REFUSED = [
    (lambda: pad([]), "input_ids with at least one row"),
    (lambda: pad({}), "has nothing"),
    (lambda: pad(dict(input_ids=[])), "at least one row"),
    (lambda: pad(dict(attention_mask=[[1]])), "has attention_mask"),
    (lambda: pad(IDS), r"dict\(input_ids=ids\)"),
    (lambda: pad(None), "must be what a tokenizer returns"),
    (lambda: pad([dict(input_ids=[1]), dict(ids=[1])]), "different parts"),
    (lambda: pad(dict(input_ids=IDS, attention_mask=[[1, 1, 1]])), "attention_mask has 1 rows, input_ids has 2"),
    (lambda: pad(dict(input_ids=IDS, attention_mask=[[1, 1], [1, 1]])), "Row 0 has 2 values in attention_mask and 3"),
    (lambda: pad(dict(input_ids=IDS), "True|longest"), r"padding='True\|longest' isn't one of True, False, 'longest'"),
    (lambda: pad(dict(input_ids=IDS), None), "padding=None isn't one of"),
    (lambda: pad(dict(input_ids=IDS), 1), "padding=1 isn't one of"),
    (lambda: pad(dict(input_ids=IDS), "max_length", -1), "max_length=-1 must be a positive"),
    (lambda: pad(dict(input_ids=IDS), "max_length", 4.0), "max_length=4.0 must be"),
    (lambda: pad(dict(input_ids=IDS), True, 0), "max_length=0 must be"),
    (lambda: pad(dict(input_ids=IDS), pad_to_multiple_of=0), "pad_to_multiple_of=0 must be"),
    (lambda: pad(dict(input_ids=IDS), padding_side="both"), "padding_side='both' isn't one of"),
    (lambda: pad(dict(input_ids=IDS), False, return_tensors="pt"), "input_ids has rows of 3 and 2 values.*pad first"),
    (lambda: pad(dict(input_ids=IDS, more=[[1], []]), return_tensors="pt"), "more has rows of 1 and 0 values"),
    (lambda: truncate([1, 2], max_length=0), "max_length=0 must be"),
    (lambda: truncate([1, 2]), "max_length=None"),
    (lambda: truncate([1, 2], max_length=1, strategy="first"), "strategy='first' isn't one of"),
    (lambda: truncate([1, 2], max_length=1, strategy=True), "strategy=True isn't one of"),
    (lambda: truncate([1, 2], max_length=1, side="top"), "side='top'"),
    (lambda: truncate([1, 2], max_length=1, stride=1), "stride=1 must be smaller than the 1 tokens"),
    (lambda: truncate([1, 2], max_length=1, stride=None), "stride=None must be"),
    (lambda: truncate([1], max_length=1, stride=-1), "stride=-1 must be"),
    (lambda: truncate([1, 2, 3], [4, 5, 6], max_length=4, stride=2), "stride=2 must be smaller than the 2 tokens"),
    (lambda: truncate([1, 2], [3], max_length=1, strategy="only_first"), "cut 2 tokens off a text of 2"),
    (lambda: encode(TEXTS, truncation="longest"), "truncation='longest' isn't one of"),
    (lambda: encode(TEXTS, truncation=True, max_length=2), "max_length=2 leaves no room for text beside 2"),
    (lambda: encode([]), r"texts=\[\] is empty"),
    (lambda: encode(TEXTS, padding=True, max_length=9, truncation=True, pad_to_multiple_of=8), "9 isn't a multiple of"),
    (lambda: make_attention_mask(IDS, 0), "rows of 3 and 2 values"),
    (lambda: make_attention_mask([], 0), "is empty"),
    (lambda: make_attention_mask([[]], None), "pad_token_id=None"),
    (lambda: check_mask([[1, 2]], [[1]]), r"attention_mask has shape \(1, 1\), input_ids \(1, 2\)"),
    (lambda: check_mask(torch.ones(2, 3), torch.ones(3)), "attention_mask is a single row"),
    (lambda: check_mask(torch.ones(2, 3), torch.ones(2, 1, 1, 3)), r"\(2, 1, 1, 3\), input_ids \(2, 3\)"),
    (lambda: check_mask([[1, 2]], [[True, .5]]), "attention_mask holds 0.5"),
    (lambda: masked_logits(torch.ones(1, 0).long(), torch.ones(1, 0)), "no tokens"),
    (lambda: masked_logits(torch.ones(1, 513).long(), torch.ones(1, 513)), "513 tokens, the model takes 512"),
    (lambda: masked_logits([[99_999]], [[1]]), "Token id 99,999 is outside"),
    (lambda: mask_effect([]), "is empty"),
    (lambda: padding_table([]), "is empty"),
    (lambda: padding_table(TEXTS, max_lengths=(True,)), "max_lengths holds True"),
    (lambda: padding_table(TEXTS, max_lengths=("3) or exit(",)), "max_lengths holds"),
    (lambda: padding_table("so "*20_000), "60,000 characters in all, and 90 calls"),
    (lambda: padding_table(TEXTS, text_pair=TEXTS*2), "text_pair has 6 texts, texts has 3"),
    (lambda: padding_table(TEXTS, text_pair=TEXTS[:2]), "text_pair has 2 texts, texts has 3"),
    (lambda: token_budget_batches([], 9), "lengths is empty"),
    (lambda: token_budget_batches([3, -1], 9), r"lengths\[1\]=-1 must be"),
    (lambda: token_budget_batches([3, None], 9), r"lengths\[1\]=None must be"),
    (lambda: token_budget_batches([3], 2.5), "budget=2.5 must be"),
    (lambda: padding_cost([3], strategy="shuffled"), "strategy='shuffled' isn't one of longest"),
    (lambda: padding_cost([3], 0), "batch_size=0 must be"),
    (lambda: padding_cost([30], strategy="max_length", max_length=20), "30 tokens, more than max_length=20"),
    (lambda: classify([]), "is empty"),
    (lambda: classify(TEXTS, dtype="int8"), "dtype='int8' isn't"),
    (lambda: classify(TEXTS, token_budget=-5), "token_budget=-5 must be"),
    (lambda: classify(["half a smiley: \ud83d"]), "half a character"),
]


@pytest.mark.parametrize("n", range(len(REFUSED)))
def test_nonsense_is_refused(n):
    call, words = REFUSED[n]
    with pytest.raises(ValueError, match=words): call()


def test_wrong_kinds_are_type_errors():
    for call in (lambda: pad(dict(input_ids=IDS), tokenizer="bert"), lambda: encode(TEXTS, tokenizer=BUNDLED),
                 lambda: encode(None), lambda: padding_table([3]), lambda: classify(None),
                 lambda: mask_effect(TEXTS, 3)):
        with pytest.raises(TypeError): call()


def test_a_text_without_tokens_is_refused_by_name():
    checkpoint = pair("gpt2")
    with pytest.raises(ValueError, match="gives no tokens"): classify(["good", ""], checkpoint, progress=False)
    with pytest.raises(ValueError, match="gives no tokens"): mask_effect(["good", ""], checkpoint)


def test_labels_use_what_cross_entropy_ignores():
    assert torch.nn.CrossEntropyLoss().ignore_index == LABEL_PAD
    assert set(STRATEGIES) == {"longest", "max_length", "sorted", "multiple_of", "token_budget"} and module.__all__
