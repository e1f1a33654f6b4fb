/** What takes the time in model.js, in plain JavaScript: kernel.c does the same, four numbers at once. */

/** The three functions; a place is a count of floats from the beginning of `buffer`. @param {ArrayBufferLike} buffer */
export function plainKernel(buffer) {
  const [f, bits] = [new Float32Array(buffer), new Int32Array(buffer)];
  return {
    /** out[m, n] = a[m, :] · b[:, n] * by + bias[n]; b lies in panels of 8 columns, and N is whole panels. */
    linear(a, lda, b, bias, out, ldo, M, N, K, by) {
      for (let n = 0; n < N; n += 4) { // half a panel
        const half = b + (n & ~7) * K + (n & 4);
        for (let m = 0; m < M; m++) {
          let [s0, s1, s2, s3] = [0, 0, 0, 0];
          for (let k = 0, row = a + m * lda, at = half; k < K; k++, at += 8) {
            const x = f[row + k];
            s0 += x * f[at];
            s1 += x * f[at + 1];
            s2 += x * f[at + 2];
            s3 += x * f[at + 3];
          }
          [s0, s1, s2, s3].forEach((sum, i) => { f[out + m * ldo + n + i] = sum * by + f[bias + n + i]; });
        }
      }
    },
    /** x times the normal distribution's part below x (Abramowitz and Stegun, 7.1.26). */
    gelu(x, n) {
      for (let i = x; i < x + n; i++) {
        const z = Math.abs(f[i]) * Math.SQRT1_2;
        const t = 1 / (1 + 0.3275911 * z);
        const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
        const tail = sum * Math.exp(-z * z) / 2;
        f[i] *= f[i] < 0 ? tail : 1 - tail;
      }
    },
    /** Each row of x, N long, becomes its softmax where mask has -1, and 0 where it has 0, which may be all of it. */
    softmax(x, mask, maskStep, M, N) {
      for (let m = 0; m < M; m++, x += N, mask += maskStep) {
        let [top, sum] = [-Infinity, 0];
        for (let n = 0; n < N; n++) if (bits[mask + n]) top = Math.max(top, f[x + n]);
        for (let n = 0; n < N; n++) sum += f[x + n] = bits[mask + n] && Math.exp(f[x + n] - top);
        for (let n = 0; n < N; n++) f[x + n] /= sum || 1;
      }
    },
  };
}
