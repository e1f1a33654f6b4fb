"The merge theatre in a live page: it trains, hides and judges as Python does."
import random

import pytest
from nasty import NASTY, SHORT

from study_group.core.data import corpus
from study_group.widgets.merge_theatre import METHODS, MergeTheatre

TEXTS = ["low low lower newest newest widest", "hugs hug hugs, pugs!", "Ça été naïve 👍🏽 ǅ ²³ x² a\u200db", "a a b", "a",
         "na nana nanana ban banban", "שלום עולם مرحبا بالعالم", "👩‍👩‍👧 👩‍👩‍👧 🙂🙂", "漢字かな漢字 ไทยไทย",
         "x"*70 + " yx"*9, "", " \x1c\n"]


def in_all_methods(texts) -> list[dict]:
    return [step for text in texts for step in (dict(own_text=text), *(dict(method=m) for m in reversed(METHODS)))]


def test_own_words_are_trained_on(live):
    theatre = MergeTheatre("unigram", {"low": 5, "lower": 2, "newest": 6}, step=7)
    nasty = [step for n, name in enumerate(SHORT)
             for step in (dict(method=[*METHODS][n % 3]), dict(own_text=NASTY[name]))]
    assert live.same(theatre, in_all_methods(TEXTS) + nasty) == []


def test_many_words_and_many_ties(live):
    words, dice = [word for paragraph in corpus() for word in paragraph.split()], random.Random(0)
    texts = [" ".join(dice.choices(words, k=k)) for k in (9, 150)]
    texts += [" ".join("".join(dice.choices("abc", k=dice.randint(1, 6))) for _ in range(7)) for _ in range(5)]
    assert live.same(MergeTheatre(), in_all_methods(texts)) == []


@pytest.mark.parametrize("method", METHODS)
def test_bets_are_judged(live, method):
    theatre, dice = MergeTheatre(method), random.Random(1)
    steps = [dict(betting=True)]
    for n in (0, 1, 2, 3, 2, len(theatre.steps)):
        bets = [[c] if isinstance(c, str) else list(c) for c, _ in theatre.steps[n]["candidates"]] if n < 4 else [None]
        steps += [dict(step=n), dict(bet=dice.choice(bets[:3])), dict(revealed=True), dict(revealed=False)]
    steps += [dict(method="unigram"), dict(method=method), dict(step=1), dict(betting=False), dict(betting=True),
              dict(own_text="low low lower"), dict(revealed=True), dict(step=1)]
    assert live.same(theatre, steps) == []
    assert sum(theatre.score.values()) == 4


def test_somebody_bets_and_types(live):
    page = live.open(MergeTheatre())
    page.get_by_label("Bet before").check()
    page.locator("tbody label", has_text="h + u").click()
    page.get_by_role("button", name="Reveal").click()
    page.locator(".verdict", has_text="✗ Wrong: h + u, 15 times; u + g, 20 times, the highest count.").wait_for()
    page.locator(".score", has_text="✗ 1 wrong").wait_for()
    page.get_by_label("Train on your own words").fill("<b>low</b> low")
    page.get_by_label("Unigram").check()
    page.locator(".split .word", has_text="low").first.wait_for()
    theatre = MergeTheatre("unigram", ["<b>low</b> low"])
    words = page.locator(".split .word").all_inner_texts()
    assert words == ["\n".join(pieces) for pieces in theatre.splits_at(0).values()]
    page.locator(".split button", has_text="low").first.click()
    page.get_by_role("button", name="Reveal").click()
    page.locator(".score", has_text="✗ 2 wrong").wait_for()


SEEN = """(play) => {
    const study = document.querySelector("[data-page]").study, seen = [];
    study.set("_at", [play._play.method, 0]);
    for (const [name, value] of Object.entries(play)) study.set(name, value);
    const texts = (where) => [...document.querySelectorAll(where)].map((node) => node.innerText);
    const chips = [...document.querySelectorAll(".split .chip")];
    const places = (kind) => chips.flatMap((chip, n) => (chip.matches(kind) ? [n] : []));
    return { why: texts(".why")[0], verdict: texts(".verdict")[0], ties: texts(".ties")[0], title: texts(".title")[0],
        joins: places(".joins"), fresh: places(".new"), numbers: texts("td.number") };
}"""


def played(method, first, *steps) -> dict:
    return dict(method=method, counts=[1]*len(first), first=first, note="", steps=[
        dict(candidates=c, ties=ties, token="?", splits=splits, loss=1) for c, ties, splits in steps])


def test_what_is_told_of_a_step(live):
    page = live.open(MergeTheatre())
    def see(play, step=0, bet=None): return page.evaluate(SEEN, dict(_play=play, bet=bet, _at=[play["method"], step]))
    losses = played("unigram", [["a"]], ([[["ab"], [.01232]], [["cd"], [.01234]]], 1, [["a"]]))
    assert see(losses, bet=["cd"])["verdict"] == "✗ Wrong: cd, loss 0.01234; ab, loss 0.01232, the smallest."
    assert see(losses)["numbers"] == ["0.0123", "0.0123"]
    aaab = played("bpe", [list("aaab")], ([[["a", "a"], [1234]], [["a", "b"], [1]]], 1, [["aa", "a", "b"]]))
    assert see(aaab)["joins"] == [0, 1] and see(aaab)["why"] == "1,234 times, the highest count"  # without overlap
    score = [["##u", "##g"], [5, 20, 5, .05]]
    hugs = played("wordpiece", [["h", "##u", "##g", "##s"]], ([score], 1, [["h", "##ug", "##s"]]))
    assert see(hugs)["why"] == "5 / (20 × 5) = 0.05, the highest score"
    assert see(hugs, 1)["fresh"] == [1] and see(hugs, 1)["title"].startswith("After 1 steps the curtain falls")
    tied = played("bpe", [list("abc")], ([[list(p), [2]] for p in ("ab", "bc", "cd", "de", "e ", "fg")], 6, [["abc"]]))
    assert see(tied)["ties"] == "tied: a+b, b+c, c+d, d+e and 2 more, all 2; the rule: smallest ids first"
    assert see(tied, bet=list("bc"))["verdict"] == "≈ A tie, as good as right: b + c, 2 times too. The rule: a + b."
    assert see(tied, bet=list("ab"))["verdict"] == "✓ Right: a + b, 2 times, the highest count."
    assert see(tied, 1)["title"] == "The end: every word is one piece."
    assert see(played("bpe", [["a"]]))["title"] == "No steps: every word is a single character."
