/**
 * How far the answer moves without each head, beside how widely each head looks: two maps with a row for each layer
 * and a column for each head. Python measures it when it is asked, and a page that is saved has what was measured.
 */
import { goOver, placeOf, tabStop } from "../parts/grid.js";
import { make, tell, under } from "../study_widget.js";
import { asking } from "./asking.js";

const ABOUT_EFFECT = "Each head hidden in turn, for this text, under the model's own mask: how far does the answer "
  + "move? Beside it, how widely the head looks. The stronger, the more; ⇄ where the label becomes another one.";
const POINT_HEAD = "Point at a head for its numbers, or walk with the arrow keys; a click opens it.";
const NO_EFFECT = "The effect of heads isn't in this page for this text: Python measures it.";
const TITLES = { moved: "how far the answer moves without it (log odds)", entropy: "how widely it looks (bits)" };

const number = (value, digits = 2) => (value === null ? "not a number" : value.toFixed(digits));

/** What is said of a head of an answer. @param {any} answer @param {number[]} place */
function wordsOf({ moved, flips, entropy, special }, [layer, head]) {
  const [at, flip] = [(values) => values[layer][head], flips[layer][head] ? ", to another label" : ""];
  return `layer ${layer}, head ${head}: without it the answer moves by ${number(at(moved), 3)}${flip}; it looks `
    + `${number(at(entropy))} bits wide, ${number(at(special) * 100, 1)} % at special tokens`;
}

/** A map of `name` in an answer, and its cells. */
function mapOf(answer, name, most = Math.max(1e-9, ...answer[name].flat())) {
  const title = (text, role) => make("span", "number", text, { role });
  const cell = (layer, head) => make("div", "cell", name === "moved" && answer.flips[layer][head] ? "⇄" : "", {
    role: "gridcell", tabindex: -1, "data-at": `${layer} ${head}`, "aria-label": wordsOf(answer, [layer, head]),
    style: `background: rgba(var(--weight), ${(0.8 * answer[name][layer][head] / most).toFixed(3)})` });
  const cells = answer[name].map((line, layer) => line.map((_, head) => cell(layer, head)));
  const row = (parts) => make("div", "row", parts, { role: "row" });
  const heads = cells[0].map((_, head) => title(`${head}`, "columnheader"));
  const node = make("div", "heads", [row([title("", "columnheader"), ...heads]),
    ...cells.map((line, layer) => row([title(`${layer}`, "rowheader"), ...line]))],
  { role: "grid", "aria-label": `A row for each layer, a column for each head: ${TITLES[name]}` });
  node.style.setProperty("--heads", `${heads.length}`);
  const caption = make("figcaption", "", `${TITLES[name]}; at most ${number(most)}`);
  return { node, cells, figure: make("figure", "", [caption, node]) };
}

/** Both maps of an answer; `hear(words)` hears what is said of a head, `open(place)` which is chosen. */
function mapsOf(answer, hear, open) {
  const maps = Object.keys(TITLES).map((name) => mapOf(answer, name));
  const mark = (name, place) => {
    for (const { cells } of maps) {
      for (const [layer, line] of cells.entries()) {
        for (const [head, cell] of line.entries()) {
          cell.classList.toggle(name, layer === place?.[0] && head === place[1]);
        }
      }
    }
  };
  for (const { node, cells } of maps) {
    const stop = tabStop();
    stop(cells[0][0]);
    goOver(node, {
      at: (event) => under(event, ".cell")?.dataset.at.split(" ").map(Number),
      point(place) { mark("here", place); hear(place ? wordsOf(answer, place) : POINT_HEAD); },
      press: open,
      next: (event, place) => placeOf(event, place, [cells.length, cells[0].length]),
      go([layer, head]) { stop(cells[layer][head]); cells[layer][head].focus(); },
    });
  }
  return { figures: maps.map(({ figure }) => figure), choose: (place) => mark("chosen", place) };
}

/** @param {any} model @param {() => any} view @param {(traits: object) => void} put */
export function effects(model, view, put) {
  const [line, maps, sum] = [make("p", "told"), make("div", "pair"), make("p", "hint")];
  const node = make("section", "effects", [make("p", "hint", ABOUT_EFFECT), line, maps, sum],
    { "aria-label": "Effect of heads" });
  let shown = null, last = null, drawn = null;
  const answers = asking(model, view, "effect", () => { if (last) show(last); });
  function draw(answer) {
    drawn = answer && !answer.error
      ? mapsOf(answer, (words) => tell(line, words), ([layer, head]) => put({ layer, head, picture: "maps" })) : null;
    tell(line, drawn ? POINT_HEAD : "");
    maps.replaceChildren(...drawn?.figures ?? [answer ? answer.error : "computing…"]);
    tell(sum, drawn ? `The model says ${answer.label}. Heads ordered by the one and by the other agree by `
      + `${number(answer.agreement)} (1: the same order, 0: none, −1: the reverse).` : "");
  }
  /** Show text `row` of what is open. */
  function show(state) {
    last = state;
    const { effect } = view(); // true: it can be asked for; else the texts that it is there for
    const there = effect === true || effect.includes(state.row);
    const answer = there ? answers.find({ row: state.row }) : { error: NO_EFFECT };
    if (answer !== shown || !answer) draw(answer);
    shown = answer;
    drawn?.choose([state.layer, state.head]);
  }
  return { node, show };
}
