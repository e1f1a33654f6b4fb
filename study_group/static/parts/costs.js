/** What pads cost, as batching/costs.py counts it: slots and operations of texts, put into batches in five ways. */

const BATCH_PRICE = 25; // what starting a batch costs, in slots

/** Whole numbers below n, one after the other, as Python's random.Random(seed) draws them: the Mersenne Twister. */
function twister(seed) {
  const [state, size] = [new Uint32Array(624), Math.abs(seed)];
  const key = size < 2 ** 32 ? [size] : [size % 2 ** 32, Math.floor(size / 2 ** 32)];
  const before = (n) => { const last = state[(n + 623) % 624]; return last ^ (last >>> 30); };
  let at = 0;
  for (let n = 0; n < 624; n++) state[n] = n ? Math.imul(1812433253, before(n)) + n : 19650218;
  for (let n = 0, i = 1; n < 624 + 623; n++) {
    state[i] = n < 624 ? (state[i] ^ Math.imul(before(i), 1664525)) + key[n % key.length] + n % key.length
      : (state[i] ^ Math.imul(before(i), 1566083941)) - i;
    i = i % 623 + 1;
    if (i === 1) state[0] = state[623];
  }
  state[0] = 2 ** 31;
  function next() {
    const mixed = (state[at] & 0x80000000) | (state[(at + 1) % 624] & 0x7fffffff);
    let y = state[(at + 397) % 624] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    state[at] = y;
    at = (at + 1) % 624;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }
  return (n) => {
    let drawn = n;
    while (drawn >= n) drawn = next() >>> Math.clz32(n);
    return drawn;
  };
}

/** `lengths` in another order: what random.Random(seed).sample(lengths, len(lengths)) gives. */
function shuffled(lengths, seed) {
  const [left, draw] = [lengths.slice(), twister(seed)];
  return lengths.map((_, n) => {
    const [last, at] = [lengths.length - n - 1, draw(lengths.length - n)];
    const found = left[at];
    left[at] = left[last];
    return found;
  });
}

/** The cheapest batches of sorted `lengths` that fit into `budget` slots each, the longest first. */
function cheapestBatches(lengths, budget) {
  const [costs, begins, batches] = [[0], [0], []]; // of the first n texts: at best, and where the last batch begins
  lengths.forEach((longest, n) => {
    costs.push(Infinity);
    for (let first = Math.max(0, n + 1 - Math.max(1, Math.floor(budget / longest))); first <= n; first++) {
      const cost = costs[first] + longest * (n + 1 - first) + BATCH_PRICE;
      if (cost < costs[n + 1]) [costs[n + 1], begins[n + 1]] = [cost, first];
    }
  });
  for (let end = lengths.length; end; end = begins[end]) batches.push(lengths.slice(begins[end], end));
  return batches;
}

/**
 * What batches of texts of these `lengths` cost each strategy, with settings named as in Python, in a model that has
 * this number of `layers`, this `width` and this `inner` width. @param {Int32Array} lengths
 */
export function billsOf(lengths, [layers, width, inner]) {
  const [sorted, known] = [lengths.slice().sort(), new Map()];
  function budgeted(budget) {
    if (!known.has(budget)) known.set(budget, cheapestBatches(sorted, budget));
    return known.get(budget);
  }
  function costOf(strategy, batches, widths) {
    const rows = widths.map((n, batch) => [batches[batch].length, n]);
    const slots = rows.reduce((sum, [texts, n]) => sum + texts * n, 0);
    const pads = slots - lengths.reduce((sum, n) => sum + n, 0);
    const flops = rows.reduce((sum, [texts, n]) =>
      sum + texts * layers * (n * (8 * width * width + 4 * width * inner) + 4 * n * n * width), 0);
    return { strategy, slots, pads, wasted: pads / slots, flops, batches, widths };
  }
  /** @param {any} settings */
  return ({ order, seed, batch_size: size, max_length, pad_to_multiple_of: multiple, token_budget }) => {
    const given = order === "sorted" ? sorted : order === "shuffled" ? shuffled(lengths, seed) : lengths;
    const cut = (texts) => Array.from({ length: Math.ceil(texts.length / size) }, (_, n) =>
      texts.subarray(n * size, (n + 1) * size));
    const longest = (batches) => batches.map((texts) => texts.reduce((most, n) => Math.max(most, n)));
    const [plain, inOrder, cheap] = [cut(given), cut(sorted), budgeted(token_budget)];
    const bills = [costOf("longest", plain, longest(plain)), costOf("max_length", plain, plain.map(() => max_length)),
      costOf("sorted", inOrder, longest(inOrder)),
      costOf("multiple_of", plain, longest(plain).map((n) => Math.ceil(n / multiple) * multiple)),
      costOf("token_budget", cheap, longest(cheap))];
    const least = Math.min(...bills.map(({ flops }) => flops));
    return bills.map((bill) => ({ ...bill, relative: bill.flops / least }));
  };
}
