/** What Python does for TokenizerRace, in a page: it tokenizes, as the five do that Python has trained, or as BERT. */
import { count } from "../parts/numbers.js";
import { SPACE, cutText, likeliest } from "./training.js";

const UNKNOWN = "[UNK]";
const KANA = "(?![\\u{1b002}-\\u{1b11e}])[\\u30fc\\uff70\\uff9e\\uff9f\\p{Script=Hiragana}\\p{Script=Katakana}]";
const IS = Object.fromEntries(Object.entries({
  blank: `^${SPACE}+$`, open: `^${SPACE}`, closed: `${SPACE}$`, parted: `(?!${SPACE}).${SPACE}+(?!${SPACE}).`,
  chinese: "[\\u3400-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}]",
  spaceless: `${KANA}|[\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}\\p{Script=Tibetan}]`,
}).map(([name, rule]) => [name, new RegExp(rule, "su")]));

/** Which of a word's pieces go on with the one before, as core/tokens.py tells words: what a space parts doesn't. */
function goOn(pieces) {
  const [texts, runs] = [pieces.map((piece) => piece.replaceAll("▁", " ")), []];
  for (const [n, text] of texts.entries()) {
    const before = texts[n - 1] ?? "";
    const parted = IS.open.test(text) || (IS.closed.test(before) && before !== " ");
    if (n === 0 || (parted && !IS.blank.test(before + text))) runs.push([]);
    runs.at(-1).push(text);
  }
  return runs.flatMap((run) => {
    const letters = run.join("").match(/[\p{L}\p{M}]/gu) ?? [];
    const spaced = !letters.some((letter) => IS.spaceless.test(letter) || IS.chinese.test(letter));
    const isWord = !IS.parted.test(run.join("")) && (spaced || (letters.length === 1 && IS.chinese.test(letters[0])));
    return run.map((_, n) => n > 0 && isWord);
  });
}

/** How each splits a word, a list of characters: into [piece, of how many characters]. */
const SPLITTERS = {
  Word: ({ known }) => (word) => [[known.has(word.join("")) ? word.join("") : UNKNOWN, word.length]],
  Character: ({ known }) => (word) => word.map((c) => [known.has(c) ? c : UNKNOWN, 1]),
  WordPiece: ({ known }) => (word) => {
    const found = [];
    for (let start = 0, end = 0; start < word.length; start = end) {
      const piece = () => (start ? "##" : "") + word.slice(start, end).join("");
      end = word.length > 100 ? start : word.length;
      while (end > start && !known.has(piece())) end -= 1;
      if (end === start) return [[UNKNOWN, word.length]];
      found.push([piece(), end - start]);
    }
    return found;
  },
  /** A token is a character here. Each is made by one merge alone, so merges can come one after the other. */
  BPE({ known, tokens, lefts }) {
    const codes = new Map(Array.from(known, (token, id) => [token, String.fromCharCode(id + 1)]));
    const codeOf = (characters) => codes.get(characters.join(""));
    const merges = [...known].slice(tokens.length - lefts.length).map((token, n) =>
      [codeOf([...token].slice(0, lefts[n])) + codeOf([...token].slice(lefts[n])), codes.get(token)]);
    return (word) => {
      let coded = word.map((c) => codes.get(c) ?? "\0").join("");
      for (const [pair, made] of merges) coded = coded.replaceAll(pair, made);
      return Array.from(coded, (code) => tokens[code.charCodeAt(0) - 1]).map((token) =>
        (token === undefined ? [UNKNOWN, 1] : [token, [...token].length]));
    };
  },
  Unigram({ scores }) {
    const longest = Math.max(...Array.from(scores.keys(), (piece) => [...piece].length));
    const unknown = Math.min(...scores.values()) - 10;
    return (word) => {
      const found = [];
      for (const piece of likeliest(word, scores, longest, unknown).pieces) {
        const last = found.at(-1);
        if (!last || scores.has(piece) || scores.has(last[0])) found.push([piece, [...piece].length]);
        else found.splice(-1, 1, [last[0] + piece, last[1] + 1]);
      }
      return found;
    };
  },
};

const packOffsets = (offsets) => new DataView(Int32Array.from(offsets).buffer);

/** The lane of one of the five at a `size`: all that the page can't work out by itself. */
function raceLane(name, text, size, { tokens, lefts, notes, scores }) {
  if (notes[size]) return { name, note: notes[size], offsets: packOffsets([]) };
  const [vocabulary, numbers] = scores[size] ?? [tokens.slice(0, size), null];
  const scored = new Map(numbers ? vocabulary.map((piece, n) => [piece, numbers.getFloat64(8 * n, true)]) : []);
  const known = new Set(vocabulary), split = SPLITTERS[name]({ known, tokens, lefts, scores: scored });
  const [found, kinds, offsets] = [[], [], []];
  let begin = 0;
  for (const part of text.split(/(\[UNK\])/)) {
    for (const { word, at } of part === UNKNOWN ? [{ word: [part], at: 0 }] : cutText(part, name)) {
      const pieces = part === UNKNOWN ? [[UNKNOWN, UNKNOWN.length]] : split(word);
      const joined = name === "Character" ? [] : goOn(pieces.map(([piece]) => piece));
      let start = begin + at;
      for (const [n, [piece, length]] of pieces.entries()) {
        const unknown = piece === UNKNOWN || !known.has(piece);
        found.push(unknown ? UNKNOWN : piece);
        kinds.push([unknown && "unknown", joined[n] && "joined"].filter(Boolean).join(" "));
        offsets.push(Math.max(begin, start), Math.max(begin + 1, start + length)); // a ▁ in front shares a character
        start += length;
      }
    }
    begin += [...part].length;
  }
  return { name, tokens: found, kinds, n_vocab: known.size + Number(numbers !== null), offsets: packOffsets(offsets) };
}

export function tokenizerRace(traits, { encode, words, more: { racers, longest } }) {
  function bert(name) {
    const { tokens, offsets, kinds, wordIds } = encode(traits.text, { special: false, limit: Infinity });
    const joined = wordIds.map((word, n) => n > 0 && word !== null && word === wordIds[n - 1]);
    return { name, tokens, n_vocab: words.length, offsets: packOffsets(offsets.flat()),
      kinds: kinds.map((kind, n) => [kind === "unknown" && kind, joined[n] && "joined"].filter(Boolean).join(" ")) };
  }
  function race() {
    const { text, vocab_size: size, _race: { lanes } } = traits;
    const drawn = lanes.map(({ name }) => (racers[name] ? raceLane(name, text, size, racers[name]) : bert(name)));
    return { _race: { text, vocab_size: size, lanes: drawn } };
  }
  return {
    async text() {
      const n = [...traits.text].length;
      if (n <= longest) return { error: "", ...race() };
      const error = `text has ${count(n)} characters, but a race shows at most ${count(longest)}: pass a part.`;
      return { text: traits._race.text, error };
    },
    vocab_size: async () => race(),
  };
}
