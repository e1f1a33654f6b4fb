/** What is painted on a canvas: bytes as pixels, hatches. */

/** The largest of each patch of `bytes` (height × width), or what is farthest from 128 if they have a sign. */
export function pool(bytes, height, width, tall, wide, signed) {
  const out = new Uint8Array(tall * wide);
  const edges = (size, parts, i) => [Math.floor(i * size / parts), Math.ceil((i + 1) * size / parts)];
  for (let y = 0; y < tall; y++) {
    const [top, bottom] = edges(height, tall, y);
    for (let x = 0; x < wide; x++) {
      const [left, right] = edges(width, wide, x);
      let best = signed ? 128 : 0;
      for (let r = top; r < bottom; r++) {
        for (let at = r * width + left, end = r * width + right; at < end; at++) {
          if (signed ? Math.abs(bytes[at] - 128) > Math.abs(best - 128) : bytes[at] > best) best = bytes[at];
        }
      }
      out[y * wide + x] = best;
    }
  }
  return out;
}

export function property(node, name) { return getComputedStyle(node).getPropertyValue(`--${name}`).trim(); }

/** For each byte its pixel, see-through where there is nothing: one colour of `node` from 0, or two around 128. */
export function inkOf(node, ...names) {
  const colours = names.map((name) => property(node, name).split(",").map(Number));
  return Uint32Array.from(Array(256).keys(), (byte) => {
    const part = colours.length > 1 ? Math.min(1, Math.abs(byte - 128) / 127) : byte / 255;
    const [r, g, b] = byte < 128 ? colours[0] : colours.at(-1);
    return ((Math.round(part * 255) << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

/** Paint `bytes` on a canvas of width × height, each with its pixel in `ink`. */
export function paintBytes(bytes, width, height, ink, canvas = document.createElement("canvas")) {
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let n = 0; n < pixels.length; n++) pixels[n] = ink[bytes[n]];
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Slanted lines as pads have them in the style sheets, sharp where a pixel of `context` is `scale` of the screen's. */
export function hatch(context, color, scale = 1, globalAlpha = 1) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6 * scale;
  const pen = tile.getContext("2d");
  pen.scale(scale, scale);
  Object.assign(pen, { strokeStyle: color, lineWidth: 1.2, globalAlpha });
  for (const shift of [-6, 0, 6]) { pen.moveTo(shift - 1, 7); pen.lineTo(shift + 7, -1); }
  pen.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / scale));
  return pattern;
}
