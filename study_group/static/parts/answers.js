/** What the logits of a text say: its scores, and which label is best. */

const SCORES = {
  softmax(logits) {
    const top = Math.max(...logits);
    const powers = logits.map((x) => Math.exp(x - top));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((x) => x / sum);
  },
  sigmoid: (logits) => logits.map((x) => 1 / (1 + Math.exp(-x))),
  none: (logits) => logits,
};

/** The answer for `sent`, logits as Python sends them (strings for what JSON lacks), after the function `applied`. */
export function answerOf(sent, applied) {
  const logits = sent.map(Number);
  const scores = SCORES[applied](logits);
  const top = Math.max(...scores);
  return { logits, scores, best: scores.findIndex((x) => Object.is(x, top)) };
}
