"The merge theatre in a live page: it trains, hides and judges as Python does."
import random

import pytest
from nasty import NASTY, SHORT

from study_group.core.data import corpus
from study_group.widgets.merge_theatre import METHODS, MergeTheatre

TEXTS = ["low low lower newest newest widest", "hugs hug hugs, pugs!", "Ça été naïve 👍🏽 ǅ ²³ x² a\u200db", "שלום עולם مرحبا بالعالم",
         "na nana nanana ban banban", "👩‍👩‍👧 👩‍👩‍👧 🙂🙂", "漢字かな漢字 ไทยไทย", "x"*70 + " yx"*9, "", " \x1c\n", "a", "a a b"]


def test_own_words_are_trained_on(live):
    steps = [step for text in TEXTS + [NASTY[name] for name in SHORT]
             for step in (dict(own_text=text), dict(method="wordpiece"), dict(method="unigram"), dict(method="bpe"))]
    assert live.same(MergeTheatre(texts={"low": 5, "lower": 2, "newest": 6}), steps) == []


def test_many_words_of_a_text(live):
    words, dice = [word for paragraph in corpus() for word in paragraph.split()], random.Random(0)
    texts = [" ".join(dice.choices(words, k=k)) for k in (5, 9, 30, 60, 150, 400)]
    texts += [" ".join("".join(dice.choices("abc", k=dice.randint(1, 6))) for _ in range(9)) for _ in range(9)]
    steps = [step for text in texts for step in (dict(own_text=text), *(dict(method=m) for m in reversed(METHODS)))]
    assert live.same(MergeTheatre(), steps) == []


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
