"""The padding bill in a real JupyterLab: bars, batches on a canvas, settings typed, clicked and refused."""
import re

import pytest

SETUP = """
import random
from study_group.padding import STRATEGIES, padding_cost
from study_group.widgets.padding_bill import PaddingBill
def costs(bill):
    return {s: padding_cost(bill.ordered, bill.batch_size, s, max_length=bill.max_length,
                            pad_to_multiple_of=bill.pad_to_multiple_of, token_budget=bill.token_budget)
            for s in STRATEGIES}
rng = random.Random(0)
lengths = [rng.randint(3, 60) for _ in range(200)]
"""
DRAWN = """e => {  // the legend's colours of tokens and pads, and how much of the canvas is in each
    const sign = name => getComputedStyle(e.closest('.padding-bill').querySelector(`.sign.${name}`));
    const { data } = e.getContext('2d').getImageData(0, 0, e.width, e.height), found = {};
    const texts = { tokens: sign('tokens').backgroundColor, pads: sign('pads').boxShadow };
    for (const [name, text] of Object.entries(texts)) {
        const colour = text.match(/\\d+/g).slice(0, 3).map(Number);
        found[name] = { colour, area: 0 };
        for (let i = 0; i < data.length; i += 4) {
            const far = Math.hypot(...colour.map((c, n) => c - data[i + n]));
            if (data[i + 3] > 200 && far < 30) found[name].area += 1;
        }
    }
    return found;
}"""
LONG = "[min(512, max(3, int(rng.lognormvariate(3.2, .7)))) for _ in range(5000)]"


@pytest.fixture
def show(lab):
    "Show a bill that `code` makes; its page."
    def show(code="PaddingBill(lengths)"):
        lab.show(f"{SETUP}\nbill = {code}\nbill", ".padding-bill")
        return lab
    yield show
    lab.page.set_viewport_size(dict(width=1400, height=1000))


def sums(lab) -> dict[str, list[str]]:
    "What stands on the line of each strategy: slots, wasted, FLOPs."
    found = {}
    for line in lab.page.locator(".padding-bill .line[data-strategy]").all():
        said = [line.locator(at).inner_text() for at in (".slots", ".wasted", ".flops")]
        found[line.get_attribute("data-strategy")] = [said[0].split(" ")[0], *said[1:]]
    return found


def percent(part: float) -> str: return f"{100 * part:.{0 if part in (0, 1) else 1}f} %"


def expected(lab) -> dict[str, list[str]]:
    "The same from `padding_cost`, which must also be what the bill says in Python."
    costs = lab.ask("costs(bill)")
    assert lab.ask("bill.costs") == costs
    least = min(cost["flops"] for cost in costs.values())
    return {name: [f"{c['slots']:,}", percent(c["wasted"]),
                   "1×" if c["flops"] / least < 1.005 else f"{c['flops']/least:.2f}×"] for name, c in costs.items()}


def widths(lab, strategy: str) -> list[float]:
    "Pixels of a bar's tokens and pads."
    at = f".padding-bill .line[data-strategy={strategy}] .bar"
    size = "e => e.getBoundingClientRect().width"
    return [lab.page.locator(f"{at} .{part}").evaluate(size) for part in ("tokens", "pads")]


def test_bars_are_what_it_costs(show):
    lab = show()
    assert re.findall(r"[\d,]+", lab.texts(".facts")[0]) == ["200", f"{lab.ask('sum(lengths)'):,}"]
    assert sums(lab) == expected(lab)
    costs = lab.ask("bill.costs")
    for name in ("longest", "sorted", "token_budget"):
        tokens, pads = widths(lab, name)
        assert abs(pads / (tokens + pads) - costs[name]["wasted"]) < .01
    assert abs(widths(lab, "longest")[0] - widths(lab, "sorted")[0]) < 1  # the same tokens, as long in each bar
    assert lab.texts(".broken b") == ["max_length"] and "broken off" in lab.texts(".broken .slots")[0]
    for order, label in (("sorted", "sorted"), ("shuffled", "shuffled"), ("given", "as given")):
        lab.page.get_by_role("button", name=label).click()
        lab.until(f"bill.order == {order!r}")
        assert lab.texts("button[aria-pressed=true]")[0].startswith(label) and sums(lab) == expected(lab)
    assert lab.texts(".broken b") == ["max_length"]
    lab.page.get_by_role("button", name="shuffled").click()
    lab.wait_for("button", "shuffled ↻", 1)
    lab.page.get_by_role("button", name="shuffled").click()
    lab.until("bill.seed == 1")
    assert sums(lab) == expected(lab)
    lab.python("bill.max_length = 60")
    lab.page.wait_for_selector(".padding-bill .broken", state="detached")
    assert lab.page.locator(".padding-bill input[name=max_length]").input_value() == "60" and sums(lab) == expected(lab)


def test_numbers_are_typed_and_refused(show):
    lab = show()
    page = lab.page
    for name, value in (("batch_size", 7), ("max_length", 90), ("pad_to_multiple_of", 16), ("token_budget", 300)):
        page.locator(f".padding-bill input[name={name}]").fill(str(value))
        lab.until(f"bill.{name} == {value}")
        assert sums(lab) == expected(lab)
    before = sums(lab)
    for name, typed, said in (("batch_size", "0", "batch_size=0 must be a positive whole number."),
                              ("batch_size", "2.5", "batch_size=2.5 must be a positive whole number."),
                              ("batch_size", "", "batch_size='' must be a positive whole number."),
                              ("token_budget", "1e9", "must be a whole number from 1 to 1,000,000."),
                              ("max_length", "20", "more than max_length=20: truncate first.")):
        box = page.locator(f".padding-bill input[name={name}]")
        box.fill(typed)
        lab.wait_for("[role=alert]", said)
        assert box.get_attribute("aria-invalid") == "true" and box.input_value() == typed and sums(lab) == before
    assert lab.ask("[bill.batch_size, bill.token_budget, bill.max_length]") == [7, 300, 90]
    box.fill("95")
    lab.until("bill.max_length == 95")
    assert lab.texts("[role=alert]") == [""] and lab.page.locator(".padding-bill [aria-invalid=true]").count() == 0
    lab.forge("bill", ({"order": {}}, {"batch_size": 0}, {"max_length": 20}, {"strategy": "x"}, {"_sizes": [1, 1, 1]}))
    assert lab.ask("[bill.order, bill.strategy, bill.batch_size, bill.max_length, bill._sizes]") == [
        "given", "longest", 7, 95, [6, 384, 1536]]
    lab.log.clear()  # the page hears what was sent in its name, and complains


def test_batches_are_drawn_and_told(show):
    lab = show()
    page = lab.page
    canvas = page.locator(".padding-bill canvas")
    page.locator(".padding-bill .chosen input[type=radio]").focus()
    page.keyboard.press("ArrowDown")
    lab.until("bill.strategy == 'max_length'")
    page.keyboard.press("ArrowDown")
    lab.until("bill.strategy == 'sorted'")
    assert lab.texts("h4") == ["The 7 batches of “sorted”"] and lab.texts(".chosen b") == ["sorted"]
    canvas.focus()
    ordered = lab.ask("sorted(lengths)")
    for key, n in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 6), ("ArrowRight", 6)):
        page.keyboard.press(key)
        batch = ordered[n * 32:n * 32 + 32]
        slots, pads = len(batch) * max(batch), len(batch) * max(batch) - sum(batch)
        told = [n + 1, 7, len(batch), max(batch), f"{slots:,}", pads, f"{100 * pads / slots:.1f}"]
        assert lab.texts(".story") == [said := canvas.get_attribute("aria-valuetext")]
        assert re.findall(r"\d[\d,.]*\b", said) == [str(number) for number in told]
        assert canvas.get_attribute("aria-valuenow") == str(n + 1)
    assert canvas.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    area = {}
    for strategy in ("longest", "sorted"):
        lab.python(f"bill.strategy = {strategy!r}")
        lab.wait_for("h4", strategy)
        area[strategy] = {name: part["area"] for name, part in canvas.evaluate(DRAWN).items()}
        assert area[strategy]["tokens"] > 5000
    hatched = {name: found["pads"] / found["tokens"] for name, found in area.items()}
    assert hatched["longest"] > 3 * hatched["sorted"] > 0
    lab.python("bill.strategy = 'token_budget'")
    lab.wait_for("h4", "token_budget")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    lab.wait_for(".story", "Batch 1 of")


def test_5000_texts_in_the_dark_in_little_room_and_without_a_kernel(show):
    lab = show(f"PaddingBill({LONG})")
    page, canvas = lab.page, lab.page.locator(".padding-bill canvas")
    assert sums(lab) == expected(lab) and lab.texts("h4") == ["The 157 batches of “longest”"]
    light = canvas.evaluate(DRAWN)["tokens"]
    assert light["area"] > 1000
    lab.dark()
    page.wait_for_selector(".padding-bill[data-theme=dark]")
    dark = canvas.evaluate(DRAWN)["tokens"]
    assert dark["area"] > 1000 and dark["colour"] != light["colour"]
    page.set_viewport_size(dict(width=420, height=1000))
    page.wait_for_function("() => document.querySelector('.padding-bill .heads').offsetHeight === 0")
    root = page.locator(".padding-bill")
    assert root.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    lab.python("bill.batch_size = 1")
    lab.wait_for("h4", "The 5,000 batches")
    assert sums(lab) == expected(lab)
    canvas.focus()
    page.keyboard.press("End")
    told = int(canvas.get_attribute("aria-valuemax"))
    assert lab.texts(".story")[0].startswith(f"Batch {told:,} of 5,000: 1 text ×")
    assert lab.texts(".rest") == [f"… batches not drawn: {5000 - told:,}" if told < 5000 else ""]
    twin, live = lab.outputs()[-1]
    html = "".join(twin["data"]["text/html"])
    assert len(html) < 100_000 and "data:image/png" in html and "token_budget" in "".join(twin["data"]["text/plain"])
    assert "application/vnd.jupyter.widget-view+json" in live["data"]
    page.wait_for_function("() => document.querySelector('[id^=study-]').style.display === 'none'")
