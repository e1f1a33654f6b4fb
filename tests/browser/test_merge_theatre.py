"The merge theatre in a real JupyterLab: scrubbed, bet on, typed into."
import pytest
from driver import look

from study_group.widgets.merge_theatre import HUGS
from study_group.tokenizers import merge_steps


@pytest.fixture
def show(lab):
    "Show a theatre made with these arguments; its page."
    def show(arguments=""):
        code = f"from study_group.tokenizers import MergeTheatre\ntheatre = MergeTheatre({arguments})\ntheatre"
        lab.show(code, ".merge-theatre")
        return lab
    return show


def splits(lab) -> list[list[str]]:
    return lab.page.evaluate("""() => [...document.querySelectorAll('.merge-theatre .split li')]
        .map(li => [...li.querySelectorAll('.chip')].map(chip => chip.innerText))""")


def piece(lab, word: int, place: int):
    return lab.page.locator(".merge-theatre .split li").nth(word).locator(".chip").nth(place)


def test_shows_a_step_as_the_algorithm_takes_it(show):
    lab, steps = show("step=4"), merge_steps(HUGS, 40)
    assert splits(lab) == list(steps[3]["splits"].values())
    assert lab.texts(".split .count") == [f"{n} ×" for n in HUGS.values()]
    assert lab.texts("tbody th .chip") == [piece for pair, _ in steps[4]["candidates"] for piece in pair]
    assert lab.texts("tbody td.number") == [str(count) for _, count in steps[4]["candidates"]]
    assert lab.texts("tbody .tag") == ["tied", "tied", ""]
    assert lab.texts(".ties") == ["tied: p+ug and hug+s, both 5; the rule: smallest ids first"]
    assert lab.texts(".title .chip") == ["p", "ug", "pug"]
    assert lab.texts(".joined .chip") == [step["token"] for step in steps[:4]]


def test_the_pair_stands_out_in_every_word_without_colour(show):
    lab = show("step=1")  # u + n, in pun and bun
    words = [line.locator(".chip").all() for line in lab.page.locator(".merge-theatre .split li").all()]
    pair = [words[n].pop() for n in (2, 2, 3, 3)]
    assert [chip.inner_text() for chip in pair] == ["n", "u"]*2
    assert {look(chip) for chip in pair}.isdisjoint(look(chip) for word in words for chip in word)
    assert "about to join" in lab.texts(".legend")[0]


def test_time_goes_by_slider_and_buttons(show):
    lab = show()
    slider = lab.page.get_by_label("Steps done")
    slider.press("ArrowRight")
    lab.wait_for(".title", "Step 2")
    assert lab.ask("theatre.step") == 1
    slider.press("End")
    lab.wait_for(".title", "The end")
    assert splits(lab) == [[word] for word in HUGS]
    lab.page.get_by_role("button", name="Previous").click()
    lab.wait_for(".title", "Step 7")
    lab.page.get_by_role("button", name="First").click()
    lab.wait_for(".title", "Step 1 ")
    assert splits(lab) == [list(word) for word in HUGS]
    lab.python("theatre.step = 5")
    lab.wait_for(".title", "Step 6")
    assert slider.input_value() == "5"


def test_a_bet_on_a_candidate(show):
    lab = show()
    lab.page.get_by_label("Bet before it is revealed").check()
    lab.wait_for(".title", "which two pieces join next?")
    assert lab.texts("td.number") == [] and lab.page.locator(".merge-theatre .joins").count() == 0
    pairs = [tuple(line.split("\n")) for line in lab.texts("tbody th")]
    assert pairs == sorted(pairs)
    lab.page.locator("tbody label", has_text="h + u").click()
    lab.wait_for(".why", "Your bet: h + u")
    lab.page.get_by_role("button", name="Reveal").click()
    lab.wait_for(".verdict", "✗ Wrong: h + u, 15 times; u + g, 20 times, the highest count.")
    lab.wait_for(".score", "✓ 0 right · ≈ 0 tied · ✗ 1 wrong")
    lab.page.get_by_role("button", name="Next step").click()
    lab.wait_for(".title", "Step 2: which two pieces join next?")
    lab.page.get_by_role("button", name="Previous").click()  # what was bet stays, and counts once
    lab.wait_for(".verdict", "Wrong")
    assert lab.ask("[theatre.bet, theatre.revealed, theatre.score['wrong']]") == [["h", "u"], True, 1]


def test_a_bet_by_two_neighbours_and_a_tie(show):
    lab = show("step=4, betting=True")
    piece(lab, 4, 1).click()  # s, then hug
    piece(lab, 4, 0).click()
    lab.page.wait_for_selector(".merge-theatre .split .bet")
    assert lab.ask("theatre.bet") == ["hug", "s"]
    assert lab.page.locator("tbody input:checked").count() == 1
    lab.page.get_by_role("button", name="Reveal").click()
    lab.wait_for(".verdict", "≈ A tie, as good as right")
    assert lab.ask("theatre.score") == dict(right=0, tied=1, wrong=0)


def test_a_bet_by_keyboard_alone(show):
    lab = show("betting=True")
    piece(lab, 0, 0).focus()
    for key in ("ArrowRight", "Enter", "ArrowRight", "Enter"): lab.page.keyboard.press(key)  # u and g of hug
    lab.wait_for(".why", "Your bet: u + g")
    assert lab.page.evaluate("() => document.activeElement.innerText") == "g"
    assert lab.page.locator(".split [tabindex='0']").count() == 1
    lab.page.locator("button.advance").press("Enter")
    lab.wait_for(".verdict", "✓ Right: u + g, 20 times, the highest count.")
    lab.page.locator("button.advance").press("Enter")
    lab.wait_for(".title", "Step 2")


def test_the_three_methods(show):
    lab = show()
    lab.page.get_by_label("WordPiece").check()
    lab.wait_for(".why", "5 / (20 × 5) = 0.05, the highest score")
    assert splits(lab)[0] == ["h", "##u", "##g"]
    assert lab.texts("tbody tr.best td.number") == ["5", "20", "5", "0.05"]
    lab.page.get_by_label("Unigram").check()
    lab.wait_for(".title", "this piece goes")
    assert lab.texts(".title .chip") == [lab.ask("theatre.steps[0]['piece']")]
    lab.python("theatre.step = next(n for n, s in enumerate(theatre.steps) if s['piece'] == 'hugs')")
    lab.wait_for(".title", "hugs")
    assert lab.texts(".split .goes") == ["hugs"]
    assert "line-through" in piece(lab, 4, 0).evaluate("e => getComputedStyle(e).textDecoration")
    now, then = lab.ask("[-s['log_likelihood'] for s in theatre.steps[theatre.step:theatre.step + 2]]")
    assert f"{now:.2f} → {then:.2f}" in lab.texts(".why")[0]


def test_own_words_are_typed_and_stay_text(show):
    lab = show("step=2")
    box = lab.page.get_by_label("Train on your own words")
    evil = "<img src=x onerror=alert(1)> مرحبا 🙂"
    box.fill(evil)
    lab.wait_for(".split", "🙂")
    assert box.evaluate("e => e === document.activeElement && e.value") == evil
    assert lab.page.locator(".merge-theatre img").count() == 0
    assert lab.ask("[theatre.step, sorted(theatre._words)[:3]]") == [0, ["(", ")>", "1"]]
    box.fill("")
    lab.wait_for(".split", "10 ×")
    assert splits(lab)[0] == ["h", "u", "g"]
    lab = show("'unigram', {'<img src=x>': 3}")  # a piece that is markup as it stands
    assert splits(lab) == [["<img␣src=x>"]] and lab.page.locator(".merge-theatre img").count() == 0
    assert "<img" not in lab.ask("theatre.html()")


def test_half_a_character_is_told(show):
    lab = show()
    lab.python("theatre.own_text = 'half \\ud83d'")
    lab.wait_for(".error", "own_text has half a character ('\\ud83d' at 5)")
    lab.page.get_by_label("Train on your own words").evaluate("""e => {
        e.value = 'typed \\ud83d';
        e.dispatchEvent(new Event('input'));
    }""")
    lab.wait_for(".error", "type it again")
    lab.page.get_by_label("Train on your own words").fill("fine fine")
    lab.wait_for(".split", "2 ×")
    lab.page.wait_for_selector(".merge-theatre .error", state="hidden")
    assert lab.ask("[theatre.own_text, theatre.error]") == ["fine fine", ""]


def test_many_words_are_few_and_the_pair_is_in_view(show):
    lab = show("'wordpiece', [' '.join(f'word{chr(97 + n % 26)}{n}' for n in range(500))], step=3")
    assert len(splits(lab)) == 60 and "500" in lab.texts(".note")[0]
    assert lab.ask("len(theatre.steps)") == 40
    lab.page.wait_for_function("""() => {
        const [board, pair] = ['.split', '.split .joins'].map(s => document.querySelector(`.merge-theatre ${s}`));
        const [around, inside] = [board, pair].map(e => e.getBoundingClientRect());
        return inside.top >= around.top && inside.bottom <= around.bottom;
    }""")


def test_it_plays_by_itself(show):
    lab = show("step=5")
    lab.page.get_by_role("button", name="Play").click()
    lab.wait_for(".title", "The end")
    lab.page.get_by_role("button", name="Play").wait_for()
    assert lab.ask("theatre.step") == 7


def test_dark_narrow_and_static(show):
    lab = show("step=4")
    twin, live = lab.outputs()[-1]
    assert "tied: p+ug and hug+s" in "".join(twin["data"]["text/html"])
    assert "application/vnd.jupyter.widget-view+json" in live["data"]
    lab.page.wait_for_function("() => document.querySelector('[id^=study-]').style.display === 'none'")
    light = lab.page.locator(".merge-theatre").evaluate("e => getComputedStyle(e).color")
    lab.dark()
    lab.page.wait_for_selector(".merge-theatre[data-theme=dark]")
    assert lab.page.locator(".merge-theatre").evaluate("e => getComputedStyle(e).color") != light
    lab.page.locator(".merge-theatre").evaluate("e => { e.style.width = '400px'; }")
    assert lab.page.locator(".merge-theatre").evaluate("e => e.scrollWidth <= e.clientWidth")
