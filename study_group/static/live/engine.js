/**
 * What answers in Python's place in a live page: the bundled checkpoint's tokenizer at once, its model when it is asked
 * for, in a worker so that the page never freezes. One engine serves all widgets of a page.
 *
 * @typedef {(ids: number[][], mask: ArrayLike<number>[], keep?: string[]) => Promise<any>} Run as in model.js
 * @typedef {ReturnType<typeof wordPiece> & { run: Run, config: any, more: any }} Tools what reactions can use
 * @typedef {Record<string, (asked?: any) => Promise<any>>} Reactions trait or message → traits that change with it
 */
import { fromBase64 } from "../parts/numbers.js";
import { attentionGrid } from "./attention_grid.js";
import { maskBench } from "./mask_bench.js";
import { mergeTheatre } from "./merge_theatre.js";
import { distilBert } from "./model.js";
import { paddingTable } from "./padding_table.js";
import { pipelineStrip } from "./pipeline_strip.js";
import { tokenStrip } from "./token_strip.js";
import { wordPiece } from "./tokenizer.js";
import { tokenizerRace } from "./tokenizer_race.js";
import { getWeights } from "./weights.js";

/** A widget's name → what makes its reactions. @type {Record<string, (traits: any, tools: Tools) => Reactions>} */
const REACTIONS = {
  AttentionGrid: attentionGrid, MaskBench: maskBench, MergeTheatre: mergeTheatre, PaddingTable: paddingTable,
  PipelineStrip: pipelineStrip, TokenStrip: tokenStrip, TokenizerRace: tokenizerRace
};

/** The kernel; null where the browser has no WebAssembly, or no SIMD. */
async function compiled(kernel) {
  try { return await WebAssembly.compile(fromBase64(kernel)); } catch { return null; }
}

/** What `steps` end with. In a page there is a `rest` between two of them. */
async function goThrough(steps, rest = false) {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (rest) await new Promise((go) => setTimeout(go));
  }
}

/** Be the worker: first comes the model, then what it shall run. */
export function serve() {
  let model;
  addEventListener("message", async ({ data: { n, file, config, kernel, ids, mask, keep } }) => {
    try {
      if (file) model = distilBert(file, config, await compiled(kernel));
      const stages = ids && await goThrough(model.forward(ids, mask, keep));
      const move = Object.values(stages ?? {}).flat().filter(ArrayBuffer.isView).map(({ buffer }) => buffer);
      postMessage({ n, stages }, { transfer: move }); // moved, not copied: 512 tokens have 75 MB of weights
    } catch (error) { postMessage({ n, error: error.message }); }
  });
}

/** A worker made of `source` that answers one question after another. */
function askWorker(source) {
  const [worker, waiting] = [new Worker(URL.createObjectURL(new Blob([source]))), new Map()];
  let asked = 0;
  worker.onmessage = ({ data: { n, stages, error } }) => {
    const { give, fail } = waiting.get(n);
    waiting.delete(n);
    if (error) fail(new Error(error));
    else give(stages);
  };
  worker.onerror = ({ message }) => { for (const { fail } of waiting.values()) fail(new Error(message)); };
  return (question, move = []) => new Promise((give, fail) => {
    asked += 1;
    waiting.set(asked, { give, fail });
    worker.postMessage({ n: asked, ...question }, move);
  });
}

/** Fetch the model, and start it: in a worker, or, where a page's rules forbid one, here. @returns {Promise<Run>} */
async function startModel({ weights, config, kernel }, source, tell) {
  const file = await getWeights(weights, tell);
  if (!weights.inline) {
    const ask = askWorker(source);
    await ask({ file, config, kernel }, [file]);
    return (ids, mask, keep) => ask({ ids, mask, keep });
  }
  const model = distilBert(file, config, await compiled(kernel));
  let last = Promise.resolve(); // one run after another
  return (ids, mask, keep) => {
    const mine = last.then(() => goThrough(model.forward(ids, mask, keep), true));
    last = mine.catch(() => {});
    return mine;
  };
}

/**
 * The engine of a page. `source` is its own script, for the worker.
 * @param {{ words: string[], config: any, kernel: string, weights: any }} data
 */
export function openEngine(data, source) {
  const tokenizer = wordPiece(data.words);
  let started, run;
  return {
    megabytes: Math.round(data.weights.size / 1e6),
    /** Start the model once; `tell` hears how much of it is there (0 … 1). Throws an Error in words for a reader. */
    async start(tell) {
      started ??= startModel(data, source, tell);
      try { run = await started; } catch (error) { started = undefined; throw error; }
    },
    get runs() { return run !== undefined; },
    /** What answers for the widget `name`; `more` is what Python says that its traits don't. @returns {Reactions} */
    react(name, traits, more) {
      return REACTIONS[name](traits, { ...tokenizer, config: data.config, more, run: (...what) => run(...what) });
    },
  };
}
