/**
 * From a text to plain words: the first two steps of BERT's tokenizer, its normalizer and its pre-tokenizer, as the
 * library `tokenizers` has them. "Naïve  TOKENIZATION!" becomes "naive", "tokenization" and "!".
 *
 * @typedef {{ text: string, kind: string, at: number, begins: boolean }} Letter its kind, as the table has it; the
 *   character of the text it is `at`, and whether it is the first from there: an é gives two, e and its accent
 */
import { UNICODE } from "./unicode.js";

/** Read the table; what it gives tells a character's kind. A browser's own Unicode is newer than the library's. */
function kindReader() {
  const [kinds, table] = [["letter", ...Object.keys(UNICODE)], new Uint8Array(0x110000)];
  Object.values(UNICODE).forEach((ranges, n) => {
    for (const [, first, last] of ranges.matchAll(/(\w+)-?(\w*)/g)) {
      table.fill(n + 1, Number.parseInt(first, 16), Number.parseInt(last || first, 16) + 1);
    }
  });
  return (character) => kinds[table[character.codePointAt(0)]];
}

/** What stands on one letter, in Unicode's order; equal ones stay as they stood. @param {Letter[]} accents */
function inOrder(accents) {
  const [all, places] = [new Set(accents.map(({ text }) => text)), [...new Set(accents.map(({ at }) => at))]];
  const goesBefore = (one, other) => (other + one).normalize("NFD") !== other + one;
  const ranks = new Map([...all].map((text) => [text, [...all].filter((other) => goesBefore(other, text)).length]));
  let n = accents[0].begins ? -1 : 0; // the library leaves places as they were: what begins a character takes the next
  return accents.sort((one, other) => ranks.get(one.text) - ranks.get(other.text)).map((accent) => {
    n += Number(accent.begins);
    return { ...accent, at: places[n] };
  });
}

/** The normalizer: small letters without accents, and a space for each blank and at the end. @returns {Letter[]} */
function plainLetters(text, start, kindOf) {
  const letters = [];
  let [at, home, unordered] = [start, 0, false];
  for (const character of `${text} `) {
    const kind = kindOf(character);
    const shown = kind === "control" ? "" : kind === "space" ? " " : kind === "chinese" ? ` ${character} ` : character;
    [...shown.normalize("NFD")].forEach((part, n) => {
      const kind = kindOf(part);
      const ordered = kind === "accent" || kind === "sign";
      if (unordered && !ordered) for (const accent of inOrder(letters.splice(home))) letters.push(accent);
      unordered = ordered && (unordered || kind === "sign"); // accents alone all go, in whatever order
      letters.push({ text: part.toLowerCase(), kind, at, begins: n === 0 });
      if (!ordered) home = letters.length;
    });
    at += 1;
  }
  return letters.filter(({ kind }) => kind !== "accent" && kind !== "mark");
}

/**
 * The pre-tokenizer, with the normalizer in it: cuts a text into words, each its letters, and punctuation is one.
 * @returns {(text: string, start: number) => Letter[][]} `start` is the number of the text's first character
 */
export function wordCutter() {
  const kindOf = kindReader();
  return (text, start) => {
    const words = [[]];
    for (const letter of plainLetters(text, start, kindOf)) {
      const apart = letter.kind === "space" || letter.kind === "punctuation";
      if (apart) words.push([]);
      if (letter.kind !== "space") words.at(-1).push(letter);
      if (apart) words.push([]);
    }
    return words.filter(({ length }) => length);
  };
}
