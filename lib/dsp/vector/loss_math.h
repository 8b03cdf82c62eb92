/* dsp/vector/loss_math.h - exponentials, logarithms, and whether values are regular. Part of
 * loss.h. */

#include <float.h>
#include <stdint.h>

/* exp(x + rest) for |x| <= 88 and a small rest: 2^k exp(f), |f| <= log(2) / 2. Relative
 * error below 1.3e-7. The first part of log(2) is short, so that k times it is exact
 * without a fused multiply. */
KERNEL vec fn_exp_sum(vec x, const vec rest) {
  const vec magic = v_set(0x1.8p23F); /* adding it rounds to an integer, in the low bits */
  vec m = v_fma(x, v_set(0x1.715476p0F), magic);
  vec k = v_sub(m, magic);
  vec f = v_fma(k, v_set(-0x1.63p-1F), x);
  f = v_add(v_fma(k, v_set(0x1.bd0106p-13F), f), rest);
  vec p = v_set(0x1.6a23dp-10F);
  p = v_fma(p, f, v_set(0x1.123a2p-7F));
  p = v_fma(p, f, v_set(0x1.5558f2p-5F));
  p = v_fma(p, f, v_set(0x1.555492p-3F));
  p = v_fma(p, f, v_set(0x1.fffffcp-2F));
  p = v_fma(p, f, v_set(1));
  p = v_fma(p, f, v_set(1));
  return v_scale(p, m);
}

KERNEL vec fn_exp(vec x) { return fn_exp_sum(x, v_set(0)); }

/* exp(a * b + c) and exp(a * b) without what rounding takes from their arguments, where
 * there is a fused multiply: errors of factors grow with each multiplication. */
KERNEL vec fn_exp_line(vec a, vec b, vec c) {
  vec x = v_fma(a, b, c);
  return fn_exp_sum(x, v_fma(a, b, v_sub(c, x)));
}

KERNEL vec fn_exp_product(vec a, vec b) {
  vec x = v_mul(a, b);
  return fn_exp_sum(x, v_fma(a, b, v_sub(v_set(0), x)));
}

/* 2^f for |f| <= 1/2. Relative error below 1.6e-7; 2^0 is 1. */
KERNEL vec fn_power(vec f) {
  vec p = v_set(0x1.5bda58p-10F);
  p = v_fma(p, f, v_set(0x1.3ce8aep-7F));
  p = v_fma(p, f, v_set(0x1.c6b6d8p-5F));
  p = v_fma(p, f, v_set(0x1.ebf9c2p-3F));
  p = v_fma(p, f, v_set(0x1.62e42ap-1F));
  return v_fma(p, f, v_set(1));
}

/* exp(x) as a term of a sum, for any x: where floats end, their ends, or 0 and infinity. NaN
 * stays NaN; -infinity is as any number far below 0. Rounding x in units of log(2) costs up
 * to |x| 7e-8 of the term, which is what x lacks itself as a float; fn_exp is better, and
 * slower. */
KERNEL vec fn_exp_term(vec x) {
  const vec unit = v_set(0x1.715476p0F);
  const vec magic = v_set(0x1.8p23F); /* as above */
  x = v_min(v_set(88), v_max(v_set(-87), x));
  vec m = v_fma(x, unit, magic);
  return v_scale(fn_power(v_fma(x, unit, v_sub(magic, m))), m);
}

/* log(x) of a positive normal x. Absolute error below 2e-7 near 1, half a unit of the
 * last place elsewhere. */
KERNEL vec fn_log(vec x) {
  vec e;
  vec f = v_sub(v_split(x, &e), v_set(1));
  vec square = v_mul(f, f);
  vec p = v_set(-0x1.3893p-4F);
  p = v_fma(p, f, v_set(0x1.0744dp-3F));
  p = v_fma(p, f, v_set(-0x1.0e7f6p-3F));
  p = v_fma(p, f, v_set(0x1.229c8p-3F));
  p = v_fma(p, f, v_set(-0x1.544e7p-3F));
  p = v_fma(p, f, v_set(0x1.99a212p-3F));
  p = v_fma(p, f, v_set(-0x1.0002c8p-2F));
  p = v_fma(p, f, v_set(0x1.555552p-2F));
  p = v_mul(v_mul(p, f), square);
  p = v_fma(e, v_set(-0x1.bd0106p-13F), p);
  p = v_fma(square, v_set(-0.5F), p);
  return v_fma(e, v_set(0x1.63p-1F), v_add(f, p));
}

KERNEL_ENTRY void fn_losses(const float *sums, const double *base, size_t n, float *out) {
  for (size_t i = 0; i < n; i += LANES)
    v_store(out + i, v_max(v_less(fn_log(v_load(sums + i)), base + i), v_set(0)));
}

KERNEL void fn_logarithms(float *values, size_t n) {
  for (size_t i = 0; i < n; i += LANES) v_store(values + i, fn_log(v_load(values + i)));
}

/* x - x is 0 for finite numbers and NaN for the others. */
KERNEL_ENTRY int fn_regular(const float *values, size_t n, float least, float most) {
  vec low = v_set(least), high = v_set(most), nan = v_set(0);
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    vec z = v_load(values + i);
    nan = v_add(nan, v_sub(z, z));
    low = v_min(low, z);
    high = v_max(high, z);
  }
  float lowest = v_least(low), highest = v_largest(high), rest = v_sum(nan);
  for (; i < n; i++) {
    rest += values[i] - values[i];
    lowest = values[i] < lowest ? values[i] : lowest;
    highest = values[i] > highest ? values[i] : highest;
  }
  return rest == 0 && lowest >= least && highest <= most;
}
