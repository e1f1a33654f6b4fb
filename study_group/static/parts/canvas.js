/** What is painted: bytes as pixels. */

/** The largest of each patch of `bytes` (height × width), or what is farthest from 128 if they have a sign. */
export function pool(bytes, height, width, tall, wide, signed) {
  const out = new Uint8Array(tall * wide);
  const edges = (size, parts) => Array.from({ length: parts },
    (_, i) => [Math.floor(i * size / parts), Math.ceil((i + 1) * size / parts)]);
  const columns = edges(width, wide);
  edges(height, tall).forEach(([top, bottom], y) => columns.forEach(([left, right], x) => {
    let best = signed ? 128 : 0;
    for (let r = top; r < bottom; r++) {
      for (let at = r * width + left, end = r * width + right; at < end; at++) {
        if (signed ? Math.abs(bytes[at] - 128) > Math.abs(best - 128) : bytes[at] > best) best = bytes[at];
      }
    }
    out[y * wide + x] = best;
  }));
  return out;
}
