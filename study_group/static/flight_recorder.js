/**
 * FlightRecorder: a lane for each design, its events as cards in the column of their phase, and below them the data
 * of the chosen event.
 *
 * Python says in `_view` what there is: `lanes` of events, `phases` with what they are, `steps` with what they are and
 * when each lane takes them. A row of an event has what there is at that moment: text, tokens, ids, logits …
 */
import { moveOf, tabStop } from "./parts/grid.js";
import { say } from "./parts/numbers.js";
import { chip } from "./parts/tokens.js";
import { button, dress, make, same, spaced, study, under } from "./study_widget.js";

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
    const cell = (name, value, at) => make("td", `${name} ${row.kinds?.[at] ?? ""}`, chip(`${value}`, "", {}, "span"));
    parts.push(make("div", "scroller", make("table", "", lines.map((name) => make("tr", "",
      [make("th", "", NAMES[name], { scope: "row" }), ...row[name].map((value, at) => cell(name, value, at))]))),
    { tabindex: 0, role: "group", "aria-label": `Tokens of row ${n + 1}` }));
  }
  if (row.label !== undefined) parts.push(plain("label", row.label));
  if (row.logits) parts.push(plain("logits", row.logits.map((x) => say(x)).join("   ")));
  return make("div", "data", parts);
}

/** A lane for each design with its events as cards, in columns of phases. */
function flightBoard({ lanes, phases }) {
  function card(event, lane, n) {
    const chips = event.steps.map((step) => chip([step], "", { "data-step": step }, "span"));
    const calls = event.calls > 1 ? [`${event.calls} calls`] : [];
    const where = spaced([event.where, ...calls.map((text) => make("small", "calls", text))]);
    const said = [n + 1, ...event.steps, event.where, ...calls].join(", ");
    const node = make("button", "event",
      spaced([make("span", "number", `${n + 1}`), make("span", "steps", spaced(chips)), make("span", "where", where)]),
      { type: "button", tabindex: -1, "aria-label": `${said}; ${lanes[lane].name}, ${event.phase}` });
    return { node, lane, n, event };
  }
  const cards = lanes.flatMap(({ events }, lane) => events.map((event, n) => card(event, lane, n)));
  const heads = [make("span", "corner", "", { role: "columnheader", "aria-label": "design" }),
    ...phases.map(([name, about]) =>
      make("span", "phase", [make("b", "", name), make("small", "", about)], { role: "columnheader" }))];
  const rows = lanes.map(({ name }, lane) => make("div", "lane", [make("b", "name", name, { role: "rowheader" }),
    ...phases.map(([phase]) => {
      const mine = cards.filter((one) => one.lane === lane && one.event.phase === phase).map(({ node }) => node);
      return make("div", mine.length ? "cell" : "cell empty", mine, { role: "cell", "data-phase": phase });
    })], { role: "row" }));
  return { cards, board: make("div", "board", [make("div", "heads", heads, { role: "row" }), ...rows],
    { role: "table", "aria-label": "When each design does what" }) };
}

function draw({ model, root, set, put }) {
  const { lanes, steps } = model.get("_view");
  const { cards, board } = flightBoard(model.get("_view"));
  const [story, stopAt] = [make("div", "story", [], { "aria-live": "polite" }), tabStop()];
  let pointed = null;
  const follow = steps.map(([step, about]) => button(step,
    () => set("step", step === model.get("step") ? null : step), { class: "follow", title: about, "data-step": step }));
  root.append(make("div", "choices", [make("span", "", "Follow a step:"), ...follow],
    { role: "group", "aria-label": "Steps" }), board, story);

  const chosen = () => cards.find(({ lane, n }) => same([lane, n], model.get("event")));
  function mark() {
    const [now, step] = [chosen(), pointed ?? model.get("step")];
    const wanted = step ? [step] : now ? now.event.steps : [];
    for (const one of cards) {
      const kin = one.event.steps.some((s) => wanted.includes(s));
      one.node.classList.toggle("kin", kin && one !== now);
      one.node.classList.toggle("other", Boolean(step) && !kin);
      dress(one.node, { "aria-pressed": one === now });
    }
    for (const one of board.querySelectorAll(".chip")) one.classList.toggle("lit", wanted.includes(one.textContent));
    for (const one of follow) dress(one, { "aria-pressed": one.dataset.step === model.get("step") });
  }
  function tellStory() {
    const [now, [name, about, when]] = [chosen(), steps.find(([step]) => step === model.get("step")) ?? []];
    story.replaceChildren(...(name || now ? [] : [make("p", "help", HELP)]));
    if (name) story.append(make("p", "line", [make("b", "", `${name}: `), `${about} `, make("span", "", when)]));
    if (!now) return;
    const { phase, where, note, calls, rows: data } = now.event;
    story.append(make("p", "title", [make("b", "", `${lanes[now.lane].name}, event ${now.n + 1}`),
      ` · ${phase} · ${where}${calls > 1 ? `, ${calls} calls` : ""}`]), make("p", "note", note), ...data.map(rowData));
  }
  function redraw() { mark(); tellStory(); stopAt((chosen() ?? cards[0])?.node); }

  /** The card that the arrow keys' way down or across leads to from `card`. */
  function next({ lane, n, event }, down, across) {
    const there = cards.filter((other) => other.lane === lane + down);
    if (!down) return there[Number.isFinite(across) ? n + across : across < 0 ? 0 : there.length - 1];
    const wanted = [model.get("step"), ...event.steps].filter((step) => event.steps.includes(step));
    const kin = wanted.map((step) => there.find((other) => other.event.steps.includes(step)));
    return kin.find(Boolean) ?? there[Math.min(n, there.length - 1)];
  }
  function choose({ node, lane, n, event }) {
    if (model.get("step") && !event.steps.includes(model.get("step"))) set("step", null);
    set("event", [lane, n]);
    node.focus({ preventScroll: true });
  }
  const cardOf = (event) => cards.find(({ node }) => node === under(event, ".event"));
  board.addEventListener("click", (event) => {
    const [card, step] = [cardOf(event), under(event, ".event .chip")?.dataset.step];
    if (step) set("step", step);
    if (card) choose(card);
  });
  board.addEventListener("keydown", (event) => {
    const [card, move] = [cardOf(event), moveOf(event)];
    if (!card) return;
    if (event.key === "Escape") put({ event: null, step: null });
    if (!move) return;
    event.preventDefault();
    const to = next(card, ...move);
    if (to) choose(to);
  });
  const point = (step = null) => { if (step !== pointed) { pointed = step; mark(); } };
  board.addEventListener("mouseover", (event) => point(under(event, ".chip")?.dataset.step));
  board.addEventListener("mouseleave", () => point());
  for (const name of ["event", "step"]) model.on(`change:${name}`, redraw);
  redraw();
}

export default study("flight-recorder", draw);
