/* freemask/planner.h - how many synthetic images each mask gets, and with which seeds.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_PLANNER_H
#define FREEMASK_PLANNER_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/plan.h>

FM_BEGIN_DECLS

/** Collects masks and makes plans of them. Thread-safety: one thread at a time; calls that take it
 *  as const may run at once. */
typedef struct fm_planner fm_planner;

/** How the number of images of each mask follows from what is known of the masks. doc/plans.md
 *  has the formulas, their sources, and which one to use when.
 *
 *  Each policy weighs the masks. With a budget the images are shared out by the weights: mask i
 *  gets max(n_min, min(lambda * weight, n_max)), with the one lambda for which the sum is the
 *  budget; the whole parts are taken, and what is left goes one each to the largest
 *  remainders (where equal ones do not all get one: evenly along the ids). The sum is the
 *  budget exactly. Weights are whole numbers, 1 to 2^31 - 1, which the heaviest mask has. */
typedef enum fm_plan_policy {
  FM_PLAN_RANK = 0,         /**< the paper: n_i = min(1 + round((i + 1) / N * n_max), n_max) for the
                                 mask that has i easier ones among N, ties by id; divided first,
                                 then multiplied, in double; round half to even. As a weight: n_i */
  FM_PLAN_UNIFORM = 1,      /**< n_max for each mask; weight 1 */
  FM_PLAN_PROPORTIONAL = 2, /**< weight hardness^gamma; hardness is not negative */
  FM_PLAN_REPEAT_FACTOR = 3, /**< LVIS: the largest max(1, sqrt(threshold / f(c))) of the mask's
                                  classes c, f(c) being the share of masks that have c; rounded up
                                  with the chance of its fraction, drawn from (plan_seed, mask id);
                                  at most n_max. As a weight: without rounding */
  FM_PLAN_RARE_CLASS = 4, /**< DAFormer's rare class sampling, as an expectation: a class is drawn
                               with P(c) = softmax((1 - f(c)) / temperature), f(c) being its share
                               of all pixels, then one of the masks that have it, each as likely:
                               weight sum over the mask's classes of P(c) / masks with c */
  FM_PLAN_BLEND = 5       /**< a weighted sum of others, see `blend` */
} fm_plan_policy;

/** One part of a blend. Never grows: arrays of it have this stride. */
typedef struct fm_plan_part {
  int32_t policy;   /**< an fm_plan_policy other than FM_PLAN_BLEND */
  int32_t reserved; /**< 0 */
  double share;     /**< 1e-9 to 1e9, in relation to the shares of the other parts */
} fm_plan_part;

/** Options that the policy does not use, itself or in a blend, are 0: others are refused. */
typedef struct fm_planner_options {
  size_t size;
  int32_t policy;   /**< an fm_plan_policy */
  int32_t n_max;    /**< the most images a mask gets, 1 to 2^20; 0: 20 */
  int32_t n_min;    /**< the least images a mask gets, 0 to n_max */
  int32_t reserved; /**< 0 */
  int64_t budget;   /**< images of the whole plan, between N * n_min and N * n_max. 0: RANK, UNIFORM
                         and REPEAT_FACTOR have their own counts, the others share out as many
                         as RANK would give */
  const int64_t *seeds; /**< [seed_count], the generator seeds to choose from, distinct; NULL: 42,
                           43, to 61 */
  int64_t seed_count;   /**< n_max to 2^32 - 1; 0 without `seeds` */
  uint64_t plan_seed;   /**< chooses among the seeds */
  double gamma;       /**< PROPORTIONAL: above 0, up to 64, rounded to a multiple of 2^-16; 0: 1 */
  double threshold;   /**< REPEAT_FACTOR: share of masks below which a class is rare, above 0,
                           up to 1; 0: 0.001 */
  double temperature; /**< RARE_CLASS: above 0, up to 1e9; 0: 0.01 */
  int64_t min_class_pixels; /**< REPEAT_FACTOR and RARE_CLASS: a mask has a class if it has at least
                                 this many pixels of it; 0: 1 */
  const fm_plan_part *blend; /**< BLEND: [blend_count], a policy and its share each: each policy's
                                  weights are divided by their sum over all masks, multiplied by
                                  its share, and added up, in the order of the policies' numbers */
  int64_t blend_count;       /**< BLEND: 1 or more; no policy occurs twice */
} fm_planner_options;

/** Makes an empty planner. `options` may be NULL: the paper for ADE20K. On success
 *  the caller owns `*out`. Errors (`*out` is untouched): ARGUMENT, DUPLICATE (a seed, or a policy
 *  of a blend), LIMIT, MEMORY, UNSUPPORTED. */
FM_API fm_status fm_planner_create(const fm_context *context, const fm_planner_options *options,
                                   fm_planner **out, fm_error *err);

/** Destroys; NULL is fine. Plans made from it stay. */
FM_API void fm_planner_destroy(fm_planner *planner);

/** The options with the defaults filled in (those that the policy does not use are 0): a planner
 *  that is made with them makes the same plans. Pointers live as long as the planner. Set
 *  `out->size`. Errors (`*out` is untouched): ARGUMENT, UNSUPPORTED. */
FM_API fm_status fm_planner_get_options(const fm_planner *planner, fm_planner_options *out,
                                        fm_error *err);

/** Adds a mask. `mask_id` is copied: 1 to 4,095 bytes, any but NUL; ids compare by
 *  their bytes. `hardness` is finite, and not negative where the policy is or blends PROPORTIONAL.
 *
 *  `class_pixels`: the pixels of each class in the mask, as fm_labels_count gives them, which
 *  REPEAT_FACTOR and RARE_CLASS require, alone or in a blend; other policies do not use them.
 *  `class_count`: their number, 1 to 65,535, the same for all masks. NULL and 0: none.
 *
 *  Memory: ids apart, 27 to 54 bytes per mask (arrays double when they are full) and, where the
 *  policy uses classes, 1 to 2 bits for each class and mask. On failure the planner is what it was.
 *  Errors: ARGUMENT, DUPLICATE (the id was added before), MEMORY, LIMIT (2^31 - 1 masks, 2^62
 *  pixels). */
FM_API fm_status fm_planner_add(fm_planner *planner, const char *mask_id, double hardness,
                                const int64_t *class_pixels, int32_t class_count, fm_error *err);

/** Says what an earlier plan gave a mask, so that nothing of it is withdrawn: in plans made
 *  from now on the mask gets at least `seed_count` images (more than n_max if need be), these
 *  `seeds` among them, which need not be in the planner's own list. They are copied, and distinct.
 *  The mask may be added before or after.
 *
 *  On failure the planner is what it was. Errors: ARGUMENT, DUPLICATE (what the mask keeps was
 *  given before, or a seed twice), MEMORY, LIMIT (2^20 seeds, 2^31 - 1 masks). */
FM_API fm_status fm_planner_keep(fm_planner *planner, const char *mask_id, const int64_t *seeds,
                                 int64_t seed_count, fm_error *err);

/** A mask as it was added. */
typedef struct fm_planner_row {
  size_t size;         /**< set by the caller, kept */
  const char *mask_id; /**< lives as long as the planner */
  double hardness;
  const uint64_t *classes;   /**< where the policy uses classes: [(class_count + 63) / 64], class k
                                  is bit k % 64 of word k / 64; else NULL. Valid until a mask is
                                  added */
  int32_t class_count;       /**< 0 where `classes` is NULL */
  int32_t reserved;          /**< 0 */
  const int64_t *kept_seeds; /**< [kept_count], ascending: what fm_planner_keep said; lives as long
                                as the planner. NULL if it said nothing */
  int64_t kept_count;
} fm_planner_row;

/** The number of masks that were added; 0 for NULL. */
FM_API int64_t fm_planner_mask_count(const fm_planner *planner);

/** Reads a mask by its index, 0 to fm_planner_mask_count - 1, in the order of adding. Set
 *  `row->size`. Errors (`*row` is untouched): ARGUMENT, UNSUPPORTED. */
FM_API fm_status fm_planner_get(const fm_planner *planner, int64_t index, fm_planner_row *row,
                                fm_error *err);

/** The index of a mask; -1 if it was not added. */
FM_API int64_t fm_planner_find(const fm_planner *planner, const char *mask_id);

/** Makes the plan of what was added so far; more may be added for another plan.
 *
 *  Seeds of a mask: the first n_i of a permutation of the seeds that depends on
 *  (plan_seed, mask id) alone, so neither the other masks nor the order of adding
 *  matter, and a mask whose count grows keeps those it had. Where seeds are kept, these and the
 *  first of the permutation that are not among them. The generator is documented in
 *  doc/random.md.
 *
 *  On success the caller owns `*out`. Memory: 48 bytes per mask and 8 per chosen seed,
 *  ids apart; while it works 28 bytes per mask more, 12 for each if anything is kept and, where the
 *  policy uses classes, a bit for each class and mask. Errors (`*out` is untouched): ARGUMENT
 *  (the budget cannot be met), EMPTY, MEMORY, MISMATCH (something is kept of a mask that was not
 *  added). */
FM_API fm_status fm_planner_make_plan(const fm_planner *planner, fm_plan **out, fm_error *err);

/** As fm_planner_make_plan, with counts of the caller's in place of the policy's: counts[i], for the
 *  mask that was added as the i-th. Each is at most n_max, or what the mask keeps (fm_planner_keep) if
 *  that is more, and at least what it keeps. `mask_count` is fm_planner_mask_count. The array is only
 *  read during the call. fm_yield_count_images makes such counts.
 *
 *  Ownership, memory and errors: as fm_planner_make_plan; ARGUMENT also for a count out of range. */
FM_API fm_status fm_planner_make_plan_of(const fm_planner *planner, const uint32_t *counts,
                                         int64_t mask_count, fm_plan **out, fm_error *err);

/** What fm_planner_count_images uses: plain arrays with one element for each mask, whose id is
 *  its index. */
typedef struct fm_planner_table {
  size_t size;
  int64_t mask_count;     /**< 1 to 2^31 - 1; required */
  const double *hardness; /**< [mask_count], as for fm_planner_add; NULL if the policy does not look
                               at it (only RANK and PROPORTIONAL do) */
  const uint64_t *classes; /**< [mask_count][words], words = (class_count + 63) / 64: class k of a
                              mask is bit k % 64 of its word k / 64; NULL if the policy does not
                              use classes */
  int32_t class_count;     /**< 0 to 65,535 */
  int32_t reserved;        /**< 0 */
  const int64_t *class_pixels; /**< [class_count] of all masks: what RARE_CLASS uses */
  const uint32_t *kept; /**< [mask_count], images that each mask has from an earlier plan, up to
                             2^20, or NULL: as fm_planner_keep. Does not overlap `counts` */
} fm_planner_table;

/** The counts alone, for very many masks: counts[i] becomes what mask i gets. The options are those
 *  of a planner; seeds are not used (n_max may be larger than their number), and neither is
 *  min_class_pixels. The counts are those of a plan whose ids sort as the
 *  indices do, except that REPEAT_FACTOR without a budget draws by the index
 *  (doc/random.md).
 *
 *  `counts` has `mask_count` elements, which the call also works in: the only other memory is 4
 *  bytes per mask if RANK is used, and 24 bytes per class. Thread-safety: any number of calls
 *  at once. Errors (`counts` is untouched): ARGUMENT, DUPLICATE (a policy of a blend), EMPTY,
 *  MEMORY, LIMIT, UNSUPPORTED. */
FM_API fm_status fm_planner_count_images(const fm_context *context,
                                         const fm_planner_options *options,
                                         const fm_planner_table *table, uint32_t *counts,
                                         fm_error *err);

/* ---- A budget that knows what is left of images ------------------------------------- */

/** What fm_yield_count_images uses. Sized structure, see freemask/context.h. */
typedef struct fm_yield_table {
  size_t size;
  int64_t mask_count;    /**< 1 to 2^31 - 1; required */
  const int64_t *pixels; /**< [mask_count][class_count], of each mask, 0 to 2^40. Required. */
  const double
      *kept_shares;      /**< [class_count], the share of the pixels of each class that filtering
                                  keeps, 0 to 1; NULL: all */
  const double *weights; /**< [class_count], 0 to 1e9: what classes are worth; NULL: 1 each */
  int32_t class_count;   /**< 1 to 65,535; required */
  int32_t n_max;         /**< the most images a mask gets, 1 to 2^20; 0: 20 */
  int64_t budget;        /**< images of the whole plan, with those of `kept`. Required. */
  const uint32_t *kept; /**< [mask_count], images that each mask has already, up to 2^20, or NULL */
} fm_yield_table;

/** Shares a budget out one image after the other, to the mask whose next image adds most:
 *
 *      gain(i) = sum_k weights[k] * (a(i, k) / there(k)) / (1 + images of i)
 *
 *  k runs over the mask's classes in ascending order, a(i, k) = floor(kept_shares[k] * pixels of k in
 *  mask i + 0.5) are the pixels that one image adds, and there(k) those of the class in all masks (at
 *  least 1), plus what the images so far add. So a class counts by its growth, rare ones more, less
 *  the more of it there is, and so does another image of the same mask. All in double; of equal gains
 *  the lowest index is first; masks that have n_max images, or had more, get no further one. Images that
 *  are `kept` count from the beginning: a plan of 200 grows from one of 100 as if it had been made at once.
 *
 *  Not the paper's rule, and not measured as one: it needs what filtering kept, of a first batch say.
 *
 *  `counts` [mask_count] becomes the images of each mask. Memory: 16 bytes per mask and 8 per class.
 *  Time: masks times classes, and for each image a few times the classes. Thread-safety: any number of
 *  calls at once. Errors (`counts` is untouched): ARGUMENT (also a budget that cannot be met), MEMORY,
 *  LIMIT, UNSUPPORTED. */
FM_API fm_status fm_yield_count_images(const fm_context *context, const fm_yield_table *table,
                                       uint32_t *counts, fm_error *err);

FM_END_DECLS

#endif
