/* labels/score_map.c - the scores of one image, for hosts. */
#include <string.h>

#include "core/fail.h"
#include "core/view.h"
#include "labels/score.h"

/* ---- The loss itself ---------------------------------------------------------------- */

/* Fills scores[height][width] with the losses of the pixels that have a class. */
static fm_status map_losses(const fm_class_stats *stats, const fm__score_planes *planes,
                            float *scores, fm_error *err) {
  const fm_plane *mask = &planes->mask;
  const fm__lookup lookup = fm__labels_lookup(stats->labels);
  int32_t classes[FM__PIECE];
  for (int64_t y = 0; y < mask->height; y++)
    for (int64_t x = 0; x < mask->width; x += FM__PIECE) {
      size_t n = fm__piece_length(mask, x);
      float *row = scores + y * mask->width + x;
      fm__tile_classes(mask, &lookup, y, x, n, classes);
      fm__tile_losses(&planes->loss, y, x, n, row);
      for (size_t i = 0; i < n; i++) {
        int64_t column = x + (int64_t)i;
        if (classes[i] == FM_CLASS_INVALID)
          return fm__labels_fail(stats->labels, mask, y, column, err);
        if (classes[i] == FM_CLASS_IGNORE) {
          row[i] = 0;
          continue;
        }
        if (!(row[i] >= 0 && row[i] <= 3.40282347e38F))
          return fm__loss_fail(stats->labels, &planes->loss, classes[i], y, column, err);
        row[i] += 0.0F; /* -0 becomes 0 */
      }
    }
  return FM_OK;
}

/* ---- The call ------------------------------------------------------------------------ */

static fm_status read_planes(const fm_class_stats *stats, fm__score_planes *planes,
                             const fm_plane *mask, const fm_plane *loss,
                             const fm_extra_planes *extra, fm_error *err) {
  fm_status status = fm__plane_read(&planes->mask, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__plane_read(&planes->loss, loss, FM__LOSS_TYPES, "loss map", err);
  if (!status) status = fm__same_size(&planes->mask, "mask", &planes->loss, "loss map", err);
  if (status) return status;
  if (stats->rank) return fm__score_extra(stats->rank, planes, extra, err);
  return fm__extra_read(&planes->strata, NULL, extra, (int32_t)stats->strata, &planes->mask, err);
}

static fm_status check_scores(const fm__score_planes *planes, fm_plane *out, const fm_plane *scores,
                              fm_error *err) {
  fm_status status = fm__output_read(out, scores, FM__BIT(FM_F32), "scores", err);
  if (!status) status = fm__same_size(&planes->mask, "mask", out, "scores", err);
  if (!status) status = fm__check_output(out, "scores", &planes->mask, "mask", false, err);
  if (!status) status = fm__check_output(out, "scores", &planes->loss, "loss map", false, err);
  if (!status && planes->strata.data)
    status = fm__check_output(out, "scores", &planes->strata, "strata", false, err);
  if (!status) status = fm__reference_check_output(&planes->reference, out, "scores", err);
  return status;
}

static void deliver(const float *scores, const fm_plane *out) {
  for (int64_t y = 0; y < out->height; y++)
    for (int64_t x = 0; x < out->width; x++, scores++)
      memcpy(fm__pixel(out, y, x), scores, sizeof *scores);
}

fm_status fm_class_stats_score_map(const fm_class_stats *stats, const fm_plane *mask,
                                   const fm_plane *loss, const fm_extra_planes *extra,
                                   const fm_plane *scores, fm_error *err) {
  if (!stats) return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_score_map: stats is NULL");
  fm__score_planes planes = {.strata = {.data = NULL}};
  fm_plane out;
  fm_status status = read_planes(stats, &planes, mask, loss, extra, err);
  if (!status) status = check_scores(&planes, &out, scores, err);
  if (status) return status;
  const fm_context *context = stats->labels->context;
  float *memory = fm__alloc_pixels(context, out.height, out.width, sizeof *memory);
  if (!memory) return fm__fail_pixels(err, out.height, out.width);
  status = stats->rank ? fm__score_map(stats->rank, &planes, memory, err)
                       : map_losses(stats, &planes, memory, err);
  if (!status) deliver(memory, &out);
  fm__free(context, memory);
  return status;
}
