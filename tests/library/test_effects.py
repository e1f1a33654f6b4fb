"""What a head is for, measured by hiding it: equal to hooks that zero its part of what the real output projection
reads, for many architectures; any texts together; tables beside slow loops; models and calls that can't be."""
import copy, re
from dataclasses import FrozenInstanceError, replace

import pandas as pd, pytest, torch
from architectures import model as made, tokenizer as its_tokenizer
from scipy.stats import spearmanr
from tiny_models import TEXTS, bundled, pair, roberta_tokenizer

from study_group.attending import alone, axes, effects
from study_group.attending.effects import HeadEffect, head_effect, log_odds
from study_group.attention import attention_maps, summarize
from study_group.core.html import shade
from study_group.core.running import logits_of, run_model

PROJECTIONS = {  # architecture → the end of the name of what mixes the outputs of a layer's heads
    "DistilBert": "attention.out_lin", "Bert": "attention.output.dense", "Roberta": "attention.output.dense",
    "GPT2": "attn.c_proj", "ModernBert": "attn.Wo", "Llama": "self_attn.o_proj", "Albert": "attention.dense",
    "Bart": "encoder.layers.{}.self_attn.out_proj", "T5": "encoder.block.{}.layer.0.SelfAttention.o"}


def projections(model, name: str) -> list:
    ends = [PROJECTIONS[name].format(layer) for layer in range(2)] if "{" in PROJECTIONS[name] else [PROJECTIONS[name]]
    return [part for end in ends for path, part in model.named_modules() if path.endswith(end)]


def by_hooks(model, tokenizer, text, parts: list, calls: int, n_heads: int, keep: bool) -> torch.Tensor:
    "Logits (layers, heads, n_labels) of one text, a run for each head; `calls` layers share `parts`, as in ALBERT."
    inputs, found = tokenizer(text, return_tensors="pt", truncation=True), []
    for layer in range(calls):
        for head in range(n_heads):
            seen = []

            def hide(part, args):
                seen.append(part)
                if len(seen) - 1 != layer: return None
                x = args[0].unflatten(-1, (n_heads, -1)).clone()
                hidden = torch.ones(n_heads, dtype=bool) if keep else torch.zeros(n_heads, dtype=bool)
                hidden[head] = not keep
                x[..., hidden, :] = 0
                return (x.flatten(-2),)
            hooks = [part.register_forward_pre_hook(hide) for part in parts]
            with torch.no_grad(): found.append(run_model(inputs, model).logits[0])
            for hook in hooks: hook.remove()
            assert len(seen) == calls
    return torch.stack(found).unflatten(0, (calls, n_heads))


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("name", PROJECTIONS)
def test_hiding_a_head_is_zeroing_what_it_gives(name, keep):
    model, tokenizer = made(name), its_tokenizer()
    before = [m.config._attn_implementation for m in model.modules() if hasattr(m, "config")]
    effect = head_effect(TEXTS, (model, tokenizer), keep=keep)
    assert before == [m.config._attn_implementation for m in model.modules() if hasattr(m, "config")]
    for row, text in enumerate(TEXTS):
        want = by_hooks(model, tokenizer, text, projections(model, name), 2, 4, keep)
        torch.testing.assert_close(effect.logits[:, :, row], want, atol=1e-5, rtol=1e-5)
    with torch.no_grad():
        alone = [run_model(tokenizer(text, return_tensors="pt"), model).logits[0] for text in TEXTS]
    torch.testing.assert_close(effect.base, torch.stack(alone), atol=1e-5, rtol=1e-5)
    assert (effect.logits - effect.base).abs().max() > 1e-3  # or nothing would be tested


def test_the_bundled_model():
    model, tokenizer = bundled()
    effect = head_effect("I hate this so much!")
    want = by_hooks(model, tokenizer, effect.texts[0], projections(model, "DistilBert"), 6, 12, False)
    torch.testing.assert_close(effect.logits[:, :, 0], want, atol=1e-5, rtol=1e-5)


def test_it_doesnt_matter_which_texts_come_together_or_how_many_fit_into_a_run(monkeypatch):
    checkpoint = made("Llama"), its_tokenizer()
    together = head_effect(TEXTS, checkpoint)
    for tokens in (1, 40, 10_000):
        monkeypatch.setattr(alone, "TOKENS", tokens)
        for row, text in enumerate(TEXTS):
            torch.testing.assert_close(head_effect(text, checkpoint).logits[:, :, 0], together.logits[:, :, row],
                                       atol=1e-5, rtol=1e-5)


def test_a_run_has_at_most_so_many_tokens():
    for rows, n_tokens, want in ((5, 900, [2, 2, 1]), (3, 683, [2, 1]), (3, 5000, [1, 1, 1]), (2, 1, [2]), (0, 9, [])):
        cut = [[*range(rows)[part]] for part in alone.parts(rows, n_tokens)]
        assert [*map(len, cut)] == want and sum(cut, []) == [*range(rows)]


def test_the_longest_text_may_be_so_long(monkeypatch):
    texts, checkpoint = ["No.", "A fine film.", "No."], (made("GPT2"), its_tokenizer())
    n_tokens = len(its_tokenizer()(texts[1])["input_ids"])
    monkeypatch.setattr(axes, "MAX_BYTES", 2*4*n_tokens**2*4)  # layers, heads, tokens that look at tokens, bytes
    head_effect(texts, checkpoint)
    monkeypatch.setattr(axes, "MAX_BYTES", 2*4*n_tokens**2*4 - 1)
    with pytest.raises(ValueError, match="Pass fewer or shorter texts"): head_effect(texts, checkpoint)


@pytest.mark.parametrize("attention, calls", [("sdpa", 2), ("eager", 0)])
def test_a_model_computes_attention_as_ever(monkeypatch, attention, calls):
    model, fast, heard = copy.deepcopy(made("Bert")), effects.sdpa_attention_forward, []
    model.set_attn_implementation(attention)
    monkeypatch.setattr(effects, "sdpa_attention_forward", lambda *x, **named: heard.append(1) or fast(*x, **named))
    head_effect("No.", (model, its_tokenizer()))
    assert len(heard) == 2*calls  # layers, with all heads and without each


def test_numbers_and_table_are_those_of_slow_loops():
    checkpoint = pair("bert", num_labels=3)
    effect = head_effect(TEXTS, checkpoint)
    maps = attention_maps(TEXTS, checkpoint)
    p, own = effect.logits.double().softmax(-1), effect.base.double().softmax(-1)
    rows = []
    for layer in range(2):
        for head in range(2):
            changes = (p[layer, head].logit() - own.logit()).abs()
            largest = [maps.weights[layer, b, head, q].max() for b in range(3) for q in range(maps.n_tokens)
                       if maps.attention_mask[b, q]]
            rows.append(dict(moved=sum(max(c) for c in changes.tolist())/3, largest=sum(largest).item()/len(largest),
                flips=sum(int(p[layer, head, b].argmax() != own[b].argmax()) for b in range(3))/3))
    table = effect.table()
    assert [*table.columns] == ["moved", "flips", "entropy", "special", "largest"]
    for name in rows[0]: assert table[name].tolist() == pytest.approx([row[name] for row in rows], rel=1e-4)
    pd.testing.assert_frame_equal(table[["entropy", "special"]], summarize(maps)[["entropy", "special"]])
    for name in ("entropy", "special", "largest"):
        assert effect.agreement()[name] == pytest.approx(spearmanr(table.moved, table[name]).statistic)


def test_what_is_shown_says_all():
    base = torch.tensor([[5., 0], [0, 5]])  # of two texts
    logits = base.expand(2, 3, 2, 2).clone()  # 2 layers, 3 heads
    logits[0, 1, :, 0] += 1
    logits[1, 0, 0, 1] += 8
    effect = HeadEffect(logits, base, False, ["one", "two"], "none", ())
    html = effect._repr_html_()
    cell = '<td[^>]*background:(.*?)">(.*?)</td>'
    assert re.findall("<th[^>]*>(.*?)</th>", html) == ["layer", "head 0", "head 1", "head 2", "0", "1"]
    colours = [(shade(.5*share), value) for share, value in (
        (0, "0.00"), (.25, "1.00"), (0, "0.00"), (1, "4.00 ⇄"), (0, "0.00"), (0, "0.00"))]
    assert re.findall(cell, html) == colours
    said = "HeadEffect: 2 layers × 3 heads, 2 texts; the answer moves most, by 4.00, where head 0 of layer 1 is hidden"
    assert repr(effect) == said and said in html
    assert repr(replace(effect, keep=True)).endswith("is the only one of its layer")
    one = replace(effect, texts=["one"], logits=logits[:, :, 1:]*torch.nan, base=base[1:])
    one.logits[0, 0] = torch.tensor([0, 5.25])
    with pytest.raises(FrozenInstanceError): one.keep = True
    assert "1 text;" in repr(one) and {one} and replace(one) != one
    found = re.findall(cell, one._repr_html_())
    assert found[0] == (shade(.5), "0.25") and found[1][0] == shade(0.) and "nan" in found[1][1]


@pytest.mark.parametrize("options, function", [
    (dict(num_labels=5), "softmax"), (dict(num_labels=1), "sigmoid"),
    (dict(num_labels=4, problem_type="multi_label_classification"), "sigmoid"),
    (dict(num_labels=1, problem_type="regression"), "none")])
def test_other_kinds_of_answers(options, function):
    effect = head_effect(TEXTS, pair("distilbert", **options))
    assert effect.function == function and effect.moved.shape == effect.flips.shape == (2, 2)
    if function != "softmax":
        torch.testing.assert_close(effect.moved, (effect.logits - effect.base).abs().amax(-1).mean(-1))
    if options["num_labels"] == 1: assert not effect.flips.any()


def test_log_odds_of_the_surest_answers():
    sure = torch.tensor([300., -200, 0])
    torch.testing.assert_close(log_odds(sure, "softmax"), torch.tensor([300., -500, -300]))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:torch.quantize_per_tensor")
def test_pairs_half_precision_no_gradients_and_compiled_models():
    model, tokenizer = pair("bert")
    want = head_effect([("A fine film.", "I hate it.")], (model, tokenizer))
    with torch.inference_mode():
        assert head_effect(want.texts, (model, tokenizer)).logits.equal(want.logits)
    assert head_effect(want.texts, (torch.compile(model), tokenizer)).logits.equal(want.logits)
    half = head_effect(want.texts, (copy.deepcopy(model).bfloat16(), tokenizer))
    torch.testing.assert_close(half.logits, want.logits, atol=.2, rtol=.1)
    quantized = torch.ao.quantization.quantize_dynamic(copy.deepcopy(model), {torch.nn.Linear})
    base = logits_of(tokenizer(*want.texts[0], return_tensors="pt"), quantized)
    torch.testing.assert_close(head_effect(want.texts, (quantized, tokenizer)).base, base, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", ["XLNet", "MPNet", "Bloom", "FNet", "Deberta", "Jamba"])
def test_models_whose_heads_cant_be_hidden_say_so(name):
    with pytest.raises(ValueError, match="in a way of its own"): head_effect(TEXTS, (made(name), its_tokenizer()))


@pytest.mark.parametrize("texts, options, kind, said", [
    ([], {}, ValueError, "texts=[] is empty"), (3, {}, TypeError, "texts=3 must be"),
    ([["a"]], {}, ValueError, "has 1 parts"), ("fine "*6000, {}, ValueError, "more than 4,096"),
    ("fine", dict(keep=1), TypeError, "keep=1 must be True or False")])
def test_what_cant_be(texts, options, kind, said):
    with pytest.raises(kind) as e: head_effect(texts, **options)
    assert said in str(e.value)


def test_a_tokenizer_that_isnt_the_models():
    with pytest.raises(ValueError, match="outside the model's vocabulary"):
        head_effect(TEXTS, (made("Bert"), bundled()[1]))


def test_models_for_something_else():
    from transformers import BertConfig, BertForTokenClassification
    config = BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, vocab_size=400)
    with pytest.raises(ValueError, match="AutoModelForSequenceClassification"):
        head_effect(TEXTS, (BertForTokenClassification(config), roberta_tokenizer()))
