import { pool } from "./parts/canvas.js";
import { fromBase64 } from "./parts/numbers.js";

/** What a page without Python answers for AttentionGrid: each layer's heads are an element of their own, deflated. */
export function answers({ _view: { shape: [layers, , heads, n], queries, allowed }, _scales: scales }, home) {
  /** A layer's heads, (heads, n, n); they are stored column by column. */
  async function layerOf(kind, row, layer) {
    const packed = fromBase64(home.querySelector(`[data-layer="${kind} ${row} ${layer}"]`).textContent);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const columns = new Uint8Array(await new Response(stream).arrayBuffer());
    const bytes = new Uint8Array(columns.length);
    let at = 0;
    for (let h = 0; h < heads; h++) {
      for (let q = 0; q < n; q++) for (let k = 0; k < n; k++) bytes[at++] = columns[(h * n + k) * n + q];
    }
    return bytes;
  }
  function hide(bytes, row) {
    for (let at = 0; at < bytes.length; at++) {
      const bit = queries === 1 ? row * n + at % n : row * n * n + at % (n * n);
      if (!((allowed.getUint8(bit >> 3) >> (7 - (bit & 7))) & 1)) bytes[at] = 128;
    }
  }
  return {
    heads: async ({ kind, row, layer }) =>
      [{ scales: scales[`${kind} ${row} ${layer}`] }, await layerOf(kind, row, layer)],
    async overview({ stage, row }) {
      const [size, kind] = [Math.min(n, 48), stage === "softmax" ? "weights" : "scores"];
      const all = new Uint8Array(layers * heads * size * size);
      for (let layer = 0; layer < layers; layer++) {
        await new Promise((resolve) => setTimeout(resolve, layer ? 0 : 30)); // the open head and the reader come first
        const bytes = await layerOf(kind, row, layer);
        if (stage === "masked") hide(bytes, row);
        for (let h = 0; h < heads; h++) {
          const head = bytes.subarray(h * n * n, (h + 1) * n * n);
          all.set(pool(head, n, n, size, size, kind === "scores"), (layer * heads + h) * size * size);
        }
      }
      return [{ size }, all];
    },
  };
}
