"""What a token is: told by its id, the same in each widget, whatever the tokenizer and however it is written."""
import copy

import pytest, tokenizers
from tiny_models import gpt2_tokenizer, model, tokenizer as tokenizer_of
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoModelForTokenClassification, CanineTokenizer, PreTrainedTokenizerFast

from study_group.attention import attention_maps
from study_group.core.tokens import special_ids, token_kinds, unknown_ids, word_ids
from study_group.models import token_labels
from study_group.padding import MaskBench, encode, padding_table
from study_group.pipeline import trace
from study_group.tokenizers import BPETokenizer, CharTokenizer, TokenStrip, UnigramTokenizer, WordTokenizer, compare
from study_group.widgets.attention_grid import grid_view
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
    maps = attention_maps(texts, pair)
    assert maps.kinds == said
    letters = ["".join(kind[0] if kind in ("pad", "special") else "w" for kind in row) for row in said]
    assert grid_view(maps, [0])["kinds"] == letters


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


def test_an_empty_text_has_no_words():
    for tokenizer in (WordTokenizer("punctuation").train(["a hug"], 9), unigram()):
        assert [*lines(TokenStrip("", tokenizer)._view)] == []


def test_words_are_our_words():
    tokenizer = WordTokenizer("punctuation").train(["a hug"], 9)
    encoding = tokenizer.encoding("a hug, a pug")
    assert token_kinds(encoding, encoding.ids, encoding.attention_mask, tokenizer) == [
        "word", "word", "unknown", "word", "unknown"]


def test_a_slow_tokenizer_is_told_by_its_ids_alone():
    tokenizer = tokenizer_of("canine")
    assert kinds(tokenizer, "hi") == ["special", "word", "word", "special"]
    assert token_kinds(None, [*tokenizer("hi")["input_ids"], 0], [1, 1, 1, 1, 0], tokenizer)[-1] == "pad"


@pytest.mark.parametrize("lstrip", [True, False])
@pytest.mark.parametrize("rstrip", [True, False])
def test_what_is_added_is_told_by_its_id_however_it_treats_spaces(lstrip, rstrip):
    tokenizer = tokenizer_of("bert")
    mine = AddedToken("<my mask>", lstrip=lstrip, rstrip=rstrip, special=True)
    tokenizer.add_special_tokens({"extra_special_tokens": [mine]})
    tokenizer.add_tokens(["two words"])
    found = by_kind(tokenizer, "so <my mask> [CLS] good two words")
    assert found == dict(special={"[CLS]", "<my mask>", "[SEP]"}, word={"so", "good", "two words"})


def test_a_tokenizer_that_names_no_unknown_token_still_has_one():
    backend = Tokenizer.from_str(tokenizer_of("bert").backend_tokenizer.to_str())
    for tokenizer in (PreTrainedTokenizerFast(tokenizer_object=backend, cls_token="[CLS]"), backend):
        encoding = backend_encoding(tokenizer, "a ☃")
        assert token_kinds(encoding, encoding.ids, encoding.attention_mask, tokenizer) == [
            "special", "word", "unknown", "special"]


def backend_encoding(tokenizer, text: str, pair: str | None = None):
    if isinstance(tokenizer, Tokenizer): return tokenizer.encode(text, pair)
    return tokenizer(text, pair).encodings[0]


# which word a token is part of

THREE = "A fine film."


def bare(normalizer=None, pre_tokenizer=None, sign: str = "▁", texts: str = THREE) -> PreTrainedTokenizerFast:
    "A BPE of characters and two merges: what cuts words isn't in it."
    vocab = dict.fromkeys(["<unk>", "<pad>", sign, *texts.replace(" ", sign), "f", "i", "fi", f"{sign}fi"])
    merges = [("f", "i"), (sign, "fi")]
    backend = Tokenizer(models.BPE({token: n for n, token in enumerate(vocab)}, merges, unk_token="<unk>"))
    if normalizer: backend.normalizer = normalizer
    if pre_tokenizer: backend.pre_tokenizer = pre_tokenizer
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", pad_token="<pad>", model_max_length=64)


REPLACE = normalizers.Replace(" ", "▁")
PREPEND = normalizers.Sequence([normalizers.Prepend("▁"), REPLACE])
LOWER = normalizers.Sequence([normalizers.Strip(), normalizers.Lowercase(), PREPEND])
BARE = dict(
    llama=lambda text=THREE: bare(PREPEND, texts=text), gemma=lambda text=THREE: bare(REPLACE, texts=text),
    lower=lambda text=THREE: bare(LOWER, texts=text + text.lower()),
    metaspace=lambda text=THREE: bare(None, pre_tokenizers.Metaspace(), texts=text),
    never=lambda text=THREE: bare(None, pre_tokenizers.Metaspace(prepend_scheme="never"), texts=text),
    unsplit=lambda text=THREE: bare(None, pre_tokenizers.Metaspace(split=False), texts=text),
    bytes=lambda text=THREE: bare(None, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), "Ġ"),
    prefixed=lambda text=THREE: bare(None, pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False), "Ġ"))


def word_texts(tokenizer, text: str) -> list[str]:
    encoding, words = backend_encoding(tokenizer, text), {}
    for token, word in zip(encoding.tokens, word_ids(encoding, tokenizer)): words.setdefault(word, []).append(token)
    return ["".join(words[word]).strip("▁Ġ").lower() for word in words]


@pytest.mark.parametrize("name", BARE)
def test_words_begin_where_a_token_carries_a_space(name):
    tokenizer = BARE[name]()
    assert word_texts(tokenizer, THREE) == ["a", "fine", "film."]
    assert kinds(tokenizer, THREE).count("word") == 3
    ours = BPETokenizer.from_pretrained(tokenizer)
    encoding = ours.encoding(THREE)
    assert word_ids(encoding, ours) == word_ids(backend_encoding(tokenizer, THREE), tokenizer)


def test_words_are_the_librarys_where_it_cuts():
    for tokenizer in (tokenizer_of("bert"), tokenizer_of("roberta"), gpt2_tokenizer()):
        for text in ("HuggingFace,  isn't\n\n naïve ☃!", "", "  two  "):
            encoding = tokenizer(text).encodings[0]
            assert word_ids(encoding, tokenizer) == encoding.word_ids


@pytest.mark.parametrize("name", BARE)
def test_words_of_a_pair_are_counted_through(name):
    tokenizer = BARE[name]()
    encoding = backend_encoding(tokenizer, "A film", "fine film")
    found = word_ids(encoding, tokenizer)
    assert list(dict.fromkeys(found)) == [0, 1, 2, 3]
    assert token_kinds(encoding, encoding.ids, encoding.attention_mask, tokenizer).count("word") == 4


@pytest.mark.parametrize("name", ["llama", "gemma", "unsplit"])
def test_words_of_such_a_tokenizer_are_words_everywhere(name):
    tokenizer = BARE[name]()
    pair = model("bert", vocab_size=len(tokenizer)), tokenizer
    maps, bench = attention_maps([THREE, "A"], pair), MaskBench([THREE, "A"], pair)
    words = maps.by_word(0)
    assert words.n_tokens == 3 and words.word_ids == [[0, 1, 2]]
    bench.preset("mask a word")
    hidden = [t for t, bit in zip(bench._batch.tokens[0], bench.attention_mask[0]) if not bit]
    assert "".join(hidden) == "▁film."
    strip = TokenStrip(THREE, tokenizer)
    assert [line.kind for line in lines(strip._view)] == maps.kinds[0] == trace([THREE, "A"], pair).kinds(0)


UNSPACED = dict(chinese="我爱这部电影", japanese="これは素晴らしい映画です", thai="ภาพยนตร์ดีมาก")


@pytest.mark.parametrize("text", UNSPACED.values(), ids=UNSPACED)
@pytest.mark.parametrize("name", ["llama", "metaspace", "unsplit", "gpt2", "chars"])
def test_where_nothing_tells_words_nobody_claims_them(name, text):
    tokenizer = gpt2_tokenizer() if name == "gpt2" else bare(texts=text) if name == "chars" else BARE[name](text)
    encoding = tokenizer(text).encodings[0]
    assert set(word_ids(encoding, tokenizer)) == {None} and "continuation" not in kinds(tokenizer, text)
    pair = model("bert", vocab_size=len(tokenizer)), tokenizer
    maps, bench = attention_maps(text, pair), MaskBench(text, pair)
    with pytest.raises(ValueError, match=r"texts\[0\]=.*has no words that .* tells: leave these maps between tokens"):
        maps.by_word()
    with pytest.raises(ValueError, match="'mask a word' needs words"): bench.preset("mask a word")
    assert "mask a word" not in [preset["name"] for preset in bench._view["presets"]]
    assert TokenStrip(text, tokenizer).html() and grid_view(maps, [0])["kinds"] == ["w"*maps.n_tokens]
    bench.texts = [text, text]
    assert not bench.error and bench.attention_mask == [[1]*maps.n_tokens]*2


def test_bert_cuts_chinese_itself():
    encoding = tokenizer_of("bert")("我爱").encodings[0]
    assert word_ids(encoding, tokenizer_of("bert")) == encoding.word_ids == [None, 0, 1, None]


def test_a_row_with_some_words_has_no_words():
    tokenizer = BARE["metaspace"]("A film 映画")
    assert word_ids(tokenizer("A film 映画").encodings[0], tokenizer)[-3:] == [None]*3
    maps = attention_maps("A film 映画", (model("bert", vocab_size=len(tokenizer)), tokenizer))
    with pytest.raises(ValueError, match="has no words"): maps.by_word()


def test_slow_tokenizers_that_dont_say_so(monkeypatch):
    owner = next(cls for cls in CanineTokenizer.__mro__ if "is_fast" in vars(cls))
    monkeypatch.delattr(owner, "is_fast")  # as mistral-common's lacks it
    pair = model("bert", vocab_size=60_000), CanineTokenizer()
    labeller = AutoModelForTokenClassification.from_config(pair[0].config), pair[1]
    assert attention_maps("né", pair).kinds == [["special", "word", "word", "special"]]
    for call in (lambda: token_labels("né", labeller), lambda: encode("né", tokenizer=pair[1])):
        with pytest.raises(ValueError, match="CanineTokenizer"): call()


def test_a_slow_tokenizers_marks_begin_words():
    ids = [7, 8, 9]
    class Slow:
        all_special_ids = [102]
        def convert_ids_to_tokens(self, ids): return [{7: "▁he", 8: "llo", 9: "▁you", 102: "</s>"}[i] for i in ids]
    assert word_ids(None, Slow(), [*ids, 102, 8]) == [0, 0, 1, None, 2]
    assert token_kinds(None, ids, [1, 1, 0], Slow()) == ["word", "continuation", "pad"]


@pytest.mark.parametrize("cls, options", [
    ("ByteLevelBPETokenizer", {}), ("CharBPETokenizer", {}), ("BertWordPieceTokenizer", {}),
    ("SentencePieceBPETokenizer", {}), ("SentencePieceUnigramTokenizer", dict(unk_token="<unk>"))])
def test_the_librarys_wrappers_are_taken_as_what_is_in_them(cls, options):
    wrapper = getattr(tokenizers, cls)()
    wrapper.train_from_iterator([THREE, "naïve"]*3, vocab_size=300, show_progress=False, **options)
    inner = wrapper._tokenizer
    for text in (THREE, "naïve ☃"):
        mine, theirs = TokenStrip(text, wrapper), TokenStrip(text, inner)
        assert [*lines(mine._view)] == [*lines(theirs._view)] and [line.token for line in lines(mine._view)]
        assert compare(text, wrapper).tokens[0] == compare(text, inner).tokens[0] == inner.encode(text).tokens
    assert cls in repr(TokenStrip(THREE, wrapper))
