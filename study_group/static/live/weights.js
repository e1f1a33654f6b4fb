import { fromBase64 } from "../parts/numbers.js";
/** The bytes of model.safetensors. */
export async function getWeights({ url, inline }, tell) {
  const packed = inline ? fromBase64(document.getElementById(inline).textContent)
    : fromBase64(await new Promise((done) => { globalThis.studyWeights = done; document.head.append(Object.assign(document.createElement("script"), { src: url })); }));
  tell(1);
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
