"What the flight recorder records of three designs."
import pytest, torch

from study_group.learning.flights import Flight, when
from study_group.widgets.flight_recorder import FlightRecorder

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]


def test_three_designs_fly_alike():
    from study_group.blurr import flights, get_hf_objects
    hf = get_hf_objects(config_kwargs=dict(n_layers=1))
    texts = ["Dull.", *TEXTS]  # the shortest first
    others = ["A long one, longer than all the others here, "*3]
    flown = flights(texts, ["NEGATIVE", "POSITIVE", "NEGATIVE"], hf, others)
    expected = hf[3].eval()(**hf[2](texts, padding=True, return_tensors="pt")).logits.detach()
    for flight in flown.values():
        assert torch.allclose(flight.logits, expected, atol=1e-5)
        assert [len(e["rows"]) for e in flight.events] == [3] * len(flight.events)
        assert not flight.on and not hf[3]._forward_hooks
    table = when(flown)
    assert table.loc["tokenize"].tolist() == ["item", "dataset", "batch"]
    assert table.loc["mask"].tolist() == ["model", "dataset", "batch"]
    assert table.loc["label"].tolist() == ["item", "dataset, batch", "item, batch"]
    n_pads = {name: [row["kinds"].count("pad") for e in f.events if "pad" in e["steps"] for row in e["rows"]]
              for name, f in flown.items()}
    real = [len(ids) for ids in hf[2](texts)["input_ids"]]
    assert n_pads["FastHugs"] == n_pads["Blurr"] == [max(real) - n for n in real]
    assert all(a > b for a, b in zip(n_pads["AdaptNLP"], n_pads["Blurr"]))
    labels = [row["label"] for row in flown["Blurr"].events[0]["rows"]]
    assert labels == [0, 1, 0] and FlightRecorder(flown, step="mask")._view["lanes"][0]["name"] == "FastHugs"


@pytest.mark.parametrize("texts, labels, error", [
    (["a", "b"], ["POSITIVE"], "2 texts and 1 labels"), (["a"], ["good"], "'good' isn't one of the model's"),
    (["a", 3], ["POSITIVE"] * 2, "must be a string")])
def test_bad_flights(texts, labels, error):
    from study_group.blurr import flights
    with pytest.raises((ValueError, TypeError), match=error): flights(texts, labels)


def test_a_flight_ends_with_its_logits():
    flight = Flight(None)
    flight.log("tokenize", "x", "before the start", [{}])
    flight.start().log("logits", "x", "", [dict(logits=torch.ones(2))])
    flight.log("tokenize", "x", "after the end", [{}])
    assert [e["steps"] for e in flight.events] == [["logits"]] and flight.logits.tolist() == [[1, 1]]


def test_the_adaptive_learner_trains():
    from fastai.data.core import DataLoaders
    from fastai.losses import CrossEntropyLossFlat
    from study_group.blurr import AdaptiveLearner, get_hf_objects
    from torch.utils.data import DataLoader
    from transformers import default_data_collator
    _, _, tokenizer, model = get_hf_objects(config_kwargs=dict(n_layers=1))
    ids = tokenizer(TEXTS, padding=True)["input_ids"]
    rows = [dict(input_ids=row, attention_mask=[int(i > 0) for i in row], label=n) for n, row in enumerate(ids)]
    loader = DataLoader(rows, batch_size=2, collate_fn=default_data_collator)
    learn = AdaptiveLearner(DataLoaders(loader, loader), model, loss_func=CrossEntropyLossFlat())
    with learn.no_bar(), learn.no_logging():
        before, = learn.validate()
        learn.fit(20, 3e-3)
        assert learn.validate()[0] < before / 2
