"The field for another checkpoint in a real JupyterLab: a folder, a name that nobody has, and back again."
import pytest

TEXTS = ["A fine film.", "I hate this so much!"]
SETUP = """
import time
import study_group.core.checkpoints as checkpoints
import study_group.core.tracing as tracing, study_group.widgets.mask_bench as mask_bench
from tiny_models import pair
from study_group.padding import MaskBench
from study_group.pipeline import PipelineStrip, trace
five = pair("bert", num_labels=5)
for part in five: part.save_pretrained("five")
def slow(checkpoint): time.sleep(.6); return checkpoints.load_shared(checkpoint)
tracing.load_shared = mask_bench.load_shared = slow
"""
WIDGETS = dict(PipelineStrip=("pipeline-strip", ".texts .label"), MaskBench=("mask-bench", ".row .here .label"))


@pytest.fixture(params=WIDGETS)
def show(request, lab):
    "Show a widget of these texts and its field; its page, the field, and what its labels are now."
    root, labels = WIDGETS[request.param]
    def show(checkpoint="None"):
        lab.show(f"{SETUP}\nwidget = {request.param}({TEXTS!r}, {checkpoint})\nwidget", f".{root}")
        lab.settled()
        return lab, lab.page.get_by_role("textbox", name="checkpoint"), lambda: lab.texts(labels)
    return show


def labels_of(lab, pair: str) -> list[str]:
    return lab.ask(f"[p['label'] for p in trace({TEXTS!r}, {pair}).predictions]")


def enter(lab, field, name):
    field.fill(name)
    field.press("Enter")
    lab.wait_for(".busy", "loading the checkpoint…")
    assert lab.page.locator(".study-widget[aria-busy=true]").count() == 1
    lab.settled()


def test_a_folder_a_name_that_nobody_has_and_the_first_again(show):
    lab, field, labels = show()
    bundled, other = labels(), labels_of(lab, "five")
    assert field.input_value() == "" and field.get_attribute("placeholder") and bundled == ["POSITIVE", "NEGATIVE"]
    field.fill("five")  # what isn't entered isn't asked for
    assert lab.ask("widget.checkpoint") == ""
    enter(lab, field, "five")
    assert labels() == other != bundled and lab.ask("[widget.checkpoint, widget.texts]") == ["five", TEXTS]

    enter(lab, field, "nobody/nothing")
    lab.wait_for(".error", "checkpoint='nobody/nothing' can't be loaded")
    lab.python("try: checkpoints.load('nobody/nothing')\nexcept checkpoints.CheckpointError as e: said = str(e)")
    said = lab.ask("said")
    assert lab.texts(".error") == [said] == [lab.ask("widget.error")] and "offline mode is on" in said
    assert labels() == other and lab.ask("[widget.checkpoint, widget.texts]") == ["five", TEXTS]
    assert (field.input_value(), field.get_attribute("aria-invalid")) == ("nobody/nothing", "true")
    assert lab.page.locator("textarea[aria-invalid=true]").count() == 0

    lab.page.get_by_label("Text 2", exact=True).fill("What a film!")  # an edit mends it: the model is there
    lab.until("widget.texts[1] == 'What a film!' and widget.error == ''")
    lab.settled()
    assert (field.input_value(), field.get_attribute("aria-invalid")) == ("five", "false")
    enter(lab, field, "")
    assert labels() == ["POSITIVE", "POSITIVE"] and lab.ask("widget.checkpoint") == ""


def test_a_pair_has_no_name_and_an_empty_field_means_it(show):
    lab, field, labels = show("five")
    own = labels()
    assert field.input_value() == "" and own == labels_of(lab, "five")
    enter(lab, field, lab.ask("str(checkpoints.BUNDLED)"))
    assert labels() == ["POSITIVE", "NEGATIVE"]
    enter(lab, field, "")
    assert labels() == own and lab.ask("[widget.checkpoint, widget.error]") == ["", ""]


def test_a_head_that_is_new_is_said_to_mean_nothing(show):
    lab, field, _ = show()
    lab.python("five[0].base_model.save_pretrained('body'); five[1].save_pretrained('body')")
    enter(lab, field, "body")
    said, = lab.texts(".error")
    assert said == lab.ask("widget.error") and lab.ask("widget.checkpoint") == "body"
    for words in ("BertForSequenceClassification has new, random weights here", "classifier.", "until it is trained"):
        assert words in said
    enter(lab, field, "")
    assert lab.ask("widget.error") == ""
