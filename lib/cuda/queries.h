/* cuda/queries.h - losses from outputs of queries, whose scores are never composed: see network/queries.c, of which
 * this is a port. What a query's softmax gives each channel is computed once for each image, into the workspace. */
#ifndef FM_CUDA_QUERIES_H
#define FM_CUDA_QUERIES_H

#include "cuda/resize.h"
#include "network/log_sum.h"

/* ---- What is prepared ------------------------------------------------------------------ */

/* p[q][c] = exp(class logit - top - log_sum + log_weight), and the weight is 1 - p[q][no object]. */
typedef struct cu_queries {
  double *log_sums, *log_weights; /* [room] */
  float *tops, *weights;          /* [room] */
  float *rows;                    /* [channels][room] */
} cu_queries;

FM__CU_FN cu_queries cu_queries_of(cu_job job, int32_t image) {
  cu_queries qs;
  qs.log_sums = (double *)(void *)(job->query_memory + image * job->query_bytes);
  qs.log_weights = qs.log_sums + job->query_room;
  qs.tops = (float *)(void *)(qs.log_weights + job->query_room);
  qs.weights = qs.tops + job->query_room;
  qs.rows = qs.weights + job->query_room;
  return qs;
}

FM__CU_FN double cu_class_logit(cu_job job, int32_t image, int64_t q, int64_t c) {
  return (double)cu_float(cu_at(&job->queries, image, q, c), job->queries.dtype);
}

FM__CU_APART double cu_softplus(double z) { return (z > 0 ? z : 0) + log1p(exp(-fabs(z))); }

/* Of a query's weight. */
FM__CU_FN double cu_log_share(cu_job job, int32_t image, const cu_queries *qs, int64_t q,
                              int32_t c) {
  return cu_class_logit(job, image, q, c) - (double)qs->tops[q] - qs->log_sums[q];
}

typedef struct cu_query_own {
  double sums[FM__CU_THREADS];
  float tops[FM__CU_THREADS];
} cu_query_own;

/* Each thread's largest class logit, "no object" apart; a value that is not finite is noted by its number. */
FM__CU_FN void cu_query_top(cu_job job, int32_t image, int64_t q, uint32_t t, cu_query_own *own) {
  float top = -INFINITY;
  for (int64_t c = t; c <= job->channels; c += FM__CU_THREADS) {
    float z = (float)cu_class_logit(job, image, q, c);
    if (!isfinite(z))
      cu_bad_number(job, image, cu_rank_of(job, CU_QUERY), q * (job->channels + 1) + c);
    if (c < job->channels && z > top) top = z;
  }
  own->tops[t] = top;
}

FM__CU_FN void cu_query_sum(cu_job job, int32_t image, int64_t q, uint32_t t, cu_query_own *own) {
  double sum = 0;
  for (int64_t c = t; c < job->channels; c += FM__CU_THREADS)
    sum += exp(cu_class_logit(job, image, q, c) - (double)own->tops[0]);
  own->sums[t] = sum;
}

/* A query's weight, as a sum and not as a difference of 1. */
FM__CU_FN void cu_query_weight(cu_job job, int32_t image, int64_t q, const cu_query_own *own) {
  cu_queries qs = cu_queries_of(job, image);
  double sum = 0, top = (double)own->tops[0];
  for (int i = 0; i < FM__CU_THREADS; i++) sum += own->sums[i];
  double none = cu_class_logit(job, image, q, job->channels);
  double log_weight = -cu_softplus(none - top - log(sum));
  qs.tops[q] = (float)top;
  qs.log_sums[q] = log(sum);
  qs.log_weights[q] = log_weight;
  qs.weights[q] = (float)exp(log_weight);
}

/* A block for each query. */
FM__CU_KERNEL(queries) {
  FM__CU_START;
  FM__CU_OWN(cu_query_own, own);
  const int64_t q = FM__CU_BLOCK;
  FM__CU_EACH_THREAD(t) cu_query_top(job, FM__CU_IMAGE, q, t, own);
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) {
    if (t == 0)
      for (int i = 1; i < FM__CU_THREADS; i++) own->tops[0] = fmaxf(own->tops[0], own->tops[i]);
  }
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) cu_query_sum(job, FM__CU_IMAGE, q, t, own);
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) {
    if (t == 0) cu_query_weight(job, FM__CU_IMAGE, q, own);
  }
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) {
    cu_queries qs = cu_queries_of(job, FM__CU_IMAGE);
    for (int32_t c = (int32_t)t; c < job->channels; c += FM__CU_THREADS)
      qs.rows[(int64_t)c * job->query_room + q] =
          (float)exp(cu_log_share(job, FM__CU_IMAGE, &qs, q, c) + qs.log_weights[q]);
  }
}

/* ---- One pixel, exactly ------------------------------------------------------------------- */

/* Floats and their sums from here on may lack terms that were rounded to nothing. */
#define FM__CU_LEAST_SCORE 1e-30

/* Whether a score and a total tell the score's share: either because they lack nothing, or because it is
 * below the floor anyway. */
FM__CU_FN bool cu_is_known(cu_job job, double own, double all, double least) {
  if (!(all > least)) return false;
  return own > least || (own + least) / all < job->floor;
}

FM__CU_APART double cu_sigmoid(double z) {
  return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

FM__CU_FN double cu_mask_logit(cu_job job, int32_t image, const cu_taps *taps, int i, int32_t q) {
  return (double)cu_value(job, cu_channel(job, image, q), taps->y[i], taps->x[i]);
}

FM__CU_FN bool cu_query_sigmoid(cu_job job, int32_t image, const cu_taps *taps, int32_t q,
                                double *sigmoid, fm_cuda_status *s) {
  double sum = 0, size = 0;
  for (int i = 0; i < taps->count; i++) {
    double z = cu_mask_logit(job, image, taps, i, q);
    if (!isfinite(z)) return cu_value_fail(job, s, q, taps->y[i], taps->x[i], z);
    sum += taps->weight[i] * (job->compose_first ? cu_sigmoid(z) : z);
    size += fabs(z);
  }
  *sigmoid = job->compose_first ? sum : cu_sigmoid(sum);
  double doubt = size * FM__CU_BLEND_ERROR;
  if (job->compose_first || taps->count == 1 || doubt <= FM__CU_DOUBT) return true;
  return fabs(sum) - doubt > FM__CU_UNSEEN || cu_check_doubt(doubt, fabs(sum), s);
}

/* A logarithm as a sum: what may be large, and what is small. */
typedef struct cu_log_pair {
  double large, small;
} cu_log_pair;

FM__CU_FN cu_log_pair cu_log_sigmoid(double z) {
  cu_log_pair pair;
  pair.large = z < 0 ? z : 0;
  pair.small = -log1p(exp(-fabs(z)));
  return pair;
}

FM__CU_FN cu_log_pair cu_log_weight(cu_job job, int32_t image, const cu_queries *qs, int32_t q) {
  double none = cu_class_logit(job, image, q, job->channels) - (double)qs->tops[q];
  cu_log_pair pair;
  pair.large = none > 2 * FM__CU_UNSEEN ? -none : 0;
  pair.small = none > 2 * FM__CU_UNSEEN ? qs->log_sums[q] : qs->log_weights[q];
  return pair;
}

FM__CU_APART cu_log_pair cu_log_of_query(cu_job job, int32_t image, const cu_taps *taps,
                                         int32_t q) {
  cu_log_pair sum;
  double resized = 0;
  sum.large = -INFINITY;
  sum.small = 0;
  for (int i = 0; i < taps->count; i++) {
    double z = cu_mask_logit(job, image, taps, i, q);
    resized += taps->weight[i] * z;
    sum.large = fmax(sum.large, cu_log_sigmoid(z).large);
  }
  if (!job->compose_first) return cu_log_sigmoid(resized);
  for (int i = 0; i < taps->count; i++) {
    cu_log_pair one = cu_log_sigmoid(cu_mask_logit(job, image, taps, i, q));
    sum.small += taps->weight[i] * exp(one.large - sum.large + one.small);
  }
  sum.small = log(sum.small);
  return sum;
}

/* log(weight times sigmoid) of a query, less that of query `than`. */
FM__CU_APART double cu_log_part(cu_job job, int32_t image, const cu_queries *qs,
                                const cu_taps *taps, int32_t q, int32_t than, double *doubt) {
  cu_log_pair a = cu_log_of_query(job, image, taps, q);
  cu_log_pair b = cu_log_of_query(job, image, taps, than);
  cu_log_pair w = cu_log_weight(job, image, qs, q), v = cu_log_weight(job, image, qs, than);
  double large = a.large - b.large, size = fabs(large) + fabs(w.large - v.large);
  if (!job->compose_first && a.large < 0 && b.large < 0) {
    large = size = 0; /* both are resized logits: their differences are resized */
    for (int i = 0; i < taps->count; i++) {
      double difference =
          cu_mask_logit(job, image, taps, i, q) - cu_mask_logit(job, image, taps, i, than);
      large += taps->weight[i] * difference;
      size += fabs(difference);
    }
    size += fabs(w.large - v.large);
  }
  *doubt = size * FM__CU_BLEND_ERROR;
  return large + (w.large - v.large) + (a.small - b.small) + (w.small - v.small);
}

/* About the query with the largest weight times sigmoid. */
FM__CU_APART int32_t cu_largest_part(cu_job job, int32_t image, const cu_queries *qs,
                                     const cu_taps *taps) {
  int32_t best = 0;
  double most = -INFINITY;
  for (int32_t q = 0; q < job->query_count; q++) {
    cu_log_pair one = cu_log_of_query(job, image, taps, q);
    double part = one.large + one.small + qs->log_weights[q];
    if (part > most) best = q;
    if (part > most) most = part;
  }
  return best;
}

FM__CU_APART void cu_add_exp(fm__log_sum *s, double z) { fm__log_sum_add(s, z); }

/* The share by logarithms, where scores are too small for numbers. */
FM__CU_APART bool cu_tiny_share(cu_job job, int32_t image, const cu_taps *taps, int32_t channel,
                                double *share, fm_cuda_status *s) {
  cu_queries qs = cu_queries_of(job, image);
  fm__log_sum own = {-INFINITY, 0}, all = {-INFINITY, 0};
  int32_t best = cu_largest_part(job, image, &qs, taps);
  double most = 0, unseen = log(job->floor) - FM__CU_UNSEEN;
  for (int32_t q = 0; q < job->query_count; q++) {
    double doubt, part = cu_log_part(job, image, &qs, taps, q, best, &doubt);
    cu_add_exp(&own, part + cu_log_share(job, image, &qs, q, channel));
    cu_add_exp(&all, part);
    if (part + doubt > unseen && doubt > most) most = doubt;
  }
  *share = exp(own.top - all.top) * own.sum / all.sum;
  return cu_check_doubt(most, -log(*share), s);
}

FM__CU_APART bool cu_exact_queries(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k,
                                   double *loss, fm_cuda_status *s) {
  cu_queries qs = cu_queries_of(job, image);
  cu_taps taps = cu_taps_of(job, y, x);
  int32_t channel = cu_channel_of(job, k);
  const float *row = qs.rows + (int64_t)channel * job->query_room;
  double own = 0, all = 0, sigmoid = 0, share;
  for (int32_t q = 0; q < job->query_count; q++) {
    if (!cu_query_sigmoid(job, image, &taps, q, &sigmoid, s)) return false;
    own += sigmoid * (double)row[q];
    all += sigmoid * (double)qs.weights[q];
  }
  if (cu_is_known(job, own, all, FM__CU_LEAST_SCORE))
    share = own / all;
  else if (!cu_tiny_share(job, image, &taps, channel, &share, s))
    return false;
  *loss = cu_loss_of_share(job, share);
  return true;
}

/* ---- Several rows at once -------------------------------------------------------------------- */

/* A mask logit of -27 is rounded, as a float, by less than a millionth; sums of smaller sigmoids are left to
 * doubles. */
#define FM__CU_LEAST_FAST 1e-12

/* A pixel's sums: of its label's part of each query, and of all classes'. */
typedef struct cu_query_sums {
  double own[FM__CU_ROWS], all[FM__CU_ROWS];
} cu_query_sums;

/* False where a mask logit is not moderate. */
FM__CU_INLINE bool cu_query_sum_up(cu_job job, const cu_near *n, const float *weights,
                                   const float *const *parts, cu_query_sums *sums, int32_t dtype,
                                   int count) {
  float most = 0;
  int64_t at = 0;
  for (int32_t first = 0; first < job->query_count; first += FM__CU_PART) {
    int32_t end = job->query_count - first < FM__CU_PART ? job->query_count : first + FM__CU_PART;
    float own[FM__CU_ROWS], all[FM__CU_ROWS];
    for (int j = 0; j < FM__CU_ROWS; j++) own[j] = all[j] = 0;
    FM__CU_ROLLED
    for (int32_t q = first; q < end; q++, at += job->channel) {
      double row[FM__CU_NEAR];
      for (int r = 0; r < FM__CU_NEAR; r++) {
        if (r >= count) continue;
        float left = cu_quick_float(n->at[r][0] + at, dtype);
        float right = cu_quick_float(n->at[r][1] + at, dtype);
        most = fmaxf(most, fmaxf(fabsf(left), fabsf(right)));
        row[r] = n->left * (double)left + n->right * (double)right;
      }
      float weight = weights[q];
      for (int j = 0; j < FM__CU_ROWS; j++) {
        double z = n->weight[j][0] * row[0] + n->weight[j][1] * row[1];
        if (count > 2) z += n->weight[j][2] * row[2];
        float sigmoid = cu_reciprocal(1 + cu_exp2(-(float)z));
        own[j] += sigmoid * parts[j][q];
        all[j] += sigmoid * weight;
      }
    }
    for (int j = 0; j < FM__CU_ROWS; j++) {
      sums->own[j] += (double)own[j];
      sums->all[j] += (double)all[j];
    }
  }
  return most <= fm__float_of_bits(FM__CU_MODERATE);
}

FM__CU_INLINE bool cu_near_queries(cu_job job, const cu_near *n, const float *weights,
                                   const float *const *parts, cu_query_sums *sums, int32_t dtype) {
  return n->tall ? cu_query_sum_up(job, n, weights, parts, sums, dtype, FM__CU_NEAR)
                 : cu_query_sum_up(job, n, weights, parts, sums, dtype, FM__CU_NEAR - 1);
}

/* Of a column between any rows of the output. */
FM__CU_APART bool cu_wide_queries(cu_job job, int32_t image, int64_t y, int rows, int64_t x,
                                  const float *weights, const float *const *parts,
                                  cu_query_sums *sums) {
  cu_place down[FM__CU_ROWS], across = cu_place_of(&job->across, x);
  uint32_t most = 0;
  for (int j = 0; j < FM__CU_ROWS; j++)
    down[j] = cu_place_of(&job->down, y + (j < rows ? j : rows - 1));
  for (int32_t q = 0; q < job->query_count; q++) {
    double z[FM__CU_ROWS];
    cu_column(job, cu_channel(job, image, q), down, FM__CU_ROWS, &across, z, &most);
    for (int j = 0; j < FM__CU_ROWS; j++) {
      float sigmoid = cu_reciprocal(1 + cu_exp2((float)(z[j] * -1.4426950408889634)));
      sums->own[j] += (double)(sigmoid * parts[j][q]);
      sums->all[j] += (double)(sigmoid * weights[q]);
    }
  }
  return most <= FM__CU_MODERATE;
}

FM__CU_APART bool cu_fast_queries(cu_job job, int32_t image, int64_t y, int rows, int64_t x,
                                  const int32_t *classes, float *losses) {
  cu_queries qs = cu_queries_of(job, image);
  const float *parts[FM__CU_ROWS];
  cu_query_sums sums = {{0}, {0}};
  cu_near n;
  bool good;
  if (job->compose_first) return false;
  for (int j = 0; j < FM__CU_ROWS; j++) {
    parts[j] = qs.weights;
    if (classes[j] >= 0)
      parts[j] = qs.rows + (int64_t)cu_channel_of(job, classes[j]) * job->query_room;
  }
  if (!cu_near_find(job, image, y, rows, x, &n))
    good = cu_wide_queries(job, image, y, rows, x, qs.weights, parts, &sums);
  else if (job->values.dtype == FM_F32)
    good = cu_near_queries(job, &n, qs.weights, parts, &sums, FM_F32);
  else if (job->values.dtype == FM_F16)
    good = cu_near_queries(job, &n, qs.weights, parts, &sums, FM_F16);
  else
    good = cu_near_queries(job, &n, qs.weights, parts, &sums, FM_BF16);
  for (int j = 0; j < FM__CU_ROWS && good; j++) {
    if (j >= rows || classes[j] < 0) continue;
    good = cu_is_known(job, sums.own[j], sums.all[j], FM__CU_LEAST_FAST);
    if (good) losses[j] = (float)cu_loss_of_share(job, sums.own[j] / sums.all[j]);
  }
  return good;
}

#endif
