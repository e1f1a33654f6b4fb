/**
 * Stands behind a widget's own script in a page without Python. What the page holds answers in its place: the traits,
 * what else changes with each choice that Python has made for it, and, where a widget has `answers`, its messages.
 */
import { fromBase64 } from "./parts/numbers.js";
import { inside, make, same } from "./study_widget.js";

/** @param {any} state @param {(traits: any) => Record<string, (asked: any) => Promise<[object, any]>>} answers */
function pageModel({ traits, choices }, answers) {
  const [heard, answer] = [new Map(), answers(traits)];
  const tellAll = (name, ...what) => { for (const hear of [...heard.get(name) ?? []]) hear(...what); };
  function put(values) {
    const changed = Object.keys(values).filter((name) => traits[name] !== values[name]);
    for (const name of changed) traits[name] = values[name];
    for (const name of changed) tellAll(`change:${name}`);
    return changed;
  }
  return {
    get: (name) => traits[name],
    set(name, value) {
      if (!put({ [name]: value }).length) return;
      const made = choices.find(([choice]) => name in choice
        && Object.keys(choice).every((trait) => same(choice[trait], traits[trait])));
      if (made) put(made[1]);
    },
    save_changes() {},
    on(name, hear) { heard.set(name, [...(heard.get(name) ?? []), hear]); },
    off(name, hear) { heard.set(name, (heard.get(name) ?? []).filter((other) => other !== hear)); },
    async send({ want, version, ...asked }) {
      const [more, bytes] = await answer[want](asked);
      tellAll("msg:custom", { what: want, version, asked, ...more }, [new DataView(bytes.buffer)]);
    },
  };
}

/** Draw `widget` in the first element for it that is still empty; what needs Python can't be used. */
export function openPage(id, widget, answers) {
  const home = inside(document, `[data-page="${id}"]:not([data-open])`);
  home.dataset.open = "";
  const el = home.appendChild(document.createElement("div"));
  const state = JSON.parse(inside(home, "[type='application/json']").textContent, (_, value) =>
    (value?.base64 === undefined ? value : new DataView(fromBase64(value.base64).buffer)));
  widget.render({ model: pageModel(state, (traits) => answers(traits, home)), el });
  const needy = el.querySelectorAll("textarea, [data-python]");
  for (const node of needy) node[node.matches("textarea, [type=text]") ? "readOnly" : "disabled"] = true;
  if (needy.length) {
    el.firstElementChild.append(make("p", "offline", "This page runs without Python, so it can't take other texts: "
      + "open the notebook in JupyterLab or Colab for that."));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => {
    document.body.dataset.dark = `${matches}`; // the widget looks at its background anew
  });
}
