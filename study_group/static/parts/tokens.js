/** Tokens: how one looks, what its kind means; and the boxes in which texts are typed. */
import { make, tell, visible } from "../study_widget.js";
import { fillLines } from "./grid.js";

export const KINDS = {
  special: "added by the tokenizer",
  continuation: "continues the word before",
  unknown: "not in the vocabulary",
  pad: "padding",
};
export const EXAMPLES = { special: "[CLS]", continuation: "##ing", unknown: "[UNK]", pad: "[PAD]" };

/**
 * A token as a chip, what can't be seen in it made visible; or what stands for it, ready to show.
 * @param {string | (string | Node)[]} token
 * @param {"bdi" | "span" | "button"} [tag]
 */
export function chip(token, name = "", attributes = {}, tag = "bdi") {
  const shown = typeof token === "string" ? visible(token).replace(/ /g, "␣") : token;
  return make(tag, name ? `chip ${name}` : "chip", shown, attributes);
}

/** Quote in `node` what anybody may have typed: what can't be seen made visible, all of it in the tooltip. */
export function quote(node, text) {
  tell(node, visible(text.replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length))));
  if (node.title !== text) node.title = text;
  return node;
}

/** Texts to type, each in a box of its own; `beside(row)` stands with it. */
export function textList(label, beside) {
  const [node, lines] = [make("ol", "texts", [], { "aria-label": label }), []];
  function add(row) {
    const input = make("textarea", "", [],
      { "aria-label": `Text ${row + 1}`, rows: 1, dir: "auto", spellcheck: "false" });
    const extra = beside(row);
    const line = { node: make("li", "text", [input, extra]), input, text: "", extra };
    input.addEventListener("input", () => { line.text = input.value; });
    return line;
  }
  return {
    node, lines, read: () => lines.map((line) => line.text),
    /** A box that says its text already is left alone: it keeps focus and caret. */
    write: (texts) => fillLines(node, lines, texts, add, (line, text) => {
      if (line.text !== text) line.input.value = line.text = text;
    }),
  };
}
