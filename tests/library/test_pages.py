"Widgets as pages of their own: what holds of the file."
import pytest

from study_group.widgets.mask_bench import MaskBench
from study_group.widgets.token_strip import TokenStrip

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]


def test_what_needs_python_all_the_time_shows_its_static_form():
    bench = MaskBench(TEXTS)
    assert bench.choices() is None and "<script" not in bench.page() and bench.html() in bench.page()


def test_saving_is_all_or_nothing(tmp_path, monkeypatch):
    place = TokenStrip("hug").save(tmp_path / "strip.html")
    before = place.read_text(encoding="utf-8")
    monkeypatch.setattr(TokenStrip, "page", lambda self: "x" + "\ud800")
    with pytest.raises(UnicodeEncodeError): TokenStrip("hugs").save(place)
    assert [p.name for p in tmp_path.iterdir()] == ["strip.html"] and place.read_text(encoding="utf-8") == before
