"If each session's quiz is true."
import json
from collections import Counter

import pytest

from study_group.course import course_root, settings
from study_group.checkpoints import quiet
from study_group.core.quizzes import load_quiz, quiz_names

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
