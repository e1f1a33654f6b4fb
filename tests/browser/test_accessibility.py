"""Every widget for everyone's eyes and hands: axe's rules, both themes, little room, the keyboard alone, no motion."""
import pytest
from axe import judged, learn
from driver import still
from screenshots import PICTURES

QUIZ = """[[question]]
ask = "What does `[CLS]` do?"
[[question.answer]]
text = "It starts the text."
right = true
why = "Its vector is what the head looks at."
[[question.answer]]
text = "It ends the text."
why = "That is `[SEP]`: `[CLS]` stands first."
[[question]]
ask = "What does a model get?"
[[question.answer]]
text = "ids"
right = true
why = "A number a token."
[[question.answer]]
text = "an attention mask"
right = true
why = "It tells tokens from pads."
"""
SHOW_QUIZ = f"""from pathlib import Path
from study_group.widgets.quiz import Quiz
Path("own.toml").write_text({QUIZ!r})
quiz = Quiz("own.toml")
quiz._checks = [[[1]], []]
quiz"""
WIDGETS = {**PICTURES, "quiz": SHOW_QUIZ}
SIZE, NARROW, ZOOMED = dict(width=1400, height=1000), dict(width=400, height=900), dict(width=640, height=800)


@pytest.fixture(scope="module", params=[name if name == "token_strip" else pytest.param(name, marks=pytest.mark.extra)
                                        for name in WIDGETS])
def shown(kernel, request):
    "The widget, shown once for all tests of it: its class in the page."
    learn(kernel.page)
    name = "." + request.param.replace("_", "-")
    kernel.show(WIDGETS[request.param], name)
    kernel.page.mouse.move(0, 0)
    kernel.page.wait_for_function("at => document.querySelector(at).ariaBusy !== 'true'", arg=name)
    return name


@pytest.fixture
def widget(shown, lab):
    "The same; the page gets its size, theme and motion back."
    yield shown
    lab.page.emulate_media(reduced_motion="no-preference")
    lab.page.set_viewport_size(SIZE)


def ask(lab, function: str, widget: str):
    "What a helper says of the widget."
    return lab.page.evaluate(f"at => {function}(document.querySelector(at))", widget)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_has_nothing_serious_to_say(widget, lab, dark):
    lab.dark(dark)
    lab.page.wait_for_selector(f"{widget}[data-theme={'dark' if dark else 'light'}]")
    still(lab.page)
    said, looked_at = judged(lab.page, widget)
    assert said == [] and looked_at > 10  # so many texts have a contrast that is good enough


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_has_nothing_serious_to_say_of_the_static_form(widget, lab, chrome, dark):
    html = next("".join(o["data"]["text/html"]) for o in lab.outputs()[-1] if "text/html" in o.get("data", {}))
    style = "font: 15px sans-serif; " + ("color: #eee; background: #111" if dark else "color: #222; background: #fff")
    page = chrome.new_page(viewport=NARROW)
    page.set_content(f'<!doctype html><html lang="en"><title>A widget</title><body style="{style}"><main>{html}</main>')
    learn(page)
    said, looked_at = judged(page, "main")
    assert said == [] and looked_at > 5
    assert page.evaluate("() => document.documentElement.scrollWidth") <= NARROW["width"]
    page.close()


@pytest.mark.parametrize("size", [NARROW, ZOOMED], ids=["400 px", "200 %"])
def test_little_room_is_enough(widget, lab, size):
    lab.page.set_viewport_size(size)
    still(lab.page)
    assert [ask(lab, name, widget) for name in ("spills", "clipped", "overlaps")] == [[], [], []]


def walked(lab, widget: str) -> list[dict]:
    "Where Tab leads in the widget, and the arrow keys from there."
    page, stops = lab.page, {}
    session = page.context.new_cdp_session(page)

    def look() -> dict | None:
        if (stop := ask(lab, "focused", widget)) and stop["id"] not in stops:
            at = session.send("Runtime.evaluate", dict(expression="document.activeElement"))["result"]["objectId"]
            node = session.send("Accessibility.getPartialAXTree", dict(objectId=at, fetchRelatives=False))["nodes"][0]
            stops[stop["id"]] = stop | {key: node.get(key, {}).get("value") for key in ("role", "name")}
        return stop

    def press(key: str):
        page.keyboard.press(key)
        return look()

    def go(key: str):
        "Press the key until it leads to nothing new."
        been, stop = set(), look()
        while stop["id"] not in been:
            been.add(stop["id"])
            stop = press(key)

    page.evaluate("""at => {
        const before = document.createElement('button');
        window.reached = window.numbers = undefined;
        document.querySelector(at).before(before);
        before.focus();
        window.before = before;
    }""", widget)
    while (stop := press("Tab")) and len(stops) < 1000:
        if stop["kind"]: continue
        go("ArrowUp")
        lines = set()
        while (stop := look())["id"] not in lines:
            lines.add(stop["id"])
            for key in ("ArrowRight", "ArrowLeft"): go(key)
            press("ArrowDown")
    page.evaluate("() => before.remove()")
    session.detach()
    return list(stops.values())


def test_the_keyboard_reaches_all(widget, lab):
    stops = walked(lab, widget)
    unreached = "at => hands(document.querySelector(at)).filter(node => !reached.has(node)).map(node => node.outerHTML)"
    missed = lab.page.evaluate(unreached, widget)
    assert len(stops) > 1 and missed == []
    assert [s for s in stops if s["unseen"]] == []
    assert [s for s in stops if not s["name"] or s["role"] in ("generic", "none")] == []


def test_nothing_moves_for_who_wants_no_motion(widget, lab):
    assert lab.page.evaluate("at => moving(at)", widget) == lab.page.evaluate("() => moving('.study-widget')") == []
    lab.page.emulate_media(reduced_motion="reduce")
    moves = "at => [...document.querySelectorAll(`${at} *`)].some(n => getComputedStyle(n).animationName !== 'none')"
    assert not lab.page.evaluate(moves, widget)
