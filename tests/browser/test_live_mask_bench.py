"Live pages: what a widget answers without Python is what Python answers."
TEXTS = ["A great film!", "The plot is thin, but the actors carry it and I liked it."]


def test_mask_bench(live):
    from study_group.widgets.mask_bench import MaskBench
    steps = [dict(texts=["Ça été naïve 👍🏽!", TEXTS[1]]), dict(texts=["Good.", "Good.", "x " * 30])]
    assert live.same(MaskBench(TEXTS), steps, MaskBench._finish) == []
