import { answersOf } from "./attention_grid/answers.js";
import { fromBase64 } from "./parts/numbers.js";

/** What a page without Python answers for AttentionGrid: each layer's heads are an element of their own, deflated. */
export function answers({ _view: view, _scales: scales }, home) {
  /** A layer's heads; they are stored column by column. */
  async function layerOf(kind, row, layer) {
    const [name, { shape: [, , heads, n, m] }] = [`${kind} ${row} ${layer}`, view];
    const packed = fromBase64(home.querySelector(`[data-layer="${name}"]`).textContent);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const columns = new Uint8Array(await new Response(stream).arrayBuffer());
    const bytes = new Uint8Array(columns.length);
    let at = 0;
    for (let h = 0; h < heads; h++) {
      for (let q = 0; q < n; q++) for (let k = 0; k < m; k++) bytes[at++] = columns[(h * m + k) * n + q];
    }
    return { bytes, scales: scales[name] };
  }
  return answersOf(() => view, layerOf);
}
