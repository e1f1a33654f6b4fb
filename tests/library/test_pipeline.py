"trace against the library's own pipeline on tiny random models of four kinds; hostile texts; strips and their memory."
import gc
from functools import cache
from html.parser import HTMLParser

import pytest
import torch, transformers
from hypothesis import given, settings, strategies as st
from tiny_models import (ARCHITECTURES, PROBLEMS, TEXTS, assert_same, bundled, gpt2_tokenizer, library, model,
                         pair, tokenizer, wordpiece)
from traitlets import TraitError
from transformers import pipeline

from study_group.widgets import pipeline_strip
from study_group.checkpoints import HEADS
from study_group.pipeline import Trace, trace
from study_group.widgets.pipeline_strip import PipelineStrip, read_by_head


# the same as the library

@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_predictions_are_those_of_the_library(architecture, problem):
    checkpoint = pair(architecture, **PROBLEMS[problem])
    classify = library(checkpoint)
    for texts in (TEXTS[1], TEXTS[:1], TEXTS):
        for options in ({}, dict(top_k=1), dict(top_k=2), dict(top_k=None)):
            assert_same(trace(texts, checkpoint, **options).predictions, classify(texts, **options))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_predictions_by_folder_are_those_of_the_library(architecture, tmp_path):
    for part in pair(architecture, num_labels=3): part.save_pretrained(tmp_path)
    want = pipeline("text-classification", str(tmp_path), device="cpu")(TEXTS, truncation=True, top_k=None)
    assert_same(trace(TEXTS, tmp_path, top_k=None).predictions, want)


@pytest.mark.parametrize("function", ["softmax", "sigmoid", "none", "SIGMOID", None])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_each_function_to_apply_is_the_librarys(problem, function):
    checkpoint, options = pair("distilbert", **PROBLEMS[problem]), dict(function_to_apply=function)
    for more in (options, options | dict(top_k=None)):
        assert_same(trace(TEXTS, checkpoint, **more).predictions, library(checkpoint)(TEXTS, **more))


HOSTILE = [
    "<script>alert(1)</script>", "</td></table><img src=x onerror=alert(1)>", "\"'`&lt;b&gt; &amp;",
    "\0\x1b[31m\x7f\r\n\t", "👩\u200d👩\u200d👧\u200d👦", "مرحبا بالعالم", "\u202eevil\u202c", "e\u0301\u0301\u0301",
    "[CLS] [SEP] [PAD] [MASK]", "", " ", "a"*300, "不错的电影"]
any_text = st.text(max_size=30) | st.text("😀🎬 a\u200d\u200f\u05d0\u0627<&\0", max_size=9) | st.sampled_from(HOSTILE)


@cache
def bundled_pipeline(): return library(bundled())


@settings(deadline=None, max_examples=40)
@given(st.lists(any_text, min_size=1, max_size=3))
def test_any_text_is_classified_as_the_library_does(texts):
    classify = bundled_pipeline()
    got = trace(texts)
    assert_same(got.predictions, classify(texts))
    assert got.texts == texts and [len(t) for t in got.tokens] == [got.input_ids.shape[1]]*len(texts)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_tokenizer_that_pads_on_the_left_changes_nothing(architecture):
    checkpoint = model(architecture), tokenizer(architecture, padding_side="left")
    assert_same(trace(TEXTS, checkpoint).predictions, library(checkpoint)(TEXTS))


def test_half_precision_models_work():
    checkpoint = pair("bert", num_labels=3)
    want = library(checkpoint)(TEXTS)
    checkpoint[0].to(torch.bfloat16)
    got = trace(TEXTS, checkpoint)
    assert [p["label"] for p in got.predictions] == [p["label"] for p in want]
    assert [p["score"] for p in got.predictions] == pytest.approx([p["score"] for p in want], abs=.05)
    assert {t.dtype for t in (got.logits, got.probabilities, *got.hidden_states)} == {torch.float32}
    assert "LABEL_2" in got.widget().html()


# what a trace holds

@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_hidden_states_are_those_of_the_model(architecture):
    checkpoint = pair(architecture, num_labels=5)
    got = trace(TEXTS, checkpoint)
    with torch.no_grad(): want = checkpoint[0].base_model(**got.encodings).last_hidden_state
    assert [tuple(h.shape) for h in got.hidden_states] == [(3, got.input_ids.shape[1], 32)]*3
    torch.testing.assert_close(got.hidden_states[-1], want, atol=1e-5, rtol=1e-5)
    assert got.logits.shape == got.probabilities.shape == (3, 5)
    torch.testing.assert_close(got.probabilities, got.logits.softmax(-1))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_tokens_ids_and_mask_go_together(architecture):
    checkpoint = pair(architecture)
    got = trace(TEXTS, checkpoint)
    alone = [checkpoint[1](text).input_ids for text in TEXTS]
    assert [ids[mask.bool()].tolist() for ids, mask in zip(got.input_ids, got.attention_mask)] == alone
    assert got.tokens == [checkpoint[1].convert_ids_to_tokens(ids) for ids in got.input_ids.tolist()]
    assert got.input_ids.shape[1] == max(map(len, alone))
    assert ("token_type_ids" in got.encodings) == (architecture == "bert")


def test_a_trace_says_which_function_was_applied():
    assert [trace("ok", pair("distilbert", **p)).function for p in PROBLEMS.values()] == [
        "softmax", "softmax", "sigmoid", "sigmoid", "none"]


# too long, too short

def test_a_text_of_ten_thousand_words_is_cut_and_says_so():
    text = "word "*10_000
    got = trace(text)
    assert got.input_ids.shape == (1, 512) and got.n_cut(0) == 10_002 - 512
    said, strip = "9,490 tokens were cut off", got.widget()
    assert said in repr(got) and said in strip.html() and strip._detail["cut"] == 9_490
    assert_same(got.predictions, bundled_pipeline()(text))
    for n in (1, 510): assert "cut off" not in repr(trace("word "*n))


def test_a_text_too_long_without_truncation_is_an_error_with_the_remedy():
    with pytest.raises(ValueError, match="10,002 tokens.* 512.*truncation=True"):
        trace("word "*10_000, truncation=False)
    assert trace("word "*510, truncation=False).input_ids.shape == (1, 512)


@pytest.mark.parametrize("architecture, least", dict(distilbert=2, bert=2, roberta=2, gpt2=1, canine=2).items())
def test_a_max_length_without_room_for_special_tokens_is_an_error_with_the_remedy(architecture, least):
    checkpoint = pair(architecture)
    for length in range(1, least):
        for truncation in (True, False):
            with pytest.raises(ValueError, match=f"max_length={length} .*2 special tokens.* at least {least}, or None"):
                trace(TEXTS[0], checkpoint, max_length=length, truncation=truncation)
    length = max(least, getattr(checkpoint[0].config, "downsampling_rate", 1))
    assert trace(TEXTS[0], checkpoint, max_length=length).input_ids.shape == (1, length)


@pytest.mark.parametrize("length", [2, 3, 7])
def test_max_length_is_the_librarys(length):
    assert_same(trace(TEXTS, max_length=length).predictions, bundled_pipeline()(TEXTS, max_length=length))
    assert trace(TEXTS[1], max_length=length).input_ids.shape == (1, length)


def test_a_max_length_above_the_models_is_an_error_only_for_texts_that_need_it():
    assert_same(trace("ok", max_length=600).predictions, trace("ok").predictions)
    with pytest.raises(ValueError, match="600 tokens.* 512.*max_length=None"): trace("word "*700, max_length=600)


def test_without_a_limit_of_the_tokenizer_the_models_positions_count():
    checkpoint = model("distilbert", max_position_embeddings=20), wordpiece(model_max_length=int(1e30))
    got = trace("word "*30, checkpoint)
    assert got.input_ids.shape == (1, 20)
    assert_same(got.predictions, library(checkpoint)("word "*30, max_length=20))


def test_the_models_positions_count_where_the_tokenizer_allows_more():
    checkpoint = model("distilbert", max_position_embeddings=20), wordpiece()
    assert trace("word "*30, checkpoint).input_ids.shape == (1, 20)


def test_robertas_first_two_positions_are_not_for_tokens():
    checkpoint = model("roberta"), tokenizer("roberta", model_max_length=int(1e30))
    assert trace("word "*60, checkpoint).input_ids.shape == (1, 64)


def test_a_model_without_any_limit_works():
    assert trace("word "*30, (model("xlnet"), wordpiece(model_max_length=int(1e30)))).input_ids.shape == (1, 32)


def test_a_model_that_reads_the_last_token_is_padded_on_the_left():
    checkpoint = model("xlnet", pad_token_id=0), wordpiece()
    assert_same(trace(TEXTS, checkpoint).predictions, library(checkpoint)(TEXTS))


# without a padding token

def unpadded(): return model("gpt2", pad_token_id=None), gpt2_tokenizer(pad_token=None)


def test_one_text_needs_no_padding_token():
    for texts in (TEXTS[0], TEXTS[:1]): assert_same(trace(texts, unpadded()).predictions, library(unpadded())(texts))


def test_ragged_texts_without_a_padding_token_are_an_error_with_the_remedy():
    with pytest.raises(ValueError, match=r"no padding token.*add_pad_token\(tokenizer, model\)"):
        trace(TEXTS, unpadded())


@pytest.mark.parametrize("texts, models, tokenizers", [
    pytest.param(TEXTS[:1]*2, None, None, id="none at all"), pytest.param(TEXTS, None, "<pad>", id="one"),
    pytest.param(TEXTS, 2, "<pad>", id="two that differ")])
def test_padding_that_the_model_would_read_is_an_error_with_the_remedy(texts, models, tokenizers):
    checkpoint = model("gpt2", pad_token_id=models), gpt2_tokenizer(pad_token=tokenizers)
    remedy = r"add_pad_token\(tokenizer, model\)|set model.config.pad_token_id = tokenizer.pad_token_id"
    with pytest.raises(ValueError, match=remedy): trace(texts, checkpoint)


def test_padding_that_the_mask_hides_may_be_any_token():
    checkpoint = model("bert", pad_token_id=5), tokenizer("bert")
    assert_same(trace(TEXTS, checkpoint).predictions, library(checkpoint)(TEXTS))


@pytest.mark.parametrize("texts", [TEXTS[0], TEXTS], ids=["one", "many"])
def test_a_tokenizer_that_gives_no_mask_works(texts):
    checkpoint = model("distilbert"), wordpiece(model_input_names=["input_ids"])
    assert_same(trace(texts, checkpoint).predictions, library(checkpoint)(texts))


def test_a_text_without_tokens_is_an_error():
    with pytest.raises(ValueError, match="gives no tokens"): trace("", pair("gpt2"))


def test_a_text_without_tokens_is_an_error_beside_others_too():
    with pytest.raises(ValueError, match="no tokens"): trace(["", "A fine film."], pair("gpt2"))


# what can't be traced

@pytest.mark.parametrize("texts, error, words", [
    (None, TypeError, "texts=None"), (5, TypeError, "texts=5"), (b"x", TypeError, "bytes"),
    ({"text": "x"}, TypeError, "dict"), (iter(["x"]), TypeError, "list_iterator"),
    (["a", None], TypeError, r"texts\[1\]=None"), ([["a", "b"]], TypeError, r"texts\[0\]"),
    ([], ValueError, r"texts=\[\] is empty"),
    (["a", "b\udc80"], ValueError, r"texts\[1\] has half a character")], ids=range(9))
def test_what_is_no_text_is_named(texts, error, words):
    with pytest.raises(error, match=words): trace(texts)


@pytest.mark.parametrize("options", [
    dict(top_k=0), dict(top_k=-1), dict(top_k="2"), dict(top_k=1.5), dict(max_length=0), dict(max_length="3"),
    dict(function_to_apply="tanh"), dict(topk=1), dict(padding=True)], ids=str)
def test_options_that_mean_nothing_are_named(options):
    (name, value), = options.items()
    with pytest.raises((TypeError, ValueError), match=f"{name}={value!r}|no option {name}"): trace("x", **options)


def test_a_tokenizer_with_a_bigger_vocabulary_is_not_the_models_own():
    with pytest.raises(ValueError, match="outside the model's vocabulary of 100: this tokenizer isn't the model's own"):
        trace(TEXTS, (model("bert", vocab_size=100), wordpiece()))


def test_a_model_whose_embeddings_have_no_size_works():
    checkpoint = pair("ibert")
    assert_same(trace(TEXTS, checkpoint).predictions, library(checkpoint)(TEXTS))


@pytest.mark.parametrize("size", [30_522, 1000], ids=["its own", "smaller"])
def test_a_vocabulary_without_embeddings_to_count_is_the_configs(size):
    checkpoint = pair("ibert", vocab_size=size)
    if size == 30_522: trace(TEXTS, checkpoint)
    else:
        with pytest.raises(ValueError, match="outside the model's vocabulary of 1,000"): trace(TEXTS, checkpoint)


@pytest.mark.parametrize("texts", [TEXTS[0], TEXTS[1:2], ["A good film", "I hate that"]], ids=["one", "list", "two"])
def test_a_model_without_input_embeddings_works(texts):
    checkpoint = pair("canine")
    with pytest.raises(NotImplementedError): checkpoint[0].get_input_embeddings()
    got, classify = trace(texts, checkpoint, top_k=None), library(checkpoint)
    assert_same(got.predictions, classify(texts, top_k=None))
    assert [h.shape for h in got.hidden_states] == [(len(got.texts), got.input_ids.shape[1], 32)]*4
    strip = PipelineStrip(texts, checkpoint)
    for strip.layer in range(4): assert "LABEL_1" in strip.html() and "LABEL_1" in repr(strip)


@pytest.mark.parametrize("text", ["", "a", ["", ""]], ids=repr)
def test_a_text_too_short_for_a_model_that_downsamples_is_an_error_with_the_remedy(text):
    with pytest.raises(ValueError, match="tokens.*at least 4: pass a longer one"): trace(text, pair("canine"))


def test_texts_that_a_model_would_read_with_their_padding_are_an_error_with_the_remedy():
    with pytest.raises(ValueError, match="reads padding.*one at a time"): trace(TEXTS, pair("canine"))


def test_a_table_of_positions_shorter_than_the_config_says_counts():
    checkpoint = pair("canine", num_hash_buckets=20)
    assert checkpoint[0].config.max_position_embeddings > 20
    assert trace(TEXTS[1], checkpoint).input_ids.shape == (1, 20)


def test_a_model_without_a_vector_for_each_token_is_told():
    with pytest.raises(ValueError, match="PerceiverForSequenceClassification .*each token"):
        trace(TEXTS, (model("perceiver"), wordpiece()))


@pytest.mark.parametrize("head", sorted(HEADS.keys() - {"sequence-classification"}))
def test_a_model_without_the_right_head_is_told(head):
    headless = getattr(transformers, HEADS[head]).from_config(model("bert", is_decoder=head == "causal-lm").config)
    with pytest.raises(ValueError, match=f"{type(headless).__name__} doesn't .* load_model"):
        trace("ok", (headless, wordpiece()))


# the pair stays as it was

def test_a_model_in_train_mode_is_run_in_eval_mode_and_stays_in_train_mode():
    checkpoint = pair("bert", hidden_dropout_prob=.5)
    want = trace(TEXTS, checkpoint).predictions
    checkpoint[0].train()
    assert_same(trace(TEXTS, checkpoint).predictions, want)
    assert checkpoint[0].training
    with pytest.raises(ValueError): trace("x "*600, checkpoint, truncation=False)
    assert checkpoint[0].training


def test_a_part_of_the_model_in_another_mode_stays_in_it():
    checkpoint = pair("bert")
    checkpoint[0].train().bert.eval()
    trace(TEXTS, checkpoint)
    assert checkpoint[0].training and not checkpoint[0].bert.training


def test_nothing_of_the_pair_changes():
    network, words = pair("bert")
    state = {k: v.clone() for k, v in network.state_dict().items()}
    encoded, said = words(TEXTS).data, repr(words)
    PipelineStrip(TEXTS, (network, words), max_length=4).html()
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in network.parameters())
    assert words(TEXTS).data == encoded and repr(words) == said


# strips

class Tags(HTMLParser):
    "Every tag and every attribute of `html`."

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {(name, value.split(",")[0] if name == "src" else "") for name, value in attributes}


def test_hostile_texts_tokens_and_labels_stay_text():
    network, words = pair("distilbert")
    words.add_tokens(HOSTILE[:2])
    network.resize_token_embeddings(len(words))
    network.config.id2label = {0: HOSTILE[0], 1: HOSTILE[1]}
    html = PipelineStrip(HOSTILE[:8], (network, words)).html()
    assert 30_522 in words(HOSTILE[0]).input_ids  # one token
    assert "<script" not in html.lower() and "&lt;script&gt;alert(1)" in html
    assert {"p", "table", "td"} <= Tags(html).tags <= set("p b bdi table tr th td span img pre div".split())
    assert Tags(html).attributes <= {("style", ""), ("alt", ""), ("src", "data:image/png;base64"),
                                     ("role", ""), ("aria-label", ""), ("tabindex", "")}


def test_labels_may_be_numbers():
    network, words = pair("distilbert")
    try: network.config.id2label = {0: 0, 1: 1}
    except Exception as e: pytest.skip(f"this transformers refuses them: {e}")  # 5.13 to 5.19
    strip = PipelineStrip("A fine film.", (network, words))
    assert strip.trace.predictions[0]["label"] in (0, 1) and "</table>" in strip.html() and "label" in repr(strip)


def test_a_page_is_kept_short_and_says_so():
    strip = PipelineStrip(["word "*40] + [f"film {n}" for n in range(10)], pair("distilbert"))
    for page in (strip.html(), repr(strip)): assert "and 18 more tokens" in page and "and 3 more texts" in page
    assert "film 6" in strip.html() and "film 7" not in strip.html()


@pytest.fixture
def strip(): return PipelineStrip(["A fine film.", "I hate it!"], pair("distilbert"))


def picture(strip):
    return strip.texts, strip.row, strip.layer, strip._batch, strip._detail, strip._vectors, strip.html()


@pytest.mark.parametrize("name, value", [
    ("row", 2), ("row", -1), ("row", "0"), ("row", None), ("row", .5), ("layer", 3), ("layer", -1), ("layer", None),
    ("texts", 5), ("texts", None), ("texts", [1]), ("token", "x")])
def test_a_strip_refuses_what_it_cannot_show(strip, name, value):
    before = picture(strip)
    with pytest.raises(TraitError, match=name): setattr(strip, name, value)
    assert picture(strip) == before


@pytest.mark.parametrize("wrong, error", [
    (dict(row=1), TraitError), (dict(layer=3), TraitError), (dict(rows=0), TypeError)], ids=str)
def test_a_strip_cannot_begin_with_what_it_cannot_show(wrong, error):
    with pytest.raises(error, match=next(iter(wrong))): PipelineStrip("ok", pair("distilbert"), **wrong)


@pytest.mark.parametrize("texts, words", [
    ([], "is empty"), (["\ud83d"], "half a character"), (["ok", "word "*600], "602 tokens")],
    ids=["empty", "surrogate", "long"])
def test_a_strip_keeps_its_picture_after_a_bad_edit_and_goes_on(texts, words):
    strip = PipelineStrip(["A fine film.", "I hate it!"], pair("distilbert"), truncation=False)
    strip.row = 1
    before = picture(strip)[1:]
    strip.texts = texts
    assert words in strip.error and picture(strip)[1:] == before
    strip.layer = 1
    assert strip._detail["tokens"][1] == "i" and strip._detail["layer"] == 1
    strip.texts = ["good"]
    assert strip.error == "" and strip._detail["tokens"] == ["[CLS]", "good", "[SEP]"]


def test_the_error_stays_while_the_bad_texts_stay():
    strip = PipelineStrip("ok", pair("distilbert"), truncation=False)
    for _ in range(2): strip.texts = ["word "*600]
    assert "602 tokens" in strip.error


@pytest.mark.parametrize("texts", [[], ["word "*600]], ids=["empty", "long"])
def test_the_error_goes_when_the_good_texts_come_back(texts):
    strip = PipelineStrip("ok", pair("distilbert"), truncation=False)
    for edit in (texts, ["ok"]): strip.texts = edit
    assert strip.error == ""


def test_an_edited_strip_shows_what_a_fresh_one_would(strip):
    strip.row, strip.token = 1, 3
    strip.texts = ["Another one"]
    assert (strip.row, strip.token) == (0, None)
    assert picture(strip) == picture(PipelineStrip(["Another one"], pair("distilbert")))
    assert_same(strip.trace.predictions, trace(["Another one"], pair("distilbert")).predictions)


def test_a_strip_says_which_tokens_the_head_reads():
    last = trace(TEXTS[:2], pair("gpt2"))
    assert [read_by_head(last, row) for row in (0, 1)] == [[int(mask.sum()) - 1] for mask in last.attention_mask]
    assert read_by_head(trace(TEXTS, pair("roberta")), 1) == [0]
    frozen = pair("distilbert")
    frozen[0].requires_grad_(False)
    assert read_by_head(trace(TEXTS, frozen), 1) == []


def traces():
    gc.collect()
    return sum(type(o) is Trace for o in gc.get_objects())


def test_fifty_strips_keep_eight_traces_and_all_their_pictures():
    pipeline_strip._KEPT.clear()
    before, checkpoint = traces(), pair("distilbert")
    strips = [PipelineStrip(f"film {n}", checkpoint) for n in range(50)]
    assert traces() - before <= 8 >= len(pipeline_strip._KEPT)
    assert [strip.trace.tokens[0][2] for strip in strips[:20]] == [str(n) for n in range(20)]
    assert traces() - before <= 8
    strips[1].layer = 1
    assert strips[1]._detail["layer"] == 1 and strips[1]._detail["tokens"][2] == "1" and len(pipeline_strip._KEPT) <= 8


def test_a_closed_strip_can_still_be_printed(strip):
    page = strip.html()
    strip.close()
    assert strip.html() == page and "fine" in repr(strip)
    pipeline_strip._KEPT.clear()
    assert strip.html() == page
