/**
 * FlightRecorder: a lane for each design, its events as cards in the column of their phase, and below them the data
 * of the chosen event.
 *
 * @typedef {{text?: string, tokens?: string[], ids?: number[], reads?: string[], kinds?: string[], mask?: number[],
 *   label?: string | number, logits?: number[]}} Row
 * @typedef {{phase: string, steps: string[], where: string, note: string, calls: number, rows: Row[]}} Event
 * @typedef {{lanes: {name: string, events: Event[]}[], phases: [string, string][],
 *   steps: [string, string, string][]}} View steps with what they are and when each lane takes them
 */
import { make, same, spaced, study } from "./study_widget.js";

const HELP = "Choose an event to see the data at that moment. ← → go along a lane, ↑ ↓ to the same step of another, "
  + "Esc lets go.";
const NAMES = { tokens: "tokens", ids: "ids", reads: "stand for", mask: "mask" };

/** What a row of the batch is just then: its text, a table of its tokens, its label, its logits. */
function rowData(row, n) {
  const plain = (name, value) => make("p", "plain", [make("small", "", name), make("span", name, `${value}`)]);
  const parts = [make("b", "count", `row ${n + 1}`)];
  if (row.text !== undefined) parts.push(plain("text", row.text));
  const lines = Object.keys(NAMES).filter((name) => row[name]);
  if (lines.length) {
    const cell = (name, value, at) => make("td", `${name} ${row.kinds?.[at] ?? ""}`, make("span", "chip", `${value}`));
    parts.push(make("div", "scroller", make("table", "", lines.map((name) => make("tr", "",
      [make("th", "", NAMES[name], { scope: "row" }), ...row[name].map((value, at) => cell(name, value, at))]))),
    { tabindex: 0, role: "group", "aria-label": `Tokens of row ${n + 1}` }));
  }
  if (row.label !== undefined) parts.push(plain("label", row.label));
  if (row.logits) parts.push(plain("logits", row.logits.map((x) => x.toFixed(4)).join("   ")));
  return make("div", "data", parts);
}

function draw({ model, root, set }) {
  /** @type {View} */
  const { lanes, phases, steps } = model.get("_view");
  const story = make("div", "story", [], { "aria-live": "polite" });
  const cards = [];
  let pointed = null;

  function card(event, lane, n) {
    const chips = event.steps.map((step) => make("span", "chip", step, { "data-step": step }));
    const calls = event.calls > 1 ? [`${event.calls} calls`] : [];
    const where = spaced([event.where, ...calls.map((text) => make("small", "calls", text))]);
    const node = make("button", "event",
      spaced([make("span", "number", `${n + 1}`), make("span", "steps", spaced(chips)), make("span", "where", where)]),
      { type: "button", tabindex: -1, "aria-pressed": "false", "aria-label":
      `${[n + 1, ...event.steps, event.where, ...calls].join(", ")}; ${lanes[lane].name}, ${event.phase}` });
    cards.push(Object.assign(node, { at: [lane, n], event }));
    return node;
  }
  const heads = [make("span", "corner", "", { role: "columnheader", "aria-label": "design" }),
    ...phases.map(([name, about]) => make("span", "phase", [make("b", "", name), make("small", "", about)],
      { role: "columnheader" }))];
  const rows = lanes.map(({ name, events }, lane) => {
    const inLane = events.map((event, n) => card(event, lane, n));
    const cells = phases.map(([phase]) => {
      const mine = inLane.filter((node) => node.event.phase === phase);
      return make("div", mine.length ? "cell" : "cell empty", mine, { role: "cell", "data-phase": phase });
    });
    return make("div", "lane", [make("b", "name", name, { role: "rowheader" }), ...cells], { role: "row" });
  });
  const board = make("div", "board", [make("div", "heads", heads, { role: "row" }), ...rows],
    { role: "table", "aria-label": "When each design does what" });
  const follow = steps.map(([step, about]) =>
    make("button", "follow", step, { type: "button", title: about, "data-step": step }));
  root.append(make("div", "choices", [make("span", "", "Follow a step:"), ...follow],
    { role: "group", "aria-label": "Steps" }), board, story);

  const chosen = () => {
    const at = model.get("event");
    return at && cards.find((node) => same(node.at, at));
  };
  function mark() {
    const [now, step] = [chosen(), pointed ?? model.get("step")];
    const wanted = step ? [step] : now ? now.event.steps : [];
    for (const node of cards) {
      const kin = node.event.steps.some((s) => wanted.includes(s));
      node.classList.toggle("kin", kin && node !== now);
      node.classList.toggle("other", Boolean(step) && !kin);
      node.setAttribute("aria-pressed", node === now);
      for (const chip of node.querySelectorAll(".chip")) {
        chip.classList.toggle("lit", wanted.includes(chip.dataset.step));
      }
    }
    for (const button of follow) button.setAttribute("aria-pressed", button.dataset.step === model.get("step"));
  }
  function tellStory() {
    const [now, step] = [chosen(), steps.find(([name]) => name === model.get("step"))];
    const parts = [];
    if (step) parts.push(make("p", "line", [make("b", "", `${step[0]}: `), `${step[1]} `, make("span", "", step[2])]));
    if (now) {
      const { phase, where, note, calls, rows: data } = now.event;
      parts.push(make("p", "title", [make("b", "", `${lanes[now.at[0]].name}, event ${now.at[1] + 1}`),
        ` · ${phase} · ${where}${calls > 1 ? `, ${calls} calls` : ""}`]),
      make("p", "note", note), ...data.map(rowData));
    }
    story.replaceChildren(...(parts.length ? parts : [make("p", "help", HELP)]));
  }
  function stop() {
    for (const node of cards) node.tabIndex = node === (chosen() ?? cards[0]) ? 0 : -1;
  }
  function redraw() { mark(); tellStory(); stop(); }

  /** The card that an arrow key leads to from `node`. */
  function next(node, key) {
    const [lane, n] = node.at;
    const of = (l) => cards.filter((c) => c.at[0] === l);
    const mine = of(lane);
    if (key in { ArrowLeft: 0, ArrowRight: 0 }) return mine[n + (key === "ArrowRight" ? 1 : -1)];
    if (key in { Home: 0, End: 0 }) return mine[key === "Home" ? 0 : mine.length - 1];
    const there = of(lane + (key === "ArrowDown" ? 1 : -1));
    const wanted = [model.get("step"), ...node.event.steps].filter((step) => node.event.steps.includes(step));
    for (const step of wanted) {
      const found = there.find((c) => c.event.steps.includes(step));
      if (found) return found;
    }
    return there[Math.min(n, there.length - 1)];
  }
  function choose(node) {
    if (model.get("step") && !node.event.steps.includes(model.get("step"))) set("step", null);
    set("event", node.at);
    node.focus({ preventScroll: true });
  }
  board.addEventListener("click", (event) => {
    const node = event.target.closest(".event");
    if (!node) return;
    const step = event.target.closest(".chip")?.dataset.step;
    if (step) set("step", step);
    choose(node);
  });
  board.addEventListener("keydown", (event) => {
    const node = event.target.closest(".event");
    if (!node) return;
    if (event.key === "Escape") { set("event", null); set("step", null); return; }
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const to = next(node, event.key);
    if (to) choose(to);
  });
  for (const type of ["mouseover", "mouseleave"]) {
    board.addEventListener(type, (event) => {
      const step = (type === "mouseover" && event.target.closest?.(".chip")?.dataset.step) || null;
      if (step !== pointed) { pointed = step; mark(); }
    });
  }
  for (const button of follow) {
    button.addEventListener("click", () =>
      set("step", button.dataset.step === model.get("step") ? null : button.dataset.step));
  }
  for (const name of ["event", "step"]) model.on(`change:${name}`, redraw);
  redraw();
}

export default study("flight-recorder", draw);
