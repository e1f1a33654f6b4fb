"""The page's tokenizer, run by Node, beside the library's: ids, tokens, kinds, places, words and what is cut."""
import json, random, subprocess, unicodedata

import npm, pytest, unicode_table
from nasty import LONG, NASTY, SHORT
from places import REPO
from study_group.core.checkpoints import load_tokenizer
from study_group.core.data import bundled_reviews
from study_group.core.files import ASSETS
from study_group.core.tokens import pieces, token_kinds, word_ids
from study_group.widgets.base import bundle, static_text

HARD = [
    "", " ", "Ça été naïve café Zoë Ångström", "İstanbul ıI", "ﬁne ﬀ ½ №", "straße ẞ ΑΣ ΣΟΦΟΣ Σ", "ΑΣ. ᾼΣ",
    "電影很好看。這部電影 映画が大好き 영화가 좋아요 がぎぐ か゛ｶﾞ 々〇ー・", "豈更車 \u2f800 ﷺ Ǆ ǅ ΐ ᾳ Ⅷ ⓐ ㎏ ①②③",
    "ภาพยนตร์ดีมาก ก ง Aก กA ราคา๑฿ བོད་ཡིག། ပြ ភាសាខ្មែរ", "aか かa, か!か [MASK]か か[CLS] ab\u30fccd",
    "नमस्ते मराठी ਪੰਜਾਬੀ తెలుగు اَلْعَرَبِيَّةُ עִבְרִית ꦧꦱꦗꦮ ᬩᬮᬶ", "ა Ა Ɪ Ꭰ ꭰ ẟ Ω K Å",
    "👍🏽👩‍👩‍👧‍👦 🇩🇪 ❤️[MASK]👍[SEP] ☕️", "𝕳𝖊𝖑𝖑𝖔 𝒯𝓱𝓮 Ｆｕｌｌ ﾊﾝｶｸ 𐐀𐐨",
    "don't can't it's — “quoted” …and 3.14% $5 ^_^ ~`|", "#hash ##hash ###", "words " * 700,
    "[CLS][SEP] [mask] [MASK]x y[UNK]z [ MASK ] [PAD][PAD]\u200b[PAD] [[SEP]] [unused5] ##ing [MASK",
    "a\u00a0b\u2003c\u3000d\u0085e\u200bf\u00adg\ufeffh\u180ei\u1680j",
    *("é"*n + " " + "x"*n + " " + "\u302e"*n + " " + "𐐀"*n + " " + "각"*(n//3) + "e\u0301"*n
      for n in (33, 34, 99, 100, 101)),
    "é\u302e é\u302e\u0323 \u302e\u0323a\u0323\u302e\u0345 a\u034f\u302e\u0301\u034f\u302e \u0301\u302e",
    "\u0345\u302e\u0f73\u302e 𝅘𝅥𝅮\u0301\u0323 x\ue000\u0301\u200b\u302e\u0323 ạ̈\u302f e\u0301\u0323\u1dfb",
    "\u0344\u0958 \u1e9b\u0323 \uac01\u11a8 \u0f73\u0f75\u0345 a\u0328\u0301\u08d4\u08d5",
    "e" + "\u302e\u0323\u0301"*30_000,
]  # lower case, scripts, special tokens, blanks, long words, accents in and out of order


@pytest.fixture(scope="module")
def tokenizer(): return load_tokenizer()


@pytest.fixture(scope="module")
def kinds(): return unicode_table.kinds()


@pytest.fixture(scope="module")
def page(tokenizer, tmp_path_factory):
    "What the page's tokenizer makes of texts: distinct rows, and which of them each text has."
    folder, backend = tmp_path_factory.mktemp("live"), tokenizer.backend_tokenizer
    words = [backend.id_to_token(n) for n in range(backend.get_vocab_size())]
    script = bundle(static_text("live/tokenizer.js"), "live/tokenizer.js", {})
    driver = (REPO/"tests/helpers/live_tokenizer.js").read_text("utf-8")
    (folder/"tokenizer.mjs").write_text(script + driver, "utf-8")
    def answer(texts: list[str], more: bool = True, **options) -> dict:
        asked = dict(words=words, texts=texts, options=options, more=more)
        (folder/"texts.json").write_text(json.dumps(asked), "utf-8")
        subprocess.run([npm.command("node"), "tokenizer.mjs", "texts.json", "rows.json"], cwd=folder, check=True)
        return json.loads((folder/"rows.json").read_text("utf-8"))
    return answer


@pytest.fixture(scope="module")
def library(tokenizer):
    "The same from the library, a row for each text."
    backend, known = load_tokenizer().backend_tokenizer, {}
    backend.no_padding()
    def rest(encoding) -> dict:
        words = word_ids(encoding, tokenizer)
        kinds = token_kinds(encoding, encoding.ids, encoding.attention_mask, tokenizer)
        return dict(tokens=encoding.tokens, kinds=kinds, wordIds=words)
    def row(text: str, encoding, n_tokens: int, more: bool) -> dict:
        key = *encoding.ids, None, *encoding.word_ids  # few characters have tokens of their own
        if key not in known: known[key] = rest(encoding)
        places, cut = [*map(list, encoding.offsets)], n_tokens - len(encoding)
        found = dict(ids=encoding.ids, offsets=places, cut=cut, **known[key])
        if more: found |= dict(pieces=pieces(text, encoding, len(encoding)), tokenize=tokenizer.tokenize(text))
        return found
    def answer(texts: list[str], more: bool = True, special: bool = True, limit: int = 512) -> list[dict]:
        backend.no_truncation()
        n_tokens = [*map(len, backend.encode_batch(texts, add_special_tokens=special))]
        backend.enable_truncation(limit)
        encodings = backend.encode_batch(texts, add_special_tokens=special)
        return [row(*each, more) for each in zip(texts, encodings, n_tokens)]
    return answer


def differing(texts: list[str], page, library, **options) -> list[tuple]:
    "Texts of which the two make something else, with both rows; five at most."
    theirs, ours = library(texts, **options), page(texts, **options)
    assert len(ours["which"]) == len(theirs) == len(texts) > 0
    pairs = zip(texts, theirs, (ours["rows"][n] for n in ours["which"]))
    return [pair for pair in pairs if pair[1] != pair[2]][:5]


def sample(kinds: dict[str, str]) -> list[str]:
    "Characters: some of each block, all of the first, and both sides of each border between two kinds."
    found = [c for n, c in enumerate(unicode_table.ALL) if n % 13 == 0 or ord(c) < 0x600]
    borders = [pair for pair in zip(unicode_table.ALL, unicode_table.ALL[1:]) if len({kinds.get(c) for c in pair}) == 2]
    return sorted({*found, *(c for pair in borders for c in pair)})


def mixes(kinds: dict[str, str], n: int) -> list[str]:
    "Random texts: half of them of any characters, half of letters that have several accents, marks and signs."
    r = random.Random(1)
    spans = (0x21, 0x3000), (0x4e00, 0x4e80), (0xac00, 0xac80), (0xf900, 0xffff), (0x1f300, 0x1fa80), (0x1d400, 0x1d450)
    anything = [chr(c) for first, last in spans for c in range(first, last)]
    attached = [c for c in kinds if kinds[c] in ("accent", "mark", "sign")]
    signs = [c for c in attached if kinds[c] == "sign"]
    parted = [c for c in unicode_table.ALL if unicodedata.normalize("NFD", c) != c]
    usual = [*"abcdefghij é[].'  Σかー", "[MASK]", "[UNK]"]
    def letter(): return r.choice(r.choices([anything, usual], [3, 7])[0])
    def dressed():
        base = r.choice(["", "e", "é", "ǖ", " ", ".", "\u200b", "か", "\u0f73", "𝅘𝅥𝅮", r.choice(parted)])
        return base + "".join(r.choice(r.choice([attached, signs, "\u0301\u0323\u0345\u0f73\u0344\u200b"]))
                              for _ in range(r.randrange(7)))
    half = ["".join(letter() for _ in range(r.randrange(1, 60))) for _ in range(n//2)]
    return half + ["".join(dressed() for _ in range(r.randrange(1, 9))) for _ in range(n//2)]


def test_the_table_is_what_its_script_writes(kinds):
    assert unicode_table.FILE.read_text("utf-8") == unicode_table.written(kinds), "run python tools/unicode_table.py"


def test_some_of_every_block(kinds, page, library):
    assert differing([f"a{c}b" for c in sample(kinds)], page, library, more=False) == []


@pytest.mark.extra
def test_every_code_point(page, library):
    for n in range(0, len(unicode_table.ALL), 2**17):  # a part at a time: rows are many
        assert differing([f"a{c}b" for c in unicode_table.ALL[n:n + 2**17]], page, library, more=False) == []


@pytest.mark.parametrize("options", [{}, dict(special=False), dict(limit=8), dict(limit=3, special=False)], ids=str)
def test_hard_texts(options, kinds, page, library):
    texts = [*HARD, *(NASTY[name] for name in SHORT), *mixes(kinds, 3000)]
    assert differing(texts, page, library, **options) == []


def test_what_the_course_reads(page, library):
    texts = [*bundled_reviews()["text"], *(ASSETS/"corpus.txt").read_text("utf-8").splitlines(keepends=True)]
    assert len(texts) > 400 and differing(texts, page, library) == []


def test_words_of_the_vocabulary(tokenizer, page, library):
    found = [word for n, word in enumerate(tokenizer.get_vocab()) if n % 10 == 0 or not word.isascii()]
    texts = [f"{word} {word[2:]}a" if word.startswith("##") else f"{word}, a{word}" for word in found]
    assert differing(texts, page, library, more=False) == []


@pytest.mark.parametrize("limit", range(4))
def test_next_to_no_room(limit, page, library):
    for special in (True, False):
        assert differing(["", "a fine film"], page, library, limit=limit, special=special) == []


@pytest.mark.parametrize("name", LONG)
def test_a_megabyte(name, page, library):
    assert differing([NASTY[name]], page, library, more=False) == []
    assert differing([NASTY[name][:50_000]], page, library, more=False, limit=10**9) == []


def test_special_ids_are_the_librarys(tokenizer, page):
    assert page(["a"])["special"] == {name: getattr(tokenizer, f"{name}_token_id")
                                      for name in ("cls", "sep", "pad", "unk", "mask")}
