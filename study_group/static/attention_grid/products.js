/**
 * The query and the key that one attention weight comes from: their numbers and products as three rows of colours, and
 * the steps from there to the weight. Python gives all queries and keys of a head; a page that is saved has them.
 */
import { goOver, stepOf, tabStop } from "../parts/grid.js";
import { say } from "../parts/numbers.js";
import { make, same, tell, under, visible } from "../study_widget.js";
import { asking } from "./asking.js";

const PICK = "Click on a cell, or walk to one with the arrow keys: here you'll see the query and the key behind it.";
const NO_VECTORS = "The query and the key aren't in this page: Python tells them, or the model where it runs here.";
const COLOURS = "Blue is below zero, orange above; each row has its own scale.";
const ROW_NAMES = ["query", "key", "product"];

/** Queries (n, width), keys (m, width), biases (n, m) if any, and the bits of who may look at whom, in `answer`. */
function headOf({ bytes, width, biased }, n, m) {
  const [sizes, floats] = [[n * width, m * width, biased ? n * m : 0], bytes.slice()];
  const starts = [0, sizes[0], sizes[0] + sizes[1]];
  const [q, k, bias] = sizes.map((size, part) => new Float32Array(floats.buffer, 4 * starts[part], size));
  const bits = bytes.subarray(4 * (starts[2] + sizes[2]));
  const open = (query, key, bit = query * m + key) => (bits[bit >> 3] >> (7 - (bit & 7))) & 1;
  return { q, k, bias, open };
}

/** The way from query and key to the weight. */
function wayOf(answer, { query, key }, [n, m]) {
  const [{ q, k, bias, open }, { width, scaling, biased }] = [headOf(answer, n, m), answer];
  const of = (vectors, i) => Array.from(vectors.subarray(i * width, (i + 1) * width));
  const asks = of(q, query);
  const dot = (at) => of(k, at).reduce((sum, x, i) => sum + x * asks[i], 0);
  const score = (at) => dot(at) * scaling + (biased ? bias[query * m + at] : 0);
  const keys = Array.from({ length: m }, (_, at) => at).filter((at) => open(query, at));
  const most = Math.max(...keys.map(score));
  const sum = keys.reduce((sum, at) => sum + Math.exp(score(at) - most), 0);
  const weight = !keys.length ? 1 / m : open(query, key) ? Math.exp(score(key) - most) / sum : 0;
  const among = keys.length ? `among ${keys.length} key${keys.length === 1 ? "" : "s"}` : "of nothing but masked keys";
  const rows = [asks, of(k, key)];
  return {
    rows: [...rows, asks.map((x, i) => x * rows[1][i])],
    steps: [["sum of the products", say(dot(key))], ["× scale", say(scaling)],
      ["+ bias for the two places", say(biased ? bias[query * m + key] : 0)], ["= score", say(score(key))],
      ["mask", open(query, key) ? "open" : "closed"], [`softmax ${among}: weight`, say(weight)]],
  };
}

/** Rows of colours, a column for each number; `tell(i)` hears which column pointer or focus is on. */
function columnsOf(rows, hear) {
  const most = rows.map((row) => Math.max(...row.map(Math.abs), 1e-9));
  const colour = (x, top) => `rgba(var(--${x > 0 ? "above" : "below"}), ${(Math.abs(x) / top).toFixed(2)})`;
  const columns = rows[0].map((_, i) => make("div", "column", rows.map((row, of) =>
    make("i", "", [], { style: `background: ${colour(row[i], most[of])}` })),
  { role: "option", tabindex: -1, "data-at": i, "aria-label": rows.map((row, of) => `${ROW_NAMES[of]} ${say(row[i])}`)
    .join(", ") }));
  const node = make("div", "columns", columns, { role: "listbox", "aria-label": "Numbers of query, key and product",
    "aria-orientation": "horizontal" });
  const stop = tabStop();
  stop(columns[0], true);
  goOver(node, {
    at: (event) => { const column = under(event, ".column"); return column ? Number(column.dataset.at) : undefined; },
    point: hear,
    press: hear,
    next: (event, i) => stepOf(event, i, columns.length, "across"),
    go(i) { stop(columns[i], true); columns[i].focus(); },
  });
  return node;
}

function names() { return make("div", "names", ROW_NAMES.map((one) => make("span", "", one))); }

/** @param {any} model @param {() => any} view */
export function products(model, view) {
  const node = make("section", "products", [], { "aria-label": "Query and key" });
  let shown = null, last = null;
  const head = asking(model, view, "vectors", () => { if (last) show(...last); });
  function fill(...nodes) { node.replaceChildren(...nodes); }
  /** Show what is behind the cell `fixed` of `picture`, if one is. */
  function show(picture, fixed) {
    last = [picture, fixed];
    node.classList.remove("late");
    const able = view().vectors;
    if (!able || !picture || fixed?.query === undefined || fixed.key === undefined) {
      shown = null;
      fill(make("p", "hint", able ? PICK : NO_VECTORS));
      return;
    }
    const { row, layer, head: number } = picture.state;
    const answer = head.find({ row, layer, head: number });
    if (!answer) { node.classList.add("late"); return; } // what is there stays until it comes
    if (answer.error) { shown = null; fill(make("p", "hint", answer.error)); return; }
    const place = [answer.asked, fixed, view().version];
    if (same(place, shown)) return;
    shown = place;
    const { rows, steps } = wayOf(answer, fixed, view().shape.slice(3));
    const line = make("p", "one");
    const tellColumn = (i) => tell(line, i === undefined ? COLOURS
      : `${i}: ${say(rows[0][i])} × ${say(rows[1][i])} = ${say(rows[2][i])}`);
    tellColumn();
    const name = (side, k) => [make("bdi", "token", visible(side.token(k))), ` ${k}`];
    const title = ["Query of ", ...name(picture.looks, fixed.query), ", key of ", ...name(picture.looked, fixed.key)];
    fill(make("h5", "", title),
      make("div", "strip", [names(), columnsOf(rows, tellColumn)]),
      line, make("ol", "steps", steps.map(([words, value]) =>
        make("li", "", [make("span", "", words), " ", make("b", "", value)]))));
  }
  return { node, show };
}
