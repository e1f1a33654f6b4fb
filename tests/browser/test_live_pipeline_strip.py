"PipelineStrip in a live page: what it answers is what Python answers, after each step."
from nasty import NASTY, SHORT

from study_group.widgets.pipeline_strip import PipelineStrip

TEXTS = ["A great film!", "The plot is thin, but the actors carry it and I liked it."]
KINDS = ["Good.", "", "Good.", "مرحبا بالعالم", "👩‍👧 unbelievably naïve 👍🏽", "日本語 is こんにちは", "[CLS] [UNK] [PAD] x"]


def same(live, strip, steps) -> list[str]: return live.same(strip, steps, rough=("_vectors",))


def rows(n): return [dict(row=row) for row in range(n)]


def test_rows_layers_tokens_and_texts(live):
    steps = [dict(layer=2), dict(row=1), dict(token=3), dict(layer=0), dict(texts=TEXTS[::-1]), dict(layer=6),
             dict(token=1), dict(texts=["What now?"]), dict(layer=5), dict(texts=[]), dict(token=2), dict(token=None),
             dict(texts=["One more.", "What now?"]), dict(row=1)]
    assert same(live, PipelineStrip(TEXTS, row=1), steps) == []


def test_texts_of_all_kinds(live):
    steps = [dict(texts=KINDS), *rows(len(KINDS)), dict(texts=["Short.", "word "*600]), dict(layer=3), dict(row=1)]
    assert same(live, PipelineStrip(TEXTS), steps) == []


def test_nasty_texts(live):
    steps = [dict(texts=[NASTY[name], "fine"]) for name in SHORT]
    assert same(live, PipelineStrip("fine"), steps) == []


def test_texts_are_cut_where_python_cuts_them(live):
    steps = [dict(texts=["I hate this so much!", TEXTS[1]]), dict(row=1), dict(texts=["Good."])]
    assert same(live, PipelineStrip(TEXTS, max_length=8, function_to_apply="sigmoid"), steps) == []


def test_typed_and_clicked(live):
    page, texts = live.open(PipelineStrip(TEXTS)), ["A dull film.", TEXTS[1]]
    page.get_by_label("Text 1", exact=True).fill(texts[0])
    page.locator("tr[data-token]", has_text="dull").click()
    t = PipelineStrip(texts).trace
    page.wait_for_selector(".pipeline-strip[aria-busy=false]")
    page.locator(".text .label", has_text="NEGATIVE").first.wait_for()
    assert page.locator(".texts .label").all_inner_texts() == [one["label"] for one in t.predictions]
    said = [f"{x:.4f}".replace("-", "−") for x in t.logits[0].tolist()]
    assert page.locator("td.logit").all_inner_texts() == said
    page.get_by_label("Text 2", exact=True).click()
    page.locator("tr[data-token]", has_text="thin").wait_for()
    page.get_by_label("after layer").press("Home")
    page.locator(".layer", has_text="after layer 0").wait_for()
    page.wait_for_selector(".pipeline-strip[aria-busy=false]")
    assert page.locator("tr[data-token] .token").all_inner_texts() == t.tokens[1]
    assert not page.get_by_label("checkpoint").is_visible()
    assert page.locator(".offline").inner_text().startswith("This page answers without Python")
