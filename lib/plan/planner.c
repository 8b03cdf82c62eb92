/* plan/planner.c - collects masks and their hardness. */
#include "plan/planner.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/sort.h"

enum {
  FIRST_SEED = 42, /* the paper's seeds: 42 .. 61 */
  DEFAULT_SEEDS = 20,
  LONGEST_ID = 4095,
  MOST_CLASSES = 65535,
  LARGEST_COUNT = 1 << 20,
  BLOCK = 1 << 16
};
static const int64_t MOST_PIXELS = INT64_C(1) << 62;

/* ---- Making --------------------------------------------------------------------- */

static fm_status check_distinct(int64_t *sorted, size_t count, fm_error *err) {
  fm__sort_numbers(sorted, count);
  for (size_t i = 1; i < count; i++)
    if (sorted[i] == sorted[i - 1])
      return fm__fail(err, FM_ERR_DUPLICATE, "seed %" PRId64 " is given twice", sorted[i]);
  return FM_OK;
}

static fm_status copy_seeds(fm_planner *planner, const fm_planner_options *o, fm_error *err) {
  planner->seed_count = o->seeds ? o->seed_count : DEFAULT_SEEDS;
  planner->seeds = fm__alloc_array(planner->context, planner->seed_count, sizeof(int64_t));
  int64_t *sorted = fm__alloc_array(planner->context, planner->seed_count, sizeof *sorted);
  fm_status status = FM_OK;
  if (!planner->seeds || !sorted) {
    status = fm__fail_memory(err, planner->seed_count * sizeof *sorted);
  } else {
    for (size_t i = 0; i < planner->seed_count; i++)
      planner->seeds[i] = o->seeds ? o->seeds[i] : FIRST_SEED + (int64_t)i;
    memcpy(sorted, planner->seeds, planner->seed_count * sizeof *sorted);
    status = check_distinct(sorted, planner->seed_count, err);
  }
  fm__free(planner->context, sorted);
  return status;
}

static fm_status check_seeds(const fm_planner_options *o, uint32_t n_max, fm_error *err) {
  if (o->seed_count && !o->seeds)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_options: seeds is NULL, seed_count is not 0");
  size_t seeds = o->seeds ? o->seed_count : DEFAULT_SEEDS;
  if (n_max > seeds)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "n_max is %u, but there are only %zu seeds to choose from", (unsigned)n_max,
                    seeds);
  return FM_OK;
}

fm_status fm_planner_create(const fm_context *context, const fm_planner_options *options,
                            fm_planner **out, fm_error *err) {
  if (!context || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_create: an argument is NULL");
  fm_planner_options o;
  fm__policy policy;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_planner_options, blend_count, err);
  if (!status) status = fm__policy_read(options, &policy, err);
  if (!status) status = check_seeds(&o, policy.n_max, err);
  if (status) return status;
  fm_planner *planner = fm__alloc_zeroed(context, 1, sizeof *planner);
  if (!planner) return fm__fail_memory(err, sizeof *planner);
  planner->context = fm__context_hold(context);
  planner->policy = policy;
  status = copy_seeds(planner, &o, err);
  if (status) {
    fm_planner_destroy(planner);
    return status;
  }
  *out = planner;
  return FM_OK;
}

void fm_planner_destroy(fm_planner *planner) {
  if (!planner) return;
  fm_context *context = planner->context;
  while (planner->blocks) {
    fm__block *next = planner->blocks->next;
    fm__free(context, planner->blocks);
    planner->blocks = next;
  }
  fm__free(context, planner->kept);
  fm__free(context, planner->class_pixels);
  fm__free(context, planner->classes);
  fm__free(context, planner->rows);
  fm__free(context, planner->seeds);
  fm__free(context, planner);
  fm__context_drop(context);
}

/* ---- Room ------------------------------------------------------------------------ */

/* An array of `capacity` elements that begins with `count` of `old`; the caller frees `old`. */
static void *grown(const fm_planner *planner, const void *old, size_t count, size_t capacity,
                   size_t size) {
  void *array = fm__alloc_array(planner->context, capacity, size);
  if (array && old && count) memcpy(array, old, count * size);
  return array;
}

static bool reserve_row(fm_planner *planner, size_t words) {
  if (planner->count < planner->capacity && (!words || planner->classes)) return true;
  size_t capacity = planner->capacity ? 2 * planner->capacity : 64;
  fm__mask_row *rows =
      grown(planner, planner->rows, planner->count, capacity, sizeof *planner->rows);
  uint64_t *classes = NULL;
  if (words)
    classes = grown(planner, planner->classes, planner->count, capacity,
                    words * sizeof *planner->classes);
  if (!rows || (words && !classes)) {
    fm__free(planner->context, rows);
    fm__free(planner->context, classes);
    return false;
  }
  fm__free(planner->context, planner->rows);
  fm__free(planner->context, planner->classes);
  planner->rows = rows;
  planner->classes = classes;
  planner->capacity = capacity;
  return true;
}

void *fm__planner_take(fm_planner *planner, size_t size) {
  fm__block *block = planner->blocks;
  if (!block || block->capacity - block->used < size) {
    size_t capacity = size > BLOCK ? size : BLOCK;
    block = fm__alloc(planner->context, sizeof *block + capacity);
    if (!block) return NULL;
    *block = (fm__block){.next = planner->blocks, .used = 0, .capacity = capacity};
    planner->blocks = block;
  }
  void *memory = (char *)block->memory + block->used;
  block->used += size;
  return memory;
}

fm_status fm__planner_copy_id(fm_planner *planner, const char *mask_id, const char **out,
                              fm_error *err) {
  size_t length = strlen(mask_id);
  if (length < 1 || length > LONGEST_ID)
    return fm__fail(err, FM_ERR_ARGUMENT, "mask id has %zu bytes, expected 1 to 4095", length);
  char *id = fm__planner_take(planner, length + 1);
  if (!id)
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for mask number %zu", planner->count + 1);
  memcpy(id, mask_id, length + 1);
  *out = id;
  return FM_OK;
}

/* ---- Adding --------------------------------------------------------------------- */

static fm_status check_row(const fm_planner *planner, const char *mask_id, double hardness,
                           fm_error *err) {
  bool powers = fm__policy_has(&planner->policy, FM_PLAN_PROPORTIONAL);
  if (!isfinite(hardness) || (powers && hardness < 0))
    return fm__fail(err, FM_ERR_ARGUMENT, "mask %s: hardness is %g, expected a finite number%s",
                    mask_id, hardness, powers ? " from 0 on" : "");
  if (planner->count >= INT32_MAX)
    return fm__fail(err, FM_ERR_LIMIT, "the planner is full: it holds %zu masks", planner->count);
  return FM_OK;
}

/* Adds a row whose classes, if `words` is not 0, the caller fills in. */
static fm_status add_row(fm_planner *planner, const char *mask_id, double hardness, size_t words,
                         fm_error *err) {
  const char *id;
  fm_status status = check_row(planner, mask_id, hardness, err);
  if (status) return status;
  if (!reserve_row(planner, words))
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for mask number %zu", planner->count + 1);
  status = fm__planner_copy_id(planner, mask_id, &id, err);
  if (status) return status;
  planner->rows[planner->count++] = (fm__mask_row){id, hardness};
  return FM_OK;
}

fm_status fm_planner_add(fm_planner *planner, const char *mask_id, double hardness, fm_error *err) {
  if (!planner || !mask_id)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_add: an argument is NULL");
  if (fm__policy_needs_classes(&planner->policy))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "mask %s: the policy looks at classes, so masks are added with "
                    "fm_planner_add_classes",
                    mask_id);
  return add_row(planner, mask_id, hardness, 0, err);
}

static fm_status check_classes(const fm_planner *planner, const char *mask_id,
                               const int64_t *class_pixels, size_t class_count, fm_error *err) {
  int64_t pixels = planner->pixels;
  if (class_count < 1 || class_count > MOST_CLASSES)
    return fm__fail(err, FM_ERR_ARGUMENT, "mask %s: class_count is %zu, expected 1 to 65535",
                    mask_id, class_count);
  if (planner->count && planner->class_count != class_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "mask %s: class_count is %zu, the masks before it have %zu", mask_id,
                    class_count, planner->class_count);
  for (size_t k = 0; k < class_count; k++) {
    if (class_pixels[k] < 0)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "mask %s: class_pixels[%zu] is %" PRId64 ", expected 0 or more", mask_id, k,
                      class_pixels[k]);
    if (class_pixels[k] > MOST_PIXELS - pixels)
      return fm__fail(err, FM_ERR_LIMIT, "mask %s: more than 2^62 pixels in all", mask_id);
    pixels += class_pixels[k];
  }
  return FM_OK;
}

/* Room for the pixels of so many classes, which the first mask decides. */
static fm_status reserve_classes(fm_planner *planner, size_t class_count, fm_error *err) {
  if (planner->class_count == class_count) return FM_OK;
  int64_t *pixels = fm__alloc_zeroed(planner->context, class_count, sizeof *pixels);
  if (!pixels) return fm__fail_memory(err, class_count * sizeof *pixels);
  fm__free(planner->context, planner->class_pixels);
  fm__free(planner->context, planner->classes);
  fm__free(planner->context, planner->rows);
  planner->classes = NULL;
  planner->rows = NULL;
  planner->capacity = 0;
  planner->class_pixels = pixels;
  planner->class_count = class_count;
  return FM_OK;
}

fm_status fm_planner_add_classes(fm_planner *planner, const char *mask_id, double hardness,
                                 const int64_t *class_pixels, size_t class_count, fm_error *err) {
  if (!planner || !mask_id || !class_pixels)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_add_classes: an argument is NULL");
  if (!fm__policy_needs_classes(&planner->policy))
    return add_row(planner, mask_id, hardness, 0, err);
  size_t words = fm__class_words(class_count);
  fm_status status = check_classes(planner, mask_id, class_pixels, class_count, err);
  if (!status) status = reserve_classes(planner, class_count, err);
  if (!status) status = add_row(planner, mask_id, hardness, words, err);
  if (status || !planner->classes) return status; /* without words there are no sets: never here */
  uint64_t *set = planner->classes + (planner->count - 1) * words;
  for (size_t k = 0; k < class_count; k++) {
    bool has = class_pixels[k] >= planner->policy.min_class_pixels;
    set[k / 64] = (k % 64 ? set[k / 64] : 0) | (uint64_t)has << k % 64;
    planner->class_pixels[k] += class_pixels[k];
    planner->pixels += class_pixels[k];
  }
  return FM_OK;
}

/* ---- Keeping -------------------------------------------------------------------- */

static bool reserve_kept(fm_planner *planner) {
  if (planner->kept_count < planner->kept_capacity) return true;
  size_t capacity = planner->kept_capacity ? 2 * planner->kept_capacity : 64;
  fm__kept_row *kept =
      grown(planner, planner->kept, planner->kept_count, capacity, sizeof *planner->kept);
  if (!kept) return false;
  fm__free(planner->context, planner->kept);
  planner->kept = kept;
  planner->kept_capacity = capacity;
  return true;
}

/* Seeds stand at a multiple of their size, ids do not. */
static int64_t *take_seeds(fm_planner *planner, const int64_t *seeds, size_t count) {
  size_t size = count * sizeof *seeds;
  char *memory = fm__planner_take(planner, size + sizeof *seeds - 1);
  if (!memory) return NULL;
  memory += (0 - (uintptr_t)memory) % sizeof *seeds;
  if (count) memcpy(memory, seeds, size);
  return (int64_t *)(void *)memory;
}

fm_status fm_planner_keep(fm_planner *planner, const char *mask_id, const int64_t *seeds,
                          size_t count, fm_error *err) {
  if (!planner || !mask_id || (count && !seeds))
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_keep: an argument is NULL");
  if (count > LARGEST_COUNT || planner->kept_count >= INT32_MAX)
    return fm__fail(err, FM_ERR_LIMIT, "mask %s: %zu seeds to keep, expected up to 1048576",
                    mask_id, count);
  fm__kept_row row = {.count = (uint32_t)count};
  fm_status status = fm__planner_copy_id(planner, mask_id, &row.mask_id, err);
  if (status) return status;
  row.seeds = take_seeds(planner, seeds, count);
  if (!row.seeds || !reserve_kept(planner))
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for the %zu seeds that mask %s keeps", count,
                    mask_id);
  status = check_distinct(row.seeds, count, err);
  if (status) {
    fm__fail_prefix(err, "mask %s", mask_id);
    return status;
  }
  planner->kept[planner->kept_count++] = row;
  return FM_OK;
}
