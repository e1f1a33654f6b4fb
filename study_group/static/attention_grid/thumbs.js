/** All layers × heads as thumbnails, to choose from. */
import { paintBytes, pool } from "../parts/canvas.js";
import { goOver, placeOf, tabStop } from "../parts/grid.js";
import { make, same, under } from "../study_widget.js";
import { thumbOf } from "./picture.js";

/** `open({ layer, head })` hears which is chosen, `near({ layer, head })` which may be next. */
export function thumbnails(open, near) {
  const node = make("div", "thumbs", [], { role: "grid", "aria-label": "All heads: a row for each layer" });
  let cells = [], drawn, stopAt = tabStop();
  goOver(node, {
    at: (event) => under(event, ".thumb")?.dataset.at.split(" ").map(Number),
    point: (place) => { if (place) near({ layer: place[0], head: place[1] }); },
    press: ([layer, head]) => open({ layer, head }),
    next: (event, place) => placeOf(event, place, [cells.length, cells[0].length]),
    go([layer, head]) { open({ layer, head }); cells[layer][head].focus(); },
  });
  return {
    node,
    /** Make places for layers × heads, about as wide and tall as the maps are. @param {number[]} shape */
    build([layers, , heads, tall, wide]) {
      drawn = null;
      node.style.setProperty("--shape", `${Math.max(0.5, Math.min(2, wide / tall))}`);
      if (cells.length === layers && cells[0].length === heads) return;
      stopAt = tabStop();
      const name = (text, role) => make("span", "number", text, { role });
      const row = (line) => make("div", "line", line, { role: "row" });
      const cell = (layer, head, title = `layer ${layer}, head ${head}`) => make("div", "thumb", make("canvas"),
        { role: "gridcell", tabindex: -1, "data-at": `${layer} ${head}`, title, "aria-label": title });
      const numbers = Array.from({ length: heads }, (_, head) => name(`${head}`, "columnheader"));
      cells = Array.from({ length: layers }, (_, layer) => numbers.map((_, head) => cell(layer, head)));
      node.replaceChildren(row([name("", "columnheader"), ...numbers]),
        ...cells.map((line, layer) => row([name(`${layer}`, "rowheader"), ...line])));
      node.style.setProperty("--heads", `${heads}`);
    },
    choose: (layer, head) => stopAt(cells[layer][head], true),
    /** Paint all of `overview` ({bytes, size}), unless it is painted; null fades what is there. */
    paint(overview, signed, ink) {
      node.classList.toggle("late", !overview);
      const side = cells[0][0].clientWidth;
      if (!overview || !side || same(drawn?.slice(1), [side, ink[255]]) && drawn[0] === overview) return;
      drawn = [overview, side, ink[255]];
      const [tall, wide] = overview.size;
      const most = Math.round(side * Math.min(2, window.devicePixelRatio || 1));
      const [few, narrow] = [Math.min(tall, most), Math.min(wide, most)];
      for (const [n, cell] of cells.flat().entries()) {
        const shown = pool(thumbOf(overview, n), tall, wide, few, narrow, signed);
        paintBytes(shown, narrow, few, ink, cell.firstChild);
      }
    },
  };
}
