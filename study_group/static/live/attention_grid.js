/** What Python does for AttentionGrid, in a page: other texts and masks, heads as bytes, exact numbers. */
import { answersOf, isSet } from "../attention_grid/answers.js";
import { count } from "../parts/numbers.js";

const LOOKS = { padding: [true, false], causal: [false, true], both: [true, true], none: [false, false] };
const MOST_BYTES = 2 * 1024 ** 3; // as in Python, which holds them all

/** Say that maps of `batch` texts of `n` tokens are too large to look at; else, whether scores fit beside them. */
function checkMaps({ n_layers, n_heads }, batch, n) {
  const [size, digits] = [4 * n_layers * n_heads * batch * n * n, { minimumFractionDigits: 1, maximumFractionDigits: 1 }];
  const gigabytes = (bytes) => `${(bytes / 1e9).toLocaleString("en", digits)} GB`;
  const what = `${n_layers} layers × ${n_heads} heads × ${count(batch)} texts × ${count(n)} × ${count(n)} tokens × 4 bytes`;
  if (n > 4096) throw new Error(`A text has ${count(n)} tokens, more than 4,096: ${what} are ${gigabytes(size)}. Pass a part of it.`);
  if (size <= MOST_BYTES) return 2 * size <= MOST_BYTES;
  throw new Error(`These maps take ${gigabytes(size)}, more than ${gigabytes(MOST_BYTES)}: ${what}. Pass fewer or shorter texts.`);
}

/** A layer's weights or scores, (heads, n, n), as bytes; of scores what 255 stands for in each head. */
function mapBytes(kind, values, heads) {
  if (kind === "weights") return { bytes: new Uint8ClampedArray(values.map((w) => 255 * Math.sqrt(w))), scales: [] };
  const [size, larger] = [values.length / heads, (most, score) => Math.max(most, Math.abs(score))];
  const scales = Array.from({ length: heads }, (_, h) => values.subarray(h * size, (h + 1) * size).reduce(larger, 1e-9));
  return { bytes: new Uint8ClampedArray(values.map((s, at) => 127 * s / scales[Math.floor(at / size)] + 128)), scales };
}

export function attentionGrid(traits, { encode, special, config, more, run }) {
  const [view, made] = [() => traits._view, new WeakMap()]; // a view → its ids, and what the model made of them
  const areShown = (texts) => JSON.stringify(texts) === JSON.stringify(view().texts);
  function viewOf(texts, mask, version = view().version + 1) {
    const [rows, [padding, causal]] = [texts.map((text) => encode(text)), LOOKS[mask]];
    const lengths = rows.map(({ ids }) => ids.length), n = Math.max(...lengths), queries = causal ? n : 1;
    const longest = n + Math.max(...rows.map(({ cut }) => cut)); // what is cut has n tokens left
    const stages = checkMaps(config, ...(longest > 4096 ? [1, longest] : [rows.length, n])) ? more.stages : more.few;
    const bits = new Uint8Array(Math.ceil(rows.length * queries * n / 8));
    for (let at = 0; at < rows.length * queries * n; at++) {
      const [row, q, k] = [Math.floor(at / n / queries), Math.floor(at / n) % queries, at % n];
      if ((!padding || k < lengths[row]) && (!causal || k <= q)) bits[at >> 3] |= 128 >> (at & 7);
    }
    const fill = (list, pad) => [...list, ...Array(n - list.length).fill(pad)];
    const fresh = { ...view(), texts, mask, version, queries, stages, live: true, rows: [...texts.keys()],
      shape: [config.n_layers, rows.length, config.n_heads, n], allowed: new DataView(bits.buffer),
      group: Math.min(config.n_heads, Math.floor(4e6 / n ** 2)), types: texts.map(() => ""), cut: rows.map(({ cut }) => cut),
      tokens: rows.map(({ tokens }) => fill(tokens, "[PAD]")),
      kinds: rows.map(({ kinds }) => kinds.map((kind) => (kind === "special" ? "s" : "w")).join("").padEnd(n, "p")) };
    made.set(fresh, { ids: rows.map(({ ids }) => fill(ids, special.pad)) });
    return fresh;
  }
  /** All heads of text `row` as bytes, and exact those of `layer`: of a long text all exact ones would be 75 MB. */
  async function mapsOf(kind, row, layer) {
    const [{ shape: [, , heads, n], queries, allowed }, its] = [view(), made.get(view())];
    const [had, open] = [its[kind], layer ?? traits.layer];
    if (had?.row === row && (layer === undefined || had.open === layer)) return had;
    const mask = Uint8Array.from({ length: queries * n }, (_, at) => isSet(allowed, row * queries * n + at));
    const { [kind]: layers } = await run([its.ids[row]], [mask], [kind]);
    its[kind] = { row, open, exact: layers[open], layers: layers.map((values) => mapBytes(kind, values, heads)) };
    return its[kind];
  }
  return {
    ...answersOf(view, async (kind, row, layer) => (await mapsOf(kind, row)).layers[layer]),
    begin: async () => ({ _view: viewOf(view().texts, view().mask, view().version) }),
    async texts() {
      const { texts, row, stage } = traits;
      if (areShown(texts)) return { error: "" };
      const _view = viewOf(texts, view().mask);
      return { error: "", _view, row: Math.min(row, texts.length - 1), stage: stage in _view.stages ? stage : "softmax" };
    },
    mask: async ({ mask }) =>
      [{}, new Uint8Array(), { _view: viewOf(view().texts, mask), error: areShown(traits.texts) ? "" : traits.error }],
    async exact({ kind, row, layer, head, query, key }) {
      const [n, { exact }] = [view().shape[3], await mapsOf(kind, row, layer)];
      const at = (k) => head * n * n + (k < n ? query * n + k : (k - n) * n + key);
      return [{}, new Uint8Array(Float32Array.from({ length: 2 * n }, (_, k) => exact[at(k)]).buffer)];
    },
  };
}
