/* What takes the time in model.js, four numbers at once; linear.js does the same, one by one. A place is a count of
   floats from the beginning of the memory. This makes kernel.wasm of it, with clang and lld (Debian's 14 did):
   clang --target=wasm32 -msimd128 -O3 -fvisibility=default -nostdlib
     -Wl,--no-entry,--export-dynamic,--import-memory,-z,stack-size=4096,-s kernel.c -o kernel.wasm */
#include <wasm_simd128.h>
typedef float four __attribute__((ext_vector_type(4)));
typedef int four_ints __attribute__((ext_vector_type(4)));
static float *at(int place) { return (float *)(4 * place); }
static four load(int place) { return (four)wasm_v128_load(at(place)); }
static void store(int place, four x) { wasm_v128_store(at(place), (v128_t)x); }
static four larger(four a, four b) { return (four)wasm_f32x4_max((v128_t)a, (v128_t)b); }
static int row(int m, int M) { return m < M ? m : M - 1; } /* behind the last row, itself again */

/* out[m, n] = a[m, :] · b[:, n] * by + bias[n]; b lies in panels of 8 columns, and N is whole panels. Sums of 4 rows
   and 8 columns are what a processor has room for; of 192 products, what floats add up as exactly as torch does. */
void linear(int a, int lda, int b, int bias, int out, int ldo, int M, int N, int K, float by) {
  for (int n = 0; n < N; n += 8, b += 8 * K)
    for (int first = 0; first < K; first += 192)
      for (int m = 0; m < M; m += 4) {
        four sum[4][2] = {};
        for (int k = first; k < K && k < first + 192; k++)
          for (int i = 0; i < 4; i++)
            for (int j = 0; j < 2; j++) sum[i][j] += *at(a + row(m + i, M) * lda + k) * load(b + 8 * k + 4 * j);
        for (int i = 0; i < 4 && m + i < M; i++)
          for (int j = 0, to = out + (m + i) * ldo + n; j < 2; j++)
            store(to + 4 * j, load(first ? to + 4 * j : bias + n + 4 * j) + sum[i][j] * by);
      }
}

/* e to the x, for x <= 0: 2 to a whole number, times a polynomial for the rest (Cephes' expf). */
static four power(four x) {
  const float P[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, .5, 1, 1};
  x = larger(x, -87);
  four whole = (four)wasm_f32x4_nearest((v128_t)(x * 1.44269504f)), sum = P[0];
  x = x - whole * 0.693359375f + whole * 2.12194440e-4f; /* the logarithm of 2, in two parts */
  for (int i = 1; i < 8; i++) sum = sum * x + P[i];
  return sum * (four)((__builtin_convertvector(whole, four_ints) + 127) << 23);
}

/* x times the normal distribution's part below x (Abramowitz and Stegun, 7.1.26). */
void gelu(int x, int n) {
  const float P[] = {1.061405429f, -1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f, 0};
  for (int end = x + n; x < end; x += 4) {
    four z = load(x) * 0.70710678f, t = 1 / (1 + 0.3275911f * larger(z, -z)), tail = P[0];
    for (int i = 1; i < 6; i++) tail = tail * t + P[i];
    tail *= power(-z * z) / 2;
    store(x, load(x) * (z < 0 ? tail : 1 - tail));
  }
}

/* Each row of x, N long, becomes its softmax where mask has -1, and 0 where it has 0, which may be all of it. */
void softmax(int x, int mask, int mask_step, int M, int N) {
  for (; M > 0; M--, x += N, mask += mask_step) {
    four top = -__builtin_inff(), sum = 0;
    for (int n = 0; n < N; n += 4) top = larger(top, (four_ints)load(mask + n) ? load(x + n) : top);
    top = larger(larger(top.x, top.y), larger(top.z, top.w));
    for (int n = 0; n < N; sum += load(x + n), n += 4)
      store(x + n, (four_ints)load(mask + n) ? power(load(x + n) - top) : 0);
    for (int n = 0; n < N; n += 4) store(x + n, load(x + n) / larger(sum.x + sum.y + sum.z + sum.w, 1));
  }
}
