"""attribution beside Captum on the same model and texts, and head_effect beside a run with a hook for each head; in one
run, by turns, the same values checked. CPU seconds of one thread: times depend on the machine, ratios less.
"""
import statistics, sys, time

import torch, transformers
from bench import row
from captum.attr import FeatureAblation, LayerGradientXActivation, LayerIntegratedGradients

from study_group.attending.attributions import METHODS, attribution
from study_group.attending.effects import head_effect
from study_group.checkpoints import load
from study_group.data import bundled_reviews

ROUNDS = int(next((a for a in sys.argv[1:] if a.isdigit()), 5))


def by_turns(functions: dict) -> dict:
    "The answer and all times of each of `functions`; in each round all of them, so that a busy machine hits all."
    for f in functions.values(): f()
    found = {name: [None, []] for name in functions}
    for _ in range(ROUNDS):
        for name, f in functions.items():
            begin = time.process_time()
            found[name][0] = f()
            found[name][1].append(time.process_time() - begin)
    return found


def compare(what: str, ours, theirs, peer: str):
    "A row for functions that give tensors: the best times, and how far the tensors are apart."
    results = by_turns(dict(theirs=theirs, ours=ours))
    (want, their_times), (got, our_times) = results.values()
    off = max((a - b).abs().max().item() for a, b in zip(got, want))
    ratio = statistics.median(a/b for a, b in zip(their_times, our_times))
    row(what, min(our_times), min(their_times), peer, more=f"median of {ROUNDS} rounds {ratio:.2f}; off by {off:.0e}")


def integrated(forward, table, ids, baseline, label: int) -> torch.Tensor:
    "Captum's integrated gradients, with twice the steps while its own check finds more than 1 % missing, as ours does."
    with torch.no_grad(): ends = forward(torch.cat([ids, baseline]))[:, label]
    method, steps = LayerIntegratedGradients(forward, table), 50
    while True:
        values = method.attribute(ids, baseline, label, n_steps=steps)[0].sum(-1)
        if abs(values.sum() - ends[0] + ends[1]) <= .01*abs(ends[0] - ends[1]) or steps == 800: return values
        steps *= 2


def captum(method: str, texts: list[str], model, tokenizer) -> list[torch.Tensor]:
    "What Captum gives the tokens of each text, with [MASK] as a baseline, toward the best label."
    table, found = model.get_input_embeddings(), []
    for text in texts:
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        forward = lambda ids: model(input_ids=ids).logits
        with torch.no_grad(): label = int(forward(ids).argmax())
        baseline = torch.full_like(ids, tokenizer.mask_token_id)
        baseline[0, [0, -1]] = ids[0, [0, -1]]
        if method == METHODS[0]: values = FeatureAblation(forward).attribute(ids, baseline, label)[0]
        elif method == METHODS[1]: values = LayerGradientXActivation(forward, table).attribute(ids, label)[0].sum(-1)
        else: values = integrated(forward, table, ids, baseline, label)
        found.append(values.detach())
    return found


def hooked(texts: list[str], model, tokenizer) -> list[torch.Tensor]:
    "Logits (n_texts, n_labels) without each head in turn, by a hook on the output projection of its layer."
    batch, found, n = tokenizer(texts, padding=True, return_tensors="pt"), [], model.config.n_heads
    for layer in model.distilbert.transformer.layer:
        for head in range(n):
            def hide(part, args):
                x = args[0].unflatten(-1, (n, -1)).clone()
                x[..., head, :] = 0
                return x.flatten(-2)
            hook = layer.attention.out_lin.register_forward_pre_hook(hide)
            with torch.no_grad(): found.append(model(**batch).logits)
            hook.remove()
    return found


def main():
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    pair, reviews = load(), bundled_reviews().text.tolist()
    for what, texts in (("20 reviews", reviews[:20]), ("a text of 126 tokens", [" ".join(reviews[:9])])):
        for method in METHODS:
            compare(f"{method}, {what}", lambda: attribution(texts, pair, method=method).values,
                    lambda: captum(method, texts, *pair), "Captum")
    for what, texts in (("2 reviews", reviews[:2]), ("20 reviews", reviews[:20])):
        compare(f"effect of 72 heads, {what}", lambda: [*head_effect(texts, pair).logits.flatten(0, 1)],
                lambda: hooked(texts, *pair), "a hook for each head")


if __name__ == "__main__": main()
