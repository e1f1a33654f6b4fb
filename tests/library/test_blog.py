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


# what an author hid

STREAM = [dict(output_type="stream", name="stdout", text="DONE\n"),
          dict(output_type="stream", name="stderr", text="WARNED\n")]


def published(tmp_path, *cells, to: str = "markdown", **metadata) -> str:
    mine = notebook(tmp_path/"my.ipynb", prose("# T"), *cells, code("2", output(text_plain="2")), **metadata)
    return blog.blog(mine, to, tmp_path/"out", force=True)[0].read_text()


def seen(text: str) -> set[str]:
    return {word for word in ("SOURCE", "DONE", "WARNED") if word in text}


HIDING = {  # first lines of a cell, or its metadata → what stays
    "": "SOURCE DONE WARNED", "#| hide": "", "#|hide": "", "# | hide": "", "#hide": "", "# hide": "",
    "#| include: false": "",
    "#| include: False  # why": "", "#| hide_input": "DONE WARNED", "#hide_input": "DONE WARNED",
    "# hide-input": "DONE WARNED",
    "#| echo: false": "DONE WARNED", "#|echo:false": "DONE WARNED", '#| echo: "false"': "DONE WARNED",
    "#| hide_output": "SOURCE", "#hide_output": "SOURCE", "#| output: false": "SOURCE",
    "#| warning: false": "SOURCE DONE",
    "#| echo: false\n#| output: false": "", "#| label: a\n#| echo: false": "DONE WARNED",
    "%%time\n# hide_input": "DONE WARNED",
    "#| eval: false": "SOURCE DONE WARNED", "#| code-fold: true": "SOURCE DONE WARNED",
    "#collapse": "SOURCE DONE WARNED",
    "#| echo: fenced": "SOURCE DONE WARNED", "#| output: asis": "SOURCE DONE WARNED",
    "#| tags: [remove-output]": "SOURCE",
    "#| filter_stream DON WARN": "SOURCE", "# hide and seek": "SOURCE DONE WARNED",
    "x = 1\n# hide": "SOURCE DONE WARNED"}
METADATA = {name: (dict(tags=[name]), left) for name, left in {
    "remove-cell": "", "remove_cell": "", "hide-cell": "", "hide": "", "remove-input": "DONE WARNED",
    "hide-input": "DONE WARNED",
    "remove-output": "SOURCE", "hide-output": "SOURCE", "remove-stdout": "SOURCE WARNED",
    "remove-stderr": "SOURCE DONE",
    "remove_output": "SOURCE", "parameters": "SOURCE DONE WARNED"}.items()} | dict(
    source_hidden=(dict(jupyter=dict(source_hidden=True)), "DONE WARNED"),
    outputs_hidden=(dict(jupyter=dict(outputs_hidden=True)), "SOURCE"),
    not_hidden=(dict(jupyter=dict(source_hidden=False, outputs_hidden=False)), "SOURCE DONE WARNED"),
    collapsed=(dict(collapsed=True), "SOURCE"), form=(dict(cellView="form"), "DONE WARNED"),
    extension=(dict(hide_input=True), "DONE WARNED"), nbsphinx=(dict(nbsphinx="hidden"), ""),

    kaggle=({"_kg_hide-input": True, "_kg_hide-output": True}, ""), deepnote=(dict(is_code_hidden=True), "DONE WARNED"),
    nteract_input=(dict(inputHidden=True), "DONE WARNED"), nteract_output=(dict(outputHidden=True), "SOURCE"))




@pytest.mark.parametrize("to", ["markdown", "html"])
@pytest.mark.parametrize("first", HIDING)
def test_what_directives_hide_isnt_published(tmp_path, first, to):
    text = published(tmp_path, code(f"{first}\nSOURCE", *STREAM), to=to)
    assert seen(text) == set(HIDING[first].split()) and "#|" not in text
    if first.lstrip("# ").startswith("hide_"): assert "hide_" not in text


@pytest.mark.parametrize("to", ["markdown", "html"])
@pytest.mark.parametrize("name", METADATA)
def test_what_tags_and_folds_hide_isnt_published(tmp_path, name, to):
    metadata, left = METADATA[name]
    text = published(tmp_path, code("SOURCE", *STREAM) | dict(metadata=metadata), to=to)
    assert seen(text) == set(left.split())


def test_lines_and_prose_that_are_hidden(tmp_path):
    tagged = prose("DONE") | dict(metadata=dict(tags=["remove-cell"]))
    comments = prose("a<!-- DONE\n-->b `<!-- c -->`\n\n```\n<!-- d -->\n```\n<!-- WARNED")
    blocks = prose("::: {.content-hidden}\nSOURCE\n\n::: {.note}\nDONE\n:::\nWARNED\n:::\nafter")
    text = published(tmp_path, code("x = 1\nkey = 'SOURCE'  #| hide_line\ny = 2"), tagged, comments, blocks,
                     prose("::: {.hidden}\nSOURCE"))
    assert not seen(text) and "x = 1\ny = 2" in text and "ab `<!-- c -->`" in text and "<!-- d -->" in text
    assert "after" in text


@pytest.mark.parametrize("front", ["raw", "markdown"])
def test_a_document_hides_by_its_first_cell(tmp_path, front):
    head = dict(cell_type=front, metadata={}, source="---\ntitle: T\nexecute:\n  echo: false\n  warning: false\n---")
    mine = notebook(tmp_path/"a.ipynb", head, code("SOURCE", *STREAM), code("#| echo: true\nshown = 1", *STREAM))
    text = blog.blog(mine)[0].read_text()
    assert seen(text) == {"DONE"} and "shown = 1" in text
    assert seen(published(tmp_path, code("SOURCE", *STREAM), hide_input=True)) == {"DONE", "WARNED"}


def test_a_hidden_output_needs_no_run(tmp_path):
    mine = notebook(tmp_path/"a.ipynb", code("#| output: false\n1", *STREAM))
    assert blog.blog(mine)[1] == []


# pictures, links, and what a post can't hold

@pytest.mark.parametrize("link", [
    "![x](pic.png)", "![x](<pic one.png>)", "![x](pic%20one.png)",
    '![x](pic.png "a title")', "![x][p]\n\n[p]: pic.png 'title'",
    "![p]\n\n[p]: <pic one.png>", "<img src=pic.png width=200>", "<img width='9' src='pic one.png'>",
    '<IMG alt="a > b" SRC="pic.png">',
    "[![x](pic.png)](https://example.org)", "![x](pic.png?raw=true)", "![x](sub/pic.png)",
    "<img\n  src='./pic.png'>"])
def test_a_picture_comes_along_however_it_is_written(tmp_path, link):
    from base64 import b64decode
    (tmp_path/"sub").mkdir()
    for name in ("pic.png", "pic one.png", "sub/pic.png"): (tmp_path/name).write_bytes(b64decode(PIXEL))
    mine = notebook(tmp_path/"my.ipynb", prose(link), code("1", output(text_plain="1")))
    post, warnings = blog.blog(mine, "html", tmp_path/"out")
    assert warnings == [] and f'src="data:image/png;base64,{PIXEL}"' in post.read_text()
    assert blog.blog(mine, "markdown", tmp_path/"out")[1] == []
    assert [p.name for p in (tmp_path/"out").rglob("*.png")] == ["pic one.png" if "one" in link else "pic.png"]


def test_a_picture_that_a_reader_cant_have_by_its_address_is_told(tmp_path, monkeypatch):
    from base64 import b64decode
    (tmp_path/"nb").mkdir()
    (tmp_path/"nb/pic.png").write_bytes(b64decode(PIXEL))
    notebook(tmp_path/"nb/my.ipynb", prose(f"![a]({tmp_path}/nb/pic.png) ![b](../nb/pic.png)"), code("1", *STREAM))
    monkeypatch.chdir(tmp_path)
    for to in ("markdown", "html"):
        warnings = blog.blog("nb/my.ipynb", to, "out")[1]
        assert len(warnings) == 2 and all("isn't in the notebook's folder" in said for said in warnings)


@pytest.mark.parametrize("text", [
    "`![x](none.png)`", "```\n<img src=none.png>\n```", "[a](#part) [b](https://example.org/c.ipynb)", "costs $5 or $6",
    "[mail](mailto:a@b.c) [root](/about)", "a `<iframe>`", "![x](" + "a"*300 + ")"])
def test_what_is_no_link_gets_no_warning(tmp_path, text):
    warnings = blog.blog(notebook(tmp_path/"my.ipynb", prose(text), code("1", output(text_plain="1"))))[1]
    assert len(warnings) == ("aaa" in text)  # a name that no file can have


VIEW = {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}, "text/plain": "IntSlider()"}
PLOTLY = {"application/vnd.plotly.v1+json": {"data": []}, "text/html": "<div id='p'></div><script>Plotly()</script>"}
LOST = dict(plotly=(PLOTLY, "script, application/vnd.plotly.v1+json"), widget=(VIEW, "widget-view+json"),
            frame=({"text/html": "<iframe src='https://a.org'>no frames</iframe>", "text/plain": "<IFrame>"}, "iframe"),
            audio=({"text/html": "<audio controls><source src='data:,'>Your browser can't</audio>"}, "audio"),
            drawing=({"text/html": "<svg><text>browser</text></svg>"}, "svg"),
            canvas=({"text/html": "<canvas>browser</canvas>"}, "canvas"),
            plugin=({"text/html": "<embed src='a.pdf'>", "text/plain": "<PDF>"}, "embed"),
            video=({"text/html": "before <video src='a.mp4'></video>"}, "video"),
            json=({"application/json": {}, "text/plain": "<JSON>"}, "application/json"),
            javascript=({"application/javascript": "f()"}, "application/javascript"))


@pytest.mark.parametrize("to", ["markdown", "html"])
@pytest.mark.parametrize("data, said", LOST.values(), ids=LOST)
def test_what_a_post_cant_hold_is_told_in_one_line(tmp_path, data, said, to):
    post, warnings = blog.blog(notebook(tmp_path/"my.ipynb", code("show()", dict(output(), data=data))), to)
    assert len(warnings) == 1 and said in warnings[0] and "the cell 'show()' shows" in warnings[0]
    text = post.read_text()
    for gone in ("browser", "no frames", "Plotly", "<iframe", "<audio", "<video", "f()"): assert gone not in text


def test_what_a_post_can_hold_gets_no_warning(tmp_path):
    twin = output(text_html="<table><tr><td>twin</td></tr></table><script>f()</script>")
    kept = [twin, dict(output(), data=VIEW), dict(output(), data=PLOTLY | {"image/png": PIXEL}),
            output(text_html="<style>td { color: red }</style>", text_plain="<HTML object>"),
            dict(output(), data={"text/html": "<b>frame</b>", "application/vnd.dataresource+json": {}})]
    post, warnings = blog.blog(notebook(tmp_path/"my.ipynb", code("x", *kept)))
    assert warnings == [] and "HTML object" not in post.read_text() and "_files/" in post.read_text()


def test_pictures_in_outputs(tmp_path):
    from base64 import b64decode
    (tmp_path/"pic.png").write_bytes(b64decode(PIXEL))
    shown = [output(text_html=f"<img src={src}>") for src in ("pic.png", "none.png", "https://example.org/a.png")]
    post, warnings = blog.blog(notebook(tmp_path/"my.ipynb", code("x", *shown)))
    assert PIXEL in post.read_text() and len(warnings) == 2
    assert "none.png isn't in" in warnings[0] and "a.png is on the network" in warnings[1]


def test_links_to_files_that_stay_behind(tmp_path):
    text = "[next](02_next.ipynb) <a href='data/a.csv'>a</a>"
    mine = notebook(tmp_path/"my.ipynb", prose(text), code("x", output(text_html="<a href=b.txt>b</a>")))
    warnings = blog.blog(mine)[1]
    assert [w.split()[2] for w in warnings] == ["02_next.ipynb", "data/a.csv", "b.txt"]


@pytest.mark.parametrize("to", ["markdown", "html"])
def test_colours_and_overwritten_lines_of_a_terminal(tmp_path, to):
    printed = dict(output_type="stream", name="stdout", text="\x1b[31mred\x1b[0m\n 50%\r100%\nend\r\n")
    failed = dict(output_type="error", ename="E", evalue="e", traceback=["\x1b[0;31mE\x1b[0m: e"])
    mine = notebook(tmp_path/"a.ipynb", code("x", printed, output(text_plain="\x1b[1mbold\x1b[0m"), failed))
    text = blog.blog(mine, to)[0].read_text()
    for gone in ("\x1b", "[31m", "ansi", " 50%", "\r"): assert gone not in text
    for kept in ("red", "100%", "end", "bold", "E: e"): assert kept in text


def test_a_formula_stays_a_formula(tmp_path):
    formula = {"text/latex": "$\\displaystyle x^{2}$ <script>f()</script>", "text/plain": "x**2"}
    mine = notebook(tmp_path/"a.ipynb", code("x**2", dict(output(), data=formula)))
    post, warnings = blog.blog(mine)
    assert "$\\displaystyle x^{2}$" in post.read_text() and "<script" not in post.read_text()
    assert warnings == ["there are formulas: in HTML, they stand there as they are typed"]
    assert "x**2" in (text := blog.blog(mine, "html")[0].read_text()) and "displaystyle" not in text
    assert blog.blog(notebook(tmp_path/"b.ipynb", prose("$$a$$"), code("1", *STREAM)))[1] == warnings
