/** What AttentionGrid shows beside its maps: other pictures in their place, and what is behind a cell below them. */
import { make } from "../study_widget.js";
import { effects } from "./effects.js";
import { layers } from "./layers.js";
import { products } from "./products.js";

/** @param {any} model @param {() => any} view @param {(traits: object) => void} put */
export function panelsOf(model, view, put) {
  const strip = products(model, view);
  const others = { effect: effects(model, view, put), layers: layers(model, view) }; // by the names of pictures
  return {
    strip: strip.node,
    node: make("div", "others", Object.values(others).map(({ node }) => node)),
    /** Show what `state` says: `maps`, the nodes of these, with what is behind the cell `fixed`, or another picture. */
    show(state, picture, fixed, maps) {
      for (const node of maps) node.hidden = state.picture !== "maps";
      for (const [name, { node }] of Object.entries(others)) node.hidden = state.picture !== name;
      if (state.picture === "maps") strip.show(picture, fixed);
      else others[state.picture].show(state);
    },
  };
}
