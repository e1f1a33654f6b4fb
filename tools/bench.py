"""Measure what the course claims of its speed, each figure beside a peer's in the same run: one table, in Markdown.

    python tools/bench.py                          # everything
    python tools/bench_padding.py --one-thread     # a part; the parts say which options they have

Times depend on the machine, and on what else it does; ratios less. Whole lines of it may be quoted, single cells not.
"""
import subprocess, sys
from pathlib import Path

PARTS = "pipeline", "tokenizers", "padding", "attention", "attributions", "live"
HEAD = "what", "ours", "the peer's", "times better", "and"
WIDTHS = 48, 16, 30, 12


def line(cells) -> str:
    cells = [*map(str, cells)]
    return "| " + " | ".join([*(c.ljust(w) for c, w in zip(cells, WIDTHS)), *cells[len(WIDTHS):]]) + " |"


def row(what: str, ours: float, theirs: float | None, peer: str, unit: str = "s", more: str = ""):
    "Print a line of the table: `ours` beside `theirs`, of which less is better."
    def say(x): return "–" if x is None else f"{x:,.{0 if x >= 100 else 1 if x >= 10 else 2}f} {unit}"
    ratio = f"{theirs/ours:,.{0 if theirs >= 100*ours else 2}f}" if theirs else "–"
    print(line([what, say(ours), f"{say(theirs)} {peer}" if theirs else peer, ratio, more]), flush=True)


if __name__ == "__main__":
    print(f"{line(HEAD)}\n{line('-'*width for width in (*WIDTHS, 3))}", flush=True)
    done = [subprocess.run([sys.executable, Path(__file__).with_name(f"bench_{part}.py")]) for part in PARTS]
    sys.exit(any(part.returncode for part in done))
