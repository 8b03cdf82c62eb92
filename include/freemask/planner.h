/* freemask/planner.h - how many synthetic images each mask gets, and which.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_PLANNER_H
#define FREEMASK_PLANNER_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>

FM_BEGIN_DECLS

/** Collects (mask id, hardness) rows. Thread-safety: one thread at a time. */
typedef struct fm_planner fm_planner;

/** The finished plan: for every mask its rank, its count and its seeds, sorted by
 *  mask id. Thread-safety: immutable; share it freely. */
typedef struct fm_plan fm_plan;

/** How counts follow from hardness. */
typedef enum fm_plan_policy {
  FM_PLAN_RANK = 0 /**< the paper: n_i = min(1 + round((i + 1) / N * n_max), n_max) for the
                        mask at place i (from 0) of N, sorted by hardness, easiest first, ties
                        by id; divided first, then multiplied, in double; round half to even */
} fm_plan_policy;

typedef struct fm_planner_options {
  size_t size;
  int32_t policy;       /**< an fm_plan_policy */
  int32_t n_max;        /**< the most images a mask gets, 1 to 2^20; 0: 20 */
  const int64_t *seeds; /**< the generator seeds to choose from, no two alike; NULL: 42 .. 61 */
  size_t seed_count;    /**< at least n_max */
  uint64_t plan_seed;   /**< chooses among the seeds */
} fm_planner_options;

/** Makes an empty planner. `options` may be NULL: the paper for ADE20K. On success
 *  the caller owns `*out`. Errors: ARGUMENT, DUPLICATE (seeds), MEMORY, UNSUPPORTED. */
FM_API fm_status fm_planner_create(fm_context *context, const fm_planner_options *options,
                                   fm_planner **out, fm_error *err);

/** Destroys; NULL is fine. Plans made from it stay. */
FM_API void fm_planner_destroy(fm_planner *planner);

/** Adds a mask. `mask_id` is copied: 1 to 4,095 bytes, any but NUL; ids compare by
 *  their bytes. `hardness` is finite. Adding an id twice is found by
 *  fm_planner_finish. Errors: ARGUMENT, MEMORY, LIMIT (2^31 - 1 masks). */
FM_API fm_status fm_planner_add(fm_planner *planner, const char *mask_id, double hardness,
                                fm_error *err);

/** Makes the plan of what was added so far; more may be added for another plan.
 *
 *  Seeds of a mask: the first n_i of a permutation of the seeds that depends on
 *  (plan_seed, mask id) alone, so neither the other masks nor the order of adding
 *  matter, and a mask whose count grows keeps those it had. The generator is
 *  documented in doc/random.md.
 *
 *  On success the caller owns `*out`. Memory: 48 bytes per mask and 8 per chosen seed,
 *  ids apart. Errors: DUPLICATE (names the id), EMPTY, MEMORY. */
FM_API fm_status fm_planner_finish(const fm_planner *planner, fm_plan **out, fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_plan_destroy(fm_plan *plan);

/** One row of a plan. Pointers live as long as the plan. */
typedef struct fm_plan_entry {
  size_t size; /**< set by the caller, kept */
  const char *mask_id;
  double hardness;
  int64_t rank;         /**< 1 (easiest) .. masks */
  int64_t count;        /**< synthetic images, 1 .. n_max */
  const int64_t *seeds; /**< `count` seeds, ascending */
} fm_plan_entry;

/** Masks in the plan. */
FM_API int64_t fm_plan_masks(const fm_plan *plan);

/** The row `index`, 0 .. masks - 1, in ascending order of mask ids. Set `entry->size`.
 *  Errors: ARGUMENT. */
FM_API fm_status fm_plan_get(const fm_plan *plan, int64_t index, fm_plan_entry *entry,
                             fm_error *err);

/** Finds a mask's index; -1 if it is not in the plan. */
FM_API int64_t fm_plan_find(const fm_plan *plan, const char *mask_id);

/** Synthetic images of the whole plan. */
FM_API int64_t fm_plan_images(const fm_plan *plan);

/** How often the real set is repeated in joint training, so that real and synthetic
 *  images are as many: round(images / masks), half to even, at least 1 (the paper: 11
 *  for ADE20K, 4 for COCO-Stuff). */
FM_API int64_t fm_plan_times(const fm_plan *plan);

/** A number that two plans share if they have the same rows. Equal on all machines. */
FM_API uint64_t fm_plan_fingerprint(const fm_plan *plan);

FM_END_DECLS

#endif
