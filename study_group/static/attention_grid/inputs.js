/** What the model reads, to be typed: texts; and, where a decoder is shown, targets, unless the model writes them. */
import { field, make, typing } from "../study_widget.js";
import { textBoxes } from "./texts.js";

/**
 * `view()` is what is shown, `settle()` hears whenever any of it changes.
 * @param {any} stage @param {() => any} view @param {() => void} settle
 */
export function inputBoxes({ model, set, put }, view, settle) {
  const choose = (row) => { if (view().rows.includes(row)) put({ row }); };
  const [texts, targets] = ["Text", "Target"].map((name) => textBoxes(name, choose));
  const written = field("checkbox", () => {}, { "data-python": "targets" });
  const tick = make("label", "tick", [written, "let the model write it"]);
  const heads = [["The encoder reads"], ["The decoder reads", tick]].map((words) => make("div", "about", words));
  const [first, second] = [texts, targets].map((boxes, n) => make("div", "reads", [heads[n], boxes.node]));
  const decodes = view().parts.length > 0 || view().reads !== null; // a decoder is shown, or can be
  const node = make("div", "inputs", decodes ? [first, second] : first);
  let edited = null; // the box last typed in
  /** Show the targets that were `given`, or, for null, what the model wrote: a box for each text. */
  function fill(given) {
    const all = given ?? view().reads ?? [];
    written.checked = given === null;
    targets.write(model.get("texts").map((_, row) => all[row] ?? ""));
  }
  const given = () => (written.checked ? null : targets.read());
  targets.node.addEventListener("input", () => { written.checked = false; }); // what is typed is given
  node.addEventListener("input", (event) => { edited = event.target; });
  const send = { delay: 250, enter: true, settle };
  const kept = [
    typing({ model, set }, "texts", { ...texts, ...send, shown: () => view().texts }),
    typing({ model, set }, "targets",
      { ...send, node: second, read: given, write: fill, shown: () => view().targets }),
  ];
  for (const name of ["texts", "_view"]) model.on(`change:${name}`, () => fill(given()));
  return {
    node,
    update(row, error) {
      for (const part of [heads[0], second]) part.hidden = view().reads === null;
      for (const boxes of [texts, targets]) boxes.update(row, error ? edited : null);
    },
    late: () => kept.some((one) => one.late()),
    stop() { for (const one of kept) one.stop(); },
  };
}
