"""The tokenizer race in a real JupyterLab: seen, typed into, slid and pointed at, without a network."""
import pytest
from driver import look

TEXT = "Let's tokenize unbelievable honey 🙂"


@pytest.fixture
def show(lab):
    "Show a race of few sizes, all but the first test's trained already; its page."
    def show(arguments=f"{TEXT!r}, sizes=[120, 1000, 4000]"):
        code = "from study_group.tokenizers import compare, curve\nfrom study_group.tokenizing.sizes import trained\n" \
               "from study_group.widgets.tokenizer_race import *\n" \
               f"race = TokenizerRace({arguments})\nrace"
        lab.show(code, ".tokenizer-race")
        return lab
    return show


def lanes(lab) -> list[dict]: return lab.ask("race._lanes()")


def tokens(lab, lane: int) -> list[str]:
    "What the boxes of a lane say."
    return lab.texts(f".hue-{lane} .token")


def numbers(lab, lane: int) -> list[str]: return lab.texts(f".lane.hue-{lane} .number")


def test_every_token_stands_under_its_characters(show):
    lab = show()
    chars, rows = lab.page.evaluate("""() => {
        const span = e => { const {left, right} = e.getBoundingClientRect(); return [left, right]; };
        const find = (at, selector) => [...at.querySelectorAll(selector)];
        const root = document.querySelector('.tokenizer-race');
        return [find(root, '.char').map(span), find(root, '.lane:not(.axis)').map(l => find(l, '.token').map(span))];
    }""")
    assert len(chars) == len(TEXT)
    for name, row in zip(["Word", "Character", "BPE", "WordPiece", "Unigram"], rows, strict=True):
        offsets = lab.ask(f"trained({name!r}, 1000).offsets(race.text)")
        assert len(row) == len(offsets)
        for (left, right), (start, end) in zip(row, offsets):
            assert abs(left - chars[start][0]) < 1 and abs(right - chars[end - 1][1]) < 3


def test_counts_are_those_of_python(show):
    lab = show()
    for n, name in enumerate(["Word", "Character", "BPE", "WordPiece", "Unigram"]):
        row = lab.ask(f"compare(race.text, trained({name!r}, 1000)).drop(columns='tokens').iloc[0].to_dict()")
        seen = numbers(lab, n)
        assert seen[0] == str(row["n_tokens"]) and seen[1] == f"{row['tokens_per_word']:.2f}"
        assert float(seen[2].rstrip(" %")) == pytest.approx(100 * row["n_unknown"] / row["n_tokens"], abs=.051)
        assert seen[3] == f"{row['vocab_size']:,}"
    assert tokens(lab, 4)[3:5] == ["▁tokenize", "▁un"]


def test_typing_is_tokenized(show):
    lab = show()
    box = lab.page.get_by_label("text", exact=True)
    box.fill("")
    box.press_sequentially("the beekeeper's bread")
    lab.wait_for(".hue-0 .cells", "bread")
    lab.settled()
    assert lab.ask("race.text") == box.input_value() == "the beekeeper's bread"
    assert box.evaluate("e => e === document.activeElement")
    for n, lane in enumerate(lanes(lab)): assert len(tokens(lab, n)) == lane["n_tokens"]


def test_what_is_typed_stays_text(show):
    lab = show()
    evil = "<img src=x onerror=alert(1)> مرحبا\ne\u0301 👩‍👩‍👧"
    lab.page.get_by_label("text", exact=True).fill(evil)
    lab.wait_for(".hue-1 .number", str(len(evil)))
    lab.page.locator(".tokenizer-race .board").press("End")
    assert lab.ask("race.text") == evil
    assert lab.page.locator(".tokenizer-race img").count() == 0


def test_names_and_tokens_stay_text(show, lab):
    evil = "<img/src=x/onerror=alert(1)>"
    lab.python(f"from study_group.tokenizers import WordTokenizer\nwords = WordTokenizer().train([{evil!r}], 9)")
    lab = show(f"{evil!r}, {{{evil!r}: words, 'again': words}}")
    lab.page.locator(".tokenizer-race .token").first.hover()
    lab.wait_for(".story", evil)
    assert tokens(lab, 0) == [evil] and evil in lab.texts(".lane.hue-0 .name")[0]
    assert lab.page.locator(".tokenizer-race img").count() == 0


def test_half_a_character_is_told(show):
    lab = show()
    box = lab.page.get_by_label("text", exact=True)
    box.evaluate("e => { e.value = 'half: \\ud83d'; e.dispatchEvent(new Event('input')); }")
    lab.wait_for(".error", "half a character")
    assert lab.ask("race.text") == TEXT and "honey" in tokens(lab, 0)
    box.fill(TEXT)
    lab.page.wait_for_function("() => document.querySelector('.tokenizer-race .error').textContent === ''")
    lab.python("race.text = 'half: \\ud83d'")
    lab.wait_for(".error", "half a character ('\\ud83d' at 6)")


def test_slider_by_keyboard(show):
    lab = show()
    before = tokens(lab, 2)
    slider = lab.page.locator(".tokenizer-race input[type=range]")
    slider.press("ArrowRight")
    lab.wait_for(".hue-2 .number:nth-child(5)", "4,000")
    lab.settled()
    assert lab.ask("race.vocab_size") == 4000
    assert len(tokens(lab, 2)) < len(before)
    slider.press("Home")
    lab.wait_for(".hue-3 .cells", "needs a vocabulary of at least 145")
    lab.settled()
    assert tokens(lab, 3) == [] and len(tokens(lab, 2)) > len(before)
    assert numbers(lab, 1)[3] == str(lab.ask("len(trained('Character', 120).vocab)"))


def test_the_curves_are_measured_and_choose_a_size(show):
    lab = show()
    lab.page.wait_for_function("() => !document.querySelector('.tokenizer-race .measuring').textContent")
    rows = lab.ask("curve(race.sizes).to_dict('records')")
    lines = lab.page.locator(".tokenizer-race .panel").nth(0).locator("polyline").all()
    for line, name in zip(lines, ["Word", "Character", "BPE", "WordPiece", "Unigram"], strict=True):
        ys = [float(point.split(",")[1]) for point in line.get_attribute("points").split()]
        values = [r["tokens_per_word"] for r in rows if r["tokenizer"] == name]
        assert len(ys) == (2 if name == "WordPiece" else 3)
        assert ys == sorted(ys) and (ys[0] < ys[-1]) == (values[0] > values[-1] or name == "WordPiece")
    bpe = next(r["tokens_per_word"] for r in rows if (r["tokenizer"], r["vocab_size"]) == ("BPE", 1000))
    svg = lab.page.locator(".tokenizer-race .panel svg").nth(0)
    assert f"at 1,000: Word 1.16, Character 5.40, BPE {bpe:.2f}" in svg.get_attribute("aria-label")
    dashes = {line.get_attribute("stroke-dasharray") for line in lines}
    assert len(dashes) == 5
    place = svg.bounding_box()
    svg.click(position=dict(x=place["width"] - 145, y=100))
    lab.wait_for("output", "4,000")
    lab.settled()
    assert lab.ask("race.vocab_size") == 4000
    assert "at 4,000" in svg.get_attribute("aria-label")


def test_unknown_and_continuation_are_told_without_colour(show):
    lab = show()
    unknown = lab.page.locator(".tokenizer-race .hue-0 .unknown").first
    assert unknown.inner_text() == "[UNK]"
    assert "repeating-linear-gradient" in unknown.evaluate("e => getComputedStyle(e).backgroundImage")
    first, joined = (lab.page.locator(f".tokenizer-race .hue-2 .token[data-token='{n}']") for n in (0, 1))
    boxes = first.bounding_box(), joined.bounding_box()
    assert abs(boxes[0]["x"] + boxes[0]["width"] - boxes[1]["x"]) < .5
    assert look(joined) != look(first)


def test_pointer_and_keys_compare_the_lanes(show):
    lab = show()
    lab.page.locator(".tokenizer-race .hue-4 .token").nth(3).hover()
    lab.wait_for(".story", "Unigram")
    story = lab.texts(".story")[0]
    assert "▁tokenize" in story and "tokeniz" in story.split("BPE")[1] and "[UNK]" in story.split("Word")[1]
    board = lab.page.locator(".tokenizer-race .board")
    lab.page.mouse.move(0, 0)
    board.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown"): lab.page.keyboard.press(key)
    lab.wait_for(".story b", "BPE")
    assert lab.texts(".here")[0] == "tokeniz"
    lab.page.keyboard.press("Escape")
    lab.wait_for(".story", "Hatched")  # what the signs mean
    assert lab.page.locator(".tokenizer-race .here").count() == 0


def test_long_text_scrolls_inside_its_own_box(show):
    lab = show()
    lab.page.get_by_label("text", exact=True).fill("honey and bread " * 125)
    lab.wait_for(".hue-1 .number", "2,000")
    lab.settled()
    board = lab.page.locator(".tokenizer-race .board")
    assert board.evaluate("e => e.scrollWidth") > 40_000
    assert lab.page.locator(".tokenizer-race").evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    assert lab.page.locator(".tokenizer-race .token").count() < 1000
    board.press("ArrowRight")
    board.press("End")
    last = lab.page.wait_for_selector(".tokenizer-race .here")
    assert last.inner_text() == "bread" and last.bounding_box()["x"] < 1400


def test_a_text_that_is_too_long_is_told_and_leaves_the_race_as_it_was(show):
    lab = show()
    box = lab.page.get_by_label("text", exact=True)
    box.fill("a" * 20_001)
    lab.wait_for(".error", "text has 20,001 characters")
    lab.settled()
    assert lab.ask("race.text") == box.input_value() == TEXT and "honey" in tokens(lab, 0)
    box.fill("hug")
    lab.wait_for(".hue-0 .cells", "hug")
    assert lab.texts(".error") == [""]


def test_your_own_tokenizers_race_without_a_slider(show, lab):
    lab.python("from tokenizers import Tokenizer\nfrom study_group.core.files import ASSETS\n"
               "bert = Tokenizer.from_file(str(ASSETS/'tiny-sentiment/tokenizer.json'))")
    lab = show("'Unbelievable HONEY', {'BERT': bert, 'small': trained('BPE', 1000)}")
    assert tokens(lab, 0) == ["unbelievable", "honey"] and tokens(lab, 1)[0] == "Un"
    assert lab.page.locator(".tokenizer-race input[type=range], .tokenizer-race .curves").count() == 0


def test_python_steers_it_in_the_dark_and_in_little_room(show):
    lab = show()
    light = lab.page.locator(".tokenizer-race .hue-0 .name").evaluate("e => getComputedStyle(e).color")
    lab.dark()
    lab.page.wait_for_selector(".tokenizer-race[data-theme=dark]")
    assert lab.page.locator(".tokenizer-race .hue-0 .name").evaluate("e => getComputedStyle(e).color") != light
    lab.python("race.text, race.vocab_size = 'night trains', 4000")
    lab.wait_for(".hue-0 .cells", "trains")
    lab.settled()
    assert lab.page.get_by_label("text", exact=True).input_value() == "night trains"
    assert lab.texts("output")[0] == "4,000"
    lab.page.locator(".tokenizer-race").evaluate("e => { e.style.width = '400px'; }")
    lab.page.wait_for_function("() => document.querySelector('.tokenizer-race .panel svg').clientWidth < 400")
    assert lab.page.locator(".tokenizer-race").evaluate("e => e.scrollWidth <= e.clientWidth + 1")


def test_the_static_twin_hides_and_running_again_keeps_nothing_big(show):
    lab = show()
    twin, live = lab.outputs()[-1]
    assert "colspan" in "".join(twin["data"]["text/html"]) and "Unigram" in "".join(twin["data"]["text/plain"])
    assert "application/vnd.jupyter.widget-view+json" in live["data"]
    lab.page.wait_for_function("() => document.querySelector('[id^=study-]').style.display === 'none'")
    again = "for _ in range(8): race = TokenizerRace('honey ' * 300, sizes=[1000, 4000]); repr(race)"
    assert lab.growth(lambda: lab.python(again)) < 40
