/**
 * What the model would say after each layer, for each token: a line for each token, a column for each layer. Orange is
 * what it says in the end, blue something else. Python tells, and a page that is saved has its answers.
 */
import { goOver, placeOf, tabStop } from "../parts/grid.js";
import { make, tell, under } from "../study_widget.js";
import { asking } from "./asking.js";

const ABOUT_LAYERS = "The model's own head, put on the states after each layer, under the model's own mask. Orange: "
  + "what it says in the end. Blue: something else. The stronger, the surer.";
const POINT = "Point at a cell for all of its answers, or walk with the arrow keys.";
const NO_LAYERS = "What each layer says isn't in this page: Python tells it.";

const columnName = (layer) => (layer ? `layer ${layer}` : "the embeddings");

/** One cell: the best answer and its probability. */
function cellOf([strength, answers], at) {
  const [[name, value], side] = [answers[0], strength < 0 ? "below" : "above"];
  return make("td", "", [make("bdi", "", name), " ", make("span", "", value)], { role: "gridcell", tabindex: -1,
    "data-at": at.join(" "), style: `background: rgba(var(--${side}), ${(0.45 * Math.abs(strength)).toFixed(2)})` });
}

/** The table of an answer; `hear(words)` hears what is said of the cell that pointer or focus is on. */
function tableOf({ tokens, cells, reads }, hear) {
  const nodes = cells.map((line, n) => line.map((cell, layer) => cellOf(cell, [n, layer])));
  const head = cells[0].map((_, layer) => make("th", "", layer ? `${layer}` : "embed\u00addings",
    { role: "columnheader", scope: "col", title: columnName(layer) }));
  const title = (n) => make("th", "", [make("bdi", "token", tokens[n]), n === reads ? " ←" : ""],
    { role: "rowheader", scope: "row" });
  const row = (parts) => make("tr", "", parts, { role: "row" });
  const node = make("table", "", [make("thead", "", row([make("td"), ...head])),
    make("tbody", "", nodes.map((line, n) => row([title(n), ...line])))],
  { role: "grid", "aria-label": "What each layer says: a row for each token" });
  const [stop, cell] = [tabStop(), ([n, layer]) => nodes[n][layer]];
  const words = ([n, layer]) => `${tokens[n]}, ${columnName(layer)}: `
    + cells[n][layer][1].map((one) => one.join(" ")).join(", ");
  stop(nodes[0][0]);
  goOver(node, {
    at: (event) => under(event, "td[data-at]")?.dataset.at.split(" ").map(Number),
    point: (place) => hear(place ? words(place) : POINT),
    press: (place) => hear(words(place)),
    next: (event, place) => placeOf(event, place, [nodes.length, nodes[0].length], 10),
    go(place) { stop(cell(place)); cell(place).focus(); },
  });
  return node;
}

/** @param {any} model @param {() => any} view */
export function layers(model, view) {
  const [line, place] = [make("p", "told", POINT), make("div", "table", [], { tabindex: -1 })];
  const node = make("section", "layers", [make("p", "hint", ABOUT_LAYERS), line, place],
    { "aria-label": "Layer by layer" });
  let shown = null, last = null;
  const texts = asking(model, view, "layers", () => { if (last) show(last); });
  /** Show text `row` of what is open. */
  function show(state) {
    last = state;
    const answer = view().layers ? texts.find({ row: state.row }) : { error: NO_LAYERS };
    if (answer === shown && answer) return;
    shown = answer;
    tell(line, answer && !answer.error ? POINT : "");
    place.replaceChildren(!answer ? "computing…" : answer.error || tableOf(answer, (words) => tell(line, words)));
    if (answer?.reads >= 0) place.append(make("p", "hint", "← The head reads this token's state."));
  }
  return { node, show };
}
