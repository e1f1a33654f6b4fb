"How long a session takes, by notebooks whose minutes are worked out here."
import minutes, pytest
from check import anchors
from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from study_group.course import settings

WORDS = "word "*200  # one minute


def shown(html="", **metadata):
    "A cell of one line that shows something."
    return new_code_cell("x", outputs=[new_output("display_data", {"text/html": html})], metadata=metadata)


@pytest.fixture
def timed(tmp_path):
    "Write a notebook of these cells, text for markdown; its sections."
    def make(*cells):
        cells = [new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
        write(new_notebook(cells=cells), tmp_path/"x.ipynb")
        return minutes.sections(tmp_path/"x.ipynb")
    return make


def of(found): return [sum(s.minutes[n] for s in found) for n in (0, 1)]


@pytest.mark.parametrize("cell, want", [
    (WORDS, 1),
    ("**Predict first:** " + "so "*198, 1 + 1.5),
    ("**Predict\nfirst.**", 2/200 + 1.5),
    ("Where it says **predict first**, guess.", 6/200),
    ("[two words](https://example.org/a/long/address) <br> | --- |", 2/200),
    ("![not read](images/x.svg)", 15/60),
    (f"<details><summary>x</summary>\n\n{WORDS}\n\n</details>", 0),
    ("```\n# no heading\n```", 2/200),
    (new_code_cell("a = 1\n\nb = 2  # two lines"), 20/60),
    (new_code_cell("#| export\ndef f(x): return x"), 10/60),
    (new_code_cell("#| default_exp x"), 0),
    (new_code_cell("#| hide\nimport torch"), 2/60),
    (new_code_cell("%pip install x"), 10/60),
    (new_code_cell("test_eq(a, 1)\nassert b\nfor x in y: test_close(x, 1)"), 6/60),
    (new_code_cell("a = 1\nb = 2\nassert b"), 30/60),
    (new_code_cell("a = 1\nassert a"), 4/60),
    (new_code_cell("assert a", metadata=dict(jupyter=dict(source_hidden=True))), 0),
    (shown(), 25/60),
    (shown(jupyter=dict(source_hidden=True)), 15/60),
    (shown(jupyter=dict(source_hidden=True, outputs_hidden=True)), 0),
    (shown('<div id="study-1">'), 10/60 + 5),
])
def test_what_each_kind_of_cell_takes(timed, cell, want):
    assert of(timed(cell)) == pytest.approx([want, 0])


def test_home_is_what_is_marked_and_what_is_below(timed):
    found = timed("# T", f"## A\n{WORDS}", f"## At home: B\n{WORDS}", shown(), f"### C\n{WORDS}\n## D", WORDS,
                  f"### At home: E\n{WORDS}", f"### F\n{WORDS}")
    assert [(s.title, s.level, s.home) for s in found[1:]] == [
        ("T", 1, False), ("A", 2, False), ("At home: B", 2, True), ("C", 3, True), ("D", 2, False),
        ("At home: E", 3, True), ("F", 3, False)]
    assert of(found) == pytest.approx([3 + 5/200, 3 + 25/60 + 7/200], abs=.04)


def test_exercises_take_what_they_say(timed):
    found = timed(f"## Your turn\n{WORDS}\n**1. One.** *5 minutes.* {WORDS}", new_code_cell("mine = None"), shown(),
                  f"**2. Two.** *20 minutes, at home.* {WORDS}", f"{WORDS}\n**3. Three.**\n{WORDS}",
                  f"### At home: more\n**4. Four.** *7 minutes*\n{WORDS}", f"### Quiz\n{WORDS}")
    assert [s.exercises for s in found if s.exercises] == [[5, 20, None], [7]]
    assert of(found) == pytest.approx([1 + 5 + minutes.UNSAID + 1, 20 + 7], abs=.04)
    assert sum(s.n_cells for s in found) == 0


def test_visible_cells_of_the_story_are_counted(timed):
    folded = dict(jupyter=dict(source_hidden=True))
    found = timed(new_code_cell("a = 1"), shown(), new_code_cell("assert a"), new_code_cell("#| export\nb = 1"),
                  new_code_cell("#| hide\nc = 1"), new_code_cell("d = 1", metadata=folded), new_code_cell(""))
    assert [s.n_cells for s in found] == [2]


def test_a_quiz_takes_its_questions_and_words(timed):
    found = of(timed(new_code_cell('from study_group.course import Quiz\n\nQuiz("01_pipeline")')))[0]
    assert 10*36/60 + 2 < found < 10*36/60 + 6


def test_a_plans_rows_have_the_minutes_up_to_the_next(timed, tmp_path):
    timed("# T", WORDS, "## A b", WORDS, "### At home: c", WORDS, "### D", WORDS, "## `E`", WORDS)
    got = minutes.planned(tmp_path/"x.ipynb", ["A-b", "E"])
    assert got == pytest.approx([3, 1], abs=.05)
    assert "At-home:-c" in anchors(tmp_path/"x.ipynb")


def test_an_evening_that_is_too_long_is_an_error(monkeypatch, capsys):
    monkeypatch.setattr(minutes, "LIMIT", 1)
    assert minutes.main([]) == 1 and minutes.main(["--report"]) == 0
    said = capsys.readouterr().out
    assert "!" in said and all(name in said for name in settings().sessions)
    monkeypatch.setattr(minutes, "LIMIT", 1000)
    assert minutes.main([]) == 0 and minutes.main(["01_pipeline"]) == 0
    said = capsys.readouterr().out
    assert "!" not in said and "Your own pipeline" in said
