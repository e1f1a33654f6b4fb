"MaskBench in a live page: what it answers is what Python answers, after each step."
import re

from nasty import NASTY, SHORT
from replay import message

from study_group.batching.masked import make_batch
from study_group.core.checkpoints import load_shared
from study_group.widgets.mask_bench import MaskBench

TEXTS = ["A great film!", "The plot is thin, but the actors carry it and I liked it."]
KINDS = ["Good.", "", "Good.", "مرحبا بالعالم", "👩‍👧 unbelievably naïve 👍🏽", "日本語 is こんにちは",
         "[CLS] [UNK] [PAD] x", "Good."]


def batch(texts): return make_batch(texts, load_shared())


def masks(texts, *names) -> list[dict]: return [dict(_mask=batch(texts).preset(name)) for name in names]


def same(live, texts, steps) -> list[str]: return live.same(MaskBench(texts), steps, MaskBench._finish)


def test_masks_and_what_becomes_of_them_with_other_texts(live):
    own = [dict(_mask=dict(side=side, rows=["01101110", "10101011"])) for side in ("right", "left")]
    other = ["A great film!", "A great film, too!"]
    steps = [*masks(TEXTS, "no mask", "mask a word", "left padding", "correct mask"), dict(texts=other),
             own[0], dict(texts=[*other, "One more, which is longer."]), dict(texts=other), own[1], dict(texts=TEXTS),
             *masks(TEXTS, "left padding"), dict(texts=other), *masks(other, "mask a word"), dict(texts=TEXTS),
             dict(texts=other[:1]*2), dict(texts=TEXTS), *masks(TEXTS, "no mask"), dict(texts=other[::-1])]
    assert same(live, TEXTS, steps) == []


def test_texts_of_all_kinds(live):
    word = [step for text in KINDS if "こ" not in text for step in [dict(texts=[text, "So what?"]),
                                                                  *masks([text, "So what?"], "mask a word")]]
    zeros = dict(_mask=dict(side="right", rows=["0"*6, "111100"]))
    steps = [dict(texts=KINDS), *masks(KINDS, "no mask", "left padding"), *word, dict(texts=["", "One or two?"]), zeros,
             message(rows=[1]), message(), dict(texts=[]), dict(texts=["What now?"])]
    assert same(live, KINDS, steps) == []


def test_nasty_texts(live):
    assert same(live, ["fine"], [dict(texts=["fine", NASTY[name]]) for name in SHORT if name != "planes"]) == []


def test_a_text_that_is_cut_beside_many(live):
    many = [f"Row {n}." for n in range(31)]
    long = ["Short.", "unbelievable "*600]
    assert same(live, ["word "*600], [dict(texts=many), *masks(many, "no mask"), dict(texts=long),
                                      *masks(long, "mask a word")]) == []


def test_typed_and_clicked(live):
    page, texts = live.open(MaskBench(TEXTS)), ["A dull film.", TEXTS[1]]
    page.get_by_label("Text 1", exact=True).fill(texts[0])
    page.locator(".cell", has_text="dull").click()
    page.locator(".mask-bench[aria-busy=false] .verdict", has_text="differs").wait_for()
    bench = MaskBench(texts)
    bench.flip(0, 2)
    assert page.locator(".row .here .label").all_inner_texts() == bench.labels
    number = re.search(r"by (.*),", page.locator(".row .verdict").first.inner_text())[1]
    assert abs(float(number) - bench.differences[0]) < 1e-4
    page.get_by_role("button", name="left padding").click()
    page.locator(".mask-bench[aria-busy=false] .verdict", has_text="same as alone").wait_for()
    bench.preset("left padding")
    assert page.locator(".row .here .label").all_inner_texts() == bench.labels
    assert not page.get_by_label("checkpoint").is_visible()
    assert page.locator(".offline").inner_text().startswith("This page answers without Python")
