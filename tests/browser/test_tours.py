"""The widgets' tours, in pages and in a real JupyterLab: what each step claims, and that a reader stays free."""
import pytest
from axe import judged, learn
from driver import still
from study_group.widgets.attention_grid import AttentionGrid
from study_group.widgets.mask_bench import MaskBench
from study_group.widgets.pipeline_strip import PipelineStrip
from study_group.widgets.tokenizer_race import TokenizerRace
from tours import CHECKS, SIZES, TEXTS, WORDS, fill, press, steps

STEPS = {name: steps(name) for name in CHECKS}
SHOW = {
    "mask_bench": f"from study_group.padding import MaskBench\nMaskBench({TEXTS})",
    "pipeline_strip": f"from study_group.pipeline import trace\ntrace({TEXTS})",
    "tokenizer_race": f"from study_group.tokenizers import TokenizerRace\nTokenizerRace({WORDS!r}, sizes={SIZES})",
    "attention_grid": f"from study_group.attention import AttentionGrid\nAttentionGrid({TEXTS}, layer=5, head=9)",
}
MORE = {  # what can't be tried in a page with neither Python nor an engine; the bench isn't there then
    "pipeline_strip": {"Texts and answers", "The answer"}, "tokenizer_race": {"Your text"},
    "attention_grid": {"Who may look at whom"}}
BOXES = """(root, parts) => {
    const box = node => (({ left, top, right, bottom }) => [left, top, right, bottom])(node.getBoundingClientRect());
    const found = [...root.querySelectorAll(parts)].filter(node => node.checkVisibility());
    return [root, root.querySelector('.tour-card'), root.querySelector('.tour-ring'), ...found].map(box);
}"""
MAKE = {"mask_bench": lambda: MaskBench(TEXTS), "pipeline_strip": lambda: PipelineStrip(TEXTS),
        "tokenizer_race": lambda: TokenizerRace(WORDS, sizes=SIZES),
        "attention_grid": lambda: AttentionGrid(TEXTS, layer=5, head=9)}


@pytest.fixture
def opened(live):
    "Open a widget as a page, with an engine that answers or alone; its root."
    def opened(widget, size=1200, engine=False):
        live.page.set_viewport_size(dict(width=size, height=900))
        if engine: live.open(widget)
        else: live.page.goto(widget.save(live.folder/"saved.html").as_uri())
        live.page.wait_for_selector(".study-widget[data-ready]")
        return live.page.locator(".study-widget")
    yield opened
    live.page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    live.page.set_viewport_size(dict(width=1200, height=900))


def begin(root): root.get_by_role("button", name="Take the tour").click()


def card(root, title: str): return root.get_by_role("dialog", name=title, exact=True)


def meet(a: list[float], b: list[float]) -> bool:
    "Whether two boxes have more than a line in common."
    return all(min(a[n + 2], b[n + 2]) - max(a[n], b[n]) > 1 for n in (0, 1))


def stands(root, step: dict):
    "The ring is around the part, the card beside or below it, both in the widget."
    still(root.page)
    home, card, ring, *parts = root.evaluate(BOXES, step["at"])
    assert parts and all(meet(ring, part) or not meet(home, part) for part in parts[:1])
    assert not meet(card, ring), step["title"]
    for box in (card, ring):
        assert home[0] <= box[0] and box[2] <= home[2] + 1 and box[3] <= home[3] + 1, step["title"]


def walk(root, name: str, check: bool = True) -> list[str]:
    "Go through the tour, and do what its steps ask for, if it is to `check` that; the titles of those that ask."
    asking = []
    assert root.get_by_role("dialog").count() == 0  # nothing begins by itself
    begin(root)
    for n, step in enumerate(STEPS[name], 1):
        now = card(root, step["title"])
        assert f"{n} of {len(STEPS[name])}" in now.inner_text()
        stands(root, step)
        _, covers, _, *kept = root.evaluate(BOXES, step.get("keep", "no-part"))
        assert [part for part in kept if meet(covers, part)] == []  # what is to be looked at
        assert all(step[part] in now.inner_text() for part in ("see", "shows"))
        if now.get_by_text(step["try"]).is_visible():
            if check: CHECKS[name][step["title"]](root)
            asking.append(step["title"])
        now.get_by_role("button", name="Done" if n == len(STEPS[name]) else "Next").click()
    assert root.get_by_role("dialog").count() == root.locator(".tour-ring").count() == 0
    assert root.get_by_role("button", name="Take the tour").evaluate("e => e === document.activeElement")
    return asking


@pytest.mark.parametrize("name", CHECKS)
def test_every_step_has_its_check(name):
    assert [step["title"] for step in STEPS[name]] == [*CHECKS[name]]
    assert 5 <= len(STEPS[name]) <= 8


@pytest.mark.parametrize("name", [name if name == "pipeline_strip" else pytest.param(name, marks=pytest.mark.extra)
                                  for name in CHECKS])
def test_claims_hold_in_jupyterlab(kernel, name):
    kernel.show(SHOW[name], selector := "." + name.replace("_", "-"))
    assert walk(kernel.page.locator(selector), name) == [*CHECKS[name]]


@pytest.mark.parametrize("name", CHECKS)
def test_claims_hold_in_a_live_page(opened, name):
    assert walk(opened(MAKE[name](), engine=True), name) == [*CHECKS[name]]


@pytest.mark.parametrize("name", MORE)
def test_a_saved_page_asks_for_what_it_can_do(opened, name):
    asking = walk(opened(MAKE[name]()), name, check=False)
    assert asking == [title for title in CHECKS[name] if title not in MORE[name]]


@pytest.mark.parametrize("name", CHECKS)
def test_little_room_is_enough(opened, name):
    root = opened(MAKE[name](), size=400, engine=name not in MORE)
    begin(root)
    for step in STEPS[name]:
        stands(root, step)
        root.page.keyboard.press("ArrowRight")
    assert root.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_the_keyboard_alone(opened):
    root, titles = opened(MAKE["pipeline_strip"]()), [step["title"] for step in STEPS["pipeline_strip"]]
    page, opener = root.page, root.get_by_role("button", name="Take the tour")
    focused = lambda button: button.evaluate("e => e === document.activeElement")
    says = lambda name: focused(root.get_by_role("dialog").get_by_role("button", name=name))
    opener.focus()
    page.keyboard.press("Enter")
    assert card(root, titles[0]).is_visible() and says("Next")
    for title in titles[1:]:
        page.keyboard.press("Enter")
        assert card(root, title).is_visible()
    page.keyboard.press("ArrowRight")  # there is nothing more
    assert card(root, titles[-1]).is_visible()
    for title in reversed(titles[:-1]):
        page.keyboard.press("ArrowLeft")
        assert card(root, title).is_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")       # back, where nothing is before
    assert card(root, titles[0]).is_visible() and says("Back")
    page.keyboard.press("Shift+Tab")
    assert focused(opener)  # out of the card, which stays
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert card(root, titles[-1]).is_visible() and says("Done")
    page.keyboard.press("Escape")
    assert root.get_by_role("dialog").count() == 0 and focused(opener)


def test_parts_that_are_not_there_are_left_out(opened):
    root = opened(MaskBench(TEXTS[0]), engine=True)
    begin(root)
    assert "1 of 5" in root.get_by_role("dialog").inner_text()  # no pads, so nothing about them
    press(root, "+ Add a text")
    fill(root, "Text 2", "Yes")
    root.get_by_role("button", name="Next").click()
    assert "2 of 7" in root.get_by_role("dialog").inner_text()
    root = opened(PipelineStrip(TEXTS[0]))
    begin(root)
    assert root.locator(".tour-card .ask").is_hidden()          # nothing can be typed here


def test_the_card_follows_its_part(opened):
    root = opened(MAKE["pipeline_strip"]())
    begin(root)
    for _ in range(3): root.page.keyboard.press("ArrowRight")
    step = STEPS["pipeline_strip"][3]
    stands(root, step)
    for size in (700, 1200):
        root.page.set_viewport_size(dict(width=size, height=900))
        stands(root, step)
    for script in ("scroller => { scroller.style.maxHeight = '200px'; scroller.scrollTop = 120; }",
                   "scroller => { scroller.parentElement.style.marginTop = '90px'; }"):
        root.locator(".scroller").first.evaluate(script)
        stands(root, step)
    root.locator(".scroller").first.evaluate("scroller => { scroller.style.display = 'none'; }")
    still(root.page)
    assert root.locator(".tour-ring").is_hidden() and card(root, step["title"]).is_visible()


def test_a_tour_ends_with_its_widget(kernel):
    kernel.show(SHOW["pipeline_strip"], ".pipeline-strip")
    begin(kernel.page.locator(".pipeline-strip"))
    frames = """async () => {
        const ask = window.requestAnimationFrame, asked = [];
        window.requestAnimationFrame = draw => { asked.push(`${draw}`); return ask(draw); };
        await new Promise(go => setTimeout(go, 300));
        window.requestAnimationFrame = ask;
        return asked.filter(code => code.includes('tourFrame')).length;
    }"""
    assert kernel.page.evaluate(frames) > 2
    kernel.page.evaluate("() => jupyterapp.commands.execute('notebook:clear-cell-output')")
    kernel.page.wait_for_selector(".pipeline-strip", state="detached")
    assert kernel.page.evaluate(frames) == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everyone_can_take_it(opened, dark):
    root = opened(MAKE["pipeline_strip"]())
    learn(root.page)
    root.page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
    root.page.wait_for_selector(f".study-widget[data-theme={'dark' if dark else 'light'}]")
    begin(root)
    for step in STEPS["pipeline_strip"]:
        still(root.page)
        said, looked_at = judged(root.page, ".tour-card")
        assert said == [] and looked_at >= 6
        assert root.page.evaluate("() => [...clipped(document.querySelector('.tour-card')), ...moving('.tour')]") == []
        root.page.keyboard.press("ArrowRight")
    described = root.page.evaluate("""() => {
        const { role, ariaModal } = document.querySelector('.tour-card');
        const text = document.querySelector('.tour-card [aria-live=polite]');
        return [role, ariaModal, text.id === document.querySelector('.tour-card').getAttribute('aria-describedby')];
    }""")
    assert described == ["dialog", None, True]
