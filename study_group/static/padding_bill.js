/**
 * PaddingBill: settings, a bar of slots for each strategy, and a picture of the batches of the chosen one, on a canvas:
 * each a rectangle, a line for each text, its tokens solid and its pads hatched.
 *
 * @typedef {object} Line @property {string} strategy @property {number} slots @property {number} pads
 * @property {number} wasted pads / slots @property {number} flops @property {number} relative to the fewest flops
 * @typedef {object} Bill @property {Line[]} lines @property {string} strategy whose batches these are
 * @property {number} n_texts @property {number} tokens @property {DataView} lengths int32, batch after batch
 * @property {DataView} sizes int32, texts of each batch @property {DataView} widths int32, tokens of its rows
 */
import { count, dress, make, study, tell } from "./study_widget.js";

const MEANINGS = {
  longest: ["each batch to its longest text", ""],
  max_length: ["every text to", "max_length"],
  sorted: ["texts sorted first, then as “longest”", ""],
  multiple_of: ["“longest”, rounded up to multiples of", "pad_to_multiple_of"],
  token_budget: ["sorted; as many texts as fit into slots:", "token_budget"],
};
const ORDERS = { given: "as given", shuffled: "shuffled", sorted: "sorted" };
const SCALES = [[8, 8], [6, 7], [5, 6], [4, 5], [3, 4], [2, 4], [2, 3], [1.5, 2], [1, 2], [1, 1.5], [0.6, 1.2],
  [0.4, 0.8], [0.25, 0.5]]; // pixels: of a token, of a text
const [ROOM, TALLEST, GAP] = [340, 4000, 7]; // pixels: of a picture at best, at most, between batches
const BROKEN = 2.5; // a bar that is so many times as long as the next is broken off

/** The 32-bit numbers of a view. */
function int32({ buffer, byteOffset, byteLength }) {
  return new Int32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** Where `n` rectangles go, in shelves `width` wide: lefts and tops, and the height of all. */
function shelves(n, widthOf, heightOf, width) {
  const [lefts, tops] = [[], []];
  let [x, y, shelf] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [w, h] = [widthOf(i), heightOf(i)];
    if (x && x + w > width) [x, y, shelf] = [0, y + shelf + GAP, 0];
    lefts.push(x);
    tops.push(y);
    x += w + GAP;
    shelf = Math.max(shelf, h);
  }
  return { lefts, tops, height: y + shelf };
}

/** A number to type; `send(value)` hears it a moment after the last key. */
function numberBox(name, label, send) {
  let timer = 0;
  const node = make("input", "", [], { type: "number", min: 1, step: 1, name, "aria-label": label });
  const value = () => (node.value !== "" && Number.isFinite(node.valueAsNumber) ? node.valueAsNumber : node.value);
  const wait = (ms) => { clearTimeout(timer); timer = setTimeout(() => { timer = 0; send(value()); }, ms); };
  node.addEventListener("input", () => wait(250));
  node.addEventListener("keydown", (event) => { if (event.key === "Enter") wait(0); });
  return { node, waits: () => timer !== 0, stop: () => clearTimeout(timer),
    write: (number) => { if (!timer && value() !== number) node.value = number; } };
}

/** The batches. `point(n)` hears which one pointer or keys are on, or null. */
function batchPicture(root, point) {
  const canvas = make("canvas", "", [], { tabindex: 0, role: "slider", "aria-valuemin": 1,
    "aria-label": "Batches: go from one to the next with ← →" });
  const node = make("div", "batches", canvas);
  let batches, placed, starts, at = null;
  const widthOf = (n) => Math.max(1, batches.widths[n] * placed.x);
  const heightOf = (n) => Math.max(1, batches.sizes[n] * placed.y);

  function fit(width) {
    const n = batches.sizes.length;
    for (const [x, y] of SCALES) {
      placed = { x, y };
      if (Math.max(...batches.widths) * x > width) continue;
      Object.assign(placed, shelves(n, widthOf, heightOf, width));
      if (placed.height <= ROOM) break;
    }
    if (!placed.tops) {
      placed.x = width / Math.max(...batches.widths);
      Object.assign(placed, shelves(n, widthOf, heightOf, width));
    }
    placed.shown = placed.tops.findIndex((top, i) => i && top + heightOf(i) > TALLEST);
    if (placed.shown < 0) placed.shown = n;
    placed.height = Math.max(...placed.tops.slice(0, placed.shown).map((top, i) => top + heightOf(i)));
  }
  /** Diagonal lines, as the style sheet has them on the bars. */
  function hatch(context, color) {
    const tile = make("canvas", "", [], { width: 6, height: 6 });
    const lines = tile.getContext("2d");
    Object.assign(lines, { strokeStyle: color, lineWidth: 1.2 });
    for (const shift of [-6, 0, 6]) { lines.moveTo(shift - 1, 7); lines.lineTo(shift + 7, -1); }
    lines.stroke();
    return context.createPattern(tile, "repeat");
  }
  function paint() {
    if (!placed) return;
    const [width, height, dots] = [node.clientWidth, placed.height + 4, window.devicePixelRatio || 1];
    canvas.width = Math.round(width * dots);
    canvas.height = Math.round(height * dots);
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    const style = getComputedStyle(root);
    const color = (name) => style.getPropertyValue(name);
    const pads = hatch(context, color("--pads"));
    context.setTransform(dots, 0, 0, dots, 2 * dots, 2 * dots);
    const thick = placed.y >= 3 ? placed.y - 1 : placed.y;
    for (let n = 0; n < placed.shown; n++) {
      const [x, y, w, h] = [placed.lefts[n], placed.tops[n], widthOf(n), heightOf(n)];
      context.fillStyle = pads;
      context.fillRect(x, y, w, h);
      context.fillStyle = color("--tokens");
      for (let row = 0; row < batches.sizes[n]; row++) {
        context.fillRect(x, y + row * placed.y, batches.lengths[starts[n] + row] * placed.x, thick);
      }
      context.strokeStyle = color(n === at ? "--ink" : "--frame");
      context.lineWidth = n === at ? 2 : 1;
      context.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1);
    }
  }
  function go(n) {
    if (n === at) return;
    at = n;
    paint();
    point(at);
  }
  function under(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - 2, event.clientY - box.top - 2];
    for (let n = 0; n < placed.shown; n++) {
      const [left, top] = [placed.lefts[n], placed.tops[n]];
      if (x >= left && x <= left + widthOf(n) && y >= top && y <= top + heightOf(n)) return n;
    }
    return null;
  }
  canvas.addEventListener("pointermove", (event) => go(under(event)));
  canvas.addEventListener("pointerleave", () => { if (document.activeElement !== canvas) go(null); });
  canvas.addEventListener("focus", () => { if (at === null && canvas.matches(":focus-visible")) go(0); });
  canvas.addEventListener("blur", () => go(null));
  canvas.addEventListener("keydown", (event) => {
    const from = at ?? -1;
    const to = { ArrowLeft: from - 1, ArrowUp: from - 1, ArrowRight: from + 1, ArrowDown: from + 1, Home: 0,
      End: Infinity }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(Math.max(0, Math.min(to, placed.shown - 1)));
    const [top, end] = [placed.tops[at], placed.tops[at] + heightOf(at) + 6];
    node.scrollTop = Math.min(top, Math.max(node.scrollTop, end - node.clientHeight));
  });
  return {
    node, canvas, paint,
    /** @param {Bill} bill */
    update(bill) {
      batches = { lengths: int32(bill.lengths), sizes: int32(bill.sizes), widths: int32(bill.widths) };
      let start = 0;
      starts = Array.from(batches.sizes, (size) => (start += size) - size);
      at = null;
      this.fit();
    },
    /** Use the room there is now. */
    fit() {
      placed = null;
      if (!batches || !node.clientWidth) return;
      fit(node.clientWidth - 6);
      dress(canvas, [], { "aria-valuemax": placed.shown });
      paint();
      point(at);
    },
    counts: () => ({ n: batches.sizes.length, shown: placed?.shown ?? 0, x: placed?.x }),
    about(n) {
      const [rows, width] = [batches.sizes[n], batches.widths[n]];
      const tokens = batches.lengths.subarray(starts[n], starts[n] + rows).reduce((sum, length) => sum + length, 0);
      return { rows, width, pads: rows * width - tokens };
    },
  };
}

const HINT = "Each rectangle is a batch, each line in it a text. Point at one, or go with ← →.";
const percent = (part) => `${(part * 100).toFixed(1)}%`;
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

function draw({ model, root }) {
  let asked = 0;
  /** @returns {Bill} */
  const bill = () => model.get("_bill");
  function ask(name, value) {
    asked += 1;
    model.send({ name, value, n: asked });
    settle();
  }
  const group = `study-${Math.random().toString(36).slice(2)}`; // radio buttons of another view aren't these

  // Settings
  const boxes = { batch_size: numberBox("batch_size", "batch_size", (value) => ask("batch_size", value)) };
  const orders = Object.entries(ORDERS).map(([order, label]) => {
    const button = make("button", "", label, { type: "button", "data-order": order });
    button.addEventListener("click", () => {
      if (order === "shuffled" && model.get("order") === "shuffled") ask("seed", model.get("seed") + 1);
      else ask("order", order);
    });
    return button;
  });
  const settings = make("div", "settings", [
    make("div", "orders", [make("span", "", "Order of the texts"), ...orders],
      { role: "group", "aria-label": "Order of the texts" }),
    make("label", "", [make("span", "", "Texts a batch (batch_size)"), boxes.batch_size.node])]);
  const [facts, alarm, status] = [make("p", "facts"), make("p", "error", [], { role: "alert" }),
    make("p", "story", [], { "aria-live": "polite" })];

  // The strategies
  const heads = make("div", "line heads", ["strategy: pad …", "slots the model computes", "wasted on pads",
    "est. FLOPs (least 1)"].map((head) => make("span", "", head)), { "aria-hidden": "true" });
  const lines = Object.entries(MEANINGS).map(([strategy, [meaning, name]]) => {
    const id = `${group}-${strategy}`;
    const radio = make("input", "", [], { type: "radio", name: group, value: strategy, "aria-describedby": id });
    radio.addEventListener("change", () => ask("strategy", strategy));
    if (name) boxes[name] = numberBox(name, name, (value) => ask(name, value));
    const [tokens, pads, slots, torn, wasted, flops] = ["tokens", "pads", "slots", "torn", "number wasted",
      "number flops"].map((name) => make("span", name));
    const what = make("div", "what", [make("label", "", [radio, make("b", "", strategy)]),
      make("small", "", [meaning, ...(name ? [" ", boxes[name].node] : [])])]);
    const bar = make("div", "room", [make("div", "bar", [tokens, pads, torn]), slots]);
    const node = make("div", "line", [what, bar, wasted, flops], { "data-strategy": strategy });
    const described = make("span", "unseen", "", { id });
    node.append(described);
    node.addEventListener("click", (event) => { if (!event.target.closest("input, label")) radio.click(); });
    /** @param {Line} line @param {number} most slots that have the whole room */
    function update(line, most) {
      const broken = line.slots > most;
      const part = Math.min(1, line.slots / most);
      const real = Math.min(part, (line.slots - line.pads) / most);
      tokens.style.width = `${real * 100}%`;
      pads.style.width = `${(part - real) * 100}%`;
      node.classList.toggle("broken", broken);
      tell(torn, broken ? "⫽" : "");
      const times = (line.slots / most).toFixed(1);
      const told = broken ? `; the bar is broken off, it would be ${times} times as long` : "";
      tell(slots, plural(line.slots, "slot") + told);
      tell(wasted, percent(line.wasted));
      tell(flops, line.relative < 1.005 ? "1×" : `${line.relative.toFixed(2)}×`);
      tell(described, `${count(line.slots)} slots, ${percent(line.wasted)} wasted on pads, `
        + `${line.relative.toFixed(2)} times the FLOPs of the cheapest`);
      node.title = `about ${(line.flops / 1e9).toPrecision(3)} GFLOPs`;
    }
    return { strategy, node, radio, update };
  });
  const chart = make("div", "chart", [heads, ...lines.map(({ node }) => node)],
    { role: "radiogroup", "aria-label": "Strategy" });

  // The picture
  const title = make("h4");
  const picture = batchPicture(root, tellStory);
  const signs = { tokens: "real tokens", pads: "pads: computed, then thrown away" };
  const legend = make("ul", "legend", Object.entries(signs).map(([name, text]) =>
    make("li", "", [make("span", `sign ${name}`), text])), { "aria-label": "Signs" });
  const rest = make("p", "rest");
  root.append(settings, facts, alarm, make("p", "busy", "counting…"), chart, title, legend, picture.node, rest,
    status);

  function tellStory(n) {
    const { n: all, shown } = picture.counts();
    const said = n === null ? HINT : say(n);
    dress(picture.canvas, [], { "aria-valuenow": (n ?? 0) + 1, "aria-valuetext": said });
    tell(status, said);
    tell(rest, shown < all ? `… batches not drawn: ${count(all - shown)}` : "");
  }
  function say(n) {
    const { rows, width, pads } = picture.about(n);
    const slots = rows * width;
    const shape = `${plural(rows, "text")} × ${plural(width, "token")} = ${plural(slots, "slot")}`;
    const pad = `${plural(pads, "pad")} (${percent(pads / slots)})`;
    return `Batch ${count(n + 1)} of ${count(picture.counts().n)}: ${shape}, of them ${pad}`;
  }
  function update() {
    const { lines: costs, strategy, n_texts: texts, tokens } = bill();
    const slots = costs.map((line) => line.slots).sort((a, b) => b - a);
    const most = slots[0] > BROKEN * slots[1] ? slots[1] * 1.25 : slots[0];
    costs.forEach((line, n) => lines[n].update(line, most));
    for (const { node, radio, strategy: name } of lines) {
      radio.checked = name === strategy;
      node.classList.toggle("chosen", name === strategy);
    }
    tell(facts, `${plural(texts, "text")} of ${plural(tokens, "token")} in all.`);
    picture.update(bill());
    tell(title, `The ${count(picture.counts().n)} batches of “${strategy}”`);
    for (const button of orders) {
      const [order, now] = [button.dataset.order, model.get("order")];
      button.setAttribute("aria-pressed", order === now);
      if (order === "shuffled") tell(button, now === order ? "shuffled ↻" : "shuffled");
      if (order === "shuffled") button.title = now === order ? "Shuffle again" : "";
    }
    settle();
  }
  function settle() {
    const waits = asked !== model.get("_answered");
    for (const [name, box] of Object.entries(boxes)) {
      const wrong = model.get("error").includes(name);
      if (!waits && !wrong) box.write(model.get(name));
      box.node.setAttribute("aria-invalid", wrong);
    }
    root.setAttribute("aria-busy", waits);
    tell(alarm, model.get("error"));
  }

  asked = model.get("_answered");
  model.on("change:_bill", update);
  for (const name of ["_answered", "error", "batch_size", "max_length", "pad_to_multiple_of", "token_budget"]) {
    model.on(`change:${name}`, settle);
  }
  update();
  const size = new ResizeObserver(() => picture.fit());
  size.observe(picture.node);
  const theme = new MutationObserver(() => picture.paint());
  theme.observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  return () => { size.disconnect(); theme.disconnect(); Object.values(boxes).forEach((box) => box.stop()); };
}

export default study("padding-bill", draw);
