/** What Python does for MergeTheatre, in a page: it trains, says which step has come, and keeps the bets. */
import { count } from "../parts/numbers.js";
import { SPACE, addCount, cutText, mergePlay, prunePlay } from "./training.js";

export function mergeTheatre(traits, { more: { casts, most } }) {
  const bets = new Map(); // method and step → what was bet
  const key = (step) => `${traits.method} ${step}`;

  /** The words that the method is shown on, as few_words chooses them, and a note on what is left out. */
  function cast() {
    const { method, own_text: text, _methods: names } = traits;
    if (new RegExp(`^${SPACE}*$`, "u").test(text)) return casts[method];
    const [counted, parts] = [new Map(), new Map()];
    for (const { word } of cutText(text, names[method])) addCount(counted, word.join(""), 1);
    for (const [word, n] of counted) {
      for (const part of word.match(new RegExp(`.{1,${most.word}}`, "gsu"))) addCount(parts, part, n);
    }
    let room = method === "unigram" ? most.parts : Infinity;
    const frequent = [...parts].sort((a, b) => b[1] - a[1]).slice(0, most.words);
    const chosen = new Set(frequent.map(([word]) => word).filter((word) => {
      room -= [...word].length * ([...word].length + 1) / 2;
      return room >= 0;
    }));
    const few = `Not all ${count(counted.size)} words are on the stage, but the ${chosen.size} most frequent. `;
    const long = [...counted.keys()].some((word) => [...word].length > most.word);
    return [[...parts].filter(([word]) => chosen.has(word)), (chosen.size < counted.size ? few : "")
      + (long ? `Words of more than ${most.word} characters are cut.` : "")];
  }
  /** Come to `step` of the play, and hide the next if it is to be bet on. */
  function turn(step = traits.step, play = traits._play) {
    const bet = bets.get(key(step)) ?? null;
    const revealed = !traits.betting || bet !== null || step === play.steps.length;
    return { step, bet, revealed, _at: [traits.method, step] };
  }
  /** Play the method, and stay at `step` if there is one. */
  function stage(step) {
    const [{ method }, [words, note]] = [traits, cast()];
    const play = method === "unigram" ? prunePlay(new Map(words), most.steps, most.piece)
      : mergePlay(new Map(words), most.steps, method === "wordpiece" ? "##" : "");
    const _play = { ...play, method, counts: words.map(([, n]) => n), note };
    return { _play, ...turn(Math.min(step, play.steps.length), _play) };
  }
  return {
    async own_text() { bets.clear(); return { error: "", ...stage(0) }; },
    method: async () => stage(traits.step),
    step: async () => turn(),
    betting: async () => turn(),
    async revealed() {
      const { bet, revealed, score, step, _play: { steps } } = traits;
      if (!revealed) return turn();
      if (!bet || bets.has(key(step))) return {};
      bets.set(key(step), bet);
      const place = steps[step].candidates.findIndex(([pieces]) => pieces.join("\0") === bet.join("\0"));
      const kind = place === 0 ? "right" : place < steps[step].ties ? "tied" : "wrong";
      return { score: { ...score, [kind]: score[kind] + 1 } };
    },
  };
}
