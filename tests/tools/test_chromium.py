"""A bare machine: the tests get themselves a browser, or say in a sentence why they can't."""
import subprocess, sys
from types import SimpleNamespace

import chromium, pytest


@pytest.fixture
def bare(monkeypatch, tmp_path):
    "A machine with no browser; `bare.ran` has the commands that were run, `bare.brings` the one that brings a browser."
    bare = SimpleNamespace(ran=[], brings=None, place=tmp_path/"chromium", playwright=tmp_path/"own")

    def run(command, **_):
        bare.ran.append(" ".join(map(str, command)))
        if bare.brings and bare.brings in bare.ran[-1]:
            file = bare.playwright if "playwright" in bare.brings else bare.place
            file.write_text("#!/bin/sh\n")
            file.chmod(0o755)
        return SimpleNamespace(returncode=int("install" in command and bare.brings is None))

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(chromium, "APPS", [])
    bare.runs = [True]*9
    monkeypatch.setattr(chromium, "runs", lambda: bare.runs.pop(0))
    monkeypatch.setattr(chromium, "playwrights", lambda: bare.playwright if bare.playwright.exists() else None)
    return bare


def on(monkeypatch, debian: bool, root: bool, tmp_path):
    monkeypatch.setattr(chromium, "is_debian", lambda: debian)
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0 if root else 1000)
    (tmp_path/"apt-get").write_text("#!/bin/sh\n")
    (tmp_path/"apt-get").chmod(0o755)


def test_one_that_is_there_is_taken(bare, tmp_path):
    for name in reversed(chromium.NAMES):  # the first of the names wins
        (tmp_path/name).write_text("#!/bin/sh\n")
        (tmp_path/name).chmod(0o755)
        assert chromium.got() == str(tmp_path/name)
    assert bare.ran == []


def test_debian_has_its_own_for_root(bare, monkeypatch, tmp_path):
    on(monkeypatch, True, True, tmp_path)
    bare.brings = "install -y -qq chromium"
    assert chromium.got() == str(bare.place)
    assert bare.ran == ["apt-get update -qq", f"apt-get install -y -qq chromium {chromium.LIBRARY}"]


def test_a_browser_that_cant_be_driven_gets_what_is_missing_or_a_sentence(bare, monkeypatch, tmp_path):
    on(monkeypatch, True, True, tmp_path)
    bare.place.write_text("#!/bin/sh\n")
    bare.place.chmod(0o755)
    bare.runs, bare.brings = [False, True], chromium.LIBRARY
    assert chromium.got() == str(bare.place) and bare.ran[-1].endswith(chromium.LIBRARY)
    bare.runs = [False]*3
    with pytest.raises(SystemExit, match=f"Playwright can't run here.*{chromium.LIBRARY}"): chromium.got()


@pytest.mark.parametrize("debian, root", [(True, False), (False, True), (False, False)])
def test_elsewhere_playwright_has_one(bare, monkeypatch, tmp_path, debian, root):
    on(monkeypatch, debian, root, tmp_path)
    bare.brings = "playwright install chromium"
    assert chromium.got() == str(bare.playwright) and bare.ran == [f"{sys.executable} -m playwright install chromium"]


def test_where_debian_fails_playwright_is_asked(bare, monkeypatch, tmp_path):
    on(monkeypatch, True, True, tmp_path)
    bare.brings = "playwright install chromium"
    assert chromium.got() == str(bare.playwright) and bare.ran[-1].endswith("playwright install chromium")


def test_without_any_a_sentence_says_what_to_do(bare, monkeypatch, tmp_path):
    on(monkeypatch, True, True, tmp_path)
    with pytest.raises(SystemExit, match="^No browser is here.*Install Chromium, Chrome or Edge") as e: chromium.got()
    assert "\n" not in str(e.value)


def test_this_machine_has_one(): assert chromium.found()
