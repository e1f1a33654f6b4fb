"""Attention from scratch is torch's and transformers' over random shapes and masks; maps are the eager model's, for
many architectures, texts and masks; summaries are those of slow loops; nonsense."""
import copy, math, warnings
from dataclasses import FrozenInstanceError
from functools import cache

import pytest, torch, transformers
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings, strategies as st
from matplotlib import pyplot as plt
from tiny_models import TEXTS, gpt2_tokenizer, roberta_tokenizer, tokenizer as tokenizer_of, wordpiece
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface

from study_group.attending import listening as parts, maps as whole
from study_group.attention import (MASKS, STAGES, EncoderLayer, MultiHeadAttention, additive_mask,
                                   attention_maps, causal_mask, plot_attention, scaled_dot_product_attention,
                                   sinusoidal_positions, summarize)

close = dict(atol=1e-5, rtol=1e-5)
many = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
sizes = st.integers(1, 6)


# from scratch

@st.composite
def vectors(draw):
    "Random query, key, value, of up to two dimensions before the last two, and a mask of any shape that fits, or None."
    torch.manual_seed(draw(st.integers(0, 10**6)))
    before, n, m, d, dv = draw(st.lists(sizes, max_size=2)), *(draw(sizes) for _ in range(4))
    q, k, v = (torch.randn(*before, *last)*draw(st.sampled_from([.1, 1, 10])) for last in ((n, d), (m, d), (m, dv)))
    shape = [size if draw(st.booleans()) else 1 for size in (*before, n, m)]
    keep = draw(st.integers(0, len(before)))  # a mask may have fewer dimensions
    mask = torch.rand(shape)[(0,)*keep] < draw(st.sampled_from([0, .3, .8, 1]))
    return q, k, v, draw(st.sampled_from([None, mask, mask.long(), mask.float()]))


@many
@given(vectors())
def test_attention_is_torchs(found):
    q, k, v, mask = *(t.double() for t in found[:3]), found[3]  # float64: both round, in another order
    output, weights = scaled_dot_product_attention(q, k, v, mask)
    allowed = torch.ones(*q.shape[:-1], k.shape[-2], dtype=torch.bool)
    if mask is not None: allowed = allowed & mask.bool()
    want = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
    torch.testing.assert_close(output, want, **close)
    torch.testing.assert_close(weights.sum(-1), allowed.any(-1).double(), **close)
    assert not weights[~allowed].any() and weights.shape == allowed.shape
    torch.testing.assert_close(weights @ v, output, **close)


@many
@given(vectors())
def test_gradients_are_torchs_even_where_nothing_may_be_seen(found):
    q, k, v, mask = found
    mask = torch.ones(q.shape[-2], k.shape[-2]).bool() if mask is None else mask.bool()
    grads = []  # in float64: a gradient is what is left of large numbers
    for attend in (lambda *t: scaled_dot_product_attention(*t, mask)[0],
                   lambda *t: F.scaled_dot_product_attention(*t, attn_mask=mask.expand(*q.shape[:-1], k.shape[-2]))):
        leaves = [t.double().requires_grad_() for t in (q, k, v)]
        attend(*leaves).square().sum().backward()
        grads.append([leaf.grad for leaf in leaves])
    for ours, theirs in zip(*grads):
        assert ours.isfinite().all()
        torch.testing.assert_close(ours, theirs.nan_to_num(0), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 5, 8, dtype=dtype) for _ in range(3))
    output, weights = scaled_dot_product_attention(q, k, v, causal_mask(5))
    assert output.dtype == weights.dtype == dtype and output.isfinite().all() and not weights.triu(1).any()


@pytest.mark.parametrize("q, k, v, mask, said", [
    ((2, 3), (4, 5), (4, 5), None, "query (2, 3) and key (4, 5)"), ((3,), (4, 3), (4, 3), None, "query (3,)"),
    ((2, 3), (4, 3), (5, 3), None, "key (4, 3) and value (5, 3)"),
    ((2, 2, 3), (3, 4, 3), (3, 4, 3), None, "query (2, 2, 3), key (3, 4, 3)"),
    ((2, 3), (4, 3), (4, 3), (2, 3), "mask (2, 3) can't be broadcast to the scores (2, 4)"),
    ((7, 1, 6, 3), (7, 1, 6, 3), (7, 1, 6, 3), (7, 6), "needs mask[:, None, None]"),
    ((2, 3), (4, 3), (4, 3), (9, 2, 4), "mask (9, 2, 4) can't be broadcast to the scores (2, 4)")])
def test_shapes_that_dont_fit_are_named(q, k, v, mask, said):
    with pytest.raises(ValueError) as e:
        scaled_dot_product_attention(*map(torch.ones, (q, k, v)), None if mask is None else torch.ones(mask))
    assert said in str(e.value)


@pytest.mark.parametrize("wrong", [-1e9, -math.inf, 2, .5, math.nan])
def test_masks_that_are_no_masks(wrong):
    with pytest.raises(ValueError, match="True or 1 is 'may attend'"):
        scaled_dot_product_attention(*[torch.ones(2, 2)]*3, torch.tensor([1., wrong]))
    with pytest.raises(ValueError, match="True or 1 is 'may attend'"): additive_mask(torch.tensor([1., wrong]))


@many
@given(st.integers(0, 20))
def test_causal_and_additive_masks(n):
    mask = causal_mask(n)
    assert mask.tolist() == [[key <= query for key in range(n)] for query in range(n)] or n == 0
    added = additive_mask(mask)
    assert added.eq(0).equal(mask) and added[~mask].eq(torch.finfo(torch.float32).min).all()


@pytest.mark.parametrize("n", [-1, 2.5, True, None, "3"])
def test_no_number_of_tokens(n):
    with pytest.raises(ValueError, match="must be 0 or a whole number"): causal_mask(n)


def copied(theirs: nn.MultiheadAttention) -> MultiHeadAttention:
    ours = MultiHeadAttention(theirs.embed_dim, theirs.num_heads)
    with torch.no_grad():
        for part, w, b in zip((ours.query, ours.key, ours.value), theirs.in_proj_weight.chunk(3),
                              theirs.in_proj_bias.chunk(3)): part.weight.copy_(w), part.bias.copy_(b)
    ours.out.load_state_dict(theirs.out_proj.state_dict())
    return ours


@many
@given(sizes, sizes, sizes, sizes, sizes, st.integers(0, 10**6))
def test_heads_are_torchs(batch, n, m, heads, width, seed):
    torch.manual_seed(seed)
    theirs = nn.MultiheadAttention(heads*width, heads, batch_first=True).eval()
    nn.init.normal_(theirs.in_proj_bias)
    x, memory, mask = torch.randn(batch, n, heads*width), torch.randn(batch, m, heads*width), torch.rand(batch, m) > .5
    mask[:, 0] = True
    want = theirs(x, memory, memory, key_padding_mask=~mask, average_attn_weights=False)
    got = copied(theirs)(x, mask[:, None, None], memory)
    for g, w in zip(got, want): torch.testing.assert_close(g, w, **close)


@many
@given(sizes, sizes, sizes, sizes, st.integers(1, 12), st.booleans(), st.sampled_from([F.gelu, F.relu]), st.randoms())
def test_encoder_layers_are_torchs(batch, n, heads, width, hidden, causal, activation, random):
    torch.manual_seed(random.randrange(10**6))
    theirs = nn.TransformerEncoderLayer(heads*width, heads, hidden, activation=activation, batch_first=True).eval()
    ours = EncoderLayer(heads*width, heads, hidden, activation, eps=1e-5)
    ours.attention = copied(theirs.self_attn)
    for name, part in dict(inner="linear1", outer="linear2", norm1="norm1", norm2="norm2").items():
        getattr(ours, name).load_state_dict(getattr(theirs, part).state_dict())
    x, mask = torch.randn(batch, n, heads*width), causal_mask(n) if causal else None
    torch.testing.assert_close(ours(x, mask), theirs(x, src_mask=None if mask is None else ~mask), **close)


@pytest.mark.parametrize("dim, heads", [(4, 3), (4, 0), (4, -1)])
def test_widths_that_heads_cant_share(dim, heads):
    with pytest.raises(ValueError, match=f"dim={dim} can't be cut into n_heads={heads}"): MultiHeadAttention(dim, heads)


@pytest.mark.parametrize("shape", [(3, 4), (1, 3, 5), (1, 1, 3, 4)])
def test_vectors_of_another_shape_are_named(shape):
    attention, fits, wrong = MultiHeadAttention(4, 2), torch.ones(1, 3, 4), torch.ones(shape)
    for name, inputs in (("x", dict(x=wrong)), ("memory", dict(x=fits, memory=wrong))):
        with pytest.raises(ValueError) as e: attention(**inputs)
        assert str(e.value) == f"{name} {shape} must be (batch, n_tokens, 4)."


@many
@given(st.integers(0, 30), st.integers(1, 30))
def test_positions_are_the_papers(n, dim):
    want = [[(math.cos if j % 2 else math.sin)(pos/10_000**(2*(j//2)/dim)) for j in range(dim)] for pos in range(n)]
    torch.testing.assert_close(sinusoidal_positions(n, dim), torch.tensor(want).reshape(n, dim), **close)


# maps of many architectures

SMALL = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=37, vocab_size=30_522)
DECODER = SMALL | dict(num_key_value_heads=2, pad_token_id=0, bos_token_id=1, eos_token_id=2)
KINDS = {  # the library's name → its config
    "DistilBert": dict(dim=32, n_layers=2, n_heads=4, hidden_dim=37), "Bert": SMALL,
    "Electra": SMALL | dict(embedding_size=16), "Albert": SMALL | dict(embedding_size=16),
    "Roberta": SMALL | dict(pad_token_id=0, bos_token_id=1, eos_token_id=2),
    "T5": dict(d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, vocab_size=30_522),
    "GPT2": dict(n_embd=32, n_layer=2, n_head=4, vocab_size=30_522, bos_token_id=1, eos_token_id=2),
    "Llama": DECODER, "Qwen3": DECODER | dict(head_dim=8), "GPTNeoX": SMALL | dict(bos_token_id=1, eos_token_id=2)}
OWN_WAY = {"XLNet": dict(d_model=32, n_layer=2, n_head=4, d_inner=37, vocab_size=30_522), "MPNet": SMALL,
           "Bloom": dict(hidden_size=32, n_layer=2, n_head=4, vocab_size=30_522)}
CAUSAL = "GPT2", "Llama", "Qwen3", "GPTNeoX", "Bloom"


@cache
def made(kind: str):
    "A small random model of this kind, with weights so large that attention isn't uniform."
    options = (KINDS | OWN_WAY)[kind]
    torch.manual_seed(0)
    model = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**options)).eval()
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim > 1: p.normal_(std=.3)
    return model


def encoder(model): return model.get_encoder() if model.config.is_encoder_decoder else model


def eager(model, **inputs):
    "The weights that the library itself gives, with plain attention, as one tensor."
    plain = copy.deepcopy(encoder(model))
    plain.set_attn_implementation("eager")
    with torch.no_grad(): return torch.stack(plain(**inputs, output_attentions=True).attentions)


def settled(model):
    "All that maps might have changed about a model."
    return ([m.config._attn_implementation for m in model.modules() if hasattr(m, "config")],
            [m.training for m in model.modules()], "study_group" in AttentionInterface._global_mapping,
            "study_group" in AttentionMaskInterface._global_mapping)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("kind", [*KINDS, *OWN_WAY])
def test_maps_are_the_eager_models(kind, side):
    model, tokenizer = made(kind), wordpiece(padding_side=side)
    before = settled(model)
    maps = attention_maps(TEXTS, (model, tokenizer))
    assert settled(model) == before
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    torch.testing.assert_close(maps.weights, eager(model, **inputs), **close)
    assert maps.mask == ("both" if kind in CAUSAL else "padding")
    assert maps.tokens == [tokenizer.convert_ids_to_tokens(ids) for ids in inputs["input_ids"]]
    assert maps.attention_mask.equal(inputs["attention_mask"]) and maps.scores is None


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_under_every_mask_the_model_really_runs_with_it(kind, mask):
    "The same mask handed to the library's model as a table of four dimensions, the way it takes one."
    model, tokenizer = made(kind), wordpiece()
    maps = attention_maps(TEXTS, (model, tokenizer), scores=True).remask(mask)
    n, real = maps.n_tokens, maps.attention_mask.bool()
    keys = real[:, None, :] if mask in ("padding", "both") else torch.ones(3, 1, n).bool()
    allowed = (keys & causal_mask(n) if mask in ("causal", "both") else keys).expand(3, n, n)
    assert maps.mask == mask and maps.allowed.expand(3, n, n).equal(allowed)
    want = eager(model, input_ids=maps._inputs["input_ids"], attention_mask=additive_mask(allowed)[:, None])
    torch.testing.assert_close(maps.weights, want, **close)
    direct = attention_maps(TEXTS, (model, tokenizer), mask=mask)
    assert direct.weights.equal(maps.weights) and direct.scores is None
    assert not maps.weights[~allowed[None, :, None].expand_as(maps.weights)].any()
    assert maps.stage("masked").softmax(-1).equal(maps.weights) and maps.stage("scores").equal(maps.scores)


@pytest.mark.parametrize("kind", OWN_WAY)
def test_models_that_attend_in_their_own_way_give_weights_alone(kind):
    checkpoint = made(kind), wordpiece()
    own = attention_maps(TEXTS, checkpoint).mask
    assert attention_maps(TEXTS, checkpoint, mask=own).mask == own
    for options in (dict(scores=True), dict(mask="none")):
        with pytest.raises(ValueError, match="in a way of its own"): attention_maps(TEXTS, checkpoint, **options)


@pytest.mark.parametrize("layers", [1, 2])
def test_windows_that_slide(layers):
    options = DECODER | dict(sliding_window=4, num_hidden_layers=layers)
    model = transformers.MistralModel(transformers.MistralConfig(**options)).eval()
    maps = attention_maps(TEXTS[1], (model, wordpiece()), scores=True)
    torch.testing.assert_close(maps.weights, eager(model, **wordpiece()(TEXTS[1], return_tensors="pt")), **close)
    n = maps.n_tokens
    assert maps.mask == "own" and maps.allowed.expand(1, n, n)[0].equal(causal_mask(n).triu(-3))
    assert maps.remask(None).mask == "own" and maps.remask("both").mask == "both"


def test_layers_whose_masks_differ():
    options = SMALL | dict(local_attention=4, global_attn_every_n_layers=2)
    special = dict(pad_token_id=0, cls_token_id=1, sep_token_id=2, bos_token_id=1, eos_token_id=2)
    model = transformers.ModernBertModel(transformers.ModernBertConfig(**options | special)).eval()
    maps = attention_maps(TEXTS[1], (model, wordpiece()))
    assert maps.mask == "own" and maps.allowed.all() and not maps.weights[1].all()
    with pytest.raises(ValueError, match="masks that differ"): attention_maps(TEXTS, (model, wordpiece()), scores=True)
    assert attention_maps(TEXTS, (model, wordpiece()), scores=True, mask="padding").weights.shape[0] == 2


def test_scores_that_softmax_doesnt_explain_are_refused():
    options = DECODER | dict(head_dim=8, attn_logit_softcapping=.01)
    model = transformers.Gemma2Model(transformers.Gemma2Config(**options)).eval()
    with torch.no_grad():
        for p in model.parameters(): p.normal_(std=.5)
    checkpoint, before, text = (model, wordpiece()), settled(model), "one two three"
    torch.testing.assert_close(attention_maps(text, checkpoint).weights,
                               eager(model, **wordpiece()(text, return_tensors="pt")), **close)
    with pytest.raises(ValueError, match="does more than softmax"): attention_maps(text, checkpoint, scores=True)
    assert settled(model) == before


@pytest.mark.parametrize("change, said", [
    (lambda layer: setattr(layer.attention.self, "num_attention_heads", 2) or
     setattr(layer.attention.self, "attention_head_size", 16), "maps of the same shape"),
    (lambda layer: setattr(layer.attention.self.config, "num_hidden_layers", 1), "one a layer")])
def test_layers_that_arent_alike(change, said):
    model = copy.deepcopy(made("Bert"))
    change(model.encoder.layer[1])
    with pytest.raises(ValueError, match=said): attention_maps(TEXTS, (model, wordpiece()))


@pytest.mark.parametrize("kind, mask", [("Bert", "padding"), ("T5", "padding"), ("GPT2", "both")])
def test_a_single_token_has_the_mask_of_its_model(kind, mask):
    maps = attention_maps("a", (made(kind), gpt2_tokenizer()))
    assert (maps.n_tokens, maps.mask) == (1, mask)


def test_a_model_may_leave_the_scaling_out():
    query, key = torch.randn(2, 1, 4, 3, 16)
    assert parts._scores(None, query, key, None).equal(parts._scores(None, query, key, .25))


def test_an_old_bert_s_mask_is_a_mask():
    assert parts._is_mask(torch.tensor([0, -1e4])) and not parts._is_mask(torch.tensor([0, -9.]))


NO_HEADS = {k: v for k, v in SMALL.items() if k != "num_attention_heads"}


@pytest.mark.parametrize("kind, options", [
    ("FNet", NO_HEADS), ("Mamba", dict(hidden_size=32, num_hidden_layers=2, vocab_size=30_522))])
def test_models_without_attention(kind, options):
    model = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**options))
    with pytest.raises(ValueError, match=f"{kind}Model gives no token × token attention weights.*bundled one"):
        attention_maps("a film", (model, wordpiece()))


def test_heads_of_models_and_training_mode_are_let_be():
    model = transformers.BertForSequenceClassification(transformers.BertConfig(**SMALL))
    model.train(), model.bert.encoder.layer[1].eval()
    before = settled(model)
    maps = attention_maps(TEXTS, (model, wordpiece()))
    assert settled(model) == before and maps.weights.equal(attention_maps(TEXTS, (model, wordpiece())).weights)


def test_an_error_in_the_middle_leaves_the_model_as_it_was():
    model = copy.deepcopy(made("Bert"))
    model.encoder.layer[1].register_forward_pre_hook(lambda *_: 1/0)
    before = settled(model)
    with pytest.raises(ZeroDivisionError): attention_maps(TEXTS, (model, wordpiece()))
    assert settled(model) == before


def test_half_precision():
    model = copy.deepcopy(made("Bert")).to(torch.bfloat16)
    maps = attention_maps(TEXTS, (model, wordpiece()), scores=True)
    assert maps.weights.dtype == maps.scores.dtype == torch.float32
    assert maps.weights.sub(attention_maps(TEXTS, (made("Bert"), wordpiece())).weights).abs().mean() < .01


# what the maps know of the tokens

def test_pairs_are_the_tokenizers():
    tokenizer = tokenizer_of("bert")
    texts = [("I love HuggingFace.", "Unbelievably!"), ("", "I do not love it, says nobody."), ("No.", "Yes.")]
    maps = attention_maps(texts, (made("Bert"), tokenizer))
    want = tokenizer(texts, padding=True, return_tensors="pt", return_special_tokens_mask=True)
    weights = eager(made("Bert"), **{name: want[name] for name in tokenizer.model_input_names})
    torch.testing.assert_close(maps.weights, weights, **close)
    assert maps.token_type_ids.equal(want["token_type_ids"]) and maps.texts == texts
    assert maps.special_tokens_mask.equal(want["special_tokens_mask"])
    assert not maps.attention_mask.all()
    for row in range(3):
        first = max((w + 1 for w, s in zip(want.word_ids(row), want.sequence_ids(row)) if s == 0), default=0)
        assert maps.word_ids[row] == [w if s == 0 else w + first if s else None
                                      for w, s in zip(want.word_ids(row), want.sequence_ids(row))]


def test_pairs_of_tokenizers_without_types():
    texts = [("I love it.", "Unbelievably!"), ("No.", "Yes.")]
    fast, slow = roberta_tokenizer(), transformers.ByT5Tokenizer()
    maps, want = attention_maps(texts, (made("Bert"), fast)), fast(texts)
    assert not slow.is_fast and "token_type_ids" not in want
    for row, words in enumerate(maps.word_ids):
        second = [w for w, s in zip(words, want.sequence_ids(row)) if s == 1]
        assert min(second) == 1 + max(w for w, s in zip(words, want.sequence_ids(row)) if s == 0)
        assert maps.token_type_ids[row, words.index(second[0])] == 1 and maps.token_type_ids[row, 0] == 0
    maps = attention_maps("né", (made("T5"), slow))
    assert maps.word_ids == [[None]*4] and maps.tokens[0][0] == "n"


def test_texts_that_are_cut_are_named():
    checkpoint = made("Bert"), wordpiece(model_max_length=5)
    with pytest.warns(UserWarning, match=r"texts\[1\] has 6 tokens, the model takes 5: the rest is cut off"):
        assert attention_maps(["so so so", "so "*4], checkpoint).n_tokens == 5
    with warnings.catch_warnings(action="error"): attention_maps("so so so", checkpoint)


@pytest.mark.parametrize("make", [wordpiece, roberta_tokenizer, gpt2_tokenizer])
def test_word_ids_fit_the_padding(make):
    tokenizer = make()
    tokenizer.padding_side = "left"
    kind = dict(KINDS["GPT2"], vocab_size=len(tokenizer), n_positions=64)
    model = transformers.GPT2Model(transformers.GPT2Config(**kind)).eval()
    maps, want = attention_maps(TEXTS, (model, tokenizer)), tokenizer(TEXTS, padding=True)
    assert maps.word_ids == [want.word_ids(row) for row in range(3)]
    assert maps.token_type_ids is None


def test_a_tokenizer_without_padding():
    config = transformers.GPT2Config(**KINDS["GPT2"] | dict(vocab_size=400))
    checkpoint = transformers.GPT2Model(config), gpt2_tokenizer()
    checkpoint[1].pad_token = None
    assert attention_maps(TEXTS[0], checkpoint).n_tokens > 3
    with pytest.raises(ValueError, match="pad"): attention_maps(TEXTS, checkpoint)


# summaries

@pytest.fixture(scope="module")
def maps(): return attention_maps([*TEXTS, "So unbelievably huggable!"], (made("Bert"), wordpiece()), scores=True)


def slow_summary(maps, rows, layer, head):
    "The same numbers, one token after the other."
    found = dict(entropy=[], self=[], previous=[], next=[], special=[], pad=[], distance=[])
    for row in rows:
        real, special = maps.attention_mask[row].tolist(), maps.special_tokens_mask[row].tolist()
        for q, weights in enumerate(maps.weights[layer, row, head].tolist()):
            if not real[q]: continue
            found["entropy"].append(-sum(w*math.log2(w) for w in weights if w))
            found["self"].append(weights[q])
            if q > 0 and real[q - 1]: found["previous"].append(weights[q - 1])
            if q + 1 < len(real) and real[q + 1]: found["next"].append(weights[q + 1])
            found["special"].append(sum(w for w, r, s in zip(weights, real, special) if r and s))
            found["pad"].append(sum(w for w, r in zip(weights, real) if not r))
            found["distance"].append(sum(w*abs(q - k) for k, w in enumerate(weights)))
    return {name: sum(values)/len(values) for name, values in found.items()}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_summaries_are_those_of_slow_loops(side, mask):
    maps = attention_maps(TEXTS, (made("Bert"), wordpiece(padding_side=side)), mask=mask)
    for row in (None, 0, 2, -1):
        table = summarize(maps, row)
        assert list(table.index) == [(layer, head) for layer in range(2) for head in range(4)]
        for layer, head in ((0, 0), (1, 3)):
            want = slow_summary(maps, range(3) if row is None else [row], layer, head)
            assert table.loc[layer, head].to_dict() == pytest.approx(want, abs=1e-5, rel=1e-4)


def test_by_word_is_that_of_slow_loops(maps):
    for row in range(4):
        words, ids = maps.by_word(row), maps.word_ids[row]
        groups = []
        for i, word in enumerate(ids):
            if word is not None and i and ids[i - 1] == word: groups[-1].append(i)
            else: groups.append([i])
        weights = maps.weights[:, row]
        for a, query in enumerate(groups):
            for b, key in enumerate(groups):
                want = sum(weights[:, :, i, j] for i in query for j in key)/len(query)
                torch.testing.assert_close(words.weights[:, 0, :, a, b], want, **close)
        assert [len(words.tokens[0]), words.n_tokens] == [len(groups)]*2
        assert words.attention_mask.sum() == sum(maps.attention_mask[row][g[0]] for g in groups)
    assert words.mask == "padding" and words.tokens[0][1:5] == ["so", "unbelievably", "huggable", "!"]
    assert maps.by_word(2).tokens[0][1:3] == ["naive", "cafe"]
    assert maps.remask("both").by_word(1).allowed[0].equal(maps.remask("both").by_word(1).weights.sum((0, 1, 2)) > 0)


def test_maps_cant_be_changed(maps):
    with pytest.raises(FrozenInstanceError): maps.mask = "none"


@pytest.mark.parametrize("call, said", [
    (lambda m: summarize(m, 4), "row=4 must be a whole number from 0 to 3"), (lambda m: m.by_word(-5), "row=-5"),
    (lambda m: m.stage("scores", 2), "layer=2 must be a whole number from 0 to 1"),
    (lambda m: m.stage("x"), "stage='x' isn't"),
    (lambda m: plot_attention(m, 0, 4), "head=4 must be"), (lambda m: plot_attention(m, "a", 0), "layer='a'"),
    (lambda m: m.by_word().remask("none"), "change the mask first"),
    (lambda m: m.remask("all"), "mask='all' isn't one of"),
    (lambda m: m.by_word().stage("masked"), "needs scores")])
def test_what_isnt_there(maps, call, said):
    with pytest.raises((IndexError, ValueError)) as e: call(maps)
    assert said in str(e.value)


@pytest.mark.parametrize("stage", STAGES)
def test_plots_of_hostile_texts(stage):
    texts = ["$x^2$ costs $5 and 5$", "مرحبا <b>&amp;</b>", "\\frac{a}{b} _ ^ % #", ""]
    maps = attention_maps(texts, scores=True)
    for row in range(4):
        ax = plot_attention(maps, -1, 3, row=row, stage=stage)
        assert [t.get_text().replace(r"\$", "$") for t in ax.get_yticklabels()] == maps.tokens[row]
        with warnings.catch_warnings(action="ignore"): ax.figure.canvas.draw()
        assert ax.images[0].get_array().shape == (maps.n_tokens,)*2
    plt.close("all")


@pytest.mark.parametrize("mask", ["padding", "both"])
@pytest.mark.parametrize("stage, label", [("scores", "score"), ("masked", "score, where allowed"),
                                          ("softmax", "attention weight")])
def test_a_plot_is_its_map(maps, stage, label, mask):
    maps = maps.remask(mask)
    ours = plt.subplots()[1]
    for row in range(4):
        ours.clear()
        assert plot_attention(maps, 1, 2, row, stage, ours) is ours
        want = maps.stage(stage, 1)[row, 2].clone()
        n, allowed, real = maps.n_tokens, maps.allowed[row].expand(maps.n_tokens, -1), maps.attention_mask[row].bool()
        if stage == "masked": want[~allowed] = math.nan
        torch.testing.assert_close(torch.tensor(ours.images[0].get_array().filled(math.nan)), want, equal_nan=True)
        hatched = dict(xx=torch.zeros(n, n, dtype=torch.bool))
        hatched["//"] = hatched["xx"].clone()
        for box in ours.patches:
            assert box.get_height() == 1 and not hatched[box.get_hatch()][line := round(box.get_y() + .5)].all()
            begin = round(box.get_x() + .5)
            hatched[box.get_hatch()][line, begin:begin + round(box.get_width())] = True
        assert hatched["xx"].equal(~allowed & (stage != "scores")) and hatched["//"].equal(~(real & real[:, None]))
        for i, tick in enumerate(ours.get_xticklabels()):
            special = bool(maps.special_tokens_mask[row, i])
            assert tick.get_style() == ("normal" if real[i] else "italic")
            assert tick.get_weight() == ("bold" if special and real[i] else "normal")
    assert (ours.get_title(), ours.get_xlabel()) == ("layer 1, head 2", "looked at (key)")
    assert ours.figure.axes[1].get_ylabel() == label
    plt.close("all")


def test_a_plot_of_many_tokens_has_labels_for_some(maps):
    ax = plot_attention(attention_maps("so good "*100), 0, 0)
    assert 40 < len(ax.get_xticklabels()) < 80 and ax.figure.get_size_inches().max() <= 12
    plt.close("all")


# nonsense

@pytest.mark.parametrize("texts, error, said", [
    (None, TypeError, "texts=None"), ([], ValueError, "is empty"), ([("a",)], ValueError, "texts[0] has 1 parts"),
    (["a", 3], TypeError, "texts[1]=3"), ([("a", None)], TypeError, "texts[0][1]=None"),
    ("\ud83d", ValueError, "half a character"), ([("fine", "half \ud83d")], ValueError, "half a character"),
    ("so "*4100, ValueError, "4,102 tokens, more than 4,096")])
def test_texts_that_are_none(texts, error, said):
    with pytest.raises(error) as e: attention_maps(texts)
    assert said in str(e.value)


def test_too_much_is_refused_before_the_model_runs(monkeypatch):
    monkeypatch.setattr(whole, "listen", lambda *_: 1/0)
    for scores, n, said in ((False, 40, "take 3.0 GB, more than 2.1 GB: .* 4 bytes. Pass fewer or shorter texts.$"),
                            (True, 20, "take 3.0 GB, .* × 20 texts × .* for scores. Pass .* texts, or scores=False.$")):
        with pytest.raises(ValueError, match=said): attention_maps(["so "*510]*n, scores=scores)
    with pytest.raises(ValueError, match="6 layers × 12 heads × 1 texts × 5,002 × 5,002 tokens × 4 bytes are 7.2"):
        attention_maps("so "*5000)


def test_a_tokenizer_of_another_model():
    checkpoint = transformers.BertModel(transformers.BertConfig(**SMALL | dict(vocab_size=100))), wordpiece()
    with pytest.raises(ValueError, match="this tokenizer isn't the model's own"): attention_maps("film", checkpoint)


@pytest.mark.parametrize("text", ["", "🙂", "<script>alert(1)</script>", "a"*300, "[SEP] [PAD]"])
def test_any_text_has_maps(text):
    maps = attention_maps(text, scores=True)
    assert maps.weights.isfinite().all() and len(maps.tokens[0]) == len(maps.word_ids[0]) == maps.n_tokens
    assert summarize(maps).shape == (72, 7)


# a layer of the library, with its weights copied

@pytest.mark.parametrize("kind, layers", [("DistilBert", "transformer.layer"), ("Bert", "encoder.layer"),
                                          ("Roberta", "encoder.layer"), ("Electra", "encoder.layer")])
def test_layers_with_copied_weights_give_the_same(kind, layers):
    model = made(kind)
    inputs = wordpiece()(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**inputs, output_hidden_states=True).hidden_states
        for n, layer in enumerate(model.get_submodule(layers)):
            got = EncoderLayer.from_layer(layer)(states[n], inputs["attention_mask"][:, None, None])
            real = inputs["attention_mask"].bool()
            torch.testing.assert_close(got[real], states[n + 1][real], atol=1e-5, rtol=1e-4)


def test_layers_that_arent_known():
    with pytest.raises(TypeError, match="GPT2Block isn't a layer that from_layer knows"):
        EncoderLayer.from_layer(made("GPT2").h[0])
