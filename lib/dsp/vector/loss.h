/* dsp/vector/loss.h - the loss kernels in terms of vectors of LANES floats.
 *
 * Included once by each file of an instruction set, after it has defined:
 *   KERNEL            attributes of every function: static inline, "target"
 *   LEVEL_KERNELS     the name of the table made at the end
 *   vec, LANES        the vector type
 *   v_load, v_store   unaligned; v_load_bytes: the same from untyped memory
 *   v_load_half, v_load_bfloat   from LANES 16-bit numbers
 *   v_set, v_add, v_sub, v_mul, v_div, v_fma (a * b + c, rounded once or twice)
 *   v_min, v_max      the second operand where one is NaN
 *   v_scale(p, m)     p * 2^k, k being the low bits of m's pattern
 *   v_split(x, &e)    m of x = m * 2^e, m in [sqrt(1/2), sqrt(2))
 *   v_sum, v_least, v_largest    over the lanes
 *   v_sum4(a, b, c, d, out)      the sums of four vectors
 *   v_blend(corners, weights, base, c)   LANES channels from c on: the sum of weights[i] *
 *                     corners[i][c], less base, in double, then rounded
 *   HAS_EXP_ANY and v_exp_any(x), or neither: exp(x) of any x; may be NaN or infinity where
 *                     |x| > 1e4
 *   v_less(a, b)      a - LANES doubles, in double, then rounded
 *   v_transpose4(from, stride, to, pixel)   4 x 4 floats, untyped `stride` bytes apart, to
 *                     rows `pixel` floats apart
 *
 * Why it is fast: along a row (or a column) inside one cell of the network's grid,
 * bilinear values are linear, so their exponentials are a geometric progression. Four
 * exponentials serve up to 16 pixels. Lanes are channels: so any scale, aligned to the
 * grid or not, uses all lanes. */

#include <float.h>
#include <stdint.h>
#include <string.h>

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
KERNEL_ENTRY int fn_regular(const float *values, size_t n, float least) {
  vec low = v_set(least), odd = v_set(0);
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    vec z = v_load(values + i);
    odd = v_add(odd, v_sub(z, z));
    low = v_min(low, z);
  }
  float lowest = v_least(low), rest = v_sum(odd);
  for (; i < n; i++) {
    rest += values[i] - values[i];
    lowest = values[i] < lowest ? values[i] : lowest;
  }
  return rest == 0 && lowest >= least;
}

/* ---- Staging -------------------------------------------------------------------- */

#if defined(__GNUC__)
#define FN_PREFETCH(at) __builtin_prefetch(at)
#else
#define FN_PREFETCH(at) ((void)(at))
#endif

/* An address that may lie outside of the object: as a number, for pointers may not go there. */
KERNEL const char *fn_offset(const char *at, ptrdiff_t by) {
  /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
  return (const char *)((uintptr_t)at + (uintptr_t)by);
}

/* Lines are too far apart for the hardware to see the pattern. */
KERNEL void fn_prefetch4(const char *at, ptrdiff_t stride, ptrdiff_t ahead) {
  for (int i = 0; i < 4; i++) FN_PREFETCH(fn_offset(at, i * stride + ahead));
}

KERNEL_ENTRY void fn_transpose(const char *lines, ptrdiff_t stride, ptrdiff_t ahead, size_t n,
                               float *out, size_t pixel) {
  for (int line = 0; line < FM__STAGE_ALIGN; line += 4) {
    const char *at = lines + line * stride;
    size_t x = 0;
    for (; x + 4 <= n; x += 4) {
      if (x % 16 == 0) fn_prefetch4(at + 4 * x, stride, ahead);
      v_transpose4(at + 4 * x, stride, out + x * pixel + line, pixel);
    }
    for (; x < n; x++)
      for (int i = 0; i < 4; i++)
        memcpy(&out[x * pixel + (size_t)(line + i)], at + i * stride + 4 * x, sizeof *out);
  }
}

KERNEL int fn_stage_finish(float *pixel, size_t channels, size_t padded, float *top) {
  for (size_t c = channels; c < padded; c++) pixel[c] = pixel[0];
  vec largest = v_load(pixel), least = largest, odd = v_sub(largest, largest);
  for (size_t c = LANES; c < padded; c += LANES) {
    vec z = v_load(pixel + c);
    largest = v_max(largest, z);
    least = v_min(least, z);
    odd = v_add(odd, v_sub(z, z)); /* 0, or NaN */
  }
  *top = v_largest(largest);
  if (!(v_sum(odd) >= 0)) return FM__STAGE_ODD;
  for (size_t c = channels; c < padded; c++) pixel[c] = *top - FM__STAGE_PAD;
  return *top - v_least(least) <= FM__STAGE_RANGE ? FM__STAGE_GOOD : FM__STAGE_WIDE;
}

/* ---- Blocks --------------------------------------------------------------------- */

/* The progression of a channel: the first pixel of the next row; from a pixel to the next
 * one; from a row to the next one: of the first pixel, of the factor. */
typedef struct fn_series {
  vec first, right, down, turn;
} fn_series;

KERNEL fn_series fn_start(const fm__block *b, size_t c, const int nx, const int ny) {
  vec corner00 = v_sub(v_load(b->corner00 + c), v_set(b->tops[0]));
  vec corner01 = v_sub(v_load(b->corner01 + c), v_set(b->tops[1]));
  vec fall0 = v_sub(v_sub(v_load(b->corner10 + c), v_set(b->tops[2])), corner00);
  vec fall1 = v_sub(v_sub(v_load(b->corner11 + c), v_set(b->tops[3])), corner01);
  vec left = v_fma(v_set(b->u), fall0, v_fma(v_set(b->u_rest), fall0, corner00));
  vec right = v_fma(v_set(b->u), fall1, v_fma(v_set(b->u_rest), fall1, corner01));
  vec slope = v_sub(right, left);
  vec one = v_set(1);
  fn_series s = {one, one, one, one};
  s.first = fn_exp_line(v_set(b->t), slope, v_fma(v_set(b->t_rest), slope, left));
  if (nx > 1) s.right = fn_exp_product(v_set(b->dt), slope);
  if (ny > 1) {
    vec twist = v_sub(fall1, fall0);
    s.down = fn_exp_product(v_set(b->du), v_fma(v_set(b->t), twist, fall0));
    if (nx > 1) s.turn = fn_exp_product(v_set(b->dt * b->du), twist);
  }
  return s;
}

/* Adds a row of a channel's pixels. */
KERNEL void fn_add_row(const fn_series *s, vec acc[FM__BLOCK], const int nx) {
  vec e = s->first;
  acc[0] = v_add(acc[0], e);
  for (int i = 1; i < nx; i++) {
    e = v_mul(e, s->right);
    acc[i] = v_add(acc[i], e);
  }
}

KERNEL void fn_next_row(fn_series *s, const int nx) {
  s->first = v_mul(s->first, s->down);
  if (nx > 1) s->right = v_mul(s->right, s->turn);
}

/* Rows whose accumulators fit into the registers, with what else a row needs. */
#ifndef BLOCK_ROWS
#define BLOCK_ROWS 2
#endif

KERNEL void fn_store_rows(vec acc[BLOCK_ROWS][FM__BLOCK], const int rows, float *sums) {
  for (int j = 0; j < rows; j++)
    v_sum4(acc[j][0], acc[j][1], acc[j][2], acc[j][3], sums + FM__BLOCK * j);
}

KERNEL void fn_clear_rows(vec acc[BLOCK_ROWS][FM__BLOCK]) {
  for (int j = 0; j < BLOCK_ROWS; j++)
    for (int i = 0; i < FM__BLOCK; i++) acc[j][i] = v_set(0);
}

/* The first rows; what the others go on from is left in `scratch`. */
KERNEL void fn_upper_rows(const fm__block *b, size_t first, size_t end, float *scratch, float *sums,
                          const int nx, const int ny) {
  const int rows = ny < BLOCK_ROWS ? ny : BLOCK_ROWS;
  vec acc[BLOCK_ROWS][FM__BLOCK];
  fn_clear_rows(acc);
  for (size_t c = first; c < end; c += LANES) {
    fn_series s = fn_start(b, c, nx, ny);
    for (int j = 0; j < rows; j++) {
      fn_add_row(&s, acc[j], nx);
      if (j + 1 < ny) fn_next_row(&s, nx);
    }
    if (ny <= BLOCK_ROWS) continue;
    v_store(scratch + 4 * c, s.first);
    v_store(scratch + 4 * c + LANES, s.right);
    v_store(scratch + 4 * c + 2 * LANES, s.down);
    v_store(scratch + 4 * c + 3 * LANES, s.turn);
  }
  fn_store_rows(acc, rows, sums);
}

KERNEL void fn_lower_rows(size_t first, size_t end, const float *scratch, float *sums, const int nx,
                          const int rows) {
  vec acc[BLOCK_ROWS][FM__BLOCK];
  fn_clear_rows(acc);
  for (size_t c = first; c < end; c += LANES) {
    const float *at = scratch + 4 * c;
    fn_series s = {v_load(at), v_load(at + LANES), v_load(at + 2 * LANES), v_load(at + 3 * LANES)};
    for (int j = 0; j < rows; j++) {
      fn_add_row(&s, acc[j], nx);
      if (j + 1 < rows) fn_next_row(&s, nx);
    }
  }
  fn_store_rows(acc, rows, sums);
}

/* Additions of a lane before its sum goes elsewhere: each rounds, and many alike terms all
 * in one direction. */
enum { FN_PART = 32 * LANES };

KERNEL size_t fn_part_end(size_t first, size_t channels) {
  return channels - first < FN_PART ? channels : first + FN_PART;
}

KERNEL void fn_block_part(const fm__block *b, size_t first, size_t end, float *scratch, float *sums,
                          const int nx, const int ny) {
  fn_upper_rows(b, first, end, scratch, sums, nx, ny);
  if (ny > BLOCK_ROWS)
    fn_lower_rows(first, end, scratch, sums + BLOCK_ROWS * FM__BLOCK, nx, ny - BLOCK_ROWS);
}

KERNEL void fn_block(const fm__block *b, size_t channels, float *scratch, float *sums, const int nx,
                     const int ny) {
  size_t end = fn_part_end(0, channels);
  fn_block_part(b, 0, end, scratch, sums, nx, ny);
  for (size_t first = end; first < channels; first = end) {
    float part[FM__BLOCK_PIXELS];
    end = fn_part_end(first, channels);
    fn_block_part(b, first, end, scratch, part, nx, ny);
    for (int i = 0; i < FM__BLOCK * ny; i++) sums[i] += part[i];
  }
}

/* clang-format off */
#define FN_BLOCK(NX, NY)                                                          \
  KERNEL_ENTRY void fn_block_##NX##_##NY(const fm__block *block, size_t channels, \
                                         float *scratch, float *sums) {           \
    fn_block(block, channels, scratch, sums, NX, NY);                             \
  }
FN_BLOCK(1, 1) FN_BLOCK(2, 1) FN_BLOCK(3, 1) FN_BLOCK(4, 1)
FN_BLOCK(1, 2) FN_BLOCK(2, 2) FN_BLOCK(3, 2) FN_BLOCK(4, 2)
FN_BLOCK(1, 3) FN_BLOCK(2, 3) FN_BLOCK(3, 3) FN_BLOCK(4, 3)
FN_BLOCK(1, 4) FN_BLOCK(2, 4) FN_BLOCK(3, 4) FN_BLOCK(4, 4)
/* clang-format on */
#undef FN_BLOCK

    /* ---- Wide pixels ------------------------------------------------------------------ */

    /* exp(d), d cut to what a float holds; NaN stays NaN. */
    KERNEL vec fn_exp_cut(vec d) {
  return fn_exp(v_min(v_set(88), v_max(v_set(-87), d)));
}

/* Lanes from `n` on become `fill`. */
KERNEL vec fn_fill(vec a, size_t n, float fill) {
  if (n >= LANES) return a;
  float lanes[LANES];
  v_store(lanes, a);
  for (; n < LANES; n++) lanes[n] = fill;
  return v_load(lanes);
}

/* About the largest z; what floats make of it is near enough. */
KERNEL float fn_wide_base(const float *const corners[4], const float weights[4], size_t channels) {
  vec w[4], largest = v_set(-FLT_MAX);
  for (int i = 0; i < 4; i++) w[i] = v_set(weights[i]);
  for (size_t c = 0; c < channels; c += LANES) {
    vec z = v_mul(w[0], v_load(corners[0] + c));
    for (int i = 1; i < 4; i++) z = v_fma(w[i], v_load(corners[i] + c), z);
    largest = v_max(fn_fill(z, channels - c, -FLT_MAX), largest);
  }
  return v_largest(largest);
}

KERNEL_ENTRY double fn_wide(const float *const corners[4], const double weights[4], size_t channels,
                            double *base) {
  const float rounded[4] = {(float)weights[0], (float)weights[1], (float)weights[2],
                            (float)weights[3]};
  *base = (double)fn_wide_base(corners, rounded, channels);
  double sum = 0;
  for (size_t first = 0, end; first < channels; first = end) {
    vec part = v_set(0);
    end = fn_part_end(first, channels);
    for (size_t c = first; c < end; c += LANES)
      part =
          v_add(part, fn_exp_cut(fn_fill(v_blend(corners, weights, *base, c), channels - c, -87)));
    sum += (double)v_sum(part);
  }
  return sum;
}

/* ---- Queries -------------------------------------------------------------------- */

/* Adds a row of a query's pixels, whose exp(-z) is the progression, to shares and totals. */
KERNEL void fn_add_sigmoids(const float *at, const float *const rows[FM__BLOCK],
                            const float *weights, size_t q, vec share[FM__BLOCK],
                            vec total[FM__BLOCK], const int nx) {
  const vec one = v_set(1);
  vec e = v_load(at), right = v_load(at + LANES), weight = v_load(weights + q);
  for (int i = 0; i < nx; i++) {
    vec sigmoid = v_div(one, v_add(one, e));
    share[i] = v_fma(sigmoid, v_load(rows[i] + q), share[i]);
    total[i] = v_fma(sigmoid, weight, total[i]);
    e = v_mul(e, right);
  }
}

KERNEL void fn_step_down(float *at, const int nx) {
  v_store(at, v_mul(v_load(at), v_load(at + 2 * LANES)));
  if (nx > 1) v_store(at + LANES, v_mul(v_load(at + LANES), v_load(at + 3 * LANES)));
}

/* Adds queries first .. end - 1 of a row of pixels, and takes them to the next row. */
KERNEL void fn_query_part(size_t first, size_t end, const float *const rows[FM__BLOCK],
                          const float *weights, float *scratch, float shares[FM__BLOCK],
                          float totals[FM__BLOCK], const int nx) {
  vec zero = v_set(0);
  vec share[FM__BLOCK] = {zero, zero, zero, zero}, total[FM__BLOCK] = {zero, zero, zero, zero};
  for (size_t q = first; q < end; q += LANES) {
    fn_add_sigmoids(scratch + 4 * q, rows, weights, q, share, total, nx);
    fn_step_down(scratch + 4 * q, nx);
  }
  float sums[2 * FM__BLOCK];
  v_sum4(share[0], share[1], share[2], share[3], sums);
  v_sum4(total[0], total[1], total[2], total[3], sums + FM__BLOCK);
  for (int i = 0; i < FM__BLOCK; i++) shares[i] += sums[i];
  for (int i = 0; i < FM__BLOCK; i++) totals[i] += sums[FM__BLOCK + i];
}

KERNEL void fn_query_block(const fm__block *b, size_t queries, const float *const *rows,
                           const float *weights, float *scratch, float *shares, float *totals,
                           const int nx, int ny) {
  for (size_t q = 0; q < queries; q += LANES) {
    fn_series s = fn_start(b, q, nx, FM__BLOCK);
    float *at = scratch + 4 * q;
    v_store(at, s.first);
    v_store(at + LANES, s.right);
    v_store(at + 2 * LANES, s.down);
    v_store(at + 3 * LANES, s.turn);
  }
  for (int j = 0; j < ny; j++) {
    float *share = shares + FM__BLOCK * j, *total = totals + FM__BLOCK * j;
    for (int i = 0; i < FM__BLOCK; i++) share[i] = total[i] = 0;
    for (size_t q = 0; q < queries; q += FN_PART)
      fn_query_part(q, fn_part_end(q, queries), rows + FM__BLOCK * j, weights, scratch, share,
                    total, nx);
  }
}

KERNEL_ENTRY void fn_queries(const fm__block *block, int nx, int ny, size_t queries,
                             const float *const *rows, const float *weights, float *scratch,
                             float *shares, float *totals) {
  if (nx == 1)
    fn_query_block(block, queries, rows, weights, scratch, shares, totals, 1, ny);
  else if (nx == 2)
    fn_query_block(block, queries, rows, weights, scratch, shares, totals, 2, ny);
  else if (nx == 3)
    fn_query_block(block, queries, rows, weights, scratch, shares, totals, 3, ny);
  else
    fn_query_block(block, queries, rows, weights, scratch, shares, totals, 4, ny);
}

/* ---- Outputs of the mask's size --------------------------------------------------- */

enum { FN_GROUP = 4 }; /* channels whose terms are added before they go to memory */

KERNEL vec fn_load(const char *at, const int32_t dtype) {
  if (dtype == FM_F16) return v_load_half(at);
  if (dtype == FM_BF16) return v_load_bfloat(at);
  return v_load_bytes(at);
}

/* Adds exp(d) to a sum; `low` keeps what the sum may not tell. */
KERNEL void fn_add_exp(vec d, vec *sum, vec *low) {
  *low = v_min(*low, d);
#ifdef HAS_EXP_ANY
  *sum = v_add(*sum, v_exp_any(d));
#else
  *sum = v_add(*sum, fn_exp_cut(d));
#endif
}

/* A sum some of whose terms were exp(-infinity) becomes NaN. */
KERNEL vec fn_judge_sum(vec sum, vec low) { return v_add(sum, v_sub(low, low)); }

/* Channels are too far apart for the hardware to see the pattern: `ahead` bytes on lies
 * what is needed later. */
KERNEL void fn_planar_group(const char *at, const int32_t dtype, ptrdiff_t stride, ptrdiff_t ahead,
                            const int group, const float *base, float *sums, float *lowest,
                            size_t n) {
  const size_t element = dtype == FM_F32 ? 4 : 2;
  for (size_t x = 0; x < n; x += LANES) {
    vec b = v_load(base + x), sum = v_set(0), low = v_load(lowest + x);
    const char *pixel = at + x * element;
    for (int g = 0; g < group; g++) {
      FN_PREFETCH(fn_offset(pixel, ahead + g * stride));
      fn_add_exp(v_sub(fn_load(pixel + g * stride, dtype), b), &sum, &low);
    }
    /* Few additions to the large sum: each rounds. */
    v_store(sums + x, v_add(v_load(sums + x), sum));
    v_store(lowest + x, low);
  }
}

/* Channels between a read and what is fetched meanwhile: whole groups, 16 KiB if they can. */
KERNEL size_t fn_distance(size_t row_bytes) {
  size_t groups = ((size_t)16 << 10) / (FN_GROUP * row_bytes + 1) + 1;
  return FN_GROUP * (groups < 4 ? groups : 4);
}

/* Groups whose sums are added before they go to the large sum. */
enum { FN_GROUPS = 16 };

/* Moves `part` to the sums. */
KERNEL void fn_fold(float *part, float *sums, size_t n) {
  for (size_t x = 0; x < n; x += LANES) {
    v_store(sums + x, v_add(v_load(sums + x), v_load(part + x)));
    v_store(part + x, v_set(0));
  }
}

KERNEL void fn_planar_typed(const char *at, const int32_t dtype, ptrdiff_t stride, size_t channels,
                            const float *base, float *sums, float *spare, size_t n) {
  const size_t row_bytes = n * (dtype == FM_F32 ? 4 : 2), distance = fn_distance(row_bytes);
  float *lowest = spare, *part = spare + n;
  for (size_t x = 0; x < n; x++) sums[x] = lowest[x] = part[x] = 0;
  size_t c = 0;
  for (; c + FN_GROUP <= channels; c += FN_GROUP) {
    ptrdiff_t ahead = (ptrdiff_t)distance * stride;
    if (c + distance >= channels) /* then comes the next row */
      ahead += (ptrdiff_t)row_bytes - (ptrdiff_t)channels * stride;
    fn_planar_group(at + (ptrdiff_t)c * stride, dtype, stride, ahead, FN_GROUP, base, part, lowest,
                    n);
    if (c % (FN_GROUPS * FN_GROUP) == (FN_GROUPS - 1) * FN_GROUP) fn_fold(part, sums, n);
  }
  for (; c < channels; c++)
    fn_planar_group(at + (ptrdiff_t)c * stride, dtype, stride, 0, 1, base, part, lowest, n);
  fn_fold(part, sums, n);
  for (size_t x = 0; x < n; x += LANES)
    v_store(sums + x, fn_judge_sum(v_load(sums + x), v_load(lowest + x)));
}

KERNEL_ENTRY void fn_planar(const char *output, int32_t dtype, ptrdiff_t channel_stride,
                            size_t channels, const float *base, float *sums, float *spare,
                            size_t n) {
  if (dtype == FM_F32)
    fn_planar_typed(output, FM_F32, channel_stride, channels, base, sums, spare, n);
  else if (dtype == FM_F16)
    fn_planar_typed(output, FM_F16, channel_stride, channels, base, sums, spare, n);
  else
    fn_planar_typed(output, FM_BF16, channel_stride, channels, base, sums, spare, n);
}

KERNEL_ENTRY float fn_pixel(const float *z, size_t channels, float base) {
  vec b = v_set(base), low = v_set(0);
  size_t c = 0, whole = channels / LANES * LANES;
  float sum = 0;
  for (size_t end; c < whole; c = end) {
    vec part = v_set(0);
    for (end = fn_part_end(c, whole); c < end; c += LANES)
      fn_add_exp(v_sub(v_load(z + c), b), &part, &low);
    sum += v_sum(part);
  }
  if (c < channels) {
    vec part = v_set(0);
    float rest[LANES];
    for (size_t i = 0; i < LANES; i++) rest[i] = c + i < channels ? z[c + i] - base : -87;
    fn_add_exp(v_load(rest), &part, &low);
    sum += v_sum(part);
  }
  return sum + v_sum(v_sub(low, low));
}

KERNEL_ENTRY int fn_stage_finish_entry(float *pixel, size_t channels, size_t padded, float *top) {
  return fn_stage_finish(pixel, channels, padded, top);
}

KERNEL_ENTRY void fn_logarithms_entry(float *values, size_t n) { fn_logarithms(values, n); }

static const fm__loss_kernels LEVEL_KERNELS = {
    fn_regular,
    fn_transpose,
    fn_stage_finish_entry,
    {{fn_block_1_1, fn_block_2_1, fn_block_3_1, fn_block_4_1},
     {fn_block_1_2, fn_block_2_2, fn_block_3_2, fn_block_4_2},
     {fn_block_1_3, fn_block_2_3, fn_block_3_3, fn_block_4_3},
     {fn_block_1_4, fn_block_2_4, fn_block_3_4, fn_block_4_4}},
    fn_wide,
    fn_queries,
    fn_planar,
    fn_pixel,
    fn_losses,
    fn_logarithms_entry,
    LANES,
};
