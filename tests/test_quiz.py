"""Quizzes: what a host's file may get wrong, the widget in a real JupyterLab, and if each session's quiz is true."""
import json, re
from collections import Counter

import pytest

from study_group.course import course_root, settings
from study_group.models_parts import quiet
from study_group.quiz import Quiz, load_quiz, quiz_names

HOSTILE = "<img src=x onerror=window.hacked=1>"
WRITTEN = f"""
[[question]]
ask = "What does `[CLS]` do? {HOSTILE}"
[[question.answer]]
text = "It ends the text."
why = "That is `[SEP]`: `[CLS]` stands first."
[[question.answer]]
text = "It starts the text. {HOSTILE}"
right = true
why = "Its vector is what the head looks at. {HOSTILE}"
[[question.answer]]
text = "It stands for a word that isn't known."
why = "That is `[UNK]`."

[[question]]
ask = "What does a model get?"
[[question.answer]]
text = "ids"
right = true
why = "A number a token."
[[question.answer]]
text = "the text"
why = "The tokenizer takes that."
[[question.answer]]
text = "an attention mask"
right = true
why = "It tells tokens from pads."
"""


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


@pytest.fixture
def show(lab):
    "Show the quiz in Python's `quiz`; its page."
    def show(code="quiz"):
        lab.show(code, ".quiz")
        return lab
    (lab.folder / "own.toml").write_text(WRITTEN, encoding="utf-8")
    yield show
    lab.page.set_viewport_size(dict(width=1400, height=1000))


def test_answers_are_tried_until_right(show):
    lab = show("from study_group.quiz import Quiz\nquiz = Quiz('own.toml')\nquiz")
    page = lab.page
    first, second = [page.locator(f".quiz form >> nth={n}") for n in (0, 1)]
    assert lab.texts(".why") == [] and lab.texts(".verdict") == ["", ""] and lab.texts(".tally") == [""]
    first.get_by_role("button", name="Check").click()
    assert lab.texts(".verdict")[0] == "Choose an answer first."
    first.get_by_label("It ends the text.").check()
    assert lab.texts(".verdict")[0] == ""
    first.get_by_role("button").click()
    assert lab.texts(".why") == ["✗ Not this one. That is [SEP]: [CLS] stands first."]
    assert first.locator(".answer.wrong code").all_inner_texts() == ["[SEP]", "[CLS]"]
    assert lab.texts(".verdict")[0] == "✗ Not yet: read why, and try again."
    assert lab.texts(".tally") == ["0 of 2 right."]
    first.get_by_role("button").click()  # the same again is no try
    first.get_by_label("It starts the text.").check()
    first.get_by_role("button").click()
    assert lab.texts(".verdict")[0] == "✓ Right, at try 2." and lab.texts(".right b") == ["✓ Right. "]
    assert lab.texts(".why")[1].endswith(HOSTILE) and HOSTILE in lab.texts(".answer .text")[1]
    assert HOSTILE in lab.texts("legend")[0] and page.locator(".quiz img").count() == 0
    assert page.evaluate("window.hacked") is None and len(lab.texts(".why")) == 2
    unfold = first.get_by_role("button", name="Why not the others?")
    for open_ in (True, False, True):
        unfold.click()
        assert unfold.get_attribute("aria-expanded") == str(open_).lower()
        assert ("✗ Not this one. That is [UNK]." in lab.texts(".why")) is open_
    assert second.get_by_role("group", name="What does a model get? Choose all that hold.").count() == 1
    for label, said in (("ids", "✗ Not all yet: 1 more is right."), ("the text", "✗ Not yet: read why"),
                        ("attention", "✗ Not yet: read why")):
        second.get_by_label(label).check()
        second.get_by_role("button").click()
        assert lab.texts(".verdict")[1].startswith(said)
    second.get_by_label("the text").uncheck()
    second.get_by_role("button").click()
    assert lab.texts(".verdict")[1] == "✓ Right, at try 4." and lab.texts(".tally") == [
        "All 2 right, 0 at the first try."]
    assert second.get_by_role("button").count() == 0  # all reasons are there already
    lab.until("quiz._checks == [[[0], [1]], [[0], [0, 1], [0, 1, 2], [0, 2]]]")
    before = lab.texts(".why")
    show()  # another view, as after loading the page again
    assert lab.texts(".why") == [why for why in before if "[UNK]" not in why]
    assert lab.texts(".verdict") == ["✓ Right, at try 2.", "✓ Right, at try 4."]
    page.get_by_role("button", name="Start over").click()
    assert lab.texts(".why") == [] and lab.texts(".tally") == [""] and page.locator(".quiz :checked").count() == 0


def test_by_keyboard_in_the_dark_in_little_room_and_without_a_kernel(show):
    lab = show("from study_group.quiz import Quiz\nQuiz('own.toml')")
    page = lab.page
    lab.dark()
    page.wait_for_selector(".quiz[data-theme=dark]")
    page.set_viewport_size(dict(width=400, height=900))
    page.wait_for_function("() => document.querySelector('.quiz').clientWidth < 400")
    assert page.locator(".quiz").evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    page.evaluate("() => notebook.sessionContext.session.kernel.shutdown()")
    page.locator(".quiz input").first.focus()
    focused = lambda name: page.evaluate("name => { const e = document.activeElement; return e[name] ?? e.name }", name)
    for key in ("Space", "ArrowDown", "Enter"): page.keyboard.press(key)
    assert lab.texts(".verdict")[0] == "✓ Right at the first try." and focused("innerText") == "Why not the others?"
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert len(lab.texts(".why")) == 3
    for key in ("Tab", "Space", "Tab", "Tab", "Space", "Tab", "Enter"): page.keyboard.press(key)
    assert lab.texts(".tally") == ["All 2 right, 2 at the first try."]
    assert page.locator(".quiz [role=status]").count() == page.locator(".quiz [aria-live=polite]").count() == 2
    assert all("Could not send widget sync message" in said for said in lab.log)  # ipywidgets misses its kernel
    lab.log.clear()
    twin = page.locator("[id^=study-]")
    html = "".join(lab.outputs()[-1][0]["data"]["text/html"])
    assert twin.evaluate("e => e.style.display") == "none" and "<img" not in html and "<script" not in html


SESSIONS = list(settings().sessions)


@pytest.fixture(params=quiz_names())
def quiz(request): return load_quiz(request.param)["question"]


def rights(question) -> list[int]: return [n for n, answer in enumerate(question["answer"]) if answer.get("right")]


@pytest.mark.parametrize("session", SESSIONS)
def test_each_session_has_a_quiz_and_shows_it(session):
    assert 8 <= len(load_quiz(session)["question"]) <= 10
    nb = json.loads((course_root() / f"nbs/{session}.ipynb").read_text(encoding="utf-8"))
    assert any(f'Quiz("{session}")' in "".join(cell["source"]) for cell in nb["cells"] if cell["cell_type"] == "code")


@pytest.mark.parametrize("name", quiz_names())
def test_every_claim_is_true_where_its_answer_is_right(name):
    quiz, names = load_quiz(name), {}
    with quiet(): exec(quiz.get("setup", ""), names)  # which may set how much is logged
    for n, question in enumerate(quiz["question"], 1):
        claims = [answer.get("claim") for answer in question["answer"]]
        assert all(claims) != ("opinion" in question), f"question {n} needs a claim on each answer, or an opinion"
        for claim, answer in zip(claims, question["answer"]):
            if claim: assert eval(claim, names) is answer.get("right", False), f"question {n}: {claim}"


def test_the_right_answer_cannot_be_guessed(quiz):
    "Neither its place nor its length tells it in more than half of the questions."
    single = [(question["answer"], *rights(question)) for question in quiz if len(rights(question)) == 1]
    places = Counter(n for _, n in single)
    assert max(places.values()) <= len(single) / 2, places
    longest = [answers[n]["text"] for answers, n in single
               if all(len(answers[n]["text"]) > len(answers[i]["text"]) for i in range(len(answers)) if i != n)]
    assert len(longest) <= len(single) / 2, longest


def test_no_question_is_asked_twice():
    asked = Counter(question["ask"].strip() for name in quiz_names() for question in load_quiz(name)["question"])
    assert [ask for ask, n in asked.items() if n > 1] == []
