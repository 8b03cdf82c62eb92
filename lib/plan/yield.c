/* plan/yield.c - a budget shared out one image after the other, by what each adds to the classes. */
#include <inttypes.h>
#include <math.h>

#include "core/fail.h"
#include "core/options.h"
#include "labels/labels.h"
#include "plan/policy.h"

static const int64_t MOST_PIXELS = INT64_C(1) << 40;

/* ---- What is given ----------------------------------------------------------------- */

static fm_status check_classes(const fm_yield_table *t, fm_error *err) {
  for (int32_t k = 0; k < t->class_count; k++) {
    double kept = t->kept_shares ? t->kept_shares[k] : 1, weight = t->weights ? t->weights[k] : 1;
    if (!(kept >= 0 && kept <= 1))
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "fm_yield_table: kept_shares[%d] is %g, expected 0 to 1", (int)k, kept);
    if (!(weight >= 0 && weight <= 1e9))
      return fm__fail(err, FM_ERR_ARGUMENT, "fm_yield_table: weights[%d] is %g, expected 0 to 1e9",
                      (int)k, weight);
  }
  return FM_OK;
}

static fm_status check_pixels(const fm_yield_table *t, fm_error *err) {
  for (int64_t i = 0; i < t->mask_count; i++)
    for (int32_t k = 0; k < t->class_count; k++) {
      int64_t pixels = t->pixels[i * t->class_count + k];
      if (pixels < 0 || pixels > MOST_PIXELS)
        return fm__fail(err, FM_ERR_ARGUMENT,
                        "fm_yield_table: mask %" PRId64 " has %" PRId64
                        " pixels of class %d, expected 0 to 2^40",
                        i, pixels, (int)k);
    }
  return FM_OK;
}

static fm_status check_budget(const fm_yield_table *t, fm_error *err) {
  int64_t least = 0, most = 0;
  for (int64_t i = 0; i < t->mask_count; i++) {
    int64_t kept = t->kept ? t->kept[i] : 0;
    if (kept > FM__MOST_IMAGES_OF_MASK)
      return fm__fail(err, FM_ERR_LIMIT,
                      "fm_yield_table: kept[%" PRId64 "] is %" PRId64 ", expected up to 1048576", i,
                      kept);
    least += kept;
    most += kept > t->n_max ? kept : t->n_max;
  }
  if (t->budget >= least && t->budget <= most) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "fm_yield_table: budget is %" PRId64 ", but %" PRId64 " masks get %" PRId64
                  " to %" PRId64 " images",
                  t->budget, t->mask_count, least, most);
}

static fm_status check_table(const fm_yield_table *t, fm_error *err) {
  if (!t->pixels || t->mask_count < 1 || t->mask_count > INT32_MAX || t->class_count < 1 ||
      t->class_count > FM__MOST_CLASSES)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_yield_table: %" PRId64
                    " masks, %d classes and %s pixels, expected 1 or more "
                    "of each",
                    t->mask_count, (int)t->class_count, t->pixels ? "some" : "no");
  if (t->n_max < 1 || t->n_max > FM__MOST_IMAGES_OF_MASK)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_yield_table: n_max is %d, expected 1 to 1048576",
                    (int)t->n_max);
  fm_status status = check_classes(t, err);
  if (!status) status = check_pixels(t, err);
  return status ? status : check_budget(t, err);
}

/* ---- The gain of an image ------------------------------------------------------------ */

/* Masks wait in a heap, each with a gain that was its own at some time. */
typedef struct waiting {
  double gain;
  uint32_t mask;
} waiting;

typedef struct sharing {
  const fm_yield_table *table;
  uint32_t *counts;
  double *there; /* [classes]: pixels of the class, real ones and what the images add */
  waiting *heap;
  size_t length;
} sharing;

/* Whole pixels, so that sums are exact below 2^53 and do not depend on the order. */
static double adds(const fm_yield_table *t, size_t i, int32_t k) {
  double pixels = (double)t->pixels[i * (size_t)t->class_count + (size_t)k];
  return floor((t->kept_shares ? t->kept_shares[k] : 1) * pixels + 0.5);
}

/* Falls, or stays, as images are given: each operation is rounded, and rounding is monotonic. */
static double gain_of(const sharing *s, size_t i) {
  const fm_yield_table *t = s->table;
  double sum = 0;
  for (int32_t k = 0; k < t->class_count; k++) {
    if (!t->pixels[i * (size_t)t->class_count + (size_t)k]) continue;
    sum += (t->weights ? t->weights[k] : 1) * (adds(t, i, k) / s->there[k]);
  }
  return sum / (double)(1 + s->counts[i]);
}

static void give(sharing *s, size_t i, uint32_t images) {
  const fm_yield_table *t = s->table;
  for (int32_t k = 0; k < t->class_count; k++) s->there[k] += images * adds(t, i, k);
  s->counts[i] += images;
}

/* ---- The heap ------------------------------------------------------------------------ */

static bool before(waiting a, waiting b) {
  return a.gain > b.gain || (a.gain >= b.gain && a.mask < b.mask);
}

static void sink(waiting *heap, size_t length, size_t at) {
  waiting moved = heap[at];
  for (size_t child = 2 * at + 1; child < length; child = 2 * at + 1) {
    if (child + 1 < length && before(heap[child + 1], heap[child])) child++;
    if (!before(heap[child], moved)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = moved;
}

static void fill_heap(sharing *s) {
  const fm_yield_table *t = s->table;
  for (size_t i = 0; i < (size_t)t->mask_count; i++)
    if (s->counts[i] < (uint32_t)t->n_max)
      s->heap[s->length++] = (waiting){gain_of(s, i), (uint32_t)i};
  for (size_t at = s->length / 2; at-- > 0;) sink(s->heap, s->length, at);
}

/* A gain that is not today's is never too low: what is first with today's gain is the largest. */
static void give_next(sharing *s) {
  for (;;) {
    waiting *top = &s->heap[0];
    double gain = gain_of(s, top->mask);
    if (gain >= top->gain) break;
    top->gain = gain;
    sink(s->heap, s->length, 0);
  }
  size_t mask = s->heap[0].mask;
  give(s, mask, 1);
  if (s->counts[mask] < (uint32_t)s->table->n_max)
    s->heap[0].gain = gain_of(s, mask);
  else
    s->heap[0] = s->heap[--s->length];
  if (s->length) sink(s->heap, s->length, 0);
}

/* ---- All of it ----------------------------------------------------------------------- */

/* Real pixels of each class, at least 1. */
static void start(sharing *s) {
  const fm_yield_table *t = s->table;
  for (int32_t k = 0; k < t->class_count; k++) {
    for (int64_t i = 0; i < t->mask_count; i++)
      s->there[k] += (double)t->pixels[i * t->class_count + k];
    if (s->there[k] < 1) s->there[k] = 1;
  }
  for (size_t i = 0; i < (size_t)t->mask_count; i++) {
    s->counts[i] = 0;
    if (t->kept) give(s, i, t->kept[i]);
  }
}

fm_status fm_yield_count_images(const fm_context *context, const fm_yield_table *table,
                                uint32_t *counts, fm_error *err) {
  if (!context || !counts)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_yield_count_images: an argument is NULL");
  fm_yield_table t;
  fm_status status = FM__OPTIONS_READ(&t, table, fm_yield_table, kept, err);
  if (!status && !t.n_max) t.n_max = 20;
  if (!status) status = check_table(&t, err);
  if (status) return status;
  sharing s = {.table = &t, .counts = counts};
  s.there = fm__alloc_zeroed(context, (size_t)t.class_count, sizeof *s.there);
  s.heap = fm__alloc_array(context, (size_t)t.mask_count, sizeof *s.heap);
  if (s.there && s.heap) {
    start(&s);
    int64_t left = t.budget;
    for (int64_t i = 0; i < t.mask_count; i++) left -= counts[i];
    fill_heap(&s);
    for (; left > 0; left--) give_next(&s);
  } else {
    status = fm__fail(err, FM_ERR_MEMORY, "out of memory for %" PRId64 " masks", t.mask_count);
  }
  fm__free(context, s.heap);
  fm__free(context, s.there);
  return status;
}
