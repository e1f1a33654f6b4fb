"settings.ini, `sync` and the `study-group` command: what needs a process, a git repository or a hostile folder."
import json, os, re, signal, socket, subprocess, sys, tomllib
from pathlib import Path

import pytest
import yaml
from fastcore.nbio import dict2nb, nb2str
from packaging.requirements import Requirement
from places import REPO, tracked

from study_group import course
from study_group.command import doctor, start, sync
from study_group.core import settings

INI = """# ours
[course]
title = T%s
host = H
registration = https://example.org/r
chat = https://example.org/c
checkpoint = some/model

[repository]
# not set yet
user = OWNER
repo = study_group
branch = main

[sessions]
01_pipeline = Behind | the pipeline
02_Models = Models
"""
TOML = """[project]
name = "x"  # Repository = "leave me"

[project.urls]
Issues = "https://example.org"
Repository = "https://github.com/OWNER/study_group"  # kept
"""


def cell(id, source, kind="markdown", **more):
    code = dict(execution_count=None, outputs=[]) if kind == "code" else {}
    return dict(cell_type=kind, id=id, metadata={}, source=source) | code | more


def notebook(*cells):
    meta = {"kernelspec": {"display_name": "python3", "language": "python", "name": "python3"}}
    return nb2str(dict2nb(dict(cells=list(cells), metadata=meta, nbformat=4, nbformat_minor=5)))


@pytest.fixture
def mini(tmp_path, monkeypatch):
    "A course of two sessions and a front page."
    root = tmp_path/"course"
    (root/"nbs").mkdir(parents=True)
    (root/"settings.ini").write_text(INI)
    (root/"pyproject.toml").write_text(TOML)
    output = dict(output_type="stream", name="stdout", text=["é ✓ </script>\n"])
    (root/"nbs/01_pipeline.ipynb").write_text(notebook(
        cell("t", "# Title\n\n> sub"), cell("x", "print('é ✓ </script>')", "code", outputs=[output]), cell("z", "end")))
    (root/"nbs/02_Models.ipynb").write_text(notebook(cell("h", "#| hide", "code"), cell("t", "# Models")))
    (root/"nbs/index.ipynb").write_text(notebook(
        cell("t", "# Front"), cell("install", "old"), cell("w", "words"), cell("sessions", "old")))
    for module in (settings, start, sync): monkeypatch.setattr(module, "course_root", lambda: root)
    return root


def cells(path): return json.loads(path.read_text())["cells"]


def snapshot(root): return {p: p.read_bytes() for p in root.rglob("*") if p.is_file() and ".git" not in p.parts}


def git_remote(root, url):
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    for words in (["init", "-q", "-b", "main"], ["remote", "add", "origin", url]):
        subprocess.run(["git", *words], cwd=root, env=env, check=True)


COMMAND = """
import sys
from pathlib import Path
from study_group import course
from study_group.command import start, sync
from study_group.core import settings
settings.course_root = start.course_root = sync.course_root = lambda: Path(sys.argv[1])
sys.exit(course.main(sys.argv[2:]))
"""


def command(root, *words):
    "Run `study-group` for the course in `root` in a process that permissions bind, even where root runs the tests."
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    done = subprocess.run([*bound, sys.executable, "-c", COMMAND, root, *words], capture_output=True, encoding="utf-8")
    assert done.stderr.count("\n") <= 1, done.stderr
    return done


@pytest.fixture
def shut():
    "Take the right to write (or `mode`'s others) from a path, until the test ends."
    changed = []
    yield lambda path, mode=0o555: changed.append(path) or path.chmod(mode)
    for path in changed: path.chmod(0o755)


# settings

def test_settings(mini):
    s = course.settings()
    assert (s.title, s.user, list(s.sessions)) == ("T%s", "OWNER", ["01_pipeline", "02_Models"])


@pytest.mark.parametrize("line, named", [
    ("host = H\n", "[course] has no value for `host`"), ("user = OWNER\n", "[repository] has no value for `user`"),
    ("[sessions]\n01_pipeline = Behind | the pipeline\n02_Models = Models\n", "[sessions]"),
    ("[course]\n", "settings.ini"), ("Behind | the pipeline", "[sessions] has no value for `01_pipeline`")])
def test_settings_names_what_is_missing(mini, line, named):
    (mini/"settings.ini").write_text(INI.replace(line, ""))
    with pytest.raises(ValueError, match=re.escape(named)) as e: course.settings()
    assert "settings.ini" in str(e.value) and "\n" not in str(e.value)


@pytest.mark.parametrize("name", ["Models", "2-Models", "_Models", "M2_Models", "2Models", "2"])
def test_a_sessions_name_begins_with_its_number(mini, name):
    (mini/"settings.ini").write_text(INI.replace("02_Models", name))
    for call in (course.settings, course.sync):
        with pytest.raises(ValueError, match=rf"settings.ini: \[sessions\] .*`{name}`.*`02_models`") as e: call()
    assert "\n" not in str(e.value)


def test_a_value_over_several_lines_is_one_line(mini):
    (mini/"settings.ini").write_text(INI.replace("host = H", "host = The\n  Night\tReaders") + "  and heads\n")
    course.sync()
    s = course.settings()
    assert (s.host, s.sessions["02_Models"]) == ("The Night Readers", "Models and heads")
    table = "".join(next(c for c in cells(mini/"nbs/index.ipynb") if c["id"] == "sessions")["source"])
    assert "[Models and heads](02_Models.ipynb)" in table and len(table.partition("\n\n")[0].splitlines()) == 4


def test_settings_file_errors(mini):
    with pytest.raises(FileNotFoundError, match="nowhere.ini isn't there. Bring"): course.settings("nowhere.ini")
    (mini/"settings.ini").write_bytes(INI.replace("host = H", "host = Café").encode("latin-1"))
    with pytest.raises(ValueError, match="settings.ini isn't UTF-8"): course.settings()


def test_course_root_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "files", lambda name: tmp_path/"package")
    with pytest.raises(FileNotFoundError, match="no settings.ini with a folder nbs/"): course.course_root()
    (tmp_path/"package/nbs").mkdir(parents=True)
    (tmp_path/"package/settings.ini").touch()
    assert course.course_root() == tmp_path/"package"


# sync

def set_user(root, user="ada"): (root/"settings.ini").write_text(INI.replace("OWNER", user))


def test_sync_inserts_below_the_title(mini):
    set_user(mini)
    assert course.sync()[1:] == ["nbs/01_pipeline.ipynb", "nbs/02_Models.ipynb", "nbs/index.ipynb"]
    first, second = cells(mini/"nbs/01_pipeline.ipynb"), cells(mini/"nbs/02_Models.ipynb")
    assert [c["id"] for c in first] == ["t", "colab-badge", "colab-setup", "x", "z", "way-on", "colab-links"]
    assert [c["id"] for c in second] == ["h", "t", "colab-badge", "colab-setup", "way-on", "colab-links"]
    ways = ["".join(nb[-2]["source"]).splitlines()[-1] for nb in (first, second)]
    assert ways == ["[All sessions](index.ipynb) · [Models →](02_Models.ipynb)",
                    "[← Behind | the pipeline](01_pipeline.ipynb) · [All sessions](index.ipynb)"]
    url = "https://colab.research.google.com/github/ada/study_group/blob/main/nbs/02_Models.ipynb"
    assert f"]({url})" in "".join(second[2]["source"])
    assert f"[Models]({url})" in "".join(first[-1]["source"])  # in full, for a copy in somebody's Drive
    setup = "".join(second[3]["source"])
    assert '%pip install "study-group @ git+https://github.com/ada/study_group@main"' in setup and "-q" not in setup
    assert second[3]["metadata"] == dict(cellView="form", jupyter=dict(source_hidden=True))


def test_sync_front_page(mini):
    set_user(mini)
    course.sync()
    front = {c["id"]: "".join(c["source"]) for c in cells(mini/"nbs/index.ipynb")}
    assert list(front) == ["t", "install", "w", "sessions", "colab-links"] and front["w"] == "words"
    table = front["sessions"].splitlines()
    assert len(table) == 4 and table[3].startswith("| 2 | [Models](02_Models.ipynb) | [![Open In Colab](")
    assert [line.count("|") for line in table] == [4] * 4
    assert 'pip install "study-group @ git+https://' in front["install"]


def test_without_a_user_a_sentence_stands_where_badges_would_be_dead(mini):
    course.sync()
    ids = ("colab-badge", "sessions")
    first, second, front = (["".join(c["source"]) for c in cells(mini/f"nbs/{name}.ipynb") if c["id"] in ids]
                            for name in ("01_pipeline", "02_Models", "index"))
    said = "To open {} in Colab, set `user` in settings.ini to your GitHub name, then run `make sync`."
    assert first == second == [said.format("this session")]
    assert front[0].splitlines()[-3:] == ["| 2 | [Models](02_Models.ipynb) |", "", said.format("a session")]
    assert [line.count("|") for line in front[0].splitlines()] == [3, 3, 3, 3, 0, 0]
    line = "".join(next(c["source"] for c in cells(mini/"nbs/index.ipynb") if c["id"] == "install"))
    assert line.endswith("To have your name in place of OWNER, set `user`" + said.partition("set `user`")[2])
    set_user(mini)
    course.sync()
    for name in ("01_pipeline", "02_Models", "index"):
        text = "".join("".join(c["source"]) for c in cells(mini/f"nbs/{name}.ipynb") if c["id"] in ids)
        assert "https://colab.research.google.com/github/ada/" in text
        assert "settings.ini" not in (mini/f"nbs/{name}.ipynb").read_text()


@pytest.mark.parametrize("name, number", [("02_Models", 2), ("03_Models", 3), ("10_Models", 10), ("4_Models", 4)])
def test_the_table_numbers_sessions_by_name_in_the_order_they_are_listed(mini, name, number):
    (mini/"nbs/02_Models.ipynb").rename(mini/f"nbs/{name}.ipynb")
    first, second = "01_pipeline = Behind | the pipeline\n", f"{name} = Models\n"
    for order in ((first, second), (second, first)):
        (mini/"settings.ini").write_text(INI.partition("01_pipeline")[0] + "".join(order))
        course.sync()
        table = "".join(next(c for c in cells(mini/"nbs/index.ipynb") if c["id"] == "sessions")["source"])
        rows = ["| 1 | [Behind &#124; the pipeline](01_pipeline.ipynb)", f"| {number} | [Models]({name}.ipynb)"]
        shown = [row.removesuffix(" |") for row in table.splitlines()[2:4]]
        assert shown == (rows if order[0] == first else rows[::-1])


def test_sync_twice_changes_nothing(mini):
    course.sync()
    once = snapshot(mini)
    assert course.sync() == [] and snapshot(mini) == once


def test_sync_keeps_every_other_byte(mini):
    before = (mini/"nbs/01_pipeline.ipynb").read_text()
    course.sync()
    nb = json.loads((mini/"nbs/01_pipeline.ipynb").read_text())
    nb["cells"] = [c for c in nb["cells"] if c["id"] not in sync.WRITTEN]
    assert json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False) + "\n" == before
    after = (mini/"nbs/01_pipeline.ipynb").read_text()
    assert after == nb2str(dict2nb(json.loads(after)))  # as nbdev writes it
    start, middle, end = map(before.index, ('  {\n   "cell_type": "code"', '"print(', "\n  }\n ],"))
    assert after.startswith(before[:start]) and before[middle:end] in after and after.endswith(before[end:])


def test_sync_leaves_an_odd_layout_that_is_right(mini):
    course.sync()
    path = mini/"nbs/02_Models.ipynb"
    path.write_bytes(json.dumps(json.loads(path.read_text()), indent=4).replace("\n", "\r\n").encode())
    assert course.sync() == []


def test_sync_mends_what_was_moved_and_keeps_outputs(mini):
    course.sync()
    path = mini/"nbs/01_pipeline.ipynb"
    nb = json.loads(path.read_text())
    setup = nb["cells"].pop(2)
    nb["cells"].append(setup | {"source": ["stale"], "metadata": {"tags": ["mine"]}})
    path.write_text(json.dumps(nb))
    assert course.sync() == ["nbs/01_pipeline.ipynb"]
    assert [c["id"] for c in cells(path)] == ["t", "colab-badge", "colab-setup", "x", "z", "way-on"]
    assert cells(path)[2] == setup | {"metadata": {"tags": ["mine"]}}


def test_check_writes_nothing(mini):
    before = snapshot(mini)
    assert course.sync(check=True) == ["nbs/01_pipeline.ipynb", "nbs/02_Models.ipynb", "nbs/index.ipynb"]
    assert snapshot(mini) == before


def test_an_error_leaves_everything_as_it_was(mini):
    (mini/"nbs/index.ipynb").write_text("{broken")
    before = snapshot(mini)
    with pytest.raises(ValueError, match="index.ipynb isn't a notebook"): course.sync()
    (mini/"nbs/02_Models.ipynb").unlink()
    with pytest.raises(FileNotFoundError, match=r"02_Models.ipynb isn't there. Write the notebook, or .*\[sessions\]"):
        course.sync()
    assert {p: b for p, b in before.items() if p.exists()} == snapshot(mini)


@pytest.mark.parametrize("cells", ['["x"]', "[null]", "3", "null", '[{"id": "a"}]', '{"a": 1}'])
def test_cells_that_are_none_are_no_notebook(mini, cells):
    (mini/"nbs/02_Models.ipynb").write_text('{"cells": %s, "metadata": {}, "nbformat": 4}' % cells)
    before = snapshot(mini)
    with pytest.raises(ValueError, match="02_Models.ipynb isn't a notebook"): course.sync()
    assert snapshot(mini) == before


def test_sync_writes_through_a_link(mini, tmp_path):
    real = (mini/"nbs/index.ipynb").rename(tmp_path/"front.ipynb")
    (mini/"nbs/index.ipynb").symlink_to(real)
    assert "nbs/index.ipynb" in course.sync()
    assert (mini/"nbs/index.ipynb").is_symlink() and "02_Models.ipynb" in real.read_text() and course.sync() == []


def test_sync_in_a_place_that_cannot_be_written_names_the_file(mini, shut):
    before = snapshot(mini)
    shut(mini/"nbs")
    done = command(mini, "sync")
    assert done.returncode == 2 and "nbs/01_pipeline.ipynb can't be written (Permission denied)" in done.stderr
    assert ".part" not in done.stderr and snapshot(mini) == before
    assert command(mini, "sync", "--check").returncode == 1


def test_sync_works_in_a_folder_of_any_name_with_windows_line_ends(mini, tmp_path):
    root = mini.rename(tmp_path/"mein Kürs ✓ 数")
    for name in ("settings.ini", "pyproject.toml"):
        (root/name).write_bytes((root/name).read_bytes().replace(b"\n", b"\r\n"))
    git_remote(root, "https://github.com/ada/night.readers")
    assert course.sync(root)[:2] == ["settings.ini", "pyproject.toml"] and course.sync(root) == []
    assert b"user = ada\r\n" in (root/"settings.ini").read_bytes()


def test_sync_needs_a_checkout(mini):
    (mini/"pyproject.toml").unlink()
    with pytest.raises(FileNotFoundError, match="works in a checkout"): course.sync()


@pytest.mark.parametrize("url", [
    "https://github.com/ada/night.readers", "https://github.com/ada/night.readers.git",
    "https://token@github.com/ada/night.readers.git/", "git@github.com:ada/night.readers.git",
    "ssh://git@github.com/ada/night.readers.git", "ssh://git@ssh.github.com:443/ada/night.readers.git"])
def test_sync_fills_in_the_remote(mini, url):
    git_remote(mini, url)
    assert course.sync(check=True)[0] == "nbs/01_pipeline.ipynb"
    assert course.sync()[:2] == ["settings.ini", "pyproject.toml"]
    assert (mini/"settings.ini").read_text() == INI.replace("OWNER", "ada").replace("= study_group", "= night.readers")
    assert (mini/"pyproject.toml").read_text() == TOML.replace("OWNER/study_group", "ada/night.readers")
    assert "/ada/night.readers/blob/main/" in (mini/"nbs/01_pipeline.ipynb").read_text()
    assert course.sync(check=True) == []


@pytest.mark.parametrize("url", ["https://example.org/ada/course.git", "/srv/git/github.com/ada/course",
                                 "https://notgithub.com/ada/course", "git@example.org:github.com/ada/course"])
def test_sync_leaves_other_remotes(mini, url):
    git_remote(mini, url)
    course.sync()
    assert (mini/"settings.ini").read_text() == INI


def test_sync_never_asks_a_repository_around_it(mini):
    git_remote(mini.parent, "https://github.com/ada/course")
    course.sync()
    assert course.settings().user == "OWNER"


def test_sync_without_git(mini, monkeypatch):
    monkeypatch.setenv("PATH", "")
    course.sync()
    assert course.settings().user == "OWNER"


def test_sync_keeps_a_user_that_is_set(mini):
    (mini/"settings.ini").write_text(INI.replace("OWNER", "grace"))
    git_remote(mini, "https://github.com/ada/course")
    course.sync()
    assert course.settings().user == "grace"


# start

def test_start_copies_and_never_overwrites(mini, tmp_path, capsys):
    (mini/"nbs/under_the_hood/core").mkdir(parents=True)
    (mini/"nbs/under_the_hood/core/data.ipynb").touch()
    mine = course.start(tmp_path/"a/b", open_lab=False)
    copied = ["01_pipeline.ipynb", "02_Models.ipynb", "index.ipynb", "under_the_hood/core/data.ipynb"]
    assert sorted(p.relative_to(mine).as_posix() for p in mine.rglob("*.ipynb")) == copied
    assert (mine/"index.ipynb").read_bytes() == (mini/"nbs/index.ipynb").read_bytes()
    (mine/"01_pipeline.ipynb").write_text("mine")
    (mine/"index.ipynb").unlink()
    capsys.readouterr()
    course.start(mine, open_lab=False)
    assert (mine/"01_pipeline.ipynb").read_text() == "mine" and (mine/"index.ipynb").exists()
    assert capsys.readouterr().out.splitlines()[:-1] == ["kept yours: 01_pipeline.ipynb"]


def test_start_copies_what_is_listed_and_names_it_in_the_order_of_the_front_page(mini, tmp_path):
    (mini/"nbs/03_tokenizers.ipynb").write_bytes((mini/"nbs/01_pipeline.ipynb").read_bytes())  # begun, not listed yet
    mine = course.start(tmp_path/"mine", open_lab=False)
    assert sorted(p.name for p in mine.iterdir()) == ["01_pipeline.ipynb", "02_Models.ipynb", "index.ipynb"]
    listed = INI.partition("01_pipeline")[0] + "03_tokenizers = Tokenizers\n01_pipeline = Behind | the pipeline\n"
    (mini/"settings.ini").write_text(listed)
    course.sync()
    assert [*re.findall(r"\]\((\w+)\.ipynb\)", sync._table(course.settings()))] == ["03_tokenizers", "01_pipeline"]
    with pytest.raises(ValueError, match="restore='x' isn't one of .*: 03_tokenizers, 01_pipeline, index"):
        course.start(mine, restore="x", open_lab=False)
    assert (course.start(mine, open_lab=False)/"03_tokenizers.ipynb").exists() and (mine/"02_Models.ipynb").exists()


@pytest.mark.parametrize("name", ["02_Models", "index"])
def test_a_notebook_that_is_listed_and_lost_is_named(mini, tmp_path, name):
    (mini/f"nbs/{name}.ipynb").unlink()
    with pytest.raises(FileNotFoundError, match=f"{name}.ipynb isn't there. .*install the package again"):
        course.start(tmp_path/"mine", open_lab=False)
    assert not (tmp_path/"mine").exists()


def test_the_course_itself_starts_with_what_it_lists(tmp_path):
    mine = course.start(tmp_path/"mine", open_lab=False)
    pages = {p.stem for p in (REPO/"nbs").glob("[!.]*.ipynb")}
    assert {p.stem for p in mine.glob("*.ipynb")} == pages
    assert {p.stem for p in (mine/"solutions").glob("*.ipynb")} == set(course.settings().sessions)
    pictures = {p.relative_to(mine) for p in (mine/"images").rglob("*.*")}
    assert {Path("images/diagrams/layer.svg")} < pictures == {p.relative_to(REPO/"nbs") for p in tracked("nbs/images")}
    front = "".join(next(c for c in cells(mine/"index.ipynb") if c["id"] == "sessions")["source"])
    assert re.findall(r"\]\((\w+)\.ipynb\)", front) == list(course.settings().sessions)


def test_restore_writes_beside(mini, tmp_path):
    mine = course.start(tmp_path/"mine", open_lab=False)
    (mine/"01_pipeline.ipynb").write_text("mine")
    for name in ("01_pipeline", "01_pipeline.ipynb", "01_pipeline"): course.start(mine, restore=name, open_lab=False)
    fresh = ["01_pipeline.fresh.ipynb", "01_pipeline.fresh-2.ipynb", "01_pipeline.fresh-3.ipynb"]
    assert {p.name for p in mine.glob("*fresh*")} == set(fresh)
    assert (mine/fresh[2]).read_bytes() == (mini/"nbs/01_pipeline.ipynb").read_bytes()
    assert (mine/"01_pipeline.ipynb").read_text() == "mine"


def test_restore_of_an_unknown_name_lists_the_names(mini, tmp_path):
    with pytest.raises(ValueError, match="restore='03_x' isn't one of .*: 01_pipeline, 02_Models, index"):
        course.start(tmp_path/"mine", restore="03_x", open_lab=False)
    assert not (tmp_path/"mine").exists()


def test_start_in_a_place_that_cannot_be_written(mini, tmp_path, monkeypatch):
    (tmp_path/"file").touch()
    for place in (tmp_path/"file", tmp_path/"file/sub"):
        with pytest.raises(OSError, match="folder=.* can't be written"): course.start(place, open_lab=False)


def test_start_again_needs_no_right_to_write(mini, tmp_path, shut):
    mine = course.start(tmp_path/"mine", open_lab=False)
    shut(mine)
    assert command(mini, "start", mine, "--no-open").returncode == 0
    for place, more in ((mine, ["--restore=index"]), (mine/"sub", [])):
        done = command(mini, "start", place, "--no-open", *more)
        assert done.returncode == 2 and f"folder={str(place)!r} can't be written (Permission denied: " in done.stderr


def test_start_in_a_folder_of_any_name(mini, tmp_path, capsys):
    name = "mein Kürs ✓ 数 'n\" [x] %s"
    assert course.main(["start", str(tmp_path/name), "--no-open"]) == 0 and name in capsys.readouterr().out
    assert (tmp_path/name/"index.ipynb").exists()


def test_what_is_in_the_way_is_named(mini, tmp_path, shut):
    (mini/"nbs/images").mkdir()
    (mini/"nbs/images/a.png").write_bytes(b"a")
    mine = course.start(tmp_path/"mine", open_lab=False)
    shut(mine/"02_Models.ipynb", 0)
    assert "(Permission denied: '" + str(mine/"02_Models.ipynb") in command(mini, "start", mine, "--no-open").stderr
    for path in (mine/"images/a.png", mine/"02_Models.ipynb"): path.unlink()
    (mine/"images").rmdir()
    (mine/"images").touch()
    assert "(File exists: '" + str(mine/"images") in command(mini, "start", mine, "--no-open").stderr


@pytest.mark.parametrize("make", [lambda p: p.symlink_to("not-mounted"), lambda p: p.mkdir()], ids=["link", "folder"])
def test_what_has_a_notebooks_name_is_kept_whatever_it_is(mini, tmp_path, capsys, make):
    (mine := tmp_path/"mine").mkdir()
    for name in ("index.ipynb", "index.fresh.ipynb"): make(mine/name)
    course.start(mine, "index", open_lab=False)
    assert capsys.readouterr().out.splitlines()[:2] == ["kept yours: index.ipynb", "fresh copy: index.fresh-2.ipynb"]
    for name in ("index.ipynb", "index.fresh.ipynb"): assert not (mine/name).is_file() and os.path.lexists(mine/name)


def test_a_home_that_nobody_has_is_told(mini, capsys):
    assert course.main(["start", "~nobody-of-that-name/course", "--no-open"]) == 2
    assert capsys.readouterr().err.startswith("study-group: folder='~nobody-of-that-name/course' can't be written (")


def test_a_full_disk_leaves_no_half_file(mini, tmp_path, monkeypatch):
    def full(self, data):
        with open(self, "wb") as f: f.write(data[:9])
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"): course.start(tmp_path/"mine", open_lab=False)
    assert list((tmp_path/"mine").iterdir()) == []


def test_start_opens_jupyterlab_on_the_front_page(mini, tmp_path, monkeypatch):
    lab = tmp_path/"fake/jupyterlab"
    lab.mkdir(parents=True)
    (lab/"__init__.py").touch()
    (lab/"__main__.py").write_text("import sys\nfrom pathlib import Path\nPath('called').write_text(sys.argv[1])")
    monkeypatch.setenv("PYTHONPATH", str(lab.parent))
    assert (course.start(tmp_path/"mine")/"called").read_text() == "index.ipynb"


def test_a_learners_own_modules_are_not_in_jupyterlabs_way(mini, tmp_path, monkeypatch):
    lab = tmp_path/"fake/jupyterlab"
    lab.mkdir(parents=True)
    (lab/"__init__.py").touch()
    (lab/"__main__.py").write_text("import tokenizers_of_the_library, json\nopen('called', 'w').write('yes')")
    (lab.parent/"tokenizers_of_the_library.py").touch()
    (mine := tmp_path/"mine").mkdir()
    for name in ("json", "tokenizers_of_the_library"): (mine/f"{name}.py").write_text("raise SystemExit('not this')")
    monkeypatch.setenv("PYTHONPATH", str(lab.parent))
    assert (course.start(mine)/"called").exists()


def test_start_without_jupyterlab_says_how_to_get_it(mini, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(start, "find_spec", lambda name: None)
    (mini/"settings.ini").write_text(INI.replace("OWNER", "ada"))
    assert course.main(["start", str(tmp_path/"mine")]) == 2
    said = capsys.readouterr().err
    assert 'pip install "study-group[lab] @ git+https://github.com/ada/study_group@main"' in said
    assert said.count("\n") == 1


# doctor

def run_doctor(**env):
    ask = "import sys; from study_group.course import main; sys.exit(main(['doctor']))"
    return subprocess.run([sys.executable, "-c", ask], env=os.environ | env, capture_output=True, encoding="utf-8",
                          timeout=30)


@pytest.mark.parametrize("answers", [False, True], ids=["refused", "silent"])
def test_doctor_without_a_hub(answers):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if answers: server.listen()  # takes the call and never says a word
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        done = run_doctor(HF_ENDPOINT=endpoint, HF_HUB_OFFLINE="0", NO_PROXY="127.0.0.1", PYTHONIOENCODING="utf-8")
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("! hub") and endpoint in line and "bundled model works" in line]
    assert lines[-1] == ("You can start." if done.returncode == 0 else "To mend: bundled model."), done.stdout
    asked = [line for line in lines if "bundled model:" in line]  # a machine this busy may need longer than it gets
    assert asked[0].startswith(("✓ bundled model: answers right in ", "✗ bundled model: no answer in 22 seconds"))


def test_doctor_goes_on_after_a_check_that_breaks(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "CHECKS", {"a": lambda: {}["gone"], "b": lambda: ("✓", "fine", "")})
    assert course.main(["doctor"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("✗ a: 'gone' → ") and out[1:] == ["✓ b: fine", "To mend: a."]


def test_doctor_sees_a_missing_package_and_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(doctor, "requires", lambda name: ["torch>=2", "fastcore>=99", 'nosuch; extra == "lab"'])
    mark, found, remedy = doctor._packages()
    assert mark == "✗" and "nosuch is missing" in found and "torch" not in found
    assert remedy == '`pip install "fastcore>=99" "nosuch"`'


@pytest.mark.parametrize("code, out, err, mark, found", [
    (0, "a warning\nPOSITIVE NEGATIVE\n", "", "✓", "answers right"),
    (0, "POSITIVE POSITIVE\n", "", "✗", "POSITIVE POSITIVE"),
    (1, "", "Traceback\nOSError: no weights\n", "✗", "OSError: no weights"), (-9, "", "", "✗", "ended with code -9")])
def test_doctor_reads_the_model_right(monkeypatch, code, out, err, mark, found):
    done = subprocess.CompletedProcess([], code, out, err)
    monkeypatch.setattr(doctor.subprocess, "run", lambda *args, **kwargs: done)
    assert doctor._model()[0] == mark and doctor._model()[1].startswith(found)


def test_the_bundled_model_answers_right():
    assert doctor._labels() == list(doctor.SENTENCES.values())


# the command

def test_help_lists_every_command(capsys):
    assert course.main([]) == 0
    alone = capsys.readouterr().out
    for name in ("start", "doctor", "sync"): assert re.search(rf"^    {name} +\w+ \w+", alone, re.M)
    with pytest.raises(SystemExit) as e: course.main(["sync", "--help"])
    assert e.value.code == 0 and "--check" in capsys.readouterr().out


def test_sync_command(mini, capsys):
    assert course.main(["sync", "--check"]) == 1
    out = capsys.readouterr().out
    assert "out of step: nbs/01_pipeline.ipynb" in out and "settings.ini: user is still OWNER" in out
    assert course.main(["sync"]) == 0 and "written: nbs/01_pipeline.ipynb" in capsys.readouterr().out
    (mini/"settings.ini").write_text(INI.replace("OWNER", "ada"))
    assert course.main(["sync"]) == course.main(["sync", "--check"]) == 0
    assert "OWNER" not in capsys.readouterr().out


@pytest.mark.parametrize("words", [["doctor"], ["start", "mine", "--no-open"], ["sync"]], ids=lambda words: words[0])
def test_ctrl_c_ends_the_command_in_one_line(mini, tmp_path, monkeypatch, capsys, words):
    def interrupted(*args): raise KeyboardInterrupt
    monkeypatch.chdir(tmp_path)
    for module in (start, sync): monkeypatch.setattr(module, "write_file", interrupted)
    monkeypatch.setattr(doctor, "CHECKS", {"a": lambda: ("✓", "fine", ""), "b": None})
    monkeypatch.setattr(doctor, "within", lambda seconds, check: check() if check else interrupted())
    assert course.main(words) == 130 and capsys.readouterr().err == "study-group: stopped.\n"


def test_ctrl_c_while_the_doctor_waits(tmp_path):
    silent = """import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without one
from study_group.command import doctor
# not print: the end of Python wants the lock that a thread holds while it prints
doctor.CHECKS = dict(hub=lambda: os.write(1, b"asked\\n") and time.sleep(60)); sys.exit(course.main"""
    ask = [sys.executable, "-c", COMMAND.replace("sys.exit(course.main", silent), tmp_path, "doctor"]
    asked = subprocess.Popen(ask, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while "asked" not in (line := asked.stdout.readline()): assert line, asked.stderr.read()
    os.killpg(asked.pid, signal.SIGINT)
    assert asked.communicate(timeout=10)[1] == "study-group: stopped.\n" and asked.returncode == 130


def test_errors_are_one_line(mini, capsys):
    (mini/"settings.ini").write_text(INI + "02_Models = twice\n")
    assert course.main(["sync"]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and said.err.startswith("study-group: ") and "settings.ini" in said.err


def test_the_command_is_installed():
    done = subprocess.run([Path(sys.executable).with_name("study-group"), "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "doctor" in done.stdout


def test_imports_nothing_heavy():
    ask = ("import sys, study_group, study_group.course; "
           "print(*{'torch', 'transformers', 'fastai', 'jupyterlab', 'IPython', 'pandas'} & set(sys.modules))")
    assert subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.strip() == ""


# environment.yml

def test_environment_names_what_pyproject_names():
    project = tomllib.loads((REPO/"pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lab = [r for r in extras["lab"] if not r.startswith("study-group")]
    python = f"python{project['requires-python']}"
    nbdev = next(r for r in extras["dev"] if r.startswith("nbdev"))  # who changes a notebook exports it
    needs = map(Requirement, [*project["dependencies"], *extras["fastai"], *lab, python, nbdev])
    wanted = set({r.name: r for r in needs}.values())  # where JupyterLab asks for more, that
    *conda, pip = yaml.safe_load((REPO/"environment.yml").read_text())["dependencies"]
    assert pip["pip"][-1] == "-e ."
    named = {Requirement(r.replace("pytorch", "torch")) for r in [*conda, *pip["pip"][:-1]]}
    assert named - {Requirement("pip"), Requirement("torchvision")} == wanted


def test_the_host_has_a_plan_of_90_minutes_for_each_session():
    cells = json.loads((REPO / "nbs/host.ipynb").read_text())["cells"]
    plans = {c["id"]: "".join(c["source"]) for c in cells if re.match(r"host-\d", c["id"])}
    assert list(plans) == [f"host-{session}" for session in course.settings().sessions]
    for number, (name, plan) in enumerate(plans.items(), 1):
        assert plan.startswith(f"### {number} · "), name
        assert sum(map(int, re.findall(r"(?m)^\| (\d+) \|", plan))) == 90, name
        assert "Pause" in plan or "pause" in plan, name
        for part in ("**Ask", "**When late", "**Watch out"): assert part in plan, (name, part)
