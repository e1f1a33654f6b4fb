"Posts from notebooks that try to do something."
import os, re, sys

import pytest
from evil_notebook import EVIL, code, notebook, output, prose

from study_group import course
from study_group.command import blog

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_outputs_in_a_markdown_post_are_harmless(tmp_path):
    evil = notebook(tmp_path/"a.ipynb", code("x", output(text_html=EVIL), output(text_markdown=EVIL)))
    text = blog.blog(evil)[0].read_text()
    for gone in ("<script", "<iframe", "<form", "javascript:", "url(", "<svg", "example.org"):
        assert gone not in text, gone
    from bs4 import BeautifulSoup
    tags = BeautifulSoup(text, "html.parser").find_all(True)
    assert "<td>twin</td>" in text and {t.name for t in tags} <= blog.TAGS
    assert {a for t in tags for a in t.attrs} <= blog.ATTRIBUTES


def test_a_twin_stays_one_block_of_markdown(tmp_path):
    twin = "<div id='study-1'>\n\n    <pre>a\n\n\nb</pre>\n \t\n</div>"
    text = blog.blog(notebook(tmp_path/"a.ipynb", code("x", output(text_html=twin))))[0].read_text()
    import mistune
    html = mistune.create_markdown(escape=False)(text.split("---\n")[2])
    assert "<pre>a&#10;&#10;\nb</pre>" in html and "<code>" not in html.split("study-1")[1]


def test_pictures_beside_the_notebook(tmp_path):
    from base64 import b64decode
    (tmp_path/"secret.png").write_bytes(b64decode(PIXEL))
    (tmp_path/"nb/pics").mkdir(parents=True)
    (tmp_path/"nb/pics/my dot.png").write_bytes(b64decode(PIXEL))
    (tmp_path/"nb/key.txt").write_text("secret")
    text = "![a](pics/my%20dot.png) ![b](../secret.png) ![c](key.txt) ![d](none.png) ![e](https://example.org/e.png)"
    mine = notebook(tmp_path/"nb/my.ipynb", prose(text), code("1", output(text_plain="1")))
    post, warnings = blog.blog(mine, "html", tmp_path/"out")
    assert post.read_text().count("data:image/png;base64," + PIXEL) == 1
    assert len(warnings) == 4 and "on the network" in " ".join(warnings)
    blog.blog(mine, "markdown", tmp_path/"out")
    assert sorted(p.name for p in (tmp_path/"out").rglob("*.*")) == ["my dot.png", "my.html", "my.md"]


def test_an_output_cant_choose_its_files_name(tmp_path):
    names = {"filename": "../../evil", "filenames": {"image/png": "../evil.png"}}
    picture = output(image_png=PIXEL) | dict(metadata=names)
    blog.blog(notebook(tmp_path/"a.ipynb", code("x", picture)), "markdown", tmp_path/"deep/out")
    assert sorted(p.name for p in tmp_path.rglob("*.*")) == ["a.ipynb", "a.md", "a_0_0.png"]


def test_the_command(tmp_path, capsys):
    mine = notebook(tmp_path/"my.ipynb", prose('# "Hugs": a\\b'), code("#| hide\nx"), code("#| export\n1/0", dict(
        output_type="error", ename="ZeroDivisionError", evalue="division", traceback=["division"])))
    assert course.main(["blog", str(mine)]) == 0
    said = capsys.readouterr()
    assert said.out == f"written: {tmp_path/'my.md'}\n" and "'1/0' shows an error (ZeroDivisionError)" in said.err
    text = (tmp_path/"my.md").read_text()
    import yaml
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["title"] == '"Hugs": a\\b' and str(front["date"]).startswith("20") and "#|" not in text
    (tmp_path/"my.md").write_text("mine")
    assert course.main(["blog", str(mine)]) == 2 and "is there already" in capsys.readouterr().err
    assert (tmp_path/"my.md").read_text() == "mine"
    assert course.main(["blog", str(mine), "--force"]) == 0 and (tmp_path/"my.md").read_text() == text


def test_help_and_errors_are_one_line(tmp_path, capsys):
    course.main([])
    assert re.search(r"^    blog +turn a notebook", capsys.readouterr().out, re.M)
    (tmp_path/"bad.ipynb").write_text("{]"), (tmp_path/"dir.ipynb").mkdir(), (tmp_path/"bin.ipynb").write_bytes(b"\xff")
    mine = notebook(tmp_path/"my.ipynb", prose("x"))
    for words, said in ((["none.ipynb"], "isn't there"), (["bad.ipynb"], "isn't a notebook"),
                        (["dir.ipynb"], "is a folder: name a notebook in it"), (["bin.ipynb"], "isn't UTF-8"),
                        (["my.ipynb", "--out", str(mine)], "can't be written")):
        assert course.main(["blog", str(tmp_path/words[0]), *words[1:]]) == 2
        err = capsys.readouterr().err
        assert said in err and err.count("\n") == 1, err


def test_a_post_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    mine = notebook(tmp_path/"my.ipynb", prose("# One"), code("x", output(image_png=PIXEL)))
    blog.blog(mine)
    before = (tmp_path/"my.md").read_bytes()
    real = os.replace
    def full(a, b): raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "replace", full)
    notebook(mine, prose("# Two"), code("x", output(image_png=PIXEL)))
    with pytest.raises(OSError, match="No space left"): blog.blog(mine, force=True)
    monkeypatch.setattr(os, "replace", real)
    assert (tmp_path/"my.md").read_bytes() == before and not list(tmp_path.rglob("*.part"))


def test_without_nbconvert_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "nbconvert", None)
    assert course.main(["blog", str(notebook(tmp_path/"my.ipynb", prose("x")))]) == 2
    assert "`pip install nbconvert`" in capsys.readouterr().err
