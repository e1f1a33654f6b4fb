/**
 * TokenizerRace: one text as an axis of characters, and below it a lane for each tokenizer, its tokens as boxes under
 * the characters they stand for. If they are trained here: a slider of vocabulary sizes, and the curves of all sizes.
 *
 * A lane is what a tokenizer makes of the text: `tokens`, `offsets`, packed, that say where each starts and ends, and
 * `kinds`: "unknown", "joined" (to the token before), both or none; or it has only a `note`. A point of a curve is what
 * a tokenizer of a size does on held-out text; its numbers are null where it can't be trained.
 */
import { around, fillLines, intoSight, moveOf, within } from "./parts/grid.js";
import { count, int32, percent } from "./parts/numbers.js";
import { KINDS, chip } from "./parts/tokens.js";
import { toured } from "./parts/tour.js";
import {
  dress, field, inside, make, study, tell, teller, typing, under, visible, whenLooksChange } from "./study_widget.js";
import { tokenizerRaceTour } from "./tours/tokenizer_race.js";

const CELL = 22; // pixels for each character
const AROUND = 40; // characters that are drawn left and right of what is visible
const DASHES = ["1 4", "9 3 2 3", "", "7 4", "14 4"]; // the lines are told apart without their colours too
const SPACES = "[\\p{White_Space}\\x1c-\\x1f]+"; // what Python parts words at
const COLUMNS = ["tokens", "per word", "[UNK]", "vocabulary"];
const HELP = "Point at a token to see what the others make of its characters. Hatched: not in the vocabulary. "
  + "No gap: continues the word before.";
const KEYS = "Tokens below their characters. Left and right: the next token. Up and down: another tokenizer.";
const MEANINGS = { unknown: `, ${KINDS.unknown}`, joined: `, ${KINDS.continuation}` };

const shape = (tag, attributes = {}, children = []) =>
  dress(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

/** `text` with all that can't be seen made visible: spaces, control characters, accents without a letter. */
function seen(text) {
  return visible(text).replace(/^\s+$/, (spaces) => "␣".repeat(spaces.length))
    .replace(/^\p{M}/u, "◌$&").replace(/[\x80-\x9f\p{Cf}]/gu, "◌");
}

/** Left and right of each token's box in a text of `n` characters; tokens of the same character share its width. */
function boxesOf(offsets, n) {
  const [ends, shared, used] = [int32(offsets), Array(n).fill(0), Array(n).fill(0)];
  const spans = Array.from({ length: ends.length / 2 }, (_, i) => {
    const [start, end] = ends.slice(2 * i, 2 * i + 2);
    const span = [Math.min(start, n - 1), Math.max(end, Math.min(start + 1, n))]; // some tokens stand for nothing
    for (let at = span[0]; at < span[1]; at++) shared[at] += 1;
    return span;
  });
  return spans.map(([start, end]) => {
    const box = [start + used[start] / shared[start], end - 1 + (used[end - 1] + 1) / shared[end - 1]];
    for (let at = start; at < end; at++) used[at] += 1;
    return box;
  });
}

const hue = (n) => `hue-${n % DASHES.length}`;

/** An empty lane, number `n`. */
function emptyLane(n) {
  const line = shape("line", { x1: 1, x2: 23, y1: 5, y2: 5, "stroke-dasharray": DASHES[n % DASHES.length] });
  const swatch = shape("svg", { class: `line ${hue(n)}`, width: 24, height: 10, "aria-hidden": "true" }, line);
  const [name, cells, numbers] = [make("bdi"), make("div", "cells"), COLUMNS.map(() => make("span", "number"))];
  const info = make("div", "info", [make("b", "name", [swatch, name]), ...numbers]);
  return { node: make("div", `lane ${hue(n)}`, [info, cells], { role: "img" }), name, cells, numbers };
}

/** The box of token `n`: as wide as its characters, its letters as large as fits. */
function boxOf({ boxes, tokens, kinds }, n) {
  const [[left, right], token, kind] = [boxes[n], tokens[n], kinds[n]];
  const ends = !kinds[n + 1]?.includes("joined");
  const width = (right - left) * CELL - (ends ? 2 : 0);
  const tight = width < CELL && kind.includes("unknown"); // UNK is read more easily without its brackets
  const text = seen(tight ? token.replace(/^\W|\W$/g, "") : token);
  const size = Math.max(6.5, Math.min(13, (width - 3) / (0.61 * Array.from(text).length)));
  return make("div", `token ${kind} ${ends ? "ends" : ""}`, make("bdi", "", text), { "data-token": n, title: token,
    style: `left:${left * CELL}px; width:${width}px; font-size:${size}px` });
}

function nearest(away) { return away.indexOf(Math.min(...away)); }

/** What is told of a token of `lane`: its characters, its kind, and what the others have where they are. */
function about(lanes, lane, token, chars) {
  const [[left, right], quoted] = [lane.boxes[token], (text) => chip(seen(text))];
  const piece = make("bdi", "", seen(chars.slice(Math.floor(left), Math.ceil(right)).join("")));
  const kinds = lane.kinds[token].split(" ").map((kind) => MEANINGS[kind] ?? "");
  const others = lanes.filter((other) => other.tokens && other !== lane).map((other) => {
    const found = other.tokens.filter((_, i) => other.boxes[i][0] < right && other.boxes[i][1] > left);
    return make("span", "", [other.name, ...(found.length ? found.slice(0, 12).map(quoted) : [" –"])]);
  });
  const own = [make("b", "", lane.name), quoted(lane.tokens[token]), " for “", piece, "”", ...kinds];
  return [make("span", "", own), ...others];
}

/** The text, its lanes, and a line about the token that the pointer or the keys are on. */
function board() {
  const [axis, band] = [make("div", "cells"), make("div", "band")];
  const heads = make("div", "info heads", ["", ...COLUMNS].map((name) => make("span", "", name)));
  const track = make("div", "track", [make("div", "lane axis", [heads, axis]), band]);
  const node = make("div", "board", track, { tabindex: 0, role: "group", "aria-label": KEYS });
  const story = make("p", "story", [], { "aria-live": "polite" });
  let lanes = [], lines = [], chars = [], drawn = "", at = null;

  function paint() {
    const [first, last] = around(node.scrollLeft, node.clientWidth, CELL, chars.length, AROUND);
    if (drawn === `${first} ${last}`) return;
    drawn = `${first} ${last}`;
    axis.replaceChildren(...chars.slice(first, last).map((char, n) =>
      make("bdi", char.trim() ? "char" : "char blank", seen(char), { style: `left:${(first + n) * CELL}px` })));
    lanes.forEach((lane, n) => {
      const found = lane.boxes.flatMap(([a, b], token) => (b > first && a < last ? [boxOf(lane, token)] : []));
      lines[n].cells.replaceChildren(...(lane.note ? [make("i", "note", lane.note)] : found));
    });
    go(at);
  }
  /** Point out the token that is looked at, and tell what the others have where its characters are. */
  function go(where) {
    at = where;
    for (const old of track.querySelectorAll(".here")) old.classList.remove("here");
    band.hidden = !at;
    if (!at) { tell(story, HELP); return; }
    const [n, token] = at;
    const [left, right] = lanes[n].boxes[token];
    band.style.cssText = `left:calc(var(--info) + ${left * CELL}px); width:${(right - left) * CELL}px`;
    inside(lines[n].cells, `[data-token="${token}"]`)?.classList.add("here");
    story.replaceChildren(...about(lanes, lanes[n], token, chars));
  }
  node.addEventListener("keydown", (event) => {
    const able = lanes.flatMap((lane, n) => (lane.tokens?.length ? [n] : []));
    const move = moveOf(event);
    if (event.key === "Escape") go(null);
    if (!move || !able.length) return;
    event.preventDefault();
    let [lane, token] = at ?? [able[0], 0];
    const [from, to] = lanes[lane].boxes[token];
    if (at && move[0]) {
      lane = able[within(able.indexOf(lane) + move[0], able.length)];
      const middle = (from + to) / 2;
      token = nearest(lanes[lane].boxes.map(([left, right]) => Math.max(left - middle, middle - right, 0)));
    } else if (at) token = within(token + move[1], lanes[lane].tokens.length);
    go([lane, token]);
    const [[left, right], before] = [lanes[lane].boxes[token], lines[lane].cells.offsetLeft];
    intoSight(node, before + (left - 1) * CELL, before + (right + 1) * CELL, { before, across: true });
  });
  track.addEventListener("pointerover", (event) => {
    const box = under(event, "[data-token]");
    if (box) go([lines.findIndex((line) => line.node.contains(box)), Number(box.dataset.token)]);
  });
  track.addEventListener("pointerleave", () => go(null));
  node.addEventListener("scroll", paint, { passive: true });

  function update(text, fresh) {
    [chars, drawn, at] = [Array.from(text), "", null];
    lanes = fresh.map((lane) => ({ ...lane, boxes: boxesOf(lane.offsets, chars.length) }));
    const most = Math.max(1, ...lanes.map(({ boxes }) => boxes.length));
    const words = Math.max(1, text.split(new RegExp(SPACES, "u")).filter(Boolean).length);
    track.style.setProperty("--width", `${chars.length * CELL}px`);
    fillLines(track, lines, lanes, emptyLane, ({ node, name, numbers }, lane) => {
      const { note, boxes: { length: n }, kinds = [], n_vocab: vocab } = lane;
      const unknown = kinds.filter((kind) => kind.includes("unknown")).length / Math.max(1, n);
      const values = note ? [] : [count(n), (n / words).toFixed(2), percent(unknown), count(vocab)];
      name.title = lane.name;
      tell(name, lane.name);
      for (const [column, number] of numbers.entries()) tell(number, values[column] ?? "");
      numbers[0].style.setProperty("--part", `${n / most}`);
      const said = note ?? [...values.map((v, n) => `${v} ${COLUMNS[n]}`), ...lane.tokens.slice(0, 100)].join(", ");
      dress(node, { "aria-label": `${lane.name}: ${said}` });
    });
    paint();
  }
  return { nodes: [node, story], paint, update };
}

/** Spread `wanted` places so that they are `gap` apart and inside `low` … `high`, in the same order. */
function spread(wanted, gap, low, high) {
  const [order, places] = [wanted.map((_, n) => n).sort((a, b) => wanted[a] - wanted[b]), [...wanted]];
  order.forEach((n, i) => { places[n] = Math.max(places[n], i ? places[order[i - 1]] + gap : low); });
  order.reverse().forEach((n, i) => { places[n] = Math.min(places[n], i ? places[order[i - 1]] - gap : high); });
  return places;
}

/** Curves of `value` over sizes, the axis from `lowest` in steps of `step`. `choose(size)` hears a click. */
function panel(title, value, [lowest, step], say, choose) {
  const svg = shape("svg", { role: "img" });
  const node = make("figure", "panel", [make("figcaption", "", title), svg]);
  const line = (name, x1, x2, y1, y2) => shape("line", { class: name, x1, x2, y1, y2 });
  const write = (text, x, y, anchor, name = "") => shape("text", { x, y, "text-anchor": anchor, class: name }, text);

  function update(points, sizes, names, size) {
    const [width, height] = [node.clientWidth, 220];
    const [left, right, top, bottom] = [38, width - 140, 24, height - 26];
    const [low, high] = [Math.log(sizes[0]), Math.log(sizes.at(-1))];
    const x = (s) => left + 8 + (Math.log(s) - low) / (high - low) * (right - left - 16);
    const most = Math.max(lowest + step, ...points.map((p) => p[value] ?? 0));
    const ticks = Array.from({ length: Math.ceil((most - lowest) / step) + 1 }, (_, n) => lowest + n * step);
    const y = (v) => bottom - (v - lowest) / (ticks.at(-1) - lowest) * (bottom - top);
    const away = (event) => sizes.map((s) => Math.abs(svg.getBoundingClientRect().left + x(s) - event.clientX));
    svg.onclick = (event) => choose(sizes[nearest(away(event))]);
    const every = Math.ceil(40 * sizes.length / (right - left)); // so that their names have room
    const shown = sizes.filter((_, n) => (n - sizes.indexOf(size)) % every === 0);
    const of = names.map((name) => points.filter((p) => p.tokenizer === name && p[value] !== null));
    const here = of.map((line) => line.find((p) => p.vocab_size === size)?.[value]);
    const values = here.map((v) => (v === undefined ? "–" : say(v, true)));
    const ends = of.map((line) => (line.length ? y(line.at(-1)[value]) : bottom));
    const labels = spread(ends, 16, top + 4, bottom);
    const leader = (n) => `M${right - 6},${ends[n]} L${right + 6},${labels[n]}`;
    const curve = (line, n) => [
      shape("polyline", { class: `line ${hue(n)}`, "data-name": names[n], "stroke-dasharray": DASHES[n],
        points: line.map((p) => `${x(p.vocab_size).toFixed(1)},${y(p[value]).toFixed(1)}`).join(" ") }),
      ...(here[n] === undefined ? [] : [shape("circle", { class: hue(n), cx: x(size), cy: y(here[n]), r: 4 })]),
      shape("path", { class: `leader ${hue(n)}`, d: line.length ? leader(n) : "" }),
      write(names[n], right + 9, labels[n] + 4, "start", `label ${hue(n)}`),
      write(values[n], width, labels[n] + 4, "end", `label ${hue(n)}`)];
    svg.replaceChildren(
      write(`at ${count(size)}`, width, 12, "end"),
      ...ticks.flatMap((v) => [line("grid", left, right, y(v), y(v)), write(say(v), left - 6, y(v) + 4, "end")]),
      ...shown.map((s) => write(count(s), x(s), height - 8, "middle", s === size ? "now" : "")),
      line("marker", x(size), x(size), top, bottom),
      ...of.flatMap(curve));
    const said = names.map((name, n) => `${name} ${values[n]}`).join(", ");
    dress(svg, { width, height, "aria-label": `${title}; at ${count(size)}: ${said}` });
  }
  return { node, update };
}

function draw({ model, root, set }) {
  let asking = 0;
  const [sizes, race] = [model.get("sizes"), () => model.get("_race")];
  const input = make("textarea", "", [], { rows: 1, dir: "auto", spellcheck: "false" });
  const stop = field("range", () => choose(sizes[stop.valueAsNumber]),
    { min: 0, max: sizes.length - 1, "aria-label": "vocabulary size" });
  const [alarm, measuring, lanes, size] = [teller("alert"), make("p", "measuring"), board(), make("output")];
  const [least, most] = [sizes[0], sizes.at(-1)].map((s) => make("small", "", sizes.length ? count(s) : ""));
  const slider = make("label", "slider", [
    make("span", "", ["vocabulary size ", size]), make("span", "", [least, stop, most])]);
  const choose = (value) => set("vocab_size", value);
  const panels = [panel("Tokens per word, by vocabulary size", "tokens_per_word", [1, 1],
    (value, fine) => value.toFixed(fine ? 2 : 0), choose),
  panel("Unknown tokens", "unknown_rate", [0, 0.2], (value, fine) => percent(value, fine ? undefined : 0), choose)];
  const curves = make("section", "curves", [
    make("h4", "", "What a larger vocabulary buys, on text that none of them has seen"),
    make("div", "panels", panels.map((p) => p.node)), measuring], { "aria-label": "Curves" });
  const label = make("label", "text", [make("span", "", "text"), input]);
  root.append(make("div", "controls", sizes.length ? [label, slider] : [label]), alarm, make("p", "busy", "training…"),
    ...lanes.nodes, ...(sizes.length > 1 ? [curves] : []));

  /** Show the state of the controls, and whether the lanes are behind it. */
  function settle() {
    const [error, now] = [model.get("error"), model.get("vocab_size")];
    dress(root, { "aria-busy": !error && (text.late() || now !== race().vocab_size) });
    dress(input, { "aria-invalid": error !== "" });
    tell(alarm, error);
    if (now === null) return;
    Object.assign(stop, { value: sizes.indexOf(now), ariaValueText: `${count(now)} tokens` });
    tell(size, count(now));
  }
  /** Ask the kernel for the next measurements, `delay` ms from now. */
  function ask(delay) {
    clearTimeout(asking);
    const [all, done] = [sizes.length * race().lanes.length, model.get("_curve").length];
    tell(measuring, done < all ? `measuring: ${done} of ${all}` : "");
    dress(curves, { "aria-busy": done < all });
    if (done < all) asking = setTimeout(() => requestAnimationFrame(() => model.send({ ask: "more" })), delay);
  }
  function drawLanes() { lanes.update(race().text, race().lanes); settle(); }
  function drawCurves() {
    const [points, size, names] = [model.get("_curve"), model.get("vocab_size"), race().lanes.map(({ name }) => name)];
    if (curves.clientWidth) for (const { update } of panels) update(points, sizes, names, size);
  }

  const text = typing({ model, set }, "text", { node: input, delay: 120, settle, shown: () => race().text });
  input.addEventListener("input", () => ask(800));
  model.on("change:error", settle);
  model.on("change:vocab_size", () => { settle(); drawCurves(); });
  model.on("change:_race", () => { drawLanes(); ask(150); });
  model.on("change:_curve", () => { drawCurves(); ask(60); });
  const unwatch = whenLooksChange(root, [lanes.nodes[0]], () => { lanes.paint(); drawCurves(); });
  drawLanes();
  ask(300);
  return () => { unwatch(); text.stop(); clearTimeout(asking); };
}

export default study("tokenizer-race", toured(draw, tokenizerRaceTour));
