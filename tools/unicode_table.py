"""The table of characters behind study_group/static/live/tokenizer.js, probed from the library: its Unicode is older
than any browser's, and each browser has another.

    python tools/unicode_table.py    # write study_group/static/live/unicode.js; a test compares the two
"""
import textwrap
from pathlib import Path

from tokenizers import normalizers, pre_tokenizers

FILE = Path(__file__).parent.parent / "study_group/static/live/unicode.js"
ALL = [chr(code) for code in range(0x110000) if not 0xd800 <= code < 0xe000]
BETWEEN = "|-|"  # parts two characters, so that one call asks for many
HEAD = """\
// Written by tools/unicode_table.py. Ranges of code points, hexadecimal; what stands nowhere is a letter.
/**
 * What BERT's tokenizer takes each character for. A control character goes, a space parts words, what is Chinese stands
 * alone, and punctuation is a word of its own. An accent goes too, once it is parted from its letter and the accents of
 * each letter are in order; a mark goes and has no place in that order; a sign has one and stays.
 */
export const UNICODE = {
"""


def bert(**step: bool):
    "BERT's normalizer with one `step` of its four."
    steps = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**steps | step)


def made(normalizer, before: str = "") -> list[str]:
    "What `normalizer` makes of each character, with `before` in front of it."
    return normalizer.normalize_str(BETWEEN.join(before + c for c in ALL)).split(BETWEEN)


def ordered() -> list[bool]:
    "Whether each character has a place in the order of accents: it goes before the last of them."
    last = "\u0345"
    return [c == last or not pair.startswith(last) for c, pair in zip(ALL, made(normalizers.NFD(), before=last))]


def own_words() -> list[bool]:
    "Whether the pre-tokenizer makes each character a word of its own, within a word."
    words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str("a" + "a".join(ALL))
    alone = {start for _, (start, end) in words if end == start + 1}
    return [2*n + 1 in alone for n in range(len(ALL))]


def kinds() -> dict[str, str]:
    "The kind of each character that isn't a letter: the first that fits."
    steps = bert(clean_text=True), bert(handle_chinese_chars=True), bert(strip_accents=True)
    found = {}
    for c, clean, apart, bare, order, word in zip(ALL, *map(made, steps), ordered(), own_words()):
        if clean == "": found[c] = "control"
        elif clean == " ": found[c] = "space"
        elif apart == f" {c} ": found[c] = "chinese"
        elif bare == "": found[c] = "accent" if order else "mark"
        elif order: found[c] = "sign"
        elif word: found[c] = "punctuation"
    return found


def ranges(codes: list[int]) -> str:
    "Write `codes` as ranges: 9-a d 20."
    found = []
    for code in codes:
        if found and found[-1][1] == code - 1: found[-1][1] = code
        else: found.append([code, code])
    return " ".join(f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in found)


def written(found: dict[str, str]) -> str:
    "The file's text, of the kinds that were `found`."
    parts = [HEAD]
    for kind in ("control", "space", "chinese", "accent", "mark", "sign", "punctuation"):
        text = ranges([ord(c) for c in found if found[c] == kind])
        parts.append(f"  {kind}: `\n{textwrap.fill(text, 118, break_on_hyphens=False)}`,\n")
    return "".join([*parts, "};\n"])


if __name__ == "__main__": FILE.write_text(written(kinds()), "utf-8")
