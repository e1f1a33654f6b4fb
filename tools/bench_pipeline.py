"""trace beside the library's pipeline, 10,000 tokens drawn beside the library's, the bundled model beside TF-IDF."""
import statistics, time

import transformers
from bench import row
from tokenizers.tools import EncodingVisualizer
from transformers import pipeline

from study_group.checkpoints import BUNDLED, load
from study_group.data import bundled_reviews
from study_group.pipeline import trace
from study_group.widgets.token_strip import TokenStrip
from train_checkpoint import scores


def seconds(f, times: int = 15) -> float:
    "The median time of a call of `f`."
    f()
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        f()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def tracing(model, tokenizer):
    classifier = pipeline("text-classification", model=model, tokenizer=tokenizer)
    texts = bundled_reviews().text.tolist()[:32]
    for name, what in (("one text", texts[0]), ("32 texts", texts)):
        ours = seconds(lambda: trace(what, (model, tokenizer)))
        theirs = seconds(lambda: classifier(what, truncation=True))
        row(f"trace, {name}", ours*1000, theirs*1000, "pipeline", "ms", "trace keeps every stage")


def score(model, tokenizer):
    "The bundled model's accuracy on the held-out reviews, recomputed; they are downloaded once."
    for split, s in scores(model, tokenizer).items():
        if split == "slides": continue
        row(f"wrong labels, bundled model, {split}", 100 - 100*s["accuracy"], 100 - 100*s["tfidf"],
            "TF-IDF", "%", f"{s['rows']:,} rows")


def drawing(tokenizer):
    "A text of 10,000 tokens as HTML."
    text = "tokenization hurts! " * 2500
    n = len(tokenizer(text, add_special_tokens=False).input_ids)
    draw = EncodingVisualizer(tokenizer.backend_tokenizer, default_to_notebook=False)
    ours, theirs = (seconds(f, 1) for f in (lambda: TokenStrip(text, tokenizer).page(), lambda: draw(text)))
    row(f"a page of {n:,} tokens", ours, theirs, "EncodingVisualizer")


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    size = sum(f.stat().st_size for f in BUNDLED.iterdir())
    row("load the bundled model", seconds(load, 5)*1000, None, "", "ms", f"{size/1e6:.1f} MB on disk")
    checkpoint = load()
    tracing(*checkpoint)
    drawing(checkpoint[1])
    score(*checkpoint)
