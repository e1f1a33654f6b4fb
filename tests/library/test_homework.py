"Session 7: wrong and hostile submissions, two notebooks at once."
import json, re, subprocess, sys
from dataclasses import replace

import numpy as np, pandas as pd, pytest, torch

from study_group import homework as h


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
    ([1]*98, "predictions[0]=1 isn't one of the labels 'NEGATIVE', 'POSITIVE': [LABELS[i] for i in predictions]"),
    ([2]*98, "predictions[0]=2 isn't one of the labels 'NEGATIVE', 'POSITIVE'."),
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


def test_a_competition_is_taken_by_its_name(data):
    assert h.submit(RIGHT, "me", "bundled") == h.submit(RIGHT, "me", data)
    assert h.leaderboard("bundled").equals(h.leaderboard(data)) and h.baselines("bundled") == h.baselines(data)
    assert h.board_folder("bundled") == h.board_folder(data) and h.check_predictions(RIGHT, "bundled") == RIGHT
    for call in (h.leaderboard, h.baselines, lambda name: h.submit(RIGHT, "me", name)):
        with pytest.raises(ValueError, match="isn't 'real', 'bundled' or None"): call("mine")
        with pytest.raises(TypeError, match="data=3 must be 'real', 'bundled', None, or what"): call(3)


def test_as_many_as_the_bundled_ones_are_told(data):
    longer = replace(data, name="real", _answers=data._answers*2)
    with pytest.raises(ValueError, match='98 predictions for 196 reviews.* data="bundled" says that they are meant'):
        h.check_predictions(RIGHT, longer)
    with pytest.raises(ValueError, match="There are 2 predictions for 1 answers"): h.scores(["NEGATIVE"], RIGHT[:2])


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


def test_two_methods_are_compared_where_they_differ(data):
    from scipy.stats import binomtest
    answers = list(data._answers)
    other = dict(NEGATIVE="POSITIVE", POSITIVE="NEGATIVE")
    def wrong_in(rows): return [other[a] if n in rows else a for n, a in enumerate(answers)]
    for won, lost in ((0, 0), (1, 0), (3, 0), (0, 5), (4, 4), (20, 11), (60, 38)):
        both_wrong = range(won + lost, min(98, won + lost + 10))  # these say nothing
        first, second = wrong_in({*range(won, won + lost), *both_wrong}), wrong_in({*range(won), *both_wrong})
        found = h.compare(first, second, data)
        assert found[:2] == (won, lost)
        assert found[2] == pytest.approx(binomtest(won, won + lost).pvalue if won + lost else 1, rel=1e-9)
    longer = replace(data, test=pd.concat([data.test]*11, ignore_index=True), _answers=data._answers*11)
    with pytest.raises(ValueError, match="rows were moved or changed"): h.compare(answers, answers, longer)
    with pytest.raises(ValueError, match="isn't one of the labels"): h.compare(answers, [1]*98, data)


@pytest.mark.parametrize("name", ["Ada", "Zoë & Söhne | <b>", "模型 👍🏽", "a%20b"])
def test_a_line_carries_a_submission_to_another_machine(name, tmp_path):
    data = h.competition_data("bundled")
    labels = [h.LABELS[len(text) % 2] for text in data.test.text]
    line = h.to_line(labels, name, "bundled")
    assert "\n" not in line and len(line) < 300
    mine = h.submit(labels, name, "bundled", tmp_path / "mine")
    for sent in (line, f"  {line}\n", line[:40] + "\n" + line[40:]):  # as a chat breaks it
        assert h.submit(sent, folder=tmp_path / "theirs").predictions == mine.predictions
    assert h.leaderboard("bundled", tmp_path / "theirs").name.tolist().count(name) == 1
    assert h.compare(line, labels, "bundled") == (0, 0, 1)
    assert h.submit(line, "Another", folder=tmp_path / "theirs").same_as == (name,)


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "x", lambda s: s.replace("bundled", "real"),
                                    lambda s: s.replace("Ada", "Eve"), lambda s: "study-group|", lambda s: s[:60]])
def test_a_line_that_was_changed_is_refused(change, tmp_path):
    data = h.competition_data("bundled")
    line = change(h.to_line([h.LABELS[0]] * len(data.test), "Ada", "bundled"))
    with pytest.raises(ValueError, match="was cut or changed|isn't 'real'|another version"):
        h.submit(line, data="bundled" if "real" in line else None, folder=tmp_path)
    assert not any(tmp_path.rglob("*.json"))
