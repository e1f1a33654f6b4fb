/**
 * AttentionGrid: every layer × head as a thumbnail; one of them open as a heatmap (a row for each token that looks, a
 * column for each it looks at) and as lines; pointer or arrow keys on a token tell its numbers. Numbers come from
 * Python when they are looked at, and are kept here. A saved page has this script too, and a model that answers itself.
 */
import { controls, signsOf } from "./attention_grid/controls.js";
import { heatmap } from "./attention_grid/heatmap.js";
import { inputBoxes } from "./attention_grid/inputs.js";
import { linesBox } from "./attention_grid/lines.js";
import { panelsOf } from "./attention_grid/panels.js";
import { paletteOf, pictureOf } from "./attention_grid/picture.js";
import { reading } from "./attention_grid/reading.js";
import { download, savePicture } from "./attention_grid/saving.js";
import { kindOf, stateOf, storeOf } from "./attention_grid/store.js";
import { thumbnails } from "./attention_grid/thumbs.js";
import { placeOf } from "./parts/grid.js";
import { legendOf } from "./parts/legend.js";
import { plural } from "./parts/numbers.js";
import { toured } from "./parts/tour.js";
import { button, dress, make, same, study, tell, teller, whenLooksChange } from "./study_widget.js";
import { attentionGridTour } from "./tours/attention_grid.js";

const CAVEAT = "Attention is not explanation: it shows where a head looks, not what the answer hangs on.";

/** Heatmap and lines of the open head, `shown()`, and the spot that pointer or keys are on: `told()` hears of it. */
function openHead(root, shown, told, painted) {
  let over = null, fixed = null;
  const [heat, lines] = [heatmap(shown, paint), linesBox(shown, paint)];
  const spot = () => over ?? fixed;
  /** Where the spot is; −1 where its token isn't shown. */
  const at = () => ({ r: shown()?.rows.indexOf(spot()?.query) ?? -1, c: shown()?.columns.indexOf(spot()?.key) ?? -1 });
  function paint() {
    if (!shown() || !root.isConnected) return;
    const palette = paletteOf(root);
    const tall = heat.draw(palette, at());
    lines.node.hidden = shown().signed;
    if (!shown().signed) lines.draw(palette, at(), tall, heat.zooms().zoom);
    painted();
  }
  function go(chosen, pointed) {
    [fixed, over] = [chosen, pointed];
    paint();
    told();
  }
  function enlarge(by) {
    if (!shown()) return;
    heat.enlarge(by, at());
    lines.node.scrollTop = lines.node.scrollHeight * heat.node.scrollTop / Math.max(1, heat.node.scrollHeight);
    paint();
  }
  const cellAt = (row, column) => ({ query: shown().rows[row], key: shown().columns[column] });
  const empty = () => !shown()?.rows.length || !shown().columns.length;
  function walk(event) {
    if (empty()) return;
    if (["+", "=", "-"].includes(event.key) && !event.ctrlKey) { enlarge(event.key === "-" ? 0.5 : 2); return; }
    const { r, c } = at();
    const to = placeOf(event, [Math.max(0, r), Math.max(0, c)], [shown().rows.length, shown().columns.length], 10);
    if (!to && event.key !== "Escape") return;
    event.preventDefault();
    const [row, column] = r < 0 && c < 0 ? [0, 0] : to ?? [];
    if (to) for (const panel of [heat, lines]) panel.follow(row, column);
    go(to ? cellAt(row, column) : null, null);
  }
  for (const { node, under } of [heat, lines]) {
    const pointed = (event) => (shown() ? under(event) : null);
    const point = (spot) => { if (!same(spot, over)) go(fixed, spot); };
    node.addEventListener("pointermove", (event) => point(pointed(event)));
    node.addEventListener("pointerleave", () => point(null));
    node.addEventListener("click", (event) => go(pointed(event), null));
    node.addEventListener("keydown", walk);
    node.addEventListener("focus", () => { if (!fixed && !empty()) go(cellAt(0, 0), over); });
  }
  return { heat, lines, at, spot, paint, enlarge, fixed: () => fixed, held: () => over === null,
    letGo() { fixed = null; } };
}

/** All of the widget in its place, with buttons to `save` as PNG and as HTML. */
function layOut(root, { inputs, bar, thumbs, open, words, legend, panels }, save) {
  const [alarm, status] = [teller("alert"), teller("status")];
  const [note, title, code] = [make("p", "note"), make("h4", "title"), make("code", "code")];
  const [smaller, larger] = [["−", "Smaller", 0.5], ["+", "Larger", 2]].map(([sign, name, by]) =>
    button(sign, () => open.enlarge(by), { "aria-label": name, title: name }));
  const zooms = make("div", "zooms", [smaller, larger], { role: "group", "aria-label": "Zoom" });
  const silent = make("p", "silent", "The lines show shares: choose the stage softmax to see them.");
  const figure = (from, sign, to, ...nodes) => make("figure", "",
    [make("figcaption", "", [make("b", "from", from), sign, make("b", "to", to)]), ...nodes]);
  const views = [figure("row: looks (query)", " · ", "column: is looked at (key)", open.heat.node),
    figure("looks", " → ", "is looked at", open.lines.node, silent)];
  const openPart = make("section", "open",
    [make("div", "head", [title, code, zooms]), words.line, make("div", "views", views), legend.node, panels.strip]);
  const savePng = button("Save as PNG", save.png, { class: "save", title: "A picture of the open head" });
  const saveHtml = button("Save as HTML", save.html,
    { class: "save", title: "A page of its own, to open without Python or network", "data-python": "html" });
  const overviewPart = make("section", "overview", [make("h4", "", "All heads"),
    make("p", "axes", "a row for each layer ↓, a column for each head →"), thumbs.node]);
  const body = make("div", "body", [overviewPart, openPart, words.story]);
  root.append(make("p", "busy", "computing…"), inputs?.node ?? "", alarm, bar.node, note, body, panels.node,
    make("div", "foot", [make("p", "caveat", CAVEAT), savePng, saveHtml]), status);
  function describe({ stages, masks, mask, name, live, cut, looks }, { layer, head, row, stage }) {
    saveHtml.hidden = !live || saveHtml.disabled;
    const tooLong = [["model", cut], ["decoder", looks?.cut]].map(([who, { [row]: n = 0 } = {}]) =>
      (n ? ` Longer than the ${who} takes: ${plural(n, "token")} cut off.` : ""));
    tell(note, `${stages[stage]} ${masks[mask] ?? ""}${tooLong.join("")}`);
    tell(title, `Layer ${layer}, head ${head}`);
    tell(code, `${name}.${kindOf(stage)}[${layer}, ${row}, ${head}]`);
    const what = `layer ${layer}, head ${head}, ${stage}`;
    dress(open.heat.node, { "aria-label": `Heatmap of ${what}: arrow keys walk over its cells, + and − zoom` });
    dress(open.lines.node, { "aria-label": `Lines of ${what}: arrow keys walk over its tokens` });
    thumbs.choose(layer, head);
  }
  function painted({ sharp, signed, state: { layer, head, row, stage } }, { mask }) {
    silent.hidden = !signed;
    root.dataset.shows = `${sharp ? "" : "… "}${stage} ${mask} ${layer} ${row} ${head}`;
    const { less, more } = open.heat.zooms();
    [smaller.disabled, larger.disabled] = [!less, !more];
  }
  return { alarm, status, maps: [note, body, savePng], sized: [overviewPart, openPart], describe, painted };
}

function draw({ model, root, set, put }) {
  const view = () => model.get("_view");
  const now = stateOf(model, view);
  let picture = null, running = false, due = false, gone = false, spoken = 0, ahead = 0;
  const store = storeOf(model, view, refresh, read);
  const inputs = model.get("texts") && inputBoxes({ model, set, put }, view, settle);
  const bar = controls(put, (mask) => { running = true; model.send({ want: "mask", mask }); settle(); },
    () => { open.letGo(); refresh(); }, inputs);
  const thumbs = thumbnails(put, (place) => store.askHeads({ ...now(), ...place }));
  const open = openHead(root, () => picture, read, () => parts.painted(picture, view()));
  const [words, legend, panels] = [reading(), legendOf(), panelsOf(model, view, put)];
  const parts = layOut(root, { inputs, bar, thumbs, open, words, legend, panels }, {
    png: () => picture && savePicture(picture, view(), paletteOf(root), open.at(), CAVEAT, () => say("Saved as PNG.")),
    html() { say("Writing …"); dress(root, { "aria-busy": true }); model.send({ want: "html" }); },
  });

  function say(text) { tell(parts.status, text); }
  function read() {
    const [at, spot, { live }] = [open.at(), open.spot(), view()];
    words.read(picture, spot, at, live);
    panels.show(now(), picture, open.fixed(), parts.maps);
    if (at.r < 0 && at.c < 0) return;
    if (live && picture.sharp) store.askExact(picture.state, spot.query ?? 0, spot.key ?? 0);
    clearTimeout(spoken);
    if (open.held()) spoken = setTimeout(() => say(words.line.textContent), 200);
  }
  function hear(answer, [data]) {
    if (gone) return;
    if (answer.what === "mask") running = false;
    else if (answer.what !== "html") store.take(answer, data);
    else { download([data], "text/html", answer.name); say("Saved as HTML."); }
    settle();
  }
  function settle() {
    const state = now();
    dress(root, { "aria-busy": running || inputs?.late() || !picture?.sharp || !store.overview(state) });
    root.classList.toggle("late", running);
    tell(parts.alarm, model.get("error"));
    inputs?.update(state.row, model.get("error"));
    bar.update(view(), state, running);
  }
  function redraw() {
    due = false;
    if (gone) return;
    const [state, [rows, columns]] = [now(), bar.shown(view(), now())];
    parts.describe(view(), state);
    const [composed, overview] = [pictureOf(view(), state, store, rows, columns), store.overview(state)];
    if (!store.head(state)) store.askHeads(state);
    if (!overview) store.askOverview(state);
    picture = composed ?? picture;
    root.classList.toggle("behind", !composed);
    if (picture && state.picture === "maps") { legend.show(signsOf(picture, bar.padded(view(), state))); open.paint(); }
    thumbs.paint(overview, state.stage !== "softmax", paletteOf(root)[kindOf(state.stage)]);
    read();
    settle();
    clearTimeout(ahead);
    if (composed?.sharp) ahead = setTimeout(() => store.fetchAhead(now()), 100);
  }
  /** Draw anew, once for all that changes now. */
  function refresh() {
    if (!due) queueMicrotask(redraw);
    due = true;
  }
  function begin() {
    store.clear();
    picture = null;
    for (const answer of model.get("_start")) store.take(answer, answer.data);
    thumbs.build(view().shape);
    refresh();
  }

  model.on("msg:custom", hear);
  model.on("change:_view", begin);
  model.on("change:error", settle);
  for (const name of ["layer", "head", "row", "stage", "picture"]) model.on(`change:${name}`, refresh);
  begin();
  const unwatch = whenLooksChange(root, parts.sized, refresh);
  return () => {
    unwatch();
    inputs?.stop();
    for (const timer of [spoken, ahead]) clearTimeout(timer);
    store.clear(); // whoever still knows this view keeps nothing big
    [picture, gone] = [null, true];
  };
}

export default study("attention-grid", toured(draw, attentionGridTour));
