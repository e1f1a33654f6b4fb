/**
 * WordPiece, the tokenizer of BERT and DistilBERT, as the library `tokenizers` has it: a text is cut into words, each
 * word into the longest pieces that the vocabulary has, and [CLS] and [SEP] go around what fits.
 *
 *     wordPiece(words).pieces("Naïve TOKENIZATION!")   // ["naive", "token", "##ization", "!"]
 */
import { wordCutter } from "./words.js";

/** Letters of scripts that write no spaces: what a word is can't be told there. */
const UNSPACED = /(?=\p{L})[\u0e00-\u109f\u1780-\u17ff\u3041-\u30ff\uff66-\uff9f]/u;

/** @param {string[]} words the vocabulary, in order of id */
export function wordPiece(words) {
  const [cutWords, first, next] = [wordCutter(), new Map(), new Map()];
  words.forEach((word, id) => { // a piece → its id, and what a longer one begins with → null
    const [pieces, text] = word.startsWith("##") ? [next, word.slice(2)] : [first, word];
    for (let n = 1; n < text.length; n++) if (!pieces.has(text.slice(0, n))) pieces.set(text.slice(0, n), null);
    pieces.set(text, id);
  });
  const [cls, sep, pad, unk, mask] = ["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"].map((token) => first.get(token));

  /** The longest piece that the vocabulary has, then the longest of the rest …; [UNK] for the word if there is none. */
  function longestPieces(letters, word) {
    const token = (id, begin, end) => ({ id, start: letters[begin].at, end: letters[end - 1].at + 1, word });
    const [found, unknown] = [[], [token(unk, 0, letters.length)]];
    if (letters.length > 100) return unknown;
    for (let begin = 0, end = 0; begin < letters.length; begin = end) {
      let [text, id] = ["", unk];
      for (let n = begin; n < letters.length; n++) {
        text += letters[n].text;
        const known = (begin ? next : first).get(text);
        if (known === undefined) break;
        if (known !== null) [id, end] = [known, n + 1];
      }
      if (end === begin) return unknown;
      found.push(token(id, begin, end));
    }
    return found;
  }

  /** All tokens of `text`; a special one that is written there is that token. */
  function tokensOf(text) {
    const found = [];
    let [at, word] = [0, 0];
    text.split(/(\[(?:CLS|SEP|PAD|UNK|MASK)\])/).forEach((part, n) => {
      const size = [...part].length;
      if (n % 2) found.push({ id: first.get(part), start: at, end: at + size, word: word++ });
      else for (const letters of cutWords(part, at)) found.push(...longestPieces(letters, word++));
      at += size;
    });
    return found;
  }

  /**
   * What `text` becomes, token by token; offsets count its characters (code points), `cut` the tokens that didn't fit.
   * `limit` counts the `special` tokens around them too; one too small even for those cuts nothing, as in the library.
   */
  function encode(text, { special = true, limit = 512 } = {}) {
    const [all, characters, added] = [tokensOf(text), [...text], special ? 2 : 0];
    const room = limit < added ? all.length : limit - added;
    const around = (id) => (special ? [{ id, start: 0, end: 0, word: null }] : []);
    const kept = [...around(cls), ...all.slice(0, room), ...around(sep)];
    const untold = new Set(kept.filter(({ id }) => UNSPACED.test(words[id])).map(({ word }) => word));
    const wordIds = kept.map(({ word }) => (untold.has(word) ? null : word));
    const kinds = kept.map(({ id }, n) => (id === unk ? "unknown" : [cls, sep, pad, mask].includes(id) ? "special"
      : wordIds[n] !== null && wordIds[n] === wordIds[n - 1] ? "continuation" : "word"));
    return {
      ids: kept.map(({ id }) => id), tokens: kept.map(({ id }) => words[id]), kinds, wordIds,
      offsets: kept.map(({ start, end }) => /** @type {[number, number]} */ ([start, end])),
      pieces: kept.map(({ start, end }) => characters.slice(start, end).join("")),
      cut: Math.max(0, all.length - room),
    };
  }
  const pieces = (text) => encode(text, { special: false, limit: Infinity }).tokens;
  return { words, special: { cls, sep, pad, unk, mask }, encode, pieces };
}
