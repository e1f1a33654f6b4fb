"The sessions' slides: what each session marks."
import re

import nbformat, pytest, slides
from places import NBS


def marked(session: str) -> list[list]:
    "What each slide of `session` shows, cell by cell."
    cells = slides.shown(nbformat.read(NBS / f"{session}.ipynb", as_version=4))
    found = [[]]
    for c in cells:
        if slides.mark(c) in ("slide", "subslide"): found.append([])
        found[-1].append(c)
    return found[1:]


def holds(c) -> bool:
    "Whether `c` shows more than a heading."
    return slides.mark(c) != "notes" and bool(re.sub(r"(?m)^#+ .*", "", c.source).strip() or c.get("outputs"))


@pytest.mark.parametrize("session", slides.settings().sessions)
def test_session_has_slides_for_an_evening(session):
    pages = marked(session)
    assert 20 <= len(pages) <= 35
    assert [page[0].source for page in pages if not any(map(holds, page))] == []
