/** What answers for PipelineStrip: the texts go through the model, and all of the one that is shown is told. */
import { NO_TEXTS, padded } from "./batch.js";

/** Put `values` into `bytes`, around 128; what 255 stands for: only one `typical` number in a thousand is larger. */
function intoBytes(values, typical, bytes) {
  const [sizes, place] = [typical.map(Math.abs).sort(), 0.999 * (typical.length - 1)];
  const [below, above] = [sizes[Math.floor(place)], sizes[Math.ceil(place)]];
  const scale = below + place % 1 * (above - below) || 1;
  values.forEach((x, i) => { bytes[i] = Math.round(Math.max(-1, Math.min(1, x / scale)) * 127 + 128); });
  return scale;
}

export function pipelineStrip(traits, { encode, special, words, run, more: { limit } }) {
  const known = new Map(); // text → logits
  let shown; // of the row that is shown what is the same for all layers, and its hidden states

  function look() {
    const [{ facts, hidden, real, _batch }, { layer }] = [shown, traits];
    const [n, size] = [facts.ids.length, hidden[0].length];
    const [dim, bytes] = [size / n, new Uint8Array(2 * size)];
    const scales = [0, layer].map((l, i) =>
      intoBytes(hidden[l], hidden[l].subarray(0, real * dim), bytes.subarray(i * size)));
    const peek = facts.ids.map((_, i) => [...hidden[layer].subarray(i * dim, i * dim + 3)]);
    return { row: facts.row, _batch, _vectors: new DataView(bytes.buffer),
      _detail: { ...traits._detail, ...facts, layer, scales, shape: [n, dim], peek } };
  }
  async function read(texts) {
    const rows = texts.map((text) => encode(text, { limit }));
    const [n, row] = [Math.max(...rows.map(({ ids }) => ids.length)), Math.min(traits.row, texts.length - 1)];
    const { ids: real, kinds, pieces, cut } = rows[row];
    const [ids, mask] = [padded(real, n, special.pad), padded(real.map(() => 1), n, 0)];
    const { hidden, logits } = await run([ids], [mask], ["hidden"]);
    if (known.size > 1000) known.clear();
    known.set(texts[row], logits[0]);
    for (const [r, text] of texts.entries()) {
      if (!known.has(text)) known.set(text, (await run([rows[r].ids], [rows[r].ids.map(() => 1)], [])).logits[0]);
    }
    const facts = { row, ids, mask, tokens: ids.map((id) => words[id]), pieces: padded(pieces, n, ""),
      kinds: padded(kinds, n, "pad"), cut, reads: [0] };
    shown = { facts, hidden, real: real.length, _batch: texts.map((text) => ({ text, logits: known.get(text) })) };
    return look();
  }
  const before = () => traits._batch.map(({ text }) => text);
  return {
    texts: async (texts) => (texts.length ? { ...await read(texts), error: "", token: null }
      : { error: NO_TEXTS, texts: before() }),
    row: () => read(before()), layer: async () => (shown ? look() : read(before())),
  };
}
