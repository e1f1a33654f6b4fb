/** What stands below or beside a picture: signs with their meanings, names with their values. */
import { make } from "../study_widget.js";

/** A list of signs, each with its class and its meaning; `show(signs)` says which. @param {any[][]} first */
export function legendOf(label = "Signs", first = []) {
  const node = make("ul", "legend", [], { "aria-label": label });
  const show = (signs) => node.replaceChildren(...signs.map(([name, ...parts]) => make("li", name, parts)));
  show(first);
  return { node, show };
}

/** Names, each with its value. */
export function facts(values) {
  return Object.entries(values).map(([name, value]) =>
    make("div", "", [make("dt", "", name), make("dd", "", value)], { "data-fact": name }));
}
