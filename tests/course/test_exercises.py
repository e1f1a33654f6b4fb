"""The sessions' self-checks: a right answer is told so, and each likely wrong one gets the hint that helps."""
import json

import pytest, torch
from places import NBS

from study_group.course import self_checks


def checks(session: str, **names) -> dict:
    "The check functions of `session`, with `names` at hand."
    self_checks(session, names)
    return names


def test_the_checks_bring_what_they_import():
    names = checks("07_homework", Path=None)
    assert "Right" in names["check_f1"](.615) and names["Path"] is None  # what is there stays
    assert "There is no my.md" in checks("07_homework")["check_post"]("my.md")


def test_what_only_the_session_makes_is_named():
    with pytest.raises(NameError, match="data isn't there: the checks of 07_homework use what the session calls so"):
        checks("07_homework")["check_beating"](["NEGATIVE"])
    with pytest.raises(NameError, match="folder isn't there: the checks of 02_models"): checks("02_models")


@pytest.fixture(scope="module")
def pipeline_checks():
    import study_group.pipeline as p
    from study_group.checkpoints import BUNDLED, load
    from transformers import AutoModelForSequenceClassification, pipeline
    model, tokenizer = load()
    return checks("01_pipeline", trace=p.trace, torch=torch, checkpoint=BUNDLED, model=model, tokenizer=tokenizer,
                  classifier=pipeline("text-classification", model=model, tokenizer=tokenizer),
                  AutoModelForSequenceClassification=AutoModelForSequenceClassification,
                  texts=["What a film!", "I hate this so much!"])


def rebuilt(c, function=lambda logits: logits.softmax(-1), pick=torch.argmax, padding=True, tensors="pt", mask=True,
            key=int, by_name=True):
    "A learner's pipeline, right or with a typical mistake."
    def mine(texts):
        batch = c["tokenizer"](texts, padding=padding, return_tensors=tensors)
        if not mask: del batch["attention_mask"]
        with torch.no_grad(): scores = function((c["model"](**batch) if by_name else c["model"](batch)).logits)
        best = [pick(s) for s in scores]
        return [dict(label=c["model"].config.id2label[key(b)], score=s[b].item()) for b, s in zip(best, scores)]
    return mine


@pytest.mark.parametrize("mistake, hint", [
    (dict(), "Right"), (dict(function=lambda x: x), "still a logit"), (dict(pick=torch.argmin), "argmax"),
    (dict(function=lambda x: x.softmax(0)), "which dimension"), (dict(function=torch.sigmoid), "other scores: softmax"),
    (dict(mask=False), "Did the model get the mask"), (dict(padding=False), "ValueError: Unable to create tensor"),
    (dict(padding=False), "what must the tokenizer do"), (dict(tensors=None), "Does the model get tensors"),
    (dict(by_name=False), "each by its name"), (dict(key=lambda best: best), "is yours a tensor")])
def test_rebuilding_the_pipeline(pipeline_checks, mistake, hint):
    assert hint in pipeline_checks["check_pipeline"](rebuilt(pipeline_checks, **mistake))


def test_rebuilding_the_pipeline_not_yet(pipeline_checks):
    check = pipeline_checks["check_pipeline"]
    assert "Not answered yet" in check(lambda texts: None)
    assert "1 results for 2" in check(lambda texts: [dict(label="POSITIVE", score=.9)])
    for results in (["NEGATIVE", "POSITIVE"], [("NEGATIVE", .98), ("POSITIVE", .97)],
                    dict(label="NEGATIVE", score=.98)):
        assert "Each result should look like {'label': 'NEGATIVE'" in check(lambda texts: results)


@pytest.mark.parametrize("plain, artful, hint", [
    (None, None, "Not answered yet"), ("Good.", "Not bad.", "A little longer"),
    ("The film is flawless.", "I could not find a flaw in the film.", "Right: it fell for it"),
    ("This is a dreadful film.", "I could not find a flaw in the film.", "more plainly"),
    ("The film is flawless.", "The film is wonderful.", "understood both")])
def test_praise(pipeline_checks, plain, artful, hint):
    assert hint in pipeline_checks["check_praise"](plain, artful)


SAME = {"tokens", "input_ids", "attention_mask", "hidden_states"}


@pytest.mark.parametrize("answer, hint", [
    (None, "Not answered yet"), (SAME, "Right"), (SAME - {"hidden_states"}, "1 more stay the same"),
    ("tokens", "A set of names"), (sorted(SAME), "Right"), (SAME | {"logits"}, "1 of yours change"),
    (SAME | {"ids"}, "No stage is called ['ids']")])
def test_swapped_head(pipeline_checks, answer, hint):
    assert hint in pipeline_checks["check_unchanged"](answer)


@pytest.fixture(scope="module")
def tokenizer_checks():
    import study_group.tokenizers as t
    from study_group.checkpoints import load_tokenizer
    from study_group.data import corpus
    return checks("03_tokenizers", merge_steps=t.merge_steps, join_pair=t.join_pair, BPETokenizer=t.BPETokenizer,
                  hugs={"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}, bert=load_tokenizer(),
                  known_half=corpus()[::2], new_half=corpus()[1::2])


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
    assert "has it seen other texts" in check(BPETokenizer().train(texts + tokenizer_checks["new_half"], 1300))
    only_signs = P.Split(Regex(r"\w"), "removed")
    assert "the text is lost" in check(BPETokenizer(pre_tokenizer=only_signs).train(texts, 300))


@pytest.fixture(scope="module")
def blurr_checks():
    import study_group.blurr as b
    from datasets import Dataset
    hf = b.get_hf_objects()
    frame = [dict(text=f"Film {n}.", label=n % 2, is_valid=n < 2) for n in range(6)]
    dls = b.BlearnerForSequenceClassification.from_data(frame, hf[:1:-1], dl_kwargs=dict(bs=2)).dls
    return checks("06_fastai_and_blurr", **vars(b), hf_tokenizer=hf[2], hf_model=hf[3], hf_config=hf[1], dls=dls,
                  Dataset=Dataset, texts=["What a film!", "Dull."])


def collated(c, padding=True, name="labels", tensors="pt", keep=("input_ids", "attention_mask"), order=1, dtype=None):
    "A learner's collate function, right or with a typical mistake."
    def mine(samples):
        batch = c["hf_tokenizer"]([text for text, _ in samples[::order]], padding=padding, return_tensors=tensors)
        labels = torch.tensor([label for _, label in samples], dtype=dtype)
        return {k: batch[k] for k in keep} | {name: labels}, labels
    return mine


@pytest.mark.parametrize("mistake, hint", [
    (dict(), "Right. The model takes it: loss"), (dict(padding="max_length"), "to the longest"),
    (dict(name="label"), "twice"), (dict(tensors=None), "is no tensor"), (dict(order=-1), "isn't what the tokenizer"),
    (dict(keep=["input_ids"]), "no attention_mask"), (dict(dtype=torch.float32), "whole ones")])
def test_the_bridge_by_hand(blurr_checks, mistake, hint):
    assert hint in blurr_checks["check_collate"](collated(blurr_checks, **mistake))


@pytest.mark.parametrize("answer, hint", [
    (None, "Not answered yet"), (({}, None, 3), "Two things"), ((torch.ones(2), torch.ones(2)), "must be a dict")])
def test_the_bridge_half_built(blurr_checks, answer, hint):
    assert hint in blurr_checks["check_collate"](lambda samples: answer)


@pytest.mark.parametrize("without, with_norms, hint", [
    (None, None, "Not answered yet"), (1_923_074, 1_931_522, "Right: 1,923,074, and 8,448 more"),
    (148_610, 1, "That is freeze_to(-2)"), (1_774_464, 1, "The last layer, yes"), (7, 7, "Not the first"),
    (1_923_074, 1_923_074, "keeps LayerNorms learning"), (1_923_074, 2, "add 768 for each LayerNorm there")])
def test_what_learns(blurr_checks, without, with_norms, hint):
    assert hint in blurr_checks["check_counts"](without, with_norms)


def aligned(word_ids, labels, special=-100, rest=-100, shift=0):
    return [special if w is None else labels[(w + shift) % len(labels)] if w != before else rest
            for w, before in zip(word_ids, [None, *word_ids])]


@pytest.mark.parametrize("mistake, hint", [
    (dict(), "Right"), (dict(special=0), "[CLS] is a special token"), (dict(rest=3), "continues a word"),
    (dict(shift=1), "is the first token of HuggingFace: 3, not 0")])
def test_labels_for_tokens(blurr_checks, mistake, hint):
    assert hint in blurr_checks["check_align"](lambda *args: aligned(*args, **mistake))


def test_labels_for_tokens_not_yet(blurr_checks):
    check = blurr_checks["check_align"]
    assert "Not answered yet" in check(lambda *_: None) and "2 labels for" in check(lambda *_: [1, 2])
    assert "Right" in check(lambda *args: torch.tensor(aligned(*args)))


@pytest.mark.parametrize("tokenize, special_tokens, pad, hint", [
    (None, None, None, "Not answered yet"), ("dataset", "dataset", "batch", "Right, and flown"),
    ("batch", "dataset", "batch", "Not tokenize"), ("dataset", "item", "batch", "Not special_tokens"),
    ("dataset", "dataset", "dataset", "Not pad"), ("early", "dataset", "batch", "'early' is no phase")])
def test_a_fourth_lane(blurr_checks, tokenize, special_tokens, pad, hint):
    answer = dict(tokenize=tokenize, special_tokens=special_tokens, pad=pad)
    assert hint in blurr_checks["check_phases"](answer)


def labelled(wrong: int, begin: int = 0) -> list[str]:
    "Eighty labels in turn, of which so many, from `begin` on, are the wrong ones."
    return ["ab"[n % 2 ^ (begin <= n < begin + wrong)] for n in range(80)]


@pytest.mark.parametrize("labels, transformer, tfidf, hint", [
    (None, None, None, "Not answered yet"), (labelled(0), labelled(5), None, "Not answered yet"),
    (labelled(0), labelled(5), labelled(20, 3), "Right: 93.8 % for the Transformer, 75.0 % for TF-IDF. On 18 rows"),
    (labelled(0), labelled(20, 3), labelled(5), "On 3 rows only the Transformer is right, on 18 only TF-IDF"),
    (labelled(0), labelled(5), labelled(7, 2), "which may be luck"), (labelled(0), "ab", labelled(5), "Three lists"),
    (labelled(0), [dict(label=a) for a in labelled(5)], torch.tensor([0]*80), "my_tfidf has '0' and the like"),
    (labelled(0)[:49], labelled(5)[:49], labelled(6)[:49], "49 rows say little"), (labelled(0), 80, 80, "Three lists"),
    (labelled(0), labelled(5)[1:], labelled(6), "80 labels, and 79 and 80 answers"),
    (labelled(0), labelled(0), labelled(6), "too good"), (labelled(0), labelled(6), labelled(6), "the same answers"),
    (labelled(0), ["a"]*80, labelled(6), "One label for all gets 50.0 %: has it learned?")])
def test_your_data(blurr_checks, labels, transformer, tfidf, hint):
    assert hint in blurr_checks["check_duel"](labels, transformer, tfidf)


@pytest.fixture(scope="module")
def padding_checks():
    import study_group.padding as p
    from study_group.checkpoints import load, load_model
    from study_group.data import bundled_reviews, corpus
    model, tokenizer = load()
    return checks("04_padding_and_masks", model=model, tokenizer=tokenizer, torch=torch, padding_cost=p.padding_cost,
                  texts=["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"],
                  two=["No!", "Not bad at all."], three=THREE, eager=load_model(attn_implementation="eager"),
                  question="Who kept the light?", paragraph=corpus()[0],
                  lengths=tokenizer(bundled_reviews().text.tolist(), return_length=True)["length"])


THREE = ["Not bad at all.", "Watch it twice!",
         "A film with a long and slow beginning, a clever middle, and an ending that I'll never forget."]


def repaired(c, cut=True, side="right", mask="lengths", length=16, keep=("input_ids", "attention_mask"), order=1):
    "A learner's batch, right or with a typical mistake."
    def mine(texts):
        rows = c["tokenizer"](texts[::order], truncation=cut, max_length=length if cut else None)["input_ids"]
        rows = [row[:length] for row in rows]
        n, right = max(map(len, rows)), side == "right"
        ids = torch.tensor([row + [0]*(n - len(row)) if right else [0]*(n - len(row)) + row for row in rows])
        seen = [[1]*len(row) + [0]*(n - len(row)) for row in rows]
        masks = dict(lengths=torch.tensor([row[::1 if right else -1] for row in seen]), ones=torch.ones_like(ids),
                     ids=(ids != 0).long(), zeros=torch.zeros_like(ids), short=torch.ones(len(ids), n - 1).long())
        batch = dict(input_ids=ids, attention_mask=masks[mask], position_ids=(masks["lengths"].cumsum(-1) - 1).clamp(0))
        return {name: batch[name] for name in keep}
    return mine


@pytest.mark.parametrize("mistake, hint", [
    (dict(), "Right"), (dict(mask="ones"), "'Not bad at all.': POSITIVE here, POSITIVE alone. Its mask shows 16"),
    (dict(cut=False), "isn't [SEP]: a slice"), (dict(side="left"), "Row 1, 'Not bad at all.'"),
    (dict(side="left"), "stand where they stand alone"), (dict(mask="ids"), "A word that looks like a pad is hidden"),
    (dict(side="left", keep=("input_ids", "attention_mask", "position_ids")), "Right"), (dict(mask="zeros"), "shows 0"),
    (dict(cut=False, length=30), "at most 16 tokens"), (dict(mask="short"), "Shapes (5, 16) and (5, 15)"),
    (dict(keep=["input_ids"]), "wants `input_ids` and `attention_mask`"), (dict(order=-1), "Row 1")])
def test_repairing_a_batch(padding_checks, mistake, hint):
    assert hint in padding_checks["check_repair"](repaired(padding_checks, **mistake))


def test_the_batch_to_repair_flips_two_labels_of_three(padding_checks):
    names = dict(padding_checks)
    cells = json.loads((NBS / "04_padding_and_masks.ipynb").read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        if cell["id"] in ("pm4brokt", "pm4brokn"): exec("".join(cell["source"]), names)
    assert names["three"] == THREE
    assert "NEGATIVE here, POSITIVE alone. Its mask shows 16" in padding_checks["check_repair"](names["my_batch"])
    model, tokenizer = names["model"], names["tokenizer"]
    with torch.no_grad():
        here = model(**names["my_batch"](THREE)).logits.argmax(-1).tolist()
        alone = [model(**tokenizer(text, return_tensors="pt")).logits.argmax().item() for text in THREE]
    assert [a != b for a, b in zip(here, alone)] == [True, True, False]


def test_repairing_a_batch_by_the_recipe_or_not_yet(padding_checks):
    check, tokenizer = padding_checks["check_repair"], padding_checks["tokenizer"]
    recipe = dict(padding=True, truncation=True, max_length=16)
    assert "Right" in check(lambda texts: tokenizer(texts, return_tensors="pt", **recipe))
    assert "Right" in check(lambda texts: tokenizer(texts, pad_to_multiple_of=8, **recipe))
    assert "my_batch stops: ValueError" in check(lambda texts: tokenizer(texts))
    assert "should return a dict" in check(lambda texts: None)


NO, BAD = [101, 2053, 999, 102], [101, 2025, 2919, 2012, 2035, 1012, 102]
IDS, MASK = [NO + [0]*3, BAD], [[1]*4 + [0]*3, [1]*7]


@pytest.mark.parametrize("ids, mask, hint", [
    (None, None, "Not answered yet"), (IDS, None, "Not answered yet"), (IDS, MASK, "Right"),
    (torch.tensor(IDS), torch.tensor(MASK), "Right"), (IDS[0], MASK[0], "Two rows"), (IDS, [1, 1], "Two rows"),
    ([NO, BAD], [[1]*4, [1]*7], "Rows of 4 and 7 ids are ragged"), (IDS, [[1]*4, [1]*7], "exactly the same shape"),
    (IDS, [[0]*4 + [1]*3, [0]*7], "1 = look"), (IDS, [[1]*7]*2, "which of them should the model ignore"),
    (IDS, [[0, 1, 1, 0, 0, 0, 0], [0] + [1]*5 + [0]], "count as tokens"),
    ([NO[1:3] + [0]*3, BAD[1:6]], [[1, 1, 0, 0, 0], [1]*5], "begins with [CLS]"),
    ([[0]*3 + NO, BAD], [[0]*3 + [1]*4, [1]*7], "pads go to the right"),
    ([NO + [0]*4, BAD + [0]], [[1]*4 + [0]*4, [1]*7 + [0]], "Longer than need be"),
    ([NO[:3] + [0]*3 + [102], BAD], MASK, "Where do the pads go"),
    ([[101, 2053, 998, 102, 0, 0, 0], BAD], MASK, "isn't what it should be")])
def test_a_batch_by_hand(padding_checks, ids, mask, hint):
    assert hint in padding_checks["check_batch"](ids, mask)


PADS = set(range(8, 16))
FLIPS = dict(a=(1, PADS - {12}), b=(1, PADS | {2}), c=(0, {7}))


@pytest.mark.parametrize("changed, hint", [
    (dict(), "Right"), (dict(a=(0, PADS - {12})), "(a) Not row 0"), (dict(a=(1, PADS)), "(a) Column 12 may be looked"),
    (dict(b=(1, PADS)), "(b) One column has just been hidden"), (dict(b=(1, {2})), "(b) 8 more are 0"),
    (dict(c=(0, {7} | PADS)), "(c) 8 of yours aren't 0"), (dict(c=(0, set())), "(c) One column"),
    (dict(a=(1, {12})), "(a) Column 12"), (dict(a=(1, [8, 9, 10, 11, 13, 14, 15])), "Right"),
    (dict(d=(0, set())), "each of"), (dict(a={1, 2}), "A row and columns")])
def test_flips(padding_checks, changed, hint):
    assert hint in padding_checks["check_flips"]({**FLIPS, **changed})


def test_flips_not_yet(padding_checks):
    assert "Not answered yet" in padding_checks["check_flips"](None)
    assert "An answer for each" in padding_checks["check_flips"]([(1, {8}), (1, {2}), (0, {7})])


BOTH = dict(truncation="only_second", max_length=40, return_overflowing_tokens=True)


@pytest.mark.parametrize("options, hint", [
    (None, "Not answered yet"), ({**BOTH, "stride": 8, "padding": True}, "Right: 4 rows"), ({}, "has 99 tokens"),
    ({**BOTH, "stride": 8, "padding": True, "return_tensors": "pt"}, "Right: 4 rows"), ("only_second", "refuses"),
    (dict(truncation=True, max_length=40), "of the paragraph are in no row"), (dict(max_length=9), "question was cut"),
    (dict(truncation="only_first", max_length=40), "refuses"), (BOTH, "share 0 tokens"),
    (dict(truncation="longest_first", max_length=20), "are in no row"),
    ({**BOTH, "stride": 4, "padding": True}, "share 4 tokens"), ({**BOTH, "stride": 8}, "different lengths"),
    ({**BOTH, "stride": 40}, "refuses"), (dict(truncate=True, max_length=99), "tokens, and the model takes 40")])
def test_question_and_paragraph(padding_checks, options, hint):
    assert hint in padding_checks["check_options"](options)


def test_the_bill(padding_checks):
    from study_group.padding import token_budget_batches
    check = padding_checks["check_bill"]
    def in_steps(order, n): return [order[i:i + n] for i in range(0, len(order), n)]
    def ranked(lengths): return sorted(range(len(lengths)), key=lambda i: lengths[i])
    assert "Not answered yet" in check(lambda lengths: None)
    assert "Right: 5,965 positions in 11 batches" in check(lambda lengths: token_budget_batches(lengths, 2048))
    assert "Right: 6,140 positions in 15 batches" in check(lambda lengths: in_steps(ranked(lengths), 20))
    for mistake, hint in [
            (lambda n: in_steps(ranked(n), 32), "of one size"), (lambda n: in_steps(range(len(n)), 32), "with whom"),
            (lambda n: in_steps(ranked(n)[1:], 32), "1 reviews are in no"),
            (lambda n: [[i] for i in ranked(n)], "at most 15"),
            (lambda n: in_steps([*ranked(n), 0], 32), "1 reviews too many"),
            (lambda n: [range(len(n))], "at most 2,048"), (lambda n: in_steps(sorted(n), 20), "Those are lengths")]:
        assert hint in check(mistake)


@pytest.fixture(scope="module")
def model_checks(tmp_path_factory):
    import study_group.models as m
    from study_group.checkpoints import BUNDLED, load, load_model
    from transformers import AutoConfig, AutoModelForSequenceClassification
    model, tokenizer = load()
    folder = m.save_checkpoint(model, tokenizer, tmp_path_factory.mktemp("models")/"mine")
    return checks("02_models", **vars(m), load_model=load_model, AutoConfig=AutoConfig, checkpoint=BUNDLED,
                  AutoModelForSequenceClassification=AutoModelForSequenceClassification, sentiment=model, folder=folder)


@pytest.mark.parametrize("answer, hint", [
    (None, "Not answered yet"), (33_360_002, "Right: 33,360,002, 1.47 times"), (45_426_436, "twice as many embeddings"),
    (21_293_568, "layers alone"), (33_360_002 - 148_610, "Nearly"), (7, "Start from the total"),
    ("33,360,002", "A plain number")])
def test_twice_as_deep(model_checks, answer, hint): assert hint in model_checks["check_total"](answer)


HEAD = {"classifier.weight", "classifier.bias"}


@pytest.mark.parametrize("answer, hint", [
    (None, "Not answered yet"), ("classifier", "A set of names"), (HEAD, "Right"),
    ({"classifier.weight"}, "1 more"), (HEAD | {"qa_outputs.weight"}, "qa_outputs.weight isn't"),
    (HEAD | {"pre_classifier.weight"}, "pre_classifier.weight isn't"),
    (HEAD | {"distilbert.embeddings.LayerNorm.bias"}, "The body is in both")])
def test_what_is_left_of_it(model_checks, answer, hint): assert hint in model_checks["check_new"](answer)


def tensor_reader(skip_header=True, whole=False, flat=False, dtype=torch.float32):
    "A learner's reader of safetensors, right or with a typical mistake."
    def mine(path, name):
        content = path.read_bytes()
        n = int.from_bytes(content[:8], "little")
        entry = json.loads(content[8:8 + n])[name]
        begin, end = (i + (8 + n)*skip_header for i in entry["data_offsets"])
        found = torch.frombuffer(bytearray(content[begin:None if whole else end]), dtype=dtype)
        return found if flat else found.view(entry["shape"] if dtype == torch.float32 and not whole else -1)
    return mine


@pytest.mark.parametrize("mistake, hint", [
    (dict(), "Right"), (dict(skip_header=False), "data_offsets count from the end"),
    (dict(whole=True), "where does it begin, and end?"), (dict(flat=True), "should have shape [2, 384]"),
    (dict(dtype=torch.int32), "The dtype in the header is F32")])
def test_a_tensor_from_bytes(model_checks, mistake, hint):
    assert hint in model_checks["check_tensor"](tensor_reader(**mistake))


def test_a_tensor_not_yet(model_checks):
    check = model_checks["check_tensor"]
    assert "Not answered yet" in check(lambda *_: None) and "not a list" in check(lambda *_: [1])
    assert "KeyError" in check(lambda path, name: {}[name])


@pytest.fixture(scope="module")
def attention_checks():
    import pandas as pd
    from study_group import attention as a
    from study_group.data import bundled_reviews
    names = dict(vars(a), pd=pd, F=torch.nn.functional, seen=a.attention_maps(bundled_reviews().text.tolist()[:60]))
    for cell in json.loads((NBS / "05_attention.ipynb").read_text())["cells"]:  # what the last check stands on
        if "def hide_each" in (source := "".join(cell["source"])): exec(source, names)
    return checks("05_attention", **names)


@pytest.mark.parametrize("mine, hint", [
    (None, "Not answered yet"), ([[0]*5]*5, "not a list"), (torch.ones(4, 5), "should be (5, 5)"),
    (9*torch.diag(torch.ones(4), -1), "Right: each"), (8*torch.diag(torch.ones(4), -1), "one gets only 89 %"),
    (30*torch.ones(5, 5).tril(-1).triu(-1).int(), "Right: each"),
    (5*torch.diag(torch.ones(4), -1), "The right tokens, but"), (9*torch.diag(torch.ones(4), 1), "at the next token"),
    (9*torch.eye(5), "Each looks at itself"), (torch.full((5, 5), torch.nan), "nan among the weights"),
    (torch.eye(5).flip(0)*9, "Token 1 looks most at token 3"), (torch.zeros(5, 5), "Row 1 of the matrix")])
def test_a_head_by_hand(attention_checks, mine, hint): assert hint in attention_checks["check_previous"](mine)


def attending(scale=lambda q, v: q.shape[-1]**.5, dim=-1, when="before", mean=1, both=False):
    "A learner's attention, right or with a typical mistake."
    def mine(q, k, v, mask=None):
        scores = q @ k.transpose(-2, -1) / scale(q, v)
        if mask is not None and when == "zeros": scores = scores*mask
        if mask is not None and when in ("before", "flipped", "all"):
            out = dict(before=~mask, flipped=mask, all=torch.ones_like(mask))[when]
            scores = scores.masked_fill(out, -torch.inf)
        weights = scores.softmax(dim)*mean
        if mask is not None and when == "after": weights = weights*mask
        return (weights @ v, weights) if both else weights @ v
    return mine


@pytest.mark.parametrize("mistake, hint", [
    (dict(), "Right: equation (1)"), (dict(scale=lambda q, v: 1), "what comes between"),
    (dict(scale=lambda q, v: q.shape[-1]), "but by what?"), (dict(scale=lambda q, v: v.shape[-1]**.5), "but by what?"),
    (dict(when="zeros"), "A score of 0 still gets its share"),
    (dict(dim=-2), "Softmax along which dimension"), (dict(when="never"), "nothing changes yet"),
    (dict(when="after"), "*before* the softmax"), (dict(when="flipped"), "True means *may* attend"),
    (dict(when="all"), "there are nan"), (dict(mean=2), "compare, share, mix"), (dict(both=True), "the output alone")])
def test_attention_from_memory(attention_checks, mistake, hint):
    assert hint in attention_checks["check_attention"](attending(**mistake))


def test_attention_not_yet(attention_checks):
    check = attention_checks["check_attention"]
    assert "Not answered yet" in check(lambda *_: None) and "should be (2, 3, 4, 5)" in check(lambda q, k, v, m=None: v)
    assert "not a list" in check(lambda q, k, v, m=None: v.tolist())


def test_the_head_of_the_full_stop(attention_checks):
    check, right = attention_checks["check_head"], []
    for layer in range(6):
        for head in range(12):
            if check((layer, head)).startswith("Right"): right.append((layer, head))
    assert len(right) == 1
    layer, head = right[0]
    for answer, hint in ((None, "Not answered yet"), ((1, 2, 3), "Two numbers"), (12*layer + head, "Two numbers"),
                         ((6, 0), "Layers are 0 to 5"), ((0, 2), "of 72")): assert hint in check(answer)
    if head < 6: assert "The other way round" in check((head, layer))
    if layer < 5 and head < 11: assert "Count from 0" in check((layer + 1, head + 1))


@pytest.mark.parametrize("mine, hint", [
    (lambda n, w: None, "Not answered yet"), (lambda n, w: torch.ones(n), "should be (7, 7)"),
    (lambda n, w: [[True]*n]*n, "not a list"),
    (lambda n, w: torch.ones(n, n).tril(w).triu(-w), "Right. Its cost"),
    (lambda n, w: torch.ones(n, n).tril(w), "yours to"),
    (lambda n, w: 1 - torch.ones(n, n).tril(w).triu(-w), "The other way round"),
    (lambda n, w: torch.ones(n, n).tril().triu(-w), "may look ahead"),
    (lambda n, w: torch.ones(n, n).tril(w - 1).triu(1 - w), "One less"),
    (lambda n, w: torch.ones(n, n).tril(2).triu(-2), "Right for 7 and 2")])
def test_a_window(attention_checks, mine, hint): assert hint in attention_checks["check_window"](mine)


@pytest.mark.parametrize("sentence, word, hint", [
    (None, None, "Not answered yet"), ("If only it were funny.", "were", "Right"),
    ("A fine film.", "movie", "isn't one of"),
    ("I hate this so much!", "this", "stays 98% sure"), ("I hate this so much!", "hate", "isn't little")])
def test_the_quiet_one(attention_checks, sentence, word, hint):
    assert hint in attention_checks["check_quiet"](sentence, word)


@pytest.fixture(scope="module")
def homework_checks():
    import re
    from study_group import homework as h
    data, half = h.competition_data("bundled"), ["NEGATIVE", "POSITIVE"]*49
    return checks("07_homework", **vars(h), re=re, data=data, listed=half[::-1], weighed=half)


@pytest.mark.parametrize("answer, hint", [
    (None, "Not answered yet"), (.615, "Right: 0.615"), (8/13, "Right"), (.5, "one of the two"), (.8, "one of the two"),
    ("61 %", "A plain number"), (.65, "The plain mean"), (61.5, "between 0 and 1"), (.451, "between 0 and 1"),
    (.9, "Count first"), (0, "Count first")])
def test_f1_by_hand(homework_checks, answer, hint): assert hint in homework_checks["check_f1"](answer)


@pytest.mark.parametrize("answer, hint", [
    (None, "Not answered yet"), (.245, "Right: one time in four"), (.25, "Right"), (.1225, "count both"),
    (24.5, "as a share"), (35/60, "second's share"), (.045, "more uneven"), (.09, "more uneven"),
    (1.1, "They differ on 60"), ("a quarter", "A plain number")])
def test_luck(homework_checks, answer, hint): assert hint in homework_checks["check_chance"](answer)


def test_beating_a_baseline(homework_checks):
    check, data = homework_checks["check_beating"], homework_checks["data"]
    other, answers = dict(NEGATIVE="POSITIVE", POSITIVE="NEGATIVE"), list(data._answers)
    def wrong_from(n): return answers[:n] + [other[a] for a in answers[n:]]
    model = round(98*homework_checks["baselines"](data)["the bundled model"][0])
    for rows, hint in (
            (None, "Not answered yet"), (answers[1:], "couldn't be submitted: There are 97"),
            (wrong_from(9), "swapped?"),
            (["positive"]*98, "isn't one of the labels"), (["NEGATIVE", "POSITIVE"]*49, "ours, from above"),
            (wrong_from(model), "still ahead: the bundled model"), (wrong_from(model + 1), "ahead of every baseline")):
        assert hint in check(rows)


def test_a_post(homework_checks, tmp_path):
    code, picture, words = "```python\nx = 1\n```\n", '<div id="study-1"><table></table></div>\n', "word "*130
    check = homework_checks["check_post"]
    def post(text):
        (tmp_path / "my.md").write_text("---\ntitle: x\n---\n\n" + text)
        return check(tmp_path / "my.md")
    for answer, hint in ((None, "Not answered yet"), ("my.ipynb", "The Markdown file"), ("no.md", "There is no no.md")):
        assert hint in check(answer)
    for text, hint in ((words + "\n" + code + picture, "Right: 130 words"), (words + "\n" + code, "No picture"),
                       (words, "No code"), (code + picture + "few words", "2 words: a few more"),
                       (words + "*One sentence: who is this for, and*", "are still there")):
        assert hint in post(text)
