/* filter/filter_floor.c - the minimum share of a class and stratum that is kept in an image. */
#include <math.h>

#include "core/fail.h"
#include "dsp/select.h"
#include "filter/filter.h"

/* Sets which losses are wanted of the cells that keep too few. False: none does. */
static bool find_starved(const fm_filter *filter, const int64_t *counts, size_t count,
                         fm__selected *cells) {
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    int64_t valid = counts[2 * i], kept = valid - counts[2 * i + 1];
    int64_t wanted = (int64_t)ceil(filter->options.min_kept_share * (double)valid);
    cells[i].wanted = kept < wanted ? wanted : 0;
    any = any || cells[i].wanted;
  }
  return any;
}

fm_status fm__filter_apply_floor(const fm_filter *filter, const fm__image *image, float *thresholds,
                                 int64_t *counts, fm_error *err) {
  const fm_context *context = filter->labels->context;
  size_t cells = fm__filter_cells(filter);
  size_t group = cells < FM__SELECT_GROUP ? cells : FM__SELECT_GROUP;
  size_t select_size = fm__select_words(group) * sizeof(int64_t);
  size_t size = select_size + group * sizeof(fm__selected);
  char *memory = fm__alloc(context, size);
  if (!memory) return fm__fail_memory(err, size);
  fm__selected *found = (fm__selected *)(void *)(memory + select_size);
  for (size_t first = 0; first < cells; first += group) {
    size_t count = cells - first < group ? cells - first : group;
    if (!find_starved(filter, counts + 2 * first, count, found)) continue;
    fm__select(image, (int32_t)first, count, found, (int64_t *)(void *)memory);
    for (size_t i = 0; i < count; i++) {
      if (!found[i].wanted) continue;
      size_t cell = first + i;
      thresholds[cell] = found[i].loss;
      counts[2 * cell + 1] = counts[2 * cell] - found[i].not_above;
    }
  }
  fm__free(context, memory);
  return FM_OK;
}
