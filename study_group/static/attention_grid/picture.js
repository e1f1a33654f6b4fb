/** The open head as something to draw: which tokens, which colours, which numbers. */
import { inkOf, paintBytes, pool, property } from "../parts/canvas.js";
import { visible } from "../study_widget.js";
import { allowedIn } from "./answers.js";
import { kindOf } from "./store.js";

export const FONT = '11px system-ui, "Noto Sans", sans-serif';
export const LABEL = 92; // pixels of a label at most
const [ALL, LEAST] = [800, 0.02]; // lines that are drawn of all, the strongest; the least weight of those

/** The colours of the theme that `root` has now; of each kind of numbers a pixel for each byte. */
export function paletteOf(root) {
  const names = ["page", "line", "ink", "quiet", "accent", "warm", "weight"];
  return { ...Object.fromEntries(names.map((name) => [name, property(root, name)])),
    dark: root.dataset.theme === "dark", weights: inkOf(root, "weight"), scores: inkOf(root, "below", "above") };
}

export function thumbOf({ bytes, size: [tall, wide] }, n) {
  return bytes.subarray(n * tall * wide, (n + 1) * tall * wide);
}

/** Where there is only a thumbnail of a head, what it tells of all cells. */
function grown({ shape: [, , heads, n, m] }, { layer, head }, overview) {
  const [bytes, [tall, wide]] = [thumbOf(overview, layer * heads + head), overview.size];
  const near = (many, few) => Array.from({ length: many }, (_, k) => Math.floor(k * few / many));
  const [line, column, cells] = [near(n, tall), near(m, wide), new Uint8Array(n * m)];
  for (let q = 0; q < n; q++) for (let k = 0; k < m; k++) cells[q * m + k] = bytes[line[q] * wide + column[k]];
  return cells;
}

/** What the tokens of text `row` on one side are. */
function sideOf({ tokens, kinds }, row) {
  return {
    token: (k) => tokens[row][k],
    isPad: (k) => kinds[row][k] === "p",
    /** Pixels that the longest name of these tokens takes. */
    widest(positions) {
      const pen = document.createElement("canvas").getContext("2d");
      pen.font = `bold ${FONT}`;
      const names = new Set(positions.map((k) => visible(tokens[row][k])));
      return Math.min(LABEL, 14 + Math.max(16, ...[...names].map((name) => pen.measureText(name).width)));
    },
  };
}

/** The head that is open in `state`, tokens `rows` × `columns` of it; null where nothing of it is here. */
export function pictureOf(view, state, store, rows, columns) {
  const [{ shape: [, , , , m], mask }, { row, stage }] = [view, state];
  const [found, overview] = [store.head(state), store.overview(state)];
  if (!found && !overview) return null;
  const { bytes, scale } = found ?? { bytes: grown(view, state, overview), scale: 1 };
  const [sharp, signed, masked] = [Boolean(found), stage !== "softmax", stage !== "scores" && mask !== "none"];
  const allowed = masked ? allowedIn(view, row) : null;
  const hidden = (q, k) => allowed !== null && !allowed[q * m + k];
  const cells = new Uint8Array(rows.length * columns.length);
  let at = 0, image = { key: "", canvas: null }, links = null;
  for (const q of rows) for (const k of columns) cells[at++] = signed && hidden(q, k) ? 128 : bytes[q * m + k];
  return {
    state, rows, columns, sharp, scale, signed, hidden, looks: sideOf(view.looks ?? view, row),
    looked: sideOf(view, row), twoSides: view.looks !== null,
    /** As a canvas, with not much less than a pixel for each cell where cells are smaller. */
    image(pixels, palette) {
      const few = (m) => (pixels < 1 ? Math.max(1, Math.round(m * pixels)) : m);
      const [tall, wide] = [few(rows.length), few(columns.length)];
      const key = `${tall} ${wide} ${palette.dark}`;
      if (key === image.key) return image.canvas;
      const small = pixels < 1 ? pool(cells, rows.length, columns.length, tall, wide, signed) : cells;
      image = { key, canvas: paintBytes(small, wide, tall, palette[kindOf(stage)]) };
      return image.canvas;
    },
    /** [row, column, weight] of the strongest of all lines; none of a preview. */
    links() {
      links ??= Array.from(cells.keys()).filter((at) => sharp && cells[at] >= 255 * Math.sqrt(LEAST))
        .sort((a, b) => cells[b] - cells[a]).slice(0, ALL).map((at) =>
          [Math.floor(at / columns.length), at % columns.length, (cells[at] / 255) ** 2]);
      return links;
    },
    share: (q, k) => (bytes[q * m + k] / 255) ** 2,
    /** The number of a cell, and whether it is exact. */
    value(q, k) {
      if (stage === "masked" && hidden(q, k)) return [-Infinity, true];
      const [known, byte] = [store.exact(state, q, k), bytes[q * m + k]];
      return known === undefined ? [signed ? (byte - 128) / 127 * scale : (byte / 255) ** 2, false] : [known, true];
    },
  };
}
