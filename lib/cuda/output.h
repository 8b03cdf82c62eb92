/* cuda/output.h - losses from outputs of any kind. */
#ifndef FM_CUDA_OUTPUT_H
#define FM_CUDA_OUTPUT_H

#include "cuda/logits.h"
#include "cuda/queries.h"
#include "cuda/scores.h"

FM__CU_APART bool cu_exact_loss(cu_job job, int32_t image, int64_t y, int64_t x, int32_t k,
                                float *loss, fm_cuda_status *s) {
  double exact = 0;
  bool good = true;
  *loss = 0;
  if (k < 0) return true;
  if (job->queries.data)
    good = cu_exact_queries(job, image, y, x, k, &exact, s);
  else if (job->kind == FM_OUTPUT_SCORES)
    good = cu_scores(job, image, y, x, k, &exact, s);
  else if (job->kind == FM_OUTPUT_PROBS)
    good = cu_probs(job, image, y, x, k, &exact, s);
  else if (job->binary)
    good = cu_binary_logit(job, image, y, x, k, &exact, s);
  else
    good = cu_exact_logits(job, image, y, x, k, &exact, s);
  *loss = exact > 0 ? (float)exact : 0;
  return good;
}

/* The losses of a column of `rows` pixels, those beyond having no class; bit j of the result: that of row j is
 * bad. */
FM__CU_FN uint32_t cu_column_losses(cu_job job, int32_t image, int64_t y, int rows, int64_t x,
                                    const int32_t *classes, float *losses) {
  uint32_t bad = 0;
  bool any = false;
  for (int j = 0; j < FM__CU_ROWS; j++) {
    losses[j] = 0;
    any |= classes[j] >= 0;
  }
  if (!any) return 0;
  if (job->queries.data) {
    if (cu_fast_queries(job, image, y, rows, x, classes, losses)) return 0;
  } else if (job->kind == FM_OUTPUT_LOGITS && !job->binary) {
    if (cu_fast_logits(job, image, y, rows, x, classes, losses)) return 0;
  }
  for (int j = 0; j < FM__CU_ROWS; j++)
    if (classes[j] >= 0 && !cu_exact_loss(job, image, y + j, x, classes[j], &losses[j], NULL))
      bad |= 1U << j;
  return bad;
}

#endif
