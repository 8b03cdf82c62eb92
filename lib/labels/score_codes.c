/* labels/score_codes.c - what a real image loses, in a byte a pixel. */
#include <math.h>
#include <string.h>

#include "core/bits.h"
#include "core/fail.h"
#include "core/view.h"
#include "dsp/bins.h"
#include "labels/score.h"

/* One call. */
typedef struct encoding {
  const fm_class_stats *stats;
  fm_plane mask, loss, out;
  uint8_t *codes; /* [height][width] */
} encoding;

static uint8_t code_of(int32_t steps) {
  const int32_t most = fm__score_most_steps(), last = FM__BYTES - 1;
  if (steps <= 0) return 0;
  return (uint8_t)(steps < most ? (steps * last + most / 2) / most : last);
}

/* codes[class][bin] */
static uint8_t *make_table(const fm__score *score, fm_error *err) {
  const fm_class_stats *ranks = score->ranks;
  const size_t classes = (size_t)ranks->labels->class_count;
  uint8_t *table = fm__alloc_array(ranks->labels->context, classes, ranks->bins);
  if (!table) fm__fail(err, FM_ERR_MEMORY, "out of memory for the codes of %zu classes", classes);
  for (size_t k = 0; table && k < classes; k++)
    for (size_t i = 0; i < ranks->bins; i++)
      table[k * ranks->bins + i] = code_of(score->steps[k * score->tables * ranks->bins + i]);
  return table;
}

static fm_status encode_piece(const encoding *e, const uint8_t *table, int64_t y, int64_t x,
                              fm_error *err) {
  const fm_class_stats *ranks = e->stats->rank->ranks;
  const fm__lookup lookup = fm__labels_lookup(ranks->labels);
  const size_t n = fm__piece_length(&e->mask, x);
  uint8_t *codes = e->codes + y * e->mask.width + x;
  int32_t classes[FM__PIECE];
  float losses[FM__PIECE];
  fm__tile_classes(&e->mask, &lookup, y, x, n, classes);
  fm__tile_losses(&e->loss, y, x, n, losses);
  for (size_t i = 0; i < n; i++) {
    codes[i] = 0;
    if (classes[i] == FM_CLASS_INVALID)
      return fm__labels_fail(ranks->labels, &e->mask, y, x + (int64_t)i, err);
    if (classes[i] < 0) continue;
    if (!isfinite(losses[i]) || losses[i] < 0)
      return fm__loss_fail(ranks->labels, &e->loss, classes[i], y, x + (int64_t)i, err);
    const size_t bin = fm__bin_of(fm__float_bits(losses[i] + 0.0F), ranks->bin_shift);
    codes[i] = table[(size_t)classes[i] * ranks->bins + bin];
  }
  return FM_OK;
}

static fm_status read_planes(encoding *e, const fm_plane *mask, const fm_plane *loss,
                             const fm_plane *codes, fm_error *err) {
  fm_status status = fm__plane_read(&e->mask, mask, FM__MASK_TYPES, "mask", err);
  if (!status) status = fm__plane_read(&e->loss, loss, FM__LOSS_TYPES, "loss map", err);
  if (!status) status = fm__same_size(&e->mask, "mask", &e->loss, "loss map", err);
  if (!status) status = fm__output_read(&e->out, codes, FM__BIT(FM_U8), "codes", err);
  if (!status) status = fm__same_size(&e->mask, "mask", &e->out, "codes", err);
  if (!status) status = fm__check_output(&e->out, "codes", &e->mask, "mask", false, err);
  if (!status) status = fm__check_output(&e->out, "codes", &e->loss, "loss map", false, err);
  return status;
}

static fm_status encode(encoding *e, const uint8_t *table, fm_error *err) {
  const int64_t height = e->mask.height, width = e->mask.width;
  fm_status status = FM_OK;
  e->codes = fm__alloc_pixels(e->stats->labels->context, height, width, sizeof *e->codes);
  if (!e->codes) return fm__fail_pixels(err, height, width);
  for (int64_t y = 0; y < height && !status; y++)
    for (int64_t x = 0; x < width && !status; x += FM__PIECE)
      status = encode_piece(e, table, y, x, err);
  for (int64_t y = 0; y < height && !status; y++)
    for (int64_t x = 0; x < width; x++)
      *(uint8_t *)fm__pixel(&e->out, y, x) = e->codes[y * width + x];
  fm__free(e->stats->labels->context, e->codes);
  return status;
}

fm_status fm_class_stats_code_map(const fm_class_stats *stats, const fm_plane *mask,
                                  const fm_plane *loss, const fm_plane *codes, fm_error *err) {
  if (!stats) return fm__fail(err, FM_ERR_ARGUMENT, "fm_class_stats_code_map: stats is NULL");
  if (!stats->rank)
    return fm__fail(
        err, FM_ERR_UNSUPPORTED,
        "fm_class_stats_code_map: the statistics are of losses, expected of FM_SCORE_RANK");
  encoding e = {.stats = stats};
  fm_status status = read_planes(&e, mask, loss, codes, err);
  if (status) return status;
  uint8_t *table = make_table(stats->rank, err);
  if (!table) return FM_ERR_MEMORY;
  status = encode(&e, table, err);
  fm__free(stats->labels->context, table);
  return status;
}
