/**
 * What every widget shares; stands in front of each widget's own script.
 * A widget exports `study(name, draw)`; `draw({ model, root, set })` fills `root` and may return a cleanup;
 * `set(name, value)` sets a trait here and in Python, `put(traits)` some at once.
 *
 * @typedef {string | Node} Child a string becomes text, never markup
 * @typedef {{model: any, root: HTMLElement, set(trait: string, value: any): void, put(traits: object): void}} Stage
 */

/** Give `node` attributes and children. @template {Element} E @param {E} node @param {Child | Child[]} [children] */
export function dress(node, attributes, children = []) {
  node.append(...[children].flat());
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, `${value}`);
  return node;
}

/** An element. @template {keyof HTMLElementTagNameMap} T @param {T} tag @param {Child | Child[]} [children] */
export function make(tag, className = "", children = [], attributes = {}) {
  return dress(document.createElement(tag), { class: className, ...attributes }, children);
}

/** A button that says `text`; `click` hears of it. */
export function button(text, click, attributes = {}) {
  const node = make("button", "", text, { type: "button", ...attributes });
  node.addEventListener("click", click);
  return node;
}

/** An input; `hear(it)` hears whenever what it has changes. */
export function field(type, hear, attributes = {}) {
  const node = make("input", "", [], { type, ...attributes });
  node.addEventListener("input", () => hear(node));
  return node;
}

/** A name for a group of radio buttons that no other group in the page has. */
export function groupName() { return `study-${Math.random().toString(36).slice(2)}`; }

/** An element that tells what just happened or went wrong to those who hear the page. */
export function teller(role) { return make("p", role === "alert" ? "error" : "unseen", [], { role }); }

/** `nodes` with a space between each two, for those who hear them in a row. @param {Child[]} nodes */
export function spaced(nodes) { return nodes.flatMap((node, n) => (n ? [" ", node] : [node])); }

/** Make `node` say `text`, or leave it alone where it does. */
export function tell(node, text) { if (node.textContent !== text) node.textContent = text; }

/** `text` with a picture for each control character; those of line ends and the like are among `signs`. */
export function visible(text, signs = { "\n": "⏎", "\t": "⇥" }) {
  const picture = (c) => String.fromCharCode(c === "\x7f" ? 0x2421 : 0x2400 + c.charCodeAt(0));
  return text.replace(/\p{Cc}/gu, (c) => (c > "\x7f" ? c : signs[c] ?? picture(c)));
}

export function same(a, b) { return JSON.stringify(a) === JSON.stringify(b); }

/** The first element in `node` that `selector` finds. @returns {?HTMLElement} */
export function inside(node, selector) { return node.querySelector(selector); }

/** The element that `event` is on, or the next around it, that `selector` finds. @returns {?HTMLElement} */
export function under(event, selector) { return event.target.closest?.(selector); }

/**
 * Keep a trait and what is typed in `node` the same: `read()` is what the page has, `write(value)` gives it something.
 * What is typed is sent `delay` ms after the last key, or at once with Enter where `enter` is set; half a character,
 * which can't travel, is an error. What `shown()` gives Python could use. `settle()` hears whenever any of it changes.
 * It gives whether what is shown is `late`: something waits to be sent, or to be answered; and how to `stop`.
 * @param {Partial<Stage>} stage
 */
export function typing({ model, set }, name, { node, delay, enter = false, settle, shown = () => model.get(name),
  read = () => node.value, write = (text) => { if (node.value !== text) node.value = text; } }) {
  let timer = 0;
  function send() {
    const [now, before] = [read(), model.get(name)];
    const half = [now].flat().findIndex((text) => /\p{Cs}/u.test(text));
    const where = Array.isArray(now) ? `${name}[${half}]` : name;
    timer = 0;
    if (half >= 0) set("error", `${where} has half a character, an emoji cut in two: type it again.`);
    else if (!same(now, before)) set(name, now);
    else if (same(now, shown())) set("error", "");
    settle();
  }
  function wait(ms) {
    clearTimeout(timer);
    timer = setTimeout(send, ms);
    settle();
  }
  node.addEventListener("input", () => wait(delay));
  node.addEventListener("keydown", (event) => {
    if (!enter || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    wait(0);
  });
  model.on(`change:${name}`, () => {
    if (!timer) write(model.get(name));
    settle();
  });
  write(model.get(name));
  const late = () => timer !== 0 || (!model.get("error") && !same(model.get(name), shown()));
  return { late, stop: () => clearTimeout(timer) };
}

/** The background a reader sees behind `el`, as "light" or "dark". */
export function themeOf(el) {
  for (let at = el; at; at = at.parentElement) {
    const [r, g, b, a = 1] = (getComputedStyle(at).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (a > 0.5) return 0.299 * r + 0.587 * g + 0.114 * b < 128 ? "dark" : "light";
  }
  return "light";
}

/** Call `hear` whenever one of `nodes` has another size, or `root` another theme; the end of that. */
export function whenLooksChange(root, nodes, hear) {
  const [size, theme] = [new ResizeObserver(() => hear()), new MutationObserver(() => hear())];
  for (const node of nodes) size.observe(node);
  theme.observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  return () => { size.disconnect(); theme.disconnect(); };
}

/** Hide the static twin of a widget that is shown in `el`: the nearest element with that id. */
function hideTwin(el, id) {
  for (let at = el.parentElement; id && at; at = at.parentElement) {
    const twin = at.querySelector(`[id="${id}"]`);
    if (twin) { twin.style.display = "none"; return; }
  }
}

/** An anywidget module whose `render` calls `draw` and draws a failure where it happens.
 * @param {string} name @param {(stage: Stage) => void | (() => void)} draw */
export function study(name, draw) {
  function render({ model, el }) {
    const root = make("div", `study-widget ${name}`);
    el.append(root);
    root.addEventListener("keydown", (event) => { // JupyterLab reads D D as "delete this cell" wherever the focus is
      if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
    });
    const theme = () => { if (root.dataset.theme !== themeOf(el)) root.dataset.theme = themeOf(el); };
    const put = (traits) => { for (const name in traits) model.set(name, traits[name]); model.save_changes(); };
    const set = (trait, value) => put({ [trait]: value });
    let cleanup;
    try {
      cleanup = draw({ model, root, set, put });
    } catch (error) {
      dress(root, { role: "alert" }).textContent = `This widget couldn't be drawn: ${error}`;
      console.error(error);
    }
    const watch = new MutationObserver(() => setTimeout(theme, 50));
    for (const at of [document.documentElement, document.body]) watch.observe(at, { attributes: true });
    const frame = requestAnimationFrame(() => {
      theme();
      hideTwin(el, model.get("_twin"));
      root.dataset.ready = "1";
      performance.mark(`${name}-paint`);
    });
    return () => { watch.disconnect(); cancelAnimationFrame(frame); cleanup?.(); };
  }
  return { render };
}
