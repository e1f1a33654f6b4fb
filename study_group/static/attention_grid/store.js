/**
 * The numbers of AttentionGrid: what is asked of Python, and what has come back.
 *
 * Python says in `_view` what there is: `shape` is layers, batch, heads, tokens that look, tokens that are looked at;
 * another mask has another `version`; `group` are heads in one answer; `rows` of the batch that there are; `tokens` of
 * each row are looked at, more were `cut` off; `kinds` has a letter for each: w, s (special), p (pad); `types` for
 * sentence pairs 0 or 1 for each; `looks` has these four of the tokens that look, or is null where they are the same;
 * `own` are bits (batch, look, looked at) of who may look at whom, where the mask is a model's own; `live` is
 * whether a model answers; `which` of the `parts` of a model the maps are of. `texts` and `targets` are what it was
 * given to read, `targets` null where it writes them; `reads` is what a decoder that is shown reads, else null.
 * `pictures` are what can be shown, and whether `vectors` and `layers` can be had. A state is what is open: stage, row,
 * layer, head, picture.
 */
import { bytesOf } from "../parts/numbers.js";

const KEEP = 64e6, AHEAD = 8e6; // bytes that are kept; that are fetched before they are asked for

export function kindOf(stage) { return stage === "softmax" ? "weights" : "scores"; }

function nameOf({ row, layer, head, stage = "", kind = kindOf(stage) }) { return `${kind} ${row} ${layer} ${head}`; }

/** What is open, as the traits say; for one that somebody set to nonsense, what it was before. */
export function stateOf(model, view) {
  /** @type {any} */
  const sound = {};
  return () => {
    const { shape: [layers, , heads], rows, stages, pictures } = view();
    const there = { layer: [...Array(layers).keys()], head: [...Array(heads).keys()], row: rows,
      stage: Object.keys(stages), picture: Object.keys(pictures) };
    for (const [name, all] of Object.entries(there)) if (all.includes(model.get(name))) sound[name] = model.get(name);
    return { ...sound };
  };
}

/** The numbers of `view()`; `news()` hears of heads and overviews that come, `numbers()` of exact numbers. */
export function storeOf(model, view, news, numbers) {
  const [heads, overviews, exact, asked] = [new Map(), new Map(), new Map(), new Set()];
  let waiting = false;
  /** Keep a head, and drop those that are longest unused; all are of one size. */
  function keep(name, head) {
    heads.delete(name);
    heads.set(name, head);
    while (heads.size > 1 && heads.size * head.bytes.length > KEEP) heads.delete(heads.keys().next().value);
  }

  function ask(want, details) {
    const message = { want, version: view().version, ...details };
    if (asked.has(JSON.stringify(message))) return;
    asked.add(JSON.stringify(message));
    model.send(message);
  }
  /** Ask for the heads that go into one answer with `head`, unless all of them are here. */
  function askHeads({ stage, row, layer, head }) {
    const [{ group, shape: [, , count] }, kind, first] = [view(), kindOf(stage), head - head % view().group];
    const together = Array.from({ length: Math.min(group, count - first) }, (_, n) => first + n);
    const missing = together.some((h) => !heads.has(nameOf({ kind, row, layer, head: h })));
    if (missing) ask("heads", { kind, row, layer, first });
  }
  return {
    askHeads,
    head(state) {
      const [name, head] = [nameOf(state), heads.get(nameOf(state))];
      if (head) keep(name, head);
      return head;
    },
    overview: ({ stage, row }) => overviews.get(`${stage} ${row}`),
    askOverview: ({ stage, row }) => ask("overview", { stage, row }),
    exact: (state, q, k) => exact.get(`${nameOf(state)} q${q}`)?.[k] ?? exact.get(`${nameOf(state)} k${k}`)?.[q],
    /** Ask for the exact numbers of a row and a column, one answer at a time. */
    askExact({ stage, row, layer, head }, query, key) {
      const asking = { kind: kindOf(stage), row, layer, head };
      const name = nameOf(asking);
      // while it waits: what comes is read, and then what is missing is asked for
      if (waiting || (exact.has(`${name} q${query}`) && exact.has(`${name} k${key}`))) return;
      waiting = true;
      model.send({ want: "exact", version: view().version, ...asking, query, key });
    },
    /** Fetch in good time what may be looked at next: all heads if they are small, else the layers beside. */
    fetchAhead(state) {
      const { shape: [layers, , count, tall, wide], group } = view();
      askHeads(state);
      const far = layers * count * tall * wide > AHEAD ? 1 : layers;
      for (let layer = Math.max(0, state.layer - far); layer <= Math.min(layers - 1, state.layer + far); layer++) {
        if (far === 1) askHeads({ ...state, layer });
        else for (let head = 0; head < count; head += group) askHeads({ ...state, layer, head });
      }
    },
    take({ what, version, asked: to, scales, size }, data) {
      if (version !== view().version || !["exact", "overview", "heads"].includes(what)) return;
      const [bytes, [, , , tall, wide]] = [bytesOf(data), view().shape];
      if (what === "exact") {
        const [values, name] = [new Float32Array(bytes.slice().buffer), nameOf(to)];
        waiting = false;
        if (exact.size > 200) exact.clear();
        exact.set(`${name} q${to.query}`, values.subarray(0, wide));
        exact.set(`${name} k${to.key}`, values.subarray(wide));
        numbers();
        return;
      }
      const room = tall * wide;
      if (what === "overview") overviews.set(`${to.stage} ${to.row}`, { bytes, size });
      else for (let n = 0; n * room < bytes.length; n++) {
        keep(nameOf({ ...to, head: to.first + n }),
          { bytes: bytes.subarray(n * room, (n + 1) * room), scale: scales[n] ?? 1 });
      }
      asked.delete(JSON.stringify({ want: what, version, ...to }));
      news();
    },
    clear() {
      waiting = false;
      for (const store of [heads, overviews, exact, asked]) store.clear();
    },
  };
}
