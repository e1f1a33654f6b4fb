"""What an answer hangs on: each method equal to Captum's for many architectures, whatever texts come together;
integrals that sum up, or warn; the model left as it was; words, tables and pictures; models and calls that can't be."""
import copy, re, warnings
from dataclasses import replace

import numpy as np, pytest, torch
from architectures import model as made, tokenizer as its_tokenizer
from captum.attr import FeatureAblation, LayerGradientXActivation, LayerIntegratedGradients
from nasty import NASTY, SHORT
from scipy.stats import spearmanr
from tiny_models import TEXTS, bundled, gpt2_tokenizer, model as small, pair, roberta_tokenizer, wordpiece

from study_group.attending import alone
from study_group.attending.agreement import rank_agreement
from study_group.attending.attributions import METHODS, attribution
from study_group.core.html import shade
from study_group.core.running import run_model, text_part
from study_group.data import bundled_reviews

KINDS = "DistilBert", "Bert", "Roberta", "GPT2", "ModernBert", "Llama", "Albert", "Bart", "T5"
OCCLUSION, TIMES_INPUT, INTEGRATED = METHODS
BASELINE = "a"  # a token that no tiny tokenizer calls special


def what_decoder_reads(model, inputs) -> dict:
    "The ids that a model with encoder and decoder makes of the encoder's for its decoder; nothing for others."
    if not model.config.is_encoder_decoder: return {}
    seen = []
    hook = model.get_decoder().register_forward_pre_hook(lambda part, args, named: seen.append(named["input_ids"]),
                                                         with_kwargs=True)
    run_model(inputs, model)
    hook.remove()
    return dict(decoder_input_ids=seen[0])


def reading(model, text, tokenizer):
    "Inputs of one text, those of its baseline, and a function of ids that gives logits, for Captum."
    inputs = dict(tokenizer(text, return_tensors="pt", return_special_tokens_mask=True))
    stays = inputs.pop("special_tokens_mask").bool()
    inputs |= what_decoder_reads(model, inputs)
    baseline = inputs["input_ids"].where(stays, tokenizer.convert_tokens_to_ids(BASELINE))

    def forward(ids):
        rows = {name: x.expand(len(ids), -1) for name, x in inputs.items()}
        return run_model(rows | dict(input_ids=ids), model).logits
    return inputs["input_ids"], baseline, forward


def captums(method: str, model, ids, baseline, forward, label: int, steps: int) -> torch.Tensor:
    "What Captum gives each token of one text, (n_tokens,)."
    table = text_part(model).get_input_embeddings()
    if method == OCCLUSION: return FeatureAblation(forward).attribute(ids, baselines=baseline, target=label)[0]
    if method == TIMES_INPUT: return LayerGradientXActivation(forward, table).attribute(ids, target=label)[0].sum(-1)
    found = LayerIntegratedGradients(forward, table).attribute(ids, baselines=baseline, target=label, n_steps=steps)
    return found[0].sum(-1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.filterwarnings("ignore:texts")  # some integrals of these rough models never sum up
def test_values_are_captums(name, method):
    model, tokenizer = made(name), its_tokenizer()
    found = attribution(TEXTS, (model, tokenizer), method=method, baseline=BASELINE, steps=10)
    for row, text in enumerate(TEXTS):
        ids, baseline, forward = reading(model, text, tokenizer)
        logits = forward(ids)[0]
        label = int(logits.argmax())
        assert found.labels[row] == model.config.id2label[label]
        torch.testing.assert_close(found.logit[row], logits[label], atol=1e-5, rtol=1e-5)
        want = captums(method, model, ids, baseline, forward, label, found.steps[row])
        torch.testing.assert_close(found.values[row], want.float(), atol=2e-5, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:texts")
@pytest.mark.parametrize("method", METHODS)
def test_a_decoder_that_shares_the_encoders_table_reads_the_tokens(method):
    "The library's models have two tables of the same weights; after `set_input_embeddings`, one."
    model, tokenizer = copy.deepcopy(made("Bart")), its_tokenizer()
    want = attribution(TEXTS, (model, tokenizer), method=method, steps=5)
    model.set_input_embeddings(model.get_encoder().embed_tokens)
    assert model.get_encoder().embed_tokens is model.get_decoder().embed_tokens
    again = attribution(TEXTS, (model, tokenizer), method=method, steps=5)
    for a, b in zip(again.values, want.values): torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_values_of_the_bundled_model_are_captums_and_integrals_sum_up(method):
    model, tokenizer = bundled()
    texts = bundled_reviews().text[:2].tolist()
    found = attribution(texts, method=method, baseline=BASELINE, label="POSITIVE")
    for row, text in enumerate(texts):
        ids, baseline, forward = reading(model, text, tokenizer)
        want = captums(method, model, ids, baseline, forward, 1, found.steps[row] or 50)
        torch.testing.assert_close(found.values[row], want.float(), atol=2e-5, rtol=1e-4)
        with torch.no_grad(): ends = forward(torch.cat([ids, baseline]))[:, 1]
        torch.testing.assert_close(found.logit[row], ends[0], atol=1e-5, rtol=1e-5)
        if method == TIMES_INPUT: assert found.gap[row].isnan()
        else:
            torch.testing.assert_close(found.baseline_logit[row], ends[1], atol=1e-5, rtol=1e-5)
            gap = found.values[row].sum() - (ends[0] - ends[1])
            torch.testing.assert_close(found.gap[row], gap, atol=1e-4, rtol=1e-4)
        if method == INTEGRATED: assert found.gap[row].abs() <= .0101*(ends[0] - ends[1]).abs()


def test_too_few_steps_become_more():
    texts = bundled_reviews().text[:1].tolist()
    found = attribution(texts, method=INTEGRATED, steps=1)
    assert min(found.steps) > 1 and (found.gap.abs() <= .0101*(found.logit - found.baseline_logit).abs()).all()


def test_a_sum_that_is_off_by_what_logits_are_rounded_is_no_wrong_sum():
    model, tokenizer = pair("bert")
    with torch.no_grad():
        model.classifier.weight *= 1e-7
        model.classifier.bias.copy_(torch.tensor([3., -3]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert attribution(TEXTS, (model, tokenizer), method=INTEGRATED, steps=3).steps == [3]*3


@pytest.mark.filterwarnings("ignore:texts")
def test_integrals_that_dont_sum_up_are_told(monkeypatch):
    monkeypatch.setattr("study_group.attending.attributions.MOST_STEPS", 4)
    with pytest.warns(UserWarning, match=r"texts\[1\]: integrated gradients sum to .* with steps=.*: don't trust them"):
        attribution(TEXTS, pair("bert"), method=INTEGRATED, steps=2)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore:texts")
def test_it_doesnt_matter_which_texts_come_together_or_how_many_fit_into_a_run(method, monkeypatch):
    checkpoint = made("Llama"), its_tokenizer()
    together = attribution(TEXTS, checkpoint, method=method, steps=10)
    for tokens in (1, 40, 10_000):
        monkeypatch.setattr(alone, "TOKENS", tokens)
        for row, text in enumerate(TEXTS):
            torch.testing.assert_close(attribution(text, checkpoint, method=method, steps=10).values[0],
                                       together.values[row], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore:texts")
def test_the_model_is_left_as_it_was_even_without_gradients(method):
    model, tokenizer = copy.deepcopy(made("Bert")), its_tokenizer()
    want = attribution(TEXTS, (model, tokenizer), method=method).values
    model.train().requires_grad_(False)
    next(model.parameters()).requires_grad_(True)
    before = {name: (p.detach().clone(), p.requires_grad) for name, p in model.named_parameters()}
    hooks = [len(part._forward_hooks) for part in model.modules()]
    with torch.no_grad(): again = attribution(TEXTS, (model, tokenizer), method=method).values
    for a, b in zip(again, want): torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
    assert all(part.training for part in model.modules())
    assert hooks == [len(part._forward_hooks) for part in model.modules()]
    for name, p in model.named_parameters():
        assert p.equal(before[name][0]) and p.requires_grad == before[name][1] and p.grad is None


def test_what_has_no_gradients_says_so_and_can_be_occluded():
    model, tokenizer = pair("bert")
    want = attribution(TEXTS, (model, tokenizer))
    with torch.inference_mode():
        for a, b in zip(attribution(TEXTS, (model, tokenizer)).values, want.values): assert a.equal(b)
        for method in METHODS[1:]:
            with pytest.raises(ValueError, match="call this outside of it"):
                attribution("a", (model, tokenizer), method=method)
        made_there = pair("bert")
    with pytest.raises(ValueError, match="was loaded under torch.inference_mode"):
        attribution("a", made_there, method=INTEGRATED)
    for a, b in zip(attribution(TEXTS, made_there).values, want.values): torch.testing.assert_close(a, b)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:torch.quantize_per_tensor", "ignore:texts")
def test_quantized_compiled_and_half_precision_models():
    model, tokenizer = pair("bert")
    quantized = torch.ao.quantization.quantize_dynamic(copy.deepcopy(model), {torch.nn.Linear}), tokenizer
    assert all(values.isfinite().all() for values in attribution(TEXTS, quantized).values)
    for method in METHODS[1:]:
        with pytest.raises(ValueError, match="is quantized, and lets no gradient through"):
            attribution(TEXTS, quantized, method=method)
        want = attribution(TEXTS[:1], (model, tokenizer), method=method).values[0]
        assert attribution(TEXTS[:1], (torch.compile(model), tokenizer), method=method).values[0].equal(want)
        half = attribution(TEXTS[:1], (copy.deepcopy(model).bfloat16(), tokenizer), method=method).values[0]
        assert half.dtype == torch.float32 and np.corrcoef(half, want)[0, 1] > .95


def test_special_tokens_stay_and_labels_are_named():
    checkpoint = pair("bert", num_labels=3)
    found = attribution(["A fine [SEP] film.", ("one", "two")], checkpoint)
    for row, kinds in enumerate(found.kinds):
        special = [value.item() for value, kind in zip(found.values[row], kinds) if kind == "special"]
        assert len(special) >= 3 and not any(special)
    assert found.baseline == "[MASK]" and found.tokens[1] == ["[CLS]", "one", "[SEP]", "two", "[SEP]"]
    for label in (2, "LABEL_2", -1): assert attribution("fine", checkpoint, label=label).labels == ["LABEL_2"]
    empty = attribution("", checkpoint, method=INTEGRATED)
    assert empty.values[0].tolist() == [0, 0] and empty.gap.item() == 0


def test_the_baseline_is_the_mask_else_a_pad_else_unknown():
    makers = (wordpiece, "bert", "[MASK]"), (gpt2_tokenizer, "gpt2", "<pad>"), (roberta_tokenizer, "roberta", "<pad>")
    for maker, kind, want in makers: assert attribution("a fine film", (small(kind), maker())).baseline == want
    unknown = gpt2_tokenizer(pad_token=None, unk_token="<unk>")
    assert attribution("a fine film", (small("gpt2"), unknown)).baseline == "<unk>"
    with pytest.raises(ValueError, match="no token of this tokenizer stands for nothing; pass one"):
        attribution("a fine film", (small("gpt2"), gpt2_tokenizer(pad_token=None)))


def test_words_are_the_sums_of_their_tokens():
    found = attribution(["I've been to a HuggingFace course!", "fine"])
    words = found.by_word(0)
    assert words.equals(found.by_word()) and found.table().equals(found.table(0))
    assert words.word.tolist()[5:9] == ["to", "a", "huggingface", "course"]
    table = found.table(0)
    assert words.value.sum() == pytest.approx(table.value.sum(), abs=1e-5)
    pieces = table.token.str.fullmatch("hugging|##face")
    assert words.set_index("word").value["huggingface"] == pytest.approx(table.value[pieces].sum(), abs=1e-6)
    assert attribution("").by_word().word.tolist() == ["[CLS]", "[SEP]"]
    with pytest.raises(ValueError, match="has no words that"):
        attribution("我爱你们", (small("roberta"), roberta_tokenizer())).by_word()
    for call in (found.by_word, found.table):
        with pytest.raises(IndexError, match="row=2 must be"): call(2)


@pytest.mark.parametrize("name", SHORT)
def test_any_text_can_be_attributed_and_drawn(name):
    found = attribution([NASTY[name], "fine"], pair("bert"))
    page = found._repr_html_()
    assert page.count("<bdi") == sum(map(len, found.tokens))
    assert repr(found).startswith("Attribution by occlusion, 2 texts")
    assert "<script" not in page and "<img" not in page


def test_what_is_shown_says_all():
    found = attribution(["fine film", "fine "*30], pair("bert"))
    n = len(found.tokens[1])
    assert n > 24 and repr(found).endswith(" …") and "…" not in repr(found).splitlines()[1]
    assert repr(found).splitlines()[2].count(" fine ") == 23  # [CLS], too
    page = replace(found, values=[torch.tensor([torch.nan, .5, -1, 0]), found.values[1]])._repr_html_()
    first = page.partition("</p>")[0]
    shares = [shade(.55*share) for share in (0, .5, -1, 0)]
    assert re.findall("<bdi[^>]*background:(.*?)\"", first) == shares
    assert re.findall("<small[^>]*>(.*?)<", first) == ["+nan", "+0.50", "−1.00", "0"]
    legend = re.findall("background:([^<]*?)\">([^<]*?)</span>", page.rpartition("<p")[2])
    assert legend == [(shade(.55), "+ for the label"), (shade(-.55), "− against it")]
    logit, nothing = f"{found.logit[0]:.2f}", f"{found.baseline_logit[0]:.2f}"
    assert f"{found.labels[0]}: logit {logit}; of [MASK] in all places {nothing}" in page
    assert {found} and replace(found) != found


def test_a_tokenizer_that_isnt_the_models():
    with pytest.raises(ValueError, match="outside the model's vocabulary"):
        attribution(TEXTS, (made("Bert"), bundled()[1]))


@pytest.mark.parametrize("options, kind, said", [
    (dict(method="guess"), ValueError, "method='guess' isn't one of 'occlusion', 'gradient × input'"),
    (dict(method=None), ValueError, "method=None"), (dict(steps=0), ValueError, "steps=0 must be a positive"),
    (dict(steps=2.5), ValueError, "steps=2.5"), (dict(label="good"), ValueError, "isn't one of 'NEGATIVE', 'POSITIVE'"),
    (dict(label=2), IndexError, "label=2 must be a whole number from 0 to 1"),
    (dict(label=1.), IndexError, "label=1.0"),
    (dict(baseline="no such token"), ValueError, "must be a token of the vocabulary; pass one as it writes it"),
    (dict(baseline=103), ValueError, "baseline=103"), (dict(texts=[]), ValueError, "texts=[] is empty"),
    (dict(texts="fine "*6000), ValueError, "more than 4,096"), (dict(texts=1), TypeError, "texts=1 must be")])
def test_what_cant_be(options, kind, said):
    with pytest.raises(kind) as e: attribution(**dict(texts="fine") | options)
    assert said in str(e.value)


def test_models_without_a_table_or_a_label():
    with pytest.raises(ValueError, match="from a table of embeddings"): attribution("fine film", pair("canine"))
    from transformers import BertConfig, BertForTokenClassification
    config = BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, vocab_size=400)
    with pytest.raises(ValueError, match="AutoModelForSequenceClassification"):
        attribution("fine", (BertForTokenClassification(config), roberta_tokenizer()))


# which picture foretells what hiding does

@pytest.mark.filterwarnings("ignore:texts")
@pytest.mark.parametrize("name, reads", [("DistilBert", "first"), ("GPT2", "last"), ("Llama", "last"), ("Bart", "all")])
def test_rank_agreement_is_that_of_a_slow_loop(name, reads):
    model, tokenizer = copy.deepcopy(made(name)), its_tokenizer()
    got = rank_agreement(TEXTS, (model, tokenizer))
    assert [*got.columns] == ["text", "attention", *METHODS] and got.text.tolist() == TEXTS
    found = {method: attribution(TEXTS, (model, tokenizer), method=method) for method in METHODS}
    assert not any(part._forward_hooks for part in model.modules())
    model.set_attn_implementation("eager")
    for row, text in enumerate(TEXTS):
        inputs = tokenizer(text, return_tensors="pt")
        real = [kind != "special" for kind in found[OCCLUSION].kinds[row]]
        with torch.no_grad():
            outputs, effect = run_model(inputs, model, output_attentions=True), []
            for i in range(inputs["input_ids"].shape[1]):
                hidden = dict(inputs, attention_mask=inputs["attention_mask"].clone())
                hidden["attention_mask"][0, i] = 0
                effect.append((run_model(hidden, model).logits - outputs.logits)[0, outputs.logits[0].argmax()].item())
        last = (outputs.get("encoder_attentions") or outputs["attentions"])[-1][0].mean(0)
        named = dict(attention={"first": last[0], "last": last[-1], "all": last.mean(0)}[reads],
                     **{method: found[method].values[row] for method in METHODS})
        effect = np.abs(effect)[real]
        for what, values in named.items():
            want = spearmanr(effect, values.abs().numpy()[real]).statistic
            assert got[what][row] == pytest.approx(want, abs=.05), what


def test_a_text_of_one_word_has_no_ranks():
    assert rank_agreement(["fine", ""]).drop(columns="text").isna().all(axis=None)
