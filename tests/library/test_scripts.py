"Scripts share one scope when they are put together: no name may stand for two things in it."
import re, subprocess

import npm, pytest
from every_widget import MAKERS

from study_group.widgets.engine import engine_script
from study_group.widgets.scripts import bundle, static_text


def names(script: str) -> list[str]:
    "What `script` declares at its top level, as JavaScript reads it: the error where a name is there twice."
    done = subprocess.run([npm.command("node"), "--input-type=module", "--check"], input=script, capture_output=True,
                          encoding="utf-8")
    return re.findall(r"SyntaxError: (.*)", done.stderr)


def test_a_name_that_is_there_twice_is_found():
    assert names("function count() {}\nfunction count() {}") == ["Identifier 'count' has already been declared"]


@pytest.mark.parametrize("widget", [module for module, *_ in MAKERS.values()])
def test_each_widgets_scripts_go_together_in_a_page(widget):
    known = {}
    own = f'import {{ study }} from "./study_widget.js";\n{static_text(f"{widget}.js")}'
    script = bundle(own, f"{widget}.js", known)
    for page in ("study_page.js", "attention_page.js"): script += bundle(static_text(page), page, known)
    assert names(script) == []


def test_the_engines_scripts_go_together():
    assert names(bundle(static_text("live/engine.js"), "live/engine.js", {})) == []


def test_the_engine_is_one_plain_script():
    script = engine_script({})
    assert names(script) == [] and "</script" not in script
