/**
 * PipelineStrip: texts on their way through a text-classification pipeline. On top the texts and their answers; below
 * them one line a token, stages going from left to right; then what the head makes of that, one line a label.
 *
 * Python says in `_detail` what there is of the text that is shown: its `shape` is tokens × hidden, `scales` what the
 * strongest colour stands for (embeddings, hidden states), `pieces` the characters that each token stands for, `cut`
 * how many tokens were cut off, `reads` the positions that the head reads, `peek` the first numbers of each token's
 * hidden state, `model` its class.
 */
import { answerOf } from "./parts/answers.js";
import { inkOf, paintBytes } from "./parts/canvas.js";
import { checkpointField } from "./parts/checkpoint.js";
import { fillLines, goOver, showIn, stepOf, tabStop } from "./parts/grid.js";
import { legendOf } from "./parts/legend.js";
import { bytesOf, count, say } from "./parts/numbers.js";
import { KINDS, chip, quote, textList } from "./parts/tokens.js";
import { toured } from "./parts/tour.js";
import { dress, field, inside, make, study, tell, teller, typing, under, whenLooksChange } from "./study_widget.js";
import { pipelineStripTour } from "./tours/pipeline_strip.js";

const FUNCTIONS = {
  softmax: { head: "softmax → probability", how: "eˣ / sum of all eˣ", best: "the highest probability" },
  sigmoid: { head: "sigmoid → probability", how: "1 / (1 + e⁻ˣ)", best: "the highest probability" },
  none: { head: "no function → value", how: "the logit as it is", best: "the highest value" },
};

/** The texts to edit, each with its answer; `choose(row)` hears where the learner is. */
function answeredTexts(choose) {
  const list = textList("Texts and their answers", () =>
    make("span", "answer", [make("bdi", "label"), make("span", "score")]));
  const rowOf = (event) => list.lines.findIndex(({ node }) => node === under(event, ".text"));
  let edited; // the text that was typed in last; -1: something else was
  const edit = (event) => { edited = rowOf(event); };
  list.node.addEventListener("input", edit);
  for (const type of ["focusin", "click"]) list.node.addEventListener(type, (event) => choose(rowOf(event)));
  return {
    ...list, edit,
    update(batch, { labels, function: applied }, row, error) {
      for (const [n, { node, input, extra: { children: [label, score] } }] of list.lines.entries()) {
        const answer = batch[n] && answerOf(batch[n].logits, applied);
        quote(label, answer ? labels[answer.best] : "");
        tell(score, answer ? say(answer.scores[answer.best]) : "");
        dress(node, { "aria-current": n === row });
        dress(input, { "aria-invalid": error !== "" && n === edited });
      }
    },
  };
}

/** A numbered step of the lesson, as the header of `span` columns. */
function step(number, name, note, span) {
  return make("th", "step", [make("b", "", number), name, note], { colspan: span, scope: "colgroup" });
}

/** A table whose `cols` have heads below those of their steps. */
function stepTable(name, cols, steps, heads, body, attributes) {
  return make("table", name, [make("colgroup", "", cols.map((col) => make("col", col))),
    make("thead", "", [make("tr", "", steps), make("tr", "", heads)]), body], attributes);
}

/** The header of a column of vectors: their `name`, a `control`, their shape, and what the colours mean. */
function vectorHeader(name, control = "") {
  const [shape, low, high] = [make("small", "shape"), make("small"), make("small")];
  const scale = make("div", "scale", [low, make("i"), high]);
  return {
    node: make("th", "vector", [make("div", "", [make("b", "", name), shape]), control, scale], { scope: "col" }),
    update([nTokens, hidden], most) {
      tell(shape, `${nTokens} × ${hidden}`);
      tell(low, say(-most, 1));
      tell(high, `+${say(most, 1)}`);
    },
  };
}

/** An empty line, number `n`; the first has the canvases, which are for all lines. */
function tokenLine(n, canvases) {
  const [piece, token, id, mask, read] = [make("bdi"), chip(""), make("td", "id"), make("td"), make("td", "read")];
  const node = make("tr", "", [make("td", "piece", piece), make("th", "token", token, { scope: "row" }), id, mask,
    ...canvases.map((canvas) => make("td", "vector", n ? "" : canvas)), read],
    { "data-token": n, "aria-selected": false, tabindex: -1 });
  return { node, piece, token, id, mask, read };
}

/**
 * The tokens, one a line. `follow(n)` hears where the learner goes, `toggle(n)` what is clicked, `point(n, vector, x)`
 * what the pointer or the focus is on (null: nothing) and where in one of its vectors (0 ≤ x < 1; vector -1: in none).
 */
function tokenTable({ follow, toggle, point, slider }) {
  const [lines, body, stopAt, modelName] = [[], make("tbody"), tabStop(), make("small", "model")];
  const heads = [vectorHeader("embeddings"), vectorHeader("hidden states", slider)];
  const canvases = heads.map(() => make("canvas")); // each for all lines: a thousand small ones are slow
  const columns = { piece: "text", token: "token", id: "id", mask: "mask" };
  const names = Object.entries(columns).map(([name, head]) => make("th", name, head, { scope: "col" }));
  const toHead = make("th", "read", make("span", "unseen", "read by the head"), { scope: "col" });
  const table = stepTable("tokens", [...Object.keys(columns), "vector", "vector", "read"],
    [step("1", "Tokenize", "", 4), step("2", "Model", modelName, 3)],
    [...names, ...heads.map((head) => head.node), toHead], body, { role: "grid", "aria-label": "Tokens, one a line" });
  const node = make("div", "scroller", table);

  const at = (event) => under(event, "tr") && lines.findIndex(({ node }) => node === under(event, "tr"));
  body.addEventListener("focusin", (event) => stopAt(under(event, "tr")));
  goOver(body, { at, press: toggle, leave: () => follow(null), point: (n = null) => point(n, -1),
    next: (event, n) => stepOf(event, n, lines.length, "down"), go(n) { lines[n].node.focus(); follow(n); } });
  body.addEventListener("pointermove", (event) => {
    const boxes = canvases.map((canvas) => canvas.getBoundingClientRect());
    const xs = boxes.map(({ left, width }) => (event.clientX - left) / width);
    const vector = xs.findIndex((x) => x >= 0 && x < 1);
    point(at(event), vector, xs[vector]);
  });

  return {
    node,
    update(d) {
      tell(modelName, d.model);
      for (const [n, head] of heads.entries()) head.update(d.shape, d.scales[n]);
      table.classList.toggle("last", d.layer === d.n_layers);
      body.style.setProperty("--lines", `${d.tokens.length}`);
      fillLines(body, lines, d.tokens, (n) => tokenLine(n, canvases), (line, token, n) => {
        line.node.className = d.kinds[n];
        quote(line.token, token);
        quote(line.piece, d.pieces[n]);
        tell(line.id, `${d.ids[n]}`);
        tell(line.mask, `${d.mask[n]}`);
        line.mask.className = d.mask[n] ? "mask" : "mask off";
        tell(line.read, d.reads.includes(n) ? "→" : "");
      });
    },
    paint(bytes, [nTokens, hidden], ink) {
      for (const [n, canvas] of canvases.entries()) {
        paintBytes(bytes.subarray(n * nTokens * hidden), hidden, nTokens, ink, canvas);
      }
    },
    mark(token) {
      for (const [n, line] of lines.entries()) dress(line.node, { "aria-selected": n === token });
      body.classList.toggle("following", token in lines);
      stopAt(lines[token]?.node ?? inside(body, "[tabindex='0']") ?? lines[0].node);
    },
    /** Scroll the line of `token` into view, and nothing but this table. */
    reveal(token) { if (lines[token]) showIn(node, lines[token].node, table.tHead.offsetHeight); },
  };
}

/** What the head makes of it: a line a label, from logit to probability, and the answer. */
function answerPanel() {
  const [lines, body, reads, how, why] = [[], make("tbody"), make("small"), make("small"), make("small")];
  const [head, label, score] = [make("div"), make("bdi", "label"), make("span", "score")];
  const table = stepTable("labels", ["label", "logit", "value"],
    [step("2", "Head", reads, 2), step("3", "Postprocess", "", 1)],
    ["label", "logit", [head, how]].map((name) => make("th", "", name, { scope: "col" })), body,
    { "aria-label": "Labels, one a line" });
  function add() {
    const [name, logit, value] = [make("bdi"), make("span", "number"), make("span", "number")];
    const node = make("tr", "", [make("th", "label", name, { scope: "row" }),
      make("td", "logit", [make("i", "bar"), logit]), make("td", "value", [make("i", "bar"), value])]);
    return { node, name, logit, value };
  }
  const verdict = make("p", "verdict", [label, score, why], { "aria-live": "polite", "aria-atomic": true });
  const scroller = make("div", "scroller", table,
    { tabindex: 0, role: "group", "aria-label": "Logits and probabilities" });
  const node = make("section", "head", [scroller, verdict], { "aria-label": "Answer" });
  return {
    node,
    update(d, sent) {
      const { logits, scores, best } = answerOf(sent, d.function);
      const most = Math.max(...logits.map(Math.abs)) || 1;
      const who = d.reads.length === 1 ? d.tokens[d.reads[0]] : `${d.reads.length} tokens`;
      tell(reads, d.reads.length ? `reads ${who} after layer ${d.n_layers}` : "");
      tell(head, FUNCTIONS[d.function].head);
      tell(how, FUNCTIONS[d.function].how);
      table.classList.toggle("plain", d.function === "none");
      fillLines(body, lines, d.labels, add, (line, name, n) => {
        line.node.classList.toggle("best", n === best);
        quote(line.name, name);
        tell(line.logit, say(logits[n]));
        tell(line.value, say(scores[n]));
        line.logit.parentElement.style.setProperty("--part", logits[n] / most);
        line.value.parentElement.style.setProperty("--part", scores[n]);
      });
      node.classList.toggle("choice", d.labels.length > 1);
      quote(label, d.labels[best]);
      tell(score, say(scores[best]));
      tell(why, d.labels.length > 1 ? FUNCTIONS[d.function].best : "");
    },
  };
}

function chipOf({ tokens }, n) { return chip(tokens[n], "", { title: tokens[n] }); }

/** Tell in `node` what line `n` is about and, where the pointer is on one of its vectors, which number it is on. */
function tellStory(node, d, bytes, n, vector = -1, x = 0) {
  const [kind, stage] = [KINDS[d.kinds[n]], d.layer ? `after layer ${d.layer}` : "embedding"];
  const numbers = d.peek[n].map((value) => say(value, 2)).join(", ");
  const from = d.pieces[n] ? [" · from “", quote(make("bdi"), d.pieces[n]), "”"] : [];
  node.replaceChildren(
    make("div", d.kinds[n], [chipOf(d, n), ` id ${d.ids[n]}`, ...from, kind ? ` · ${kind}` : ""]),
    make("div", "", `${stage}: [${numbers}, … ${d.shape[1]} numbers]`));
  if (vector < 0) return;
  const i = Math.floor(x * d.shape[1]);
  const value = (bytes[(vector * d.shape[0] + n) * d.shape[1] + i] - 128) / 127 * d.scales[vector];
  node.append(make("div", "", `number ${i + 1} (${vector ? stage : "embedding"}): about ${say(value, 2)}`));
}

function draw({ model, root, set, put }) {
  let pointed = [null];
  const [detail, bytes] = [() => model.get("_detail"), () => bytesOf(model.get("_vectors"))];
  const layer = field("range", () => set("layer", layer.valueAsNumber), { min: 0 });
  const layerName = make("span");
  const list = answeredTexts((row) => { if (row < model.get("_batch").length) set("row", row); });
  const table = tokenTable({
    follow: (n) => set("token", n), toggle: (n) => set("token", n === model.get("token") ? null : n),
    point(...at) { pointed = at; story(); },
    slider: make("label", "layer", [layerName, layer]),
  });
  const panel = answerPanel();
  const [alarm, line, cut, legend] = [teller("alert"), make("div", "story"), make("p", "cut"),
    legendOf("Kinds of tokens")];
  const [busy, checkpoint] = [make("p", "busy"), checkpointField({ model, put }, () => detail().checkpoint)];
  checkpoint.node.addEventListener("input", list.edit);
  root.append(list.node, checkpoint.node, alarm, busy, make("div", "board", [table.node, panel.node, line]), cut,
    legend.node);

  const shown = () => model.get("_batch").map(({ text }) => text);
  const texts = typing({ model, set }, "texts", { ...list, delay: 250, enter: true, settle: choices, shown });
  function story() {
    const n = pointed[0] ?? model.get("token");
    if (detail().tokens[n] !== undefined) tellStory(line, detail(), bytes(), n, pointed[1], pointed[2]);
    else tell(line, "Point at a line to read it; click it, or go with ↑ and ↓, to follow the token.");
  }
  function choices() {
    layer.max = detail().n_layers;
    layer.value = model.get("layer");
    tell(layerName, `after layer ${layer.value} of ${layer.max}`);
    list.update(model.get("_batch"), detail(), model.get("row"), model.get("error"));
    tell(alarm, model.get("error"));
    tell(busy, checkpoint.loading() ? "loading the checkpoint…" : "computing…");
    const behind = ["row", "layer"].some((name) => model.get(name) !== detail()[name]);
    dress(root, { "aria-busy": texts.late() || checkpoint.loading() || behind });
  }
  function paint() { if (root.dataset.theme) table.paint(bytes(), detail().shape, inkOf(root, "below", "above")); }
  function redraw() {
    const d = detail();
    table.update(d);
    panel.update(d, model.get("_batch")[d.row].logits);
    paint();
    tell(cut, d.cut ? `${count(d.cut)} tokens were cut off: longer than the model takes.` : "");
    const first = Object.keys(KINDS).map((kind) => d.kinds.indexOf(kind)).filter((n) => n >= 0);
    legend.show(first.map((n) => [d.kinds[n], chipOf(d, n), KINDS[d.kinds[n]]]));
    choices();
    follow();
  }
  function follow() { table.mark(model.get("token")); story(); }

  model.on("change:_detail", redraw);
  for (const name of ["_batch", "row", "layer", "checkpoint", "error"]) model.on(`change:${name}`, choices);
  model.on("change:token", () => { follow(); table.reveal(model.get("token")); });
  const unwatch = whenLooksChange(root, [], paint);
  redraw();
  return () => { unwatch(); texts.stop(); };
}

export default study("pipeline-strip", toured(draw, pipelineStripTour));
