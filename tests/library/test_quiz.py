"Quizzes: what a host's file may get wrong."
import re

import pytest
from own_quiz import WRITTEN

from study_group.core.quizzes import load_quiz, quiz_names
from study_group.widgets.quiz import Quiz


@pytest.fixture
def write(tmp_path):
    "Write a quiz; its path."
    def write(text, encoding="utf-8"):
        (tmp_path / "own.toml").write_text(text, encoding=encoding)
        return tmp_path / "own.toml"
    return write


WHY = 'why = "That is `[UNK]`."'
MISTAKES = {
    "broken TOML": (WRITTEN.replace(WHY, "why = That"), r"own\.toml can't be read: .*line 13.*'single quotes'"),
    "no questions": ("", r"own\.toml has no questions: begin each with a line \[\[question\]\]"),
    "one bracket": ('[question]\nask = "?"', r"own\.toml has no questions: .* in two brackets"),
    "one answer's bracket": ('[[question]]\nask = "?"\n[question.answer]\ntext = "a"', "question 1 needs two answers"),
    "one answer": (WRITTEN + '[[question]]\nask = "?"\n[[question.answer]]\ntext = "a"\nright = true\nwhy = "so"',
                   r"own\.toml, question 3 needs two answers or more: begin each with a line \[\[question.answer\]\]"),
    "no right answer": (WRITTEN.replace("right = true", ""), "question 1 has no right answer: write right = true"),
    "right as text": (WRITTEN.replace("right = true", 'right = "yes"'), "answer b has right = 'yes': write right"),
    "no why": (WRITTEN.replace(WHY, ""), "question 1, answer c has no text for `why`: write why it is right, or why"),
    "empty why": (WRITTEN.replace(WHY, 'why = " "'), "question 1, answer c has no text for `why`"),
    "no ask": (WRITTEN.replace('ask = "What does a model get?"', ""), "question 2 has no text for `ask`: write what"),
    "text isn't text": (WRITTEN.replace('text = "ids"', "text = 3"), "question 2, answer a has no text for `text`"),
    "one backtick": (WRITTEN.replace("`[UNK]`", "`[UNK]"), "answer c, `why`, has a backtick without its partner"),
    "the same answer": (WRITTEN.replace('"the text"', '"ids"'), "question 2 has the answer 'ids' twice: change one"),
    "unknown key": (WRITTEN.replace(WHY, f'{WHY}\nhint = ""'), "answer c has hint: an answer may have text, right"),
    "unknown question key": (WRITTEN.replace("ask = \"", "aks = \""), "question 1 has aks: a question may have ask, "),
    "unknown top key": ('title = "x"\n' + WRITTEN, r"own\.toml has title: the quiz may have setup, question\."),
    "empty claim": (WRITTEN.replace(WHY, f'{WHY}\nclaim = ""'), "answer c has no text for `claim`"),
    "empty setup": ('setup = ""\n' + WRITTEN, "has no text for `setup`: write some text, or leave the line out"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place(name, write):
    text, said = MISTAKES[name]
    with pytest.raises(ValueError, match=said): Quiz(write(text))


def test_files_that_cannot_be(write):
    for wrong in ("00_nothing", "no/such.toml", write("").parent): pytest.raises(ValueError, Quiz, wrong)
    with pytest.raises(ValueError, match=f"The course has {', '.join(quiz_names())}"): Quiz("nothing")
    with pytest.raises(ValueError, match="own.toml isn't UTF-8 text: save it as UTF-8"): Quiz(write("# é", "latin-1"))
    assert len(load_quiz(write(WRITTEN, "utf-8-sig"))["question"]) == 2  # as Windows' editor saves it
    assert len(load_quiz(str(write(WRITTEN.replace("\n", "\r\n"))))["question"]) == 2


def test_a_terminal_gets_the_questions_alone(write):
    said = repr(Quiz(write(WRITTEN)))
    assert re.findall(r"^ *(\w[.)])", said, re.M) == ["1.", "a)", "b)", "c)", "2.", "a)", "b)", "c)"]
    assert "model get? Choose all that hold." in said and "[UNK]" not in said and "✓" not in said
