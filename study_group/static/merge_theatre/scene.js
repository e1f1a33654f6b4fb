/**
 * What there is to see of a play when some of its steps are done: worked out from the play as Python, or a live page,
 * has it.
 *
 * @typedef {[string[], number[]]} Candidate two pieces that may join, or one that may go, and their numbers
 * @typedef {{candidates: Candidate[], ties: number, token: string, splits: string[][], loss: number}} Step the
 *   candidates, best first, of which `ties` are as good as the best; what two become; the words after it; Unigram's
 *   loss before it
 * @typedef {{method: string, counts: number[], first: string[][], steps: Step[], note: string}} Play
 */
import { count } from "../parts/numbers.js";
import { same, visible } from "../study_widget.js";

const [MOST_SHOWN, MOST_PIECES] = [12, 60];
const METHODS = {
  bpe: { heads: ["count"], best: "the highest count", rule: "smallest ids first",
    goal: "joins the pair that occurs most often" },
  wordpiece: { heads: ["together", "first", "second", "score"], best: "the highest score", rule: "smallest ids first",
    goal: "joins the pair with the highest score: times together / (times of first × times of second)" },
  unigram: { heads: ["loss"], best: "the smallest", rule: "first in the vocabulary goes",
    goal: "throws away the piece that is missed least: the smallest loss" },
};

/** `value` in three digits, or in more where it would look like `other` otherwise. */
function sayDigits(value, other = value) {
  if (Number.isInteger(value)) return count(value);
  const said = (number, digits) => `${Number(number.toPrecision(digits))}`;
  let digits = 3;
  while (digits < 17 && value !== other && said(value, digits) === said(other, digits)) digits += 1;
  return said(value, digits);
}

function sayWeight(method, numbers, other = numbers) {
  const value = sayDigits(numbers.at(-1), other.at(-1));
  if (method === "bpe") return `${value} time${numbers[0] === 1 ? "" : "s"}`;
  if (method === "unigram") return `loss ${value}`;
  const [together, first, second] = numbers.map((number) => count(number));
  return `${together} / (${first} × ${second}) = ${value}`;
}

function sayPieces(pieces, plus = " + ") { return pieces.map((piece) => visible(piece).replace(/ /g, "␣")).join(plus); }

/** Which candidates of a step are tied, and the rule that decides; empty if there is no tie. */
function sayTies(method, { candidates, ties }) {
  if (ties < 2) return "";
  const names = candidates.slice(0, Math.min(ties, 4)).map(([pieces]) => sayPieces(pieces, "+"));
  if (ties > 4) names.push(`${ties - 4} more`);
  const value = `${ties === 2 ? "both" : "all"} ${sayDigits(candidates[0][1].at(-1))}`;
  return `tied: ${names.slice(0, -1).join(", ")} and ${names.at(-1)}, ${value}; the rule: ${METHODS[method].rule}`;
}

/** Whether `bet` was right, and why. */
function sayVerdict(method, { candidates, ties }, bet) {
  const place = candidates.findIndex(([pieces]) => same(pieces, bet));
  const [[, mine], [winner, best]] = [candidates[place], candidates[0]];
  const [yours, why] = [sayPieces(bet), METHODS[method].best];
  if (place === 0) return `✓ Right: ${yours}, ${sayWeight(method, mine)}, ${why}.`;
  if (place < ties) {
    return `≈ A tie, as good as right: ${yours}, ${sayWeight(method, mine)} too. The rule: ${sayPieces(winner)}.`;
  }
  const said = [sayWeight(method, mine, best), sayWeight(method, best, mine)];
  return `✗ Wrong: ${yours}, ${said[0]}; ${sayPieces(winner)}, ${said[1]}, ${why}.`;
}

/** Where in `pieces` the `chosen` one or two neighbours start: from the left, without overlap. */
function findPlaces(pieces, chosen) {
  const places = [];
  for (let n = 0; n < pieces.length; n++) {
    if (chosen.length && same(pieces.slice(n, n + chosen.length), chosen)) {
      places.push(n);
      n += chosen.length - 1;
    }
  }
  return places;
}

/** Which `pieces` start or end where none of those `before` did; a mark of `mark` characters isn't counted. */
function findNew(pieces, before, mark) {
  function spans(split) {
    let at = 0;
    return split.map((piece, n) => {
      const start = at;
      at += [...piece].length - (n ? mark : 0);
      return `${start} ${at}`;
    });
  }
  const old = spans(before);
  return spans(pieces).flatMap((span, n) => (old.includes(span) ? [] : [n]));
}

/** The vocabulary in groups: the characters, and what was joined; or what is left and what is gone. */
function groupPieces({ method, first, steps }, step) {
  const done = steps.slice(0, step);
  if (method === "unigram") {
    const all = steps.slice(0, 1).flatMap(({ candidates }) => candidates.map(([[piece]]) => piece));
    const gone = done.map(({ candidates: [[pieces]] }) => pieces[0]);
    return { characters: [...new Set(first.flat().join(""))].sort(),
      left: all.filter((piece) => !gone.includes(piece)).sort(), gone };
  }
  const letters = [...new Set(first.flat())];
  const joined = [...new Set(done.map(({ token }) => token))].filter((token) => !letters.includes(token));
  return { characters: method === "bpe" ? letters.sort() : letters, joined };
}

/** What may come next: hidden, in the order of the alphabet, or the best first, and the one that was bet on. */
function listCandidates({ candidates, ties }, revealed, bet) {
  if (!revealed) {
    const shown = candidates.slice(0, MOST_SHOWN).map(([pieces]) => ({ pieces, numbers: [] }));
    return shown.sort((a, b) => (a.pieces.join("\0") < b.pieces.join("\0") ? -1 : 1));
  }
  const shown = candidates.flatMap(([pieces, numbers], n) => (n < MOST_SHOWN || same(pieces, bet)
    ? [{ pieces, numbers, best: n === 0, tied: ties > 1 && n < ties }] : []));
  const most = Math.max(...shown.map(({ numbers }) => numbers.at(-1)));
  return shown.map((one) => ({ ...one, numbers: one.numbers.map((number) => sayDigits(number)),
    part: most > 0 ? one.numbers.at(-1) / most : 0 }));
}

function sayTitle({ method, steps }, step, revealed) {
  const [prune, n] = [method === "unigram", step + 1];
  if (step < steps.length && revealed) return prune ? `Step ${n}: this piece goes` : `Step ${n} joins`;
  if (step < steps.length) return `Step ${n}: which ${prune ? "piece goes" : "two pieces join"} next?`;
  if (!step) return "No steps: every word is a single character.";
  const { candidates, splits } = steps[step - 1];
  if (prune ? candidates.length > 1 : splits.some((split) => split.length > 1)) {
    return `After ${step} steps the curtain falls; training would go on.`;
  }
  return `The end: ${prune ? "only characters are left" : "every word is one piece"}.`;
}

/** What there is to see when `step` steps are done: the next one `revealed` or hidden, maybe with a `bet` on it. */
export function sceneAt(/** @type {Play} */ play, step, revealed, bet) {
  const { method, counts, first, steps, note } = play;
  const { best, goal, heads } = METHODS[method];
  const splitsAt = (n) => (n > 0 ? steps[n - 1].splits : first);
  const [next, splits, before, prune] = [steps[step], splitsAt(step), splitsAt(step - 1), method === "unigram"];
  const seen = next && revealed ? next : null;
  const chosen = seen ? seen.candidates[0][0] : [];
  const groups = Object.entries(groupPieces(play, step));
  const size = groups.reduce((sum, [name, pieces]) => sum + (name === "gone" ? 0 : pieces.length), 0);
  const length = splits.reduce((sum, split, word) => sum + split.length * counts[word], 0);
  const after = steps[step + 1];
  return {
    revealed, goal, heads, note, chosen, token: seen ? seen.token : "", title: sayTitle(play, step, revealed),
    words: splits.map((pieces, word) => ({ pieces, count: counts[word], places: findPlaces(pieces, chosen),
      new: findNew(pieces, before[word], method === "wordpiece" ? 2 : 0) })),
    candidates: next ? listCandidates(next, revealed, bet) : [], n_candidates: next ? next.candidates.length : 0,
    vocabulary: groups.map(([name, pieces]) => ({ name, pieces: pieces.slice(0, MOST_PIECES), n: pieces.length })),
    size: `${count(size)} pieces in the vocabulary · all words together: ${count(length)} tokens${prune && next
      ? ` · loss of all words (−log likelihood): ${next.loss.toFixed(2)}` : ""}`,
    why: seen ? `${sayWeight(method, seen.candidates[0][1])}, ${best}${prune && after
      ? `; the loss of all words, once EM has fitted the rest again: ${seen.loss.toFixed(2)} → ${after.loss.toFixed(2)}`
      : ""}` : "",
    ties: seen ? sayTies(method, seen) : "", verdict: seen && bet ? sayVerdict(method, seen, bet) : "",
  };
}
