/* baseline/baseline_left_out.c - scores a fitted image by a model without its counts. */
#include <stdlib.h>

#include "baseline/baseline_bins.h"
#include "baseline/baseline_model.h"

/* An empty baseline that borrows what labels mean. */
static baseline borrowed(const baseline *b) {
  return (baseline){.labels_name = b->labels_name,
                    .labels_fingerprint = b->labels_fingerprint,
                    .class_count = b->class_count,
                    .lanes = b->lanes,
                    .class_of = b->class_of,
                    .label_count = b->label_count};
}

/* Turns the counts of one image into those of all others. */
static void leave_out(const baseline *all, baseline *one) {
  const size_t classes = (size_t)all->class_count;
  for (size_t i = 0; i < BINS_TOTAL * classes; i++)
    one->counts[i] = all->counts[i] - one->counts[i];
  for (size_t k = 0; k < classes; k++) one->pixels[k] = all->pixels[k] - one->pixels[k];
}

fm_status baseline_predict_left_out(const baseline *b, const fm_plane *mask, const fm_volume *image,
                                    const fm_plane *loss, fm_error *err) {
  if (!b->counts || !b->weights)
    return baseline_fail(err, FM_ERR_ARGUMENT,
                         "the baseline has no counts to leave an image out of");
  baseline one = borrowed(b);
  fm_status status = baseline_fit_add(&one, mask, image, err);
  if (!status && !baseline_weights_open(&one))
    status = baseline_fail(err, FM_ERR_MEMORY, "no memory for the baseline");
  if (!status) {
    leave_out(b, &one);
    /* an only image is judged by itself */
    status = baseline_predict(baseline_weigh(&one) ? &one : b, mask, image, loss, NULL, err);
  }
  free(one.counts);
  free(one.pixels);
  free(one.weights);
  free(one.priors);
  return status;
}
