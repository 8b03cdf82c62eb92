/* hardness/hardness_own.c - the measures by the losses of the image itself. */
#include <math.h>

#include "core/fail.h"
#include "core/view.h"
#include "dsp/select.h"
#include "hardness/hardness.h"
#include "labels/class_stats.h"

/* ---- The largest losses ----------------------------------------------------------- */

/* The mean of the `wanted` largest losses, of which those above `limit` are part and those equal to
 * it fill the rest. Sums in reading order. */
static double mean_of_largest(const fm__image *image, float limit, double wanted) {
  double sum = 0, above = 0;
  int32_t cells[FM__PIECE];
  float losses[FM__PIECE];
  for (fm__yx at = {0, 0}; at.y < image->mask.height; at.y++)
    for (at.x = 0; at.x < image->mask.width; at.x += FM__PIECE) {
      size_t n = fm__piece_length(&image->mask, at.x);
      fm__image_cells(image, at, n, cells);
      fm__tile_losses(&image->loss, at.y, at.x, n, losses);
      for (size_t i = 0; i < n; i++)
        if (cells[i] >= 0 && fm__loss_order(losses[i]) > fm__loss_order(limit)) {
          sum += (double)losses[i];
          above++;
        }
    }
  return (sum + (wanted - above) * (double)limit) / wanted;
}

static fm_status top_share(const fm_hardness *hardness, const fm_plane *mask, const fm_plane *loss,
                           int64_t valid, double *out, fm_error *err) {
  const fm_context *context = hardness->labels->context;
  fm__image image = {.lookup = fm__labels_lookup(hardness->labels)}; /* one cell: all classes */
  fm_status status = fm__plane_read(&image.mask, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__plane_read(&image.loss, loss, FM__LOSS_TYPES, "loss map", err);
  if (status) return status;
  int64_t *memory = fm__alloc_array(context, fm__select_words(1), sizeof *memory);
  if (!memory) return fm__fail_memory(err, fm__select_words(1) * sizeof *memory);
  double wanted = hardness->options.share * (double)valid;
  int64_t place = (int64_t)ceil(wanted); /* from the largest, from 1 */
  fm__selected last = {.wanted = valid - (place ? place : 1) + 1};
  fm__select(&image, 0, 1, &last, memory);
  fm__free(context, memory);
  *out = mean_of_largest(&image, last.loss, wanted);
  return FM_OK;
}

/* ---- All measures ----------------------------------------------------------------- */

static double worst_class(const fm_hardness *hardness, const fm_class_stats *own) {
  fm__worst worst = fm__worst_start(hardness->options.share, own->pixels);
  for (int32_t k = 0; k < hardness->labels->class_count; k++) {
    int64_t pixels = fm_class_stats_pixel_count(own, k, FM_ALL_STRATA);
    if (pixels) fm__worst_offer(&worst, fm_class_stats_mean(own, k, FM_ALL_STRATA), pixels);
  }
  return fm__worst_mean(&worst);
}

/* The statistics of this image alone hold pixels. */
static fm_status measure(const fm_hardness *hardness, const fm_class_stats *own,
                         const fm_plane *mask, const fm_plane *loss, double *out, fm_error *err) {
  switch (hardness->options.measure) {
    case FM_MEASURE_WORST_CLASS:
      *out = worst_class(hardness, own);
      return FM_OK;
    case FM_MEASURE_TOP_SHARE:
      return top_share(hardness, mask, loss, own->pixels, out, err);
    default:
      *out = fm__class_stats_global_mean(own);
      return FM_OK;
  }
}

fm_status fm_hardness_measure_loss(const fm_hardness *hardness, const fm_plane *mask,
                                   const fm_plane *loss, double *out, int64_t *valid_pixels,
                                   fm_error *err) {
  if (!hardness || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_hardness_measure_loss: an argument is NULL");
  fm_class_stats *own = NULL;
  double value = 0;
  fm_status status = fm_class_stats_create(hardness->labels, NULL, &own, err);
  if (status) return status;
  status = fm_class_stats_add(own, mask, loss, NULL, err);
  int64_t valid = status ? 0 : own->pixels;
  if (valid) status = measure(hardness, own, mask, loss, &value, err);
  fm_class_stats_destroy(own);
  if (status) return status;
  *out = value;
  if (valid_pixels) *valid_pixels = valid;
  return FM_OK;
}
