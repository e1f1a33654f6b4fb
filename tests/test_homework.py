"Session 7: wrong and hostile submissions, two notebooks at once; posts from notebooks that try to do something."
import json, os, re, subprocess, sys
from dataclasses import replace
from pathlib import Path

import numpy as np, pandas as pd, pytest, torch

from study_group import blog, course, homework as h

REPO = Path(__file__).parent.parent
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def data(monkeypatch, tmp_path):
    "The bundled competition, with a folder for downloads and boards of its own."
    monkeypatch.setenv("STUDY_GROUP_CACHE", str(tmp_path/"cache"))
    return h.competition_data("bundled")


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_): raise OSError("no network")
    monkeypatch.setattr(h, "load_reviews", refuse)
    h._data.cache_clear()
    yield
    h._data.cache_clear()


RIGHT = ["NEGATIVE", "POSITIVE"]*49  # as many as the bundled competition has


@pytest.mark.parametrize("wrong, said", [
    (RIGHT[1:], "97 predictions for 98"), (RIGHT + RIGHT[:1], "99 predictions for 98"), ([], "0 predictions for 98"),
    ([1]*98, "predictions[0]=1 isn't one of the labels 'NEGATIVE', 'POSITIVE'"),
    ([True]*98, "predictions[0]=True"), (torch.ones(98, dtype=int), "predictions[0]=1"),
    (np.ones((98, 2)), "[1.0, 1.0]"),
    ([*RIGHT[:7], "NEUTRAL", *RIGHT[8:]], "predictions[7]='NEUTRAL'"), (["negative"]*98, "'negative'"),
    ([*RIGHT[:3], None, *RIGHT[4:]], "predictions[3] is None"),
    ([*RIGHT[:3], np.nan, *RIGHT[4:]], "predictions[3] is nan"),
    (pd.Series([*RIGHT[:3], pd.NA, *RIGHT[4:]], dtype=object), "predictions[3] is <NA>"),
    ([float("nan")]*98, "predictions[0] is nan"),
    ([*RIGHT[:97], 1], "predictions[97]=1 (int)"), ([{"score": 1}]*98, "{'score': 1}"),
    ([["POSITIVE"]]*98, "['POSITIVE']"),
    ("POSITIVE", "type str: give a list"), (set(RIGHT), "type set"), (7, "type int"), (None, "type NoneType"),
    (pd.DataFrame({"label": RIGHT}), "type DataFrame"), (["x"*9999]*98, "xxx…")])
def test_wrong_predictions_are_told(data, tmp_path, wrong, said):
    with pytest.raises(ValueError, match=re.escape(said)) as e: h.submit(wrong, "me", data)
    assert len(str(e.value)) < 300 and not (tmp_path/"cache").exists()


@pytest.mark.parametrize("same", [
    tuple(RIGHT), np.array(RIGHT), pd.Series(RIGHT, index=range(98, 0, -1)), pd.Categorical(RIGHT), (p for p in RIGHT),
    [{"label": p, "score": .9} for p in RIGHT]], ids=lambda s: type(s).__name__)
def test_labels_come_in_many_forms(data, same): assert h.check_predictions(same, data) == RIGHT


@pytest.mark.parametrize("name, said", [
    ("", "give your submission a name"), ("  \t", "give"), (None, "give"), (7, "name=7"), ("a\nb", "U+000A"),
    ("a\x1b[31mb", "U+001B"), ("a\x00", "U+0000"), ("a\u202eb", "U+202E"), ("a\u2028b", "U+2028"), ("\ud800", "U+D800"),
    ("x"*61, "61 characters: 60"), ("x"*10**6, "60 at most"), ("tf-idf + LOGISTIC regression", "is a baseline's")])
def test_wrong_names_are_told(data, name, said):
    with pytest.raises(ValueError, match=re.escape(said)) as e: h.submit(RIGHT, name, data)
    assert len(str(e.value)) < 200 and str(e.value).isprintable()


def test_a_name_is_never_a_path_or_html(data, tmp_path):
    for name in ("../../x", "/etc/x", "<img src=x onerror=alert(1)>", "👩‍👩‍👧 Ünal 李"): h.submit(RIGHT, name, data)
    kept = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(kept) == 4 and {p.parent for p in kept} == {h.board_folder(data)}
    assert "<img" not in h.leaderboard(data)._repr_html_()


def test_scores_are_scikit_learns():
    from sklearn.metrics import accuracy_score, f1_score
    rng = np.random.default_rng(0)
    for share in (0, .1, .5, 1):
        a, b = (np.where(rng.random(200) < p, *h.LABELS).tolist() for p in (share, .3))
        theirs = accuracy_score(a, b), f1_score(a, b, average="macro", labels=h.LABELS, zero_division=0)
        assert h.scores(a, b) == pytest.approx(theirs, abs=1e-12)


SUBMIT = """
import sys
from study_group.homework import competition_data, submit
data = competition_data("bundled")
print("ready", flush=True), sys.stdin.readline()
for n in range(98): submit(["POSITIVE"]*n + ["NEGATIVE"]*(98 - n), f"{sys.argv[1]} {n % 49}", data)
for n in range(20): submit(["POSITIVE"]*98, "both", data)
"""


def test_two_notebooks_at_once_lose_nothing(data):
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ask = [subprocess.Popen([sys.executable, "-c", SUBMIT, who], **pipes) for who in "AB"]
    for p in ask: assert p.stdout.readline() == "ready\n"
    for p in ask: p.stdin.write("\n"), p.stdin.flush()
    assert [p.wait(100) for p in ask] == [0, 0]
    files = list(h.board_folder(data).iterdir())
    assert len(files) == 2*98 + 1 and not [f for f in files if f.suffix != ".json"]
    board = h.leaderboard(data).query("kind == 'yours'")
    assert len(board) == 2*49 + 1 and board.tries.sum() == 2*98 + 1
    assert board.accuracy.is_monotonic_decreasing


def test_same_predictions_are_told_not_refused(data):
    assert h.submit(RIGHT, "Ada", data).same_as == ()
    assert h.submit(RIGHT, "Ada", data).same_as == ()
    again = h.submit(RIGHT, "Bob", data)
    assert again.same_as == ("Ada",) and "are on the leaderboard as Ada" in repr(again)
    assert h.leaderboard(data).query("kind == 'yours'").tries.tolist() == [1, 1]


def test_the_best_of_a_name_counts(data):
    better = [*data._answers[:60], *RIGHT[60:]]
    for rows in (better, RIGHT): h.submit(rows, "Ada", data)
    row = h.leaderboard(data).set_index("name").loc["Ada"]
    assert row.accuracy == h.scores(data._answers, better)[0] and row.tries == 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "x"}', None], ids=str)
def test_a_broken_file_is_left_out_and_told(data, content):
    h.submit(RIGHT, "Ada", data)
    if content is None:  # a score that nobody can have
        entry = json.loads(next(h.board_folder(data).iterdir()).read_text()) | dict(name="Eve", accuracy=7)
        content = json.dumps(entry)
    (h.board_folder(data)/"zzz.json").write_text(content)
    with pytest.warns(UserWarning, match="zzz.json isn't a submission"): board = h.leaderboard(data)
    assert board.query("kind == 'yours'").name.tolist() == ["Ada"]


def test_a_board_that_cant_be_written(data, tmp_path):
    (tmp_path/"file").write_text("x")
    with pytest.raises(OSError, match="can't be written.*set STUDY_GROUP_CACHE"):
        h.submit(RIGHT, "me", data, tmp_path/"file")


def test_moved_rows_are_told(data):
    for change in (lambda t: t.sample(frac=1, random_state=0), lambda t: t[:97], lambda t: t.drop(columns="text")):
        with pytest.raises(ValueError, match="its rows were moved or changed"):
            h.submit(RIGHT, "me", replace(data, test=change(data.test)))
    data.test["guess"] = RIGHT  # a column more is nobody's harm
    h.submit(data.test.guess, "me", data)
    assert list(h.competition_data("bundled").test) == ["text"]


def test_a_journal_that_fails_loses_nothing(data):
    with pytest.raises(ZeroDivisionError): h.submit(RIGHT, "me", data, log=lambda scores: 1/0)
    assert "me" in set(h.leaderboard(data).name)


def test_offline_is_another_competition(no_network, data):
    assert h.competition_data().name == "bundled" and "couldn't be downloaded" in repr(h.competition_data())
    with pytest.raises(OSError, match="no network"): h.competition_data("real")
    h.submit(RIGHT, "me")
    assert "me" in set(h.leaderboard(data).name)


def test_boards_dont_mix(data, monkeypatch):
    frame = h.bundled_reviews()
    monkeypatch.setattr(h, "load_reviews", lambda split: frame[:200] if split == "train" else frame[200:298])
    h._data.cache_clear(), h._baselines.cache_clear()
    try:
        real = h.competition_data()
        assert real.name == "real" and h.board_folder(real) != h.board_folder(data)
        h.submit(RIGHT, "real", real), h.submit(RIGHT, "bundled", data)
        assert [set(h.leaderboard(d).query("kind == 'yours'").name) for d in (real, data)] == [{"real"}, {"bundled"}]
    finally: h._data.cache_clear(), h._baselines.cache_clear()


def test_without_scikit_learn_there_are_two_baselines(data, monkeypatch):
    for name in {"sklearn", *(m for m in sys.modules if m.startswith("sklearn"))}:
        monkeypatch.setitem(sys.modules, name, None)
    h._baselines.cache_clear()
    try: assert set(h.baselines(data)) == {"the bundled model", "the more frequent label"}
    finally: h._baselines.cache_clear()


def output(**data):
    return dict(output_type="display_data", metadata={}, data={k.replace("_", "/"): v for k, v in data.items()})


def code(source, *outputs):
    return dict(cell_type="code", metadata={}, source=source, execution_count=1, outputs=list(outputs))


def prose(source): return dict(cell_type="markdown", metadata={}, source=source)


def notebook(path, *cells, **metadata):
    path.write_text(json.dumps(dict(cells=cells, metadata=metadata, nbformat=4, nbformat_minor=4)))
    return path


EVIL = """<script>hacked = 1</script><img src=x onerror="hacked = 1"><img src="https://example.org/spy.png">
<svg onload="hacked = 1"><script>hacked = 1</script></svg><iframe src="https://example.org"></iframe>
<iframe srcdoc="<script>parent.hacked = 1</script>"></iframe><link rel="stylesheet" href="https://example.org/a.css">
<style>body { background: url(https://example.org/b.png) }</style>
<p style="background:url(https://example.org/c)">seen</p>
<p style="background:u\\72l(//example.org/d)">seen</p><a href="javascript:hacked=1">go</a>
<form action="https://example.org">
<button>go</button></form><object data="https://example.org"></object>
<meta http-equiv="refresh" content="0;url=//example.org">
<base href="https://example.org"><video autoplay src="https://example.org/v"></video><math><mtext></mtext>
<script>hacked = 1
</script></math><noscript><p title="</noscript><img src=x onerror=hacked=1>"></noscript>
<details open ontoggle="hacked = 1">x
</details><img srcset="https://example.org/e.png 2x">
<table background="https://example.org/f"><tr><td>twin</td></tr></table>
<!-- <img src=x onerror=hacked=1> --><input autofocus onfocus="hacked = 1"><script src="https://example.org/g.js">"""


def hostile(path):
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}, "text/plain": "W()"}
    return notebook(path, prose("# <img src=x onerror=hacked=1> & {x} </title><script>hacked=1</script>"),
                    prose(EVIL),
                    code(f"x = '''{EVIL}'''",
                         output(text_html=EVIL), output(text_markdown=EVIL), dict(output(), data=view),
                         output(**{"image_svg+xml": "<svg xmlns='http://www.w3.org/2000/svg' onload='hacked=1'/>"}),
                         output(application_javascript="hacked = 1"), output(text_latex=EVIL), output(text_plain=EVIL),
                         dict(output_type="stream", name="stdout", text=EVIL)),
                    code("1/0", dict(output_type="error", ename=EVIL, evalue=EVIL, traceback=[EVIL])),
                    dict(cell_type="raw", metadata={}, source=EVIL),
                    title="</title><script>hacked = 1</script>", widgets={"x": EVIL})


def test_nothing_in_a_html_post_acts(chrome, tmp_path):
    post, warnings = blog.blog(hostile(tmp_path/"evil.ipynb"), "html")
    page, asked = chrome.new_page(), []
    page.on("request", lambda r: asked.append(r.url))
    page.on("dialog", lambda d: (asked.append("dialog"), d.dismiss()))
    page.goto(post.as_uri())
    page.wait_for_timeout(300)
    assert [a for a in asked if not a.startswith("data:")] == [post.as_uri()]
    assert page.evaluate("typeof hacked") == "undefined"
    acting = ("script, iframe, object, embed, form, input, button, base, link, video, svg, "
              "[onerror], [onload], [srcset], [background]")
    assert page.evaluate(f"document.body.querySelectorAll({acting!r}).length") == 0
    assert page.locator("td", has_text="twin").count() and page.locator("h1").inner_text().startswith("<img src=x")
    page.close()


def test_the_filter_alone_would_do(chrome, tmp_path):
    "The page's policy is the second lock: the first must hold without it."
    text = blog.blog(hostile(tmp_path/"evil.ipynb"), "html")[0].read_text()
    bare = tmp_path/"bare.html"
    bare.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text))
    page, asked = chrome.new_page(), []
    page.on("request", lambda r: asked.append(r.url))
    page.goto(bare.as_uri())
    page.wait_for_timeout(300)
    assert "Content-Security-Policy" not in bare.read_text() and page.evaluate("typeof hacked") == "undefined"
    assert [a for a in asked if not a.startswith("data:")] == [bare.as_uri()]
    page.close()


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


@pytest.mark.parametrize("to", ["markdown", "html"])
def test_a_course_notebook_becomes_a_post(tmp_path, to):
    post, _ = blog.blog(REPO/"nbs/01_pipeline.ipynb", to, tmp_path)
    text = post.read_text()
    assert text.count('src="data:image/png;base64,') >= 20 and "google.colab" not in text
    assert text.count("#| ") == 1  # where the session tells what such lines are
    assert "from fastcore.test import" not in text and "Behind the pipeline" in text[:1500]


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
                        (["dir.ipynb"], "isn't there"), (["bin.ipynb"], "isn't UTF-8"),
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
