"axe-core, for a page: what it holds against what stands there."
import npm
from driver import HELPERS

AXE = """async at => {
    const { overflow } = document.body.style;
    document.body.style.overflow = 'visible'; // axe holds all that is in JupyterLab's body, 0 px high, for cut off
    const { violations, passes } = await axe.run(at);
    document.body.style.overflow = overflow;
    const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    return [bad.flatMap(({ id, nodes }) => nodes.map(n => [id, n.html, n.failureSummary].join('\\n'))),
            passes.find(({ id }) => id === 'color-contrast')?.nodes.length ?? 0];
}"""


def learn(page):
    "Give `page` axe and the helpers."
    if not page.evaluate("() => 'axe' in window && 'overlaps' in window"):
        page.add_script_tag(path=npm.fetched("axe-core", "4.14.1") / "axe.min.js")
        page.add_script_tag(path=HELPERS / "accessibility.js")


def judged(page, at: str) -> tuple[list[str], int]:
    "What axe says of `at` that is serious or critical, and how many texts have a contrast that is good enough."
    return page.evaluate(AXE, at)
