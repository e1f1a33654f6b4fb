/** Which tokens may look at which; and what a page without Python answers for AttentionGrid, of heads as bytes. */
import { pool } from "../parts/canvas.js";

const MASKS = { padding: [true, false], causal: [false, true], both: [true, true], none: [false, false] };

/** Whether token `q` of text `row` may look at token `k`: by the mask's name, or, of a model's own, as Python says. */
export function looksOf({ mask, own, kinds, shape: [, , , n] }, row) {
  const [padding, causal] = MASKS[mask] ?? [];
  const bit = (at) => Boolean((own.getUint8(at >> 3) >> (7 - (at & 7))) & 1);
  return (q, k) => (mask === "own" ? bit((row * n + q) * n + k)
    : !(padding && kinds[row][k] === "p") && !(causal && k > q));
}

/**
 * What it answers of `view()`. `layerOf(kind, row, layer)` gives a layer's heads as bytes (heads, n, n), and of scores
 * what 255 stands for in each.
 * @param {(kind: string, row: number, layer: number) => Promise<{ bytes: any, scales: number[] }>} layerOf
 */
export function answersOf(view, layerOf) {
  return {
    async heads({ kind, row, layer, first }) {
      const [{ shape: [, , , n], group }, { bytes, scales }] = [view(), await layerOf(kind, row, layer)];
      return [{ scales: scales.slice(first, first + group) }, bytes.slice(first * n * n, (first + group) * n * n)];
    },
    async overview({ stage, row }) {
      const { shape: [layers, , heads, n] } = view();
      const [size, kind, looks] = [Math.min(n, 48), stage === "softmax" ? "weights" : "scores", looksOf(view(), row)];
      const shown = (byte, at) => (looks(Math.floor(at / n), at % n) ? byte : 128);
      const all = new Uint8Array(layers * heads * size * size);
      for (let layer = 0; layer < layers; layer++) {
        await new Promise((resolve) => setTimeout(resolve, layer ? 0 : 30)); // the open head and the reader come first
        const { bytes } = await layerOf(kind, row, layer);
        for (let h = 0; h < heads; h++) {
          const whole = bytes.subarray(h * n * n, (h + 1) * n * n);
          const head = stage === "masked" ? whole.map(shown) : whole;
          all.set(pool(head, n, n, size, size, kind === "scores"), (layer * heads + h) * size * size);
        }
      }
      return [{ size }, all];
    },
  };
}
