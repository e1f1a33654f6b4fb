"""Each notebook runs top to bottom in a real kernel, once, and prints what it holds."""
import os

import nbformat, notebooks, pytest
from places import REPO

TRAIN = {"language", "questions", "rewriting", "tagging"}  # each trains for about a minute: in `make test-all`
EXTRA = TRAIN | notebooks.NEEDS.keys()
PATHS = [pytest.param(path, marks=[pytest.mark.extra]*(path.stem in EXTRA)) for path in notebooks.notebooks()]


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.relative_to(REPO / "nbs").as_posix())
def test_prints_what_it_holds(path):
    stored, before = nbformat.read(path, as_version=4), set(path.parent.iterdir())
    assert notebooks.differences(stored, notebooks.execute(path)) == []
    assert set(path.parent.iterdir()) == before, "it left something behind"


@pytest.mark.parametrize("path", notebooks.notebooks(), ids=lambda p: p.relative_to(REPO / "nbs").as_posix())
def test_is_small_and_holds_no_widget(path):
    assert path.stat().st_size < 500_000
    assert not any(notebooks.is_view(o) for c in nbformat.read(path, as_version=4).cells for o in c.get("outputs", ()))


def test_runs_in_a_folder_of_its_own(tmp_path):
    "Whoever runs it keeps what they wrote, and prints what everybody does."
    (tmp_path / "my_sentences.csv").write_text("text,label\nMine.,POSITIVE\n")
    source = "from pathlib import Path\nprint([*Path().iterdir()])\nPath('my_sentences.csv').touch()"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), tmp_path / "a.ipynb")
    assert notebooks.execute(tmp_path / "a.ipynb")["cells"][0]["outputs"][0]["text"] == "[]\n"
    assert "Mine." in (tmp_path / "my_sentences.csv").read_text()


def test_a_kernel_begins_with_nothing_of_ours_and_is_gone_afterwards(tmp_path):
    source = "import os, sys\nprint([n for n in sys.modules if n.startswith('study_group')], globals().get('mine'))\n" \
             "mine = 1\nprint(os.getpid(), end='')"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), tmp_path / "a.ipynb")
    said = [notebooks.execute(tmp_path / "a.ipynb")["cells"][0]["outputs"][0]["text"] for _ in range(2)]
    assert [text.split("\n")[0] for text in said] == ["[] None"]*2
    for text in said:
        with pytest.raises(ProcessLookupError): os.kill(int(text.split("\n")[1]), 0)


@pytest.mark.parametrize("a, b, agree", [
    ("0.9420549273490906", "0.9420551", True), ("0.9421", "0.9420", True), ("0.9421", "0.9418", False),
    ("16", "17", False), ("16 rows", "16 rows", True), ("16 rows", "16 cows", False), ("1e-05", "1e-05", True),
    ("-1.3943", "1.3943", False), ("[1, 2]", "[1, 2, 3]", False), ("1,234.5", "1,234.5", True),
    ("[0.05736334 0.0292335 ]", "[0.05736333 0.02923349]", True), ("a b 1.5", "ab 1.5", False)])
def test_comparer(a, b, agree):
    assert notebooks.same(a, b) == agree


def cell(source, *outputs, tags=()):
    return dict(cell_type="code", source=source, metadata=dict(tags=list(tags)), outputs=list(outputs))


def said(text): return dict(output_type="stream", name="stdout", text=text)


def test_differences_are_found_and_varying_cells_are_not_compared():
    old, new = (dict(cells=[cell("print(x)", said(text))]) for text in ("one\n", "two\n"))
    assert "print(x)" in notebooks.differences(old, new)[0]
    assert notebooks.differences(old, dict(cells=[cell("print(x)")]))
    varying = [dict(cells=[cell("print(x)", said(text), tags=["varies"])]) for text in ("one\n", "two\n")]
    assert notebooks.differences(*varying) == []
