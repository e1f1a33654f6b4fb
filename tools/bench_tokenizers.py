"""Our tokenizers beside the Rust library's, in one run: CPU seconds of one thread. Trust ratios."""
import os

os.environ.update(RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")  # before the library is imported

import json, time
from collections import Counter, defaultdict
from itertools import pairwise
from math import exp, log

from bench import row
from tokenizers import Tokenizer, models, trainers

from study_group.data import load_reviews
from study_group.tokenizers import (BPETokenizer, UnigramTokenizer, WordPieceTokenizer, best_split, join_pair,
                                    rank_pairs, with_beginnings)

MODELS = dict(BPE=(models.BPE, trainers.BpeTrainer), WordPiece=(models.WordPiece, trainers.WordPieceTrainer),
              Unigram=(models.Unigram, trainers.UnigramTrainer))


def reviews(*kinds: str) -> list[str]:
    "All rated sentences of `kinds`; they are downloaded once."
    return [text for kind in kinds for split in ("train", "validation", "test")
            for text in load_reviews(split, kind=kind).text]


def cpu(f) -> tuple:
    "What `f` returns, and the CPU seconds it took."
    begin = time.process_time()
    result = f()
    return result, time.process_time() - begin


def best_cpu(*functions, times: int = 3) -> list:
    "What each of `functions` returns, and its smallest CPU seconds; by turns, so that a busy machine hits all."
    runs = [[cpu(f) for f in functions] for _ in range(times)]
    return [(runs[-1][i][0], min(run[i][1] for run in runs)) for i in range(len(functions))]


def rust(texts: list[str], vocab_size: int, like) -> Tokenizer:
    "The library's tokenizer of the same algorithm and pre-tokenizer as `like`, trained on `texts`."
    model, trainer = MODELS[like.algorithm]
    unk = {} if like.algorithm == "Unigram" else {"unk_token": "[UNK]"}
    tokenizer = Tokenizer(model(**unk))
    tokenizer.pre_tokenizer = like.pre_tokenizer
    options = {"unk_token": "[UNK]"} if like.algorithm == "Unigram" else {}
    if getattr(like, "byte_level", False): options["initial_alphabet"] = like.pre_tokenizer.alphabet()
    options |= dict(vocab_size=vocab_size, special_tokens=["[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer(**options))
    return tokenizer


def count_pairs(splits: dict, words: Counter) -> dict:
    pairs = defaultdict(int)
    for word, split in splits.items():
        for pair in pairwise(split): pairs[pair] += words[word]
    return pairs


def recounting(words: Counter, n_merges: int, method: str, mark: str = ""):
    "The first merges as courses write them: all pairs counted again for each."
    splits = {word: [c if i == 0 else mark + c for i, c in enumerate(word)] for word in words}
    for _ in range(n_merges):
        value = count_pairs(splits, words) if method == "count" else rank_pairs(splits, words, method)
        pair = max(value, key=value.get)
        splits = {word: join_pair(split, pair, pair[0] + pair[1].removeprefix(mark)) for word, split in splits.items()}


def log_likelihood(scores: dict, words: Counter) -> float:
    "Of the likeliest splits of `words`, with `scores` normalized."
    norm, scores = log(sum(map(exp, scores.values()))), with_beginnings(scores, float("-inf"))
    return sum(count*(score - norm*len(pieces)) for count, (pieces, score) in
               ((count, best_split(word, scores)) for word, count in words.items()))


def merging(texts: list[str], n_merges: int = 4000, n_timed: int = 100):
    "BPE training; the recounting version is timed over its first merges and scaled."
    for byte_level in (False, True):
        like = BPETokenizer(byte_level)
        words = like.count_words(texts)
        size = 1 + (256 if byte_level else len(set("".join(words)))) + n_merges
        (ours, t_ours), (theirs, t_theirs) = best_cpu(lambda: BPETokenizer(byte_level).train(texts, size),
                                                      lambda: rust(texts, size, like))
        equal = ours.merges == [tuple(pair) for pair in json.loads(theirs.to_str())["model"]["merges"]]
        row(f"train {ours.name}, {len(ours.merges):,} merges", t_ours, t_theirs, "Rust", more=f"same merges: {equal}")
        slow = cpu(lambda: recounting(words, n_timed, "count"))[1]*n_merges/n_timed
        row(f"train {ours.name}, {len(ours.merges):,} merges", t_ours, slow, "recounting", more="scaled")


def wordpiece(texts: list[str], vocab_size: int = 2000, n_timed: int = 20):
    "WordPiece training: by merges beside Rust's; by score beside recounting, timed over its first merges and scaled."
    like = WordPieceTokenizer("merges")
    (ours, t_ours), (theirs, t_theirs) = best_cpu(lambda: WordPieceTokenizer("merges").train(texts, vocab_size),
                                                  lambda: rust(texts, vocab_size, like))
    def shared(tokenizer) -> str: return f"{len(tokenizer.vocab.keys() & theirs.get_vocab().keys()):,} in common"
    row(f"train WordPiece by merges, {vocab_size:,} pieces", t_ours, t_theirs, "Rust", more=shared(ours))
    scored, t_scored = cpu(lambda: WordPieceTokenizer().train(texts, vocab_size))
    slow = cpu(lambda: recounting(like.count_words(texts), n_timed, "score", "##"))[1]*len(scored.merges)/n_timed
    tokens = sum(len(scored.encode(text)) for text in texts), sum(len(e.ids) for e in theirs.encode_batch(texts))
    row(f"train WordPiece by score, {vocab_size:,} pieces", t_scored, slow, "recounting",
        more=f"scaled; {shared(scored)} with Rust's, {tokens[0]/tokens[1]:.2f} times as many tokens")


def unigram(texts: list[str]):
    "Unigram training; log likelihood of the corpus under its best splits, probabilities normalized on both sides."
    for vocab_size in (1000, 2000, 8000):
        (ours, t_ours), (theirs, t_theirs) = best_cpu(lambda: UnigramTokenizer().train(texts, vocab_size),
                                                      lambda: rust(texts, vocab_size, UnigramTokenizer()), times=1)
        loaded = UnigramTokenizer.from_pretrained(theirs)
        words = ours.count_words(texts)
        learned = ({piece: score for piece, score in t.scores.items() if piece != "[UNK]"} for t in (ours, loaded))
        l_ours, l_theirs = (log_likelihood(scores, words) for scores in learned)
        row(f"train Unigram, {vocab_size:,} pieces", t_ours, t_theirs, "Rust",
            more=f"log likelihood {1 - l_ours/l_theirs:+.1%}")


def encoding(texts: list[str], vocab_size: int = 4000):
    "Encoding text that wasn't trained on, cold word cache, beside encode_batch and a loop of encode."
    seen, size = reviews("product", "tweet", "editorial"), sum(len(text.encode()) for text in texts)/1e6
    for ours in (BPETokenizer(), BPETokenizer(byte_level=True), WordPieceTokenizer("merges"), UnigramTokenizer()):
        trained, runs = rust(seen, vocab_size, ours).to_str(), []
        for _ in range(5):
            library = [Tokenizer.from_str(trained) for _ in range(2)]
            mine = type(ours).from_pretrained(library[0])
            encodings, t_batch = cpu(lambda: library[0].encode_batch(texts, add_special_tokens=False))
            _, t_loop = cpu(lambda: [library[1].encode(text, add_special_tokens=False).ids for text in texts])
            ids, t_ours = cpu(lambda: [mine.encode(text) for text in texts])
            _, t_warm = cpu(lambda: [mine.encode(text) for text in texts])
            assert ids == [encoding.ids for encoding in encodings]
            runs.append((t_ours, t_warm, t_batch, t_loop))
        t_ours, t_warm, t_batch, t_loop = map(min, zip(*runs))
        row(f"encode {size:.1f} MB, {ours.name}", t_ours, t_batch, "Rust, encode_batch",
            more=f"the same ids; in a loop Rust takes {t_loop:.2f} s; ours with words it knows {t_warm:.2f} s")


if __name__ == "__main__":
    texts = reviews("movie")
    for bench in (merging, wordpiece, unigram, encoding): bench(texts)
