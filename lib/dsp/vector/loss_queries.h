/* dsp/vector/loss_queries.h - class scores of queries, composed and summed. Part of loss.h. */

/* Adds a row of a query's pixels, whose exp(-z) is the progression, to scores and totals. */
KERNEL void fn_add_sigmoids(const float *at, const float *const rows[FM__BLOCK],
                            const float *weights, size_t q, vec score[FM__BLOCK],
                            vec total[FM__BLOCK], const int nx) {
  const vec one = v_set(1);
  vec e = v_load(at), right = v_load(at + LANES), weight = v_load(weights + q);
  for (int i = 0; i < nx; i++) {
    vec sigmoid = v_div(one, v_add(one, e));
    score[i] = v_fma(sigmoid, v_load(rows[i] + q), score[i]);
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
                          const float *weights, float *scratch, float scores[FM__BLOCK],
                          float totals[FM__BLOCK], const int nx) {
  vec zero = v_set(0);
  vec score[FM__BLOCK] = {zero, zero, zero, zero}, total[FM__BLOCK] = {zero, zero, zero, zero};
  for (size_t q = first; q < end; q += LANES) {
    fn_add_sigmoids(scratch + 4 * q, rows, weights, q, score, total, nx);
    fn_step_down(scratch + 4 * q, nx);
  }
  float sums[2 * FM__BLOCK];
  v_sum4(score[0], score[1], score[2], score[3], sums);
  v_sum4(total[0], total[1], total[2], total[3], sums + FM__BLOCK);
  for (int i = 0; i < FM__BLOCK; i++) scores[i] += sums[i];
  for (int i = 0; i < FM__BLOCK; i++) totals[i] += sums[FM__BLOCK + i];
}

KERNEL void fn_query_block(const fm__block *b, size_t queries, const float *const *rows,
                           const float *weights, float *scratch, float *scores, float *totals,
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
    float *score = scores + FM__BLOCK * j, *total = totals + FM__BLOCK * j;
    for (int i = 0; i < FM__BLOCK; i++) score[i] = total[i] = 0;
    for (size_t q = 0; q < queries; q += FN_PART)
      fn_query_part(q, fn_part_end(q, queries), rows + FM__BLOCK * j, weights, scratch, score,
                    total, nx);
  }
}

KERNEL_ENTRY void fn_queries(const fm__block *block, int nx, int ny, size_t queries,
                             const float *const *rows, const float *weights, float *scratch,
                             float *scores, float *totals) {
  if (nx == 1)
    fn_query_block(block, queries, rows, weights, scratch, scores, totals, 1, ny);
  else if (nx == 2)
    fn_query_block(block, queries, rows, weights, scratch, scores, totals, 2, ny);
  else if (nx == 3)
    fn_query_block(block, queries, rows, weights, scratch, scores, totals, 3, ny);
  else
    fn_query_block(block, queries, rows, weights, scratch, scores, totals, 4, ny);
}
