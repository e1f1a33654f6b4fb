"""Write nbs/cheat_sheet.ipynb from the sessions' recaps, or with --check say whether it is in step."""
import sys
from hashlib import sha256
from pathlib import Path

from fastcore.nbio import dict2nb, nb2str, read_nb

from study_group.core.settings import session_number, settings

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "nbs/cheat_sheet.ipynb"
TITLE = """# Cheat sheet

> The course on one sheet: five lines of code, five sentences and the trap of each session. Printed, it has two sides.

Written by `make sync` from the sessions' recaps."""


def markdown(text: str) -> dict:
    id = sha256(text.encode()).hexdigest()[:8]
    return dict(cell_type="markdown", id=id, metadata={}, source=text.splitlines(True))


def recap(name: str, title: str) -> str:
    "The recap of the session `name` under its `title`: what the cells `recap-code` and `recap` hold."
    cells = {c.id: c.source for c in read_nb(ROOT / f"nbs/{name}.ipynb").cells}
    return (f"## {session_number(name)} · {title}\n\n```python\n{cells['recap-code']}\n```\n\n{cells['recap']}\n\n"
            f"[All of it]({name}.ipynb)")


def sheet() -> str:
    cells = [markdown(TITLE), *(markdown(recap(*session)) for session in settings().sessions.items())]
    kernel = dict(display_name="python3", language="python", name="python3")
    return nb2str(dict2nb(dict(cells=cells, metadata=dict(kernelspec=kernel), nbformat=4, nbformat_minor=5)))


def main() -> int:
    if "--check" in sys.argv: return not PAGE.exists() or PAGE.read_text(encoding="utf-8") != sheet()
    PAGE.write_text(sheet(), encoding="utf-8")
    return 0


if __name__ == "__main__": sys.exit(main())
