"""Numbers in a notebook's prose: each is made or asserted by a cell of its own section, from heading to heading.

A number of one or two digits is everywhere by chance, so it needs more: an assertion that has it, and that has one of
the words next to it in the prose, too, in a name, a text or a comment (`test_eq(n_pads, 8)` for "the row has 8 pads").
And where a section has a number and its neighbour, 8 and 9, beside the same words, the assertion says which is which:
it quotes the prose, up to the next comma or so (`test_eq(pads, [8, 9])  # 8 pads on the left`).
"""
import ast, random, re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import nbformat, pytest
from places import NBS

NOTEBOOKS = sorted(set(NBS.rglob("*.ipynb")) - {NBS / "host.ipynb"})
NUMBER = re.compile(r"(?<![\w./#-])\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?:\s*(%|MB|kB|GB|million|ms))?")
PRINTED = re.compile(r"(?<![\w.#])\d[\d,_]*+(?:\.\d+)?+(?:e[+-]?\d+)?+(?![A-Za-z])")
UNITS = {"%": (.01,), "kB": (1e3, 2**10), "MB": (1e6, 2**20), "GB": (1e9, 2**30), "million": (1e6,), "ms": (1e-3,)}
STYLING = re.compile(r"<\w|\d(?:px|em|rem|vh|vw)\b|#[0-9a-fA-F]{3,8}\b|base64")
BLOCK = re.compile(r"\||\n\s*\n|\n\s*[-*]\s")
SENTENCE, CLAUSE = r"[.!?](?=\s|$)", r"[.!?,;:](?=\s|$)|[()]"  # where they end
COMMON = set("""a about all also and any are but can could does each for from has have here how into its just like more
    most not one only other our out over same than that the their them then there they this too two was what when where
    which while who will with would you your""".split())
NOT_PROSE = [r"(?ms)^```.*?^```", r"(?m)^#+ .*$",
             r"(?m)^!\[.*\]\(\S*images/diagrams/\S+\)(?:\s+<details>.*</details>$)?",  # has a test of its own
             r"(?<=\*\* )\*\d+ minutes(?:, at home)?\.?\*",  # what an exercise takes
             r"(?m)^\s*(?:\*\*)?\d+\. ",
             r"\[[\d.]+\]\([^)]*\)", r"\]\([^)]*\)", r"https?://\S+", r"arXiv:\S+",  # links
             r"\\\w+",  # names in formulas
             r"(?<![.,\d])(?:19|20)\d\d\b(?![.,]\d)",  # years
             r"\*\*\d+\*\*",
             r"(?i)\b(?:session|step|stage|exercise|issue|chapter|section|part|equation|table|figure|footnote|python"
             r"|notebook|version)s?\s+\(?\d[\d.]*(?:(?:,|\s+and|\s+to|–)\s*\d[\d.]*)*",
             r"(?m)(?<=\|)[\s*\d,.]+(?=\|)"]  # a table's cell that only names or counts off
EXCEPT = {  # notebook → {a number as it stands there: why no cell gives it}
    "index": {"7": "gigabytes that pip brings, most of them for torch: no test installs it",
              "2": "gigabytes without GPU libraries: what is there (7, of which CUDA 4.9), less those",
              "50": "the course's size, which tests/course/test_wheel.py limits"},
    "transformer_in_javascript": {
        "0.00002": "tests/library/test_live_model.py compares every stage",
        "1,112,064": "tests/library/test_live_tokenizer.py goes through them all"},
    "under_the_hood/widgets/live": dict.fromkeys(["45", "42", "56", "43"], "megabytes, as files and pages grow: what "
                                                 "weights_info tells, and a third more in base64"),
    "under_the_hood/core/data": {"23,700": "tests/library/test_data.py counts them, with a network"},
}


def blank(source: str, *patterns: str) -> str:
    "Put blanks for what `patterns` match in `source`; lines and places stay."
    for pattern in patterns: source = re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m[0]), source)
    return source


def prose(source: str) -> str:
    "Blank out code blocks, headings, links, years, and the numbers that only count off or name."
    return blank(source, *NOT_PROSE)


def sections(nb) -> list[tuple[list, list]]:
    "Cut `nb` at its headings, of whatever level: (cell, from, to) for each piece of prose, and the code cells."
    found = [([], [])]
    for cell in nb.cells:
        if cell.cell_type == "code": found[-1][1].append(cell)
        if cell.cell_type != "markdown": continue
        headings = re.finditer(r"(?m)^#+ ", blank(cell.source, NOT_PROSE[0]))
        cuts = [0, *(m.start() for m in headings), len(cell.source)]
        for i, (start, end) in enumerate(zip(cuts, cuts[1:])):
            if i: found.append(([], []))
            found[-1][0].append((cell, start, end))
    return found


def words(text: str) -> list[str]:
    "List the beginnings of the words in `text`, names in code taken apart, without those of every sentence."
    parts = re.findall(r"[^\W\d_]{3,}", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))
    return [part.lower()[:4] for part in parts if part.lower() not in COMMON]


def to_number(text: str) -> int | float:
    text = text.replace(",", "").replace("_", "")
    return int(text) if text.isdecimal() else float(text)


def printed(text: str) -> set: return set(map(to_number, PRINTED.findall(text)))


def literals(node: ast.AST, texts: bool) -> set:
    "Find the numbers in an expression, constant sums and products too; not its indices; in its `texts` if asked."
    if isinstance(node, (ast.Subscript, ast.FormattedValue)): return literals(node.value, texts)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return printed(node.value) if texts and not STYLING.search(node.value) else set()
    if isinstance(node, ast.Constant): return {node.value} if type(node.value) in (int, float) else set()
    found = set().union(*(literals(child, texts) for child in ast.iter_child_nodes(node)
                          if not isinstance(child, (ast.stmt, ast.excepthandler))))
    if isinstance(node, ast.BinOp) and re.fullmatch(r"[\d.e+*/() -]+", ast.unparse(node)):
        with suppress(ZeroDivisionError): found.add(eval(ast.unparse(node)))
    return found


def checks(tree: ast.AST) -> set:
    "Find the statements in `tree` that assert: `assert`, fastcore's `test_…`, all of an exercise's `check_…`."
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("check_"): found |= set(ast.walk(node))
        if isinstance(node, ast.Assert) or isinstance(node, ast.Expr) and ast.unparse(node).startswith("test_"):
            found.add(node)
    return found


class Line(NamedTuple):
    "A statement, or a line that is printed: its numbers, its words, all that it says, and whether it asserts."
    numbers: set; words: set = set(); tokens: tuple = (); asserts: bool = False

    def quotes(self, tokens: tuple) -> bool:
        n = len(tokens)
        return n > 1 and any(self.tokens[i:i + n] == tokens for i in range(len(self.tokens)))


def stated(cells) -> list[Line]:
    "List the statements and the printed lines of `cells` that have numbers."
    found = []
    for cell in cells:
        lines = [re.sub(r"^( *)[%!].*", r"\1pass", line) for line in cell.source.splitlines()]
        asserting = checks(tree := ast.parse("\n".join(lines)))
        for node in ast.walk(tree):
            if not isinstance(node, ast.stmt): continue
            first, last = node.lineno - 1, node.lineno if hasattr(node, "body") else node.end_lineno
            while first and lines[first - 1].lstrip().startswith("# "): first -= 1  # the comment above it
            text = "\n".join(lines[first:last])
            asserts = node in asserting
            found.append(Line(literals(node, asserts), set(words(text)), tuple(quotable(text)), asserts))
        for out in cell.outputs:
            text = out.get("text", "") if out.get("name") == "stdout" else out.get("data", {}).get("text/plain", "")
            found += [Line(printed(line)) for line in text.splitlines()]
    return [line for line in found if line.numbers]


def beside(text: str, start: int, end: int) -> tuple[set, tuple]:
    "Find the two words before, and the two after, a number in `text`; and how it is quoted, in its clause."
    before, after = BLOCK.split(text[:start])[-1], BLOCK.split(text[end:])[0]
    def around(limit, parts): return parts(re.split(limit, before)[-1]), parts(re.split(limit, after)[0])
    names, quotation = around(SENTENCE, words), around(CLAUSE, quotable)
    if not any(names): names = words(before), words(after)
    if not any(quotation): quotation = quotable(before), quotable(after) if not before.strip() else []
    return {*names[0][-2:], *names[1][:2]}, (*quotation[0][-1:], *quotable(text[start:end]), *quotation[1][:1])


def quotable(text: str) -> list[str]:
    "List the words and numbers of `text`, in small letters."
    return [token.rstrip(",") for token in re.findall(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?|[^\W\d_]+", text.lower())]


def gives(numbers: set, word: str, unit: str | None) -> bool:
    "Say whether one of `numbers` is `word`: a whole one exactly, others at the precision they are written with."
    value, half = to_number(word), .5001 * 10.0**-len(word.partition(".")[2])
    if value in numbers: return True
    units = (*UNITS.get(unit, ()), *([1] if "." in word else ()))
    return any((value - half)*u <= n <= (value + half)*u for n in numbers for u in units)


def given(lines: list, word: str, unit: str | None, names: set) -> bool:
    "Say whether one of `lines` has the number; a short one needs an assertion with one of `names`, too."
    small = len(re.sub(r"\D", "", word).lstrip("0")) <= 2
    return any(gives(line.numbers, word, unit) and (not small or line.asserts and names & line.words) for line in lines)


def bound(lines: list, word: str, unit: str | None, names: set, quotation: tuple) -> bool:
    "Say whether `lines` give the number and neither of its neighbours, or an assertion of it quotes the prose."
    if any(line.asserts and gives(line.numbers, word, unit) and line.quotes(quotation) for line in lines): return True
    return given(lines, word, unit, names) and not any(given(lines, other, unit, names) for other in neighbours(word))


def neighbours(word: str) -> list[str]:
    "Write one more and one less than the number `word`, in its last digit or its exponent."
    digits, power, exponent = word.partition("e")
    if power: return [f"{digits}e{int(exponent) + step}" for step in (1, -1)]
    places = len(word.partition(".")[2])
    values = [Decimal(word.replace(",", "")) + step*Decimal(10)**-places for step in (1, -1)]
    return [f"{value:{',' * (',' in word)}.{places}f}" for value in values if value >= 0]


def numbers(cell, start: int, end: int) -> list[tuple]:
    "List the numbers of a piece of prose: where it begins in its cell, its digits, its unit, what is `beside` it."
    text, found = prose(cell.source)[:end], []
    for match in NUMBER.finditer(text, start):
        word = match[0].removesuffix(match[1] or "").strip().rstrip(",")
        found.append((match.start(), word, match[1], *beside(text, match.start(), match.start() + len(word))))
    return found


def unbound(nb) -> list[str]:
    "List the numbers in the prose of `nb` that no cell of their section gives."
    found = []
    for pieces, cells in sections(nb):
        lines = stated(cells)
        for cell, start, end in pieces:
            for at, word, *rest in numbers(cell, start, end):
                context = " ".join(cell.source[max(start, at - 60):at + len(word) + 30].split())
                quoted = " ".join(rest[-1])
                if not bound(lines, word, *rest): found.append(f"{word} in …{context}… (quoted: {quoted})")
    return found


def left_over(path: Path, nb) -> list[str]:
    "List what is `unbound` in `nb`, the notebook at `path`, but for the exceptions."
    allowed = EXCEPT.get(path.relative_to(NBS).with_suffix("").as_posix(), {})
    return [f for f in unbound(nb) if f.split(" in …")[0] not in allowed]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.relative_to(NBS).as_posix())
def test_a_cell_gives_each_number(path):
    nb = nbformat.read(path, as_version=4)
    assert left_over(path, nb) == []
    allowed = EXCEPT.get(path.relative_to(NBS).with_suffix("").as_posix(), {})
    assert allowed.keys() <= {f.split(" in …")[0] for f in unbound(nb)}, "an exception that isn't needed"


ROUGH = re.compile(r"(?i)\b(?:about|above|almost|around|at least|at most|below|fewer than|hardly|less than|more than"
                   r"|near|nearer to|nearly|of some|over|perhaps|somewhere|under|(?<!add )up to)\s+$")


def changeable(nb) -> list[tuple]:
    "List the numbers in the prose of `nb` that are wrong with another last digit, as (cell, where, digits)."
    return [(cell, at, word) for pieces, _ in sections(nb) for cell, start, end in pieces
            for at, word, *_ in numbers(cell, start, end) if not ROUGH.search(prose(cell.source)[:at])]


@pytest.mark.extra
def test_a_change_is_noticed():
    "Change 60 numbers of the prose, each alone, by one in its last digit: the lint misses six at most."
    read = {path: nbformat.read(path, as_version=4) for path in NOTEBOOKS}
    places = [(path, n) for path, nb in read.items() for n in range(len(changeable(nb)))]
    chance, missed = random.Random(60), []
    for path, n in chance.sample(places, 60):
        cell, at, word = changeable(nb := nbformat.read(path, as_version=4))[n]
        other = chance.choice(neighbours(word))
        cell.source = cell.source[:at] + other + cell.source[at + len(word):]
        if not left_over(path, nb): missed.append(f"{path.name}: {other} in {cell.source[max(0, at - 60):at + 30]!r}")
    assert len(missed) <= 6, "\n".join(missed)


CHECKS = "test_eq(len(vocab), 30_522); print(0.98111)\ntest_eq((n_words, 3), (8, 2*256))  # three tokens: 3 dogs\n"
HTML = nbformat.v4.new_output("display_data", {"text/html": "<td style='width:640px'>555</td>",
                                               "text/plain": "444 trees"})


@pytest.mark.parametrize("text, missing", [
    ("It has 30,522 tokens.", []), ("It has 30,523 tokens.", ["30,523"]),
    ("98.1 % sure", []), ("98.2 % sure", ["98.2"]), ("0.981 in all", []), ("| 1, 3 | 7 |", []), ("| 7 cats |", ["7"]),
    ("since 2019, in session 9, table 4", []), ("off by 0.2019", ["0.2019"]), ("```\n77\n```", []),
    ("about 31 million", ["31"]),
    ("**1. Cut.** *35 minutes, at home.* Cut 36 cats.", ["36"]), ("It takes *35 minutes.*", ["35"]),
    ("![77 cats](images/diagrams/x.svg)\n\n<details><summary>x</summary><p>78 cats</p></details>\n79 cats", ["79"]),
    ("![77 cats](images/x.svg)\n\n<details>78 dogs</details>", ["77", "78"]),
    ("512 words", []), ("444 trees", []),                             # a product; what is printed
    ("555 trees", ["555"]), ("640 trees", ["640"]),                   # HTML
    ("123 words", ["123"]), ("777 words", ["777"]), ("999 words", ["999"]),  # styling, an index, another section
    ("8 words", []), ("9 words", ["9"]), ("8 trees", ["8"]),          # a small number needs an assertion, and a word
    ("5 words", ["5"]), ("6 birds", ["6"]),                           # made, or printed, is too little for it
    ("3 dogs", []), ("4 tokens", ["4"]),
    ("61 keys", ["61"]), ("62 doors", []), ("63 doors", [])])         # which of two neighbours? A quotation says
def test_the_lint_sees(text, missing):
    code = CHECKS + """words = range(5); look = "width:123px"; print(lines[777], "6 birds")
test_eq((keys, locks), (61, 60))
test_eq(hinges, (62, 63))  # 62 doors, or 63 doors"""
    cells = [nbformat.v4.new_markdown_cell(f"# A\n{text}"), nbformat.v4.new_code_cell(code, outputs=[HTML]),
             nbformat.v4.new_markdown_cell("## B"), nbformat.v4.new_code_cell("test_eq(n_words, 999)")]
    assert [f.split(" in …")[0] for f in unbound(nbformat.v4.new_notebook(cells=cells))] == missing
