"The quiz in a real JupyterLab."
import re

import pytest
from own_quiz import HOSTILE, WRITTEN


@pytest.fixture
def show(lab):
    "Show the quiz in Python's `quiz`; its page."
    def show(code="quiz"):
        lab.show(code, ".quiz")
        return lab
    (lab.folder / "own.toml").write_text(WRITTEN, encoding="utf-8")
    yield show
    lab.page.set_viewport_size(dict(width=1400, height=1000))


def numbers(lab, at: str) -> list[int]: return [int(n) for said in lab.texts(at) for n in re.findall(r"\d+", said)]


def test_answers_are_tried_until_right(show):
    lab = show("from study_group.widgets.quiz import Quiz\nquiz = Quiz('own.toml')\nquiz")
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
        assert any("That is [UNK]." in why for why in lab.texts(".why")) is open_
    assert second.get_by_role("group", name="What does a model get? Choose all that hold.").count() == 1
    for label, said in (("ids", "✗ Not all yet: 1 more"), ("the text", "✗ Not yet"), ("attention", "✗ Not yet")):
        second.get_by_label(label).check()
        second.get_by_role("button").click()
        assert lab.texts(".verdict")[1].startswith(said)
    second.get_by_label("the text").uncheck()
    second.get_by_role("button").click()
    assert lab.texts(".verdict")[1].startswith("✓") and numbers(lab, ".verdict")[1:] == [4]
    assert numbers(lab, ".tally") == [2, 0]
    assert second.get_by_role("button").count() == 0  # all reasons are there already
    lab.until("quiz._checks == [[[0], [1]], [[0], [0, 1], [0, 1, 2], [0, 2]]]")
    before = lab.texts(".why")
    show()  # another view, as after loading the page again
    assert lab.texts(".why") == [why for why in before if "[UNK]" not in why]
    assert all(said.startswith("✓") for said in lab.texts(".verdict")) and numbers(lab, ".verdict") == [2, 4]
    page.get_by_role("button", name="Start over").click()
    assert lab.texts(".why") == [] and lab.texts(".tally") == [""] and page.locator(".quiz :checked").count() == 0


def test_by_keyboard_in_the_dark_in_little_room_and_without_a_kernel(show):
    lab = show("from study_group.widgets.quiz import Quiz\nQuiz('own.toml')")
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
    assert lab.texts(".verdict")[0].startswith("✓") and focused("innerText") == "Why not the others?"
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert len(lab.texts(".why")) == 3
    for key in ("Tab", "Space", "Tab", "Tab", "Space", "Tab", "Enter"): page.keyboard.press(key)
    assert numbers(lab, ".tally") == [2, 2]
    assert page.locator(".quiz [role=status]").count() == page.locator(".quiz [aria-live=polite]").count() == 2
    assert all("Could not send widget sync message" in said for said in lab.log)  # ipywidgets misses its kernel
    lab.log.clear()
    twin = page.locator("[id^=study-]")
    html = "".join(lab.outputs()[-1][0]["data"]["text/html"])
    assert twin.evaluate("e => e.style.display") == "none" and "<img" not in html and "<script" not in html
