"""What a token is: told by its id, the same in each widget, whatever the tokenizer and however it is written."""
import copy

import pytest
from tiny_models import model, tokenizer as tokenizer_of
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from study_group.core.tokens import special_ids, token_kinds, unknown_ids, word_ids
from study_group.padding import MaskBench, padding_table
from study_group.pipeline import trace
from study_group.tokenizers import BPETokenizer, CharTokenizer, TokenStrip, UnigramTokenizer, WordTokenizer
from study_group.widgets.token_strip import lines

TYPED = "a [UNK] [SEP] [MASK] ☃ HuggingFace"


def kinds(tokenizer, text: str) -> list[str]:
    batch = tokenizer(text)
    encoding = batch.encodings[0] if batch.encodings else None
    return token_kinds(encoding, batch["input_ids"], batch["attention_mask"], tokenizer)


def by_kind(tokenizer, text: str) -> dict[str, set[str]]:
    found = {}
    for token, kind in zip(tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]), kinds(tokenizer, text)):
        found.setdefault(kind, set()).add(token)
    return found


def test_by_id_never_by_spelling():
    assert by_kind(tokenizer_of("bert"), TYPED) == dict(
        special={"[CLS]", "[SEP]", "[MASK]"}, unknown={"[UNK]"}, word={"a", "hugging"}, continuation={"##face"})
    spelled = tokenizer_of("bert")("[ UNK ] [ SEP ]")["input_ids"]  # the same letters, other ids
    assert set(token_kinds(None, spelled, [1]*len(spelled), tokenizer_of("bert"))) == {"special", "word"}


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "roberta", "gpt2"])
def test_every_widget_says_the_same(architecture):
    pair = model(architecture), tokenizer_of(architecture)
    texts = [TYPED.replace("[MASK]", "<s> </s> <unk>"), "short"]
    traced, bench, table = trace(texts, pair), MaskBench(texts, pair), padding_table(texts, pair[1])
    said = [traced.kinds(row) for row in (0, 1)]
    assert bench._batch.kinds == said
    row = next(n for n, r in enumerate(table.rows) if (r.padding, r.truncation, r.max_length) == (True, None, None))
    assert [[kind for _, kind, _ in part["cells"]] for part in table.batch(row)["rows"]] == said
    strip = TokenStrip(texts[0], pair[1], special_tokens=True)
    assert [line.kind for line in lines(strip._view)] == said[0]


def masked() -> PreTrainedTokenizerFast:
    "As RoBERTa's: `<mask>` swallows the space before it."
    tokenizer = tokenizer_of("roberta")
    tokenizer.add_special_tokens({"mask_token": AddedToken("<mask>", lstrip=True, special=True)})
    return tokenizer


def test_a_mask_that_swallows_its_space_is_special():
    tokenizer = masked()
    assert by_kind(tokenizer, "so <mask> good")["special"] == {"<s>", "</s>", "<mask>"}
    assert "unknown" not in kinds(tokenizer, "so <mask> good")
    strip = TokenStrip("so <mask> good", tokenizer)
    assert [line.kind for line in lines(strip._view)].count("special") == 1


def test_an_id_of_two_roles_is_special():
    tokenizer = tokenizer_of("gpt2")
    tokenizer.unk_token = tokenizer.eos_token  # as GPT-2 has it
    assert unknown_ids(tokenizer) == set() and tokenizer.eos_token_id in special_ids(tokenizer)
    assert kinds(tokenizer, "a</s>")[-1] == "special"


def unigram() -> Tokenizer:
    pieces = [("<unk>", 0.), ("▁", -2.), ("▁hi", -1.), ("a", -2.)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return tokenizer


@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: UnigramTokenizer.from_pretrained(t)], ids=["library", "ours"])
def test_unigram_shows_unknown_text_with_the_unknown_id(wrap):
    tokenizer = wrap(unigram())
    encoding = tokenizer.encoding("hi ☃") if hasattr(tokenizer, "encoding") else tokenizer.encode("hi ☃")
    assert token_kinds(encoding, encoding.ids, encoding.attention_mask, tokenizer) == ["word", "word", "unknown"]


@pytest.mark.parametrize("tokenizer", [CharTokenizer(), BPETokenizer(pre_tokenizer=None)], ids=lambda t: t.name)
def test_without_words_nothing_continues_one(tokenizer):
    tokenizer.train(["a hug, a pug"], 20)
    encoding = tokenizer.encoding("a pug")
    assert word_ids(encoding, tokenizer) == [None]*len(encoding)
    assert "continuation" not in token_kinds(encoding, encoding.ids, encoding.attention_mask, tokenizer)


def test_a_library_tokenizer_without_words_neither():
    backend = copy.deepcopy(Tokenizer.from_str(tokenizer_of("gpt2").backend_tokenizer.to_str()))
    backend.pre_tokenizer = None
    wrapped = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", pad_token="<pad>")
    assert set(kinds(wrapped, "hug pug")) == {"word"}


def test_words_are_our_words():
    tokenizer = WordTokenizer("punctuation").train(["a hug"], 9)
    encoding = tokenizer.encoding("a hug, a pug")
    assert token_kinds(encoding, encoding.ids, encoding.attention_mask, tokenizer) == [
        "word", "word", "unknown", "word", "unknown"]


def test_a_slow_tokenizer_is_told_by_its_ids_alone():
    tokenizer = tokenizer_of("canine")
    assert kinds(tokenizer, "hi") == ["special", "word", "word", "special"]
    assert token_kinds(None, [*tokenizer("hi")["input_ids"], 0], [1, 1, 1, 1, 0], tokenizer)[-1] == "pad"
