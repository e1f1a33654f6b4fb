/** What MaskBench, PipelineStrip and AttentionGrid do with texts: refuse none, and make rows of one length. */

export const NO_TEXTS = "texts=[] is empty: pass a string, or a list with at least one.";

/** `values`, and as many times `pad` as they are fewer than `n`. @template T @param {T[]} values @param {T} pad */
export function padded(values, n, pad, side = "right") {
  const pads = Array(n - values.length).fill(pad);
  return side === "left" ? [...pads, ...values] : [...values, ...pads];
}
