/**
 * PaddingTable: filters, a row for each call of the tokenizer, and below them the chosen call: its code, what was said,
 * and the batch it makes. Rows are few and plain text; a batch comes from Python when its row is chosen, is small, and
 * is kept here.
 *
 * @typedef {object} Row @property {string[]} values of padding, truncation and max_length, as in code
 * @property {(string | boolean | number | null)[]} passed the same as JSON has them @property {string} outcome
 * @property {string} lengths @property {string} pads @property {string} cut @property {string} code
 * @property {Record<"error" | "trap" | "warning", string>} messages
 * @typedef {object} View @property {[string, string][]} texts each with its length @property {Row[]} rows
 * @property {Record<string, string>} signs
 * @property {Record<string, {value: any, label: string}[]>} values to filter by
 * @typedef {object} Part a text of a batch @property {[string, string, number][]} cells token, kind, id
 * @property {string} before @property {string} after what isn't drawn @property {string[]} cut @property {number} n_cut
 * @property {number} tokens @property {number} pads
 * @typedef {object} Batch @property {number} index of its row @property {string} said
 * @property {[number, number]} columns @property {?number} limit max_length @property {Part[]} rows
 * @property {string} more
 */
import { count, make, study, tell, visible } from "./study_widget.js";

const FILTERS = ["padding", "truncation", "max_length"];
const HEADS = ["padding", "truncation", "max_length", "row lengths", "pads added", "tokens cut", "what happens"];
const MEANINGS = { special: "added by the tokenizer", continuation: "goes on with the word before",
  unknown: "not in the vocabulary", pad: "pad, to fill the row", cut: "cut off, not in the batch" };
const EXAMPLES = { special: "[CLS]", continuation: "##ing", unknown: "[UNK]", pad: "[PAD]", cut: "word" };
const TITLES = { error: "error", trap: "silent trap", warning: "warning" };
const FINE = ": no error, no warning, and what was asked for is what happened.";
const PAGE = 8; // rows that PageUp and PageDown go

function chip(token) { return make("bdi", "chip", visible(token)); }

/** A button that copies what `read()` gives, or selects `node` where the browser doesn't let it. */
function copyButton(read, node) {
  const button = make("button", "copy", "Copy", { type: "button", "aria-label": "Copy the code" });
  let timer = 0;
  button.addEventListener("click", async () => {
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(read());
    } catch {
      getSelection().selectAllChildren(node);
      said = document.execCommand("copy") ? "Copied" : "Selected";
    }
    button.textContent = said;
    clearTimeout(timer);
    timer = setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return { node: button, stop: () => clearTimeout(timer) };
}

/** @param {Batch} batch */
function drawBatch({ rows, columns: [first, end], limit, more }) {
  const edge = (column) => (column === limit && column > first ? " limit" : "");
  const numbers = Array.from({ length: end - first }, (_, n) => first + n);
  const [before, after, cut] = ["before", "after", "n_cut"].map((name) => rows.some((part) => part[name]));
  const note = (text, name) => make("td", `note ${name}`, text);
  const rest = (text) => note(make("span", "chip", text), `rest ${text.includes("pad") ? "pad" : ""}`);
  const heads = [make("th", "name", "", { "aria-label": "text" }), ...(before ? [make("th")] : []),
    ...numbers.map((n) => make("th", `position${edge(n)}`, `${n}`, { scope: "col" })),
    ...(after ? [make("th")] : []), make("th", "", "in the batch", { scope: "col" }),
    ...(cut ? [make("th", "", "cut off", { scope: "col" })] : [])];
  const lines = rows.map((part, row) => {
    const cells = part.cells.map(([token, kind, id], n) =>
      make("td", `cell ${kind}${edge(first + n)}`, [chip(token), make("small", "", `${id}`)], { title: token }));
    const gap = numbers.length - cells.length;
    if (gap) cells.push(make("td", "gap", "", { colspan: gap }));
    const left = part.n_cut - part.cut.length;
    const struck = [`✂ ${count(part.n_cut)} `, ...part.cut.map((token) => make("s", "cut", chip(token))),
      left && part.cut.length ? ` … ${count(left)} more` : ""];
    return make("tr", "", [make("th", "name", `${row + 1}`, { scope: "row" }),
      ...(before ? [rest(part.before)] : []), ...cells, ...(after ? [rest(part.after)] : []),
      note(`${count(part.tokens)} tokens + ${count(part.pads)} pads`, "sum"),
      ...(cut ? [note(part.n_cut ? struck : "–", "struck")] : [])]);
  });
  const table = make("table", "batch", [make("thead", "", make("tr", "", heads)), make("tbody", "", lines)],
    { "aria-label": "The batch: a row for each text, a column for each position" });
  return make("div", "scroll", [table, make("p", "quiet", more)],
    { tabindex: 0, role: "region", "aria-label": "The batch" });
}

/** The signs that `batch` has, explained. */
function drawLegend({ rows, limit, columns: [first, end] }) {
  const found = new Set(rows.flatMap((part) => part.cells.map(([, kind]) => kind)));
  if (rows.some((part) => part.cut.length)) found.add("cut");
  const signs = Object.keys(MEANINGS).filter((kind) => found.has(kind)).map((kind) => make("li", "",
    [make(kind === "cut" ? "s" : "span", kind, chip(EXAMPLES[kind])), ` ${MEANINGS[kind]}`]));
  if (limit > first && limit < end) signs.push(make("li", "", [make("span", "limit", ""), ` max_length=${limit}`]));
  return make("ul", "legend", signs, { "aria-label": "Signs" });
}

function draw({ model, root, set }) {
  /** @type {View} */
  const view = model.get("_view");
  const { rows, values, signs } = view;
  /** @type {Map<number, Batch>} */
  const batches = new Map();
  const sign = (outcome) => `${signs[outcome]} ${outcome}`;
  const short = ({ messages: { error, trap, warning } }) => error ?? trap ?? warning ?? "";

  // The filters
  const selects = Object.fromEntries(FILTERS.map((name) => {
    const node = make("select", "", [], { "data-filter": name, "aria-label": name });
    node.addEventListener("change", () => set(name, node.value === "all" ? "all" : values[name][node.value].value));
    return [name, node];
  }));
  const labels = FILTERS.map((name) => make("label", "", [make("span", "", name), selects[name]]));
  const outcomes = make("div", "outcomes", [], { role: "group", "aria-label": "What happens" });
  const buttons = ["all", ...values.outcome.map(({ value }) => value)].map((value) => {
    const button = make("button", "", [], { type: "button", "data-outcome": value });
    button.addEventListener("click", () => set("outcome", value));
    outcomes.append(button);
    return { value, button };
  });
  const [status, reset] = [make("span", "status", "", { role: "status" }),
    make("button", "reset", "Show all rows", { type: "button" })];
  reset.addEventListener("click", () => {
    for (const name of [...FILTERS, "outcome"]) model.set(name, "all");
    model.save_changes();
    selects.padding.focus();
  });

  const wanted = (name) => model.get(name);
  const passes = (row, name) => wanted(name) === "all"
    || wanted(name) === (name === "outcome" ? row.outcome : row.passed[FILTERS.indexOf(name)]);
  /** Rows that pass all filters, or all but the one called `but`. */
  const passing = (but) => [...rows.keys()].filter((n) =>
    [...FILTERS, "outcome"].every((name) => name === but || passes(rows[n], name)));

  // The rows
  const body = make("tbody");
  const table = make("table", "rows", [make("thead", "", make("tr", "", HEADS.map((name) =>
    make("th", "", name, { scope: "col" })))), body],
  { role: "grid", "aria-label": "Calls of the tokenizer, and what came of each", "aria-rowcount": rows.length });
  const board = make("div", "board", table);
  const lines = rows.map((row, n) => {
    const said = make("td", "said", [make("b", "", sign(row.outcome)), ` ${visible(short(row))}`],
      { role: "gridcell" });
    const cells = [...row.values, row.lengths, row.pads, row.cut].map((text, i) =>
      make("td", i < 3 ? (text === "left out" ? "code absent" : "code") : "number", text,
        { role: "gridcell", "data-head": HEADS[i] }));
    return make("tr", row.outcome.split(" ").at(-1), [...cells, said],
      { role: "row", "data-row": n, tabindex: -1, "aria-selected": "false" });
  });
  let shown = [], stop = null;
  const choose = (n) => { if (n !== model.get("selected")) set("selected", n); };
  function go(n) {
    choose(n);
    lines[n].focus({ preventScroll: true });
    reveal(n);
  }
  /** Scroll the row into sight, and nothing but the board. */
  function reveal(n) {
    const [head, line] = [table.tHead.offsetHeight, lines[n]];
    if (!line.isConnected) return;
    const least = line.offsetTop + line.offsetHeight - board.clientHeight;
    board.scrollTop = Math.min(line.offsetTop - head, Math.max(board.scrollTop, least));
  }
  body.addEventListener("click", (event) => {
    const line = event.target.closest("tr");
    if (line && getSelection().isCollapsed) go(Number(line.dataset.row));
  });
  body.addEventListener("keydown", (event) => {
    const at = shown.indexOf(Number(event.target.closest("tr").dataset.row));
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: Infinity, PageUp: at - PAGE, PageDown: at + PAGE,
      " ": at, Enter: at }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    go(shown[Math.max(0, Math.min(to, shown.length - 1))]);
  });

  // The chosen row
  const [code, title, messages, said, picture] = [make("code"), make("h4"), make("div", "messages"), make("p", "shape"),
    make("div", "picture")];
  const copy = copyButton(() => code.textContent, code);
  const detail = make("section", "detail", [make("div", "call", [title, code, copy.node]), messages, said, picture],
    { "aria-label": "The chosen call" });
  const intro = make("p", "", "Each row is one call of the tokenizer, run on these texts. Choose a row, by click or "
    + "with ↑ ↓, and see its batch below.");
  root.append(intro, make("ol", "texts", view.texts.map(([text, note]) =>
    make("li", "", [make("bdi", "", visible(text)), make("small", "", note)]))),
    make("div", "filters", [...labels, outcomes]), make("p", "counts", [status, reset]), board,
    make("p", "busy", "tokenizing…"), detail);

  function drawFilters() {
    for (const name of FILTERS) {
      const among = passing(name);
      const number = (value) => among.filter((n) => rows[n].passed[FILTERS.indexOf(name)] === value).length;
      const options = values[name].map(({ value, label }, n) =>
        make("option", "", `${label} (${number(value)})`, { value: n }));
      selects[name].replaceChildren(make("option", "", `all (${among.length})`, { value: "all" }), ...options);
      const at = values[name].findIndex(({ value }) => value === wanted(name));
      selects[name].value = at < 0 ? "all" : at;
    }
    const among = passing("outcome");
    for (const { value, button } of buttons) {
      const number = among.filter((n) => value === "all" || rows[n].outcome === value).length;
      button.replaceChildren(value === "all" ? "all" : sign(value), make("small", "", `${number}`));
      button.setAttribute("aria-pressed", wanted("outcome") === value);
    }
    shown = passing("");
    body.replaceChildren(...shown.map((n) => lines[n]));
    tell(status, shown.length ? `${shown.length} of ${rows.length} rows` : "No row passes these filters.");
    reset.hidden = shown.length === rows.length;
    board.hidden = !shown.length;
    drawChoice();
  }
  /** Mark the chosen row; Tab goes to it, or to the first row that is shown. */
  function drawChoice() {
    const chosen = model.get("selected");
    lines.forEach((line, n) => line.setAttribute("aria-selected", n === chosen));
    stop?.setAttribute("tabindex", -1);
    stop = lines[shown.includes(chosen) ? chosen : shown[0]];
    stop?.setAttribute("tabindex", 0);
    if (shown.includes(chosen)) reveal(chosen);
    drawDetail(chosen);
  }
  function drawDetail(chosen) {
    const row = rows[chosen];
    detail.hidden = !row;
    if (!row) return;
    tell(title, `Row ${chosen}${shown.includes(chosen) ? "" : " (not among the rows above)"}`);
    tell(code, row.code);
    const spoken = Object.entries(row.messages).map(([name, words]) =>
      [name, `${sign(TITLES[name])}: `, visible(words)]);
    if (!spoken.length) spoken.push(["fine", sign("fine"), FINE]);
    messages.replaceChildren(...spoken.map(([name, head, words]) =>
      make("p", `message ${name}`, [make("b", "", head), words])));
    const batch = batches.get(chosen);
    root.setAttribute("aria-busy", !batch);
    if (!batch || picture.dataset.row === `${chosen}`) return;
    tell(said, batch.said);
    picture.dataset.row = chosen;
    picture.replaceChildren(...(batch.rows.length ? [drawBatch(batch), drawLegend(batch)] : []));
  }
  function takeBatch() {
    const batch = model.get("_batch");
    if (Number.isInteger(batch.index)) batches.set(batch.index, batch);
    drawDetail(model.get("selected"));
  }

  for (const name of [...FILTERS, "outcome"]) model.on(`change:${name}`, drawFilters);
  model.on("change:selected", drawChoice);
  model.on("change:_batch", takeBatch);
  drawFilters();
  takeBatch();
  const size = new ResizeObserver(() => { if (shown.includes(model.get("selected"))) reveal(model.get("selected")); });
  size.observe(board);
  return () => { copy.stop(); size.disconnect(); };
}

export default study("padding-table", draw);
