import { answersOf } from "./attention_grid/answers.js";
import { fromBase64 } from "./parts/numbers.js";

/** What a page without Python answers for AttentionGrid: each layer's heads are an element of their own, deflated. */
export function answers({ _view: view, _scales: scales, _vectors: vectors, _lens: lens, _effects: effects }, home) {
  /** What the element that `selector` finds holds. */
  async function unpacked(selector) {
    const packed = fromBase64(home.querySelector(selector).textContent);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
  /** A layer's heads; they are stored column by column. */
  async function layerOf(kind, row, layer) {
    const [name, { shape: [, , heads, n, m] }] = [`${kind} ${row} ${layer}`, view];
    const columns = await unpacked(`[data-layer="${name}"]`);
    const bytes = new Uint8Array(columns.length);
    let at = 0;
    for (let h = 0; h < heads; h++) {
      for (let q = 0; q < n; q++) for (let k = 0; k < m; k++) bytes[at++] = columns[(h * m + k) * n + q];
    }
    return { bytes, scales: scales[name] };
  }
  return {
    ...answersOf(() => view, layerOf),
    async vectors({ row, layer, head }) {
      const [name, { shape: [, , heads, n, m] }] = [`${row} ${layer}`, view];
      const [about, all] = [vectors[name], await unpacked(`[data-vectors="${name}"]`)];
      const size = 4 * ((n + m) * about.width + (about.biased ? n * m : 0));
      const bytes = new Uint8Array(size + all.length - heads * size);
      bytes.set(all.subarray(head * size, (head + 1) * size));
      bytes.set(all.subarray(heads * size), size);
      return [about, bytes];
    },
    layers: async ({ row }) => [lens[row], new Uint8Array()],
    effect: async ({ row }) => [effects[row], new Uint8Array()],
  };
}
