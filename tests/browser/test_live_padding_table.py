"The padding table without Python: what becomes of any texts under each call is what the library makes of them."
import pytest
from nasty import NASTY, SHORT

from study_group.padding import padding_table

TEXTS = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]
PAIRS = [["", ""], ["", "a"], ["Good!", "Good!"], ["so " * 600, "so"], ["x", "so " * 510], ["so " * 511, "so " * 510],
         ["ab" * 300, "ひらがな aひら 漢字 ไทย"], ["שלום, עולם! 1", "👍🏽 🇩🇪 e\u0301\u0323"], ["[SEP] [CLS] [PAD] so", "a b c"],
         ["a b c d e f g h i j", "a " * 30], [NASTY["html"], NASTY["closing"]], ["!" * 50_001, "x"], TEXTS]


def test_every_call_does_what_the_library_does(live):
    steps = [dict(texts=texts, selected=(7*n) % 75) for n, texts in enumerate(PAIRS)]
    assert live.same(padding_table(TEXTS), steps) == []


@pytest.mark.parametrize("lengths", [(0, 1, 2, 3, -3, 512, 600, None), (20_000,)])
def test_other_lengths(live, lengths):
    table = padding_table(["a", "b c", "d"], max_lengths=lengths)
    texts = [["so " * n, "", "a b"] for n in (0, 1, 510, 599)]
    assert live.same(table, [dict(texts=one, selected=(13*n) % len(table)) for n, one in enumerate(texts)]) == []


def test_every_batch_of_many_nasty_texts(live):
    texts = [NASTY[name] for name in SHORT]
    table = padding_table(["a"] * len(texts))
    rows = [n for n, row in enumerate(table) if (row.padding, row.truncation) in (
        (False, None), (True, None), (True, True), ("max_length", None), ("max_length", "only_first"))]
    assert live.same(table, [dict(texts=texts), *(dict(selected=n) for n in rows)]) == []


def test_texts_are_typed_and_rows_chosen(live):
    page, table = live.open(padding_table(TEXTS)), padding_table(TEXTS)

    def check():
        page.locator(".padding-table[aria-busy=false]").wait_for()
        rows = page.locator(".rows tbody tr")
        assert [int(row.get_attribute("data-row")) for row in rows.all()] == table.shown
        assert page.locator(".texts small").all_inner_texts() == table._view["sizes"]
        lengths = [table._view["rows"][n]["lengths"] for n in table.shown]
        assert rows.locator("td:nth-child(4)").all_inner_texts() == lengths
        assert page.locator("tr[aria-selected=true]").get_attribute("data-row") == str(table.selected)
        drawn = table.batch(table.selected)
        assert page.locator(".shape").inner_text() == drawn["said"]
        cells, cut = ([x for part in drawn["rows"] for x in part[name]] for name in ("cells", "cut"))
        assert page.locator(".batch .cell .chip").all_inner_texts() == [token for token, *_ in cells]
        assert page.locator(".batch .cut").all_inner_texts() == cut

    check()
    for n, text in enumerate(("What a film, and so much longer!", "Good.")):
        page.get_by_label(f"Text {n + 1}").fill(text)
        page.get_by_label(f"Text {n + 1}").press("Enter")
        table.texts = [*table.texts[:n], text, *table.texts[n + 1:]]
        check()
    for table.outcome in ("silent trap", "warning"):
        page.locator(f"[data-outcome='{table.outcome}']").click()
        check()
    table.outcome = "all"
    page.get_by_role("button", name="Show all rows").click()
    page.locator("tr[data-row='16']").click()
    table.selected = 16
    check()
    page.get_by_label("Text 2").fill("so good " * 7000)
    table.texts = [table.texts[0], "so good " * 7000]
    page.locator("[role=alert]").get_by_text("characters in all").wait_for()
    assert page.locator("[role=alert]").inner_text() == table.error != ""
    page.get_by_label("Text 2").fill("Good.")
    table.texts = [table.texts[0], "Good."]
    page.locator("[role=alert]").wait_for(state="hidden")
    check()
