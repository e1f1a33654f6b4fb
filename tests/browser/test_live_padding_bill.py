"The padding bill without Python: its script counts what Python counts, in a page and in a notebook."
import random

import pytest

from study_group.batching.costs import STRATEGIES
from study_group.widgets.padding_bill import PaddingBill
from study_group.widgets.scripts import bundle, static_text

BILLS = f"""all => {{
    {bundle(static_text("parts/costs.js"), "parts/costs.js", dict())}
    return all.map(([lengths, sizes, settings]) => billsOf(Int32Array.from(lengths), sizes)(settings).map((bill) =>
        ({{ ...bill, batches: bill.batches.map((texts) => [...texts]) }})));
}}"""
SEEDS = 0, 1, -7, 2**31, 2**32 - 1, 2**32, -2**40 - 7, 2**53 - 1


def some_bill(rng: random.Random) -> PaddingBill:
    n = rng.choice([1, 2, 5, 6, 33, 300])
    lengths = [rng.choice([rng.randint(1, 20), min(3000, int(rng.lognormvariate(3.2, 1)) + 1)]) for _ in range(n)]
    return PaddingBill(lengths, rng.choice([1, 2, 7, 32, 1000]), order=rng.choice(["given", "shuffled", "sorted"]),
                       seed=rng.choice([*SEEDS, rng.randint(0, 10**6)]), pad_to_multiple_of=rng.choice([1, 8, 50]),
                       token_budget=rng.choice([1, 30, 300, 2048, 10**6]), max_length=max(lengths) + rng.randint(0, 99))


def settings_of(bill: PaddingBill) -> list:
    names = "order", "seed", "batch_size", "max_length", "pad_to_multiple_of", "token_budget"
    return [bill.lengths, bill._sizes, {name: getattr(bill, name) for name in names}]


def test_the_page_counts_as_python(chrome):
    rng, page = random.Random(0), chrome.new_page()
    bills = [some_bill(rng) for _ in range(250)]
    for bill, counted in zip(bills, page.evaluate(BILLS, [*map(settings_of, bills)])):
        batches, costs = bill._batches(), bill.costs
        assert tuple(one["strategy"] for one in counted) == STRATEGIES
        for one in counted:
            strategy = one["strategy"]
            assert (one["batches"], one["widths"]) == batches[strategy]
            assert {name: one[name] for name in costs[strategy]} == pytest.approx(costs[strategy], rel=1e-12)
    page.close()


def shown(page) -> list[list[str]]:
    return [[line.locator(at).inner_text() for at in (".slots", ".wasted", ".flops")]
            for line in page.locator(".padding-bill .line[data-strategy]").all()]


def test_a_page_answers_by_itself(chrome, tmp_path):
    rng = random.Random(1)
    bill = PaddingBill([rng.randint(3, 60) for _ in range(200)], max_length=60)
    page, log = chrome.new_page(), []
    page.on("pageerror", lambda error: log.append(str(error)))
    page.on("console", lambda m: log.append(m.text) if m.type in ("error", "warning") else None)
    page.goto(bill.save(tmp_path/"bill.html", live=True).as_uri())

    def check():
        least, costs = min(cost["flops"] for cost in bill.costs.values()), bill.costs.values()
        said = [[f"{c['slots']:,} slots", f"{100 * c['wasted']:.1f} %", f"{c['flops'] / least:.2f}×"] for c in costs]
        assert [[slots, wasted, "1.00×" if flops == "1×" else flops] for slots, wasted, flops in shown(page)] == said
        n = len(bill._batches()[bill.strategy][0])
        assert page.locator("h4").inner_text() == f"The {n} batches of “{bill.strategy}”"

    def enter(name, value):
        page.locator(f"input[name={name}]").fill(str(value))
        page.keyboard.press("Enter")
        page.evaluate("() => new Promise((go) => setTimeout(go, 10))")  # it is read when the key is done

    check()
    for bill.order, label in (("shuffled", "shuffled"), ("sorted", "sorted"), ("shuffled", "shuffled")):
        page.get_by_role("button", name=label).click()
        check()
    for bill.seed in (1, 2):
        page.get_by_role("button", name="shuffled").click()
        check()
    for bill.strategy in STRATEGIES:
        page.locator(f"[data-strategy={bill.strategy}] input[type=radio]").check()
        check()
    for name, value in (("batch_size", 7), ("max_length", 90), ("pad_to_multiple_of", 16), ("token_budget", 300)):
        setattr(bill, name, value)
        enter(name, value)
        check()
    for name, value in (("batch_size", 0), ("batch_size", 2.5), ("token_budget", ""), ("token_budget", 2_000_000),
                        ("max_length", 20)):
        enter(name, value)
        with pytest.raises(ValueError) as refused:
            if name == "max_length": bill.max_length = value
            else: PaddingBill([3], **{name: value})
        assert page.locator("[role=alert]").inner_text() == str(refused.value)
        check()
    enter("max_length", 95)
    bill.max_length = 95
    check()
    assert page.locator("[role=alert]").inner_text() == "" and page.locator("[aria-invalid=true]").count() == 0
    assert log == []
    page.close()
