"""The padding table in a real JupyterLab: filtered, walked along, read and copied, by mouse and by keyboard."""
import pytest
from driver import look

SETUP = """
from study_group.padding import padding_table
texts = ["I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"]
"""
FIND = "next(n for n, row in enumerate(table) if row[:3] == {!r} and type(row.padding) is type({!r}))"


@pytest.fixture
def show(lab):
    "Show a table of what `code` makes; its page."
    def show(code="table = padding_table(texts)"):
        lab.show(f"{SETUP}\n{code}\ntable", ".padding-table")
        lab.settled()
        return lab
    yield show
    lab.page.set_viewport_size(dict(width=1400, height=1000))


def row_of(lab, *call) -> int: return lab.ask(FIND.format(call, call[0]))


def select(lab, n: int):
    "Select row `n` from Python, and wait until its batch is drawn."
    lab.python(f"table.selected = {n}")
    lab.wait_for("h4", f"Row {n}")
    lab.page.wait_for_selector(f".padding-table .picture[data-row='{n}']", state="attached")


def lines(lab) -> list[int]: return [int(x) for x in lab.page.locator(".padding-table [data-row]:is(tr)").evaluate_all(
    "rows => rows.map(row => row.dataset.row)")]


def parts(lab, n: int) -> list[dict]:
    "What is drawn of row `n`, as Python has it."
    return lab.ask(f"table.batch({n})['rows']")


def test_filters_count_and_select(show):
    lab = show()
    page = lab.page
    assert lines(lab) == [*range(90)] and lab.texts(".status") == ["90 of 90 rows"]
    assert lab.texts(".outcomes button") == ["all90", "✓ fine40", "⚠ warning4", "✗ error25", "⚑ silent trap21"]
    assert lab.texts(".texts small") == ["16 tokens", "8 tokens"]
    rows = lab.ask("[[row.lengths, row.error, row.trap, row.warning, row.code] for row in table]")
    for line, (lengths, error, trap, warning, _) in zip(lab.texts(".rows tbody tr"), rows):
        name = "✗ error" if error else "⚑ silent trap" if trap else "⚠ warning" if warning else "✓ fine"
        said = line.split("\t")
        assert said[3] == (", ".join(map(str, lengths)) if lengths else "–") and said[-1].startswith(name)
        assert (error or trap or warning or "") in said[-1].replace("⏎", "\n")
    page.locator(".padding-table [data-outcome='silent trap']").click()
    lab.wait_for(".status", "21 of 90 rows")
    n = lab.ask("sum(row.padding == 'max_length' and bool(row.trap) for row in table)")
    page.get_by_label("padding", exact=True).select_option(label=f'"max_length" ({n})')
    lab.wait_for(".status", f"{n} of 90 rows")
    lab.until("table.outcome == 'silent trap' and table.padding == 'max_length'")
    shown = lab.ask("table.shown")
    assert lines(lab) == shown and lab.ask("table.selected") == shown[0]
    lab.wait_for("code", rows[shown[0]][-1])
    among = lab.ask("sum(row.padding == 'max_length' and row.truncation is None and bool(row.trap) for row in table)")
    assert lab.texts("select[data-filter=truncation] option")[1] == f"left out ({among})"
    assert lab.texts("[aria-pressed=true]") == [f"⚑ silent trap{n}"]
    page.locator(".padding-table [data-outcome=warning]").click()
    lab.wait_for(".status", "No row passes these filters.")
    assert not page.locator(".padding-table .board").is_visible()
    page.get_by_role("button", name="Show all rows").click()
    lab.until("len(table.shown) == 90")
    lab.python("table.truncation, table.max_length = None, 3")
    lab.wait_for(".status", "6 of 90 rows")
    lab.python("table.padding = True")
    lab.wait_for(".status", "1 of 90 rows")
    assert lab.texts("select[data-filter] option:checked") == ["True (1)", "left out (1)", "3 (1)"]
    assert lab.ask("[table[n].code for n in table.shown]") == lab.texts("code")


def test_the_batch_is_drawn_as_it_is(show):
    lab = show()
    page = lab.page
    style = lambda at, name: page.locator(f".padding-table {at}").first.evaluate(
        "(e, name) => getComputedStyle(e)[name]", name)
    for call in ((False, None, 3), ("max_length", None, 8), (True, True, None), ("max_length", True, None)):
        n = row_of(lab, *call)
        select(lab, n)
        drawn = parts(lab, n)
        assert lab.texts(".batch .cell .chip") == [cell[0] for part in drawn for cell in part["cells"]]
        assert lab.texts(".batch .cell small") == [str(cell[2]) for part in drawn for cell in part["cells"]]
        assert lab.texts(".batch .cut") == [token for part in drawn for token in part["cut"]]
        assert lab.texts(".batch .rest") == [part["after"] for part in drawn if part["after"]]
        assert lab.texts(".batch .sum") == [f"{part['tokens']} tokens + {part['pads']} pads" for part in drawn]
        assert lab.texts(".shape") == [lab.ask(f"table.batch({n})['said']")]
        assert lab.texts("code") == [lab.ask(f"table[{n}].code")]
    assert lab.texts(".batch .rest") == ["… 492 more pads"] * 2 and page.locator(".padding-table .cell").count() == 40
    assert "linear-gradient" in style(".cell.pad .chip", "backgroundImage")
    kinds = [page.locator(f".padding-table .cell.{kind} .chip").first for kind in ("special", "word", "pad")]
    assert len({look(kind) for kind in kinds}) == 3
    ragged = row_of(lab, "max_length", None, 8)
    select(lab, ragged)
    assert lab.texts(".batch tr:nth-child(2) .gap") == [""] and "Ragged" in lab.texts(".shape")[0]
    assert style(".batch td.limit", "borderLeftStyle") != style(".batch td.cell:not(.limit)", "borderLeftStyle")
    select(lab, row_of(lab, False, None, 3))
    assert "line-through" in style(".batch .cut .chip", "textDecorationLine")
    assert lab.texts(".message") == ["⚑ silent trap: max_length alone turns truncation on."]
    select(lab, error := row_of(lab, "True|longest", True, 3))
    assert lab.texts(".message") == [f"✗ error: {lab.ask(f'table[{error}].error')}"]
    assert page.locator(".padding-table .batch").count() == 0 and "no batch" in lab.texts(".shape")[0]
    select(lab, warned := row_of(lab, True, None, 3))
    assert lab.texts(".message") == [f"⚠ warning: {lab.ask(f'table[{warned}].warning')}"]
    select(lab, row_of(lab, True, True, 8))
    assert lab.texts(".message")[0].startswith("✓ fine")


def test_by_keyboard_and_copied(show):
    lab = show()
    page = lab.page
    assert lab.ask("table.selected") == 1 and page.locator(".padding-table tr[tabindex='0']").count() == 1
    page.locator(".padding-table [data-outcome='silent trap']").focus()
    page.keyboard.press("Tab")  # all rows are shown, so the next stop is the selected row
    where = "() => Number(document.activeElement.dataset.row)"
    assert page.evaluate(where) == 1
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for key, n in (("ArrowDown", 2), ("ArrowUp", 1), ("End", 89), ("ArrowDown", 89), ("Home", 0), ("ArrowUp", 0),
                   ("PageDown", 8), ("PageUp", 0), ("ArrowDown", 1)):
        page.keyboard.press(key)
        assert page.evaluate(where) == n
        assert page.locator(".padding-table tr[aria-selected=true]").get_attribute("data-row") == str(n)
        line, board = (page.locator(f".padding-table {at}").bounding_box() for at in (f"tr[data-row='{n}']", ".board"))
        assert board["y"] - 1 <= line["y"] and line["y"] + line["height"] <= board["y"] + board["height"] + 1
    lab.until("table.selected == 1")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Copy"
    page.evaluate("() => { navigator.clipboard.writeText = async text => { window.copied = text; }; }")
    page.keyboard.press("Enter")
    lab.wait_for(".copy", "Copied")
    assert page.evaluate("() => window.copied") == "batch = tokenizer(texts, max_length=3)"
    page.evaluate("() => { navigator.clipboard.writeText = async () => { throw Error('not allowed'); }; }")
    page.locator(".padding-table .copy").click()
    page.wait_for_function("() => getSelection().toString() === 'batch = tokenizer(texts, max_length=3)'")
    page.evaluate("() => getSelection().empty()")
    page.locator(".padding-table tr[data-row='4']").click()
    lab.until("table.selected == 4")
    lab.wait_for("code", "truncation=False, max_length=3")
    names = [page.locator(".padding-table .rows").get_attribute("aria-label"),
             page.locator(".padding-table .detail").get_attribute("aria-label")]
    assert "Calls" in names[0] and "chosen" in names[1]


def test_other_texts_are_typed(show):
    lab = show()
    page = lab.page
    page.get_by_label("Text 2").fill("I hate this so much, I say!")
    lab.wait_for(".texts small", "11 tokens", 1)
    lab.settled()
    assert lab.ask("[table.texts[1], len(table[0].lengths)]") == ["I hate this so much, I say!", 2]
    lab.until("table[0].lengths == [16, 11]")
    assert lab.texts("[data-row='0'] td")[3] == "16, 11" and lab.texts(".batch .cell .chip")[:2] == ["[CLS]", "i"]
    assert lab.texts(".batch .cut") == [token for part in parts(lab, 1) for token in part["cut"]]
    page.get_by_label("Text 1").fill("so good " * 7000)
    lab.wait_for("[role=alert]", "characters in all")
    assert lab.texts("[data-row='0'] td")[3] == "16, 11"
    lab.python("table.texts = ['One', 'two', 'three'] * 3")
    lab.wait_for(".texts small", "3 tokens", 7)
    lab.settled()
    assert lab.texts("[role=alert]") == [""] and lab.texts("[data-row='0'] td")[3] == "3 each"
    assert page.get_by_label("Text 3").input_value() == "three" and lab.texts(".texts + p") == ["… 1 more text"]
    page.get_by_label("Text 8").fill("two and a half")
    lab.until("table.texts[6:] == ['One', 'two and a half', 'three']")


def test_hostile_texts_and_messages(show):
    evil = "<img src=x onerror=alert(1)> \x07 \u202e"
    lab = show(f"table = padding_table([{evil!r} + 'so ' * 600] + ['<b>'] * 13, text_pair=['&lt;'] * 14)")
    assert lab.page.locator(".padding-table img, .padding-table td b b").count() == 0
    assert lab.page.get_by_label("Text 1").input_value().startswith(evil)
    assert lab.texts(".beside bdi")[0] == "+ &lt;" and lab.texts(".texts + p") == ["… 6 more texts"]
    select(lab, row_of(lab, "max_length", None, None))
    assert lab.texts(".batch tbody tr:first-child .chip")[:3] == ["[CLS]", "<", "im"]
    assert lab.texts(".batch + p") == ["… 6 more texts"]
    assert lab.page.locator(".padding-table .cell").count() <= 8 * 48
    before = lab.ask("[table.selected, table.padding, table.outcome]")
    lab.forge("table", ({"selected": 90}, {"selected": "x"}, {"padding": [1]}, {"outcome": 3}, {"max_length": True}))
    assert lab.ask("[table.selected, table.padding, table.outcome]") == before
    lab.log.clear()  # the page hears what was sent in its name, and complains


def test_512_pads_in_the_dark_in_little_room_and_without_a_kernel(show):
    lab = show()
    lab.python("table.selected = " + FIND.format(("max_length", None, None), "max_length"))
    lab.wait_for(".rest", "… 492 more pads")
    light = lab.page.locator(".padding-table").evaluate("e => getComputedStyle(e).color")
    lab.dark()
    lab.page.wait_for_selector(".padding-table[data-theme=dark]")
    assert lab.page.locator(".padding-table").evaluate("e => getComputedStyle(e).color") != light
    lab.page.set_viewport_size(dict(width=420, height=1000))
    root = lab.page.locator(".padding-table")
    lab.page.wait_for_function("() => document.querySelector('.padding-table .rows thead').offsetHeight === 0")
    assert root.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    head = "(e) => getComputedStyle(e, '::before').content"
    cell = lab.page.locator(".padding-table tr[data-row='1'] td").nth(3)
    assert cell.evaluate(head) == '"row lengths"' or "attr" in cell.evaluate(head)
    twin, live = lab.outputs()[-1]
    html = "".join(twin["data"]["text/html"])
    assert len(html) < 100_000 and "max_length is ignored" in html and "⚑" in html and "16 tokens" in html
    assert "application/vnd.jupyter.widget-view+json" in live["data"]
    lab.page.wait_for_function("() => document.querySelector('[id^=study-]').style.display === 'none'")
