/**
 * MergeTheatre: a subword tokenizer in training. On top method and time; then what happens in this step, the words in
 * pieces, the candidates and the vocabulary. While a step is hidden, a candidate or two neighbours can be bet on.
 *
 * A scene (merge_theatre/scene.js) is what there is in a step: `words` in `pieces`, each with the `places` where the
 * pieces of the coming step start, and which of them the last step made (`new`); `chosen` are the pieces of the coming
 * step, two that join or one that goes, `token` is what they become; of `n_candidates` the `candidates` are shown, and
 * `heads` names their numbers.
 */
import { sceneAt } from "./merge_theatre/scene.js";
import { moveOf, tabStop, within } from "./parts/grid.js";
import { count } from "./parts/numbers.js";
import { chip } from "./parts/tokens.js";
import { button, dress, field, groupName, inside, make, same, study, tell, typing, under } from "./study_widget.js";

const SIGNS = { right: "✓", tied: "≈", wrong: "✗" }; // of bets

function sum(pieces, name) { return pieces.flatMap((piece, n) => [...(n ? [" + "] : []), chip(piece, name)]); }

/** The words in pieces. While a step is hidden `pick(pieces)` hears of two neighbours, or one piece if `single()`. */
function wordBoard({ pick, single }) {
  const [node, stopAt] = [make("ol", "split", [], { "aria-label": "Words" }), tabStop()];
  let rows = [], scene = null, bet = null, first = null; // first: the piece that waits for its neighbour

  /** Mark what was bet on, in every word, and the piece that waits. */
  function mark() {
    for (const [word, row] of rows.entries()) for (const [place, piece] of row.entries()) {
      const from = (start) => scene.words[word].pieces.slice(start, start + bet.length);
      const inBet = bet !== null && (same(bet, from(place)) || (place > 0 && same(bet, from(place + 1 - bet.length))));
      const waits = first?.word === word && first.place === place;
      piece.classList.toggle("bet", inBet);
      piece.classList.toggle("waits", waits);
      if (piece.tagName === "BUTTON") dress(piece, { "aria-pressed": inBet || waits });
    }
  }
  function choose(word, place) {
    const { pieces } = scene.words[word];
    if (single()) { pick([pieces[place]]); return; }
    const distance = first?.word === word ? Math.abs(place - first.place) : null;
    const start = Math.min(place, first?.place ?? 0);
    first = distance === 0 || distance === 1 ? null : { word, place };
    mark();
    if (distance === 1) pick(pieces.slice(start, start + 2));
  }
  function find(target) {
    const word = rows.findIndex((row) => row.includes(target));
    return [word, rows[word]?.indexOf(target)];
  }
  node.addEventListener("click", (event) => {
    const [word, place] = find(under(event, "button:not([aria-disabled])"));
    if (word >= 0) choose(word, place);
  });
  node.addEventListener("focusin", (event) => stopAt(under(event, ".chip")));
  node.addEventListener("keydown", (event) => {
    const [move, [word, place]] = [moveOf(event), find(event.target)];
    if (!move || word < 0) return;
    event.preventDefault();
    const row = rows[within(word + move[0], rows.length)];
    row[within(place + move[1], row.length)].focus();
  });

  function piece(word, place) {
    const { pieces, places, new: fresh } = scene.words[word];
    const [here, before] = scene.chosen.length === 2 ? ["joins left", "joins right"] : ["goes", ""];
    const names = [fresh.includes(place) ? "new" : "", places.includes(place) ? here : "",
      places.includes(place - 1) ? before : ""].join(" ");
    if (scene.revealed) return chip(pieces[place], names, {}, "span");
    const disabled = single() && [...pieces[place]].length < 2 ? { "aria-disabled": true } : {};
    return chip(pieces[place], names, { type: "button", tabindex: -1, ...disabled }, "button");
  }
  return {
    node,
    update(now) {
      [scene, first] = [now, null];
      rows = scene.words.map(({ pieces }, word) => pieces.map((_, place) => piece(word, place)));
      node.replaceChildren(...rows.map((row, word) => make("li", "", [
        make("span", "count", `${count(scene.words[word].count)} ×`),
        make("span", "word", row, { dir: "auto" })])));
      if (!scene.revealed) stopAt(rows[0]?.[0]);
      const seen = inside(node, ".joins, .goes") ?? inside(node, ".new");
      if (seen) requestAnimationFrame(() => { node.scrollTop = seen.offsetTop - node.clientHeight / 2; });
    },
    show(newBet) { bet = newBet; mark(); },
  };
}

/** What may come next, a line each: to be chosen while the step is hidden, with its numbers afterwards. */
function candidateTable({ pick }) {
  const [head, body, more, name] = [make("tr"), make("tbody"), make("small"), groupName()];
  const table = make("table", "", [make("thead", "", head), body], { "aria-label": "Candidates" });
  let lines = [];
  function add({ pieces, numbers, part, best, tied }) {
    const tag = make("td", "tag");
    const radio = numbers.length ? null : field("radio", () => pick(pieces), { name });
    const sign = radio ?? make("span", "arrow", best ? "▶" : "");
    const label = make(radio ? "label" : "span", "", [sign, make("span", "", sum(pieces))]);
    const cells = numbers.map((number) => make("td", "number", number));
    const node = make("tr", best ? "best" : "", [make("th", "", label, { scope: "row" }), ...cells,
      ...(radio ? [] : [make("td", "bars", make("i", "bar", [], { style: `--part: ${part ?? 0}` }))]), tag]);
    return { node, pieces, tied, radio, tag };
  }
  return {
    node: make("section", "candidates", [make("h4", "", ["Candidates", more]), make("div", "scroller", table)]),
    update({ candidates, heads, n_candidates: n, revealed }, single) {
      const hidden = candidates.length && !revealed;
      const column = (name, text) => make("th", name, text, { scope: "col" });
      const numbers = hidden ? [] : [...heads.map((text) => column("number", text)), make("td")];
      head.replaceChildren(column("", single ? "piece" : "pair"), ...numbers, make("td"));
      lines = candidates.map(add);
      body.replaceChildren(...lines.map((line) => line.node));
      table.hidden = !candidates.length;
      table.className = hidden ? "" : `numbers-${heads.length}`;
      const shown = candidates.length < n ? `${candidates.length} of ${count(n)}, ` : "";
      tell(more, n ? `${shown}${hidden ? "in alphabetical order" : "best first"}` : "none are left");
    },
    /** Show what was bet on, and what is tied. */
    show(bet) {
      for (const { radio, tag, pieces, tied } of lines) {
        const mine = same(pieces, bet);
        if (radio) radio.checked = mine;
        tell(tag, [tied && "tied", mine && "your bet"].filter(Boolean).join(", "));
      }
    },
  };
}

/** Back, forth and a slider over the steps; `go(step)` hears where to, `play()` that it shall go by itself. */
function timeControls({ go, play }) {
  const jump = (text, title, by) => button(text, () => go(slider.valueAsNumber + by), { "aria-label": title, title });
  const slider = field("range", () => go(slider.valueAsNumber), { min: 0, step: 1, "aria-label": "Steps done" });
  const back = [jump("⏮", "First", -Infinity), jump("◀", "Previous", -1)];
  const forth = [jump("▶", "Next", 1), jump("⏭", "Last", Infinity)];
  const [player, said] = [button("", play), make("span", "steps")];
  return {
    node: make("div", "time", [...back, slider, ...forth, said, player], { role: "group", "aria-label": "Time" }),
    update(now, n, playing, canPlay) {
      tell(said, `${now} of ${n} steps done`);
      Object.assign(slider, { max: n, value: now, ariaValueText: said.textContent });
      for (const node of back) node.disabled = now === 0;
      for (const node of forth) node.disabled = now === n;
      player.disabled = !canPlay;
      tell(player, playing ? "Pause" : "Play");
    },
  };
}

/** The methods to choose from, one of them chosen; `choose(method)` hears which. */
function methodChoice(methods, choose) {
  const name = groupName();
  const radios = Object.keys(methods).map((value) =>
    field("radio", () => choose(value), { name, value, "data-python": "method" }));
  const labels = radios.map((radio) => make("label", "", [radio, methods[radio.value]]));
  return { node: make("div", "methods", labels, { role: "radiogroup", "aria-label": "Method" }),
    update: (method) => { for (const one of radios) one.checked = one.value === method; } };
}

function draw({ model, root, set }) {
  const [play, step] = [() => model.get("_play"), () => model.get("step")];
  const single = () => play().method === "unigram";
  const drawn = () => same(model.get("_at"), [model.get("method"), step()]); // else it is on its way
  const pick = (pieces) => { if (drawn() && !model.get("revealed")) set("bet", pieces); };
  const nSteps = () => play().steps.length;
  const go = (to) => set("step", within(to, nSteps() + 1));
  let [player, scene] = [null, null];
  const time = timeControls({ go, play: () => perform(!player) });
  const methods = methodChoice(model.get("_methods"), (method) => set("method", method));
  const [board, table, vocabulary] = [wordBoard({ pick, single }), candidateTable({ pick }), make("div")];
  const betting = field("checkbox", () => set("betting", betting.checked), { "data-python": "betting" });
  const names = ["title", "why", "ties", "verdict", "score", "goal", "size", "note", "error", "legend"];
  const said = Object.fromEntries(names.map((name) => [name, make("p", name)]));
  dress(said.error, { role: "alert" });
  const main = button("", () => {
    if (!model.get("revealed")) set("revealed", true);
    else if (drawn()) go(atEnd() ? 0 : step() + 1);
  }, { class: "advance" });
  const own = make("input", "", [], { type: "text", placeholder: "low low lower newest newest widest", dir: "auto",
    spellcheck: "false", maxlength: 10000, "data-python": "own_text" });
  const part = (name, ...children) => make("section", name.toLowerCase(), [make("h4", "", name), ...children]);
  const stage = make("div", "stage", [part("Words", board.node, said.legend), table.node,
    part("Vocabulary", vocabulary, said.size)]);
  const now = make("div", "", [said.title, said.why, said.ties, said.verdict], { "aria-live": "polite" });
  root.append(make("div", "top", [methods.node, said.goal]), time.node,
    make("div", "top", [make("label", "switch", [betting, "Bet before it is revealed"]), said.score]),
    make("div", "now", [now, main]), stage, make("label", "own", ["Train on your own words", own]), said.error,
    said.note);

  const atEnd = () => step() === nSteps();
  function perform(on) {
    clearInterval(player);
    player = on ? setInterval(() => (atEnd() ? perform(false) : go(step() + 1)), 1600) : null;
    if (on && atEnd()) go(0);
    choices();
  }
  function choices() {
    if (model.get("betting") && player) return perform(false);
    const [revealed, bet, bets] = [model.get("revealed"), model.get("bet"), model.get("score")];
    methods.update(model.get("method"));
    betting.checked = model.get("betting");
    root.classList.toggle("betting", betting.checked);
    const counts = Object.entries(SIGNS).map(([kind, sign]) => `${sign} ${bets[kind]} ${kind}`).join(" · ");
    tell(said.score, betting.checked || /[1-9]/.test(counts) ? `Your bets: ${counts}` : "");
    tell(said.error, model.get("error"));
    dress(own, { "aria-invalid": model.get("error") !== "" });
    for (const list of [board, table]) list.show(bet);
    tell(main, revealed ? (atEnd() ? "Start again" : "Next step") : "Reveal");
    if (revealed) tell(said.why, scene.why);
    else if (bet) said.why.replaceChildren("Your bet: ", ...sum(bet));
    else tell(said.why, `Choose a candidate, or click ${single() ? "a piece" : "two neighbours"} in a word.`);
    time.update(step(), nSteps(), player !== null, !betting.checked && nSteps() > 0);
  }
  function group({ name, pieces, n }) {
    const more = n > pieces.length ? `and ${count(n - pieces.length)} more` : "";
    return make("p", name, [make("span", "name", `${count(n)} ${name}`),
      make("span", "", [...pieces.map((piece) => chip(piece)), more])]);
  }
  function redraw() {
    scene = sceneAt(play(), model.get("_at")[1], model.get("revealed"), model.get("bet"));
    const becomes = scene.token ? [" → ", chip(scene.token, "new")] : [];
    said.title.replaceChildren(scene.title, " ", ...sum(scene.chosen, single() ? "goes" : ""), ...becomes);
    stage.classList.toggle("few", scene.words.length <= 8);
    board.update(scene);
    table.update(scene, single());
    const kinds = { joins: "about to join", goes: "about to go", new: "new since the last step" };
    said.legend.replaceChildren(...Object.entries(kinds).filter(([kind]) => inside(board.node, `.${kind}`))
      .map(([kind, text]) => make("span", "", [chip("ab", kind), text])));
    vocabulary.replaceChildren(...scene.vocabulary.filter(({ n }) => n).map(group));
    for (const name of ["ties", "verdict", "goal", "size", "note"]) tell(said[name], scene[name]);
    choices();
  }

  const text = typing({ model, set }, "own_text", { node: own, delay: 400, enter: true, settle: choices });
  for (const name of ["_play", "_at", "revealed"]) model.on(`change:${name}`, redraw);
  for (const name of ["bet", "score", "error", "betting", "method", "step"]) model.on(`change:${name}`, choices);
  redraw();
  return () => { clearInterval(player); text.stop(); };
}

export default study("merge-theatre", draw);
