"""Widgets as pages of their own, without Python or network: what can be explored answers as Python would."""
import pytest

from study_group.widgets.attention_grid import AttentionGrid
from study_group.checkpoints import load_tokenizer
from study_group.widgets.flight_recorder import FlightRecorder
from study_group.widgets.merge_theatre import MergeTheatre
from study_group.padding import padding_table
from study_group.widgets.pipeline_strip import PipelineStrip
from study_group.widgets.quiz import Quiz
from study_group.widgets.token_strip import TokenStrip
from study_group.widgets.tokenizer_race import TokenizerRace

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]
EVIL = "</script><img src=x onerror=alert(1)><!--"


@pytest.fixture
def opened(chrome, tmp_path):
    "Open a widget as a page, without a network; the page. Nothing may be asked for, and nothing go wrong."
    page, log = chrome.new_page(), []
    page.on("console", lambda m: log.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: log.append(str(e)))
    page.on("request", lambda r: r.url.startswith(("file:", "blob:")) or log.append(r.url))
    page.context.set_offline(True)

    def opened(widget):
        page.goto(widget.save(tmp_path / "page.html").as_uri())
        page.wait_for_selector(".study-widget[data-ready]")
        assert not page.locator(f"[id='{widget._twin}']").is_visible()
        return page
    yield opened
    page.close()
    assert log == []


def test_a_token_tells_its_id_and_its_characters(opened):
    tokenizer = load_tokenizer()
    page = opened(strip := TokenStrip(TEXTS[1], tokenizer, special_tokens=True, token=2))
    page.locator(".token[data-token='3']").hover()
    said = page.locator(".story").inner_text()
    assert "this" in said and str(tokenizer.convert_tokens_to_ids("this")) in said and "7:11" in said
    page.get_by_label("special tokens").uncheck()
    assert page.locator(".token").all_inner_texts() == [
        f"{token}\n{id}\n{start}:{end}" for token, id, (start, end) in zip(
            tokenizer.tokenize(TEXTS[1]), tokenizer(TEXTS[1], add_special_tokens=False).input_ids,
            tokenizer(TEXTS[1], add_special_tokens=False, return_offsets_mapping=True).offset_mapping)]
    assert (strip.special_tokens, strip.token) == (True, 2)  # the widget itself is as it was
    assert page.locator("textarea").get_attribute("readonly") is not None
    assert "without Python" in page.locator(".offline").inner_text()


def test_a_training_is_gone_through_step_by_step(opened):
    page = opened(theatre := MergeTheatre(betting=True))
    steps = [theatre.splits_at(n) for n in range(len(theatre.steps) + 1)]
    for n, split in enumerate(steps):
        page.get_by_label("Steps done").fill(str(n))
        assert page.locator(".split .word").all_inner_texts() == ["\n".join(pieces) for pieces in split.values()]
    page.get_by_role("button", name="Start again").click()
    assert page.locator(".steps").inner_text() == f"0 of {len(theatre.steps)} steps done"
    assert page.get_by_label("Bet before").is_disabled() and page.get_by_label("WordPiece").is_disabled()
    assert theatre.betting and not theatre.revealed and theatre.step == 0


def test_the_padding_table_is_filtered_and_shows_each_batch(opened):
    table = padding_table(TEXTS)
    page = opened(table)
    page.get_by_role("button", name="silent trap").click()
    traps = [n for n, row in enumerate(table.rows) if row.trap]
    shown = page.locator(".rows tbody tr")
    assert [int(row.get_attribute("data-row")) for row in shown.all()] == traps
    for n in traps[::7]:
        page.locator(f"tr[data-row='{n}']").click()
        assert page.locator(".detail code").inner_text() == table.rows[n].code
        assert page.locator(".shape").inner_text() == table.batch(n)["said"]


def test_layers_and_texts_are_chosen_in_the_pipeline(opened):
    page = opened(strip := PipelineStrip(TEXTS, layer=1))
    page.locator(".texts li").nth(1).click()
    assert page.locator(".verdict .label").inner_text() == "NEGATIVE"
    page.locator(".layer input").fill("3")
    page.locator("tr[data-token='2']").hover()
    numbers = strip.trace.hidden_states[3][1, 2, :3]
    said = page.locator(".story").inner_text().replace("−", "-")
    assert f"after layer 3: [{', '.join(f'{x:.2f}' for x in numbers.tolist())}" in said


def test_tokenizers_race_at_every_size(opened):
    page = opened(race := TokenizerRace(TEXTS[1], sizes=[120, 250]))
    for n, size in enumerate(race.sizes):
        page.get_by_role("slider").fill(str(n))
        race.vocab_size = size
        counts = [len(lane["tokens"]) for lane in race._race["lanes"] if "tokens" in lane]
        assert len(counts) > 3
        assert [int(text) for text in page.locator(".lane .number:first-of-type").all_inner_texts() if text] == counts
    assert page.locator(".measuring").inner_text() == ""


def test_every_head_opens(opened):
    grid = AttentionGrid(TEXTS)
    page = opened(grid)
    page.locator(".thumb[data-at='3 5']").click()
    page.wait_for_selector("[data-shows='softmax padding 3 0 5']")
    assert page.locator(".title").first.inner_text() == "Layer 3, head 5"


def test_a_quiz_and_a_flight_are_whole(opened):
    page = opened(quiz := Quiz("01_pipeline"))
    answers = quiz._questions[0]["answers"]
    for n, answer in enumerate(answers):
        if answer["right"]: page.locator("form").first.locator("input").nth(n).check()
    page.get_by_role("button", name="Check").first.click()
    assert "Right at the first try" in page.locator(".verdict").first.inner_text()
    event = dict(phase="batch", steps=["pad"], where=EVIL, note="why", calls=1, rows=[])
    page = opened(FlightRecorder({"ours": [event]}))
    page.locator(".event").click()
    assert EVIL in page.locator(".story").inner_text()


def test_texts_stay_text_in_a_page(opened):
    page = opened(TokenStrip(EVIL))
    assert page.locator("textarea").input_value() == EVIL
    assert page.locator("img").count() == 0


def test_two_in_one_page_are_drawn_each(chrome, tmp_path):
    strip, page = TokenStrip("hug"), chrome.new_page()
    widgets = [strip, strip, TokenStrip("hugs"), MergeTheatre("bpe"), MergeTheatre("unigram")]
    (tmp_path / "two.html").write_text("".join(w.fragment() for w in widgets), encoding="utf-8")
    page.goto((tmp_path / "two.html").as_uri())
    page.wait_for_function("() => document.querySelectorAll('.study-widget[data-ready]').length === 5")
    assert [box.input_value() for box in page.locator("textarea").all()] == ["hug", "hug", "hugs"]
    assert page.locator(".methods :checked").evaluate_all("nodes => nodes.map(n => n.value)") == ["bpe", "unigram"]
    page.close()
