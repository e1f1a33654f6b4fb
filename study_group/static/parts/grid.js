/** Ways over a grid or a list: where keys lead, where Tab stops, what comes into sight. */

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  Home: [0, -Infinity], End: [0, Infinity] };

/** `n`, or the nearest of `size` places. */
export function within(n, size) { return Math.max(0, Math.min(n, size - 1)); }

/** Rows and columns that a key leads away, Page Up and Page Down `page` rows; undefined where it leads nowhere. */
export function moveOf({ key, ctrlKey, metaKey, altKey }, page = 0) {
  if (ctrlKey || metaKey || altKey) return undefined;
  return page && key.startsWith("Page") ? [key === "PageUp" ? -page : page, 0] : MOVES[key];
}

/** Where a key leads from a place in rows × columns. @param {number[]} at @param {number[]} size */
export function placeOf(event, at, size, page = 0) {
  const move = moveOf(event, page);
  return move && at.map((n, axis) => within(n + move[axis], size[axis]));
}

/** Where a key leads from place `n` of a list of `size` that goes "down", "across", "back" (from the right) or both. */
export function stepOf(event, n, size, way = "both", page = 0) {
  const [down, across] = moveOf(event, page) ?? [0, 0];
  const sideways = Math.abs(across) === Infinity ? across : { down: 0, back: -across }[way] ?? across;
  const step = sideways + (way === "down" || way === "both" ? down : 0);
  return step ? within(n + step, size) : undefined;
}

/**
 * Let pointer and keys go over parts of `node`: `at(event)` tells on which one an event is, if any. `point(part)` hears
 * what pointer or focus is on, `press(part)` what is clicked or chosen with Enter or Space, `leave()` that Escape is
 * pressed; `next(event, part)` tells where a key leads, `go(part)` hears of it.
 */
export function goOver(node, { at, press, next, go, point = (..._) => {}, leave = null }) {
  for (const type of ["pointerover", "pointerleave", "focusin"]) {
    node.addEventListener(type, (event) => point(at(event)));
  }
  node.addEventListener("focusout", () => point());
  node.addEventListener("click", (event) => { if (at(event) !== undefined) press(at(event)); });
  node.addEventListener("keydown", (event) => {
    const part = at(event);
    if (part === undefined) return;
    const to = next(event, part);
    if (to !== undefined) go(to);
    else if (event.key === " " || event.key === "Enter") press(part);
    else if (event.key === "Escape" && leave) leave();
    else return;
    event.preventDefault();
  });
}

/** Which of `n` parts of `step` pixels to draw for those in sight, with `few` more. @returns {[number, number]} */
export function around(from, room, step, n, few) {
  const start = Math.floor(from / step / few) * few - few;
  return [Math.max(0, start), Math.min(n, Math.ceil((from + room) / step / few) * few + few)];
}

/** Of many nodes one that Tab goes to: the last that is given here. It may be the chosen one too. */
export function tabStop() {
  let stop = null;
  /** @param {?HTMLElement | undefined} node @param {boolean} [chosen] */
  return (node, chosen) => {
    for (const [one, tab] of [[stop, -1], [node, 0]]) {
      one?.setAttribute("tabindex", tab);
      if (chosen !== undefined) one?.setAttribute("aria-selected", chosen && one === node);
    }
    stop = node;
  };
}

/** Scroll `box`, and nothing else, so that `from` … `to` in it can be seen, clear of what covers its edges. */
export function intoSight(box, from, to, { before = 0, after = 0, across = false } = {}) {
  const [scroll, room] = across ? ["scrollLeft", box.clientWidth] : ["scrollTop", box.clientHeight];
  box[scroll] = Math.min(from - before, Math.max(box[scroll], to - room + after));
}

/** Scroll `node` into the sight of `box`, below what covers `before` pixels at the top. */
export function showIn(box, node, before = 0) {
  intoSight(box, node.offsetTop, node.offsetTop + node.offsetHeight, { before });
}

/** Keep as many `lines` in `body` as there are `values`, each made once by `add(n)`; `fill(line, value, n)` them. */
export function fillLines(body, lines, values, add, fill) {
  while (lines.length > values.length) lines.pop().node.remove();
  while (lines.length < values.length) {
    lines.push(add(lines.length));
    body.append(lines.at(-1).node);
  }
  for (const [n, line] of lines.entries()) fill(line, values[n], n);
}
