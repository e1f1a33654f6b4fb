/** What answers for MaskBench: texts become a batch with masks to start from, and a mask gets the model's logits. */
import { int32 } from "../parts/numbers.js";
import { NO_TEXTS, padded } from "./batch.js";

const AT_ONCE = 200; // milliseconds: then the page is shown what there is, and asks for more
const realOf = (kinds) => kinds.replaceAll("p", "").length;

/** 0 for each token of the longest word, the first of equals, 1 for the others. */
function wordMasked({ kinds, pieces, wordIds }) {
  const [sizes, isPart] = [wordIds.map(() => -1), (i) => kinds[i] !== "special"];
  wordIds.forEach((word, i) => { if (isPart(i)) sizes[word] = Math.max(0, sizes[word]) + [...pieces[i]].length; });
  const longest = sizes.indexOf(Math.max(...sizes));
  return wordIds.map((word, i) => (isPart(i) && word === longest ? "0" : "1"));
}

/** The masks to start from, with their `notes`. A word can be masked where the words of all texts are known. */
function benchPresets(rows, n, notes) {
  const known = rows.every(({ kinds, wordIds }) => kinds.every((kind, i) => kind === "special" || wordIds[i] !== null));
  const real = rows.map(({ ids }) => ids.map(() => "1"));
  const made = { "correct mask": [real, "0", "right"], "no mask": [real, "1", "right"],
    ...known && { "mask a word": [rows.map(wordMasked), "0", "right"] }, "left padding": [real, "0", "left"] };
  return Object.entries(made).map(([name, [bits, pad, side]]) =>
    ({ name, note: notes[name], side, rows: bits.map((row) => padded(row, n, pad, side).join("")) }));
}

/** The mask of the batch `before` for the batch `after`: the preset that it is, or its bits for the same texts. */
function carriedOver(before, { side, rows }, after) {
  const was = before.presets.filter((one) => one.side === side && `${one.rows}` === `${rows}`).map(({ name }) => name);
  const again = after.presets.find(({ name }) => was.includes(name));
  if (again) return { side: again.side, rows: again.rows };
  const inside = (bits, n) => (side === "left" ? bits.slice(-n) : bits.slice(0, n));
  const kept = new Map(before.texts.map((text, r) => [text, inside(rows[r], realOf(before.kinds[r]))]));
  const bits = after.texts.map((text, r) => kept.get(text) ?? "1".repeat(realOf(after.kinds[r])));
  return { side, rows: bits.map((row) => padded([...row], after.shape[1], "0", side).join("")) };
}

export function maskBench(traits, { encode, special, words, run, more }) {
  const known = new Map(); // ids and bits → logits
  let failed = "";

  /** The results of each row, as far as they are known after a while; `first` are the rows in sight. */
  async function work(view, { side, rows }, first = []) {
    const [ids, n, end, before] = [int32(view.ids), view.shape[1], performance.now() + AT_ONCE, failed];
    const ask = (row, bits) => ({ row, bits, key: `${row}/${bits}` });
    const asked = rows.map((bits, r) => {
      const real = [...ids.subarray(r * n, r * n + realOf(view.kinds[r]))];
      return [ask(real, real.map(() => 1)), ask(padded(real, n, special.pad, side), [...bits].map(Number))];
    });
    const order = [...asked.keys()].sort((a, b) => Number(first.includes(b)) - Number(first.includes(a)));
    failed = "";
    try {
      for (const { row, bits, key } of order.flatMap((r) => asked[r])) {
        if (!known.has(key) && performance.now() < end) known.set(key, (await run([row], [bits], [])).logits[0]);
      }
    } catch (error) { failed = error.message; }
    const logits = ({ key }) => known.get(key) ?? null;
    return { error: failed || (before === traits.error ? "" : traits.error), _results: asked.map(([alone, here], r) =>
      ({ here: logits(here), alone: logits(alone), failed: failed !== "", side, bits: rows[r] })) };
  }
  async function texts(all) {
    if (!all.length) return { error: NO_TEXTS, texts: traits._view.texts };
    if (known.size > 1000) known.clear();
    const rows = all.map((text) => encode(text));
    const n = Math.max(...rows.map(({ ids }) => ids.length));
    const ids = rows.flatMap((row) => padded(row.ids, n, special.pad));
    const view = { ...traits._view, texts: all, shape: [all.length, n], ids: new DataView(Int32Array.from(ids).buffer),
      kinds: rows.map(({ kinds }) => padded(kinds.map((kind) => kind[0]), n, "p").join("")),
      tokens: Object.fromEntries(ids.map((id) => [id, words[id]])), cut: rows.map(({ cut }) => cut),
      presets: benchPresets(rows, n, more.presets) };
    const mask = carriedOver(traits._view, traits._mask, view);
    return { ...await work(view, mask), error: failed, _view: view, _mask: mask };
  }
  return { texts, _mask: (mask) => work(traits._view, mask),
    ask: ({ rows }) => work(traits._view, traits._mask, rows) };
}
