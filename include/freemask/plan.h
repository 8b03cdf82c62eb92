/* freemask/plan.h - a plan: for every mask its rank, its number of images and their seeds.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_PLAN_H
#define FREEMASK_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>

FM_BEGIN_DECLS

/** A plan: one row for each mask, sorted by the bytes of the mask ids (strcmp: "img_10" comes
 *  before "img_9"). fm_planner_make_plan makes one by a policy, fm_plan_create makes one from rows
 *  that a host has.
 *
 *  Thread-safety: immutable; share it freely. A schedule holds its plan. */
typedef struct fm_plan fm_plan;

/** Rows of a plan, in any order. Array elements with one index belong together. */
typedef struct fm_plan_rows {
  size_t size;
  int64_t row_count;           /**< 1 to 2^31 - 1; required */
  const char *const *mask_ids; /**< [row_count], distinct, of 1 to 4,095 bytes; required */
  const double *hardness;      /**< [row_count], finite; required */
  const int64_t *ranks;  /**< [row_count], each of 1 (easiest) to row_count once; NULL: by hardness,
                              ties by id */
  const int64_t *counts; /**< [row_count], images of each mask, 0 to 2^20; required */
  const int64_t *seeds;  /**< [seed_count], the seeds of the first row, then of the second, and so
                              on; those of one row are distinct, in any order */
  int64_t seed_count;    /**< the sum of `counts` */
} fm_plan_rows;

/** Makes a plan from rows, which are copied. The same rows in another order make the same plan.
 *  Nothing says that a policy would give these counts: that is the caller's affair.
 *
 *  On success the caller owns `*out`. Memory: 48 bytes per row and 8 per seed, ids apart, and
 *  12 bytes per row while it works. Errors (`*out` is untouched): ARGUMENT, DUPLICATE (an id, a
 *  rank or a seed of one mask occurs twice), EMPTY (no row), LIMIT (more than 2^31 - 1 rows),
 *  MEMORY, MISMATCH (seed_count is not the sum of the counts), UNSUPPORTED. */
FM_API fm_status fm_plan_create(const fm_context *context, const fm_plan_rows *rows, fm_plan **out,
                                fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_plan_destroy(fm_plan *plan);

/** One row of a plan. Pointers live as long as the plan. */
typedef struct fm_plan_entry {
  size_t size; /**< set by the caller, kept */
  const char *mask_id;
  double hardness;
  int64_t rank;         /**< 1 (easiest) to the number of masks */
  int64_t count;        /**< synthetic images of this mask */
  const int64_t *seeds; /**< [count], ascending */
} fm_plan_entry;

/** The number of masks in the plan; 0 for NULL. */
FM_API int64_t fm_plan_mask_count(const fm_plan *plan);

/** Reads the row `index`, 0 to fm_plan_mask_count - 1; rows are sorted by the bytes of the mask
 *  ids. Set `entry->size`. Errors (`*entry` is untouched): ARGUMENT, UNSUPPORTED. */
FM_API fm_status fm_plan_get(const fm_plan *plan, int64_t index, fm_plan_entry *entry,
                             fm_error *err);

/** The index of a mask's row; -1 if the plan does not have it. */
FM_API int64_t fm_plan_find(const fm_plan *plan, const char *mask_id);

/** The number of synthetic images of the whole plan; 0 for NULL. */
FM_API int64_t fm_plan_image_count(const fm_plan *plan);

/** How often joint training repeats the real set, so that it has as many real images as synthetic
 *  ones: round(images / masks), half to even, at least 1 (the paper: 11 for ADE20K, 4 for
 *  COCO-Stuff); 0 for NULL. */
FM_API int64_t fm_plan_real_repeats(const fm_plan *plan);

/** A number that two plans share if they have the same rows, equal on all machines; 0 for NULL. */
FM_API uint64_t fm_plan_fingerprint(const fm_plan *plan);

FM_END_DECLS

#endif
