"""The logit lens is a loop with the library's own modules, and its last layer the model's answer, for many
architectures and heads; a probe finds what a layer knows; models whose head can't be put elsewhere say so."""
import copy, re
from dataclasses import replace

import pandas as pd, pytest, torch
from architectures import TEXTS, model as made, tokenizer
from tiny_models import bundled, pair as tiny
from transformers import (AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForQuestionAnswering,
                          AutoModelForSequenceClassification, AutoModelForTokenClassification)

from study_group.attending.lens import MOST_ANSWERS, logit_lens
from study_group.attending.probing import _fit, _half, _one_state, layer_probe
from study_group.core.checkpoints import BUNDLED, CheckpointError
from study_group.data import bundled_reviews

close = dict(atol=1e-4, rtol=1e-4)
LABELS, TAGS = AutoModelForSequenceClassification, AutoModelForTokenClassification
MASKED, NEXT = AutoModelForMaskedLM, AutoModelForCausalLM


def bert_pooled(m, x): return m.classifier((m.bert.pooler.dense(x)).tanh())
def roberta(m, x): return m.classifier.out_proj(m.classifier.dense(x).tanh())
def distil(m, x): return m.vocab_projector(m.vocab_layer_norm(m.activation(m.vocab_transform(x))))
def albert(m, x): return m.classifier(m.albert.pooler(x).tanh())


HEADS = {  # (architecture, auto class) → final norm, and head by hand; x is (batch, n_tokens, hidden)
    ("DistilBert", LABELS): (None, lambda m, x: m.classifier(m.pre_classifier(x).relu())),
    ("Bert", LABELS): (None, bert_pooled), ("Roberta", LABELS): (None, roberta), ("Albert", LABELS): (None, albert),
    ("GPT2", LABELS): ("transformer.ln_f", lambda m, x: m.score(x)),
    ("Llama", LABELS): ("model.norm", lambda m, x: m.score(x)),
    ("MegatronBert", LABELS): ("bert.encoder.ln", bert_pooled),
    ("Bert", TAGS): (None, lambda m, x: m.classifier(x)), ("T5", TAGS): ("transformer.encoder.final_layer_norm",
                                                                      lambda m, x: m.classifier(x)),
    ("Bert", MASKED): (None, lambda m, x: m.cls(x)), ("DistilBert", MASKED): (None, distil),
    ("Roberta", MASKED): (None, lambda m, x: m.lm_head(x)),
    ("GPT2", NEXT): ("transformer.ln_f", lambda m, x: m.lm_head(x)),
    ("Llama", NEXT): ("model.norm", lambda m, x: m.lm_head(x)),
    ("OPT", NEXT): ("model.decoder.final_layer_norm", lambda m, x: m.lm_head(x)),
    ("GPTNeoX", NEXT): ("gpt_neox.final_layer_norm", lambda m, x: m.get_output_embeddings()(x))}


def by_hand(model, norm, head):
    "Logits of each layer and token (layers + 1, batch, n_tokens, n), and the model's own."
    inputs = tokenizer()(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        outputs = model(**inputs, output_hidden_states=True)
        states = list(outputs.hidden_states)  # the last has been through the norm
        if norm: states[:-1] = map(model.get_submodule(norm), states[:-1])
        return torch.stack([head(model, x) for x in states]), outputs.logits


@pytest.mark.parametrize("kind, auto", HEADS, ids=lambda value: getattr(value, "__name__", value))
def test_it_is_a_loop_with_the_librarys_modules(kind, auto):
    model = made(kind, auto)
    lens, (want, own) = logit_lens(TEXTS, (model, tokenizer())), by_hand(model, *HEADS[kind, auto])
    real = tokenizer()(TEXTS, padding=True, return_tensors="pt")["attention_mask"].bool()
    probabilities, best = want.softmax(-1), want.topk(min(MOST_ANSWERS, want.shape[-1]), -1)
    assert lens.probabilities.shape == best.values.shape and lens.n_layers == 2
    torch.testing.assert_close(lens.probabilities[:, real], probabilities.gather(-1, best.indices)[:, real], **close)
    final = want[-1].argmax(-1)
    if auto is LABELS:
        assert lens.reads == ([0, 0] if kind in ("DistilBert", "Bert", "Roberta", "Albert", "MegatronBert")
                              else [n - 1 for n in real.sum(-1).tolist()])
        torch.testing.assert_close(lens.logits[-1, [0, 1], lens.reads], own, **close)
        final = own.argmax(-1)[:, None].expand_as(final)
    else: assert lens.reads is None
    if auto in (LABELS, TAGS): torch.testing.assert_close(lens.logits[:, real], want[:, real], **close)
    else: assert lens.logits is None
    assert lens.final[real].equal(final[real])
    index = final[None, ..., None].expand(3, -1, -1, -1)
    ends = probabilities.gather(-1, index)[..., 0]
    torch.testing.assert_close(lens.final_probability[:, real], ends[:, real], **close)
    ranks = 1 + (want > want.gather(-1, index)).sum(-1)
    assert (lens.final_rank == ranks)[:, real].float().mean() > .99  # equals may change places
    assert (lens.final_rank[-1][real] == 1).all() or auto is LABELS


def test_the_bundled_model_says_what_it_says():
    texts, (model, tokenizer) = ["I love this film.", "I hate this so much!"], bundled()
    lens = logit_lens(texts)
    with torch.no_grad(): logits = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
    torch.testing.assert_close(lens.logits[-1, :, 0], logits, **close)
    assert lens.reads == [0, 0] and lens.names == {0: "NEGATIVE", 1: "POSITIVE"} and lens.function == "softmax"
    assert [lens.answer(6, row, 0)[0][0] for row in (0, 1)] == ["POSITIVE", "NEGATIVE"]
    assert (lens.strength()[-1, :, 0] > .9).all() and (lens.strength().abs()[:5, :, 0] < .2).all()
    says = lens.logits.argmax(-1) == lens.final
    sure = 2*lens.logits.softmax(-1).amax(-1) - 1  # of two labels, none is below one half
    torch.testing.assert_close(lens.strength(), torch.where(says, sure, -sure), **close)
    assert says.any() and not says.all() and {lens} and replace(lens) != lens
    assert lens.probabilities[0, 0, 0].equal(lens.probabilities[0, 1, 0])  # [CLS] has looked at nothing yet
    for checkpoint in (BUNDLED, str(BUNDLED)): assert logit_lens(texts, checkpoint).logits.equal(lens.logits)


def test_a_named_checkpoint_comes_with_its_own_head(tmp_path):
    for kind, auto in (("GPT2", NEXT), ("Bert", MASKED), ("Bert", TAGS), ("Roberta", LABELS)):
        folder = tmp_path/f"{kind}{auto.__name__}"
        made(kind, auto).save_pretrained(folder), tokenizer().save_pretrained(folder)
        assert logit_lens(TEXTS, folder).answers.equal(logit_lens(TEXTS, (made(kind, auto), tokenizer())).answers)
    made("Bert", AutoModel).save_pretrained(tmp_path/"base"), tokenizer().save_pretrained(tmp_path/"base")
    with pytest.raises(ValueError, match="BertModel gives no logits"): logit_lens(TEXTS, tmp_path/"base")
    with pytest.raises(CheckpointError): logit_lens(TEXTS, tmp_path/"nowhere")


@pytest.mark.parametrize("more, function", [(dict(num_labels=1, problem_type="regression"), "none"),
                                            (dict(num_labels=4, problem_type="multi_label_classification"), "sigmoid"),
                                            (dict(num_labels=7), "softmax")])
def test_other_numbers_of_labels(more, function):
    lens = logit_lens(TEXTS, tiny("bert", **more))
    values = dict(none=lens.logits, sigmoid=lens.logits.sigmoid(), softmax=lens.logits.softmax(-1))[function]
    assert lens.function == function and lens.strength().abs().max() <= 1 + 1e-6
    torch.testing.assert_close(lens.probabilities, values.sort(-1, True).values[..., :MOST_ANSWERS])
    assert ("%" in lens.answer(0, 0, 0)[0][1]) == (function != "none")


def settled(model): return [(*vars(part), len(part._forward_hooks), part.training) for part in model.modules()]


@pytest.mark.parametrize("broken", [False, True])
def test_the_model_stays_as_it_was(broken):
    model = copy.deepcopy(made("GPT2", NEXT)).train()
    model(**tokenizer()(TEXTS[0], return_tensors="pt"), output_hidden_states=True)  # leaves hooks of the library's own
    if broken: model.lm_head.forward = lambda x: 1/0
    before, forward = settled(model), model.transformer.forward
    if broken:
        with pytest.raises(ZeroDivisionError): logit_lens(TEXTS, (model, tokenizer()))
    else: logit_lens(TEXTS, (model, tokenizer()))
    assert settled(model) == before and model.transformer.forward == forward


def test_compiled_models_half_precision_and_no_gradients():
    model, want = made("GPT2", NEXT), logit_lens(TEXTS, (made("GPT2", NEXT), tokenizer()))
    with torch.inference_mode(): found = logit_lens(TEXTS, (torch.compile(model), tokenizer()))
    assert found.answers.equal(want.answers)
    half = logit_lens(TEXTS, (copy.deepcopy(model).to(torch.bfloat16), tokenizer()))
    assert half.probabilities.dtype == torch.float32 and (half.probabilities - want.probabilities).abs().mean() < .02


@pytest.mark.parametrize("kind, auto, said", [
    ("T5", LABELS, "reads with an encoder and answers with a decoder"), ("Bart", MASKED, "and answers with a decoder"),
    ("Bert", AutoModel, "gives no logits"), ("Bert", AutoModelForQuestionAnswering, "gives no logits"),
    ("XLM", LABELS, "does more between"), ("Funnel", LABELS, "no states of each token after each layer")])
def test_models_whose_head_cant_be_put_elsewhere(kind, auto, said):
    with pytest.raises(ValueError, match=f"{said}.*: logit_lens needs a model with a head for labels or words"):
        logit_lens(TEXTS, (made(kind, auto), tokenizer()))


def test_a_head_that_reads_several_tokens_at_once():
    model = copy.deepcopy(made("ModernBert", LABELS))
    model.config.classifier_pooling = "mean"
    with pytest.raises(ValueError, match="head that reads several tokens at once"):
        logit_lens(TEXTS, (model, tokenizer()))


def test_too_much_is_refused_before_the_model_runs(monkeypatch):
    monkeypatch.setattr("study_group.attending.lens.layer_states", lambda *_: 1/0)
    monkeypatch.setattr("study_group.attending.lens.MAX_BYTES", 100_000)
    with pytest.raises(ValueError, match=r"2 texts × 29 tokens × 400 words take 0.0 GB.*pass fewer or shorter texts"):
        logit_lens(TEXTS, (made("GPT2", NEXT), tokenizer()))
    with pytest.raises(ZeroDivisionError): logit_lens(TEXTS, (made("GPT2", LABELS), tokenizer()))


def test_a_tokenizer_that_isnt_the_models():
    for call in (logit_lens, lambda texts, checkpoint: layer_probe(texts*2, [0, 1]*2, checkpoint)):
        with pytest.raises(ValueError, match="outside the model's vocabulary"):
            call(TEXTS, (made("GPT2", NEXT), bundled()[1]))


@pytest.mark.parametrize("texts, error", [([], ValueError), (None, TypeError), ([3], TypeError),
                                          ("\ud83d", ValueError)])
def test_texts_that_are_none(texts, error):
    with pytest.raises(error): logit_lens(texts)


def test_its_table_says_all_and_escapes_it():
    lens = logit_lens(["<b>hi</b> \x07", "No."])
    html = lens._repr_html_()
    assert "<b>" not in html and "&lt;" in html and html.count("<table") == 2
    named = replace(lens, names={0: "<i>", 1: '"> <i>\x07'}).table()
    assert "<i>" not in named and "&lt;i&gt;␇" in named and "&quot;&gt;" in named
    table = lens.table(1)
    assert table.count("<tr>") == 1 + 4 and table.count("<td title=") == 4*7  # no pads
    for layer in range(7):
        (name, value), (other, rest) = lens.answer(layer, 1, 0)
        assert f'title="{name} {value}; {other} {rest}"' in table
    assert re.findall("<th [^>]*>(.*?)</th>", table)[:8] == ["", "embed&shy;dings", *"123456"]
    assert "[CLS]</bdi> ←" in table and table.count("←") == 2 and "NEGATIVE" in repr(lens) + "POSITIVE"
    words = logit_lens("a film "*20, (made("GPT2", NEXT), tokenizer()))
    assert "more tokens" in words.table() and "←" not in words.table()
    assert words.names == {i: tokenizer().convert_ids_to_tokens(i) or str(i) for i in words.answers.unique().tolist()}
    assert f"at {words.tokens[0][-1]}: {words.answer(0, 0, -1)[0][0]} " in repr(words)
    assert words.answers.shape[-1] == 5 and len(words.answer(2, 0, 0)) == 5
    with pytest.raises(IndexError, match="row=2 must be"): lens.table(2)
    for n, more in ((8, ""), (9, "… and 1 more texts"), (10, "… and 2 more texts")):
        many = logit_lens(["so"]*n)
        html = many._repr_html_()
        assert html.count("<table") == 8 == repr(many).count("'so', at [CLS]")
        assert ("more texts" in html) == ("more texts" in repr(many)) == (more != "")
        assert more in html and repr(many).endswith(more)


# the probe

def fit_by_hand(x, y, n):
    "The same regression, by another optimizer."
    head = torch.nn.Linear(x.shape[1], n)
    for p in head.parameters(): torch.nn.init.zeros_(p)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=500, line_search_fn="strong_wolfe")
    def loss():
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(head(x), y) + .003*head.weight.square().sum()
        value.backward()
        return value
    optimizer.step(loss)
    return head


def test_a_probe_reads_what_each_layer_knows():
    reviews, (model, tokenizer) = bundled_reviews()[:80], bundled()
    found = layer_probe(reviews.text, reviews.label, seed=3)
    assert isinstance(found, pd.Series) and list(found.index) == list(range(7)) and found.name == "accuracy"
    assert found[5] > .7 and found[0] < .62 and found.equals(layer_probe(reviews.text, reviews.label, seed=3))
    inputs = tokenizer(reviews.text.tolist(), padding=True, return_tensors="pt")
    with torch.no_grad(): states = model(**inputs, output_hidden_states=True).hidden_states[5][:, 0]
    half, y = _half(reviews.label.tolist(), 3), torch.tensor(reviews.label.tolist())
    assert half.sum() == sum(n//2 for n in reviews.label.value_counts())
    torch.testing.assert_close(_one_state(reviews.text.tolist(), model, tokenizer, 30)[5], states, **close)
    want, got = fit_by_hand(states[half], y[half], 2), _fit(states[half], y[half], 2)
    assert (got.weight - want.weight).norm() < .1*want.weight.norm()
    assert got.weight.equal(_fit(states[half], y[half], 2).weight)  # nothing of it is drawn
    right = want(states[~half]).argmax(-1) == y[~half]
    assert abs(right.float().mean() - found[5]) < .06


@pytest.mark.parametrize("kind", ["GPT2", "T5", "Roberta"])
def test_a_probe_finds_the_last_word_or_a_word(kind):
    "Of random models, too: a text's last token tells its own word, and [CLS] sees it."
    texts = [f"{'so '*(i % 5)}{word}" for i in range(24) for word in ("film", "ever")]
    labels = [text[-4:] for text in texts]
    found = layer_probe(texts, labels, (made(kind, AutoModel), tokenizer()))
    assert len(found) == 3 and found[2] > .8
    with torch.inference_mode(): assert layer_probe(texts, labels, (made(kind, AutoModel), tokenizer())).equals(found)


@pytest.mark.parametrize("texts, labels, error, said", [
    (["so", "no"], [1], ValueError, "labels has 1 values for 2 texts"),
    (["so", "no"], [1, 0], ValueError, "twice or more"),
    (["so"]*4, [1]*4, ValueError, r"labels=\[1, 1, 1, 1\] must have two kinds"), (None, [1], TypeError, "texts=None")])
def test_labels_that_cant_be_learned(texts, labels, error, said):
    with pytest.raises(error, match=said): layer_probe(texts, labels)
