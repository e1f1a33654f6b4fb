"The tokenizer race in a live page: each lane at each size is Python's."
import pytest
from nasty import NASTY, SHORT

from study_group.core.checkpoints import load_tokenizer
from study_group.widgets.tokenizer_race import TokenizerRace

TEXTS = ["The beekeeper's honeycomb isn't 'surprisingly' well-known; she'd say: \"unbelievable!\"", "same same same",
         "Ça été naïve 👍🏽 ǅ ²³ x² don't's", "שלום עולם مرحبا بالعالم", "👩‍👩‍👧 👩‍👩‍👧 🙂🙂 🎂🎺🐶", "x"*101 + " " + "honey"*40,
         "漢字かな漢字 ｱﾞ ไทยไทย 漢 한국어 the", "[UNK] a[UNK]b [CLS] ▁ ▁▁a", "", " ", " \x1c\n", "a"]
SIZES = [100, 160, 1000, 4000]
BOXES = [  # how many characters, offsets, and left and right of their boxes
    (5, [0, 3, 4, 5], [0, 3, 4, 5]), (5, [0, 1, 0, 5], [0, .5, .5, 5]), (2, [2, 2], [1, 2]), (0, [], []),
    (1, [0, 1]*4, [0, .25, .25, .5, .5, .75, .75, 1]), (2, [0, 1, 0, 2, 1, 2], [0, .5, .5, 1.5, 1.5, 2])]


def test_every_text_at_every_size(live):
    steps = [step for text in TEXTS for step in (dict(text=text), *(dict(vocab_size=size) for size in SIZES))]
    steps += [dict(text=NASTY[name]) for name in SHORT]
    steps += [dict(text="a" * 20_001), dict(vocab_size=160), dict(text="honey " * 100), dict(text="a" * 20_001 + "🙂")]
    assert live.same(TokenizerRace(sizes=SIZES), steps) == []


def test_berts_own_tokenizer(live):
    steps = [dict(text=text) for text in [*TEXTS, "word " * 600, "b" * 20_001]]
    assert live.same(TokenizerRace("hug", {"BERT": load_tokenizer(), "again": load_tokenizer()}), steps) == []


def test_somebody_types(live):
    page = live.open(race := TokenizerRace(sizes=SIZES))
    page.get_by_label("text", exact=True).fill("bees buzz, שלום")
    page.locator(".hue-1 .number", has_text="15").wait_for()
    page.get_by_role("slider").press("End")
    page.locator(".slider output", has_text="4,000").wait_for()
    race.text, race.vocab_size = "bees buzz, שלום", 4000
    for n, lane in enumerate(race._lanes()):
        page.wait_for_function(f"() => document.querySelectorAll('.hue-{n} .token').length === {lane['n_tokens']}")
        numbers = page.locator(f".lane.hue-{n} .number").all_inner_texts()
        assert numbers[:2] == [str(lane["n_tokens"]), f"{lane['tokens_per_word']:.2f}"]
        assert float(numbers[2].rstrip(" %")) == pytest.approx(100 * lane["unknown_rate"], abs=.051)


def test_tokens_of_the_same_character_share_its_width(live):
    page = live.open(TokenizerRace("hug", {"BERT": load_tokenizer()}))
    for n_chars, offsets, places in BOXES:
        drawn = page.evaluate("""([offsets, n]) => {
            const { study } = document.querySelector("[data-page]"), tokens = offsets.slice(0, offsets.length / 2);
            const lane = { name: "", tokens: tokens.map(String), kinds: tokens.map(() => "joined"), n_vocab: 1 };
            study.set("_race", { text: "🙂".repeat(n), vocab_size: null,
                lanes: [{ ...lane, offsets: new DataView(Int32Array.from(offsets).buffer) }] });
            return [...document.querySelectorAll(".token")].flatMap(({ style: { left, width }, className }) => {
                const gap = className.includes("ends") ? 2 : 0; // behind the last
                return [parseFloat(left) / 22, (parseFloat(left) + parseFloat(width) + gap) / 22];
            });
        }""", [offsets, n_chars])
        assert drawn == pytest.approx(places, abs=.01)
