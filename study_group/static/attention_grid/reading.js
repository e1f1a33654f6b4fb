/** What is said of the cell or the token that is looked at: its number, and the strongest of its row and its column. */
import { count, say } from "../parts/numbers.js";
import { make, visible } from "../study_widget.js";

const HINT = "Point at a cell or a token for its numbers, or focus the heatmap and walk with the arrow keys.";
const NEAR = "≈ weights are within 0.004: no model runs in this page.";

function tokenOf(side, k) { return make("bdi", "token", visible(side.token(k))); }

/** The strongest of the cells that `numberOf` tells of at `places` of a `side`, with a bar for each. */
function bars(signed, side, heading, title, name, places, numberOf) {
  const best = places.map((k) => [k, ...numberOf(k)]).filter(([, value]) => !Number.isNaN(value))
    .sort((a, b) => b[1] - a[1]).slice(0, 6);
  const most = Math.max(...best.map(([, value]) => Math.abs(value)).filter(Number.isFinite), 1e-9);
  const part = (value) => (Number.isFinite(value) ? Math.abs(value) / (signed ? most : 1) : 0);
  const list = best.map(([k, value, sure]) => make("li", "", [tokenOf(side, k), make("small", "", `${k}`),
    make("span", "bar", make("i", "", [], { style: `width: ${100 * part(value)}%` })),
    make("span", "value", sure ? say(value) : `≈ ${say(value, 3)}`)]));
  const more = places.length > best.length ? `… and ${count(places.length - best.length)} more` : "";
  return make("div", name,
    [make("h5", "", heading), make("ol", "", list, { "aria-label": title }), make("small", "", more)]);
}

/** A line and lists about tokens `query` and `key` of `picture`, each where it is shown; a hint where neither is. */
export function reading() {
  const [story, line] = [make("div", "story"), make("p", "readout")];
  function read(picture, spot, { r, c }, live) {
    if (r < 0 && c < 0) { story.replaceChildren(); line.replaceChildren(make("span", "hint", HINT)); return; }
    const [{ rows, columns, signed, looks, looked }, { query, key }] = [picture, spot];
    const [from, to] = [() => tokenOf(looks, query), () => tokenOf(looked, key)];
    const numbered = (token, k) => [token(), make("small", "", `${k}`)];
    line.replaceChildren();
    if (r >= 0) line.append(...numbered(from, query), c < 0 ? " looks" : " → ");
    if (c >= 0) line.append(...numbered(to, key), r < 0 ? " is looked at" : "");
    if (r >= 0 && c >= 0) {
      const [value, sure] = picture.value(query, key);
      const why = picture.hidden(query, key) ? " (masked)" : looks.isPad(query) || looked.isPad(key) ? " (pad)" : "";
      const number = make("b", "number", sure ? say(value, 6) : `≈ ${say(value, 3)}`);
      line.append(number, why);
    }
    const [row, column] = [(k) => picture.value(query, k), (q) => picture.value(q, key)];
    const sum = columns.reduce((sum, k) => sum + row(k)[0], 0);
    const rest = !signed && Math.abs(sum - 1) > 0.012 ? ` (${sum.toFixed(2)} of 1 is shown)` : "";
    const lists = make("div", "lists");
    if (r >= 0) lists.append(bars(signed, looked, [from(), " looks at", rest], "It looks at", "out", columns, row));
    if (c >= 0) lists.append(bars(signed, looks, [to(), " is looked at by"], "It is looked at by", "in", rows, column));
    story.replaceChildren(lists, ...(live ? [] : [make("small", "", NEAR)]));
  }
  return { story, line, read };
}
