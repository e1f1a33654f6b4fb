"""Numbers in a notebook's prose: each is one that a cell of the notebook states, asserts or prints."""
import json, re
from bisect import bisect_left

import nbformat, pytest
from places import NBS

NUMBER = re.compile(r"(?<![\w./#-])\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?:\s*(%|MB|kB|GB|million|ms))?")
UNITS = {"%": (.01,), "kB": (1e3, 2**10), "MB": (1e6, 2**20), "GB": (1e9, 2**30), "million": (1e6,), "ms": (1e-3,)}
NOT_PROSE = [r"(?ms)^```.*?^```", r"(?m)^#+ .*$", r"(?m)^\s*(?:\*\*)?\d+\. ",
             r"\]\([^)]*\)", r"https?://\S+", r"arXiv:\S+",
             r"\b(?:19|20)\d\d\b",  # years
             r"\*\*\d+\*\*",
             r"(?m)(?<=\|)[\s*\d,.]+(?=\|)",  # a table's cell that only names or counts off
             r"(?i)\b(?:session|step|exercise|issue|chapter|section|python|version|part)s?\s+"
             r"\d[\d.]*(?:(?:,| and| to|–) \d+)*"]
EXCEPT = {  # notebook → {a number as it stands there: why no cell gives it}
    "index": {"50": "the course's size, which tests/course/test_wheel.py limits",
              "90": "minutes, added up in tests/course/test_course.py"},
    "03_tokenizers": {"256": "2**8, the bytes", "0.000389": "the product of another course's wrong numbers"},
    "04_padding_and_masks": {"1,024": "2 × 512; under_the_hood/padding_table asserts it"},
    "solutions/03_tokenizers": {"99": "the exercise's own number", "256": "2**8, the bytes"},
    "solutions/04_padding_and_masks": {"32": "the exercise's own number"},
    "solutions/07_homework": {"0.854": "the exercise's own number"},
    "07_homework": {"300": "tests/library/test_data.py counts them", "2.2": "a chapter", "2.3": "a chapter",
                    "2.4": "a chapter", "2.5": "a chapter",
                    "86.0": "an exercise's example"},
    "under_the_hood/attention_grid": {"38": "12*12*512*512, in millions"},
    "under_the_hood/token_strip": {"10,000": "a size to imagine", "2,000": "a size to imagine"},
    "under_the_hood/tokenizer_race": {"45": "five tokenizers at nine sizes"},
    "under_the_hood/wordpiece": {"30,522": "sessions 1 and 3 count them"},
    "under_the_hood/data": {"23,700": "tests/library/test_data.py counts them, with a network"},
}


def prose(source: str) -> str:
    "Markdown without its code blocks, headings, links, years, and the numbers that only count off or name."
    for pattern in NOT_PROSE: source = re.sub(pattern, " ", source)
    return source


def stated(nb) -> list[float]:
    "Every number in the code and the text outputs of `nb`, in order."
    found = set()
    for cell in nb.cells:
        if cell.cell_type != "code": continue
        text = cell.source.replace("_", "") + "\n" + json.dumps([o for o in cell.outputs])
        text = re.sub(r"data:image/png;base64,[\w+/=]+|\"image/png\": \"[^\"]*", "", text)
        found |= {float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?", text)}
    return sorted(found)


def unbound(nb) -> list[str]:
    "The numbers in the prose of `nb` that none of its cells gives, at the precision they are written with."
    numbers, found = stated(nb), []
    for cell in nb.cells:
        if cell.cell_type != "markdown": continue
        for match in NUMBER.finditer(text := prose(cell.source)):
            word = match[0].removesuffix(match[1] or "").strip().rstrip(",")
            value, half = float(word.replace(",", "")), .5001 * 10.0**-len(word.partition(".")[2])
            units = 1, *UNITS.get(match[1], ())
            if not any(near(numbers, (value - half)*unit, (value + half)*unit) for unit in units):
                found.append(f"{word} in …{' '.join(text[max(0, match.start() - 60):match.end() + 30].split())}…")
    return found


def near(numbers: list[float], low: float, high: float) -> bool:
    "Whether one of the sorted `numbers` is between `low` and `high`."
    at = bisect_left(numbers, low)
    return at < len(numbers) and numbers[at] <= high


@pytest.mark.parametrize("path", sorted(set(NBS.rglob("*.ipynb")) - {NBS / "host.ipynb"}),
                         ids=lambda p: p.relative_to(NBS).as_posix())
def test_a_cell_gives_each_number(path):
    allowed = EXCEPT.get(path.relative_to(NBS).with_suffix("").as_posix(), {})
    found = unbound(nbformat.read(path, as_version=4))
    assert [f for f in found if f.split(" in …")[0] not in allowed] == []
    assert allowed.keys() <= {f.split(" in …")[0] for f in found}, "an exception that isn't needed"


@pytest.mark.parametrize("text, missing", [
    ("It has 30,522 tokens.", []), ("It has 30,523 tokens.", ["30,523"]),
    ("98.1 % sure", []), ("98.2 % sure", ["98.2"]), ("0.98 in all", []), ("| 1, 3 | 7 |", []), ("| 7 cats |", ["7"]),
    ("since 2019, in session 9", []), ("```\n77\n```", []), ("about 31 million", ["31"])])
def test_the_lint_sees(text, missing):
    code = "test_eq(len(vocab), 30_522); print(0.98111)"
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(code)]
    assert [f.split(" in …")[0] for f in unbound(nbformat.v4.new_notebook(cells=cells))] == missing
