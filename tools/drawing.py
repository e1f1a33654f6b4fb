"""The language of the course's diagrams (tools/diagrams.py): boxes, cells, arrows, words, as SVG.

Data is blue and has corners; what computes is orange and round; what comes out, or is new, is green; what to look at is
yellow; both have a thick frame. What is left out is grey, pads are hatched. A card of its own lies under each, so that
it is readable in a light and in a dark notebook. Words that don't fit are an error.
"""
import re
from html import escape

WIDE = 640
STYLE = """
text{font:16px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#20242c}
.m{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}.s{font-size:15px}.b{font-weight:700}
.q{fill:#565d69}.card{fill:#fdfcf9;stroke:#d9d4c8}.data{fill:#e1eef9;stroke:#0b66a8}.work{fill:#fdebd7;stroke:#b95400}
.new{fill:#d9f2e6;stroke:#00714f;stroke-width:2.5}.mark{fill:#fcefb8;stroke:#7d5800;stroke-width:2.5}
.off{fill:#f1efea;stroke:#a8a296}.pad{fill:url(#h);stroke:#8d877b}
.frame{fill:none;stroke:#8d877b;stroke-dasharray:5 4}.grid{fill:none;stroke:#0b66a8;stroke-opacity:.55}
path{stroke-linejoin:round}
.way{fill:none;stroke:#565d69;stroke-width:2;marker-end:url(#a)}
"""
DEFS = ('<defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 10 5 0 10z" fill="#565d69"/></marker><pattern id="h" width="7" height="7" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path fill="#f1efea" d="M0 0h7v7H0z"/>'
        '<path stroke="#cfc9bc" stroke-width="3" d="M0 0v7"/></pattern></defs>')


def width(words: str, look: str = "") -> float:
    "How wide `words` may be at most: as in DejaVu, the widest of the fonts."
    each = .605 if "m" in look.split() else .68 if "b" in look.split() else .6
    return len(words) * each * (15 if "s" in look.split() else 16)


class Drawing:
    "A picture that is `WIDE` and as high as its parts need."
    def __init__(self): self.parts, self.height = [], 0

    def add(self, part: str, bottom: float):
        self.parts.append(part)
        self.height = max(self.height, round(bottom) + 22)

    def text(self, x, y, words, look="", at="middle"):
        "Write `words`, with their middle at the height `y`."
        left = x - width(words, look) * {"start": 0, "middle": .5, "end": 1}[at]
        if left < 8 or left + width(words, look) > WIDE - 8: raise ValueError(f"{words!r} leaves the picture")
        look, at = (f' class="{look}"' if look else ""), (f' text-anchor="{at}"' if at != "start" else "")
        self.add(f'<text x="{x:g}" y="{y + 5:g}"{look}{at}>{escape(words, quote=False)}</text>', y + 8)

    def rect(self, x, y, w, h, kind="data", r=3):
        self.add(f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{r}" class="{kind}"/>', y + h)

    def box(self, x, y, w, h, *lines, kind="work", look=""):
        "A box with `lines`, the first in bold where there are several; its middle below."
        self.rect(x, y, w, h, kind, r=12 if kind == "work" else 3)
        for n, line in enumerate(lines):
            mine = look or ("b" if n == 0 else "s")
            if width(line, mine) + 12 > w: raise ValueError(f"{line!r} doesn't fit into {w}")
            self.text(x + w/2, y + h/2 + 21*(n - (len(lines) - 1)/2), line, mine)
        return x + w/2, y + h

    def cells(self, x, y, words, w, h=32, kinds="data", look="m s", gap=4):
        "A row of cells, one for each of `words`; `kinds` is one kind for all or a list."
        for n, word in enumerate(words):
            kind = kinds if isinstance(kinds, str) else kinds[n]
            self.box(x + n*(w + gap), y, w, h, *[word] if word else [], kind=kind, look=look)

    def way(self, *points, kind="way"):
        "An arrow through `points`, (x, y) each."
        self.face(*points, kind=kind, end="")

    def face(self, *points, kind="data", end="z"):
        "A polygon."
        corners = "L".join(f"{x:g} {y:g}" for x, y in points)
        self.add(f'<path class="{kind}" d="M{corners}{end}"/>', max(y for _, y in points))

    def svg(self, title: str, words: str) -> str:
        style = re.sub(r"\n", "", STYLE)
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{self.height}" '
                f'viewBox="0 0 {WIDE} {self.height}" role="img" aria-labelledby="t d">')
        card = f'<rect class="card" x=".5" y=".5" width="{WIDE - 1}" height="{self.height - 1}" rx="12"/>'
        return "\n".join([head, f'<title id="t">{escape(title)}</title>', f'<desc id="d">{escape(words)}</desc>',
                          f"<style>{style}</style>", DEFS, card, *self.parts, "</svg>\n"])
