/** DistilBERT's forward pass with every stage, on one memory; `kernel` null: in plain JS. */
const HALF = (() => {  // what each of 65,536 half floats is
  const [all, bits, value] = [new Float32Array(65536), new Uint32Array(1), null];
  const f = new Float32Array(bits.buffer);
  for (let h = 0; h < 65536; h++) {
    const [s, e, m] = [(h & 0x8000) << 16, (h >> 10) & 31, h & 1023];
    if (e === 0) { all[h] = (s ? -1 : 1) * m * 2 ** -24; continue; }
    bits[0] = s | (e === 31 ? 255 : e + 112) << 23 | m << 13;
    all[h] = f[0];
  }
  return all;
})();

function erf(x) {
  x = Math.max(-4, Math.min(4, x));
  const x2 = x * x;
  let p = -2.72614225801306e-10, q = -1.45660718464996e-05;
  for (const c of [2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02]) p = p * x2 + c;
  for (const c of [-2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02]) q = q * x2 + c;
  return x * p / q;
}
const plain = (buffer) => {
  const f = new Float32Array(buffer);
  return {
    linear(a, lda, w, ldw, bias, out, ldo, M, N, K, by) {
      a >>= 2; w >>= 2; out >>= 2; bias >>= 2;
      for (let n = 0; n < N; n += 4) {
        const nn = Math.min(4, N - n), w0 = w + n * ldw, w1 = nn > 1 ? w0 + ldw : w0, w2 = nn > 2 ? w1 + ldw : w0, w3 = nn > 3 ? w2 + ldw : w0;
        for (let m = 0; m < M; m++) {
          const x = a + m * lda;
          let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
          for (let k = 0; k < K; k++) { const y = f[x + k]; s0 += y * f[w0 + k]; s1 += y * f[w1 + k]; s2 += y * f[w2 + k]; s3 += y * f[w3 + k]; }
          const o = out + m * ldo + n, b = bias ? bias + n : 0;
          f[o] = s0 * by + (bias ? f[b] : 0);
          if (nn > 1) f[o + 1] = s1 * by + (bias ? f[b + 1] : 0);
          if (nn > 2) f[o + 2] = s2 * by + (bias ? f[b + 2] : 0);
          if (nn > 3) f[o + 3] = s3 * by + (bias ? f[b + 3] : 0);
        }
      }
    },
    mix(p, x, ldx, out, ldo, M, K) {
      p >>= 2; x >>= 2; out >>= 2;
      for (let m = 0; m < M; m++) {
        const o = out + m * ldo;
        f.fill(0, o, o + 32);
        for (let k = 0; k < K; k++) { const y = f[p + m * K + k], r = x + k * ldx; for (let j = 0; j < 32; j++) f[o + j] += y * f[r + j]; }
      }
    },
    gelu(x, n) { x >>= 2; for (let i = x; i < x + n; i++) f[i] *= .5 * (1 + erf(f[i] * Math.SQRT1_2)); },
  };
};

export function distilBert(file, config, module) {
  const { n_layers: layers, n_heads: heads, dim, hidden_dim: ffn } = config, most = 1024;
  const headLength = Number(new BigUint64Array(file, 0, 1)[0]), base = 8 + headLength, packed = file;
  const read = JSON.parse(new TextDecoder().decode(new Uint8Array(packed, 8, headLength)));
  const head = {};
  for (const [name, { shape, data_offsets }] of Object.entries(read)) if (shape) head[name.replace(/^distilbert\./, "")] = { shape, at: data_offsets[0], type: "f16" };
  const table = "embeddings.word_embeddings.weight", size = (name) => head[name].shape.reduce((a, b) => a * b, 1);
  const decoded = Object.keys(head).filter((name) => name !== table);
  const floats = decoded.reduce((sum, name) => sum + (size(name) + 3 & ~3), 0);
  let at = 65536;
  const memory = new WebAssembly.Memory({ initial: Math.ceil((at + 4 * (floats + most * (dim * 6 + ffn) + heads * 512 * 512 * 2)) / 65536) });
  const f = new Float32Array(memory.buffer);
  const take = (n) => { const mine = at; at += 4 * (n + 3 & ~3); return mine; };
  const row = (name, r, n, to) => {
    const { type, at: from, scale } = head[name];
    if (type === "f16") { const h = new Uint16Array(packed, base + from + 2 * r * n, n); for (let i = 0; i < n; i++) f[to + i] = HALF[h[i]]; return; }
    const [q, by] = [new Int8Array(packed, base + from + r * n, n), new Float32Array(packed, base + scale + 4 * r, 1)[0]];
    for (let i = 0; i < n; i++) f[to + i] = q[i] * by;
  };
  const W = {};
  for (const name of decoded) {
    const { shape } = head[name], n = shape.at(-1), place = W[name] = take(size(name));
    for (let r = 0; r < size(name) / n; r++) row(name, r, n, (place >> 2) + r * n);
  }
  const start = at;
  const k = module ? new WebAssembly.Instance(module, { env: { memory } }).exports : plain(memory.buffer);
  function norm(name, x, M) {
    const [g, b] = [W[`${name}.weight`] >> 2, W[`${name}.bias`] >> 2];
    for (let m = 0, o = x >> 2; m < M; m++, o += dim) {
      let mean = 0, square = 0;
      for (let i = 0; i < dim; i++) mean += f[o + i];
      mean /= dim;
      for (let i = 0; i < dim; i++) square += (f[o + i] - mean) ** 2;
      const by = 1 / Math.sqrt(square / dim + 1e-12);
      for (let i = 0; i < dim; i++) f[o + i] = (f[o + i] - mean) * by * f[g + i] + f[b + i];
    }
  }
  const full = (name, x, out, M, N, K) => k.linear(x, K, W[`${name}.weight`], K, W[`${name}.bias`], out, N, M, N, K, 1);
  const copy = (from, n) => f.slice(from >> 2, (from >> 2) + n);
  function* forward(ids, masks, wanted = ["hidden", "scores", "weights"]) {
    const keep = Object.fromEntries(wanted.map((name) => [name, true]));
    const allowed = (b, q, k) => (masks[b].length === ids[0].length ? masks[b][k] : masks[b][q * ids[0].length + k]);
    at = start;
    const [B, n] = [ids.length, ids[0].length], M = B * n, d = dim / heads;
    const [x, q, key, v, ctx, sa, inner] = [dim, dim, dim, dim, dim, dim, ffn].map((w) => take(M * w));
    const maps = take(heads * n * n);
    const seen = { hidden: [], scores: [], weights: [] };
    const pos = W["embeddings.position_embeddings.weight"] >> 2;
    for (let m = 0; m < M; m++) {
      const o = (x >> 2) + m * dim;
      row(table, ids[Math.floor(m / n)][m % n], dim, o);
      for (let i = 0; i < dim; i++) f[o + i] += f[pos + (m % n) * dim + i];
    }
    norm("embeddings.LayerNorm", x, M);
    if (keep.hidden) seen.hidden.push(copy(x, M * dim));
    const mask = Array.from({ length: B }, (_, b) => Uint8Array.from({ length: n * n }, (_, i) => allowed(b, Math.floor(i / n), i % n)));
    for (let layer = 0; layer < layers; layer++) {
      const L = `transformer.layer.${layer}`;
      full(`${L}.attention.q_lin`, x, q, M, dim, dim);
      full(`${L}.attention.k_lin`, x, key, M, dim, dim);
      full(`${L}.attention.v_lin`, x, v, M, dim, dim);
      for (let b = 0; b < B; b++) {
        for (let h = 0; h < heads; h++) {
          const off = 4 * (b * n * dim + h * d), map = maps + 4 * h * n * n;
          k.linear(q + off, dim, key + off, dim, 0, map, n, n, n, d, 1 / Math.sqrt(d));
        }
        if (keep.scores) (seen.scores[layer] ??= new Float32Array(B * heads * n * n)).set(copy(maps, heads * n * n), b * heads * n * n);
        for (let h = 0, o = maps >> 2; h < heads; h++) for (let i = 0; i < n; i++, o += n) {
          let top = -Infinity, sum = 0;
          for (let j = 0; j < n; j++) if (mask[b][i * n + j] && f[o + j] > top) top = f[o + j];
          for (let j = 0; j < n; j++) sum += f[o + j] = mask[b][i * n + j] ? Math.exp(f[o + j] - top) : 0;
          if (sum) for (let j = 0; j < n; j++) f[o + j] /= sum; // a row of zeros stays one, as with sdpa
        }
        if (keep.weights) (seen.weights[layer] ??= new Float32Array(B * heads * n * n)).set(copy(maps, heads * n * n), b * heads * n * n);
        for (let h = 0; h < heads; h++) k.mix(maps + 4 * h * n * n, v + 4 * (b * n * dim + h * d), dim, ctx + 4 * (b * n * dim + h * d), dim, n, n);
      }
      full(`${L}.attention.out_lin`, ctx, sa, M, dim, dim);
      for (let i = 0, a = sa >> 2, o = x >> 2; i < M * dim; i++) f[a + i] += f[o + i];
      norm(`${L}.sa_layer_norm`, sa, M);
      full(`${L}.ffn.lin1`, sa, inner, M, ffn, dim);
      k.gelu(inner, M * ffn);
      full(`${L}.ffn.lin2`, inner, x, M, dim, ffn);
      for (let i = 0, a = sa >> 2, o = x >> 2; i < M * dim; i++) f[o + i] += f[a + i];
      norm(`${L}.output_layer_norm`, x, M);
      if (keep.hidden) seen.hidden.push(copy(x, M * dim));
      yield;
    }
    const logits = [];
    for (let b = 0; b < B; b++) {
      full("pre_classifier", x + 4 * b * n * dim, q, 1, dim, dim);
      for (let i = 0, o = q >> 2; i < dim; i++) if (f[o + i] < 0) f[o + i] = 0;
      full("classifier", q, key, 1, 2, dim);
      logits.push([...copy(key, 2)]);
    }
    return { logits, ...seen };
  }
  return { forward, bytes: memory.buffer.byteLength + packed.byteLength };
}

