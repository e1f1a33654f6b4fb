/**
 * DistilBERT, from the ids of tokens to logits, with every stage on the way: the library's numbers within 0.00002.
 * All of them stand in one memory, `f`; a place in it is a count of floats from its beginning. What takes the time
 * (linear, gelu, softmax) is done by a kernel: kernel.c, or linear.js where that can't run.
 */
import { HALF, buildModel, claim, roundUp, toPanels } from "./memory.js";

/** n rows of numbers times the weights called `name`, plus their bias. */
function linearLayer({ run, tensors }, name, from, to, n) {
  const { place, rows, columns } = tensors[`${name}.weight`];
  run.linear(from, columns, place, tensors[`${name}.bias`].place, to, roundUp(rows), n, roundUp(rows), columns, 1);
}

/** Add `more` to x, and bring each row to mean 0 and variance 1; then times a weight, plus a bias. */
function addNorm({ f, tensors, at: { x, more }, dim }, name, n) {
  const [weight, bias] = ["weight", "bias"].map((part) => tensors[`${name}.${part}`].place);
  for (let row = x; row < x + n * dim; row += dim) {
    let [sum, squares] = [0, 0];
    for (let i = row; i < row + dim; i++) sum += f[i] += f[i - x + more];
    for (let i = row; i < row + dim; i++) squares += (f[i] - sum / dim) ** 2;
    const by = 1 / Math.sqrt(squares / dim + 1e-12);
    for (let i = 0; i < dim; i++) f[row + i] = (f[row + i] - sum / dim) * by * f[weight + i] + f[bias + i];
  }
}

/** For each token the vector of its id, plus that of its position. */
function embedIds(model, ids) {
  const { f, at: { x, more }, tensors, dim } = model;
  const [words, positions] = ["word", "position"].map((kind) => tensors[`embeddings.${kind}_embeddings.weight`].half);
  ids.forEach((id, n) => {
    for (let i = 0; i < dim; i++) {
      f[x + n * dim + i] = HALF[words[id * dim + i]];
      f[more + n * dim + i] = HALF[positions[n * dim + i]];
    }
  });
  addNorm(model, "embeddings.LayerNorm", ids.length);
}

/** All heads, each with `d` of every token's numbers: how well each query fits each key; as parts of 1, where the mask
 * lets it look; then the values, mixed by these parts. */
function attend({ f, at, run, dim, heads }, n, maskStep, keep) {
  const d = dim / heads;
  for (let first = 0; first < dim; first += d) {
    toPanels(f, at.keys, n, d, (token, i) => f[at.key + token * dim + first + i]);
    toPanels(f, at.values, d, n, (i, token) => f[at.value + token * dim + first + i]);
    run.linear(at.query + first, dim, at.keys, at.zeros, at.map, roundUp(n), n, roundUp(n), d, 1 / Math.sqrt(d));
    keep("scores", first / d);
    run.softmax(at.map, at.mask, maskStep, n, roundUp(n));
    keep("weights", first / d);
    run.linear(at.map, roundUp(n), at.values, at.zeros, at.mixed + first, dim, n, d, n, 1);
  }
}

/** One layer: each token takes from the others what it attends to; then two linear layers work on each alone. */
function runLayer(model, name, n, maskStep, keep) {
  const { at, run, tensors } = model;
  for (const to of ["query", "key", "value"]) linearLayer(model, `${name}.attention.${to[0]}_lin`, at.x, at[to], n);
  attend(model, n, maskStep, keep);
  linearLayer(model, `${name}.attention.out_lin`, at.mixed, at.more, n);
  addNorm(model, `${name}.sa_layer_norm`, n);
  linearLayer(model, `${name}.ffn.lin1`, at.x, at.inner, n);
  run.gelu(at.inner, n * tensors[`${name}.ffn.lin1.bias`].rows);
  linearLayer(model, `${name}.ffn.lin2`, at.inner, at.more, n);
  addNorm(model, `${name}.output_layer_norm`, n);
}

/** A number for each label, from the first token's vector. */
function labelLogits(model) {
  const { f, at, dim, tensors } = model;
  linearLayer(model, "pre_classifier", at.x, at.more, 1);
  for (let i = at.more; i < at.more + dim; i++) f[i] = Math.max(0, f[i]);
  linearLayer(model, "classifier", at.more, at.x, 1);
  return [...f.subarray(at.x, at.x + tensors["classifier.bias"].rows)];
}

/** Complain about ids and masks that the model can't take. */
function checkIds({ most, tensors }, ids, mask) {
  const [n, known] = [ids[0]?.length, tensors["embeddings.word_embeddings.weight"].rows];
  if (!n || n > most) throw new Error(`ids has rows of ${n ?? 0} tokens: the model takes 1 to ${most}.`);
  ids.forEach((row, r) => {
    const [strange, bits] = [row.find((id) => !(id >= 0 && id < known)), mask[r]?.length];
    if (row.length !== n) throw new Error(`ids[${r}] has ${row.length} tokens, ids[0] has ${n}: pad them alike.`);
    if (strange !== undefined) throw new Error(`ids[${r}] has ${strange}: the vocabulary has 0 to ${known - 1}.`);
    if (bits !== n && bits !== n * n) throw new Error(`mask[${r}] has ${bits} bits: ${n} or ${n} × ${n} are needed.`);
  });
}

/**
 * The model in `file`, model.safetensors, with its config.json. Without a kernel it is slow.
 * @param {ArrayBuffer} file @param {any} config @param {?WebAssembly.Module} kernel
 */
export function distilBert(file, config, kernel) {
  const model = buildModel(file, config, kernel);
  const { dim, heads, layers, f, bits, at } = model;
  let turn = 0;

  /**
   * Run it on rows of ids of one length n. A row's mask has n bits (may a token be looked at?), or n × n (may this one
   * look at that one?). Yields after each layer, so that a page can breathe; gives the stages that are to be kept.
   * @param {number[][]} ids @param {ArrayLike<number>[]} mask @param {string[]} kept
   */
  function* forward(ids, mask, kept = ["hidden", "scores", "weights"]) {
    checkIds(model, ids, mask);
    const [n, mine] = [ids[0].length, ++turn];
    const room = (stage, count, size) => (kept.includes(stage) ? Array.from({ length: count }, () =>
      claim(4 * count * ids.length * n * size, () => new Float32Array(ids.length * n * size))) : []);
    const seen = { logits: /** @type {number[][]} */ ([]), hidden: room("hidden", layers + 1, dim),
      scores: room("scores", layers, heads * n), weights: room("weights", layers, heads * n),
      query: room("query", layers, dim), key: room("key", layers, dim) };
    for (const [row, text] of ids.entries()) {
      bits.fill(0, at.mask, at.mask + n * roundUp(n));
      for (let i = 0; i < mask[row].length; i++)
        bits[at.mask + Math.floor(i / n) * roundUp(n) + i % n] = mask[row][i] ? -1 : 0;
      embedIds(model, text);
      seen.hidden[0]?.set(f.subarray(at.x, at.x + n * dim), row * n * dim);
      for (let layer = 0; layer < layers; layer++) {
        const keep = (stage, head) => {
          for (let q = 0, from = at.map; q < n; q++, from += roundUp(n))
            seen[stage][layer]?.set(f.subarray(from, from + n), ((row * heads + head) * n + q) * n);
        };
        runLayer(model, `transformer.layer.${layer}`, n, mask[row].length > n ? roundUp(n) : 0, keep);
        for (const to of ["query", "key"])
          seen[to][layer]?.set(f.subarray(at[to], at[to] + n * dim), row * n * dim);
        seen.hidden[layer + 1]?.set(f.subarray(at.x, at.x + n * dim), row * n * dim);
        yield layer;
        if (turn !== mine) throw new Error("The model was asked something else meanwhile: ask again.");
      }
      seen.logits.push(labelLogits(model));
    }
    return seen;
  }
  return { forward };
}
