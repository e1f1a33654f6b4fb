/** What answers for AttentionGrid: other texts and masks, all heads as bytes, exact numbers of one layer, vectors. */
import { allowedIn, answersOf } from "../attention_grid/answers.js";
import { count } from "../parts/numbers.js";
import { NO_TEXTS, padded } from "./batch.js";

/** Whether scores have room beside weights. Throws where maps of `batch` texts of `n` tokens are too large. */
function roomForScores({ n_layers, n_heads }, batch, n) {
  const [bytes, most, digits] = [4 * n_layers * n_heads * batch * n * n, 2 ** 31, { minimumFractionDigits: 1 }];
  const [long, size] = [count(n), `${(Math.round(bytes / 1e8) / 10).toLocaleString("en", digits)} GB`];
  const sum = `${n_layers} layers × ${n_heads} heads × ${count(batch)} texts × ${long} × ${long} tokens × 4 bytes`;
  if (n > 4096) throw new Error(`A text has ${long} tokens, more than 4,096: ${sum} are ${size}. Pass a part of it.`);
  if (bytes <= most) return 2 * bytes <= most;
  throw new Error(`These maps take ${size}, more than 2.1 GB: ${sum}. Pass fewer or shorter texts.`);
}

/** Weights or scores (heads, n, n) as bytes; of scores what 255 stands for in each head. */
function mapBytes(kind, values, heads) {
  const [size, bytes, scales] = [values.length / heads, new Uint8ClampedArray(values.length), []];
  if (kind === "weights") for (let at = 0; at < values.length; at++) bytes[at] = 255 * Math.sqrt(values[at]);
  for (let from = 0, most = 1e-9; kind === "scores" && from < values.length; from += size, most = 1e-9) {
    for (let at = from; at < from + size; at++) most = Math.max(most, Math.abs(values[at]));
    for (let at = from; at < from + size; at++) bytes[at] = 127 * values[at] / most + 128;
    scales.push(most);
  }
  return { bytes, scales };
}

export function attentionGrid(traits, { encode, special, config, more, run }) {
  const [view, same] = [() => traits._view, (a, b) => JSON.stringify(a) === JSON.stringify(b)];
  let kept = { view: view() }; // the maps of one text: "weights" and "scores", each if asked for
  function viewOf(texts, mask, version = view().version + 1) {
    const rows = texts.map((text) => encode(text)), n = Math.max(...rows.map(({ ids }) => ids.length));
    const longest = Math.max(...rows.map(({ ids, cut }) => ids.length + cut));
    const kept = version === view().version; // what the page knew beside maps and vectors is still so
    const room = roomForScores(config, ...(longest > 4096 ? [1, longest] : [rows.length, n]));
    return { ...view(), texts, mask, version, live: true, vectors: true,
      layers: kept && view().layers, effect: kept ? view().effect : [],
      rows: [...texts.keys()], cut: rows.map(({ cut }) => cut),
      stages: room ? more.stages : more.few, shape: [config.n_layers, rows.length, config.n_heads, n, n],
      tokens: rows.map(({ tokens }) => padded(tokens, n, "[PAD]")),
      kinds: rows.map(({ kinds }) => kinds.map((kind) => (kind === "special" ? "s" : "w")).join("").padEnd(n, "p")) };
  }
  /** All heads of a text as bytes, and exact those of `layer`, if any; of a long text all exact ones are 75 MB. */
  async function mapsOf(kind, row, layer) {
    if (kept.view !== view()) kept = { view: view() };
    const [{ texts, shape: [, , heads, n] }, had] = [view(), kept[kind]];
    if (had?.row === row && (layer === undefined || had.exact[layer])) return had;
    const [ids, open] = [padded(encode(texts[row]).ids, n, special.pad), layer ?? traits.layer];
    const { [kind]: all } = await run([ids], [allowedIn(view(), row)], [kind]);
    const layers = all.map((values) => mapBytes(kind, values, heads));
    kept[kind] = { row, layers, exact: n > 160 ? { [open]: all[open] } : all };
    return kept[kind];
  }
  /** Queries and keys of a head, and the bits of who may look at whom, as Python packs them. */
  async function vectors({ row, layer, head }) {
    if (kept.view !== view()) kept = { view: view() };
    const [{ texts, shape: [, , heads, n] }, open] = [view(), allowedIn(view(), row)];
    if (kept.vectors?.row !== row) {
      const ids = padded(encode(texts[row]).ids, n, special.pad);
      kept.vectors = { row, ...await run([ids], [open], ["query", "key"]) };
    }
    const width = config.dim / heads, bits = new Uint8Array(Math.ceil(n * n / 8));
    const of = (all, at = head * width) => Array.from({ length: n }, (_, token) =>
      [...all.subarray(at + token * config.dim, at + token * config.dim + width)]).flat();
    const floats = Float32Array.from(["query", "key"].flatMap((to) => of(kept.vectors[to][layer])));
    open.forEach((may, at) => { bits[at >> 3] |= may << (7 - (at & 7)); });
    const bytes = new Uint8Array(floats.byteLength + bits.length);
    bytes.set(new Uint8Array(floats.buffer));
    bytes.set(bits, floats.byteLength);
    return [{ width, scaling: width ** -0.5, biased: false }, bytes];
  }
  return {
    ...answersOf(view, async (kind, row, layer) => (await mapsOf(kind, row)).layers[layer]),
    begin: async () => ({ _view: viewOf(view().texts, view().mask, view().version) }),
    async texts() {
      const { texts, row, stage } = traits;
      if (!texts.length) return { error: NO_TEXTS, texts: view().texts };
      if (same(texts, view().texts)) return { error: "" };
      const _view = viewOf(texts, view().mask), error = "";
      return { error, _view, row: Math.min(row, texts.length - 1), stage: stage in _view.stages ? stage : "softmax" };
    },
    mask: async ({ mask }) => [{}, new Uint8Array(), { _view: viewOf(view().texts, mask),
      error: same(traits.texts, view().texts) ? "" : traits.error }],
    vectors,
    async exact({ kind, row, layer, head, query, key }) {
      const [{ exact }, n] = [await mapsOf(kind, row, layer), view().shape[3]];
      const map = exact[layer].subarray(head * n * n, (head + 1) * n * n), column = map.filter((_, k) => k % n === key);
      return [{}, new Uint8Array(Float32Array.of(...map.subarray(query * n, (query + 1) * n), ...column).buffer)];
    },
  };
}
