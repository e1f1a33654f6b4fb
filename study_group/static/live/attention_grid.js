/** What answers for AttentionGrid: other texts, other masks, all heads as bytes, exact numbers of one layer. */
import { answersOf, looksOf } from "../attention_grid/answers.js";
import { count } from "../parts/numbers.js";

/** Whether scores have room beside weights. Throws where maps of `batch` texts of `n` tokens are too large. */
function roomForScores({ n_layers, n_heads }, batch, n) {
  const [size, most, digits] = [4 * n_layers * n_heads * batch * n * n, 2 ** 31, { minimumFractionDigits: 1 }];
  const gigabytes = (bytes) => `${(Math.round(bytes / 1e8) / 10).toLocaleString("en", digits)} GB`;
  const [what, times] = [`${count(n)} tokens`, `${n_layers} layers × ${n_heads} heads × ${count(batch)} texts`];
  const words = `${times} × ${count(n)} × ${what} × 4 bytes`;
  const why = n > 4096 ? `A text has ${what}, more than 4,096: ${words} are ${gigabytes(size)}. Pass a part of it.`
    : `These maps take ${gigabytes(size)}, more than 2.1 GB: ${words}. Pass fewer or shorter texts.`;
  if (n > 4096 || size > most) throw new Error(why);
  return 2 * size <= most;
}

/** Weights or scores (heads, n, n) as bytes; of scores what 255 stands for in each head. */
function mapBytes(kind, values, heads) {
  if (kind === "weights") return { bytes: new Uint8ClampedArray(values.map((w) => 255 * Math.sqrt(w))), scales: [] };
  const size = values.length / heads;
  const scales = Array.from({ length: heads }, (_, h) => values.subarray(h * size, (h + 1) * size)
    .reduce((most, score) => Math.max(most, Math.abs(score)), 1e-9));
  return { bytes: new Uint8ClampedArray(values.map((s, at) => 127 * s / scales[Math.floor(at / size)] + 128)), scales };
}

export function attentionGrid(traits, { encode, special, config, more, run }) {
  const [view, same] = [() => traits._view, (a, b) => JSON.stringify(a) === JSON.stringify(b)];
  let kept = { view: view() }; // the maps of one text, "weights" and "scores", each if asked for
  function viewOf(texts, mask, version = view().version + 1) {
    const rows = texts.map((text) => encode(text)), n = Math.max(...rows.map(({ ids }) => ids.length));
    const longest = Math.max(...rows.map(({ ids, cut }) => ids.length + cut));
    if (longest > 4096) roomForScores(config, 1, longest);
    return { ...view(), texts, mask, version, live: true, rows: [...texts.keys()], cut: rows.map(({ cut }) => cut),
      stages: roomForScores(config, rows.length, n) ? more.stages : more.few,
      shape: [config.n_layers, rows.length, config.n_heads, n],
      tokens: rows.map(({ tokens }) => [...tokens, ...Array(n - tokens.length).fill("[PAD]")]),
      kinds: rows.map(({ kinds }) => kinds.map((kind) => (kind === "special" ? "s" : "w")).join("").padEnd(n, "p")) };
  }
  /** All heads of a text as bytes, and exact those of `layer` (undefined: of any); all exact would be too much. */
  async function mapsOf(kind, row, layer) {
    if (kept.view !== view()) kept = { view: view() };
    const [{ texts, shape: [, , heads, n] }, had] = [view(), kept[kind]], open = layer ?? had?.open ?? traits.layer;
    if (had?.row === row && had.open === open) return had;
    const { ids } = encode(texts[row]), looks = looksOf(view(), row);
    const mask = Uint8Array.from({ length: n * n }, (_, at) => Number(looks(Math.floor(at / n), at % n)));
    const { [kind]: layers } = await run([[...ids, ...Array(n - ids.length).fill(special.pad)]], [mask], [kind]);
    kept[kind] = { row, open, exact: layers[open], layers: layers.map((values) => mapBytes(kind, values, heads)) };
    return kept[kind];
  }
  return {
    ...answersOf(view, async (kind, row, layer) => (await mapsOf(kind, row)).layers[layer]),
    begin: async () => ({ _view: viewOf(view().texts, view().mask, view().version) }),
    async texts() {
      const { texts, row, stage } = traits;
      if (!texts.length) return { error: NO_TEXTS, texts: view().texts };
      if (same(texts, view().texts)) return { error: "" };
      const _view = viewOf(texts, view().mask), still = stage in _view.stages ? stage : "softmax";
      return { error: "", _view, row: Math.min(row, texts.length - 1), stage: still };
    },
    mask: async ({ mask }) => [{}, new Uint8Array(), { _view: viewOf(view().texts, mask),
      error: same(traits.texts, view().texts) ? "" : traits.error }],
    async exact({ kind, row, layer, head, query, key }) {
      const [{ exact }, n] = [await mapsOf(kind, row, layer), view().shape[3]];
      const map = exact.subarray(head * n * n, (head + 1) * n * n), column = map.filter((_, at) => at % n === key);
      return [{}, new Uint8Array(Float32Array.of(...map.subarray(query * n, (query + 1) * n), ...column).buffer)];
    },
  };
}
