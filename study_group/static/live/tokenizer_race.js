/** What Python does for TokenizerRace, in a page: it tokenizes, as the five do that Python has trained, or as BERT. */
import { count } from "../parts/numbers.js";
import { cutText, likeliest } from "./training.js";

const [UNK, SPACE] = ["[UNK]", "[\\p{White_Space}\\x1c-\\x1f]"]; // what Python calls a space
const [BLANK, OPEN, CLOSED, PARTED] = [`^${SPACE}+$`, `^${SPACE}`, `${SPACE}$`, `(?!${SPACE})[^]${SPACE}+(?!${SPACE})[^]`]
  .map((rule) => new RegExp(rule, "u"));
const CHINESE = "(?=\\p{L})[\\u3400-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}]";
const SCRIPTS = ["Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"].map((name) => `\\p{Script=${name}}`);
const UNSPACED_SCRIPTS = new RegExp(`(?=[\\p{L}\\p{M}])(?:[${SCRIPTS.join("")}\\u30fc\\uff70]|${CHINESE})`, "u");

/** Whether pieces side by side in a word can be one, as core/tokens.py tells words. */
function mayBeWord(text) {
  const lone = new RegExp(`^[^\\p{L}\\p{M}]*${CHINESE}[^\\p{L}\\p{M}]*$`, "u").test(text);
  return !PARTED.test(text) && (lone || !UNSPACED_SCRIPTS.test(text));
}

/** Which of a word's pieces go on with the one before: not beyond a space, nor in a script without spaces. */
function goOn(pieces) {
  const runs = [[]];
  pieces.map((piece) => piece.replaceAll("▁", " ")).forEach((piece, n, all) => {
    const before = n ? all[n - 1] : "";
    const parted = OPEN.test(piece) ? !BLANK.test(before) || !BLANK.test(piece) : CLOSED.test(before) && before !== " ";
    if (n && parted) runs.push([]);
    runs.at(-1).push(piece);
  });
  return runs.flatMap((run) => run.map((_, n) => n > 0 && mayBeWord(run.join(""))));
}

/** How each splits a word, a list of characters, into [piece, how many characters it is], at a size. */
const SPLITTERS = {
  Word: ({ known }) => (word) => [[known.has(word.join("")) ? word.join("") : UNK, word.length]],
  Character: ({ known }) => (word) => word.map((c) => [known.has(c) ? c : UNK, 1]),
  WordPiece: ({ known }) => (word) => {
    const found = [];
    for (let start = 0, end; start < word.length; start = end) {
      const piece = () => (start ? "##" : "") + word.slice(start, end).join("");
      end = word.length > 100 ? start : word.length;
      while (end > start && !known.has(piece())) end -= 1;
      if (end === start) return [[UNK, word.length]];
      found.push([piece(), end - start]);
    }
    return found;
  },
  /** Each token is a letter here. What a merge makes no other does, so they come one after the other. */
  BPE({ tokens, lefts, known }) {
    const codes = new Map([...known].map((token, id) => [token, String.fromCharCode(id + 1)]));
    const merges = [...known].slice(tokens.length - lefts.length).map((token, n) => {
      const [left, right] = [[...token].slice(0, lefts[n]), [...token].slice(lefts[n])].map((part) => codes.get(part.join("")));
      return { pair: left + right, code: codes.get(token) };
    });
    return (word) => {
      let coded = word.map((c) => codes.get(c) ?? "\0").join("");
      for (const { pair, code } of merges) coded = coded.replaceAll(pair, code);
      return [...coded].map((code) => (code === "\0" ? [UNK, 1]
        : [tokens[code.charCodeAt(0) - 1], [...tokens[code.charCodeAt(0) - 1]].length]));
    };
  },
  Unigram({ scores }) {
    const unknown = Math.min(...scores.values()) - 10, longest = Math.max(...Array.from(scores.keys(), (s) => [...s].length));
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

/** The lane of one of the five at a `size`: all that a page can't work out by itself. */
function laneOf(name, text, size, { tokens, lefts, notes, scores }) {
  if (notes[size]) return { name, note: notes[size], offsets: new DataView(new ArrayBuffer(0)) };
  const [own, found, offsets, kinds] = [new Map(Object.entries(scores[size] ?? {})), [], [], []];
  const known = new Set(own.size ? own.keys() : tokens.slice(0, size));
  const split = SPLITTERS[name]({ known, tokens, lefts, scores: own });
  let begin = 0;
  for (const part of text.split(/(\[UNK\])/)) {
    const characters = [...part];
    for (const { word, at } of part === UNK ? [{ word: characters, at: 0 }] : cutText(part, name)) {
      const pieces = part === UNK ? [[UNK, UNK.length]] : split(word);
      const on = name === "Character" ? [] : goOn(pieces.map(([piece]) => piece));
      let start = at;
      pieces.forEach(([piece, n], place) => {
        const unknown = piece === UNK || !known.has(piece);
        found.push(unknown ? UNK : piece);
        kinds.push([unknown ? "unknown" : "", on[place] ? "joined" : ""].join(" ").trim());
        offsets.push(begin + Math.max(0, start), begin + Math.max(start + n, 1)); // the first ▁ shares a character
        start += n;
      });
    }
    begin += characters.length;
  }
  return { name, tokens: found, kinds, n_vocab: known.size + Number(own.size > 0),
    offsets: new DataView(Int32Array.from(offsets).buffer) };
}

export function tokenizerRace(traits, { encode, words, more: { racers, longest } }) {
  function bert(name) {
    const { tokens, offsets, kinds, wordIds } = encode(traits.text, { special: false, limit: Infinity });
    const joined = (n) => n > 0 && wordIds[n] !== null && wordIds[n] === wordIds[n - 1];
    return { name, tokens, n_vocab: words.length, offsets: new DataView(Int32Array.from(offsets.flat()).buffer),
      kinds: kinds.map((kind, n) => (kind === "unknown" ? kind : joined(n) ? "joined" : "")) };
  }
  function race() {
    const { text, vocab_size: size, _race: { lanes } } = traits;
    return { _race: { text, vocab_size: size, lanes: lanes.map(({ name }) =>
      (racers[name] ? laneOf(name, text, size, racers[name]) : bert(name))) } };
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
