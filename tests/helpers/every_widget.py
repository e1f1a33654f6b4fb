"How to make one of each widget, and what its page may ask of it."
import importlib

from study_group.widgets.base import StudyWidget

TEXTS = ["What a film!", "I hate this so much!"]
EVENTS = [dict(phase=p, steps=s, where="w", note="n", calls=1, rows=[]) for p, s in (("item", ["pad"]), ("model", []))]
MAKERS = {  # class → module, how to make one, and an update that a page sends of it: trait, value
    "AttentionGrid": ("attention_grid", lambda w: w(TEXTS), "head", 2),
    "FlightRecorder": ("flight_recorder", lambda w: w(dict(a=EVENTS)), "event", [0, 1]),
    "MaskBench": ("mask_bench", lambda w: w(TEXTS), "texts", ["Good.", "I hate this so much!"]),
    "MergeTheatre": ("merge_theatre", lambda w: w(betting=True), "step", 2),
    "PaddingBill": ("padding_bill", lambda w: w([3, 9, 4]), "batch_size", 2),
    "PaddingTable": ("padding_table", lambda w: padding_table(TEXTS), "selected", 3),
    "PipelineStrip": ("pipeline_strip", lambda w: w(TEXTS), "row", 1),
    "Progress": ("progress", lambda w: w(), "evenings", ["01_pipeline"]),
    "Quiz": ("quiz", lambda w: w("01_pipeline"), "_checks", [[[1]]]),
    "TokenStrip": ("token_strip", lambda w: w("hugs"), "text", "more hugs"),
    "TokenizerRace": ("tokenizer_race", lambda w: w("hugs", dict(ours=load_tokenizer())), "text", "more hugs")}


def load_tokenizer():
    from study_group.checkpoints import load_tokenizer
    return load_tokenizer()


def padding_table(texts):
    from study_group.padding import padding_table
    return padding_table(texts)


def make(name: str) -> StudyWidget:
    module, maker, *_ = MAKERS[name]
    return maker(getattr(importlib.import_module(f"study_group.widgets.{module}"), name))
