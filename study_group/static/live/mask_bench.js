/** What Python does for MaskBench, in a page: `react` answers what the widget's script sets, `ask` what it sends. */
export function maskBench(traits, { encode, run: forward }) {
  const run = async (ids, bits) => (await forward([ids], [bits], [])).logits[0];
  const count = (n) => n.toLocaleString("en");
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  let view = traits._view, batch, here = new Map(), alone = new Map();
  const notes = view.presets.map(({ name, note }) => [name, note]);
  const places = (row, side) => { // as Batch.order: stable, pads on `side`
    const all = [...row.real.keys()], part = (is) => all.filter((n) => row.real[n] === is);
    return side === "left" ? [...part(0), ...part(1)] : [...part(1), ...part(0)];
  };
  function longest({ kinds, pieces }) {
    let best = [], most = -1;
    kinds.forEach((kind, n) => {
      if (kind !== "word" && kind !== "unknown") return;
      const word = [n];
      while (kinds[word.at(-1) + 1] === "continuation") word.push(word.at(-1) + 1);
      const size = word.reduce((sum, m) => sum + [...pieces[m]].length, 0);
      if (size > most) [best, most] = [word, size];
    });
    return best;
  }
  function makeBatch(texts) {
    const rows = texts.map((text) => encode(text)), n = Math.max(...rows.map(({ ids }) => ids.length));
    return { texts, shape: [texts.length, n], rows: rows.map((row) => {
      const pads = n - row.ids.length, fill = (all, value) => [...all, ...Array(pads).fill(value)];
      return { ...row, ids: fill(row.ids, 0), tokens: fill(row.tokens, "[PAD]"), kinds: fill(row.kinds, "pad"),
        real: fill(row.ids.map(() => 1), 0), longest: longest(row) };
    }) };
  }
  function preset(batch, name) {
    const side = name === "left padding" ? "left" : batch.rows.every(({ real }) => real[0]) ? "right" : "left";
    const rows = batch.rows.map((row) => {
      const bits = places(row, side).map((n) => row.real[n]);
      if (name === "no mask") bits.fill(1);
      if (name === "mask a word") for (const n of row.longest) bits[n] = 0;
      return bits.join("");
    });
    return { side, rows };
  }
  function carryOver({ side, rows }, before, after) {
    for (const [name] of notes) if (same(preset(before, name), { side, rows })) return preset(after, name);
    const bitsOf = (batch) => batch.rows.map((row) => places(row, side).map((n) => row.real[n]));
    const kept = new Map(before.texts.map((text, r) => [text, [...rows[r]].filter((_, n) => bitsOf(before)[r][n])]));
    return { side, rows: bitsOf(after).map((real, r) => {
      const bits = [...kept.get(after.texts[r]) ?? "1".repeat(after.shape[1])];
      return real.map((is) => (is ? bits.shift() : "0")).join("");
    }) };
  }
  function forPage(batch) {
    const { shape, rows } = batch, ids = Int32Array.from(rows.flatMap(({ ids }) => ids));
    const cut = Object.fromEntries(rows.flatMap(({ cut }, r) =>
      (cut ? [[r, `${count(cut)} tokens were cut off, as the model takes only ${count(shape[1])}.`]] : [])));
    return { ...view, texts: batch.texts, shape, cut, ids: new DataView(ids.buffer),
      tokens: Object.fromEntries(rows.flatMap(({ ids, tokens }) => ids.map((id, n) => [id, tokens[n]]))),
      kinds: rows.map(({ kinds }) => kinds.map((kind) => kind[0]).join("")),
      presets: notes.map(([name, note]) => ({ name, note, ...preset(batch, name) })) };
  }
  function answer(logits) {
    const top = Math.max(...logits), all = logits.map((x) => Math.exp(x - top)), sum = all.reduce((a, b) => a + b);
    const scores = all.map((x) => x / sum), best = scores.indexOf(Math.max(...scores));
    return { logits, scores, best, label: view.labels[best] };
  }
  function saySize(x) { // Python's .4f and .1g
    if (x >= .001 || x === 0) return x.toFixed(4);
    return x >= 1e-4 ? x.toPrecision(1) : x.toExponential(0).replace(/e-(\d)$/, "e-0$1");
  }
  function verdict(a, b) {
    if (a.every((x, n) => Math.abs(x - b[n]) <= 1e-5 + 1e-5 * Math.abs(b[n]))) return "same as alone";
    const flips = answer(a).best !== answer(b).best;
    return `differs by ${saySize(Math.max(...a.map((x, n) => Math.abs(x - b[n]))))}, ${flips ? "label flipped" : "same label"}`;
  }
  async function results({ side, rows }) {
    const found = [];
    for (const [r, bits] of rows.entries()) {
      const row = batch.rows[r], text = batch.texts[r], key = `${r} ${side} ${bits}`, order = places(row, side);
      if (!alone.has(text)) { const ids = row.ids.filter((_, n) => row.real[n]); alone.set(text, await run(ids, ids.map(() => 1))); }
      if (!here.has(key)) here.set(key, await run(order.map((n) => row.ids[n]), [...bits].map(Number)));
      const [a, b] = [here.get(key), alone.get(text)];
      found.push({ here: answer(a), alone: answer(b), verdict: verdict(a, b), failed: false, side, bits });
    }
    return found;
  }
  batch = makeBatch(traits.texts);
  return {
    async texts() {
      const error = check(traits.texts);
      if (error) return { error, texts: view.texts };
      const [before, mask] = [batch, traits._mask];
      batch = makeBatch(traits.texts); here = new Map(); view = forPage(batch);
      const carried = carryOver(mask, before, batch);
      return { error: "", _view: view, _mask: carried, _results: await results(carried) };
    },
    _mask: async () => ({ _results: await results(traits._mask) }),
    async ask() { return { _results: await results(traits._mask) }; },
    all: async () => { view = forPage(batch); const mask = preset(batch, "correct mask"); return { _view: view, _mask: mask, _results: await results(mask) }; },
  };
  function check(texts) { return texts.length ? "" : "texts is empty: pass at least one text."; }
}
