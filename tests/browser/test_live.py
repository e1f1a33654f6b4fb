"Live pages: what a widget answers without Python is what Python answers."
import pytest
from replay import Live

TEXTS = ["A great film!", "The plot is thin, but the actors carry it and I liked it."]


@pytest.fixture(scope="module")
def live(chrome, tmp_path_factory):
    live = Live(chrome, tmp_path_factory.mktemp("live"))
    yield live
    live.context.close()


@pytest.fixture(autouse=True)
def nothing_goes_wrong(live):
    live.log.clear()
    yield
    assert live.log == []


def test_mask_bench(live):
    from study_group.widgets.mask_bench import MaskBench
    steps = [dict(texts=["Ça été naïve 👍🏽!", TEXTS[1]]), dict(texts=["Good.", "Good.", "x " * 30])]
    assert live.same(MaskBench(TEXTS), steps, MaskBench._finish) == []
