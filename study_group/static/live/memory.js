/** The model's numbers: out of its file, into one memory. A place in that is a count of floats from its beginning. */
import { plainKernel } from "./linear.js";

const MEMORY_PAGE = 65536; // bytes: so WebAssembly measures; the first page is the kernel's own

/** n, or the next larger number of whole eights, or whatever is computed at a time. */
export function roundUp(n, whole = 8) { return Math.ceil(n / whole) * whole; }

/** What each of the 65,536 half-precision numbers is: a sign, 5 bits of exponent, 10 bits of fraction. */
export const HALF = Float32Array.from({ length: 65536 }, (_, bits) => {
  const [exponent, fraction] = [bits >> 10 & 31, (bits & 1023) / 1024];
  if (exponent === 31) return fraction ? Number.NaN : bits >> 15 ? -Infinity : Infinity;
  return (bits >> 15 ? -1 : 1) * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
});

/** What `make` gives, which takes so many bytes; an Error for readers where there are none. */
export function claim(bytes, make) {
  try {
    return make();
  } catch {
    throw new Error(`The model needs ${Math.ceil(bytes / 2 ** 20)} MB of memory, more than this browser has left: `
      + "close other tabs, or take fewer and shorter texts.");
  }
}

/** The tensors in a safetensors file, by name: behind a length, a header in JSON says where the numbers of each are. */
function readTensors(file) {
  const length = Number(new DataView(file).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length)));
  delete header.__metadata__;
  return Object.fromEntries(Object.entries(header).map(([name, { dtype, shape, data_offsets: [from, end] }]) => {
    if (dtype !== "F16") throw new Error(`${name} is ${dtype}: a page's model has half precision, F16, alone.`);
    const [[rows, columns = 1], half] = [shape, new Uint16Array(file, 8 + length + from, (end - from) / 2)];
    return [name.replace("distilbert.", ""), { rows, columns, half, place: 0 }];
  }));
}

/** Write a table to the place `to` in panels: 8 rows side by side, column by column; zeros fill up the last panel.
 * @param {(row: number, column: number) => number} number what the table has there */
export function toPanels(f, to, rows, columns, number) {
  for (let first = 0; first < rows; first += 8) {
    for (let column = 0; column < columns; column++) {
      for (let row = first; row < first + 8; row++) f[to++] = row < rows ? number(row, column) : 0;
    }
  }
}

/** The model in a memory, with places to work `at`. The embeddings' tables stay in half precision: few of their rows
 * are ever asked for. Nothing of `file` is kept. @param {?WebAssembly.Module} kernel */
export function buildModel(file, config, kernel) {
  const { dim, n_heads: heads, n_layers: layers, hidden_dim, max_position_embeddings: most } = config;
  if (config.activation !== "gelu" || [dim / heads, hidden_dim].some((size) => size % 8))
    throw new Error("A page's model has gelu, and whole eights of numbers in its heads and layers: see config.json.");
  const [tensors, at] = [readTensors(file), /** @type {Record<string, number>} */ ({})];
  let end = MEMORY_PAGE / 4;
  const take = (size) => { end += roundUp(size, 16); return end - roundUp(size, 16); };
  for (const name of ["x", "more", "query", "key", "value", "keys", "values", "mixed"]) at[name] = take(most * dim);
  for (const name of ["map", "mask"]) at[name] = take(most * roundUp(most));
  [at.inner, at.zeros] = [take(most * hidden_dim), take(roundUp(most))];
  const [tables, weights] = [[], []];
  for (const name in tensors) (name.endsWith("_embeddings.weight") ? tables : weights).push(tensors[name]);
  for (const weight of weights) weight.place = take(roundUp(weight.rows) * weight.columns);
  const pages = Math.ceil(4 * end / MEMORY_PAGE);
  const memory = claim(pages * MEMORY_PAGE, () => (kernel ? new WebAssembly.Memory({ initial: pages })
    : { buffer: new ArrayBuffer(pages * MEMORY_PAGE) }));
  const [f, bits] = [new Float32Array(memory.buffer), new Int32Array(memory.buffer)];
  for (const { place, rows, columns, half } of weights)
    toPanels(f, place, rows, columns, (row, column) => HALF[half[row * columns + column]]);
  for (const weight of weights) weight.half = null;
  for (const table of tables) table.half = table.half.slice();
  const instance = kernel && new WebAssembly.Instance(kernel, { env: { memory } });
  const run = /** @type {any} */ (instance?.exports ?? plainKernel(memory.buffer));
  return { dim, heads, layers, most, f, bits, at, tensors, run };
}
