"What Blurr had beside its tasks: heads, a table before it is cut, a loss for two targets, gradient checkpointing."
from record_blurr import *

try:
    from blurr.callbacks import CheckpointingNotSupported, GradientCheckpointing
    from blurr.text.data.core import ClassificationPreprocessor
    from blurr.text.utils import BlurrText
    from blurr.utils import MultiTargetLoss
except ImportError: pass  # the star brought them

ARCHITECTURES = ["bert", "distilbert", "roberta", "electra", "gpt2", "t5", "bart", "xlnet"]


def heads() -> dict:
    "Models and tasks of some architectures, and the architecture of each of the models."
    asked = BlurrText()
    models = {arch: [name for name in asked.get_models(arch=arch) if not name.startswith(("TF", "Flax"))]
              for arch in ARCHITECTURES}
    return dict(models=models, tasks={arch: asked.get_tasks(arch) for arch in ARCHITECTURES},
                architectures={name: asked.get_model_architecture(name) for names in models.values() for name in names},
                answering=[n for n in asked.get_models(task="QuestionAnswering") if n.startswith(("Bert", "Distil"))])


def prepared() -> dict:
    "Tables, with what the tokenizer keeps of texts: joined, cut, pairs, names of labels, many labels."
    tokenizer, df = objects()[2], frame().drop(columns="is_valid")
    def made(rows, valid=None, **kwargs):
        table = ClassificationPreprocessor(tokenizer, **kwargs).process_df(rows, valid)
        return dict(columns=list(table.columns), rows=plain(table.values.tolist()))
    numbered = df.assign(label=[sorted(df.label.unique()).index(o) for o in df.label])
    few = dict(tok_kwargs=dict(max_length=8))
    return dict(plain=made(df[:4]), cut=made(df[:6], **few), joined=made(df[:3], df[3:5]),
                small_batches=made(df, batch_size=5), pair=made(df[:6], text_pair_attr="second", **few),
                named=made(numbered[:4], label_mapping=sorted(df.label.unique())),
                many=made(df[:5], is_multilabel=True, label_attrs=TOPICS))


def two_targets() -> dict:
    "A loss for two outputs, weighted, and what it makes of logits."
    torch.manual_seed(0)
    outputs = [torch.arange(12.).view(3, 4).sin(), torch.arange(15.).view(3, 5).cos()]
    targets = torch.tensor([0, 3, 2]), torch.tensor([4, 1, 0])
    found = {}
    for name, options in dict(plain={}, weighted=dict(weights=[1., .25]), rows=dict(reduction="none"),
                              smooth=dict(loss_classes_kwargs=[dict(label_smoothing=.1), {}])).items():
        loss = MultiTargetLoss(**options)
        found[name] = dict(loss=plain(loss(outputs, *targets)), decoded=plain(loss.decodes(loss.activation(outputs))))
    return found


def checkpointing() -> dict:
    "The losses of a training that keeps less in memory, and whether the model is as before."
    hf = objects()
    learn = learner(loaders(hf), hf, PreCalculatedCrossEntropyLoss())
    losses = StepLosses()
    with quiet(learn), learn.added_cbs([losses, GradientCheckpointing()]): learn.fit(2, 1e-4)
    return dict(losses=losses.steps, after=hf[3].is_gradient_checkpointing,
                supported=GradientCheckpointing.supported(hf[3]))


CASES = [heads, prepared, two_targets, checkpointing]
