/** Which tokens may look at which; and what a page without Python answers for AttentionGrid, of heads as bytes. */
import { pool } from "../parts/canvas.js";

const MASKS = { padding: [true, false], causal: [false, true], both: [true, true], none: [false, false] };

/** Which tokens of text `row` may look at which: by the mask's name, or, of a model's own, as Python says. */
export function allowedIn({ mask, own, kinds, shape: [, , , tall, n] }, row) {
  const [[padding, causal], allowed] = [MASKS[mask] ?? [], new Uint8Array(tall * n)];
  for (let at = 0, bit = row * tall * n; at < tall * n; at++, bit++) {
    const k = at % n;
    allowed[at] = mask === "own" ? (own.getUint8(bit >> 3) >> (7 - (bit & 7))) & 1
      : Number(!(padding && kinds[row][k] === "p") && !(causal && k > at / n));
  }
  return allowed;
}

/**
 * What it answers of `view()`. `layerOf(kind, row, layer)` gives a layer's heads as bytes, and of scores
 * what 255 stands for in each.
 * @param {(kind: string, row: number, layer: number) => Promise<{ bytes: any, scales: number[] }>} layerOf
 */
export function answersOf(view, layerOf) {
  return {
    async heads({ kind, row, layer, first }) {
      const [{ shape: [, , , n, m], group }, { bytes, scales }] = [view(), await layerOf(kind, row, layer)];
      return [{ scales: scales.slice(first, first + group) }, bytes.slice(first * n * m, (first + group) * n * m)];
    },
    async overview({ stage, row }) {
      const { shape: [layers, , heads, n, m] } = view();
      const [tall, wide, kind] = [Math.min(n, 48), Math.min(m, 48), stage === "softmax" ? "weights" : "scores"];
      const allowed = stage === "masked" ? allowedIn(view(), row) : null;
      const all = new Uint8Array(layers * heads * tall * wide);
      for (let layer = 0; layer < layers; layer++) {
        await new Promise((resolve) => setTimeout(resolve, layer ? 0 : 30)); // the open head and the reader come first
        const { bytes } = await layerOf(kind, row, layer);
        for (let h = 0; h < heads; h++) {
          const head = bytes.slice(h * n * m, (h + 1) * n * m);
          for (let at = 0; allowed && at < n * m; at++) if (!allowed[at]) head[at] = 128;
          all.set(pool(head, n, m, tall, wide, kind === "scores"), (layer * heads + h) * tall * wide);
        }
      }
      return [{ size: [tall, wide] }, all];
    },
  };
}
