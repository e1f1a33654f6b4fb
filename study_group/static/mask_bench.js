/**
 * MaskBench: texts to edit, masks to start from, and the padded batch: a row for each text, a column for each position,
 * in each cell token, id and the bit of the attention mask, to click. Beside each row what the model makes of it, in
 * the batch and alone. A batch can have 32 × 512 cells, so only those near what can be seen have elements.
 *
 * Python says in `_view` what the batch is, with its pads where the tokenizer puts them: `ids` are int32, `tokens` are
 * by id, `kinds` has for each row a letter for each token; `cut` says how many tokens each row lost, `empty` what is
 * true of a row of zeros. A mask is `{side, rows}`: where the pads stand, 0s and 1s for each row. A result is of a row
 * with its bits: the logits `here` and `alone`, as far as they are known.
 */
import { answerOf } from "./parts/answers.js";
import { property } from "./parts/canvas.js";
import { checkpointField } from "./parts/checkpoint.js";
import { around, goOver, intoSight, placeOf, tabStop, within } from "./parts/grid.js";
import { facts, legendOf } from "./parts/legend.js";
import { count, int32, say } from "./parts/numbers.js";
import { EXAMPLES, KINDS, chip, textList } from "./parts/tokens.js";
import { toured } from "./parts/tour.js";
import {
  button, dress, make, same, spaced, study, tell, teller, typing, under, whenLooksChange } from "./study_widget.js";
import { maskBenchTour } from "./tours/mask_bench.js";

const [WIDTH, NUMBER] = [50, 30]; // pixels of a column, of row numbers
const AROUND = [2, 4]; // rows and columns that are drawn beyond those in sight
const [NAME, DIGITS] = [142, 59]; // pixels: of what stands left of an answer's numbers, of a number
const NARROW = 760; // with less room the answers stand below the tokens
const LETTERS = { w: "word", c: "continuation", s: "special", u: "unknown", p: "pad" };
const HINT = "In each cell: a token, its id in input_ids, its bit in attention_mask. Click it to flip the bit, "
  + "or go with ← → ↑ ↓ Home End and press Space.";
const OWN = "A mask of your own: compare each row with its text alone.";
const NO_PADS = "(No row has pads now: add a text of another length.)";
const LINES = { here: "in batch", alone: "alone", delta: "|Δ|" };

/** What stands where in `view` when its pads are on `side`. */
function arrange(view, side) {
  const ids = int32(view.ids);
  const rank = (kind) => Number((kind === "p") !== (side === "left"));
  const orders = view.kinds.map((kinds) =>
    Array.from(kinds, (_, n) => n).sort((a, b) => rank(kinds[a]) - rank(kinds[b])));
  return (row, column) => {
    const n = orders[row][column];
    const id = ids[row * view.shape[1] + n];
    return { id, token: view.tokens[id], kind: LETTERS[view.kinds[row][n]] };
  };
}

/** A token, in smaller letters if it is long. */
function smallChip(token) {
  return chip(token, "", { style: `font-size: ${Math.max(9, Math.min(11.5, 66 / token.length))}px` });
}

/** Keep parts `from` … `to`, and number `kept`, in order in `parent` and in `map`; `add(n)` makes what is missing. */
function keepBetween(parent, map, [from, to], kept, add) {
  for (const [n, { node }] of map) if ((n < from || n >= to) && n !== kept) { node.remove(); map.delete(n); }
  for (let n = from; n < to; n++) {
    if (map.has(n)) continue;
    const next = Math.min(...[...map.keys()].filter((key) => key > n));
    const part = add(n);
    parent.insertBefore(part.node, map.get(next)?.node ?? null);
    map.set(n, part);
  }
}

/** The texts, each with a button that removes it; `remove(row)` and `add()` hear the buttons. */
function editor(remove, add) {
  const list = textList("Texts", (row) => {
    const cross = button("×", () => remove(row),
      { class: "remove", "aria-label": `Remove text ${row + 1}`, title: "Remove" });
    cross.addEventListener("keydown", (event) => { if (event.key === "Enter") event.stopPropagation(); });
    return cross;
  });
  return {
    ...list,
    add: button("+ Add a text", add, { class: "add" }),
    write(texts) {
      list.write(texts);
      for (const { extra } of list.lines) extra.toggleAttribute("disabled", texts.length === 1);
    },
    focus(row) {
      const { input } = list.lines[within(row, list.lines.length)];
      input.focus();
      input.select();
    },
  };
}

/** Whether two answers have the same logits, but for rounding (as `torch.allclose` has it); if not, how they differ. */
function verdictOf(here, alone) {
  const far = here.logits.map((x, n) => (x === alone.logits[n] ? 0 : Math.abs(x - alone.logits[n])));
  if (far.every((x, n) => x <= 1e-5 + 1e-5 * Math.abs(alone.logits[n]))) return "same as alone";
  const label = here.best === alone.best ? ", same label" : ", label flipped";
  return `differs by ${say(Math.max(...far))}${far.length > 1 ? label : ""}`;
}

/** What the model makes of a row, line by line, with columns for up to three labels, else for the best, in `room`. */
function answerColumns({ labels, function: applied }, room) {
  const kinds = applied === "none" ? ["logits"] : ["logits", "scores"];
  const widthOf = (n) => NAME + DIGITS * n * kinds.length;
  const columns = labels.length <= 3 && widthOf(labels.length) <= room ? [...labels.keys()] : [null];
  const width = widthOf(columns.length);
  const template = `grid-template-columns: minmax(0, 1fr) repeat(${columns.length * kinds.length}, ${DIGITS}px)`;
  const spread = (what) => columns.flatMap((column) => kinds.map((kind) => what(column, kind)));

  function names() {
    const labelled = columns.map((n) => make("bdi", "label", n === null ? "best label" : labels[n],
      { style: `grid-column: span ${kinds.length}`, title: n === null ? "" : labels[n] }));
    const heads = spread((_, kind) => make("span", "", kind === "logits" ? "logit" : "prob."));
    return make("div", "names", [make("span"), ...labelled, make("span"), ...heads], { style: template });
  }
  function panel(index, result) {
    const lines = Object.entries(LINES).map(([key, name]) => {
      const [label, numbers] = [make("bdi", "label"), spread(() => make("span", "number"))];
      const head = make("span", "", [make("small", "", name), label]);
      return { key, label, numbers, node: make("div", key, [head, ...numbers], { style: template }) };
    });
    const verdict = make("p", "verdict");
    const node = make("div", "answers", [names(), ...lines.map((line) => line.node), verdict],
      { role: "gridcell", "aria-colindex": index });
    function update({ here, alone, verdict: known, failed }) {
      const of = (answer) => (n, kind) => answer && say(answer[kind][n ?? answer.best]);
      const value = { here: of(here), alone: of(alone),
        delta: (n, kind) => here && alone && say(Math.max(...here[kind].map((x, i) =>
          ((n ?? i) === i ? Math.abs(x - alone[kind][i]) : 0)))) };
      for (const { key, label, numbers } of lines) {
        label.title = labels[{ here, alone }[key]?.best] ?? "";
        tell(label, label.title);
        for (const [n, text] of spread(value[key]).entries()) {
          tell(numbers[n], text || "…");
          numbers[n].classList.toggle("none", text === say(NaN));
        }
      }
      const kind = { s: "same", d: "differs" }[known[0]] ?? "";
      node.className = `answers ${kind} ${known.endsWith("flipped") ? "flipped" : ""}`;
      tell(verdict, known || (failed ? "no answer" : "the model runs …"));
      verdict.title = kind === "same" ? "within 0.00001, the rounding of 32-bit arithmetic" : "";
    }
    update(result);
    return { node, update };
  }
  return { width, names, panel };
}

/** A cell; `show(on)` shows whether it is attended to. */
function cellOf({ token, id, kind, on }, row, column) {
  const bit = make("b", "bit");
  const node = make("div", "", spaced([smallChip(token), make("small", "", `${id}`), bit]), {
    role: "gridcell", tabindex: -1, "data-row": row, "data-column": column, "aria-colindex": column + 2, title: token,
    style: `left: ${column * WIDTH}px` });
  function show(on) {
    node.className = `cell ${kind} ${on ? "on" : "off"} ${on === (kind === "pad") ? "changed" : ""}`;
    tell(bit, on ? "1" : "0");
    const said = [kind === "pad" && KINDS.pad, `position ${column}`, on ? "attended" : "not attended"];
    dress(node, { "aria-label": `${token}, ${id}, ${bit.textContent}: ${said.filter(Boolean).join(", ")}` });
  }
  show(on);
  return { node, show };
}

/** A row without cells yet, `top` pixels down. */
function rowOf(n, text, panel, top) {
  const number = make("div", "name", `${n + 1}`, { role: "rowheader", "aria-colindex": 1, title: text });
  const cells = make("div", "cells", [], { role: "presentation" });
  const attributes = { role: "row", "aria-rowindex": n + 2, style: `top: ${top}px` };
  return { node: make("div", "row", [number, cells, panel.node], attributes), cells, parts: new Map(), panel };
}

/** Row and column of the cell that an event is on. */
function placeIn(event) {
  const { row, column } = under(event, ".cell")?.dataset ?? {};
  return row && [Number(row), Number(column)];
}

function board() {
  const [positions, track] = [make("div", "cells"), make("div", "track")];
  const heads = make("div", "heads", [], { role: "row", "aria-rowindex": 1 });
  const node = make("div", "board", track,
    { role: "grid", "aria-label": "Attention mask: a row for each text, a column for each position" });
  const [rows, columns] = [new Map(), new Map()];
  let view, mask, results, find, parts, placed, narrow, drawn, height, at = [0, 0], stopAt = tabStop();

  const isOn = (row, column) => mask.rows[row][column] === "1";
  const cell = (row, column) => ({ ...find(row, column), on: isOn(row, column) });
  const addRow = (n) =>
    rowOf(n, view.texts[n], parts.panel(view.shape[1] + 2, results[n]), heads.offsetHeight + n * height);
  function paint() {
    const tall = around(node.scrollTop, node.clientHeight || 490, height, view.shape[0], AROUND[0]);
    const room = (node.clientWidth || 1000) - NUMBER - (narrow ? 0 : parts.width); // in which cells can be seen
    const wide = around(node.scrollLeft, room, WIDTH, view.shape[1], AROUND[1]);
    if (drawn === `${tall} ${wide}`) return;
    drawn = `${tall} ${wide}`;
    keepBetween(track, rows, tall, at[0], addRow);
    for (const [n, row] of rows) {
      keepBetween(row.cells, row.parts, wide, n === at[0] ? at[1] : -1, (column) => cellOf(cell(n, column), n, column));
    }
    keepBetween(positions, columns, wide, -1, (n) => ({ node: make("span", "position", `${n}`,
      { role: "columnheader", "aria-colindex": n + 2, style: `left: ${n * WIDTH}px` }) }));
    choose();
  }
  /** Make the cell `at` the one that Tab goes to. */
  function choose() { stopAt(rows.get(at[0])?.parts.get(at[1])?.node); }
  /** Go to a cell: scroll it into sight, and nothing but the board. */
  function go(place) {
    at = place;
    const [row, column] = place;
    const [left, top] = [NUMBER + column * WIDTH, heads.offsetHeight + row * height];
    intoSight(node, left, left + WIDTH, { before: NUMBER, after: narrow ? 0 : parts.width, across: true });
    intoSight(node, top, top + height, { before: heads.offsetHeight });
    drawn = "";
    paint();
    rows.get(row).parts.get(column).node.focus({ preventScroll: true });
  }
  /** Begin anew with the cells, as tokens or room have changed. */
  function clear() {
    const focused = node.contains(document.activeElement);
    const sight = node.clientWidth || 1000; // nothing has a size before it is in the page: `fit` will tell
    placed = node.clientWidth > 0;
    narrow = sight < NARROW;
    node.classList.toggle("narrow", narrow);
    find = arrange(view, mask.side);
    parts = answerColumns(view, sight);
    for (const map of [rows, columns]) map.clear();
    at = at.map((n, i) => within(n, view.shape[i]));
    [drawn, stopAt] = ["", tabStop()];
    positions.replaceChildren();
    const last = { "aria-colindex": view.shape[1] + 2, "aria-label": "what the model makes of it" };
    heads.replaceChildren(make("div", "name", "", { role: "columnheader", "aria-colindex": 1, "aria-label": "row" }),
      positions, make("div", "answers", parts.names(), { role: "columnheader", ...last }));
    track.replaceChildren(heads);
    dress(node, { "aria-rowcount": view.shape[0] + 1, "aria-colcount": view.shape[1] + 2 });
    const sizes = { number: NUMBER, column: WIDTH, cells: view.shape[1] * WIDTH, answers: parts.width, sight };
    for (const [name, size] of Object.entries(sizes)) track.style.setProperty(`--${name}`, `${size}px`);
    height = parseFloat(property(track, "height"));
    track.style.height = `calc(${heads.offsetHeight}px + ${view.shape[0] * height}px)`;
    paint();
    if (focused) go(at);
  }
  node.addEventListener("scroll", () => paint(), { passive: true });
  node.addEventListener("focusin", (event) => { at = placeIn(event) ?? at; choose(); });
  return {
    node, go, next: (event) => placeOf(event, at, view.shape),
    update(newView, newMask, newResults) {
      const moved = newView !== view || newMask.side !== mask.side;
      [view, mask, results] = [newView, newMask, newResults];
      if (moved) clear();
      else for (const [n, row] of rows) {
        row.panel.update(results[n]);
        for (const [column, cell] of row.parts) cell.show(isOn(n, column));
      }
    },
    cell, seen: () => [...rows.keys()],
    /** Use the room there is now: much more or less changes what stands where. */
    fit() {
      const sight = node.clientWidth;
      if (!sight) return;
      track.style.setProperty("--sight", `${sight}px`);
      if (placed && narrow === sight < NARROW && parts.width === answerColumns(view, sight).width) paint();
      else clear();
    },
  };
}

/** What is true of a mask: the presets that it is, what is said of it. */
function aboutMask(view, mask, asked) {
  const is = (preset) => preset.side === mask.side && same(preset.rows, mask.rows);
  const names = view.presets.filter(is).map(({ name }) => name);
  const name = names.includes(asked) ? asked : names[0];
  const all = view.shape[0] * view.shape[1];
  const number = (rows, letter) => rows.join("").split(letter).length - 1;
  const pads = number(view.kinds, "p");
  const about = view.presets.find((preset) => preset.name === name)?.note ?? OWN;
  const cut = view.cut.flatMap((n, row) =>
    (n ? [[row, `${count(n)} tokens were cut off, as the model takes only ${count(view.shape[1])}.`]] : []));
  const empty = mask.rows.flatMap((bits, row) => (bits.includes("1") ? [] : [[row, view.empty]]));
  return {
    names, note: pads ? about : `${about} ${NO_PADS}`,
    values: { "shape = (batch, n_tokens)": `(${view.shape.join(", ")})`, "tokens of the texts": count(all - pads),
      pads: count(pads), "bits that are 0": count(number(mask.rows, "0")) },
    notes: [...cut, ...empty].map(([row, text]) => `Row ${row + 1}: ${text}`),
  };
}

function signsOf(view) {
  const found = new Set(Array.from(view.kinds.join(""), (letter) => LETTERS[letter]));
  return [...Object.keys(KINDS).filter((kind) => found.has(kind))
    .map((kind) => [kind, smallChip(EXAMPLES[kind]), KINDS[kind]]),
  ["off", smallChip("word"), make("b", "bit", "0"), "masked: no token may attend to it"],
  ["changed", make("b", "bit", "1"), "not the bit of the correct mask"]];
}

function stateOf(model) {
  const [view, mask] = [() => model.get("_view"), () => model.get("_mask")];
  function fits() {
    const [{ rows }, [height, width]] = [mask(), view().shape];
    return Array.isArray(rows) && rows.length === height && rows.every((bits) => bits.length === width);
  }
  /** What is known of the rows as the mask is now: an answer to what it was before isn't an answer. */
  const results = () => mask().rows.map((bits, row) => {
    const known = model.get("_results")[row] ?? {};
    const fresh = known.bits === bits && known.side === mask().side;
    const [here, alone] = [fresh && known.here, known.alone].map((x) => x && answerOf(x, view().function));
    return { here, alone, verdict: here && alone ? verdictOf(here, alone) : "", failed: fresh && known.failed };
  });
  const missing = () => results().some(({ verdict, failed }) => !verdict && !failed);
  return { view, mask, fits, results, missing };
}

function draw({ model, root, set, put }) {
  let next = null, last = null, asked = "", asking = 0, presets = [];
  const { view, mask, fits, results, missing } = stateOf(model);
  const late = () => texts.late() || checkpoint.loading();
  const act = (what) => { if (late()) next = what; else what(); }; // now, or when the batch is there
  function flip([row, column]) {
    const text = view().texts[row];
    act(() => {
      if (view().texts[row] !== text || column >= view().shape[1]) return;
      last = row;
      const { side, rows } = mask();
      const bits = Array.from(rows[row], (bit, n) => (n !== column ? bit : bit === "1" ? "0" : "1"));
      set("_mask", { side, rows: rows.with(row, bits.join("")) });
    });
  }
  function edit(change, row) {
    set("texts", change(list.read()));
    list.write(model.get("texts"));
    list.focus(row);
    settle();
  }

  const list = editor((row) => edit((texts) => texts.toSpliced(row, 1), row),
    () => edit((texts) => [...texts, "What a film!"], Infinity));
  const [alarm, status, legend, batch] = [teller("alert"), teller("status"), legendOf(), board()];
  const buttons = make("div", "presets", [], { role: "group", "aria-label": "Masks to start from" });
  const note = make("p", "note", [], { "aria-live": "polite" });
  const [busy, checkpoint] = [make("p", "busy"), checkpointField({ model, put }, () => view().checkpoint)];
  const [known, notes, story] = [make("dl", "facts"), make("ul", "notes"), make("p", "story")];
  goOver(batch.node, { at: placeIn, next: batch.next, go: batch.go, press(at) { batch.go(at); flip(at); }, point });
  root.append(list.node, make("div", "more", [list.add, checkpoint.node]), alarm, busy, buttons, note, known,
    batch.node, notes, story, legend.node, status);

  function choosePreset(name) {
    act(() => {
      const { side, rows } = view().presets.find((preset) => preset.name === name);
      [asked, last] = [name, null];
      set("_mask", { side, rows });
    });
  }
  function redraw() {
    clearTimeout(asking);
    if (fits()) {
      const about = aboutMask(view(), mask(), asked);
      for (const one of presets) dress(one, { "aria-pressed": about.names.includes(one.textContent) });
      tell(note, about.note);
      known.replaceChildren(...facts(about.values));
      notes.replaceChildren(...about.notes.map((text) => make("li", "", text)));
      batch.update(view(), mask(), results());
    }
    if (!fits() || missing()) asking = setTimeout(() => model.send(fits() ? { rows: batch.seen() } : {}), 50);
    settle();
    if (!next || late()) return;
    const what = next;
    next = null;
    what();
  }
  function settle() {
    dress(root, { "aria-busy": late() || !fits() || missing() });
    root.classList.toggle("late", late());
    tell(busy, checkpoint.loading() ? "loading the checkpoint…" : "computing…");
    tell(alarm, model.get("error"));
    const verdict = fits() && results()[last]?.verdict;
    tell(status, verdict ? `Row ${last + 1}: ${verdict}` : "");
  }
  function point(at) {
    if (!at) { tell(story, HINT); return; }
    const { token, id, kind, on } = batch.cell(...at);
    const said = [` id ${id}`, `position ${at[1]}`, KINDS[kind],
      `mask ${on ? "1: all tokens of its row" : "0: no token"} may attend to it`];
    story.replaceChildren(smallChip(token), said.filter(Boolean).join(" · "));
  }
  function drawBatch() {
    presets = view().presets.map(({ name, note }) => button(name, () => choosePreset(name), { title: note }));
    buttons.replaceChildren(make("span", "", "Start from"), ...presets);
    legend.show(signsOf(view()));
    point(null);
  }

  const texts = typing({ model, set }, "texts",
    { ...list, delay: 250, enter: true, settle, shown: () => view().texts });
  model.on("change:_view", () => { drawBatch(); redraw(); });
  for (const name of ["_mask", "_results", "error"]) model.on(`change:${name}`, redraw);
  for (const name of ["texts", "checkpoint"]) model.on(`change:${name}`, settle);
  drawBatch();
  redraw();
  const unwatch = whenLooksChange(root, [batch.node], batch.fit);
  return () => { unwatch(); texts.stop(); clearTimeout(asking); };
}

export default study("mask-bench", toured(draw, maskBenchTour));
