"What Blurr had beside its tasks, as recorded; and all its names."
import inspect, json

import pytest, record_blurr, torch, transformers
from blurr_tasks import extras
from fastai.learner import Learner
from recorded import differences

import study_group.blurr
from study_group.blurr import *
from study_group.learning.names import ARGUMENTS, LEFT_OUT, RENAMED

RECORDED = json.loads((record_blurr.DATA / "blurr_extras.json").read_text(encoding="utf-8"))


def mended_heads(old):
    "As far as today's transformers has what there was: it dropped heads, and added some."
    today = {*dir(transformers)}
    def there(names): return [name for name in names if name in today]
    return {**old, "models": {arch: there(names) for arch, names in old["models"].items()},
            "architectures": {name: old["architectures"][name] for name in there(old["architectures"])}}


def seen_heads(new, old):
    "What was recorded of what there is now."
    models = {arch: [name for name in names if name in old["models"][arch]] for arch, names in new["models"].items()}
    names = {name for names in models.values() for name in names}
    tasks = {arch: [t for t in old["tasks"][arch] if t in found] for arch, found in new["tasks"].items()}
    return {**new, "models": models, "tasks": tasks,
            "architectures": {name: arch for name, arch in new["architectures"].items() if name in names}}


def mended_prepared(old):
    "Blurr's `proc_…` has one character too many: an offset ends one past the last."
    def mended(case):
        columns = case["columns"]
        for row in case["rows"]:
            for attr in (c.removeprefix("proc_") for c in columns if c.startswith("proc_")):
                start, end = (row[columns.index(f"{attr}_{side}_char_idx")] for side in ("start", "end"))
                at = columns.index(f"proc_{attr}")
                assert row[at] == row[columns.index(attr)][start:end + 1]
                row[at] = row[columns.index(attr)][start:end]
        return case
    return {name: mended(case) for name, case in old.items()}


@pytest.mark.parametrize("case", extras.CASES, ids=lambda case: case.__name__)
def test_as_recorded(case):
    old, new = RECORDED[case.__name__], json.loads(json.dumps(record_blurr.plain(case())))
    if case is extras.heads: old, new = mended_heads(old), seen_heads(new, old)
    if case is extras.prepared: old = mended_prepared(old)
    assert differences(old, new) == []


def test_all_is_recorded(): assert list(RECORDED) == [case.__name__ for case in extras.CASES]


@pytest.mark.parametrize("arch", extras.ARCHITECTURES)
def test_heads_are_where_they_are_said_to_be(arch):
    names = BlurrText().get_models(arch)
    assert len(names) > 4
    for name in names:
        assert getattr(transformers, name).__module__ == f"transformers.models.{arch}.modeling_{arch}"


def test_checkpointing_gives_the_same_gradients_also_below_frozen_layers():
    def gradients(*callbacks):
        hf = record_blurr.objects()
        learn = record_blurr.learner(record_blurr.loaders(hf), hf, PreCalculatedCrossEntropyLoss())
        learn.freeze_to(-2)
        with record_blurr.quiet(learn), learn.added_cbs(callbacks): learn.fit(1, 1e-3)
        return {name: p.detach().clone() for name, p in hf[3].named_parameters()}, hf[3]
    plain, _ = gradients()
    saved, model = gradients(GradientCheckpointing())
    for name, weight in plain.items(): assert torch.allclose(weight, saved[name], atol=1e-6), name
    assert not model.is_gradient_checkpointing


def test_a_model_that_cannot_checkpoint_says_so():
    hf = record_blurr.objects()
    hf[3].supports_gradient_checkpointing = False
    learn = record_blurr.learner(record_blurr.loaders(hf), hf, PreCalculatedCrossEntropyLoss())
    with record_blurr.quiet(learn), pytest.raises(CheckpointingNotSupported, match="BertForSequence"):
        learn.fit(1, cbs=GradientCheckpointing())


NAMES = json.loads((record_blurr.DATA / "blurr_names.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", NAMES)
def test_every_name_of_the_text_modules_is_here(module):
    "Each name that Blurr 1.0.5 exports, and each method that it adds; what is left out has a reason."
    for name in NAMES[module]:
        owner, _, method = name.rpartition(".")
        if method.startswith("show_"): assert issubclass(getattr(study_group.blurr, owner), TextInput), name
        elif owner: assert owner == "Learner" and hasattr(Learner, method), name
        else: assert (name in study_group.blurr.__all__) != (name in LEFT_OUT), name


@pytest.mark.parametrize("name", [*RENAMED, *LEFT_OUT])
def test_an_old_name_says_what_to_ask_for(name):
    if "." in name: return
    said = f"since Blurr 1.0: from study_group.blurr import {RENAMED[name]}" if name in RENAMED else LEFT_OUT[name]
    with pytest.raises(ImportError) as caught: exec(f"from study_group.blurr import {name}")
    assert said in str(caught.value) and str(caught.value).startswith(name)


def test_names_of_today_are_here():
    assert {*RENAMED.values()} <= {*study_group.blurr.__all__}
    block = study_group.blurr.TextBlock
    assert {*ARGUMENTS.values()} <= {*inspect.signature(block.__init__).parameters}
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"): study_group.blurr.nothing
