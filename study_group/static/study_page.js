/**
 * Stands behind a widget's own script in a page without Python. What the page holds answers in its place: the traits,
 * what else changes with each choice that Python has made for it, and, where a widget has `answers`, its messages.
 * In a live page (static/live/) the engine's reactions answer instead, as soon as there is what they need.
 */
import { keepChecks, keptProgress } from "./parts/keeping.js";
import { fromBase64 } from "./parts/numbers.js";
import { button, inside, make, same, tell, themeOf } from "./study_widget.js";

/** @param {any} state @param {(traits: any) => Record<string, (asked: any) => Promise<[object, any]>>} answers */
function pageModel({ traits, choices }, answers) {
  const [heard, answer, newest] = [new Map(), answers(traits), new Map()];
  let [react, last] = [/** @type {Record<string, (asked?: any) => Promise<any>>} */ ({}), Promise.resolve()];
  const tellAll = (name, ...what) => { for (const hear of [...heard.get(name) ?? []]) hear(...what); };
  function put(values) {
    const changed = Object.keys(values).filter((name) => traits[name] !== values[name]);
    for (const name of changed) traits[name] = values[name];
    for (const name of changed) tellAll(`change:${name}`);
    return changed;
  }
  function reply({ want: what, version, ...asked }, [more, bytes, values = {}]) {
    put(values);
    tellAll("msg:custom", { what, version, asked, ...more }, [new DataView(bytes.buffer)]);
  }
  /** Let `react` answer, one after the other; what a newer question of the same `kind` has overtaken is dropped. */
  function later(name, asked, done, kind = {}) {
    const mine = {};
    newest.set(kind, mine);
    last = last.then(async () => {
      const isNewest = () => newest.get(kind) === mine;
      try {
        const found = isNewest() && await react[name](asked);
        if (found && isNewest()) done(found);
      } catch (error) { put({ error: error.message }); }
    });
  }
  return {
    get: (name) => traits[name],
    set(name, value) {
      if (!put({ [name]: value }).length) return;
      if (react[name]) { later(name, value, put, name); return; }
      const made = choices.find(([choice]) => name in choice
        && Object.keys(choice).every((trait) => same(choice[trait], traits[trait])));
      if (made) put(made[1]);
    },
    save_changes() {},
    on(name, hear) { heard.set(name, [...(heard.get(name) ?? []), hear]); },
    off(name, hear) { heard.set(name, (heard.get(name) ?? []).filter((other) => other !== hear)); },
    async send(asked) {
      const { want = "ask", version, ...rest } = asked;
      if (react[want]) later(want, rest, (found) => (asked.want ? reply(asked, found) : put(found)));
      else if (answer[want]) reply(asked, await answer[want](rest));
    },
    /** Let the reactions that `make(traits)` gives answer from now on. */
    enliven(make) {
      react = make(traits);
      if (react.begin) later("begin", null, put);
      return react;
    },
    /** When all that was asked so far is answered. */
    idle: () => last,
  };
}

/** The engine at `url`, loaded once for all widgets of a page. */
function engineAt(url) {
  const page = /** @type {any} */ (globalThis);
  page.studyLoading ??= page.studyEngine ? Promise.resolve() : new Promise((done, fail) => {
    const script = make("script", "", [], { src: url });
    script.onload = done;
    script.onerror = () => fail(new Error("The model's script isn't beside this page: copy the whole folder."));
    document.head.append(script);
  });
  return page.studyLoading.then(() => page.studyEngine);
}

/** Say in `note` that the model can run here, and let it; all widgets of the page that need it hear `study-live`. */
function offer(note, engine, begin) {
  const [bar, alarm] = [make("progress", "", [], { "aria-label": "The model is being loaded" }), make("span")];
  const ask = button(`Run the model here (${engine.megabytes} MB)`, async () => {
    ask.replaceWith(bar);
    tell(alarm, "");
    try {
      await engine.start((part) => { bar.value = part; });
      document.dispatchEvent(new Event("study-live"));
    } catch (error) {
      bar.replaceWith(ask);
      tell(alarm, ` ${error.message}`);
    }
  });
  note.replaceChildren(ask, " Type your own texts then: no Python is needed, and they stay in your browser.", alarm);
  document.addEventListener("study-live", begin, { once: true });
}

/** Let be used in `el` what somebody can answer, by `able(name)`; whether something that is seen is left out. */
function lock(el, able) {
  const needy = [...el.querySelectorAll("textarea, [data-python]")];
  const off = needy.filter((node) => !able(node.dataset.python || "text"));
  for (const node of needy) node[node.matches("textarea, [type=text]") ? "readOnly" : "disabled"] = off.includes(node);
  return off.some((node) => node.offsetParent);
}

/** Draw `widget` in the first element for it that is still empty; what nobody here can answer can't be used. */
export async function openPage(id, widget, answers) {
  const home = inside(document, `[data-page="${id}"]:not([data-open])`);
  home.dataset.open = "";
  const state = JSON.parse(inside(home, "[type='application/json']").textContent, (_, value) =>
    (value?.base64 === undefined ? value : new DataView(fromBase64(value.base64).buffer)));
  const [el, note, { live }] = [make("div"), make("p", "offline"), state];
  const model = pageModel(state, (traits) => answers(traits, home));
  if (state.traits._key) keepChecks(model);
  Object.assign(home, { study: model });
  function draw() {
    home.append(el);
    widget.render({ model, el });
    el.firstElementChild.append(note);
  }
  function begin(engine) {
    const react = model.enliven((traits) => engine.react(live.name, traits, live));
    if (!el.isConnected) { note.parentElement.remove(); draw(); }
    const left = lock(el, (name) => name in react || (name === "text" && "texts" in react));
    tell(note, left ? "Without Python, this page answers all that isn't grey." : "This page answers without Python: "
      + "what you type stays in your browser.");
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => {
    document.body.dataset.dark = `${matches}`; // the widget looks at its background anew
  });
  if (live?.waits) home.append(make("div", "study-widget", note, { "data-theme": themeOf(home) }));
  else draw();
  const kept = state.traits._quizzes ? model.enliven(keptProgress) : {};
  if (lock(el, (name) => name in kept)) {
    tell(note, "This page runs without Python, so it can't take other texts: open the notebook in JupyterLab or "
      + "Colab for that.");
  } else if (state.traits._quizzes) tell(note, "What you do is kept in this browser, and sent nowhere.");
  if (!live) return;
  try {
    const engine = await engineAt(live.engine);
    if (!live.model || engine.runs) begin(engine);
    else offer(note, engine, () => begin(engine));
  } catch (error) { tell(note, error.message); }
}
