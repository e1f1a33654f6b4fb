"""One attention weight taken to pieces: query and key are what the library's own modules give, the steps from them lead
to the map's weight; every mask; models and maps that have no query and key."""
import copy, re
from dataclasses import FrozenInstanceError, replace

import pytest, torch
from architectures import TEXTS, model as made, tokenizer
from tiny_models import bundled
from transformers import AutoModel
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from study_group.attending.maps import attention_maps
from study_group.attending.products import layer_vectors, query_key
from study_group.core.html import shade

close = dict(atol=1e-5, rtol=1e-5)
PROJECTIONS = {  # architecture → what makes queries and keys in its layer 1
    "DistilBert": ("transformer.layer.1.attention.q_lin", "transformer.layer.1.attention.k_lin"),
    "Bert": ("encoder.layer.1.attention.self.query", "encoder.layer.1.attention.self.key"),
    "Roberta": ("encoder.layer.1.attention.self.query", "encoder.layer.1.attention.self.key"),
    "Electra": ("encoder.layer.1.attention.self.query", "encoder.layer.1.attention.self.key"),
    "T5": ("encoder.block.1.layer.0.SelfAttention.q", "encoder.block.1.layer.0.SelfAttention.k"),
    "GPT2": ("h.1.attn.c_attn", "h.1.attn.c_attn"),
    "Llama": ("layers.1.self_attn.q_proj", "layers.1.self_attn.k_proj"),
    "Mistral": ("layers.1.self_attn.q_proj", "layers.1.self_attn.k_proj")}
CAUSAL = "GPT2", "Llama", "Mistral"


def pair(kind): return made(kind, AutoModel), tokenizer()


def projected(kind, inputs):
    "Queries and keys (heads, n_tokens, head_dim) of the last text, from hooks on the library's own modules."
    model, heard = made(kind, AutoModel), []
    hooks = [model.get_submodule(name).register_forward_hook(lambda *args: heard.append(args[-1]))
             for name in PROJECTIONS[kind]]
    reader = model.get_encoder() if kind == "T5" else model
    with torch.no_grad(): reader(**inputs)
    for hook in hooks: hook.remove()
    if kind == "GPT2": heard = heard[0].split(32, -1)[:2]
    q, k = (x.unflatten(-1, (-1, 8)).transpose(1, 2) for x in heard[:2])  # (batch, heads, n_tokens, head_dim)
    if kind in ("Llama", "Mistral"):
        positions = torch.arange(q.shape[2])[None]
        q, k = apply_rotary_pos_emb(q, k, *model.rotary_emb(q, positions))
    return q[-1], k[-1]


@pytest.mark.parametrize("kind", PROJECTIONS)
def test_queries_and_keys_are_the_librarys_own(kind):
    maps, inputs = attention_maps(TEXTS, pair(kind), scores=True), tokenizer()(TEXTS, padding=True, return_tensors="pt")
    q, k = projected(kind, inputs)
    for head, query, key in ((0, 3, 1), (1, 9, 9), (2, 2, 5), (3, 20, 0)):
        found = query_key(maps, 1, head, query, key, row=1)
        torch.testing.assert_close(found.q, q[head, query], **close)
        torch.testing.assert_close(found.k, k[head*len(k)//4, key], **close)
        torch.testing.assert_close(found.products, q[head, query]*k[head*len(k)//4, key], **close)
        assert found.score == pytest.approx(found.dot*found.scaling + found.bias, abs=1e-4)
        assert found.dot == pytest.approx((found.q @ found.k).item(), abs=1e-4)
        torch.testing.assert_close(found.row_scores, maps.scores[1, 1, head, query], **close)
        assert found.weight == pytest.approx(maps.weights[1, 1, head, query, key].item(), abs=1e-5)
        weights = found.row_scores.masked_fill(~found.row_allowed, -torch.inf).softmax(-1)
        torch.testing.assert_close(weights, maps.weights[1, 1, head, query], **close)
        assert found.row_allowed.equal(maps.allowed[1].expand(maps.n_tokens, -1)[query])
        assert found.allowed == (kind not in CAUSAL or key <= query)
        assert found.tokens == (maps.tokens[1][query], maps.tokens[1][key])
    assert found.scaling == (1 if kind == "T5" else pytest.approx(8**-.5))


@pytest.mark.parametrize("kind", ["GPT2", "T5"])
def test_all_vectors_of_a_layer_make_its_map(kind):
    maps = attention_maps(TEXTS, pair(kind))
    for row, found in ((0, layer_vectors(maps, 1)), (1, layer_vectors(maps, 1, 1))):
        scores = found.q @ found.k.mT*found.scaling + (0 if found.bias is None else found.bias)
        torch.testing.assert_close(found.scores, scores, **close)
        torch.testing.assert_close(found.weights, maps.weights[1, row], **close)
        torch.testing.assert_close(scores.masked_fill(~found.allowed, -torch.inf).softmax(-1), found.weights, **close)
    for held in (found, query_key(maps, 1, 0, 0, 0)):
        with pytest.raises(FrozenInstanceError): held.scaling = 1.
        assert "tensor(" not in repr(held) and {held} and replace(held) != held


def test_a_layer_that_leaves_the_scaling_to_its_attention_function():
    model = copy.deepcopy(made("Bert", AutoModel))
    for layer in model.encoder.layer: layer.attention.self.scaling = None
    found = query_key(attention_maps(TEXTS, (model, tokenizer())), 1, 0, 2, 1, row=1)
    assert found.scaling == pytest.approx(8**-.5) and found.score == pytest.approx(found.dot*8**-.5, abs=1e-5)


def test_t5_adds_a_bias_for_the_distance():
    maps, model = attention_maps(TEXTS, pair("T5")), made("T5", AutoModel)
    attention = model.encoder.block[0].layer[0].SelfAttention
    bias = attention.compute_bias(maps.n_tokens, maps.n_tokens)[0]
    for layer in (0, 1):
        found = query_key(maps, layer, 2, query=1, key=6, row=1)
        assert found.bias == pytest.approx(bias[2, 1, 6].item(), abs=1e-6) and abs(found.bias) > .01
        assert found.score == pytest.approx(found.dot + found.bias, abs=1e-4)


def test_the_bundled_model():
    maps = attention_maps(["I hate this so much!", "No."])
    for at in ((0, 0, 0, 0, 0), (5, 11, 7, 2, 0), (3, 4, 1, 6, 1)):
        layer, head, query, key, row = at
        assert query_key(maps, *at).weight == pytest.approx(maps.weights[layer, row, head, query, key].item(), abs=1e-5)
    pad = query_key(maps, 3, 4, query=1, key=6, row=1)
    assert not pad.allowed and pad.weight == 0 and abs(pad.score) > 0


@pytest.mark.parametrize("mask", ["padding", "causal", "both", "none"])
@pytest.mark.parametrize("kind", ["Bert", "Llama", "T5"])
def test_under_every_mask(kind, mask):
    maps = attention_maps(TEXTS, pair(kind), mask=mask)
    for query, key in ((2, 7), (7, 2), (20, 21)):
        found = query_key(maps, 1, 3, query, key)
        assert found.weight == pytest.approx(maps.weights[1, 0, 3, query, key].item(), abs=1e-5)
        assert found.row_allowed.equal(maps.allowed[0].expand(maps.n_tokens, -1)[query])


@pytest.mark.parametrize("mask", [None, "none"])
@pytest.mark.parametrize("kind, which, q, k", [
    ("T5", "decoder", "decoder.block.1.layer.0.SelfAttention.q", "decoder.block.1.layer.0.SelfAttention.k"),
    ("T5", "cross", "decoder.block.1.layer.1.EncDecAttention.q", "decoder.block.1.layer.1.EncDecAttention.k"),
    ("Bart", "cross", "decoder.layers.1.encoder_attn.q_proj", "decoder.layers.1.encoder_attn.k_proj")])
def test_a_decoder_and_its_look_at_the_encoder(kind, which, q, k, mask):
    maps, model = attention_maps(TEXTS, pair(kind), which=which, targets=TEXTS[::-1], mask=mask), made(kind, AutoModel)
    heard = []
    hooks = [model.get_submodule(name).register_forward_hook(lambda *args: heard.append(args[-1])) for name in (q, k)]
    with torch.no_grad(): model(**maps._inputs, use_cache=False)
    for hook in hooks: hook.remove()
    queries, keys = (x.unflatten(-1, (-1, 8)).transpose(1, 2) for x in heard)
    assert maps.n_query > 20 and queries.shape[2] == maps.n_query and keys.shape[2] == maps.n_key
    for row, head, query, key in ((0, 0, 3, 1), (1, 3, 2, 2), (0, 1, maps.n_query - 1, maps.n_key - 1)):
        found = query_key(maps, 1, head, query, key, row)
        if mask is None:
            torch.testing.assert_close(found.q, queries[row, head, query], **close)
            torch.testing.assert_close(found.k, keys[row, head, key], **close)
        assert found.weight == pytest.approx(maps.weights[1, row, head, query, key].item(), abs=1e-5)
        assert found.row_scores.shape == (maps.n_key,)
        assert found.row_allowed.equal(maps.allowed[row].expand(maps.n_query, -1)[query])
        assert found.tokens == (maps.queries.tokens[row][query], maps.tokens[row][key])
    with pytest.raises(IndexError, match=f"query={maps.n_query} must be"): query_key(maps, 0, 0, maps.n_query, 0)


def test_numbers_counted_from_the_end_and_half_precision():
    maps = attention_maps(TEXTS, pair("Bert"))
    assert query_key(maps, -1, -1, -1, -1, -1).at == dict(layer=1, row=1, head=3, query=maps.n_tokens - 1,
                                                          key=maps.n_tokens - 1)
    half = copy.deepcopy(made("Bert", AutoModel)).to(torch.bfloat16)
    maps = attention_maps(TEXTS, (half, tokenizer()))
    found = query_key(maps, 1, 2, 1, 3, 1)
    assert found.q.dtype == torch.float32 and abs(found.weight - maps.weights[1, 1, 2, 1, 3]) < 1e-2


def test_without_gradients_and_the_model_stays_as_it_was():
    maps = attention_maps(TEXTS, pair("GPT2"))
    before = query_key(maps, 1, 1, 5, 2, 1)
    made("GPT2", AutoModel).train()
    with torch.inference_mode(): again = query_key(maps, 1, 1, 5, 2, 1)
    assert again.weight == before.weight and made("GPT2", AutoModel).training
    made("GPT2", AutoModel).eval()


@pytest.mark.parametrize("place, said", [
    (dict(layer=2), "layer=2 must be a whole number from 0 to 1"), (dict(head=4), "head=4 must be"),
    (dict(query=99), "query=99 must be"), (dict(key=1.5), "key=1.5 must be"), (dict(row=2), "row=2 must be")])
def test_places_that_arent_there(place, said):
    maps = attention_maps(TEXTS, pair("Bert"))
    with pytest.raises(IndexError, match=said):
        query_key(maps, **dict(layer=0, head=0, query=0, key=0) | place)


@pytest.mark.parametrize("kind", ["XLNet", "Bloom", "DebertaV2"])
def test_models_that_attend_in_their_own_way(kind):
    with pytest.raises(ValueError, match="in a way of its own, so it has no query and key to show: query_key needs"):
        query_key(attention_maps(TEXTS, pair(kind)), 0, 0, 0, 0)


def test_models_that_do_more_than_a_softmax_of_scores():
    model = copy.deepcopy(made("Gemma2", AutoModel))
    for layer in model.layers: layer.self_attn.attn_logit_softcapping = .1
    with pytest.raises(ValueError, match="more than softmax.* don't tell its weights: query_key needs"):
        query_key(attention_maps(TEXTS, (model, tokenizer())), 0, 0, 0, 0)


def test_maps_that_have_no_query():
    maps = attention_maps(["I hate it."])
    for wrong, error, said in ((maps.by_word(), ValueError, "These maps are of words"),
                               (None, TypeError, "maps=None must"),
                               (replace(maps, _checkpoint=None), ValueError, "have no model that could run again"),
                               ("I hate it.", TypeError, "maps='I hate it.' must be what attention_maps")):
        with pytest.raises(error, match=said): query_key(wrong, 0, 0, 0, 0)
        with pytest.raises(error, match=said): layer_vectors(wrong, 0)


def test_a_model_that_was_changed_since():
    model = copy.deepcopy(made("Bert", AutoModel))
    maps = attention_maps(TEXTS, (model, tokenizer()))
    with torch.no_grad(): model.encoder.layer[0].attention.self.query.weight *= 2
    with pytest.raises(ValueError, match="other weights now than these maps have: it has been changed since"):
        query_key(maps, 0, 0, 0, 0)


@pytest.mark.parametrize("dtype, same, other", [(torch.float32, 5e-5, 1e-3), (torch.bfloat16, .02, .1)])
def test_how_far_weights_may_be_off(dtype, same, other):
    maps = attention_maps(TEXTS, (copy.deepcopy(made("Bert", AutoModel)).to(dtype), tokenizer()))
    assert query_key(replace(maps, weights=maps.weights + same), 0, 0, 0, 0).allowed
    with pytest.raises(ValueError, match="it has been changed since"):
        query_key(replace(maps, weights=maps.weights + other), 0, 0, 0, 0)


def test_the_picture_escapes_its_tokens_and_shows_every_number():
    maps = attention_maps("<b>hi</b> & \x07", bundled())
    found = query_key(maps, 2, 3, query=1, key=3)
    html = replace(found, tokens=("<b>", '"&\x07'))._repr_html_()
    assert "<b>" not in html and "&lt;b&gt;" in html and "&quot;&amp;␇" in html
    for name, values in dict(query=found.q, key=found.k, products=found.products).items():
        for i, value in enumerate(values.tolist()): assert f'title="{name}[{i}] = {value:.4f}"' in html
        colours = re.findall(rf'title="{name}\[.*?background:(.*?)"', html)
        assert colours == [shade(value) for value in (values/values.abs().max()).tolist()]
    steps = dict(found.steps())
    assert steps["mask"] == "open" and list(steps.values())[-1] == f"{found.weight:.4f}"
    assert all(f"{number:.4f}" in repr(found) for number in (found.dot, found.scaling, found.score, found.weight))
    causal = attention_maps(["A fine film."], pair("GPT2"))
    for query, words in ((0, "softmax among 1 key: weight"), (2, "softmax among 3 keys: weight")):
        assert query_key(causal, 0, 0, query, 0).steps()[-1][0] == words
    none = replace(found, row_scores=torch.zeros(2), row_allowed=torch.zeros(2).bool(), weight=.5,
                   at=dict(found.at, key=1))
    assert none.steps()[-1] == ("softmax of nothing but masked keys: weight", "0.5000")
