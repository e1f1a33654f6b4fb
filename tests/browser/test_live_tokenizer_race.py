"The tokenizer race in a live page: each lane at each size is Python's."
import random

from nasty import NASTY, SHORT

from study_group.core.checkpoints import load_tokenizer
from study_group.core.data import corpus
from study_group.tokenizing.sizes import SIZES
from study_group.widgets.tokenizer_race import TokenizerRace

TEXTS = ["The beekeeper's honeycomb isn't 'surprisingly' well-known; she'd say: \"unbelievable!\"", "Ça été naïve 👍🏽 ǅ ²³ x² don't's",
         "שלום עולם مرحبا بالعالم", "👩‍👩‍👧 👩‍👩‍👧 🙂🙂 🎂🎺🐶", "漢字かな漢字 ไทยไทย 漢 한국어 the", "same same same", "x"*101 + " " + "honey"*40,
         "[UNK] a[UNK]b [CLS] ▁ ▁▁a", "", " ", " \x1c\n", "a"]


def test_every_text_at_some_sizes(live):
    steps = [step for n, text in enumerate(TEXTS + [NASTY[name] for name in SHORT])
             for step in (dict(text=text), dict(vocab_size=SIZES[n % len(SIZES)]))]
    assert live.same(TokenizerRace(), steps) == []
