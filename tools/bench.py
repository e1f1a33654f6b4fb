"""Measure what the course claims of itself, beside a peer in the same run. Times depend on the machine, ratios less."""
import statistics, time

import transformers
from transformers import pipeline

from study_group.checkpoints import BUNDLED, load
from study_group.data import bundled_reviews
from study_group.pipeline import trace


def seconds(f, times: int = 15) -> float:
    "The median time of a call of `f`."
    f()
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        f()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def score():
    "The bundled model's accuracy on the held-out reviews, recomputed; they are downloaded once."
    from train_checkpoint import scores
    for split, s in scores(*load()).items():
        if split != "slides": print(f"  {split:<12}{s['rows']:>6} rows{s['accuracy']:>8.1%}   TF-IDF {s['tfidf']:.1%}")


def tracing():
    "trace, which keeps every stage, beside the library's pipeline, which keeps none."
    model, tokenizer = load()
    classifier = pipeline("text-classification", model=model, tokenizer=tokenizer)
    texts = bundled_reviews().text.tolist()[:32]
    for name, what in (("one text", texts[0]), ("32 texts", texts)):
        ours = seconds(lambda: trace(what, (model, tokenizer)))
        theirs = seconds(lambda: classifier(what, truncation=True))
        print(f"  {name:<12}trace {ours*1000:6.1f} ms   pipeline {theirs*1000:6.1f} ms   ratio {ours/theirs:.2f}")


def loading():
    "Loading the bundled model."
    size = sum(f.stat().st_size for f in BUNDLED.iterdir())
    print(f"  load {seconds(load, 5)*1000:.0f} ms, {size/1e6:.1f} MB on disk")


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    for bench in (score, tracing, loading):
        print(bench.__doc__)
        bench()
