/**
 * PaddingTable: texts to edit, filters, a row for each call of the tokenizer, and below them the chosen call: its code,
 * what was said, and the batch it makes. Rows are few and plain text; a batch comes from Python when its row is chosen,
 * is small, and is kept here.
 *
 * Python says in `_view` what there is: `texts`, of the first ones their `sizes` and what they are paired with; `rows`,
 * in each the `values` of padding, truncation and max_length as in code, and what was `passed` as JSON has it; the
 * `values` to filter by. A batch is of row `index`, its `limit` is max_length, and its rows have `cells` (token, kind,
 * id), what isn't drawn `before` and `after` them, and the first of `n_cut` tokens that were `cut` off.
 */
import { goOver, showIn, stepOf, tabStop } from "./parts/grid.js";
import { legendOf } from "./parts/legend.js";
import { count, plural } from "./parts/numbers.js";
import { EXAMPLES, KINDS, chip, quote, textList } from "./parts/tokens.js";
import { button, dress, make, study, tell, teller, typing, under, visible, whenLooksChange } from "./study_widget.js";

const FILTERS = ["padding", "truncation", "max_length"];
const HEADS = ["padding", "truncation", "max_length", "row lengths", "pads added", "tokens cut", "what happens"];
const TITLES = { error: "error", trap: "silent trap", warning: "warning" };
const INTRO = "Each row is one call of the tokenizer, run on these texts. Choose a row, by click or with ↑ ↓, and see "
  + "its batch below.";
const FINE = ": no error, no warning, and what was asked for is what happened.";
const PAGE = 8; // rows that PageUp and PageDown go
const MOST_TEXTS = 8; // that are shown

/** A button that copies what `node` says, or selects it where the browser doesn't let it. */
function copyButton(node) {
  let timer = 0;
  const copy = button("Copy", async () => {
    try {
      await navigator.clipboard.writeText(node.textContent);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(node);
      copy.textContent = document.execCommand("copy") ? "Copied" : "Selected";
    }
    clearTimeout(timer);
    timer = setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  }, { class: "copy", "aria-label": "Copy the code" });
  return copy;
}

function drawBatch({ rows, columns: [first, end], limit, more }) {
  const edge = (column) => (column === limit && column > first ? " limit" : "");
  const numbers = Array.from({ length: end - first }, (_, n) => first + n);
  const [before, after, cut] = ["before", "after", "n_cut"].map((name) => rows.some((part) => part[name]));
  const note = (text, name) => make("td", `note ${name}`, text);
  const rest = (there, text) =>
    (there ? [note(make("span", "chip", text), `rest ${text.includes("pad") ? "pad" : ""}`)] : []);
  const head = (name, text) => make("th", name, text, { scope: "col" });
  const heads = [make("th", "name", "", { "aria-label": "text" }), ...(before ? [make("th")] : []),
    ...numbers.map((n) => head(`position${edge(n)}`, `${n}`)), ...(after ? [make("th")] : []),
    head("", "in the batch"), ...(cut ? [head("", "cut off")] : [])];
  const lines = rows.map((part, row) => {
    const cells = part.cells.map(([token, kind, id], n) =>
      make("td", `cell ${kind}${edge(first + n)}`, [chip(token), make("small", "", `${id}`)], { title: token }));
    const gap = numbers.length - cells.length;
    if (gap) cells.push(make("td", "gap", "", { colspan: gap }));
    const left = part.n_cut - part.cut.length;
    const struck = [`✂ ${count(part.n_cut)} `, ...part.cut.map((token) => make("s", "cut", chip(token))),
      left && part.cut.length ? ` … ${count(left)} more` : ""];
    return make("tr", "", [make("th", "name", `${row + 1}`, { scope: "row" }),
      ...rest(before, part.before), ...cells, ...rest(after, part.after),
      note(`${count(part.tokens)} tokens + ${count(part.pads)} pads`, "sum"),
      ...(cut ? [note(part.n_cut ? struck : "–", "struck")] : [])]);
  });
  const table = make("table", "batch", [make("thead", "", make("tr", "", heads)), make("tbody", "", lines)],
    { "aria-label": "The batch: a row for each text, a column for each position" });
  return make("div", "scroll", [table, make("p", "quiet", more)],
    { tabindex: 0, role: "region", "aria-label": "The batch" });
}

function batchLegend({ rows, limit, columns: [first, end] }) {
  const found = new Set(rows.flatMap((part) => part.cells.map(([, kind]) => kind)));
  const list = Object.keys(KINDS).filter((kind) => found.has(kind)).map((kind) =>
    ["", make("span", kind, chip(EXAMPLES[kind])), ` ${KINDS[kind]}`]);
  if (rows.some(({ cut }) => cut.length)) list.push(["", make("s", "cut", chip("word")), " cut off, not in the batch"]);
  if (limit > first && limit < end) list.push(["", make("span", "limit", ""), ` max_length=${limit}`]);
  return legendOf("Signs", list).node;
}

/** Selects and buttons to filter the rows with; `choose(name, value)` hears what is chosen. */
function filterBar(values, sign, choose) {
  const selects = FILTERS.map((name) => make("select", "", [], { "data-filter": name, "aria-label": name }));
  const labels = FILTERS.map((name, n) => make("label", "", [make("span", "", name), selects[n]]));
  const buttons = ["all", ...values.outcome.map(({ value }) => value)].map((value) =>
    button("", () => choose("outcome", value), { "data-outcome": value }));
  const outcomes = make("div", "outcomes", buttons, { role: "group", "aria-label": "What happens" });
  for (const node of selects) {
    node.addEventListener("change", () => choose(node.dataset.filter, JSON.parse(node.value)));
  }
  return {
    node: make("div", "filters", [...labels, outcomes]),
    focus: () => selects[0].focus(),
    /** What is `wanted` of each filter, and the `number` of rows that each of its values would leave. */
    update(wanted, number) {
      for (const node of selects) {
        const { filter: name } = node.dataset;
        node.replaceChildren(...[{ value: "all", label: "all" }, ...values[name]].map(({ value, label }) =>
          make("option", "", `${label} (${number(name, value)})`, { value: JSON.stringify(value) })));
        node.value = JSON.stringify(wanted(name));
      }
      for (const node of buttons) {
        const value = node.dataset.outcome;
        node.replaceChildren(value === "all" ? "all" : sign(value), make("small", "", `${number("outcome", value)}`));
        dress(node, { "aria-pressed": wanted("outcome") === value });
      }
    },
  };
}

/** The first texts to edit, each with its second text and its size; how many `more` there are. */
function firstTexts(model) {
  const list = textList("Texts", () => make("span", "beside", [make("bdi"), " ", make("small")]));
  const more = make("p", "quiet");
  return {
    node: make("div", "", [list.node, more]),
    read: () => [...list.read(), ...model.get("texts").slice(list.lines.length)],
    write: (texts) => list.write(texts.slice(0, MOST_TEXTS)),
    update({ texts, pairs, sizes }, error) {
      for (const [n, { input, extra: { children: [pair, size] } }] of list.lines.entries()) {
        if (pairs.length) quote(pair, `+ ${pairs[n]}`);
        tell(size, sizes[n] ?? "");
        dress(input, { "aria-invalid": error !== "" });
      }
      tell(more, texts.length > MOST_TEXTS ? `… ${plural(texts.length - MOST_TEXTS, "more text")}` : "");
    },
  };
}

/** The rows, a call in each; `choose(n)` hears where the learner goes. */
function rowBoard(size, sign, choose) {
  const [body, stopAt] = [make("tbody"), tabStop()];
  const heads = make("tr", "", HEADS.map((name) => make("th", "", name, { scope: "col" })));
  const table = make("table", "rows", [make("thead", "", heads), body],
    { role: "grid", "aria-label": "Calls of the tokenizer, and what came of each", "aria-rowcount": size });
  const node = make("div", "board", table);
  const lineOf = ({ values, lengths, pads, cut, outcome, messages: { error, trap, warning } }, n) => {
    const said = make("td", "said", [make("b", "", sign(outcome)), ` ${visible(error ?? trap ?? warning ?? "")}`],
      { role: "gridcell" });
    const cells = [...values, lengths, pads, cut].map((text, i) =>
      make("td", i < 3 ? (text === "left out" ? "code absent" : "code") : "number", text,
        { role: "gridcell", "data-head": HEADS[i] }));
    return make("tr", outcome.split(" ").at(-1), [...cells, said],
      { role: "row", "data-row": n, tabindex: -1, "aria-selected": "false" });
  };
  let [lines, shown] = [[], []];
  function reveal(n) { if (shown.includes(n)) showIn(node, lines[n], table.tHead.offsetHeight); }
  function go(n) {
    choose(n);
    lines[n].focus({ preventScroll: true });
    reveal(n);
  }
  goOver(body, {
    at(event) {
      const line = event.type !== "click" || getSelection().isCollapsed ? under(event, "tr") : null;
      return line ? Number(line.dataset.row) : undefined;
    },
    press: go, go,
    next: (event, n) => shown[stepOf(event, shown.indexOf(n), shown.length, "down", PAGE)],
  });
  return {
    node, reveal,
    update(rows) { lines = rows.map(lineOf); },
    show(these) {
      shown = these;
      body.replaceChildren(...shown.map((n) => lines[n]));
      node.hidden = !shown.length;
    },
    /** Mark row `n` as the chosen one; Tab goes to it, or to the first row that is shown. */
    mark(n) {
      stopAt(lines[shown.includes(n) ? n : shown[0]], shown.includes(n));
      reveal(n);
    },
  };
}

/** The chosen call: its code, what was said, the batch it makes. */
function callDetail(sign) {
  const [code, title, said] = [make("code"), make("h4"), make("p", "shape")];
  const [notes, picture] = [make("div", "messages"), make("div", "picture")];
  const node = make("section", "detail", [make("div", "call", [title, code, copyButton(code)]), notes, said, picture],
    { "aria-label": "The chosen call" });
  let drawn;
  return {
    node,
    /** Show row number `n`; its `batch` isn't there while it is on its way. */
    update(n, row, shown, batch) {
      tell(title, `Row ${n}${shown ? "" : " (not among the rows above)"}`);
      tell(code, row.code);
      const spoken = Object.entries(row.messages).map(([name, words]) =>
        [name, `${sign(TITLES[name])}: `, visible(words)]);
      if (!spoken.length) spoken.push(["fine", sign("fine"), FINE]);
      notes.replaceChildren(...spoken.map(([name, head, words]) =>
        make("p", `message ${name}`, [make("b", "", head), words])));
      if (!batch || batch === drawn) return;
      drawn = batch;
      tell(said, batch.said);
      picture.dataset.row = n;
      picture.replaceChildren(...(batch.rows.length ? [drawBatch(batch), batchLegend(batch)] : []));
    },
  };
}

function draw({ model, root, set, put }) {
  const view = () => model.get("_view");
  const { values, signs } = view();
  const [batches, names] = [new Map(), [...FILTERS, "outcome"]];
  const sign = (outcome) => `${signs[outcome]} ${outcome}`;
  /** Rows that pass all filters, as they are or with one of them set to what stands `instead`. */
  const passing = (instead = {}) => [...view().rows.keys()].filter((n) => names.every((name, i) => {
    const wanted = name in instead ? instead[name] : model.get(name);
    return wanted === "all" || wanted === [...view().rows[n].passed, view().rows[n].outcome][i];
  }));
  let shown = [];
  const list = firstTexts(model);
  const filters = filterBar(values, sign, (name, value) => {
    set(name, value);
    if (shown.length && !shown.includes(model.get("selected"))) set("selected", shown[0]);
  });
  const board = rowBoard(view().rows.length, sign, (n) => { if (n !== model.get("selected")) set("selected", n); });
  const [detail, alarm] = [callDetail(sign), teller("alert")];
  const status = make("span", "status", "", { role: "status" });
  const reset = button("Show all rows", () => {
    put(Object.fromEntries(names.map((name) => [name, "all"])));
    filters.focus();
  }, { class: "reset" });
  root.append(make("p", "", INTRO), list.node, alarm, filters.node, make("p", "counts", [status, reset]), board.node,
    make("p", "busy", "tokenizing…"), detail.node);

  function update() {
    batches.clear();
    board.update(view().rows);
    filter();
  }
  function filter() {
    shown = passing();
    filters.update((name) => model.get(name), (name, value) => passing({ [name]: value }).length);
    board.show(shown);
    tell(status, shown.length ? `${shown.length} of ${view().rows.length} rows` : "No row passes these filters.");
    reset.hidden = shown.length === view().rows.length;
    choose();
  }
  function choose() {
    board.mark(model.get("selected"));
    tellDetail();
  }
  function tellDetail() {
    const [chosen, batch, row] = [model.get("selected"), model.get("_batch"), view().rows[model.get("selected")]];
    batches.set(batch.index, batch);
    detail.node.hidden = !row;
    if (row) detail.update(chosen, row, shown.includes(chosen), batches.get(chosen));
    settle();
  }
  function settle() {
    const [chosen, error] = [model.get("selected"), model.get("error")];
    list.update(view(), error);
    tell(alarm, error);
    dress(root, { "aria-busy": texts.late() || (chosen !== null && !batches.has(chosen)) });
  }

  const texts = typing({ model, set }, "texts",
    { ...list, delay: 250, enter: true, settle, shown: () => view().texts });
  for (const name of names) model.on(`change:${name}`, filter);
  model.on("change:_view", update);
  model.on("change:error", settle);
  model.on("change:selected", choose);
  model.on("change:_batch", tellDetail);
  update();
  const unwatch = whenLooksChange(root, [board.node], () => board.reveal(model.get("selected")));
  return () => { texts.stop(); unwatch(); };
}

export default study("padding-table", draw);
