"""Write README.md from nbs/index.ipynb, or with --check say whether it is in step."""
import re, sys
from pathlib import Path

from fastcore.nbio import read_nb

from study_group.command.sync import WRITTEN

ROOT = Path(__file__).parent.parent
NOTE = "<!-- Written by `make readme` from nbs/index.ipynb: edit that. -->\n\n"


def markdown(cell) -> str:
    "A markdown cell with links that work from the repository's root, where README.md is."
    text = re.sub(r"\]\((?!https?:|#)([^)]+)\)", lambda m: f"](nbs/{m[1]})", cell.source)
    return text.replace("](nbs/../", "](")


def code(cell) -> str:
    "A code cell and the text it prints, each fenced."
    out = "".join("".join(o.get("text", o.get("data", {}).get("text/plain", ""))) for o in cell.outputs)
    return f"```python\n{cell.source}\n```" + (f"\n\n```\n{out.rstrip()}\n```" if out else "")


def readme() -> str:
    cells = [c for c in read_nb(ROOT / "nbs/index.ipynb").cells
             if c.id not in WRITTEN and "live" not in c.metadata.get("tags", [])]  # what is nothing without a widget
    return NOTE + "\n\n".join(markdown(c) if c.cell_type == "markdown" else code(c) for c in cells) + "\n"


def main() -> int:
    path = ROOT / "README.md"
    if "--check" in sys.argv: return path.read_text(encoding="utf-8") != readme()
    path.write_text(readme(), encoding="utf-8")
    return 0


if __name__ == "__main__": sys.exit(main())
