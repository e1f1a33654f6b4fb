/** What is chosen: text, stage, mask, which tokens are shown; and what the signs mean. */
import { button, dress, field, make, same, visible } from "../study_widget.js";
import { inShort } from "./texts.js";

const PAIRS = { all: "both sentences", "0 0": "A → A: first looks at itself", "0 1": "A → B: first looks at second",
  "1 0": "B → A: second looks at first", "1 1": "B → B: second looks at itself" };
const PARTS = { encoder: "encoder", decoder: "decoder", cross: "cross: decoder → encoder" };
const STAGES = { scores: "scores", masked: "scores + mask", softmax: "softmax" };

/** Buttons of which one is pressed; `choose(name)` hears which is clicked. */
function choice(title, choose) {
  const node = make("div", "choice", make("span", "", title), { role: "group", "aria-label": title });
  let buttons = [];
  return {
    node,
    update(names, chosen, able) {
      if (!same(buttons.map((one) => one.dataset.name), Object.keys(names))) {
        buttons = Object.entries(names).map(([name, text]) => button(text, () => choose(name), { "data-name": name }));
        node.replaceChildren(node.firstChild, ...buttons);
      }
      for (const one of buttons) {
        dress(one, { "aria-pressed": one.dataset.name === chosen });
        one.disabled = !able(one.dataset.name);
      }
    },
  };
}

/** What the tokens of both sides of text `row` are, in letters. */
function lettersOf({ kinds, looks }, row) { return kinds[row] + (looks?.kinds[row] ?? ""); }

/**
 * `put(traits)` hears what is chosen, `mask(name)` which mask, `change()` that other tokens are shown. Where texts are
 * `typed` there is no list of them.
 */
export function controls(put, mask, change, typed) {
  const rows = make("select", "rows", [], { "aria-label": "Text" });
  rows.addEventListener("change", () => put({ row: Number(rows.value) }));
  const part = make("select", "which", Object.entries(PARTS).map(([value, text]) =>
    make("option", "", text, { value })), { "aria-label": "Attention of" });
  part.addEventListener("change", () => put({ which: part.value }));
  const parts = make("label", "choice", [make("span", "", "Attention of"), part]);
  const pictures = choice("Picture", (picture) => put({ picture }));
  const [stages, masks] = [choice("Stage", (stage) => put({ stage })), choice("Mask", mask)];
  const [special, pads] = [0, 1].map(() => field("checkbox", change, { checked: "" }));
  const ticks = [[special, "special tokens"], [pads, "pads"]].map((parts) => make("label", "tick", parts));
  const pairs = make("select", "pairs", Object.entries(PAIRS).map(([value, text]) =>
    make("option", "", text, { value })), { "aria-label": "Sentence pair: from → to" });
  pairs.addEventListener("change", change);
  const show = make("div", "choice", [make("span", "", "Show"), ...ticks, pairs],
    { role: "group", "aria-label": "Show" });
  return {
    node: make("div", "bar", [typed ? "" : rows, pictures.node, parts, stages.node, masks.node, show]),
    update(view, { row, stage, picture }, runs) {
      const { texts, rows: there, stages: said, masks: all, mask, live, types, looks } = view;
      const options = there.map((n) => visible(`row ${n}: ${inShort(texts[n])}`));
      if (!same(Array.from(rows.options, (option) => option.text), options)) {
        rows.replaceChildren(...options.map((text, n) => make("option", "", text, { value: there[n], dir: "auto" })));
      }
      rows.value = `${row}`;
      pictures.update(view.pictures, picture, () => true);
      for (const { node } of [stages, masks]) node.hidden = picture !== "maps";
      stages.update(STAGES, stage, (name) => name in said);
      stages.node.title = "scores" in said ? "" : "These maps were made without scores: attention_maps(…, scores=True)";
      const names = live ? Object.keys(all) : [mask];
      masks.update(Object.fromEntries(names.map((name) => [name, name])), mask, () => !runs);
      masks.node.title = live ? "Another mask runs the model again" : "No model runs here that could use another mask";
      for (const [n, kind] of ["s", "p"].entries()) ticks[n].hidden = !lettersOf(view, row).includes(kind);
      pairs.hidden = !types[row] || looks !== null;
      [parts.hidden, part.value, part.disabled] = [!view.parts.length || stages.node.hidden, view.which, runs];
      show.hidden = stages.node.hidden || [...ticks, pairs].every((node) => node.hidden);
    },
    /** Which tokens look and which are looked at, of those that are shown. */
    shown(view, { row }) {
      const [{ types, looks }, chosen] = [view, (view.types[row] && !view.looks ? pairs.value : "all").split(" ")];
      return [looks ?? view, view].map(({ kinds: { [row]: kinds } }, side) => Array.from(kinds).map((_, k) => k)
        .filter((k) => (special.checked || kinds[k] !== "s") && (pads.checked || kinds[k] !== "p"))
        .filter((k) => chosen[0] === "all" || types[row][k] === chosen[side] && kinds[k] !== "p"));
    },
    padded: (view, { row }) => lettersOf(view, row).includes("p") && pads.checked,
  };
}

/** What the signs of a picture mean, those of pads where some are shown. */
export function signsOf({ signed, scale, sharp, hidden, rows, columns, state: { stage } }, padded) {
  const [ramp, most] = [make("span", `ramp ${signed ? "signed" : ""}`), sharp ? scale.toFixed(1) : "…"];
  const ends = (signed ? [`−${most}`, "0", most] : ["0", "¼", "1"]).map((end) => make("span", "", end));
  const items = [["scale", make("span", "ends", ends), ramp,
    make("small", "", signed ? "score; this head's own scale" : "weight; colour goes with its square root")]];
  if (padded) items.push(["", make("span", "sign pad"), "pad"]);
  if (rows.some((q) => columns.some((k) => hidden(q, k)))) {
    items.push(["", make("span", "sign struck"), stage === "masked" ? "masked: −∞" : "masked: weight 0"]);
  }
  return items;
}
