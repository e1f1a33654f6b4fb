/** Lines from the tokens that look, at the left, to those they look at: of one token its own, else the strongest. */
import { intoSight } from "../parts/grid.js";
import { canvasBox, TALL, writeNames } from "./heatmap.js";
import { LABEL } from "./picture.js";

const LINES = 40; // of one token, the strongest

/** Draw `picture` as lines between tokens that are `step` pixels apart. */
function paintLines(pen, picture, { step, y, width, height, scale }, palette, { r, c }) {
  const { rows, columns, share } = picture;
  const room = Math.min(LABEL, width * 0.3);
  const [left, right] = [room + 4, width - room - 4];
  const place = (n) => Math.max(6, (n + 0.5) * step) - y;
  pen.clearRect(0, 0, width, height);
  function line(row, column, strength, colour, dash = []) {
    const [from, to] = [place(row), place(column)];
    if (Math.max(from, to) < 0 || Math.min(from, to) > height) return;
    [pen.strokeStyle, pen.globalAlpha, pen.lineWidth] = [colour, strength, 1 + 2 * strength];
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(left, from);
    pen.lineTo(right, to);
    pen.stroke();
  }
  /** The strongest of the lines from or to one token: to or from which, how strong. */
  const strongest = (tokens, share) => tokens.map((k, n) => [n, share(k)]).filter(([, a]) => a > 0.001)
    .sort((a, b) => b[1] - a[1]).slice(0, LINES);
  const [out, into] = [r < 0 ? [] : strongest(columns, (k) => share(rows[r], k)),
    c < 0 ? [] : strongest(rows, (q) => share(q, columns[c]))];
  for (const [n, a] of out) line(r, n, Math.max(a, 0.1), palette.accent);
  for (const [n, a] of into) line(n, c, Math.max(a, 0.1), palette.warm, [5, 3]);
  if (r < 0 && c < 0) for (const [q, k, a] of picture.links()) line(q, k, a, `rgb(${palette.weight})`);
  pen.setLineDash([]);
  pen.globalAlpha = 1;
  const sides = [[rows, left - 3, "right", r, palette.accent, picture.looks],
    [columns, right + 4, "left", c, palette.warm, picture.looked]];
  for (const [list, x, align, chosen, colour, side] of sides) {
    const [from, to] = [Math.max(0, Math.floor((y - 8) / step)), Math.min(list.length, (y + height + 8) / step)];
    writeNames(pen, side, list, palette, { from, to, step, room: room - 6, align, chosen, colour, scale,
      go: (n) => pen.translate(x, place(n)) });
  }
}

/** The lines of `shown()` in a box that scrolls; `repaint()` hears when they must be drawn. */
export function linesBox(shown, repaint) {
  const { node, stretch, place } = canvasBox("lines", "lines", repaint);
  let step = 1;
  return {
    node,
    /** Draw them, about as `tall` as the heatmap beside them. */
    draw(palette, at, tall, zoom) {
      const most = Math.max(shown().rows.length, shown().columns.length, 1);
      const high = shown().twoSides ? Math.max(tall, Math.min(TALL, 12 * most)) : tall; // a wide heatmap is low
      step = Math.min(22, Math.max(1, (high - 4) / most) * zoom);
      const room = stretch(10, most * step, Math.min(high, most * step) + 2);
      paintLines(room.pen, shown(), { ...room, step }, palette, at);
    },
    under(event) {
      const [x, y] = place(event);
      const [left, { rows, columns, twoSides }] = [x < node.clientWidth / 2, shown()];
      const k = (left ? rows : columns)[Math.floor((y + node.scrollTop) / step)];
      if (k === undefined) return null;
      return { query: left || !twoSides ? k : undefined, key: left && twoSides ? undefined : k };
    },
    follow: (row) => intoSight(node, row * step, (row + 1) * step),
  };
}
