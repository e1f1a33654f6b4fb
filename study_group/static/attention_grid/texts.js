/** Texts to be typed, one for each row of the maps: each in a box, a pair in two. */
import { showIn } from "../parts/grid.js";
import { textList } from "../parts/tokens.js";
import { dress, make, tell, under } from "../study_widget.js";

/** What each is called, "Text" or "Target"; `choose(row)` hears in which the reader is. */
export function textBoxes(name, choose) {
  const list = textList(`${name}s`, () => make("span", "number"));
  let pairs = [], rows = []; // whether each text is a pair; the row of each box
  let seen = -1; // the row that was brought into sight
  const boxOf = (event) => list.lines.findIndex(({ node }) => node === under(event, ".text"));
  for (const type of ["focusin", "click"]) list.node.addEventListener(type, (event) => choose(rows[boxOf(event)]));
  return {
    node: list.node,
    read() {
      const all = list.read();
      return pairs.map((pair) => (pair ? all.splice(0, 2) : all.shift()));
    },
    write(texts) {
      pairs = texts.map(Array.isArray);
      rows = texts.flatMap((text, row) => [text].flat().map(() => row));
      list.write(texts.flat());
      for (const [n, { input, extra }] of list.lines.entries()) {
        const part = rows[n - 1] === rows[n] ? " B" : pairs[rows[n]] ? " A" : "";
        tell(extra, `${rows[n]}${part}`);
        dress(input, { "aria-label": `${name} of row ${rows[n]}${part && `, sentence${part}`}` });
      }
    },
    /** Show which row is open, and which input is `wrong`. */
    update(row, wrong) {
      for (const [n, { node, input }] of list.lines.entries()) {
        dress(node, { "aria-current": rows[n] === row });
        dress(input, { "aria-invalid": input === wrong });
      }
      if (row === seen || !list.node.offsetHeight) return;
      seen = row;
      showIn(list.node, list.lines[rows.indexOf(row)].node);
    },
  };
}

/** A text or a pair in a few words. */
export function inShort(text) {
  const letters = Array.from([text].flat().join(" · ").slice(0, 400));
  return letters.length > 200 ? `${letters.slice(0, 199).join("")}…` : letters.join("");
}
