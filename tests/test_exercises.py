"""The sessions' self-checks: a right answer is told so, and each likely wrong one gets the hint that helps."""
import json
from pathlib import Path

import pytest, torch

NBS = Path(__file__).parent.parent / "nbs"


def checks(notebook: str, **names) -> dict:
    "The check functions of `notebook`, with `names` and its imports at hand."
    for cell in json.loads((NBS / notebook).read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and "def check_" in source and "#| export" not in source: exec(source, names)
    return names


@pytest.fixture(scope="module")
def pipeline_checks():
    import study_group.pipeline as p
    from study_group.checkpoints import BUNDLED, load
    from transformers import AutoModelForSequenceClassification, pipeline
    model, tokenizer = load()
    return checks("01_pipeline.ipynb", trace=p.trace, torch=torch, checkpoint=BUNDLED, model=model, tokenizer=tokenizer,
                  classifier=pipeline("text-classification", model=model, tokenizer=tokenizer),
                  AutoModelForSequenceClassification=AutoModelForSequenceClassification,
                  texts=["What a film!", "I hate this so much!"],
                  my_pipeline=lambda _: None, plain=None, artful=None, unchanged=None)


def rebuilt(c, function=lambda logits: logits.softmax(-1), pick=torch.argmax):
    "A learner's pipeline, right or with a typical mistake."
    def mine(texts):
        batch = c["tokenizer"](texts, padding=True, return_tensors="pt")
        with torch.no_grad(): scores = function(c["model"](**batch).logits)
        best = [pick(s).item() for s in scores]
        return [dict(label=c["model"].config.id2label[b], score=s[b].item()) for b, s in zip(best, scores)]
    return mine


@pytest.mark.parametrize("mistake, hint", [
    (dict(), "Right"), (dict(function=lambda x: x), "still a logit"), (dict(pick=torch.argmin), "argmax"),
    (dict(function=lambda x: x.softmax(0)), "which dimension")])
def test_rebuilding_the_pipeline(pipeline_checks, mistake, hint):
    assert hint in pipeline_checks["check_pipeline"](rebuilt(pipeline_checks, **mistake))


def test_rebuilding_the_pipeline_not_yet(pipeline_checks):
    assert "Not answered yet" in pipeline_checks["check_pipeline"](lambda texts: None)
    assert "1 results for 2" in pipeline_checks["check_pipeline"](lambda texts: [dict(label="POSITIVE", score=.9)])


@pytest.mark.parametrize("plain, artful, hint", [
    (None, None, "Not answered yet"), ("Good.", "Not bad.", "A little longer"),
    ("The film is flawless.", "I could not find a flaw in the film.", "It fell for it"),
    ("This is a dreadful film.", "I could not find a flaw in the film.", "more plainly"),
    ("The film is flawless.", "The film is wonderful.", "understood both")])
def test_praise(pipeline_checks, plain, artful, hint):
    assert hint in pipeline_checks["check_praise"](plain, artful)


SAME = {"tokens", "input_ids", "attention_mask", "hidden_states"}


@pytest.mark.parametrize("answer, hint", [
    (None, "Not answered yet"), (SAME, "Right"), (SAME - {"hidden_states"}, "1 more stay the same"),
    (SAME | {"logits"}, "1 of yours change"), (SAME | {"ids"}, "No stage is called ['ids']")])
def test_swapped_head(pipeline_checks, answer, hint):
    assert hint in pipeline_checks["check_unchanged"](answer)


@pytest.fixture(scope="module")
def tokenizer_checks():
    import study_group.tokenizers as t
    from study_group.checkpoints import load_tokenizer
    from study_group.data import corpus
    return checks("03_tokenizers.ipynb", merge_steps=t.merge_steps, join_pair=t.join_pair, BPETokenizer=t.BPETokenizer,
                  hugs={"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}, bert=load_tokenizer(),
                  known_half=corpus()[::2], new_half=corpus()[1::2],
                  my_pair=None, my_tokens=None, my_mug=None, my_long_mug=None, my_tokenizer=None)


@pytest.mark.parametrize("pair, hint", [
    (None, "Not answered yet"), (("hug", "s"), "Right: 6 times"), (["hug", "s"], "Right"),
    (("p", "ug"), "neighbours 5 times. Are others"), (("u", "g"), "already done"), (("s", "hug"), "side by side"),
    ("hug", "Two strings")])
def test_next_merge(tokenizer_checks, pair, hint): assert hint in tokenizer_checks["check_pair"](pair)


@pytest.mark.parametrize("tokens, hint", [
    (None, "Not answered yet"), (["un", "hug"], "Right"), ("unhug", "A list of strings"),
    (["un", "##hug"], "spell unhug"), (["u", "n", "hug"], "still possible"), (["unhug"], "Too few")])
def test_unhug(tokenizer_checks, tokens, hint): assert hint in tokenizer_checks["check_tokens"](tokens)


@pytest.mark.parametrize("mug, long_mug, hint", [
    (None, None, "Not answered yet"), (["[UNK]"], ["[UNK]"], "Right"), (["mug", "[UNK]", "mug"], ["[UNK]"], "an emoji"),
    (["[UNK]"], ["mu", *["##u"]*97, "##ug"], "how many characters"), (["[UNK]"], None, "Not answered yet"),
    ("[UNK]", "[UNK]", "A list")])
def test_mugs(tokenizer_checks, mug, long_mug, hint): assert hint in tokenizer_checks["check_mugs"](mug, long_mug)


def test_the_smallest_vocabulary(tokenizer_checks):
    from study_group.tokenizers import BPETokenizer, WordTokenizer
    from tokenizers import Regex, pre_tokenizers as P
    check, texts = tokenizer_checks["check_tokenizer"], tokenizer_checks["known_half"]
    assert "Not answered yet" in check(None)
    for wrong in (BPETokenizer(), WordTokenizer().train(texts, 3000)): assert "and a trained one" in check(wrong)
    assert "plain BPE does it with 1,450" in check(BPETokenizer().train(texts, 1450))  # … and not with less:
    assert "too many" in check(BPETokenizer().train(texts, 1400))
    assert "less than plain BPE needs" in check(BPETokenizer(pre_tokenizer=P.WhitespaceSplit()).train(texts, 1300))
    only_signs = P.Split(Regex(r"\w"), "removed")
    assert "the text is lost" in check(BPETokenizer(pre_tokenizer=only_signs).train(texts, 300))
