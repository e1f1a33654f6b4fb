/**
 * AttentionGrid: every layer × head as a thumbnail; one of them open as a heatmap (a row for each token that looks, a
 * column for each it looks at) and as lines; pointer or arrow keys on a token tell its numbers. Numbers come from
 * Python when they are looked at, and are kept here. A saved page has this script too, and a model that answers itself.
 *
 * @typedef {object} View @property {number} version of the numbers: another mask, another version
 * @property {[number, number, number, number]} shape layers, batch, heads, tokens
 * @property {number} group heads in one answer
 * @property {number[]} rows of the batch that there are @property {string[]} texts @property {string[][]} tokens
 * @property {string[]} kinds for each row a letter for each token: w, s (special), p (pad)
 * @property {string[]} types for each row of sentence pairs 0 or 1 for each token; else empty
 * @property {DataView} allowed bits (batch, queries, tokens) @property {number} queries 1 or tokens
 * @property {Record<string, string>} stages what there is, with words @property {Record<string, string>} masks
 * @property {string} mask @property {boolean} live whether Python answers @property {string} name of the Python object
 */
import { pool } from "./parts/canvas.js";
import { count, dress, make, same, study, tell, visible } from "./study_widget.js";

const [CELL, LABEL, TALL, FEW] = [26, 92, 560, 10]; // pixels: largest cell, label, height; the least that has a label
const FONT = '11px system-ui, "Noto Sans", sans-serif';
const KEEP = 64e6, AHEAD = 8e6; // bytes that are kept; that are fetched before they are asked for
const [LINES, ALL, LEAST] = [40, 800, 0.02]; // lines of one token and of all, the strongest; the least weight of those
const PAIRS = { all: "both sentences", "0 0": "A → A: first looks at itself", "0 1": "A → B: first looks at second",
  "1 0": "B → A: second looks at first", "1 1": "B → B: second looks at itself" };
const CAVEAT = "Attention is not explanation: it shows where a head looks, not what the answer hangs on.";
const HINT = "Point at a cell or a token for its numbers, or focus the heatmap and walk with the arrow keys.";

/** A value as people read it: never 0 where it isn't. */
function sayValue(value, digits = 4) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  const small = value !== 0 && Math.abs(value) < 0.5 * 10 ** -digits;
  return (small ? value.toExponential(1) : value.toFixed(digits)).replaceAll("-", "−");
}

/** Let the reader keep `parts` as a file. */
function download(parts, type, name) {
  const link = make("a", "", [], { href: URL.createObjectURL(new Blob(parts, { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** The colours of the theme that `root` has now; `table` has one for each byte, see-through where there is nothing. */
function paletteOf(root) {
  const style = getComputedStyle(root);
  const named = (name) => style.getPropertyValue(`--${name}`).trim();
  const rgb = (name) => named(name).split(",").map(Number);
  const pack = ([r, g, b], alpha) => ((Math.round(alpha * 255) << 24) | (b << 16) | (g << 8) | r) >>> 0;
  const bytes = Array.from({ length: 256 }, (_, n) => n);
  return {
    ...Object.fromEntries(["page", "panel", "line", "ink", "quiet", "accent", "warm"].map((n) => [n, named(n)])),
    weight: rgb("weight"), below: rgb("below"), above: rgb("above"), dark: root.dataset.theme === "dark",
    weights: Uint32Array.from(bytes, (n) => pack(rgb("weight"), n / 255)),
    scores: Uint32Array.from(bytes,
      (n) => pack(rgb(n < 128 ? "below" : "above"), Math.min(1, Math.abs(n - 128) / 127))),
  };
}

/** `bytes` as a canvas of width × height, each coloured by `table`. */
function paintBytes(bytes, width, height, table, canvas = document.createElement("canvas")) {
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let n = 0; n < pixels.length; n++) pixels[n] = table[bytes[n]];
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Heads that have arrived, by name, the longest unused dropped first. */
function shelf() {
  const [kept, size] = [new Map(), ({ bytes }) => bytes.length];
  let total = 0;
  return {
    has: (name) => kept.has(name),
    get(name) {
      const found = kept.get(name);
      if (found) { kept.delete(name); kept.set(name, found); }
      return found;
    },
    put(name, value) {
      if (kept.has(name)) { total -= size(kept.get(name)); kept.delete(name); }
      kept.set(name, value);
      total += size(value);
      for (const [old, value] of kept) {
        if (total <= KEEP || old === name) break;
        total -= size(value);
        kept.delete(old);
      }
    },
    clear() { kept.clear(); total = 0; },
  };
}

/** Of tokens of which only each `every`th has room for its name, the first. */
function first(every) { return Math.floor(every / 2); }

/** What tokens are called where there is little room. */
function labels(context, room) {
  const known = new Map();
  return (token) => {
    if (!known.has(token)) {
      let text = visible(token);
      if (context.measureText(text).width > room) {
        while (text && context.measureText(`${text}…`).width > room) text = [...text].slice(0, -1).join("");
        text += "…";
      }
      known.set(token, text);
    }
    return known.get(token);
  };
}

/** Slanted lines for pads, drawn through `context`. */
function hatch(context, { quiet }, scale) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 7 * scale;
  const pen = tile.getContext("2d");
  pen.scale(scale, scale);
  [pen.strokeStyle, pen.globalAlpha, pen.lineWidth] = [quiet, 0.4, 1];
  for (const at of [-7, 0, 7]) { pen.beginPath(); pen.moveTo(at, 0); pen.lineTo(at + 7, 7); pen.stroke(); }
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / scale));
  return pattern;
}

/**
 * Draw the heatmap of `picture` into the rectangle width × height of `context`, scrolled by (x, y), with `cell` pixels
 * for each cell, labels to the left and above, and the cell `at` framed.
 */
function paintHeat(context, picture, { cell, left, top, x, y, width, height, scale }, palette, at) {
  const { rows, columns, kind, token, isPad, struck } = picture;
  const between = (from, room, n) =>
    [Math.max(0, Math.floor(from / cell)), Math.min(n, Math.ceil((from + room) / cell))];
  const [r0, r1] = between(y, height - top, rows.length);
  const [c0, c1] = between(x, width - left, columns.length);
  const every = Math.max(1, Math.ceil((FEW + 1) / cell));
  const pattern = hatch(context, palette, scale);
  context.clearRect(0, 0, width, height);
  context.save();
  context.beginPath();
  context.rect(left, top, width - left, height - top);
  context.clip();
  context.translate(left - x, top - y);
  context.imageSmoothingEnabled = false;
  const image = picture.image(cell * scale);
  const [sx, sy] = [image.width / columns.length, image.height / rows.length];
  context.drawImage(image, c0 * sx, r0 * sy, (c1 - c0) * sx, (r1 - r0) * sy,
    c0 * cell, r0 * cell, (c1 - c0) * cell, (r1 - r0) * cell);
  context.fillStyle = pattern;
  for (let r = r0; r < r1; r++) if (isPad(rows[r])) context.fillRect(c0 * cell, r * cell, (c1 - c0) * cell, cell);
  for (let c = c0; c < c1; c++) if (isPad(columns[c])) context.fillRect(c * cell, r0 * cell, cell, (r1 - r0) * cell);
  if (struck) {
    [context.strokeStyle, context.lineWidth] = [palette.quiet, 1];
    context.beginPath();
    for (let r = r0, step = Math.max(1, Math.ceil(4 / cell)); r < r1; r += r % step ? 1 : step) {
      const middle = (r + 0.5) * cell;
      for (let c = c0, from = -1; c <= c1; c++) {
        const masked = c < c1 && struck(rows[r], columns[c]);
        if (masked && from < 0) from = c;
        if (masked || from < 0) continue;
        context.moveTo(from * cell, middle);
        context.lineTo(c * cell, middle);
        from = -1;
      }
    }
    context.stroke();
  }
  if (cell >= 8) {
    [context.strokeStyle, context.lineWidth, context.globalAlpha] = [palette.line, 1, 0.6];
    context.beginPath();
    for (let r = r0; r <= r1; r++) { context.moveTo(c0 * cell, r * cell); context.lineTo(c1 * cell, r * cell); }
    for (let c = c0; c <= c1; c++) { context.moveTo(c * cell, r0 * cell); context.lineTo(c * cell, r1 * cell); }
    context.stroke();
    context.globalAlpha = 1;
  }
  if (at) {
    const thick = Math.max(cell, 3);
    context.lineWidth = 1.5;
    context.strokeStyle = palette.accent;
    if (at.r >= 0) context.strokeRect(0, at.r * cell, columns.length * cell, thick);
    context.strokeStyle = palette.warm;
    context.setLineDash([5, 3]);
    if (at.c >= 0) context.strokeRect(at.c * cell, 0, thick, rows.length * cell);
    context.setLineDash([]);
  }
  context.restore();

  context.font = FONT;
  const [shortLeft, shortTop] = [labels(context, left - 12), labels(context, top - 12)];
  function label(position, mark, short) {
    const text = short(token(position));
    const wide = context.measureText(text).width;
    if (isPad(position)) {
      context.fillStyle = pattern;
      context.fillRect(-wide - 4, -6, wide + 6, 12);
    }
    context.fillStyle = mark ?? (isPad(position) ? palette.quiet : palette.ink);
    context.fillText(text, -1, 0.5);
  }
  function strip(x0, y0, wide, tall, from, to, place, marked, colour) {
    context.save();
    context.beginPath();
    context.rect(x0, y0, wide, tall);
    context.clip();
    const shown = new Set();
    for (let n = first(every); n < to; n += every) if (n >= from) shown.add(n);
    if (marked >= from && marked < to) {
      for (const n of shown) if (Math.abs(n - marked) * cell < FEW) shown.delete(n);
      shown.add(marked);
    }
    for (const n of shown) place(n, n === marked ? colour : undefined);
    context.restore();
  }
  const within = (place, from, to) => Math.max(from + 6, Math.min(to - 6, place)); // so that no half name stands there
  context.textAlign = "right";
  context.textBaseline = "middle";
  const font = (mark) => { context.font = `${mark ? "bold " : ""}${FONT}`; };
  font();
  strip(0, top, left, height - top, r0, r1, (r, mark) => {
    context.save();
    font(mark);
    context.translate(left - 5, within(top - y + (r + 0.5) * cell, top, height));
    label(rows[r], mark, shortLeft);
    context.restore();
  }, at?.r ?? -1, palette.accent);
  strip(left, 0, width - left, top, c0, c1, (c, mark) => {
    context.save();
    font(mark);
    context.translate(within(left - x + (c + 0.5) * cell, left, width), top - 5);
    context.rotate(Math.PI / 2);
    label(columns[c], mark, shortTop);
    context.restore();
  }, at?.c ?? -1, palette.warm);
}

/** Draw `picture` as lines from the tokens that look, at the left, to those they look at, `step` pixels apart. */
function paintLines(context, picture, { step, y, width, height }, palette, at) {
  const { rows, columns, token, isPad, share } = picture;
  const room = Math.min(LABEL, width * 0.3);
  const [left, right] = [room + 4, width - room - 4];
  const place = (n) => Math.max(6, (n + 0.5) * step) - y;
  context.clearRect(0, 0, width, height);
  function line(r, c, strength, colour, dash = []) {
    if (Math.max(place(r), place(c)) < 0 || Math.min(place(r), place(c)) > height) return;
    [context.strokeStyle, context.globalAlpha, context.lineWidth] = [colour, strength, 1 + 2 * strength];
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(left, place(r));
    context.lineTo(right, place(c));
    context.stroke();
  }
  /** The strongest of the lines from or to one token. */
  const strongest = (tokens, share) => tokens.map((k, n) => [n, share(k)]).filter(([, a]) => a > 0.001)
    .sort((a, b) => b[1] - a[1]).slice(0, LINES);
  if (at && (at.r >= 0 || at.c >= 0)) {
    const [q, k] = [rows[at.r], columns[at.c]];
    const out = at.r < 0 ? [] : strongest(columns, (k) => share(q, k));
    for (const [c, a] of out) line(at.r, c, Math.max(a, 0.1), palette.accent);
    const into = at.c < 0 ? [] : strongest(rows, (q) => share(q, k));
    for (const [r, a] of into) line(r, at.c, Math.max(a, 0.1), palette.warm, [5, 3]);
  } else {
    for (const [r, c, a] of picture.links()) line(r, c, a, `rgb(${palette.weight.join(",")})`);
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
  context.textBaseline = "middle";
  const pattern = hatch(context, palette, 1);
  const every = Math.max(1, Math.ceil((FEW + 1) / step));
  for (const [tokens, x, align, chosen, colour] of [[rows, left - 4, "right", at?.r ?? -1, palette.accent],
    [columns, right + 4, "left", at?.c ?? -1, palette.warm]]) {
    context.textAlign = align;
    context.font = FONT;
    const short = labels(context, room - 6);
    tokens.forEach((position, n) => {
      const near = chosen >= 0 && n !== chosen && Math.abs(n - chosen) * step < FEW;
      if ((n % every !== first(every) && n !== chosen) || near || place(n) < -8 || place(n) > height + 8) return;
      const text = short(token(position));
      if (isPad(position)) {
        const wide = context.measureText(text).width;
        context.fillStyle = pattern;
        context.fillRect(align === "right" ? x - wide - 2 : x - 2, place(n) - 6, wide + 4, 12);
      }
      context.font = `${n === chosen ? "bold " : ""}${FONT}`;
      context.fillStyle = n === chosen ? colour : isPad(position) ? palette.quiet : palette.ink;
      context.fillText(text, x, place(n) + 0.5);
    });
  }
}

/** A canvas as large as the box it is in, whose contents scroll; `paint()` hears when it must be drawn. */
function window_(name, attributes, paint) {
  const canvas = make("canvas", "", [], { "aria-hidden": "true" });
  const space = make("div", "space", canvas);
  const node = make("div", `window ${name}`, space, { tabindex: 0, ...attributes });
  node.addEventListener("scroll", () => paint(), { passive: true });
  return {
    node,
    /** Make room for contents of this size, of which `tall` pixels are seen at once; a context to draw in. */
    fit(wide, high, tall) {
      const scale = Math.min(2, Math.ceil(window.devicePixelRatio || 1));
      node.style.height = `${Math.ceil(tall)}px`;
      Object.assign(space.style, { width: `${wide}px`, height: `${high}px` });
      const [width, height] = [node.clientWidth, node.clientHeight];
      const size = [Math.max(1, width * scale), Math.max(1, height * scale)];
      if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
      const context = canvas.getContext("2d");
      context.setTransform(scale, 0, 0, scale, 0, 0);
      return { context, width, height, scale, x: node.scrollLeft, y: node.scrollTop };
    },
    place(event) {
      const box = node.getBoundingClientRect();
      return [event.clientX - box.left - node.clientLeft, event.clientY - box.top - node.clientTop];
    },
  };
}

/** Buttons of which one is pressed; `choose(name)` hears which is clicked. */
function choice(title, choose) {
  const node = make("div", "choice", make("span", "", title), { role: "group", "aria-label": title });
  return {
    node,
    update(names, chosen, able = () => true) {
      const have = [...node.querySelectorAll("button")];
      if (!same(have.map((button) => button.dataset.name), Object.keys(names))) {
        for (const button of have) button.remove();
        node.append(...Object.entries(names).map(([name, text]) => {
          const button = make("button", "", text, { type: "button", "data-name": name });
          button.addEventListener("click", () => choose(name));
          return button;
        }));
      }
      for (const button of node.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", button.dataset.name === chosen);
        button.disabled = !able(button.dataset.name);
      }
    },
  };
}

/** A box to tick. */
function tick(text, change) {
  const input = make("input", "", [], { type: "checkbox" });
  input.checked = true;
  input.addEventListener("change", change);
  return { node: make("label", "tick", [input, text]), get on() { return input.checked; } };
}

/** All layers × heads, to choose from; `open(layer, head)` hears which, `near(layer, head)` which may be next. */
function thumbnails({ open, near }) {
  const node = make("div", "thumbs", [], { role: "grid", "aria-label": "All heads: a row for each layer" });
  let cells = [], layers = 0, heads = 0, at = [0, 0], drawn;
  function walk(event) {
    const [l, h] = at;
    const to = { ArrowLeft: [l, h - 1], ArrowRight: [l, h + 1], ArrowUp: [l - 1, h], ArrowDown: [l + 1, h],
      Home: [l, 0], End: [l, heads - 1] }[event.key];
    if (event.key !== "Enter" && event.key !== " " && !to) return;
    event.preventDefault();
    if (!to || !cells[to[0]]?.[to[1]]) return;
    open(...to);
    cells[to[0]][to[1]].focus();
  }
  const place = (event) => event.target.closest?.(".thumb")?.dataset.at.split(" ").map(Number);
  node.addEventListener("keydown", walk);
  node.addEventListener("click", (event) => { if (place(event)) open(...place(event)); });
  node.addEventListener("pointerover", (event) => { if (place(event)) near(...place(event)); });
  return {
    node,
    /** Make places for layers × heads. */
    build(nLayers, nHeads) {
      [layers, heads, drawn] = [nLayers, nHeads, null];
      const head = (text, role) => make("span", "number", text, { role });
      const numbers = make("div", "line", [head("", "columnheader"),
        ...Array.from({ length: heads }, (_, h) => head(`${h}`, "columnheader"))], { role: "row" });
      const cell = (layer, h) => make("div", "thumb", make("canvas"), { role: "gridcell", tabindex: -1,
        "data-at": `${layer} ${h}`, title: `layer ${layer}, head ${h}`, "aria-label": `layer ${layer}, head ${h}` });
      cells = Array.from({ length: layers }, (_, layer) => Array.from({ length: heads }, (_, h) => cell(layer, h)));
      node.replaceChildren(numbers, ...cells.map((line, layer) =>
        make("div", "line", [head(`${layer}`, "rowheader"), ...line], { role: "row" })));
      node.style.setProperty("--heads", heads);
    },
    choose(layer, head) {
      const old = cells[at[0]]?.[at[1]];
      if (old) dress(old, [], { tabindex: -1, "aria-selected": "false" });
      at = [layer, head];
      dress(cells[layer][head], [], { tabindex: 0, "aria-selected": "true" });
    },
    /** Paint all of `overview` ({bytes, size}), unless it is painted; null fades what is there. */
    paint(overview, signed, table) {
      node.classList.toggle("late", !overview);
      const side = cells[0][0].clientWidth;
      if (!overview || !side || same(drawn?.slice(1), [side, table[255]]) && drawn[0] === overview) return;
      drawn = [overview, side, table[255]];
      const { bytes, size } = overview;
      const small = Math.min(size, Math.round(side * Math.min(2, window.devicePixelRatio || 1)));
      cells.flat().forEach((cell, n) => {
        const own = bytes.subarray(n * size * size, (n + 1) * size * size);
        const shown = small < size ? pool(own, size, size, small, small, signed) : own;
        paintBytes(shown, small, small, table, cell.firstChild);
      });
    },
    of: ({ bytes, size }, layer, head) =>
      ({ size, bytes: bytes.subarray((layer * heads + head) * size * size, (layer * heads + head + 1) * size * size) }),
  };
}

function draw({ model, root }) {
  /** @returns {View} */
  const view = () => model.get("_view");
  /** What is open; of a trait that somebody set to nonsense, what it was before. */
  function now() {
    const { shape: [layers, , count], rows, stages } = view();
    const there = { layer: (n) => Number.isInteger(n) && n >= 0 && n < layers,
      head: (n) => Number.isInteger(n) && n >= 0 && n < count, row: (n) => rows.includes(n),
      stage: (name) => typeof name === "string" && name in stages };
    for (const [name, is] of Object.entries(there)) if (is(model.get(name))) sound[name] = model.get(name);
    return { ...sound };
  }
  const kindOf = (stage) => (stage === "softmax" ? "weights" : "scores");
  const nameOf = ({ stage, row, layer, head }) => `${kindOf(stage)} ${row} ${layer} ${head}`;
  const [heads, overviews, exact, asked] = [shelf(), new Map(), new Map(), new Set()];
  const sound = {};
  let picture = null, palette, over = null, fixed = null, zoom = 1, heat, lines, running = false,
    waiting = false, due = false, spoken = 0, allowed, ahead = 0, gone = false;

  // --- what is asked of Python, and what comes back

  function ask(want, details) {
    const message = { want, version: view().version, ...details };
    if (asked.has(JSON.stringify(message))) return;
    asked.add(JSON.stringify(message));
    model.send(message);
  }
  /** Ask for the heads that go into one answer with `head`, unless all of them are here. */
  function askHeads({ stage, row, layer, head }) {
    const [{ group, shape: [, , count] }, first] = [view(), head - head % view().group];
    const together = Array.from({ length: Math.min(group, count - first) }, (_, n) => first + n);
    if (together.every((h) => heads.has(nameOf({ stage, row, layer, head: h })))) return;
    ask("heads", { kind: kindOf(stage), row, layer, first });
  }
  function hear({ what, version, asked: to, ...rest }, [data]) {
    if (gone) return;
    if (what === "mask") { running = false; settle(); return; }
    if (what === "html") { download([data], "text/html", rest.name); settle(); say("Saved as HTML."); return; }
    if (version !== view().version) return;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (what === "heads") {
      const size = view().shape[3] ** 2;
      for (let n = 0; n * size < bytes.length; n++) {
        const name = `${to.kind} ${to.row} ${to.layer} ${to.first + n}`;
        heads.put(name, { bytes: bytes.subarray(n * size, (n + 1) * size), scale: rest.scales[n] ?? 1 });
      }
    } else if (what === "overview") overviews.set(`${to.stage} ${to.row}`, { bytes, size: rest.size });
    else if (what === "exact") {
      const values = new Float32Array(bytes.slice().buffer);
      waiting = false;
      if (exact.size > 200) exact.clear();
      const name = `${to.kind} ${to.row} ${to.layer} ${to.head}`;
      exact.set(`${name} q${to.query}`, values.subarray(0, values.length / 2));
      exact.set(`${name} k${to.key}`, values.subarray(values.length / 2));
      read();
      return;
    }
    asked.delete(JSON.stringify({ want: what, version, ...to }));
    refresh();
  }
  /** What may be looked at next is fetched in good time: all heads if they are small, else the layers beside. */
  function fetchAhead() {
    const [{ shape: [layers, , count, n], group }, state] = [view(), now()];
    askHeads(state);
    const far = layers * count * n * n > AHEAD ? 1 : layers;
    for (let layer = Math.max(0, state.layer - far); layer <= Math.min(layers - 1, state.layer + far); layer++) {
      if (far === 1) askHeads({ ...state, layer });
      else for (let head = 0; head < count; head += group) askHeads({ ...state, layer, head });
    }
  }

  // --- the controls

  const put = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  };
  const rows = make("select", "rows", [], { "aria-label": "Text" });
  rows.addEventListener("change", () => put({ row: Number(rows.value) }));
  const stages = choice("Stage", (name) => put({ stage: name }));
  const masks = choice("Mask", (name) => { running = true; model.send({ want: "mask", mask: name }); settle(); });
  const special = tick("special tokens", () => { fixed = null; refresh(); });
  const pads = tick("pads", () => { fixed = null; refresh(); });
  const directions = Object.entries(PAIRS).map(([value, text]) => make("option", "", text, { value }));
  const pairs = make("select", "pairs", directions, { "aria-label": "Sentence pair: from → to" });
  pairs.addEventListener("change", () => { fixed = null; refresh(); });
  const show = make("div", "choice", [make("span", "", "Show"), special.node, pads.node, pairs],
    { role: "group", "aria-label": "Show" });
  const [note, alarm, status] = [make("p", "note"), make("p", "error", [], { role: "alert" }),
    make("p", "unseen", [], { role: "status" })];
  const thumbs = thumbnails({ open: (layer, head) => put({ layer, head }),
    near: (layer, head) => askHeads({ ...now(), layer, head }) });
  const [title, code] = [make("h4", "title"), make("code", "code")];
  const zooms = make("div", "zooms", [["−", "Smaller", 0.5], ["+", "Larger", 2]].map(([sign, name, by]) => {
    const button = make("button", "", sign, { type: "button", "aria-label": name, title: name });
    button.addEventListener("click", () => enlarge(by));
    return button;
  }), { role: "group", "aria-label": "Zoom" });
  heat = window_("heat", { role: "application", "aria-roledescription": "heatmap" }, () => paint());
  lines = window_("lines", { role: "application", "aria-roledescription": "lines" }, () => paint());
  const silent = make("p", "silent", "The lines show shares: choose the stage softmax to see them.");
  const legend = make("ul", "legend", [], { "aria-label": "Signs" });
  const [story, readout] = [make("div", "story"), make("p", "readout")];
  const saveHtml = make("button", "save", "Save as HTML", { type: "button",
    title: "A page of its own, to open without Python or network" });
  const savePng = make("button", "save", "Save as PNG", { type: "button", title: "A picture of the open head" });
  saveHtml.addEventListener("click", () => { say("Writing …"); root.setAttribute("aria-busy", "true");
    model.send({ want: "html" }); });
  savePng.addEventListener("click", png);
  const overviewPart = make("section", "overview", [make("h4", "", "All heads"),
    make("p", "axes", "a row for each layer ↓, a column for each head →"), thumbs.node]);
  const openPart = make("section", "open", [make("div", "head", [title, code, zooms]), readout,
    make("div", "views", [
      make("figure", "", [make("figcaption", "", [make("b", "from", "row: looks (query)"), " · ",
        make("b", "to", "column: is looked at (key)")]), heat.node]),
      make("figure", "", [
        make("figcaption", "", [make("b", "from", "looks"), " → ", make("b", "to", "is looked at")]),
        lines.node, silent])]),
    legend]);
  root.append(make("p", "busy", "computing…"), make("div", "bar", [rows, stages.node, masks.node, show]), note, alarm,
    make("div", "body", [overviewPart, openPart, story]),
    make("div", "foot", [make("p", "caveat", CAVEAT), savePng, saveHtml]), status);

  function say(text) { tell(status, text); }

  // --- what is to be seen

  /** Which tokens look and which are looked at, of those that are shown. */
  function shown() {
    const [{ kinds, types, shape: [, , , n] }, { row }] = [view(), now()];
    const [from, to] = types[row] ? pairs.value.split(" ") : ["all"];
    const seen = Array.from({ length: n }, (_, k) => k).filter((k) =>
      (special.on || kinds[row][k] !== "s") && (pads.on || kinds[row][k] !== "p"));
    const of = (type) => (from === "all" ? seen : seen.filter((k) => types[row][k] === type && kinds[row][k] !== "p"));
    return [of(from), of(to)];
  }
  function mayAttend(row) {
    const { queries, shape: [, , , n] } = view();
    return (q, k) => {
      const bit = (row * queries + (queries === 1 ? 0 : q)) * n + k;
      return (allowed[bit >> 3] >> (7 - (bit & 7))) & 1;
    };
  }
  /** The open head as something to draw; of a head that isn't here yet, what its thumbnail tells. */
  function compose() {
    const [{ tokens, kinds, shape: [, , , n], mask }, state] = [view(), now()];
    const { row, layer, head, stage } = state;
    const [tokensFrom, tokensTo] = shown();
    const [signed, may] = [stage !== "softmax", mayAttend(row)];
    let [found, sharp] = [heads.get(nameOf(state)), true];
    if (!found) {
      const all = overviews.get(`${stage} ${row}`);
      if (!all) return null;
      const { bytes, size } = thumbs.of(all, layer, head);
      const near = Array.from({ length: n }, (_, k) => Math.floor(k * size / n));
      const grown = new Uint8Array(n * n);
      for (let q = 0; q < n; q++) for (let k = 0; k < n; k++) grown[q * n + k] = bytes[near[q] * size + near[k]];
      [found, sharp] = [{ bytes: grown, scale: 1 }, false];
    }
    const { bytes, scale } = found;
    const masked = stage !== "scores" && mask !== "none";
    const cells = new Uint8Array(tokensFrom.length * tokensTo.length);
    let at = 0;
    for (const q of tokensFrom) for (const k of tokensTo) {
      cells[at++] = signed && masked && !may(q, k) ? 128 : bytes[q * n + k];
    }
    const images = new Map();
    let links = null;
    return {
      state, rows: tokensFrom, columns: tokensTo, sharp, scale, signed,
      /** As a canvas, with not much less than a pixel for each cell where cells are smaller. */
      image(pixels) {
        const few = (m) => (pixels < 1 ? Math.max(1, Math.round(m * pixels)) : m);
        const [tall, wide] = [few(tokensFrom.length), few(tokensTo.length)];
        const key = `${tall} ${wide} ${palette.dark}`;
        if (!images.has(key)) {
          const small = pixels < 1 ? pool(cells, tokensFrom.length, tokensTo.length, tall, wide, signed) : cells;
          images.clear();
          images.set(key, paintBytes(small, wide, tall, palette[kindOf(stage)]));
        }
        return images.get(key);
      },
      /** Pixels that the longest name of these tokens takes. */
      widest(positions) {
        const pen = document.createElement("canvas").getContext("2d");
        pen.font = `bold ${FONT}`;
        const names = new Set(positions.map((k) => visible(tokens[row][k])));
        return Math.min(LABEL, 14 + Math.max(16, ...[...names].map((name) => pen.measureText(name).width)));
      },
      token: (k) => tokens[row][k], isPad: (k) => kinds[row][k] === "p",
      struck: masked ? (q, k) => !may(q, k) : null,
      /** [row, column, weight] of the strongest of all lines; none of a preview. */
      links() {
        if (links) return links;
        const strong = Array.from(cells.keys()).filter((n) => sharp && cells[n] >= 255 * Math.sqrt(LEAST));
        links = strong.sort((a, b) => cells[b] - cells[a]).slice(0, ALL).map((n) =>
          [Math.floor(n / tokensTo.length), n % tokensTo.length, (cells[n] / 255) ** 2]);
        return links;
      },
      share: (q, k) => (bytes[q * n + k] / 255) ** 2,
      /** The number of a cell, and whether it is exact. */
      value(q, k) {
        if (stage === "masked" && masked && !may(q, k)) return [-Infinity, true];
        const known = exact.get(`${nameOf(state)} q${q}`)?.[k] ?? exact.get(`${nameOf(state)} k${k}`)?.[q];
        if (known !== undefined) return [known, true];
        const byte = bytes[q * n + k];
        return [signed ? (byte - 128) / 127 * scale : (byte / 255) ** 2, false];
      },
    };
  }
  /** The cell that is pointed at or was chosen, by place; −1 where its token isn't shown. */
  function at() {
    const spot = over ?? fixed;
    return spot && picture && { r: picture.rows.indexOf(spot.query), c: picture.columns.indexOf(spot.key) };
  }

  function geometry() {
    const { rows, columns } = picture;
    const wide = heat.node.clientWidth || 480;
    const [side, top] = [Math.min(picture.widest(rows), Math.max(56, wide * 0.25)), picture.widest(columns)];
    const cell = Math.min(CELL, (wide - side - 2) / Math.max(1, columns.length),
      (TALL - top) / Math.max(1, rows.length));
    return { side, top, fit: cell, cell: Math.min(Math.max(CELL, cell), cell * zoom) };
  }
  function paint() {
    if (!picture || !root.isConnected) return;
    palette = paletteOf(root);
    const { side, top, cell } = geometry();
    const { rows, columns, signed } = picture;
    const [wide, high] = [side + columns.length * cell + 1, top + rows.length * cell + 1];
    const tall = Math.min(TALL, high + (wide > heat.node.clientWidth + 1 ? 16 : 0));
    const room = heat.fit(wide, high, tall + 2);
    paintHeat(room.context, picture, { ...room, cell, left: side, top }, palette, at());
    heat.node.dataset.places = [side, top, cell].join(" ");
    lines.node.hidden = signed;
    silent.hidden = !signed;
    if (!signed) {
      const most = Math.max(rows.length, columns.length, 1);
      const step = Math.min(22, Math.max(1, (tall - 4) / most) * zoom);
      const space = lines.fit(10, most * step, Math.min(tall, most * step) + 2);
      paintLines(space.context, picture, { ...space, step }, palette, at());
    }
    const [{ layer, head, row, stage }, { mask }] = [picture.state, view()];
    root.dataset.shows = `${picture.sharp ? "" : "… "}${stage} ${mask} ${layer} ${row} ${head}`;
    const [less, more] = zooms.children;
    less.disabled = zoom <= 1;
    more.disabled = geometry().fit * zoom >= CELL;
  }
  function enlarge(by) {
    if (!picture) return;
    const [{ cell, side, top }, spot] = [geometry(), at()];
    const middle = [heat.node.scrollTop + (heat.node.clientHeight - top) / 2,
      heat.node.scrollLeft + (heat.node.clientWidth - side) / 2];
    const keep = spot && spot.r >= 0 && spot.c >= 0 ? [spot.r + 0.5, spot.c + 0.5] : middle.map((x) => x / cell);
    zoom = Math.max(1, Math.min(zoom * by, 2 ** Math.ceil(Math.log2(CELL / geometry().fit))));
    paint();
    const grown = geometry().cell;
    heat.node.scrollTop = keep[0] * grown - (heat.node.clientHeight - top) / 2;
    heat.node.scrollLeft = keep[1] * grown - (heat.node.clientWidth - side) / 2;
    lines.node.scrollTop = lines.node.scrollHeight * heat.node.scrollTop / Math.max(1, heat.node.scrollHeight);
    paint();
  }

  // --- a token, its numbers

  function bars(heading, title, name, places, valueOf) {
    const best = places.map((k) => [k, ...valueOf(k)]).filter(([, value]) => !Number.isNaN(value))
      .sort((a, b) => b[1] - a[1]).slice(0, 6);
    const most = Math.max(...best.map(([, value]) => Math.abs(value)).filter(Number.isFinite), 1e-9);
    const list = best.map(([k, value, sure]) => make("li", "", [make("bdi", "token", visible(picture.token(k))),
      make("small", "", `${k}`), make("span", "bar", make("i", "", [],
        { style: `width: ${Number.isFinite(value) ? 100 * Math.abs(value) / (picture.signed ? most : 1) : 0}%` })),
      make("span", "value", `${sure ? "" : "≈ "}${sayValue(value, sure ? 4 : 3)}`)]));
    const more = places.length > best.length ? `… and ${count(places.length - best.length)} more` : "";
    const ranking = make("ol", "", list, { "aria-label": title });
    return make("div", name, [make("h5", "", heading), ranking, make("small", "", more)]);
  }
  function read() {
    const spot = over ?? fixed;
    const { r, c } = at() ?? { r: -1, c: -1 };
    if (!spot || !picture || (r < 0 && c < 0)) {
      story.replaceChildren();
      readout.replaceChildren(make("span", "hint", HINT));
      return;
    }
    const [{ query, key }, { rows, columns, signed, struck }] = [spot, picture];
    const token = (k) => make("bdi", "token", visible(picture.token(k)));
    readout.replaceChildren();
    if (r >= 0 && c >= 0) {
      const [value, sure] = picture.value(query, key);
      const why = struck?.(query, key) ? " (masked)" : picture.isPad(query) || picture.isPad(key) ? " (pad)" : "";
      const number = (k) => make("small", "", `${k}`);
      readout.replaceChildren(token(query), number(query), " → ", token(key), number(key),
        make("b", "number", `${sure ? "" : "≈ "}${sayValue(value, sure ? 6 : 3)}`), why);
    }
    const lists = [];
    if (r >= 0) {
      const sum = columns.reduce((sum, k) => sum + picture.value(query, k)[0], 0);
      const rest = signed ? "" : ` (${sum.toFixed(2)} of 1 is shown)`;
      lists.push(bars([token(query), " looks at", Math.abs(sum - 1) > 0.012 ? rest : ""], "It looks at", "out", columns,
        (k) => picture.value(query, k)));
    }
    if (c >= 0) lists.push(bars([token(key), " is looked at by"], "It is looked at by", "in", rows,
      (q) => picture.value(q, key)));
    const about = make("small", "", "≈ weights are within 0.004: this page was saved without the model.");
    story.replaceChildren(make("div", "lists", lists), ...(view().live ? [] : [about]));
    askExact(query, key);
    clearTimeout(spoken);
    if (!over) spoken = setTimeout(() => say(readout.textContent), 200);
  }
  /** Ask for the numbers of a row and a column, one answer at a time. */
  function askExact(query, key) {
    if (!view().live || !picture.sharp) return;
    const name = nameOf(picture.state);
    if (exact.has(`${name} q${query}`) && exact.has(`${name} k${key}`)) return;
    if (waiting) return; // what comes is read, and then what is missing is asked for
    waiting = true;
    const { stage, ...where } = picture.state;
    model.send({ want: "exact", version: view().version, kind: kindOf(stage), ...where, query, key });
  }
  function point(spot) {
    if (same(spot, over)) return;
    over = spot;
    paint();
    read();
  }
  /** The cell under the pointer; a token where only its name is. */
  function under(event, panel) {
    if (!picture) return null;
    const { rows, columns } = picture;
    const [x, y] = panel.place(event);
    const { cell, side, top } = geometry();
    const find = (list, pixels, size) => list[Math.floor(pixels / size)];
    if (panel === lines) {
      const high = lines.node.querySelector(".space").offsetHeight;
      const step = Math.min(22, high / Math.max(rows.length, columns.length));
      const k = find(x < lines.node.clientWidth / 2 ? rows : columns, y + lines.node.scrollTop, step);
      return k === undefined ? null : { query: k, key: k };
    }
    const q = find(rows, y - top + heat.node.scrollTop, cell);
    const k = find(columns, x - side + heat.node.scrollLeft, cell);
    if (x < side && y >= top && q !== undefined) return { query: q, key: q };
    if (y < top && x >= side && k !== undefined) return { query: k, key: k };
    return x < side || y < top || q === undefined || k === undefined ? null : { query: q, key: k };
  }
  function walk(event) {
    if (!picture?.rows.length || !picture.columns.length) return;
    if (["+", "=", "-"].includes(event.key) && !event.ctrlKey) { enlarge(event.key === "-" ? 0.5 : 2); return; }
    const [height, width] = [picture.rows.length, picture.columns.length];
    const spot = at() ?? { r: -1, c: -1 };
    const [r, c] = [Math.max(0, spot.r), Math.max(0, spot.c)];
    const to = { ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1], ArrowUp: [r - 1, c], ArrowDown: [r + 1, c],
      Home: [r, 0], End: [r, width - 1], PageUp: [r - 10, c], PageDown: [r + 10, c] }[event.key];
    if (event.key === "Escape") fixed = null;
    else if (to) {
      const [row, column] = spot.r < 0 && spot.c < 0 ? [0, 0]
        : [Math.max(0, Math.min(height - 1, to[0])), Math.max(0, Math.min(width - 1, to[1]))];
      fixed = { query: picture.rows[row], key: picture.columns[column] };
      follow(row, column);
    } else return;
    event.preventDefault();
    over = null;
    paint();
    read();
  }
  /** Scroll the cell into sight. */
  function follow(row, column) {
    const { cell, side, top } = geometry();
    const into = (node, along, at, size, before) => {
      const room = node[along === "Top" ? "clientHeight" : "clientWidth"] - before;
      node[`scroll${along}`] = Math.min(at * size, Math.max(node[`scroll${along}`], (at + 1) * size - room));
    };
    into(heat.node, "Top", row, cell, top);
    into(heat.node, "Left", column, cell, side);
    const step = lines.node.scrollHeight / Math.max(picture.rows.length, picture.columns.length, 1);
    into(lines.node, "Top", row, step, 0);
  }
  for (const panel of [heat, lines]) {
    panel.node.addEventListener("pointermove", (event) => point(under(event, panel)));
    panel.node.addEventListener("pointerleave", () => point(null));
    panel.node.addEventListener("click", (event) => { fixed = under(event, panel); over = null; paint(); read(); });
    panel.node.addEventListener("keydown", walk);
    panel.node.addEventListener("focus", () => {
      if (!fixed && picture?.rows.length && picture.columns.length) {
        fixed = { query: picture.rows[0], key: picture.columns[0] };
        paint();
        read();
      }
    });
  }

  // --- a picture to keep

  function png() {
    if (!picture) return;
    const { rows, columns, state: { layer, head, row, stage } } = picture;
    const most = Math.max(rows.length, columns.length, 1);
    const cell = most > 160 ? Math.max(2, 2400 / most) : most > 40 ? 14 : 22;
    const scale = most > 160 ? 1 : 2;
    const [above, below] = [52, 44];
    const [left, top] = [picture.widest(rows), picture.widest(columns)];
    const size = [Math.max(560, left + columns.length * cell + 12), top + rows.length * cell + 2];
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [size[0] * scale, (size[1] + above + below) * scale];
    const [sheet, context] = [document.createElement("canvas"), canvas.getContext("2d")];
    [sheet.width, sheet.height] = [size[0] * scale, size[1] * scale];
    const pen = sheet.getContext("2d");
    pen.scale(scale, scale);
    const room = { cell, left, top, x: 0, y: 0, width: size[0], height: size[1], scale };
    paintHeat(pen, picture, room, palette, at());
    context.scale(scale, scale);
    context.fillStyle = palette.page;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(sheet, 0, above, size[0], size[1]);
    const write = (text, y, font, colour) => {
      [context.font, context.fillStyle] = [`${font} system-ui, "Noto Sans", sans-serif`, colour];
      context.fillText(labels(context, size[0] - 24)(text), 12, y);
    };
    write(`Layer ${layer}, head ${head}: ${stage}, mask ${view().mask}`, 22, "600 15px", palette.ink);
    write(visible(view().texts[row]), 42, "12px", palette.quiet);
    const colour = stage === "softmax" ? "√ of the weight, full at 1"
      : `blue below 0, orange above, full at ±${picture.scale.toFixed(1)}`;
    write(`Each row looks at the columns. Colour: ${colour}.`, size[1] + above + 18, "11px", palette.quiet);
    write(CAVEAT, size[1] + above + 35, "11px", palette.quiet);
    canvas.toBlob((blob) => {
      download([blob], "image/png", `attention-${stage}-layer${layer}-head${head}.png`);
      say("Saved as PNG.");
    });
  }

  // --- keeping all of it in step

  function drawLegend() {
    const { signed, scale, sharp } = picture;
    const ramp = make("span", `ramp ${signed ? "signed" : ""}`);
    const most = sharp ? scale.toFixed(1) : "…";
    const ends = signed ? [`−${most}`, "0", most] : ["0", "¼", "1"];
    const scaleItem = make("li", "scale", [make("span", "ends", ends.map((end) => make("span", "", end))), ramp,
      make("small", "", signed ? "score; this head's own scale" : "weight; colour goes with its square root")]);
    const [{ kinds }, { row, stage }] = [view(), now()];
    const signs = [scaleItem];
    if (kinds[row].includes("p") && pads.on) signs.push(make("li", "", [make("span", "sign pad"), "pad"]));
    const { struck } = picture;
    if (struck && picture.rows.some((q) => picture.columns.some((k) => struck(q, k)))) {
      const means = stage === "masked" ? "masked: −∞" : "masked: weight 0";
      signs.push(make("li", "", [make("span", "sign struck"), means]));
    }
    legend.replaceChildren(...signs);
  }
  function drawControls() {
    const [{ texts, rows: there, stages: said, masks: kinds, mask, live, name, types, kinds: letters },
      { layer, head, row, stage }] = [view(), now()];
    const options = there.map((n) => `row ${n}: ${texts[n]}`);
    if (!same([...rows.options].map((option) => option.text), options.map((text) => visible(text)))) {
      rows.replaceChildren(...there.map((n, i) => make("option", "", visible(options[i]), { value: n, dir: "auto" })));
    }
    rows.value = `${row}`;
    stages.update({ scores: "scores", masked: "scores + mask", softmax: "softmax" }, stage, (s) => s in said);
    stages.node.title = "scores" in said ? "" : "These maps were made without scores: attention_maps(…, scores=True)";
    const names = live ? Object.fromEntries(Object.keys(kinds).map((n) => [n, n])) : { [mask]: mask };
    masks.update(names, mask, () => !running);
    masks.node.title = live ? "Another mask runs the model again" : "A saved page can't run the model again";
    special.node.hidden = !letters[row].includes("s");
    pads.node.hidden = !letters[row].includes("p");
    pairs.hidden = !types[row];
    show.hidden = special.node.hidden && pads.node.hidden && pairs.hidden;
    tell(note, `${said[stage]} ${kinds[mask] ?? ""}`);
    tell(title, `Layer ${layer}, head ${head}`);
    tell(code, `${name}.${kindOf(stage)}[${layer}, ${row}, ${head}]`);
    saveHtml.hidden = !live;
    const what = `layer ${layer}, head ${head}, ${stage}`;
    heat.node.setAttribute("aria-label", `Heatmap of ${what}: arrow keys walk over its cells, + and − zoom`);
    lines.node.setAttribute("aria-label", `Lines of ${what}: arrow keys walk over its tokens`);
    thumbs.choose(layer, head);
  }
  function settle() {
    const here = overviews.has(`${now().stage} ${now().row}`);
    root.setAttribute("aria-busy", running || !picture?.sharp || !here);
    root.classList.toggle("late", running);
    tell(alarm, model.get("error"));
    if (view()) masks.update(Object.fromEntries([...masks.node.querySelectorAll("button")].map((b) =>
      [b.dataset.name, b.textContent])), view().mask, () => !running);
  }
  function redraw() {
    due = false;
    if (gone) return;
    const state = now();
    palette = paletteOf(root);
    drawControls();
    const composed = compose();
    if (!heads.has(nameOf(state))) askHeads(state);
    const overview = overviews.get(`${state.stage} ${state.row}`);
    if (!overview) ask("overview", { stage: state.stage, row: state.row });
    picture = composed ?? picture;
    root.classList.toggle("behind", !composed);
    if (picture) { drawLegend(); paint(); }
    thumbs.paint(overview, state.stage !== "softmax", palette[kindOf(state.stage)]);
    read();
    settle();
    if (!composed?.sharp) return;
    clearTimeout(ahead);
    ahead = setTimeout(fetchAhead, 100);
  }
  /** Draw anew, once for all that changes now. */
  function refresh() {
    if (due) return;
    due = true;
    queueMicrotask(redraw);
  }
  /** Begin with other numbers. */
  function begin() {
    const { shape: [layers, , count], allowed: bits } = view();
    for (const store of [heads, overviews, exact, asked]) store.clear();
    [picture, waiting] = [null, false];
    allowed = new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength);
    for (const { data, ...reply } of model.get("_start")) if (reply.version === view().version) hear(reply, [data]);
    thumbs.build(layers, count);
    refresh();
  }

  model.on("msg:custom", (content, buffers) => hear(content, buffers));
  model.on("change:_view", begin);
  model.on("change:error", settle);
  for (const name of ["layer", "head", "row", "stage"]) model.on(`change:${name}`, refresh);
  begin();
  const [size, theme] = [new ResizeObserver(refresh), new MutationObserver(refresh)];
  for (const node of [overviewPart, openPart]) size.observe(node);
  theme.observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    size.disconnect();
    theme.disconnect();
    for (const timer of [spoken, ahead]) clearTimeout(timer);
    for (const store of [heads, overviews, exact]) store.clear(); // whoever still knows this view keeps nothing big
    [picture, gone] = [null, true];
  };
}

export default study("attention-grid", draw);
