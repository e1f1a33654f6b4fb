/**
 * How subword tokenizers cut texts into words, and learn from a few words with their counts; as tokenizing/steps.py and
 * unigram.py do. A play is how the words are split at `first`, and its `steps`: the `candidates`, [pieces, numbers], best
 * first; how many of them are `ties`; the `token` that comes of it; the `splits` after it; Unigram's `loss` before it.
 *
 * @typedef {Map<string, number>} Counts
 */

const [JOINED, RAISED] = ["\\p{Join_Control}", "²³¹¼½¾"].map((more) => `\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}${more}`);
const WORDS = new RegExp(`[${JOINED}]+|[^${JOINED}\\p{White_Space}]+`, "gu"); // the library has two rules for letters
const CUTS = { Character: /[^]+/g, BPE: WORDS, WordPiece: WORDS, Unigram: /▁[^▁]*/g, Word: new RegExp(
  `'(?:s|t|re|ve|m|ll|d)(?![${RAISED}])|[${RAISED}]+|[^${RAISED}\\p{White_Space}]`, "gu") };

/** The words of `text` as the tokenizer `name` cuts them, each a list of characters, and where it begins. */
export function cutText(text, name) {
  let [spaced, done, at] = [name === "Unigram" ? text.replaceAll(" ", "▁") : text, 0, 0];
  if (name === "Unigram" && text && !spaced.startsWith("▁")) [spaced, at] = [`▁${spaced}`, -1];
  return Array.from(spaced.matchAll(CUTS[name]), ({ 0: word, index }) => {
    at += [...spaced.slice(done, index)].length;
    done = index;
    return { word: [...word], at };
  });
}

export function addCount(/** @type {Counts} */ counts, key, n) { counts.set(key, (counts.get(key) ?? 0) + n); }

function sumOf(numbers) { return numbers.reduce((sum, n) => sum + n, 0); }

/** `split` with `token` where `a` and `b` stand side by side. */
function joinPair(split, a, b, token) {
  const joined = [];
  for (let n = 0; n < split.length; n++) {
    const here = split[n] === a && split[n + 1] === b;
    joined.push(here ? token : split[n]);
    n += Number(here);
  }
  return joined;
}

/** A play of BPE, or, where a `mark` stands before the pieces inside a word, of WordPiece. @param {Counts} words */
export function mergePlay(words, most, mark) {
  const [counts, steps] = [[...words.values()], []];
  const first = Array.from(words.keys(), (word) => [...word].map((c, n) => (n ? mark : "") + c));
  const names = [...new Set(first.flat())];
  if (!mark) names.sort((a, b) => a.codePointAt(0) - b.codePointAt(0));
  const ids = new Map(names.map((piece, id) => [piece, id]));
  for (let splits = first; steps.length < most;) {
    const [pieces, pairs] = [new Map(), new Map()];
    splits.forEach((split, word) => split.forEach((piece, n) => {
      addCount(pieces, piece, counts[word]);
      if (n) addCount(pairs, `${ids.get(split[n - 1])} ${ids.get(piece)}`, counts[word]);
    }));
    if (!pairs.size) break;
    const ranked = Array.from(pairs, ([key, n]) => {
      const [pair, [a, b]] = [key.split(" ").map(Number), key.split(" ").map((id) => pieces.get(names[id]))];
      return { pair, numbers: mark ? [n, a, b, n / (a * b)] : [n] };
    }).sort((x, y) => y.numbers.at(-1) - x.numbers.at(-1) || x.pair[0] - y.pair[0] || x.pair[1] - y.pair[1]);
    const candidates = ranked.map(({ pair, numbers }) => [pair.map((id) => names[id]), numbers]);
    const [[a, b], numbers] = candidates[0];
    const token = a + b.slice(mark.length);
    if (!ids.has(token)) ids.set(token, names.push(token) - 1);
    splits = splits.map((split) => joinPair(split, a, b, token));
    steps.push({ candidates, token, splits, loss: 0,
      ties: candidates.filter(([, other]) => other.at(-1) === numbers.at(-1)).length });
  }
  return { first, steps };
}

/** Tell `hear` each part of a `word` of at most `longest` characters: where it starts and ends, and its text. */
function eachPart(word, longest, hear) {
  word.forEach((_, start) => {
    let part = "";
    for (let end = start; end < Math.min(word.length, start + longest); end++) hear(start, end + 1, part += word[end]);
  });
}

/** The likeliest split of a `word` into pieces that have a score, with its own (Viterbi); `unknown` have characters. */
export function likeliest(word, /** @type {Counts} */ scores, longest, unknown = -Infinity) {
  const [best, from, pieces] = [[0, ...word.map(() => -Infinity)], [], []];
  eachPart(word, longest, (start, end, piece) => {
    const score = best[start] + (scores.get(piece) ?? (end === start + 1 ? unknown : -Infinity));
    if (score > best[end]) [best[end], from[end]] = [score, { start, piece }];
  });
  for (let end = word.length; end; end = from[end].start) pieces.push(from[end].piece);
  return { pieces: pieces.reverse(), score: best[word.length] };
}

/** The characters of the `words`, and the parts that occur twice or more, as probabilities. */
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

/** A play of Unigram: after two rounds of EM that piece goes which is missed least. @param {Counts} counts */
export function prunePlay(counts, most, longest) {
  const [words, steps] = [Array.from(counts, ([word, count]) => ({ word: [...word], count })), []];
  const letters = new Set(words.flatMap(({ word }) => word)).size;
  let [probs, scores, expected, loss] = [seedPieces(words, longest), new Map(), new Map(), 0];
  function fit() {
    for (let round = 0; round < 2; round++) {
      expected = new Map();
      loss = -sumOf(words.map((one) => one.count * Math.log(expectWord(one, probs, longest, expected))));
      const kept = Array.from(probs.keys(), (piece) => ({ piece, n: Math.max(expected.get(piece) ?? 0, 0.001) }));
      const all = sumOf(kept.map(({ n }) => n));
      probs = new Map(kept.map(({ piece, n }) => [piece, n / all]));
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
  const first = split();
  for (; steps.length < most && probs.size > letters; fit()) {
    const long = [...scores].filter(([piece]) => [...piece].length > 1);
    const candidates = long.map(([piece, score]) => [[piece], [lossWithout(piece, score)]]);
    candidates.sort(([, [a]], [, [b]]) => a - b);
    const [[gone], [least]] = candidates[0];
    probs.delete(gone);
    scores.delete(gone);
    steps.push({ candidates, token: "", splits: split(), loss, ties: candidates.filter(([, [n]]) => n === least).length });
  }
  return { first, steps };
}
