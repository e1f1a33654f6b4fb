/** What a page without Python answers for AttentionGrid, of heads as bytes. */
import { pool } from "../parts/canvas.js";

/** Whether bit number `at` of what numpy.packbits wrote is set. @param {DataView} bits */
export function isSet(bits, at) { return (bits.getUint8(at >> 3) >> (7 - (at & 7))) & 1; }

/**
 * What it answers of `view()`. `layerOf(kind, row, layer)` gives a layer's heads as bytes (heads, n, n), and of scores
 * what 255 stands for in each.
 * @param {(kind: string, row: number, layer: number) => Promise<{ bytes: Uint8Array, scales: number[] }>} layerOf
 */
export function answersOf(view, layerOf) {
  /** A copy of a layer's scores of text `row`, without those that the mask hides. */
  function masked(bytes, row) {
    const { allowed, queries, shape: [, , , n] } = view();
    return bytes.map((byte, at) => (isSet(allowed, row * queries * n + at % (queries * n)) ? byte : 128));
  }
  return {
    async heads({ kind, row, layer, first }) {
      const [{ shape: [, , , n], group }, { bytes, scales }] = [view(), await layerOf(kind, row, layer)];
      return [{ scales: scales.slice(first, first + group) }, bytes.slice(first * n * n, (first + group) * n * n)];
    },
    async overview({ stage, row }) {
      const [{ shape: [layers, , heads, n] }, kind] = [view(), stage === "softmax" ? "weights" : "scores"];
      const size = Math.min(n, 48);
      const all = new Uint8Array(layers * heads * size * size);
      for (let layer = 0; layer < layers; layer++) {
        await new Promise((resolve) => setTimeout(resolve, layer ? 0 : 30)); // the open head and the reader come first
        const { bytes } = await layerOf(kind, row, layer);
        const shown = stage === "masked" ? masked(bytes, row) : bytes;
        for (let h = 0; h < heads; h++) {
          const head = shown.subarray(h * n * n, (h + 1) * n * n);
          all.set(pool(head, n, n, size, size, kind === "scores"), (layer * heads + h) * size * size);
        }
      }
      return [{ size }, all];
    },
  };
}
