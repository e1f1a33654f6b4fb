"""classify beside the library's pipeline on 1,000 reviews, in one run, by turns. Trust ratios.

With --one-thread it counts CPU seconds of one thread, which says more on a busy machine; without, the time on the wall.
"""
import statistics, sys, time

import torch, transformers
from bench import row
from transformers import pipeline

from study_group.batching.answers import bfloat16_time
from study_group.checkpoints import load
from study_group.data import load_reviews
from study_group.padding import STRATEGIES, classify, padding_cost

ONE_THREAD = "--one-thread" in sys.argv
ROUNDS = int(next((a for a in sys.argv[1:] if a.isdigit()), 5))
clock = time.process_time if ONE_THREAD else time.perf_counter


def seconds(f) -> tuple:
    "What `f` returns, and how long it took."
    begin = clock()
    return f(), clock() - begin


def by_turns(functions: dict, rounds: int) -> dict:
    "The answer and all times of each of `functions`; in each round all of them, so that a busy machine hits all."
    for f in functions.values(): f()
    runs = [{name: seconds(f) for name, f in functions.items()} for _ in range(rounds)]
    return {name: (runs[-1][name][0], [run[name][1] for run in runs]) for name in functions}


def positive(answers: list[dict]) -> torch.Tensor:
    return torch.tensor([a["score"] if a["label"] == "POSITIVE" else 1 - a["score"] for a in answers])


def costs(lengths: list[int]):
    "What padding costs, by strategy, beside padding to the longest text of each batch in the given order."
    bills = {strategy: padding_cost(lengths, strategy=strategy) for strategy in STRATEGIES}
    for strategy, bill in bills.items():
        row(f"padding, {strategy}", bill["flops"]/1e9, bills["longest"]["flops"]/1e9, "longest", "gigaflops",
            f"{bill['wasted']:.1%} pads")


def speed(texts: list[str], model, tokenizer):
    "classify beside pipeline(batch_size=32, truncation=True): the best times, and how far the answers are apart."
    classifier = pipeline("text-classification", model=model, tokenizer=tokenizer)
    results = by_turns({
        "pipeline": lambda: classifier(texts, batch_size=32, truncation=True),
        "classify": lambda: classify(texts, (model, tokenizer), progress=False),
        "classify, bfloat16": lambda: classify(texts, (model, tokenizer), dtype="bfloat16", progress=False)}, ROUNDS)
    theirs, their_times = results.pop("pipeline")
    for name, (answers, times) in results.items():
        off = (positive(answers) - positive(theirs)).abs().max()
        flips = sum(a["label"] != b["label"] for a, b in zip(answers, theirs))
        median = statistics.median(a/b for a, b in zip(their_times, times))
        row(f"{name}, {len(texts):,} reviews", min(times), min(their_times), "pipeline", more=f"median of {ROUNDS} "
            f"rounds {median:.2f}; scores off by up to {off:.0e}; {flips} other labels"
            + f"; on this CPU a product takes {bfloat16_time():.2f} × as long in bfloat16"*name.endswith("bfloat16"))


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    if ONE_THREAD: torch.set_num_threads(1)
    texts, (model, tokenizer) = load_reviews("train", limit=1000).text.tolist(), load()
    costs([len(ids) for ids in tokenizer(texts)["input_ids"]])
    speed(texts, model, tokenizer)
