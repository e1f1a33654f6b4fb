"What a learner has done is kept: in a real JupyterLab, over kernels, and in a page without Python."
import json

import pytest
from own_quiz import WRITTEN

from study_group.core.outline import outline, standing
from study_group.core.progress import read_progress
from study_group.core.quizzes import load_quiz
from study_group.widgets.progress import Progress
from study_group.widgets.quiz import Quiz

KEEP = "import os\nos.environ['STUDY_GROUP_PROGRESS'] = '.'\n"
SHOW = "from study_group.widgets.quiz import Quiz\nquiz = Quiz('own.toml')\nquiz"


@pytest.fixture
def fresh(lab):
    (lab.folder / "own.toml").write_text(WRITTEN, encoding="utf-8")
    yield lab
    (lab.folder / "progress.json").unlink(missing_ok=True)
    lab.page.set_viewport_size(dict(width=1400, height=1000))
    lab.dark(False)


def answer(page, label: str):
    form = page.locator(".quiz form").first
    form.get_by_label(label).check()
    form.get_by_role("button", name="Check").click()


def test_a_quiz_reopened_in_another_kernel_shows_what_was_answered(fresh):
    lab = fresh
    lab.show(KEEP + SHOW, ".quiz")
    for label in ("It ends the text.", "It starts the text."): answer(lab.page, label)
    lab.until("quiz._checks[0] == [[0], [1]]")
    lab.until("quiz._kept.startswith('Your answers are kept in progress.json')")
    assert lab.texts(".kept") == ["Your answers are kept in progress.json, beside this notebook."]
    rounds, = read_progress(lab.folder / "progress.json")["quizzes"]["own"].values()
    assert rounds == [[[0], [1]]]

    lab.close()
    lab.notebook(KEEP)  # another kernel
    lab.show(KEEP + SHOW, ".quiz")
    assert lab.texts(".verdict")[0] == "✓ Right, at try 2."
    assert lab.texts(".tally") == ["1 of 2 right, 0 at the first try."]
    lab.page.get_by_role("button", name="Start over").click()
    lab.until("quiz._checks == []")
    answer(lab.page, "It starts the text.")
    lab.until("quiz._checks[0] == [[1]]")
    kept = read_progress(lab.folder / "progress.json")
    assert [*kept["quizzes"]["own"].values()][0] == [[[0], [1]], [[1]]]


def test_a_file_that_is_no_progress_is_left_alone_and_said(fresh):
    lab, path = fresh, fresh.folder / "progress.json"
    path.write_text("{", encoding="utf-8")
    lab.show(KEEP + SHOW, ".quiz")
    assert lab.texts(".kept")[0].startswith("Not kept: ") and "it is broken" in lab.texts(".kept")[0]
    answer(lab.page, "It starts the text.")
    lab.until("quiz._checks[0] == [[1]]")
    assert path.read_text(encoding="utf-8") == "{" and lab.texts(".kept")[0].startswith("Not kept")


def test_progress_is_ticked_named_looked_into_and_deleted(fresh):
    lab, path = fresh, fresh.folder / "progress.json"
    lab.python(KEEP + "from study_group.course import checked\ndef check_pipeline(n): return 'Right: it is.'\n"
               "checked(check_pipeline, 1)")
    lab.show(KEEP + "from study_group.widgets.progress import Progress\nprogress = Progress()\nprogress", ".progress")
    page = lab.page
    assert page.locator(".progress tbody tr").count() == 7
    questions = len(load_quiz("01_pipeline")["question"])
    shares = page.locator(".progress tbody tr").first.locator(".share").all_inner_texts()
    assert shares == ["1 of 3", f"0 of {questions}"]
    page.get_by_label("Evening done: Behind the pipeline").check()
    lab.until("progress.evenings == ['01_pipeline']")
    name = page.get_by_role("textbox", name="your name")
    name.fill("<img src=x onerror='window.hacked = 1'>")
    name.press("Enter")
    lab.until("progress.name.startswith('<img')")
    kept = read_progress(path)
    assert kept["evenings"] == ["01_pipeline"] and kept["name"].startswith("<img")
    page.get_by_role("button", name="Look into the file").click()
    assert json.loads(page.locator(".progress .file").inner_text()) == kept
    with page.expect_download() as download: page.get_by_role("button", name="Save a copy").click()
    assert json.loads(open(download.value.path(), encoding="utf-8").read()) == kept
    assert page.evaluate("window.hacked") is None and page.locator(".progress img").count() == 0
    lab.dark()
    page.set_viewport_size(dict(width=400, height=900))
    page.wait_for_function("() => document.querySelector('.progress').clientWidth < 400")
    assert page.locator(".progress").evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Keep it").click()
    assert path.exists()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete all of it").click()
    lab.until("progress.evenings == [] and progress.name == ''")
    assert not path.exists() and not page.get_by_label("Evening done: Behind the pipeline").is_checked()


def test_a_page_without_python_keeps_it_in_the_browser(chrome, tmp_path):
    (tmp_path / "own.toml").write_text(WRITTEN, encoding="utf-8")
    Quiz(tmp_path / "own.toml").save(tmp_path / "quiz.html")
    context = chrome.new_context()
    page = context.new_page()
    page.goto((tmp_path / "quiz.html").as_uri())
    answer(page, "It ends the text.")
    assert page.locator(".kept").inner_text() == "Your answers are kept in this browser."
    page.reload()
    assert page.locator(".verdict").first.inner_text() == "✗ Not yet: read why, and try again."
    page.evaluate("for (const key of Object.keys(localStorage)) localStorage[key] = '[[[99]]]'")
    page.reload()
    assert page.locator(".verdict").first.inner_text() == "" and page.locator(".quiz form").count() == 2
    context.close()


@pytest.fixture
def browser(chrome, tmp_path, monkeypatch):
    "A page, and the addresses of the first session's quiz and of a progress, saved without anything in them."
    monkeypatch.setenv("STUDY_GROUP_PROGRESS", "off")
    widgets = Quiz("01_pipeline"), Progress()
    places = [widget.save(tmp_path / f"{n}.html").as_uri() for n, widget in enumerate(widgets)]
    context = chrome.new_context()
    context.set_offline(True)
    page, log = context.new_page(), []
    page.on("pageerror", lambda e: log.append(str(e)))
    yield page, *places
    context.close()
    assert log == []


def shares(page) -> list[str]:
    page.wait_for_selector(".progress[data-ready]")
    return page.locator(".progress tbody tr").first.locator(".share").all_inner_texts()


def test_progress_without_python_shows_what_the_browser_has_kept(browser, tmp_path):
    page, quiz, progress = browser
    questions = load_quiz("01_pipeline")["question"]
    right = [[i for i, answer in enumerate(q["answer"]) if answer.get("right")] for q in questions]
    page.goto(quiz)
    for n, chosen in enumerate([right[0], right[1], [min({0, 1} - {*right[2]})]]):  # the third wrongly
        form = page.locator(".quiz form").nth(n)
        for i in chosen: form.locator("input").nth(i).check()
        form.get_by_role("button", name="Check").click()
    page.goto(progress)
    page.wait_for_function("() => document.querySelector('.progress .share:nth-of-type(3)').innerText.startsWith('2')")
    assert shares(page)[1] == f"2 of {len(questions)}"
    assert "is kept in this browser" in page.locator(".offline").inner_text()
    page.get_by_label("Evening done: Tokenizers").check()
    name = page.get_by_role("textbox", name="your name")
    name.fill("<img src=x>")
    name.press("Enter")
    page.get_by_role("button", name="Look into the file").click()
    page.wait_for_function("() => document.querySelector('.file').innerText.includes('<img')")
    with page.expect_download() as download: page.get_by_role("button", name="Save a copy").click()
    download.value.save_as(copy := tmp_path / "progress.json")
    kept = read_progress(copy)  # as `study-group group` reads it
    assert (kept["name"], kept["evenings"]) == ("<img src=x>", ["03_tokenizers"])
    chapter = outline()[0]
    assert standing(chapter, kept)["quiz"] == [2, 2, len(questions)]
    page.reload()
    page.wait_for_function("() => document.querySelector('.progress .share:nth-of-type(3)').innerText.startsWith('2')")
    assert page.get_by_label("Evening done: Tokenizers").is_checked() and name.input_value() == "<img src=x>"
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete all of it").click()
    page.wait_for_function("() => !document.querySelector('.progress :checked')")
    assert shares(page)[1] == f"0 of {len(questions)}" and page.evaluate("localStorage.length") == 0


JUNK = "[[[99]]]", "{", '{"name": 1, "evenings": "x"}', '{"name": "a", "evenings": ["gone"]}', "null"


@pytest.mark.parametrize("junk", JUNK)
def test_progress_without_python_ignores_what_isnt_the_courses(browser, junk):
    page, quiz, progress = browser
    page.goto(quiz)
    page.locator(".quiz form").first.locator("input").first.check()
    page.locator(".quiz form").first.get_by_role("button", name="Check").click()
    page.evaluate("""junk => {
        for (const key of ["study-group:progress", ...Object.keys(localStorage)]) localStorage[key] = junk;
    }""", junk)
    page.goto(progress)
    page.get_by_role("button", name="Read it again").click()
    page.wait_for_function("() => document.querySelector('.file').textContent.startsWith('{')")
    assert shares(page)[1].startswith("0 of") and page.locator(".progress :checked").count() == 0


def test_a_page_with_somebodys_progress_in_it_shows_that(browser, tmp_path, monkeypatch):
    page, *_ = browser
    monkeypatch.setenv("STUDY_GROUP_PROGRESS", str(tmp_path))
    Progress().evenings = ["01_pipeline"]
    page.goto(Progress().save(tmp_path / "mine.html").as_uri())
    assert "✓" in page.locator("tr").nth(1).inner_text() and page.locator("script").count() == 0
