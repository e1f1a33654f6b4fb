/**
 * PaddingBill: settings, a bar of slots for each strategy, and a picture of the batches of the chosen one, on a canvas:
 * each a rectangle, a line for each text, its tokens solid and its pads hatched.
 *
 * Python says how long the texts are, as int32 `_lengths`, and how large the model is: `_sizes`. All else is counted
 * here, as soon as a setting changes; one that makes no sense is refused in Python's words.
 */
import { hatch, property } from "./parts/canvas.js";
import { billsOf } from "./parts/costs.js";
import { intoSight, stepOf } from "./parts/grid.js";
import { legendOf } from "./parts/legend.js";
import { count, int32, percent, plural } from "./parts/numbers.js";
import {
  button, dress, field, groupName, make, study, tell, teller, under, whenLooksChange } from "./study_widget.js";

const NUMBERS = ["batch_size", "max_length", "pad_to_multiple_of", "token_budget"];
const SETTINGS = ["order", "seed", "strategy", ...NUMBERS];
const MOST = 1_000_000; // no number of a bill may be larger

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

/** Where rectangles go, in shelves `width` wide. @param {number[][]} sizes width and height of each */
function shelves(sizes, width) {
  let [x, y, shelf] = [0, 0, 0];
  return sizes.map(([wide, tall]) => {
    if (x && x + wide > width) [x, y, shelf] = [0, y + shelf + GAP, 0];
    const box = { left: x, top: y, wide, tall };
    x += wide + GAP;
    shelf = Math.max(shelf, tall);
    return box;
  });
}

/** The batches as rectangles within `width`, of the largest scale that has room for all, else of the smallest. */
function arrange(batches, widths, width) {
  const bottom = (boxes) => Math.max(...boxes.map(({ top, tall }) => top + tall));
  const widest = Math.max(...widths);
  const fitting = SCALES.filter(([x]) => widest * x <= width);
  if (!fitting.length) fitting.push([width / widest, SCALES.at(-1)[1]]);
  const place = (/** @type {number[]} */ [x, y]) => ({ x, y, boxes: shelves(widths.map((w, n) =>
    [Math.max(1, w * x), Math.max(1, batches[n].length * y)]), width) });
  const placed = place(fitting.find((scale) => bottom(place(scale).boxes) <= ROOM) ?? fitting.at(-1));
  const end = placed.boxes.findIndex(({ top, tall }, n) => n && top + tall > TALLEST);
  const shown = placed.boxes.slice(0, end < 0 ? widths.length : end);
  return { ...placed, boxes: shown, height: bottom(shown) };
}

/** Why `value` can't be the setting `name` for texts of `longest` tokens at most, in Python's words; or "". */
function refusal(name, value, longest) {
  const said = `${name}=${value === "" ? "''" : value}`;
  if (!Number.isInteger(value) || value < 1) return `${said} must be a positive whole number.`;
  if (value > MOST) return `${said} must be a whole number from 1 to ${count(MOST)}.`;
  if (name !== "max_length" || value >= longest) return "";
  return `A text has ${longest} tokens, more than max_length=${value}: truncate first.`;
}

/** A number to type; `ask(name, value)` hears it a moment after the last key. */
function numberBox(name, ask) {
  let timer = 0;
  const node = field("number", () => wait(250), { min: 1, step: 1, name, "aria-label": name });
  const value = () => (Number.isFinite(node.valueAsNumber) ? node.valueAsNumber : node.value);
  const wait = (ms) => { clearTimeout(timer); timer = setTimeout(() => { timer = 0; ask(name, value()); }, ms); };
  node.addEventListener("keydown", (event) => { if (event.key === "Enter") wait(0); });
  return { node, stop: () => clearTimeout(timer),
    write: (number) => { if (!timer && value() !== number) node.value = number; } };
}

/** The batches. `point(n)` hears which one pointer or keys are on, or -1. */
function batchPicture(root, point) {
  const canvas = make("canvas", "", [], { tabindex: 0, role: "slider", "aria-valuemin": 1,
    "aria-label": "Batches: go from one to the next with ← →" });
  const node = make("div", "batches", canvas);
  let batches, widths, placed, at = -1;

  function paint() {
    if (!placed) return;
    const [width, height, dots] = [node.clientWidth, placed.height + 4, window.devicePixelRatio || 1];
    Object.assign(canvas, { width: Math.round(width * dots), height: Math.round(height * dots) });
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    const [tokens, ink, frame] = ["tokens", "ink", "frame"].map((name) => property(root, name));
    const pads = hatch(context, property(root, "pads"));
    context.setTransform(dots, 0, 0, dots, 2 * dots, 2 * dots);
    const thick = placed.y >= 3 ? placed.y - 1 : placed.y;
    for (const [n, { left, top, wide, tall }] of placed.boxes.entries()) {
      context.fillStyle = pads;
      context.fillRect(left, top, wide, tall);
      context.fillStyle = tokens;
      for (let row = 0; row < batches[n].length; row++) {
        context.fillRect(left, top + row * placed.y, batches[n][row] * placed.x, thick);
      }
      [context.strokeStyle, context.lineWidth] = n === at ? [ink, 2] : [frame, 1];
      context.strokeRect(left - 0.5, top - 0.5, wide + 1, tall + 1);
    }
  }
  function go(n) {
    if (n === at) return;
    at = n;
    paint();
    point(at);
  }
  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    const [x, y] = [offsetX - 2, offsetY - 2];
    go(placed.boxes.findIndex(({ left, top, wide, tall }) =>
      x >= left && x <= left + wide && y >= top && y <= top + tall));
  });
  canvas.addEventListener("pointerleave", () => { if (document.activeElement !== canvas) go(-1); });
  canvas.addEventListener("focus", () => { if (at < 0 && canvas.matches(":focus-visible")) go(0); });
  canvas.addEventListener("blur", () => go(-1));
  canvas.addEventListener("keydown", (event) => {
    const to = stepOf(event, at, placed.boxes.length);
    if (to === undefined) return;
    event.preventDefault();
    go(to);
    const { top, tall } = placed.boxes[to];
    intoSight(node, top, top + tall + 6);
  });
  function fit() {
    placed = null;
    if (!batches || !node.clientWidth) return;
    placed = arrange(batches, widths, node.clientWidth - 6);
    dress(canvas, { "aria-valuemax": placed.boxes.length });
    paint();
    point(at);
  }
  return {
    node, canvas, fit,
    update(bill) {
      ({ batches, widths } = bill);
      at = -1;
      fit();
    },
    counts: () => ({ n: batches.length, shown: placed?.boxes.length ?? 0 }),
    about(n) {
      const [rows, width] = [batches[n].length, widths[n]];
      const slots = rows * width;
      const pads = slots - batches[n].reduce((sum, length) => sum + length, 0);
      const shape = `${plural(rows, "text")} × ${plural(width, "token")} = ${plural(slots, "slot")}`;
      return `Batch ${count(n + 1)} of ${count(batches.length)}: ${shape}, `
        + `of them ${plural(pads, "pad")} (${percent(pads / slots)})`;
    },
  };
}

/** A strategy: its bar, its numbers, a radio button of `group`; `ask(name, value)` hears what is chosen or typed. */
function strategyLine(strategy, group, ask) {
  const [meaning, name] = MEANINGS[strategy];
  const id = `${group}-${strategy}`;
  const radio = field("radio", () => ask("strategy", strategy), { name: group, "aria-describedby": id });
  const box = name ? numberBox(name, ask) : null;
  const [tokens, pads, slots, torn, wasted, flops] = ["tokens", "pads", "slots", "torn", "number wasted",
    "number flops"].map((part) => make("span", part));
  const what = make("div", "what", [make("label", "", [radio, make("b", "", strategy)]),
    make("small", "", [meaning, ...(box ? [" ", box.node] : [])])]);
  const bar = make("div", "room", [make("div", "bar", [tokens, pads, torn]), slots]);
  const described = make("span", "unseen", "", { id });
  const node = make("div", "line", [what, bar, wasted, flops, described], { "data-strategy": strategy });
  node.addEventListener("click", (event) => { if (!under(event, "input, label")) radio.click(); });
  /** Show what it costs, with a bar as long as the room for `most` slots; and whether it is the `chosen` one. */
  function update(line, most, chosen) {
    const part = Math.min(1, line.slots / most);
    const real = Math.min(part, (line.slots - line.pads) / most);
    tokens.style.width = `${real * 100}%`;
    pads.style.width = `${(part - real) * 100}%`;
    const [broken, times] = [line.slots > most, (line.slots / most).toFixed(1)];
    node.classList.toggle("broken", broken);
    tell(torn, broken ? "⫽" : "");
    const told = broken ? `; the bar is broken off, it would be ${times} times as long` : "";
    tell(slots, plural(line.slots, "slot") + told);
    tell(wasted, percent(line.wasted));
    tell(flops, line.relative < 1.005 ? "1×" : `${line.relative.toFixed(2)}×`);
    tell(described, `${count(line.slots)} slots, ${percent(line.wasted)} wasted on pads, `
      + `${line.relative.toFixed(2)} times the FLOPs of the cheapest`);
    node.title = `about ${(line.flops / 1e9).toPrecision(3)} GFLOPs`;
    radio.checked = chosen === strategy;
    node.classList.toggle("chosen", radio.checked);
  }
  return { node, box, update };
}

const HINT = "Each rectangle is a batch, each line in it a text. Point at one, or go with ← →.";

function draw({ model, root, set }) {
  const lengths = int32(model.get("_lengths"));
  const [bills, longest] = [billsOf(lengths, model.get("_sizes")), lengths.reduce((most, n) => Math.max(most, n))];
  const texts = `${plural(lengths.length, "text")} of ${plural(lengths.reduce((sum, n) => sum + n), "token")} in all.`;
  let error = "";
  function ask(name, value) {
    error = NUMBERS.includes(name) ? refusal(name, value, longest) : "";
    if (!error) set(name, value);
    settle();
  }
  const again = (name) => name === "shuffled" && name === model.get("order");
  const orders = Object.keys(ORDERS).map((name) => button("",
    () => (again(name) ? ask("seed", model.get("seed") + 1) : ask("order", name)), { "data-order": name }));
  const [batchSize, group] = [numberBox("batch_size", ask), groupName()];
  const settings = make("div", "settings", [
    make("div", "orders", [make("span", "", "Order of the texts"), ...orders],
      { role: "group", "aria-label": "Order of the texts" }),
    make("label", "", [make("span", "", "Texts a batch (batch_size)"), batchSize.node])]);
  const lines = Object.keys(MEANINGS).map((strategy) => strategyLine(strategy, group, ask));
  const boxes = [batchSize, ...lines.flatMap(({ box }) => box ?? [])];
  const heads = make("div", "line heads", ["strategy: pad …", "slots the model computes", "wasted on pads",
    "est. FLOPs (least 1)"].map((head) => make("span", "", head)), { "aria-hidden": "true" });
  const chart = make("div", "chart", [heads, ...lines.map(({ node }) => node)],
    { role: "radiogroup", "aria-label": "Strategy" });
  const [alarm, title, rest] = [teller("alert"), make("h4"), make("p", "rest")];
  const [status, picture] = [make("p", "story", [], { "aria-live": "polite" }), batchPicture(root, tellStory)];
  const legend = legendOf("Signs", [["", make("span", "sign tokens"), "real tokens"],
    ["", make("span", "sign pads"), "pads: computed, then thrown away"]]);
  root.append(settings, make("p", "facts", texts), alarm, chart, title, legend.node, picture.node, rest,
    status);

  function tellStory(n) {
    const { n: all, shown } = picture.counts();
    const said = n < 0 ? HINT : picture.about(n);
    dress(picture.canvas, { "aria-valuenow": Math.max(n, 0) + 1, "aria-valuetext": said });
    tell(status, said);
    tell(rest, shown < all ? `… batches not drawn: ${count(all - shown)}` : "");
  }
  function update() {
    const costs = bills(Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)])));
    const chosen = costs.find(({ strategy }) => strategy === model.get("strategy"));
    const slots = costs.map((line) => line.slots).sort((a, b) => b - a);
    const most = slots[0] > BROKEN * slots[1] ? slots[1] * 1.25 : slots[0];
    for (const [n, line] of lines.entries()) line.update(costs[n], most, chosen.strategy);
    picture.update(chosen);
    tell(title, `The ${count(chosen.batches.length)} batches of “${chosen.strategy}”`);
    for (const one of orders) {
      const name = one.dataset.order;
      dress(one, { "aria-pressed": name === model.get("order"), title: again(name) ? "Shuffle again" : "" });
      tell(one, ORDERS[name] + (again(name) ? " ↻" : ""));
    }
    settle();
  }
  function settle() {
    for (const { node, write } of boxes) {
      const wrong = error.includes(node.name);
      if (!wrong) write(model.get(node.name));
      dress(node, { "aria-invalid": wrong });
    }
    tell(alarm, error);
  }

  for (const name of SETTINGS) model.on(`change:${name}`, update);
  update();
  const unwatch = whenLooksChange(root, [picture.node], picture.fit);
  return () => { unwatch(); for (const { stop } of boxes) stop(); };
}

export default study("padding-bill", draw);
