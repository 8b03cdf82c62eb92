/* dsp/vector/loss_blocks.h - sums over the channels for blocks of output pixels. Part of loss.h. */

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

/* ---- Wide pixels ------------------------------------------------------------------ */

/* exp(d), d cut to what a float holds; NaN stays NaN. */
KERNEL vec fn_exp_cut(vec d) { return fn_exp(v_min(v_set(88), v_max(v_set(-87), d))); }

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

/* ---- Every size of a block -------------------------------------------------------- */

/* Last in the file: clang-format takes what follows for a part of it. */
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
