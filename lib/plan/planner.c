/* plan/planner.c - collects masks and their hardness. */
#include "plan/planner.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "labels/labels.h"

enum {
  FIRST_SEED = 42, /* the paper's seeds: 42 to 61 */
  DEFAULT_SEEDS = 20,
  SLAB = 1 << 16
};
static const int64_t MOST_PIXELS = INT64_C(1) << 62;

/* ---- Making --------------------------------------------------------------------- */

static fm_status copy_seeds(fm_planner *planner, const fm_planner_options *o, fm_error *err) {
  size_t count = o->seeds ? (size_t)o->seed_count : DEFAULT_SEEDS;
  planner->seed_count = count;
  planner->seeds = fm__alloc_array(planner->context, count, sizeof(int64_t));
  int64_t *sorted = fm__alloc_array(planner->context, count, sizeof *sorted);
  fm_status status = FM_OK;
  if (!planner->seeds || !sorted) {
    status = fm__fail_memory(err, count * sizeof *sorted);
  } else {
    for (size_t i = 0; i < count; i++)
      planner->seeds[i] = o->seeds ? o->seeds[i] : FIRST_SEED + (int64_t)i;
    memcpy(sorted, planner->seeds, count * sizeof *sorted);
    status = fm__sort_seeds(sorted, count, err);
  }
  fm__free(planner->context, sorted);
  return status;
}

static fm_status check_seeds(const fm_planner_options *o, fm_error *err) {
  if (!o->seeds && o->seed_count)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_options: seeds is NULL, seed_count is not 0");
  int64_t count = o->seeds ? o->seed_count : DEFAULT_SEEDS;
  if (o->n_max > count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "n_max is %d, but there are only %" PRId64 " seeds to choose from",
                    (int)o->n_max, count);
  if (count > UINT32_MAX)
    return fm__fail(err, FM_ERR_LIMIT,
                    "fm_planner_options: seed_count is %" PRId64 ", expected up to 2^32 - 1",
                    count);
  return FM_OK;
}

static fm_status copy_options(fm_planner *planner, const fm_planner_options *o, fm_error *err) {
  fm_status status = copy_seeds(planner, o, err);
  if (status) return status;
  size_t parts = (size_t)o->blend_count;
  if (parts) {
    planner->blend = fm__alloc_array(planner->context, parts, sizeof *planner->blend);
    if (!planner->blend) return fm__fail_memory(err, parts * sizeof *planner->blend);
    memcpy(planner->blend, o->blend, parts * sizeof *planner->blend);
  }
  planner->options = *o;
  planner->options.seeds = planner->seeds;
  planner->options.seed_count = (int64_t)planner->seed_count;
  planner->options.blend = planner->blend;
  return FM_OK;
}

fm_status fm_planner_create(const fm_context *context, const fm_planner_options *options,
                            fm_planner **out, fm_error *err) {
  if (!context || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_create: an argument is NULL");
  fm_planner_options o;
  fm__policy policy;
  fm_status status = fm__policy_read(options, &o, &policy, err);
  if (!status) status = check_seeds(&o, err);
  if (status) return status;
  fm_planner *planner = fm__alloc_zeroed(context, 1, sizeof *planner);
  if (!planner) return fm__fail_memory(err, sizeof *planner);
  planner->context = fm__context_hold(context);
  planner->policy = policy;
  status = copy_options(planner, &o, err);
  if (status)
    fm_planner_destroy(planner);
  else
    *out = planner;
  return status;
}

void fm_planner_destroy(fm_planner *planner) {
  if (!planner) return;
  fm_context *context = planner->context;
  while (planner->slabs) {
    fm__slab *next = planner->slabs->next;
    fm__free(context, planner->slabs);
    planner->slabs = next;
  }
  fm__id_set_free(&planner->kept_index, context);
  fm__free(context, planner->kept);
  fm__free(context, planner->kept_ids);
  fm__free(context, planner->class_pixels);
  fm__free(context, planner->classes);
  fm__id_set_free(&planner->index, context);
  fm__free(context, planner->hardness);
  fm__free(context, planner->ids);
  fm__free(context, planner->blend);
  fm__free(context, planner->seeds);
  fm__free(context, planner);
  fm__context_drop(context);
}

/* ---- Room ------------------------------------------------------------------------ */

/* Gives an array of `count` elements room for `capacity`. */
static bool grow(const fm_context *context, void *array_at, size_t count, size_t capacity,
                 size_t size) {
  void *array, *larger = fm__alloc_array(context, capacity, size);
  if (!larger) return false;
  memcpy(&array, array_at, sizeof array);
  if (count) memcpy(larger, array, count * size);
  fm__free(context, array);
  memcpy(array_at, &larger, sizeof larger);
  return true;
}

static size_t larger(size_t capacity) { return capacity ? 2 * capacity : 64; }

/* Room for one mask more. Where one array cannot grow, others may have: they only have more room
 * than `capacity` says. */
static bool reserve_mask(fm_planner *p) {
  if (p->count == p->capacity) {
    size_t capacity = larger(p->capacity);
    if (!grow(p->context, &p->ids, p->count, capacity, sizeof *p->ids) ||
        !grow(p->context, &p->hardness, p->count, capacity, sizeof *p->hardness))
      return false;
    p->capacity = capacity;
  }
  return fm__id_set_reserve(&p->index, p->context, p->count + 1);
}

static bool reserve_classes(fm_planner *p, size_t class_count) {
  if (p->class_count != class_count) { /* the first mask, or one after others that failed */
    int64_t *pixels = fm__alloc_zeroed(p->context, class_count, sizeof *pixels);
    if (!pixels) return false;
    fm__free(p->context, p->class_pixels);
    p->class_pixels = pixels;
    p->class_count = class_count;
    p->class_capacity = 0;
  }
  if (p->count < p->class_capacity) return true;
  size_t capacity = larger(p->class_capacity);
  if (!grow(p->context, &p->classes, p->count, capacity,
            fm__class_words(class_count) * sizeof *p->classes))
    return false;
  p->class_capacity = capacity;
  return true;
}

static bool reserve_kept(fm_planner *p) {
  if (p->kept_count == p->kept_capacity) {
    size_t capacity = larger(p->kept_capacity);
    if (!grow(p->context, &p->kept_ids, p->kept_count, capacity, sizeof *p->kept_ids) ||
        !grow(p->context, &p->kept, p->kept_count, capacity, sizeof *p->kept))
      return false;
    p->kept_capacity = capacity;
  }
  return fm__id_set_reserve(&p->kept_index, p->context, p->kept_count + 1);
}

/* Memory that is released with the planner; NULL if there is none. */
static void *take(fm_planner *planner, size_t size) {
  fm__slab *slab = planner->slabs;
  if (!slab || slab->capacity - slab->used < size) {
    size_t capacity = size > SLAB ? size : SLAB;
    slab = fm__alloc(planner->context, sizeof *slab + capacity);
    if (!slab) return NULL;
    *slab = (fm__slab){.next = planner->slabs, .used = 0, .capacity = capacity};
    planner->slabs = slab;
  }
  void *memory = (char *)slab->memory + slab->used;
  slab->used += size;
  return memory;
}

static const char *take_id(fm_planner *planner, const char *id) {
  size_t size = strlen(id) + 1;
  char *copy = take(planner, size);
  if (copy) memcpy(copy, id, size);
  return copy;
}

static fm_status check_id(const char *mask_id, fm_error *err) {
  size_t length = strlen(mask_id);
  if (length >= 1 && length <= FM__LONGEST_ID) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT, "mask id has %zu bytes, expected 1 to 4095", length);
}

/* ---- Adding --------------------------------------------------------------------- */

static fm_status check_mask(const fm_planner *planner, const char *mask_id, double hardness,
                            uint32_t hash, fm_error *err) {
  fm_status status = check_id(mask_id, err);
  if (status) return status;
  bool signless = planner->policy.needs.hardness;
  if (!isfinite(hardness) || (signless && hardness < 0))
    return fm__fail(err, FM_ERR_ARGUMENT, "mask %s: hardness is %g, expected a finite number%s",
                    mask_id, hardness, signless ? " from 0 on" : "");
  if (fm__id_set_find(&planner->index, planner->ids, mask_id, hash) >= 0)
    return fm__fail(err, FM_ERR_DUPLICATE, "mask %s was added before", mask_id);
  if (planner->count >= INT32_MAX)
    return fm__fail(err, FM_ERR_LIMIT, "the planner is full: it holds %zu masks", planner->count);
  return FM_OK;
}

static fm_status check_classes(const fm_planner *planner, const char *mask_id,
                               const int64_t *class_pixels, int32_t class_count, fm_error *err) {
  int64_t pixels = planner->pixels;
  if (!class_pixels)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "mask %s: the policy uses classes, but class_pixels is NULL", mask_id);
  if (class_count < 1 || class_count > FM__MOST_CLASSES)
    return fm__fail(err, FM_ERR_ARGUMENT, "mask %s: class_count is %d, expected 1 to 65535",
                    mask_id, (int)class_count);
  if (planner->count && planner->class_count != (size_t)class_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "mask %s: class_count is %d, the masks before it have %zu", mask_id,
                    (int)class_count, planner->class_count);
  for (int32_t k = 0; k < class_count; k++) {
    if (class_pixels[k] < 0)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "mask %s: class_pixels[%d] is %" PRId64 ", expected 0 or more", mask_id,
                      (int)k, class_pixels[k]);
    if (class_pixels[k] > MOST_PIXELS - pixels)
      return fm__fail(err, FM_ERR_LIMIT, "mask %s: more than 2^62 pixels in all", mask_id);
    pixels += class_pixels[k];
  }
  return FM_OK;
}

static void add_classes(fm_planner *planner, const int64_t *class_pixels) {
  size_t words = fm__class_words(planner->class_count);
  uint64_t *set = planner->classes + planner->count * words;
  memset(set, 0, words * sizeof *set);
  for (size_t k = 0; k < planner->class_count; k++) {
    bool has = class_pixels[k] >= planner->policy.min_class_pixels;
    set[k / 64] |= (uint64_t)has << k % 64;
    planner->class_pixels[k] += class_pixels[k];
    planner->pixels += class_pixels[k];
  }
}

fm_status fm_planner_add(fm_planner *planner, const char *mask_id, double hardness,
                         const int64_t *class_pixels, int32_t class_count, fm_error *err) {
  if (!planner || !mask_id)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_add: an argument is NULL");
  if (!class_pixels && class_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_planner_add: class_pixels is NULL, but class_count is %d",
                    (int)class_count);
  bool classes = planner->policy.needs.classes;
  uint32_t hash = fm__id_hash(mask_id);
  fm_status status = check_mask(planner, mask_id, hardness, hash, err);
  if (!status && classes) status = check_classes(planner, mask_id, class_pixels, class_count, err);
  if (status) return status;
  const char *id = NULL;
  if (reserve_mask(planner) && (!classes || reserve_classes(planner, (size_t)class_count)))
    id = take_id(planner, mask_id);
  if (!id)
    return fm__fail(err, FM_ERR_MEMORY, "out of memory for mask number %zu", planner->count + 1);
  if (classes) add_classes(planner, class_pixels);
  fm__id_set_put(&planner->index, hash, planner->count);
  planner->ids[planner->count] = id;
  planner->hardness[planner->count++] = hardness;
  return FM_OK;
}

/* ---- Keeping -------------------------------------------------------------------- */

/* Seeds begin at a multiple of their size, ids do not. */
static int64_t *take_seeds(fm_planner *planner, const int64_t *seeds, size_t count) {
  size_t size = count * sizeof *seeds;
  char *memory = take(planner, size + sizeof *seeds - 1);
  if (!memory) return NULL;
  memory += (0 - (uintptr_t)memory) % sizeof *seeds;
  if (count) memcpy(memory, seeds, size);
  return (int64_t *)(void *)memory;
}

static fm_status check_keep(const fm_planner *planner, const char *mask_id, int64_t count,
                            uint32_t hash, fm_error *err) {
  fm_status status = check_id(mask_id, err);
  if (status) return status;
  if (count < 0)
    return fm__fail(err, FM_ERR_ARGUMENT, "mask %s: seed_count is %" PRId64 ", expected 0 or more",
                    mask_id, count);
  if (count > FM__MOST_IMAGES_OF_MASK || planner->kept_count >= INT32_MAX)
    return fm__fail(err, FM_ERR_LIMIT, "mask %s: %" PRId64 " seeds to keep, expected up to 1048576",
                    mask_id, count);
  if (fm__id_set_find(&planner->kept_index, planner->kept_ids, mask_id, hash) >= 0)
    return fm__fail(err, FM_ERR_DUPLICATE, "seeds to keep of mask %s were given before", mask_id);
  return FM_OK;
}

fm_status fm_planner_keep(fm_planner *planner, const char *mask_id, const int64_t *seeds,
                          int64_t seed_count, fm_error *err) {
  if (!planner || !mask_id || (seed_count && !seeds))
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_keep: an argument is NULL");
  uint32_t hash = fm__id_hash(mask_id);
  fm_status status = check_keep(planner, mask_id, seed_count, hash, err);
  if (status) return status;
  fm__kept kept = {.count = (uint32_t)seed_count};
  const char *id = NULL;
  if (reserve_kept(planner)) kept.seeds = take_seeds(planner, seeds, kept.count);
  if (kept.seeds) id = take_id(planner, mask_id);
  if (!id)
    return fm__fail(err, FM_ERR_MEMORY,
                    "out of memory for the %" PRId64 " seeds that mask %s keeps", seed_count,
                    mask_id);
  status = fm__sort_seeds(kept.seeds, kept.count, err);
  if (status) {
    fm__fail_prefix(err, "mask %s", mask_id);
    return status;
  }
  fm__id_set_put(&planner->kept_index, hash, planner->kept_count);
  planner->kept_ids[planner->kept_count] = id;
  planner->kept[planner->kept_count++] = kept;
  return FM_OK;
}

const fm__kept *fm__planner_kept(const fm_planner *planner, const char *mask_id) {
  int64_t at =
      fm__id_set_find(&planner->kept_index, planner->kept_ids, mask_id, fm__id_hash(mask_id));
  return at < 0 ? NULL : &planner->kept[at];
}

/* ---- Reading -------------------------------------------------------------------- */

fm_status fm_planner_get_options(const fm_planner *planner, fm_planner_options *out,
                                 fm_error *err) {
  if (!planner)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_get_options: an argument is NULL");
  return FM__RESULT_WRITE(out, &planner->options, fm_planner_options, blend_count, err);
}

int64_t fm_planner_mask_count(const fm_planner *planner) {
  return planner ? (int64_t)planner->count : 0;
}

int64_t fm_planner_find(const fm_planner *planner, const char *mask_id) {
  if (!planner || !mask_id) return -1;
  return fm__id_set_find(&planner->index, planner->ids, mask_id, fm__id_hash(mask_id));
}

fm_status fm_planner_get(const fm_planner *planner, int64_t index, fm_planner_row *row,
                         fm_error *err) {
  if (!planner || !row)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_planner_get: an argument is NULL");
  if (index < 0 || index >= (int64_t)planner->count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "the planner has no mask %" PRId64 ", it has %zu, counted from 0", index,
                    planner->count);
  fm_planner_row known = {.mask_id = planner->ids[index], .hardness = planner->hardness[index]};
  const fm__kept *kept = fm__planner_kept(planner, known.mask_id);
  if (kept) {
    known.kept_seeds = kept->seeds;
    known.kept_count = kept->count;
  }
  if (planner->classes) {
    known.class_count = (int32_t)planner->class_count;
    known.classes = planner->classes + (size_t)index * fm__class_words(planner->class_count);
  }
  return FM__RESULT_WRITE(row, &known, fm_planner_row, kept_count, err);
}
