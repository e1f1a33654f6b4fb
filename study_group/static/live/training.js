/**
 * How subword tokenizers cut texts into words, and learn from a few words with their counts, as tokenizing/steps.py and
 * unigram.py have it. A play is how the words are split at `first`, and its `steps`: `candidates`, [pieces, numbers],
 * best first; how many are `ties`; the `token` that comes of it; the `splits` after it; Unigram's `loss` before it.
 *
 * @typedef {Map<string, number>} Counts
 */

export const SPACE = "[\\p{White_Space}\\x1c-\\x1f]"; // what Python calls a space
/** A rule as one of the library's parts reads it, which has `more` letters than Unicode; the youngest aside. */
const cutRule = (rule, more) => new RegExp(rule.replaceAll("\\s", "\\p{White_Space}")
  .replaceAll("\\w", `\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}${more}`), "gu");
const WORD_CUT = cutRule("[\\w]+|[^\\w\\s]+", "\\p{Join_Control}");
const TEXT_CUTS = { Word: cutRule("'(?:s|t|re|ve|m|ll|d)(?![\\w])|[\\w]+|[^\\w\\s]", "²³¹¼½¾"), Character: /.+/gsu,
  BPE: WORD_CUT, WordPiece: WORD_CUT, Unigram: /▁[^▁]*/gu };

/** The words of `text` as the tokenizer `name` cuts them, each a list of characters, and where it begins. */
export function cutText(text, name) {
  let [spaced, done, at] = [name === "Unigram" ? text.replaceAll(" ", "▁") : text, 0, 0];
  if (name === "Unigram" && text && !spaced.startsWith("▁")) [spaced, at] = [`▁${spaced}`, -1];
  return Array.from(spaced.matchAll(TEXT_CUTS[name]), ({ 0: word, index }) => {
    at += [...spaced.slice(done, index)].length;
    done = index;
    return { word: [...word], at };
  });
}

export function addCount(/** @type {Counts} */ counts, key, n) { counts.set(key, (counts.get(key) ?? 0) + n); }

const sumOf = (numbers) => numbers.reduce((sum, n) => sum + n, 0);

/**
 * A play of BPE, or, where a `mark` stands before the pieces inside a word, of WordPiece. Inside, a piece is the
 * character that its id is the code of: words are strings, and of two pairs the one with smaller ids is the smaller.
 * @param {Counts} words
 */
export function mergePlay(words, most, mark) {
  const [counts, steps] = [[...words.values()], []];
  const first = Array.from(words.keys(), (word) => [...word].map((c, n) => (n ? mark : "") + c));
  const names = [...new Set(first.flat())];
  if (!mark) names.sort((a, b) => a.codePointAt(0) - b.codePointAt(0));
  const codes = new Map(names.map((piece, id) => [piece, String.fromCharCode(id)]));
  const spell = (coded) => Array.from(coded, (code) => names[code.charCodeAt(0)]);
  let coded = first.map((split) => split.map((piece) => codes.get(piece)).join(""));
  while (steps.length < most && coded.some((word) => word.length > 1)) {
    const [pieces, pairs] = [new Map(), new Map()];
    for (const [n, word] of coded.entries()) {
      for (const code of word) addCount(pieces, code, counts[n]);
      for (let at = 1; at < word.length; at++) addCount(pairs, word.slice(at - 1, at + 1), counts[n]);
    }
    const ranked = Array.from(pairs, ([pair, n]) => {
      const [a, b] = Array.from(pair, (code) => pieces.get(code));
      return { pair, numbers: mark ? [n, a, b, n / (a * b)] : [n], value: mark ? n / (a * b) : n };
    }).sort((one, two) => two.value - one.value || (one.pair < two.pair ? -1 : 1));
    const [{ pair, value }, [a, b]] = [ranked[0], spell(ranked[0].pair)];
    const token = a + b.slice(mark.length);
    if (!codes.has(token)) codes.set(token, String.fromCharCode(names.push(token) - 1));
    coded = coded.map((word) => word.replaceAll(pair, codes.get(token)));
    steps.push({ candidates: ranked.map(({ pair, numbers }) => [spell(pair), numbers]), token, splits: coded.map(spell),
      ties: ranked.filter((one) => one.value === value).length, loss: 0 });
  }
  return { first, steps };
}

/** Tell `hear` each part of a `word` of at most `longest` characters: where it starts and ends, and its text. */
function eachPart(word, longest, hear) {
  for (let start = 0; start < word.length; start++) {
    let part = "";
    for (let end = start + 1; end <= Math.min(word.length, start + longest); end++) {
      part += word[end - 1];
      hear(start, end, part);
    }
  }
}

/** The likeliest split of a `word` into pieces, and its score (Viterbi); a character may be `unknown`. */
export function likeliest(word, /** @type {Counts} */ scores, longest, unknown = -Infinity) {
  const [best, from, pieces] = [[0, ...word.map(() => -Infinity)], [], []];
  eachPart(word, longest, (start, end, piece) => {
    const score = best[start] + (scores.get(piece) ?? (end === start + 1 ? unknown : -Infinity));
    if (score > best[end]) [best[end], from[end]] = [score, { start, piece }];
  });
  for (let end = word.length; end; end = from[end].start) pieces.push(from[end].piece);
  return { pieces: pieces.reverse(), score: best[word.length] };
}

/** The characters of `words`, and the parts that occur twice or more, as probabilities. */
function seedPieces(words, longest) {
  const [letters, parts] = [new Map(), new Map()];
  for (const { word, count } of words) {
    eachPart(word, longest, (start, end, part) => addCount(end > start + 1 ? parts : letters, part, count));
  }
  const covers = [...parts].filter(([, n]) => n > 1).map(([part, n]) => [part, n * [...part].length]);
  const seeds = [...letters, ...covers.sort((a, b) => b[1] - a[1])], all = sumOf(seeds.map(([, n]) => n));
  return new Map(seeds.map(([piece, n]) => [piece, n / all]));
}

/** Add to `expected` how often each piece is expected in a word, over all its splits; the word's probability. */
function expectWord({ word, count }, probs, longest, /** @type {Counts} */ expected) {
  const [before, after, found] = [[1, ...word.map(() => 0)], [0, ...word.map(() => 0)], []];
  eachPart(word, longest, (start, end, piece) => {
    const prob = probs.get(piece);
    if (!prob) return;
    before[end] += before[start] * prob;
    found.push({ start, end, piece, prob });
  });
  after[word.length] = count / before[word.length];
  for (const { start, end, piece, prob } of found.reverse()) {
    const rest = prob * after[end];
    after[start] += rest;
    addCount(expected, piece, before[start] * rest);
  }
  return before[word.length];
}

/** A play of Unigram: after two rounds of EM the piece goes that is missed least. @param {Counts} counts */
export function prunePlay(counts, most, longest) {
  const [words, steps] = [Array.from(counts, ([word, count]) => ({ word: [...word], count })), []];
  let [probs, scores, expected, loss] = [seedPieces(words, longest), new Map(), new Map(), 0];
  function fit() {
    for (let round = 0; round < 2; round++) {
      expected = new Map();
      loss = -sumOf(words.map((one) => one.count * Math.log(expectWord(one, probs, longest, expected))));
      const kept = Array.from(probs.keys(), (piece) => [piece, Math.max(expected.get(piece) ?? 0, 0.001)]);
      const all = sumOf(kept.map(([, n]) => n));
      probs = new Map(kept.map(([piece, n]) => [piece, n / all]));
    }
    scores = new Map(Array.from(probs, ([piece, prob]) => [piece, Math.round(Math.log(prob) * 2 ** 40) / 2 ** 40]));
  }
  function lossWithout(piece, score) {
    scores.set(piece, -Infinity);
    const lost = (expected.get(piece) ?? 0) * (score - likeliest([...piece], scores, longest).score);
    scores.set(piece, score);
    return Number(lost.toPrecision(9));
  }
  const split = () => words.map(({ word }) => likeliest(word, scores, longest).pieces);
  fit();
  for (const first = split();; fit()) {
    const long = [...scores].filter(([piece]) => [...piece].length > 1);
    if (!long.length || steps.length === most) return { first, steps };
    const candidates = long.map(([piece, score]) => [[piece], [lossWithout(piece, score)]]);
    candidates.sort(([, [a]], [, [b]]) => a - b);
    const [[gone], [least]] = candidates[0];
    for (const pieces of [probs, scores]) pieces.delete(gone);
    const ties = candidates.filter(([, [n]]) => n === least).length;
    steps.push({ candidates, ties, token: "", splits: split(), loss });
  }
}
