"""How long a session takes: for the evening with a group, and for what is left to do at home.

    python tools/minutes.py [--report]   # a line for each session; exit code 1 where an evening is over 90 minutes (!)
    python tools/minutes.py SESSION      # a line for each of its sections
    python tools/minutes.py --write      # put the minutes into the tables of the front page and the host's page
    python tools/minutes.py --check      # exit code 1 where those tables say other minutes, too

A section whose heading begins with "At home: " is for home, with all below it; everything else is for the evening. An
exercise says its minutes behind its title, and whether it is for home: `**2. Flip a bit.** *10 minutes, at home.*`
Folded code takes no time, what it shows does. The rates are those of a newcomer who reads English as a second language.
"""
import argparse, ast, re, sys, tomllib
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from check import ROOT, anchor
from study_group.course import settings

HOME = "At home: "
LIMIT = 90  # minutes of an evening
STORY, CHECK, OUTPUT, WIDGET, PREDICT, QUESTION, WORD = 10/60, 2/60, 15/60, 5, 1.5, 36/60, 1/200  # minutes each
UNSAID = 10  # minutes of an exercise that doesn't say
HEADING, EXERCISE = r"(#{1,6}) (.*)", r"\*\*\d+\. [^*]*\*\*(?:\s+\*(\d+) minutes(, at home)?\.?\*)?"


@dataclass
class Section:
    "A heading and what follows, up to the next; `minutes` has two numbers, for the evening and for home."
    title: str
    level: int
    home: bool    # its own heading is marked, or one above it
    minutes: list[float] = field(default_factory=lambda: [0., 0.])
    n_cells: int = 0  # visible cells of the story's code
    exercises: list[int | None] = field(default_factory=list)  # their minutes, None: it doesn't say


def prose_minutes(text: str) -> float:
    "The minutes of Markdown, without addresses, HTML and what is folded; a picture takes as long as a cell's output."
    n_pictures, n_guesses = (len(re.findall(p, text)) for p in (r"!\[.*?\]\(", r"\*\*Predict\s+first[:.]"))
    text = re.sub(r"(?s)<details>.*?</details>|<[^>]+>|!\[.*?\]\([^)]*\)|(?<=\])\([^)]*\)", "", text)
    return sum(any(map(str.isalnum, word)) for word in text.split())*WORD + n_pictures*OUTPUT + n_guesses*PREDICT


def is_check(cell) -> bool:
    "Whether at least half of what `cell` states is asserted, and it shows nothing."
    try: body = ast.parse(cell.source).body
    except SyntaxError: return False  # a magic
    checks = [any(isinstance(n, ast.Assert) or getattr(n, "id", "").startswith(("test_", "expect_fail"))
                  for n in ast.walk(statement)) for statement in body]
    return not cell.outputs and 2*sum(checks) >= len(checks) > 0


def code_minutes(cell) -> tuple[float, bool]:
    "The minutes of a code cell, and whether it is a visible one of the story."
    if quiz := re.search(r'(?m)^Quiz\("(\w+)"\)', cell.source):  # each question, all answers, why the right one is
        questions = tomllib.loads((ROOT / f"study_group/assets/quizzes/{quiz[1]}.toml").read_text("utf-8"))["question"]
        read = [text for q in questions for a in q["answer"] for text in (a["text"], a["why"]*a.get("right", False))]
        return len(questions)*QUESTION + prose_minutes(" ".join(read + [q["ask"] for q in questions])), False
    view, lines = cell.metadata.get("jupyter", {}), [line for line in cell.source.splitlines() if line.strip()]
    directives = [line.removeprefix("#|").strip() for line in lines if line.startswith("#|")]
    n = 0 if view.get("source_hidden") else len(lines) - len(directives)
    aside = "hide" in directives or is_check(cell)
    shown = [] if view.get("outputs_hidden") else cell.outputs
    widget = any('id="study-' in "".join(out.get("data", {}).get("text/html", "")) for out in shown)
    minutes = n*(CHECK if aside else STORY) + (WIDGET if widget else OUTPUT*bool(shown))
    return minutes, n > 0 and not aside and "export" not in directives


def sections(path: Path) -> list[Section]:
    "The sections of the notebook at `path`, in their order; the first may be what stands before any heading."
    found, above, in_exercise = [Section("", 0, False)], [], False
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and not in_exercise:
            minutes, is_story = code_minutes(cell)
            found[-1].minutes[found[-1].home] += minutes
            found[-1].n_cells += is_story
        if cell.cell_type != "markdown": continue
        text = re.sub(r"(?ms)^```.*?^```", lambda m: m[0].replace("\n", "\n "), cell.source)  # no headings there
        for part in re.split(r"(?m)^(?=#{1,6} |\*\*\d+\. )", text):
            if heading := re.match(HEADING, part):
                level, title, in_exercise = len(heading[1]), heading[2].strip(), False
                above = [s for s in above if s.level < level]
                found.append(Section(title, level, title.startswith(HOME) or any(s.home for s in above)))
                above.append(found[-1])
            elif exercise := re.match(EXERCISE, part):
                in_exercise, minutes = True, exercise[1] and int(exercise[1])
                found[-1].exercises.append(minutes)
                found[-1].minutes[found[-1].home or bool(exercise[2])] += minutes or UNSAID
            if not in_exercise: found[-1].minutes[found[-1].home] += prose_minutes(part)
    return found


def planned(path: Path, stops: list[str]) -> list[float]:
    "Evening minutes from each of `stops` (anchors, as in a plan's links) to the next; the first has the beginning too."
    minutes, stop = dict.fromkeys(stops, 0.), stops[0]
    for s in sections(path):
        stop = anchor(s.title) if anchor(s.title) in minutes else stop
        minutes[stop] += s.minutes[0]
    return list(minutes.values())


def rounded(minutes: float) -> str: return str(5*round(minutes/5))


def told(path: Path, minutes: list[list[float]]) -> str:
    "The notebook at `path` with `minutes` (evening, home) of each session in the last two columns of its tables."
    def row(found):
        n = int(found[2]) - 1
        return f"{found[1]}| {' | '.join(map(rounded, minutes[n]))} |" if n < len(minutes) else found[0]
    table_row = r'(?m)(^ +"\| (\d+) \|.*?)\| \d+ \| \d+ \|(?=(?:\\n)?",?$)'
    return re.sub(table_row, row, path.read_text(encoding="utf-8"))


def main(args: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="write the tables of the front page and the host's page")
    parser.add_argument("--check", action="store_true", help="say whether they are in step, too")
    parser.add_argument("session", nargs="?", choices=list(settings().sessions), metavar="SESSION")
    parser.add_argument("--report", action="store_true", help="never fail")
    args = parser.parse_args(args)
    rows = [(name, sections(ROOT / f"nbs/{name}.ipynb")) for name in settings().sessions]
    minutes = [list(map(sum, zip(*(s.minutes for s in parts)))) for _, parts in rows]
    pages = {path: told(path, minutes) for path in (ROOT / "nbs/index.ipynb", ROOT / "nbs/host.ipynb")}
    if args.write: return any(path.write_text(text, encoding="utf-8") == 0 for path, text in pages.items())
    if args.session: rows = [("  "*(s.level - 1) + s.title, [s]) for s in dict(rows)[args.session]]
    print(f"{'':48} evening  home   all  cells  exercises' minutes")
    late = False
    for name, parts in rows:
        evening, home = map(sum, zip(*(s.minutes for s in parts)))
        cells, exercises = sum(s.n_cells for s in parts), [str(n or "?") for s in parts for n in s.exercises]
        late |= evening > LIMIT
        line = f"{name[:46]:48}{evening:7.0f}{' !'[evening > LIMIT]}{home:6.0f}{evening + home:6.0f}{cells:7}"
        print(line, " + ".join(exercises), sep="  ")
    stale = [path.name for path, text in pages.items() if args.check and path.read_text(encoding="utf-8") != text]
    for name in stale: print(f"{name} says other minutes: run make sync")
    return bool(stale) or late and not args.report


if __name__ == "__main__": sys.exit(main(sys.argv[1:]))
