"The nasty texts through all that takes a text, the widgets in a real browser too: right answers, errors that help."
import faulthandler, json, re, signal, sys, time, warnings
from contextlib import contextmanager
from functools import cache
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd, pytest, torch
from nasty import FINE, HALVES, LONG, NASTY, SHORT
from nasty_widgets import events_of, own, quiz
from places import modules
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import pipeline as library

from study_group import homework
from study_group.command import blog
from study_group.attention import (attention_maps, attribution, head_effect, layer_probe, logit_lens, plot_attention,
                                   query_key, rank_agreement, summarize)
from study_group.widgets.attention_grid import AttentionGrid
from study_group.checkpoints import CheckpointError, load, load_model, load_shared, load_tokenizer
from study_group.course import self_checks
from study_group.data import keep_sentences, load_reviews, my_sentences, split_of
from study_group.learning.flights import when
from study_group.widgets.flight_recorder import FlightRecorder
from study_group.widgets.mask_bench import MaskBench
from study_group.widgets.merge_theatre import MergeTheatre
from study_group.models import compare_outputs, heads, saved_files, sentence_embeddings, token_labels
from study_group.checkpoints import quiet
from study_group.padding import classify, encode, mask_effect, padding_table
from study_group.pipeline import trace
from study_group.widgets.pipeline_strip import PipelineStrip
from study_group.core.quizzes import quiz_path
from study_group.core.texts import check_text, check_texts, listed, one_line, shorten, visible
from study_group.widgets.token_strip import TokenStrip
from study_group.tokenizing.sizes import trained
from study_group.widgets.tokenizer_race import TokenizerRace
from study_group.tokenizers import (BPETokenizer, CharTokenizer, UnigramTokenizer, WordPieceTokenizer,
                                    WordTokenizer, best_split, compare, expect, fit_pieces, join_pair,
                                    merge_steps, prune_steps, rank_pairs, seed_pieces, with_beginnings)
from study_group.widgets.base import StudyWidget

WORDY = [name for name in SHORT if NASTY[name].strip()]


@contextmanager
def in_time(seconds: float = 10):
    "Fails where what is inside computes for more than `seconds`, or doesn't come back; ends a hang in foreign code."
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("hangs"))
    signal.alarm(int(6*seconds))
    faulthandler.dump_traceback_later(12*seconds, exit=True, file=sys.__stderr__)
    start = time.thread_time()
    try: yield
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
    assert (took := time.thread_time() - start) < seconds, f"computes for {took:.0f} s"


# What takes a text: each check gets one, or several together, and sees that the answer is right.

CHECKS = {}  # a check's name → it, the public names it covers, whether it takes many texts, what is said of which


def covers(*names: str, together: bool = False, refused: dict[str, tuple] = {}):
    "The check covers these public `names`; `refused`: what is said of which texts, beside that of half a character."
    def register(check):
        CHECKS[check.__name__] = check, names, together, {text: said for said, ts in refused.items() for text in ts}
        return check
    return register


def checks(together: bool, *slow: str) -> list:
    "The names of the checks that take one text, or many `together`; those that are `slow` are extra."
    return [pytest.param(name, marks=[pytest.mark.extra]*(name in slow))
            for name, (_, _, many, _) in CHECKS.items() if many == together]


@cache
def own_pair(): return load()  # a learner writes its classes into the model's config, so not the one that all share
@cache
def tokenizer(): return load_tokenizer()
@cache
def classifier(): return library("text-classification", load_shared()[0], tokenizer=tokenizer())
@cache
def labeller():
    torch.manual_seed(0)
    with quiet(): return load(None, "token-classification")


def near(ours: list[dict], theirs: list[dict]) -> bool:
    "Whether both predict the same, with scores that are nearly the same."
    return all(a == b | dict(score=pytest.approx(b["score"], rel=1e-4, abs=1e-5))
               for a, b in zip(ours, theirs, strict=True))


@covers("texts.check_text", "texts.check_texts", "texts.listed", "texts.one_line", "texts.visible", "texts.shorten")
def is_text(text):
    assert listed((text,)) == [text] and len(one_line(text).splitlines()) == 1
    assert [check_text(text)] == check_texts(text) == check_texts([text]) == [text]
    assert_printable(visible(text))
    assert text.startswith(short := shorten(text, 9).removesuffix("…")) and len(short) <= 9


@covers("pipeline.trace", "pipeline.Trace", "pipeline.predict")
def traces(text):
    seen = trace([text, FINE])
    assert near(seen.predictions, classifier()([text, FINE], truncation=True))
    assert seen.texts == [text, FINE] and len(seen.tokens[0]) == len(seen.tokens[1]) == seen.input_ids.shape[1]
    assert_printable(repr(seen))


@covers("models.compare_outputs")
def equals_itself(text): assert compare_outputs(None, None, text)["equal"]


@covers("models.token_labels")
def labels_tokens(text):
    pipe = library("token-classification", labeller()[0], tokenizer=labeller()[1])
    assert near(token_labels(text, labeller()), pipe(text))


@covers("models.sentence_embeddings")
def embeds(text):
    both, alone = sentence_embeddings([text, FINE]), sentence_embeddings(text)
    assert torch.allclose(both[:1], alone, rtol=1e-4, atol=1e-5) and both.isfinite().all()


@covers("models.heads", together=True)
def has_heads(texts):
    table = heads(None, texts)
    assert len(table) >= 5 and all(shape and shape[0] in (1, len(texts)) for shape in table.output_shape)


@covers("tokenizers.compare")
def compares(text):
    row = compare(text, tokenizer()).iloc[0]
    assert row.tokens == tokenizer()(text, add_special_tokens=False, verbose=False).tokens()


@covers("tokenizers.BaseTokenizer")
def tokenizes(text):
    "The loaded one, and the five that were trained on something else."
    ours = WordPieceTokenizer.from_pretrained(tokenizer())
    assert ours.tokenize(text) == ours.encoding(text).tokens
    theirs = tokenizer()(text, add_special_tokens=False, verbose=False).encodings[0]
    assert (ours.encode(text), ours.offsets(text)) == (theirs.ids, theirs.offsets)
    for name in ("Word", "Character", "BPE", "WordPiece", "Unigram"):
        one = trained(name, 1000)
        ids, found = one.encode(text), one.encoding(text)
        assert ids == found.ids and all(0 <= start <= end <= len(text) for start, end in found.offsets)
        assert isinstance(one.decode(ids), str)


BARE = {"texts has no words to learn from": ("empty", "blank")}


def learned(one, text: str, vocab_size: int = 3000):
    "The tokenizer, trained on `text`, of which it knows every part then."
    one.train([text], vocab_size)
    ids, words = one.encode(text), one.count_words([text])
    assert len(ids) == len(one.tokenize(text)) and one.vocab["[UNK]"] == 0
    if max(map(len, words)) <= 100 and not isinstance(one, WordTokenizer): assert ids.count(0) == text.count("[UNK]")
    return one


@covers("tokenizers.WordTokenizer", refused=BARE)
def learns_words(text):
    for split in ("spaces", "punctuation"): learned(WordTokenizer(split), text)


@covers("tokenizers.CharTokenizer", refused={"texts has no words to learn from": ["empty"]})
def learns_characters(text): assert (one := learned(CharTokenizer(), text)).decode(one.encode(text)) == text


@covers("tokenizers.BPETokenizer", refused=BARE)
def learns_pairs(text):
    one, theirs = learned(BPETokenizer(), text, 800), Tokenizer(models.BPE(unk_token="[UNK]"))
    if len(text) > 10_000: return  # the library takes minutes for a line
    theirs.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(vocab_size=800, special_tokens=["[UNK]"], show_progress=False)
    theirs.train_from_iterator([text], trainer)
    assert one.vocab == theirs.get_vocab()


@covers(refused={"texts has no words to learn from": ["empty"]})
def learns_bytes(text):
    assert (one := learned(BPETokenizer(byte_level=True), text)).decode(one.encode(text)) == text


@covers("tokenizers.WordPieceTokenizer", refused=BARE)
def learns_pieces(text):
    for method in ("score", "merges"): learned(WordPieceTokenizer(method), text)


@covers("tokenizers.UnigramTokenizer", refused={"texts has no words to learn from": ["empty"]})
def learns_likely_pieces(text): learned(UnigramTokenizer(), text)


@covers("tokenizers.merge_steps", "tokenizers.join_pair", "tokenizers.rank_pairs")
def merges(word):
    for method, mark in dict(count="", score="##").items():
        for step in merge_steps({word: 2}, 3, method):
            pieces = step["splits"][word]
            assert "".join([*pieces[:1], *(piece.removeprefix(mark) for piece in pieces[1:])]) == word
    letters = [*word]
    for pair in [*rank_pairs({word: letters}, {word: 2})][:2]:
        assert "".join(join_pair(letters, pair, "".join(pair))) == word


@covers("tokenizers.prune_steps", "tokenizers.seed_pieces", "tokenizers.expect", "tokenizers.fit_pieces",
        "tokenizers.with_beginnings", "tokenizers.best_split", refused={"words has": LONG})
def prunes(word):
    assert "".join(best_split(word, with_beginnings(dict.fromkeys("ab", -1.), -1e9), -9.)[0]) == word
    for step in prune_steps({word: 2}, 3): assert "".join(step["splits"][word]) == word
    pieces = seed_pieces({word: 2}, 50)
    expected, likelihood = expect({word: 2}, pieces)
    assert sum(len(piece)*n for piece, n in expected.items()) == pytest.approx(2*len(word)) and likelihood <= 0
    assert fit_pieces({word: 2}, pieces)[0].keys() >= {*word}


@covers("padding.mask_effect")
def keeps_logits(text):
    effect = mask_effect([text, FINE])
    assert effect.text.tolist() == [text, FINE] and effect.masked_difference.max() < 1e-4


@covers("padding.classify")
def classifies(text):
    assert near(classify([text, FINE], progress=False), classifier()([text, FINE], truncation=True))


@covers("padding.encode")
def encodes(text):
    texts, options = [text, FINE], dict(padding=True, truncation=True, max_length=20)
    assert encode(texts, **options).data == tokenizer()(texts, **options).data


@covers("padding.padding_table", "padding.PaddingRow", refused={"texts has": LONG})
def calls(text):
    for row in padding_table([text, FINE], max_lengths=(None, 8)):
        if row.error is None: assert len(row.lengths) == 2


@covers("attention.attention_maps", "attention.AttentionMaps", "attention.summarize", refused={
    "A text has": ("mixed line", "words")})
def attends(text):
    with warnings.catch_warnings(action="ignore"): maps = attention_maps([text, (FINE, text)], scores=True)
    assert torch.allclose(maps.weights.sum(-1), torch.ones(()), atol=1e-5) and maps.texts == [text, (FINE, text)]
    assert summarize(maps).notna().all(None)
    words = maps.by_word(1)
    assert len(words.tokens[0]) == words.weights.shape[-1] and repr(maps)


@covers("attention.query_key", "attention.QueryKey", "attention.logit_lens", "attention.Lens", "attention.layer_probe",
        refused={"A text has": ("mixed line", "words")})
def is_taken_to_pieces(text):
    with warnings.catch_warnings(action="ignore"): maps, lens = attention_maps(text), logit_lens(text)
    one = query_key(maps, 5, 9, 0, maps.n_tokens - 1)
    assert one.weight == pytest.approx(maps.weights[5, 0, 9, 0, -1].item(), abs=1e-5) and lens.texts == [text]
    assert lens.logits.shape[:3] == (7, 1, maps.n_tokens) and "<script" not in one._repr_html_() + lens._repr_html_()
    assert len(layer_probe([text, FINE]*2, ["a", "b"]*2)) == 7


@covers("attention.head_effect", "attention.HeadEffect", "attention.attribution", "attention.Attribution")
def is_attributed(text):
    text = text if len(text) < 40 else text[:20]  # the model runs for each token and head
    found, effect = attribution(text, method="gradient × input"), head_effect(text)
    assert len(found.tokens[0]) == len(found.values[0]) and effect.texts == [text] and effect.moved.isfinite().all()
    assert "<script" not in found._repr_html_() + effect._repr_html_() and repr(found) and repr(effect)


@covers("attention.rank_agreement")
def agrees(text):
    text = text if len(text) < 40 else text[:20]
    with warnings.catch_warnings(action="ignore"): assert len(rank_agreement(text)) == 1


@covers("attention.plot_attention", together=True)
def plots(texts):
    from matplotlib import pyplot as plt
    with warnings.catch_warnings(action="ignore"):  # of characters that the font lacks
        maps = attention_maps([" ".join(texts)[:300], FINE])
        ax = plot_attention(maps, 0, 0)
        ax.figure.canvas.draw()
    shown = [label.get_text().replace(r"\$", "$") for label in ax.get_yticklabels()]
    assert shown == maps.tokens[0][::maps.n_tokens//64 or 1]
    plt.close()


@cache
def blurr():
    import study_group.blurr as module
    return module


@cache
def learner():
    "Blurr's learner, on the bundled model."
    data = pd.DataFrame(dict(text=[FINE, "A dull film."]*4, label=["POSITIVE", "NEGATIVE"]*4))
    return blurr().BlearnerForSequenceClassification.from_data(data, own_pair(), dl_kwargs=dict(bs=2))


@covers("blurr.Blearner", "blurr.BlearnerForSequenceClassification", "blurr.TextBlock", "blurr.LengthSortedDL",
        "blurr.BatchTokenizeTransform", "blurr.BatchDecodeTransform", "blurr.TextInput", "blurr.blurr_sort_func",
        together=True)
def predicts(texts):
    answers, theirs = learner().blurr_predict(texts), classifier()(texts, truncation=True, top_k=None)
    for answer, all_of in zip(answers, theirs, strict=True):
        scores = {p["label"]: p["score"] for p in all_of}
        assert answer["probs"] == pytest.approx([scores["NEGATIVE"], scores["POSITIVE"]], rel=1e-3, abs=1e-5)
    lengths = [blurr().blurr_sort_func((text,), tokenizer()) for text in texts]
    assert lengths == [len(tokenizer()(text, add_special_tokens=False, verbose=False).input_ids) for text in texts]


@covers("blurr.BlearnerForSequenceClassification", together=True)
def shows(texts):
    wordy = [text for text in texts if text.strip()]*2 + [FINE]*6  # some to learn from, some to look at
    data = pd.DataFrame(dict(text=pd.Series(wordy, dtype=object), label=[n % 2 for n, _ in enumerate(wordy)],
                             is_valid=[n % 3 == 0 for n, _ in enumerate(wordy)]))
    learn = blurr().BlearnerForSequenceClassification.from_data(data, own_pair(), dl_kwargs=dict(bs=4))
    pages = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("IPython.display.display", lambda page: pages.append(page.data))
        learn.dls.show_batch(), learn.show_results()
    assert all(Page(page).made_of <= TABLE for page in pages) and len(pages) >= 2


@covers("blurr.TextBatchCreator", "blurr.TextDataLoader", together=True)
def loads(texts):
    hf = blurr().get_hf_objects(own_pair())
    batch, = blurr().TextBatchCreator(*hf)(texts)
    (again,), = blurr().TextDataLoader(texts, *hf, bs=len(texts), shuffle=False)
    theirs = tokenizer()(texts, padding=True, truncation=True, return_tensors="pt").input_ids
    assert torch.equal(batch["input_ids"], theirs) and torch.equal(again["input_ids"].as_subclass(torch.Tensor), theirs)


@cache
def flown(*texts): return blurr().flights([*texts], ["POSITIVE"]*len(texts))


@covers("blurr.flights", "blurr.fly_fasthugs", "blurr.fly_adaptnlp", "blurr.fly_blurr", "blurr.FastHugsTokenizer",
        "flights.Flight", "flights.events_of", "flights.phases_of", "flights.when", "blurr.Flight", "blurr.when",
        together=True)
def flies(texts):
    flights = flown(*texts)
    logits = {name: flight.logits for name, flight in flights.items()}
    assert torch.allclose(logits["AdaptNLP"], logits["Blurr"], rtol=1e-4, atol=1e-4)
    plain = ["[PAD]" not in text for text in texts]  # FastHugs masks whatever reads so
    assert torch.allclose(logits["FastHugs"][plain], logits["Blurr"][plain], rtol=1e-4, atol=1e-4)
    assert when(flights).shape == (7, 3)


@covers("data.split_of")
def splits(text): assert split_of(text) == split_of(f" {text}! ") in ("train", "validation", "test")


@covers("data.keep_sentences", "data.my_sentences",
        refused={"sentences has an empty one": ["empty"], "sentences has one of [0-9,]+ characters": LONG})
def keeps(text):
    with TemporaryDirectory() as folder:
        kept = keep_sentences({text: "POSITIVE"}, Path(folder)/"mine.csv")
        assert my_sentences(Path(folder)/"mine.csv").equals(kept) and list(kept.text) == [text]


@covers("homework.check_name")
def names(text):
    try: assert homework.check_name(text).isprintable()
    except ValueError as e: assert re.match("name=.+(60 at most|take it out|give your submission a name)", str(e))


# What makes pages: nothing of a text acts in them.

ADDRESSES = "href src srcset srcdoc action formaction data poster background".split()
TABLE = {(tag, "") for tag in "table thead tbody tr th td".split()} | {("table", "border"), ("table", "class"),
                                                                       ("tr", "style")}


class Page(HTMLParser):
    "What a page is made of: its elements, each with the names of its attributes; and the addresses that it asks."
    def __init__(self, html: str):
        super().__init__()
        self.made_of, self.addresses = set(), []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.made_of |= {(tag, ""), *((tag, name) for name, _ in attributes)}
        self.addresses += [value or "" for name, value in attributes if name in ADDRESSES]

    def handle_comment(self, data): self.made_of.add(("comment", ""))
    def handle_decl(self, decl): self.made_of.add((decl, ""))
    def handle_pi(self, data): self.made_of.add(("instruction", ""))
    def unknown_decl(self, data): self.made_of.add(("declaration", ""))


def assert_printable(text: str):
    "A terminal obeys control characters."
    assert not (found := re.findall(r".{,20}[\x00-\x08\x0b-\x1f\x7f-\x9f].{,20}", text)), found


def assert_harmless(page: Page, like: set):
    "The page is made of what is in those `like` it, which were made of harmless texts."
    assert page.made_of <= like
    assert not [name for _, name in page.made_of if name.startswith("on")]
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)


WIDGETS = {}  # name of the check → what makes the widget of a text


def make_widget(name, make, covered=(), **options):
    "A check of the widget that `make` makes of a text: of both forms that it has without a page."
    @cache
    def like():
        pages = []
        for text in (FINE, "", "☃ embeddings 🙂", "so good "*300, "a"*200):
            try: pages.append(make(text).html())
            except (TypeError, ValueError): pass
        return set.union(*(Page(html).made_of for html in pages))

    def check(text):
        widget = make(text)
        assert_harmless(Page(widget.html()), like())
        assert_printable(repr(widget))

    check.__name__, WIDGETS[name] = name, make
    covers(*covered, **options)(check)


for name, make, covered, options in [
    ("pipeline_strip", lambda text: PipelineStrip([text, FINE]), ["pipeline_strip.PipelineStrip"], {}),
    ("token_strip", TokenStrip, ["token_strip.TokenStrip"], {}),
    ("own_token_strip", lambda text: TokenStrip(text, own(text)), [], {}),
    ("race", TokenizerRace, ["tokenizer_race.TokenizerRace"], dict(refused={"text has": LONG})),
    ("own_race", lambda text: TokenizerRace(text, {text[:30] or "own": own(text)}), [], dict(
        refused={"text has": LONG})),
    ("theatre", lambda text: MergeTheatre(texts=[text]), ["merge_theatre.MergeTheatre"], dict(refused=BARE)),
    ("unigram_theatre", lambda text: MergeTheatre("unigram", {text: 2, FINE: 1}), [], dict(
        refused={"texts has '': a word must": ["empty"]})),
    ("bench", lambda text: MaskBench([text, FINE]), ["mask_bench.MaskBench"], {}),
    ("table", lambda text: padding_table([text, FINE], text_pair=[FINE, text], max_lengths=(None, 6)),
     ["padding_table.PaddingTable"], dict(refused={"texts has": LONG})),
    ("grid", lambda text: AttentionGrid([text, (FINE, text)], row=1), ["attention_grid.AttentionGrid"], dict(
        refused={"A text has": ("mixed line", "words")})),
    ("recorder", lambda text: FlightRecorder({text: events_of(text)}), ["flight_recorder.FlightRecorder"], {}),
    ("quiz", quiz, ["quiz.Quiz", "quizzes.load_quiz"], dict(
        refused={"": HALVES, ".*question 1 has no text for `ask`": ("empty", "blank")}))]:
    make_widget(name, make, covered, **options)


@covers("blog.harmless")
def cleans(text):
    page = Page(blog.harmless(text))
    assert {tag for tag, _ in page.made_of} <= blog.TAGS
    assert {name for _, name in page.made_of} <= blog.ATTRIBUTES | {""} and not page.addresses


@covers("blog.blog", "blog.read_post", "blog.Post", "course.blog", together=True)
def posts(texts):
    def notebook(texts):
        def shown(text):
            data = {"text/html": text, "text/plain": text}
            return [dict(output_type="display_data", metadata={}, data=data),
                    dict(output_type="stream", name="stdout", text=text)]
        cells = [dict(cell_type="markdown", metadata={}, source=text) for text in texts]
        cells += [dict(cell_type="code", metadata={}, execution_count=1, source=text, outputs=shown(text))
                  for text in texts]
        return json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=4))
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.ipynb")
        path.write_text(notebook(texts))
        assert blog.read_post(path).nb.cells
        page = Page(blog.blog(path, "html")[0].read_text().partition("<body>")[2])
        assert blog.blog(path)[0].read_text()
    assert {tag for tag, _ in page.made_of} <= blog.TAGS | {"time"}
    assert {name for _, name in page.made_of} <= blog.ATTRIBUTES | {"", "datetime"}
    assert not [a for a in page.addresses if re.match(r"\s*(javascript|data|vbscript)", a)]


@pytest.mark.parametrize("name", [name for name in NASTY if name != "mixed line"])
@pytest.mark.parametrize("check", checks(False, "agrees"))
def test_a_text(check, name): answers(check, name, NASTY[name][:60_000])


@pytest.mark.parametrize("name", ["all", *HALVES])
@pytest.mark.parametrize("check", checks(True, "has_heads"))
def test_texts_together(check, name):
    answers(check, name, [NASTY[name] for name in SHORT] if name == "all" else [NASTY[name], FINE])


@pytest.mark.parametrize("call", [
    lambda: BPETokenizer().train([NASTY["line"]], 400), lambda: WordPieceTokenizer().train([NASTY["line"]], 400),
    lambda: padding_table([NASTY["mixed line"][:25_000]], max_lengths=(8,))], ids=["BPE", "WordPiece", "table"])
def test_twice_the_text_is_twice_the_time(call):
    with in_time(): call()


@pytest.mark.extra
@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("check", CHECKS)
def test_a_megabyte(check, name):
    _, _, together, _ = CHECKS[check]
    answers(check, name, [NASTY[name], FINE] if together else NASTY[name], 100)


ANY_STRING = "merges", "prunes", "splits", "names", "cleans", "posts"  # these take half a character too


def answers(check: str, name: str, text, seconds: float = 10):
    "Run the check: it passes, or what it says is what is expected of this text."
    run, _, _, refused = CHECKS[check]
    half = r".*half a character" if name in HALVES and check not in ANY_STRING else None
    expected = refused.get(name, half)
    try:
        with in_time(seconds): run(text)
    except (TypeError, ValueError) as e:
        assert expected is not None and re.match(expected, str(e), re.DOTALL), e
        assert type(e) in (TypeError, ValueError) and len(str(e)) < 300
    else: assert expected is None


# What takes a name.

NAMES = {
    **{f"checkpoints.{f.__name__}": (f, CheckpointError, "checkpoint=") for f in (
        load, load_model, load_tokenizer, load_shared)},
    "blurr.get_hf_objects": (lambda name: blurr().get_hf_objects(name), CheckpointError, "checkpoint="),
    "quizzes.quiz_path": (quiz_path, ValueError, "There is no quiz"),
    "data.load_reviews": (load_reviews, ValueError, "split="),
    "homework.competition_data": (homework.competition_data, ValueError, "source="),
    "models.saved_files": (saved_files, FileNotFoundError, "folder="),
    "course.self_checks": (lambda name: self_checks(name, {}), ValueError, "session="),
}


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("call", NAMES)
def test_a_name(call, name):
    f, kind, said = NAMES[call]
    with in_time(), pytest.raises(kind) as e: f(NASTY[name])
    assert str(e.value).startswith(said) and len(str(e.value)) < 500


# Nothing that takes a text is left out.

MODULES = {name: name for name in (  # how a module is called here → its dotted name
    "attention blurr checkpoints course data homework models padding pipeline tokenizers").split()}
MODULES |= dict(blog="command.blog", flights="learning.flights", quizzes="core.quizzes", texts="core.texts")
NO_TEXT = dict(
    takes_numbers="""attention.scaled_dot_product_attention attention.causal_mask attention.additive_mask
        attention.sinusoidal_positions padding.make_attention_mask padding.check_mask padding.masked_logits padding.pad
        padding.padded_length padding.truncate padding.forward_flops padding.padding_cost quizzes.letter
        padding.token_budget_batches padding_bill.PaddingBill tokenizers.curve""",
    takes_a_model_or_its_parts="""attention.MultiHeadAttention attention.EncoderLayer pipeline.function_to_apply
        models.anatomy models.Anatomy models.Row models.save_checkpoint models.SavedFile padding.add_pad_token
        blurr.first_blurr_tfm blurr.BaseModelWrapper blurr.PreCalculatedLoss blurr.PreCalculatedCrossEntropyLoss
        blurr.PreCalculatedBCELoss blurr.PreCalculatedMSELoss blurr.BaseModelCallback blurr.blurr_splitter
        blurr.blurr_splitter_by_layer blurr.FastHugsModel blurr.SpecialClsTokens blurr.AdaptiveLearner
        blurr.preproc_hf_dataset blurr.wandb_callback checkpoints.from_pretrained blurr.get_blurr_tfm
        blurr.give_pad_token blurr.GradientCheckpointing blurr.MultiTargetLoss""",
    takes_nothing="""data.corpus data.bundled_reviews data.index_url data.cache_folder course.course_root course.doctor
        course.checks quizzes.quiz_names flights.current_phase checkpoints.quiet""",
    is_an_error="checkpoints.CheckpointError blurr.CheckpointingNotSupported",
    tags_words_which_its_own_tests_spoil="""blurr.BILabelingStrategy blurr.BaseLabelingStrategy
        blurr.OnlyFirstTokenLabelingStrategy blurr.SameLabelLabelingStrategy blurr.BlearnerForTokenClassification
        blurr.TokenAggregationStrategies blurr.TokenCategorize blurr.TokenCategoryBlock blurr.TokenTensorCategory
        blurr.TokenClassBatchTokenizeTransform blurr.TokenClassMetricsCallback blurr.TokenClassPreprocessor
        blurr.TokenClassTextInput blurr.calculate_token_class_metrics blurr.draw_alignment data.tagged_sentences
        blurr.get_token_labels_from_input_ids blurr.get_word_labels_from_token_labels""",
    models_language_which_its_own_tests_spoil="""blurr.BaseLMStrategy blurr.BertMLMStrategy blurr.CausalLMStrategy
        blurr.BlearnerForLM blurr.CausalLMTextInput blurr.MLMTextInput blurr.LMBatchTokenizeTransform
        blurr.LMMetricsCallback blurr.LMPreprocessor blurr.LMType blurr.fill_masks""",
    answers_questions_which_its_own_tests_spoil="""blurr.BlearnerForQuestionAnswering blurr.PreCalculatedQALoss
        blurr.QABatchTokenizeTransform blurr.QAMetricsCallback blurr.QAModelCallback blurr.QAPreprocessor
        blurr.QATextInput blurr.compute_qa_metrics blurr.draw_answer blurr.find_answers blurr.qa_logits
        data.corpus_questions""",
    rewrites_texts_which_its_own_tests_spoil="""blurr.BlearnerForSeq2Seq blurr.BlearnerForSummarization
        blurr.BlearnerForTranslation blurr.Seq2SeqBatchDecodeTransform blurr.Seq2SeqBatchTokenizeTransform
        blurr.Seq2SeqMetricsCallback blurr.Seq2SeqPreprocessor blurr.Seq2SeqTextBlock blurr.Seq2SeqTextInput
        blurr.SummarizationPreprocessor blurr.TranslationPreprocessor blurr.blurr_seq2seq_splitter
        blurr.default_text_gen_kwargs blurr.generate_texts blurr.language_kwargs""",
    prepares_or_names_which_tests_of_extras_spoil="""blurr.BlurrText blurr.ClassificationPreprocessor
        blurr.Preprocessor""",
    keeps_progress_which_its_own_tests_spoil="""course.checked progress.Progress quizzes.question_keys
        quizzes.quiz_key""",
    takes_labels_which_tests_of_homework_spoil="""homework.scores homework.check_predictions homework.submit
        homework.compare homework.Submission homework.Competition homework.board_folder homework.baselines
        homework.leaderboard homework.is_line homework.to_line""",
    takes_settings_and_folders_which_tests_of_the_course_spoil="""course.Settings course.settings course.sync
        course.start course.main course.Finding""")


def public() -> set[str]:
    "What the sessions' modules, and the widgets', have that can be called."
    loaded = {name: import_module(f"study_group.{name}") for name in modules() if not name.endswith("__init__")}
    found = {f"{name}.{thing}" for name, module in MODULES.items() for thing in loaded[module].__all__
             if callable(getattr(loaded[module], thing))}
    return found | {f"{w.__module__.rpartition('.')[2]}.{w.__name__}" for w in StudyWidget.__subclasses__()
                    if w.__module__.startswith("study_group.")}


def test_nothing_public_is_left_out():
    covered = {name for _, names, *_ in CHECKS.values() for name in names} | NAMES.keys()
    left = [*" ".join(NO_TEXT.values()).split()]
    assert covered | {*left} == public() and covered.isdisjoint(left) and len(left) == len({*left})
