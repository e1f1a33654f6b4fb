/**
 * TokenStrip: a text box, what can be counted, then the text in lines with its tokens, ids, offsets and words below it.
 * A text can have 10,000 tokens, so a line gets its elements only when it comes near what can be seen.
 *
 * Python says in `_view` what there is: `distinct` is JSON: each token once, its id, how to write it (plain, mark,
 * plain …); `rows` are int32 (5, tokens): place in `distinct`, start and end in the text, word or -1, kind; `split` has
 * for a token that ends with a character's first bytes that character; `kinds` are names with meanings; `added` counts
 * the special tokens that the tokenizer has added, and `can_add` is whether it has any.
 */
import { checkpointField } from "./parts/checkpoint.js";
import { goOver, showIn, stepOf, tabStop } from "./parts/grid.js";
import { facts, legendOf } from "./parts/legend.js";
import { count, int32 } from "./parts/numbers.js";
import { chip } from "./parts/tokens.js";
import { dress, field, inside, make, spaced, study, tell, teller, typing, under, visible,
  whenLooksChange } from "./study_widget.js";

const SIGNS = { "\n": "⏎\n", "\t": "⇥\t" }; // line ends and tabs still do what they do
const HINT = "Point at a token to find its characters and its id. Click it, or press Enter, to hold it; "
  + "← → Home End go along, Esc lets go.";
/** @type {[RegExp, string][]} */
const MARKS = [[/^␣$/, "the space before it belongs to the token"],
  [/^[0-9A-F]{2}( |$)/, "bytes of a character that is cut into several tokens; it stands before its first byte"]];

function reader({ split, kinds, text, ...view }) {
  const [distinct, rows] = [JSON.parse(view.distinct), int32(view.rows)];
  const length = rows.length / 5;
  const characters = Array.from(text); // Python counts characters, JavaScript counts an emoji as two
  return {
    length, distinct, characters, slice: (start, end) => characters.slice(start, end).join(""),
    at(n) {
      const [which, start, end, word, kind] = [0, 1, 2, 3, 4].map((row) => rows[row * length + n]);
      const [[raw, id, ...marks], [name, meaning]] = [distinct[which], kinds[kind]];
      return { raw, id, marks, split: split[n] ?? "", start, end, word, kind: name, meaning };
    },
  };
}

/** What can be counted; a word is what stands between spaces, as Python has them. */
function countsOf({ added }, { length, characters, at }) {
  const isSpace = (c) => /\p{White_Space}/u.test(c) || (c >= "\x1c" && c <= "\x1f");
  const words = characters.filter((c, n) => !isSpace(c) && (!n || isSpace(characters[n - 1]))).length;
  const unknown = Array.from({ length }, (_, n) => at(n).kind).filter((kind) => kind === "unknown").length;
  const tokens = length - added;
  return { characters: count(characters.length), tokens: count(length), ...added && { "of them added": count(added) },
    "tokens per word": (tokens / Math.max(1, words)).toFixed(2),
    "characters per token": (characters.length / Math.max(1, tokens)).toFixed(2), unknown: count(unknown) };
}

/** The signs in use, for a legend: each on the first token that has it. */
function signsOf({ kinds }, { length, distinct, at }) {
  const first = new Map();
  for (let n = length - 1; n >= 0; n--) first.set(at(n).kind, at(n).marks);
  const found = kinds.filter(([kind, meaning]) => meaning && first.has(kind)).map(([kind, meaning]) =>
    [kind, marked(first.get(kind)), meaning]);
  for (const [mark, meaning] of MARKS) {
    const [, , ...marks] = distinct.find(([, , ...marks]) => marks.some((part, n) => n % 2 && mark.test(part))) ?? [];
    if (marks.length) found.push(["word", marked(marks), meaning]);
  }
  return found;
}

/** Which way `text` goes, as the browser has it. */
function directionOf(text) {
  const probe = make("bdi", "", text, { hidden: "" });
  document.body.append(probe);
  const { direction } = getComputedStyle(probe);
  probe.remove();
  return direction;
}

/** Lines, still empty, that about fit into `width`: cut after a line end or at a space, never inside a character. */
function cutLines({ at, length, characters }, width) {
  const cuts = [{ n: 0, start: 0 }];
  for (let n = 0, done = 0, taken = 0, spot = null; n < length; n++) {
    const { start, end, marks, split } = at(n);
    const between = characters.slice(Math.max(done - 1, 0), start);
    const size = 24 + 7.5 * Math.max(2, marks.join("").length + 2 * split.length, place({ start, end }).length * 0.8);
    const here = start >= done && start > cuts.at(-1).start && characters[start] !== "\n" ? { n, start, taken } : null;
    if (here && (/^[ \t]/.test(characters[start]) || between.slice(1).some((c) => /\s/.test(c)))) spot = here;
    const cut = here && between.includes("\n") ? here : taken + size > width && (spot ?? here);
    if (cut) {
      cuts.push(cut);
      [taken, spot] = [taken - cut.taken, null];
    }
    taken += size;
    done = Math.max(done, end);
  }
  const ends = [...cuts.slice(1), { n: length, start: characters.length }];
  return cuts.map(({ n, start }, i) =>
    ({ first: n, last: ends[i].n, from: start, to: ends[i].start, node: make("div", "line") }));
}

/** How a token reads: marks in another hand, and a split character before its first bytes. */
function marked(marks, split = "") {
  const nodes = marks.map((part, n) => (n % 2 ? make("i", "", part) : part));
  if (split) nodes.splice(-1, 0, make("b", "", split));
  return chip(nodes);
}

/** Where a token stands, as a slice in Python. */
function place({ start, end }) { return end > start ? `${start}:${end}` : ""; }

function tokenCell(token, n, total) {
  const { raw, id, kind, meaning, marks, split } = token;
  const parts = [marked(marks, split), make("span", "id", `${id}`), make("small", "place", place(token))];
  return make("div", `token ${kind}`, spaced(parts), { role: "option", "data-token": n, tabindex: -1, title: raw,
    "aria-label": [raw, id, place(token), meaning].filter(Boolean).join(", "), "aria-selected": false,
    "aria-posinset": n + 1, "aria-setsize": total });
}

/** The tokens of a line by words; the cell of each is noted in `cells`. */
function wordsOf(line, text, cells) {
  const words = make("div", "words");
  for (let n = line.first, word, tokens; n < line.last; n++) {
    const next = text.at(n).word;
    if (next < 0 || next !== word) {
      tokens = make("div", "tokens");
      words.append(make("div", "word", [tokens, make("small", "number", next < 0 ? "" : `${next}`)]));
    }
    cells[n] = tokenCell(text.at(n), n, text.length);
    tokens.append(cells[n]);
    word = next;
  }
  return words;
}

/** The text of a line; what each token stands for is noted in `parts`: those that share a character share a part. */
function sentenceOf(line, text, parts) {
  const said = make("div", "said", [], { "aria-hidden": true });
  let done = line.from;
  for (let n = line.first, first = n; n < line.last; n++) {
    const { start, end } = text.at(n);
    const from = Math.max(start, done);
    if (end > from) {
      parts[n] = make("span", "part", visible(text.slice(from, end), SIGNS), { "data-token": n });
      said.append(visible(text.slice(done, from), SIGNS), parts[n]);
      [first, done] = [n, end];
    } else if (end > start) parts.fill(parts[first], first, n + 1);
  }
  said.append(visible(text.slice(done, line.to), SIGNS));
  return said;
}

function tokenBoard() {
  const node = make("div", "board", [], { role: "listbox", "aria-label": "Tokens", "aria-orientation": "horizontal" });
  let view, text, width, lines = [], cells = [], parts = [], watch, stopAt = tabStop();

  function fill(line) {
    if (line.node.hasChildNodes()) return;
    const names = ["text", `token ${line.first || ""}`, "id", "characters", "word"];
    line.node.append(make("div", "names", names.map((name) => make("span", "", name)), { "aria-hidden": true }),
      sentenceOf(line, text, parts), wordsOf(line, text, cells));
    line.node.style.height = "";
    watch.unobserve(line.node);
  }
  /** The cell of token `n`, made by now; undefined where there is none. */
  function reach(n) {
    const line = n === null ? null : lines.find(({ last }) => n < last);
    if (line) fill(line);
    return cells[n];
  }
  /** Scroll token `n` into what can be seen, and nothing but the board. */
  function reveal(n) {
    const line = reach(n)?.closest(".line");
    if (line) showIn(node, line);
  }
  /** Show the tokens that `now` has; as a reader of them. */
  function update(now) {
    const heights = lines.map((line) => line.node.offsetHeight); // so that what was being looked at stays where it is
    const { scrollTop, clientHeight } = node;
    [view, text, width] = [now, reader(now), node.clientWidth || 1000];
    lines = cutLines(text, width - (width < 600 ? 5 : 80));
    [cells, parts, stopAt] = [[], Array(text.length), tabStop()];
    node.dir = directionOf(view.text);
    watch?.disconnect();
    watch = new IntersectionObserver((seen) => {
      for (const { target } of seen.filter((one) => one.isIntersecting)) fill(lines.find((one) => one.node === target));
    }, { root: node, rootMargin: "600px" });
    let top = 0;
    lines.forEach((line, n) => {
      const height = heights[n] || 125;
      line.node.style.height = `${height}px`;
      watch.observe(line.node);
      if (top + height > scrollTop && top < scrollTop + (clientHeight || 500)) fill(line);
      top += height;
    });
    node.replaceChildren(...lines.map((line) => line.node));
    node.scrollTop = scrollTop;
    return text;
  }

  return {
    node, update, reveal,
    focus: (n) => cells[n].focus({ preventScroll: true }),
    next: (event, n) => stepOf(event, n, text.length, node.dir === "rtl" ? "back" : "across"),
    read: (n) => (n === null || n >= text.length ? null : text.at(n)),
    write: ({ start, end }) => visible(text.slice(start, end), SIGNS).replace(/^ | $/g, "␣"),
    /** Make lines anew where there is much more or less room than before. */
    fit() { if (node.clientWidth > 0 && Math.abs(node.clientWidth - width) > 60) update(view); },
    /**
     * Mark what is held and what is pointed at: chip, id, characters, and other tokens of the same characters.
     * Tab goes to what is held, or else to the first.
     */
    mark(held, pointed) {
      stopAt(reach(held ?? 0), held !== null);
      for (const lit of node.querySelectorAll(".held, .lit, .kin")) lit.classList.remove("held", "lit", "kin");
      for (const one of [reach(held), parts[held]]) one?.classList.add("held");
      for (const one of [reach(pointed), parts[pointed]]) one?.classList.add("lit");
      const first = parts[pointed] ? Number(parts[pointed].dataset.token) : text.length;
      for (let n = first; n < text.length && parts[n] === parts[first]; n++) cells[n].classList.add("kin");
    },
    stop: () => watch.disconnect(),
  };
}

function draw({ model, root, set, put }) {
  let pointed = null;
  const view = () => model.get("_view");
  const box = make("textarea", "", [],
    { "aria-label": "Text", rows: 1, dir: "auto", spellcheck: "false", placeholder: "Type a text" });
  const special = field("checkbox", () => set("special_tokens", special.checked));
  const [alarm, status, legend] = [teller("alert"), teller("status"), legendOf()];
  const [counts, story, choice, about] = [make("div"), make("div", "story"), make("span"), make("small")];
  const [board, checkpoint] = [tokenBoard(), checkpointField({ model, put }, () => view().checkpoint)];
  const hold = (n) => { if (!behind()) set("token", n === model.get("token") ? null : n); };
  goOver(board.node, {
    /** The token under the pointer, or else the one with the focus. */
    at(event) {
      const found = under(event, "[data-token]") ?? inside(board.node, ".token:focus");
      return found ? Number(found.dataset.token) : undefined;
    },
    next: board.next,
    point(n = null) { if (n !== pointed) { pointed = n; mark(); } },
    press(n) { hold(n); board.focus(n); },
    leave: () => hold(null),
    go(n) {
      board.reveal(n);
      board.focus(n);
      if (!behind() && model.get("token") !== null) set("token", n);
    },
  });
  root.append(box, checkpoint.node, alarm, make("p", "busy", "tokenizing…"),
    make("div", "head", [counts, make("div", "choices", [about, make("label", "", [special, choice])])]),
    board.node, story, legend.node, status);

  const behind = () => text.late() || checkpoint.loading()
    || (!model.get("error") && model.get("special_tokens") !== view().special_tokens);
  function mark() {
    const held = model.get("token");
    board.mark(held, pointed);
    const n = pointed ?? held;
    const token = board.read(n);
    if (!token) { tell(story, board.read(0) ? HINT : "No tokens: there is nothing to cut."); return; }
    story.replaceChildren(make("dl", "", facts({
      token: make("bdi", "", token.raw), id: `${token.id}`, position: `${n}`, text: make("bdi", "", board.write(token)),
      characters: place(token) || "none", word: token.word < 0 ? "none" : `${token.word}`,
    })), make("p", "", [n === held ? "held" : "", token.meaning].filter(Boolean).join(" · ")));
  }
  function redraw() {
    const now = view();
    pointed = null;
    const read = board.update(now);
    counts.replaceChildren(make("dl", "", facts(countsOf(now, read))));
    legend.show(signsOf(now, read));
    tell(about, `${now.name} · vocabulary of ${count(now.n_vocab)}`);
    tell(status, `${count(read.length)} tokens`);
    special.disabled = !now.can_add;
    tell(choice, now.can_add ? "special tokens" : "special tokens (it adds none)");
    choices();
    mark();
  }
  function choices() {
    special.checked = model.get("special_tokens");
    tell(alarm, model.get("error"));
    dress(box, { "aria-invalid": model.get("error") !== "" });
    dress(root, { "aria-busy": behind() });
  }
  function reveal() { mark(); board.reveal(model.get("token")); }

  const text = typing({ model, set }, "text", { node: box, delay: 150, settle: choices, shown: () => view().text });
  model.on("change:_view", redraw);
  for (const name of ["error", "special_tokens", "checkpoint"]) model.on(`change:${name}`, choices);
  model.on("change:token", reveal);
  redraw();
  const unwatch = whenLooksChange(root, [board.node], () => { board.fit(); reveal(); });
  return () => { text.stop(); board.stop(); unwatch(); };
}

export default study("token-strip", draw);
