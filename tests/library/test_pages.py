"Widgets as pages of their own: what holds of the file."
import subprocess
from importlib import import_module

import nbformat, npm, pytest
from every_widget import MAKERS
from places import NBS

from study_group.widgets.scripts import bundle, static_text
from study_group.widgets.mask_bench import MaskBench
from study_group.widgets.token_strip import TokenStrip

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]


@pytest.mark.parametrize("name", MAKERS)
def test_files_share_one_scope(name, tmp_path):
    "What meets in a widget, or in a page with it, is one module: no name stands for two things at its top."
    pages, widget = ["study_page.js"], getattr(import_module(f"study_group.widgets.{MAKERS[name][0]}"), name)
    if name == "AttentionGrid": pages.append("attention_page.js")
    known, script = dict(widget._scripts), widget._esm
    for page in pages: script += bundle(static_text(page), page, known)
    assert "\nimport" not in script and script.count("export ") == script.count("export default ") == 1
    (file := tmp_path/"bundle.mjs").write_text(script, "utf-8")
    done = subprocess.run([npm.command("node"), "--check", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_needs_python_all_the_time_shows_its_static_form():
    bench = MaskBench(TEXTS)
    assert bench.choices() is None and "<script" not in bench.page() and bench.html() in bench.page()


def test_the_front_page_has_a_picture_of_each_widget():
    front = "".join(c.source for c in nbformat.read(NBS / "index.ipynb", as_version=4).cells if c.id == "gallery")
    assert all(f"![{name}: " in front for name in MAKERS.keys() - {"Progress"})  # which stands there itself


def test_saving_is_all_or_nothing(tmp_path, monkeypatch):
    place = TokenStrip("hug").save(tmp_path / "strip.html")
    before = place.read_text(encoding="utf-8")
    monkeypatch.setattr(TokenStrip, "page", lambda self, live=False: "x" + "\ud800")
    with pytest.raises(UnicodeEncodeError): TokenStrip("hugs").save(place)
    assert [p.name for p in tmp_path.iterdir()] == ["strip.html"] and place.read_text(encoding="utf-8") == before
