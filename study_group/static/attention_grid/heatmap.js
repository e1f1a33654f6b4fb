/** The heatmap: a row for each token that looks, a column for each it looks at, drawn as far as it is in sight. */
import { hatch } from "../parts/canvas.js";
import { intoSight } from "../parts/grid.js";
import { make, visible } from "../study_widget.js";
import { FONT } from "./picture.js";

export const TALL = 560; // pixels of its height, at most
const [CELL, FEW] = [26, 10]; // pixels: largest cell; the least that has a label

/** A canvas as large as the box it is in, whose contents scroll; `paint()` hears when it must be drawn. */
export function canvasBox(name, role, paint) {
  const canvas = make("canvas", "", [], { "aria-hidden": "true" });
  const space = make("div", "space", canvas);
  const node = make("div", `window ${name}`, space, { tabindex: 0, role: "application", "aria-roledescription": role });
  node.addEventListener("scroll", () => paint(), { passive: true });
  return {
    node,
    /** Make room for contents of this size, of which `tall` pixels are seen at once; where and how to draw. */
    stretch(wide, high, tall) {
      const scale = Math.min(2, Math.ceil(window.devicePixelRatio || 1));
      node.style.height = `${Math.ceil(tall)}px`;
      Object.assign(space.style, { width: `${wide}px`, height: `${high}px` });
      const [width, height] = [node.clientWidth, node.clientHeight];
      const size = [Math.max(1, width * scale), Math.max(1, height * scale)];
      if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
      const pen = canvas.getContext("2d");
      pen.setTransform(scale, 0, 0, scale, 0, 0);
      return { pen, width, height, scale, x: node.scrollLeft, y: node.scrollTop };
    },
    place(event) {
      const box = node.getBoundingClientRect();
      return [event.clientX - box.left - node.clientLeft, event.clientY - box.top - node.clientTop];
    },
  };
}

/** What tokens are called in `room` pixels. */
export function shortener(pen, room) {
  const known = new Map();
  return (token) => {
    if (!known.has(token)) {
      const fits = (text) => pen.measureText(text).width <= room;
      let text = visible(token);
      for (const letters = [...text]; letters.length && !fits(text); text = `${letters.join("")}…`) letters.pop();
      known.set(token, text);
    }
    return known.get(token);
  };
}

/**
 * Write the names of tokens number `from` … `to` of `list`, `step` pixels apart, of as many as have room; the `chosen`
 * one bold, in `colour`. `go(n)` moves the pen to where a name ends or, with `align` "left", begins.
 */
export function writeNames(pen, { token, isPad }, list, palette, { from, to, step, room, chosen = -1, colour, scale, go,
  align = "right" }) {
  const [every, pads] = [Math.max(1, Math.ceil((FEW + 1) / step)), hatch(pen, palette.quiet, scale, 0.4)];
  pen.font = FONT;
  const short = shortener(pen, room);
  for (let n = from; n < to; n++) {
    const near = chosen >= 0 && Math.abs(n - chosen) * step < FEW;
    if (n !== chosen && (near || n % every !== Math.floor(every / 2))) continue;
    const text = short(token(list[n]));
    pen.save();
    go(n);
    Object.assign(pen, { font: n === chosen ? `bold ${FONT}` : FONT, textBaseline: "middle", textAlign: align });
    if (isPad(list[n])) {
      const wide = pen.measureText(text).width;
      pen.fillStyle = pads;
      pen.fillRect(align === "right" ? -wide - 4 : -2, -6, wide + 6, 12);
    }
    pen.fillStyle = n === chosen ? colour : isPad(list[n]) ? palette.quiet : palette.ink;
    pen.fillText(text, align === "right" ? -1 : 0, 0.5);
    pen.restore();
  }
}

function clipped(pen, x, y, width, height, draw) {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, width, height);
  pen.clip();
  draw();
  pen.restore();
}

/** Draw the cells of rows r0 … r1 and columns c0 … c1: colours, pads, what the mask hides, lines between. */
function paintCells(pen, picture, [r0, r1, c0, c1], { cell, scale }, palette) {
  const { rows, columns, looks, looked, hidden } = picture;
  const image = picture.image(cell * scale, palette);
  const [sx, sy] = [image.width / columns.length, image.height / rows.length];
  pen.imageSmoothingEnabled = false;
  pen.drawImage(image, c0 * sx, r0 * sy, (c1 - c0) * sx, (r1 - r0) * sy,
    c0 * cell, r0 * cell, (c1 - c0) * cell, (r1 - r0) * cell);
  pen.fillStyle = hatch(pen, palette.quiet, scale, 0.4);
  for (let r = r0; r < r1; r++) if (looks.isPad(rows[r])) pen.fillRect(c0 * cell, r * cell, (c1 - c0) * cell, cell);
  for (let c = c0; c < c1; c++) if (looked.isPad(columns[c])) pen.fillRect(c * cell, r0 * cell, cell, (r1 - r0) * cell);
  [pen.strokeStyle, pen.lineWidth] = [palette.quiet, 1];
  pen.beginPath();
  for (let r = r0, step = Math.max(1, Math.ceil(4 / cell)); r < r1; r += r % step ? 1 : step) {
    for (let c = c0, from = -1; c <= c1; c++) {
      const struck = c < c1 && hidden(rows[r], columns[c]);
      if (struck && from < 0) from = c;
      if (struck || from < 0) continue;
      pen.moveTo(from * cell, (r + 0.5) * cell);
      pen.lineTo(c * cell, (r + 0.5) * cell);
      from = -1;
    }
  }
  pen.stroke();
  if (cell < 8) return;
  [pen.strokeStyle, pen.globalAlpha] = [palette.line, 0.6];
  pen.beginPath();
  for (let r = r0; r <= r1; r++) { pen.moveTo(c0 * cell, r * cell); pen.lineTo(c1 * cell, r * cell); }
  for (let c = c0; c <= c1; c++) { pen.moveTo(c * cell, r0 * cell); pen.lineTo(c * cell, r1 * cell); }
  pen.stroke();
  pen.globalAlpha = 1;
}

/**
 * Draw `picture` into a rectangle width × height, scrolled by (x, y), with `cell` pixels for each cell, names to the
 * left and above, and the row and the column `at` framed.
 */
export function paintHeat(pen, picture, room, palette, at) {
  const [{ rows, columns }, { cell, left, top, x, y, width, height, scale }] = [picture, room];
  const between = (from, size, n) =>
    [Math.max(0, Math.floor(from / cell)), Math.min(n, Math.ceil((from + size) / cell))];
  const [[r0, r1], [c0, c1]] = [between(y, height - top, rows.length), between(x, width - left, columns.length)];
  pen.clearRect(0, 0, width, height);
  clipped(pen, left, top, width - left, height - top, () => {
    pen.translate(left - x, top - y);
    paintCells(pen, picture, [r0, r1, c0, c1], room, palette);
    const thick = Math.max(cell, 3);
    [pen.lineWidth, pen.strokeStyle] = [1.5, palette.accent];
    if (at?.r >= 0) pen.strokeRect(0, at.r * cell, columns.length * cell, thick);
    pen.strokeStyle = palette.warm;
    pen.setLineDash([5, 3]);
    if (at?.c >= 0) pen.strokeRect(at.c * cell, 0, thick, rows.length * cell);
  });
  const within = (place, from, to) => Math.max(from + 6, Math.min(to - 6, place)); // so that no half name stands there
  clipped(pen, 0, top, left, height - top, () => writeNames(pen, picture.looks, rows, palette, { from: r0, to: r1,
    step: cell, room: left - 12, chosen: at?.r, colour: palette.accent, scale,
    go: (n) => pen.translate(left - 5, within(top - y + (n + 0.5) * cell, top, height)) }));
  clipped(pen, left, 0, width - left, top, () => writeNames(pen, picture.looked, columns, palette, { from: c0, to: c1,
    step: cell, room: top - 12, chosen: at?.c, colour: palette.warm, scale, go(n) {
      pen.translate(within(left - x + (n + 0.5) * cell, left, width), top - 5);
      pen.rotate(Math.PI / 2);
    } }));
}

/** The heatmap of `shown()` in a box that scrolls; `repaint()` hears when it must be drawn. */
export function heatmap(shown, repaint) {
  const { node, stretch, place } = canvasBox("heat", "heatmap", repaint);
  let zoom = 1;
  function geometry() {
    const [{ rows, columns, looks, looked }, wide] = [shown(), node.clientWidth || 480];
    const [left, top] = [Math.min(looks.widest(rows), Math.max(56, wide * 0.25)), looked.widest(columns)];
    const fit = Math.min(CELL, (wide - left - 2) / Math.max(1, columns.length),
      (TALL - top) / Math.max(1, rows.length));
    return { left, top, fit, cell: Math.min(CELL, fit * zoom) };
  }
  return {
    node,
    zooms: () => ({ zoom, less: zoom > 1, more: geometry().fit * zoom < CELL }),
    /** Draw it; how tall it is. */
    draw(palette, at) {
      const [{ rows, columns }, { left, top, cell }] = [shown(), geometry()];
      const [wide, high] = [left + columns.length * cell + 1, top + rows.length * cell + 1];
      const tall = Math.min(TALL, high + (wide > node.clientWidth + 1 ? 16 : 0));
      const room = stretch(wide, high, tall + 2);
      paintHeat(room.pen, shown(), { ...room, cell, left, top }, palette, at);
      node.dataset.places = [left, top, cell].join(" ");
      return tall;
    },
    /** The cell under the pointer; a token where only its name is. */
    under(event) {
      const [{ rows, columns, twoSides }, { cell, left, top }, [x, y]] = [shown(), geometry(), place(event)];
      const q = y < top ? undefined : rows[Math.floor((y - top + node.scrollTop) / cell)];
      const k = x < left ? undefined : columns[Math.floor((x - left + node.scrollLeft) / cell)];
      if (twoSides) return q === undefined && k === undefined ? null : { query: q, key: k };
      const [query, key] = [y < top ? k : q, x < left ? q : k];
      return query === undefined || key === undefined ? null : { query, key };
    },
    follow(row, column) {
      const { cell, left, top } = geometry();
      intoSight(node, top + row * cell, top + (row + 1) * cell, { before: top });
      intoSight(node, left + column * cell, left + (column + 1) * cell, { before: left, across: true });
    },
    /** Enlarge it `by`, with what is `at`, or else in the middle, in the middle. */
    enlarge(by, at) {
      const { cell, left, top, fit } = geometry();
      const middle = [(node.clientHeight - top) / 2, (node.clientWidth - left) / 2];
      const keep = at.r >= 0 && at.c >= 0 ? [at.r + 0.5, at.c + 0.5]
        : [(node.scrollTop + middle[0]) / cell, (node.scrollLeft + middle[1]) / cell];
      zoom = Math.max(1, Math.min(zoom * by, 2 ** Math.ceil(Math.log2(CELL / fit))));
      repaint();
      [node.scrollTop, node.scrollLeft] = keep.map((n, axis) => n * geometry().cell - middle[axis]);
    },
  };
}
