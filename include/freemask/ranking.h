/* freemask/ranking.h - the paper's counts for masks that are spread over many machines.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_RANKING_H
#define FREEMASK_RANKING_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>

FM_BEGIN_DECLS

/** Finds how many images FM_PLAN_RANK gives each mask where no machine has all masks. The counts rise
 *  with the hardness and have n_max values at most, so n_max - 1 cut points of (hardness, id) say it all.
 *  They are selected exactly, in passes. In each pass every part has a ranking of its own, adds all its
 *  masks and exports words, integers; the words of all parts are summed one by one (MPI_SUM, an
 *  all_reduce); and each part advances with the sum. Then all know the same, and after the last pass
 *  each counts the images of its own masks.
 *
 *      while (!fm_ranking_is_done(ranking)) {
 *        for each batch of my masks: fm_ranking_add(ranking, ids, hardness, count, &err);
 *        fm_ranking_export(ranking, words, fm_ranking_word_count(ranking), &err);
 *        all_reduce(words, SUM);
 *        fm_ranking_advance(ranking, words, fm_ranking_word_count(ranking), &err);
 *      }
 *      fm_ranking_count_images(ranking, ids, hardness, count, counts, &err);
 *      fm_planner_make_plan_of(planner of my masks, counts, ...);
 *
 *  The result is that of fm_planner_make_plan on all masks, to the image and to the seed, however the
 *  masks are divided and in whatever order they are added.
 *
 *  Passes: the first counts masks by the upper 16 bits of their hardness. Later ones look only at masks
 *  that share all known bits with a cut; with an n_max of up to 33 each adds 16 bits, so four are enough
 *  unless a cut falls among masks of equal hardness. These are told apart by the bytes of their ids: one
 *  pass finds which bytes occur at the next 64 positions, the next counts the ids by as many positions as
 *  room is for. A cut is found once no mask of its group lies before it.
 *
 *  Sums alone bring a ranking to where the others are: a new one that advances with the sums of the
 *  passes so far, without a mask, goes on for one that was lost.
 *
 *  Memory: the words, twice while it advances; 72 bytes for each cut and, where hardness is equal,
 *  2 KiB and an id. It does not grow with the masks. Thread-safety: one thread at a time; calls that
 *  take it as const may run at once. */
typedef struct fm_ranking fm_ranking;

/** Makes a ranking before its first pass. `n_max`: the most images a mask gets, 1 to 2^20, the same in all
 *  parts; 0: 20. On success the caller owns `*out`. Errors (`*out` is untouched): ARGUMENT, MEMORY. */
FM_API fm_status fm_ranking_create(const fm_context *context, int32_t n_max, fm_ranking **out,
                                   fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_ranking_destroy(fm_ranking *ranking);

/** Adds masks to the pass. `hardness` [count] is finite; -0 is 0. `mask_ids` [count], of 1 to 4,095 bytes
 *  each, distinct over all parts; NULL if fm_ranking_uses_ids says 0. Every pass gets all masks
 *  of the part, each once, in any order and number of calls. Nothing is kept of the arrays. `count` may be
 *  0, and then both NULL. Time: a few nanoseconds per mask; more only for masks next to a cut.
 *
 *  Errors (nothing was added): ARGUMENT (also if the ranking is done), LIMIT (2^42 masks). */
FM_API fm_status fm_ranking_add(fm_ranking *ranking, const char *const *mask_ids,
                                const double *hardness, int64_t count, fm_error *err);

/** Number of words of this pass, at most 3 + 2^21 (16 MiB), the same in all parts; 0 if the ranking is done
 *  or NULL. */
FM_API int64_t fm_ranking_word_count(const fm_ranking *ranking);

/** Writes the words of this part and pass. `count` must be fm_ranking_word_count. Up to 2^30 parts may be
 *  summed. Errors: ARGUMENT. */
FM_API fm_status fm_ranking_export(const fm_ranking *ranking, int64_t *words, int64_t count,
                                   fm_error *err);

/** Ends the pass with the sum of the words of all parts, those of this one among them.
 *
 *  Errors (the ranking is what it was, and may advance with other words): ARGUMENT (count; the ranking is
 *  done), EMPTY (no part has a mask), FORMAT (words that no sum of exports gives), LIMIT (2^42 masks),
 *  MEMORY, MISMATCH (the words of some part are of another pass or n_max; or the masks are not those
 *  of the passes before), DUPLICATE (an id occurs twice, with equal hardness; noticed only where it
 *  lies at a cut). */
FM_API fm_status fm_ranking_advance(fm_ranking *ranking, const int64_t *words, int64_t count,
                                    fm_error *err);

/** 1 if all cuts are known, else 0; 0 for NULL. */
FM_API int32_t fm_ranking_is_done(const fm_ranking *ranking);

/** 1 if this pass or, after the last one, fm_ranking_count_images needs the ids, else 0; 0 for NULL. */
FM_API int32_t fm_ranking_uses_ids(const fm_ranking *ranking);

/** The number of passes that have ended; 0 for NULL. */
FM_API int32_t fm_ranking_pass_count(const fm_ranking *ranking);

/** The number of masks of all parts; 0 before the first pass has ended and for NULL. */
FM_API int64_t fm_ranking_mask_count(const fm_ranking *ranking);

/** The number of images of all masks of all parts; 0 before the first pass has ended and for NULL. */
FM_API int64_t fm_ranking_image_count(const fm_ranking *ranking);

/** Writes how many images each of these masks gets: counts[i], 1 to n_max, of mask i. Arrays as for
 *  fm_ranking_add; `counts` [count]. With a least number of images, or images that a mask keeps of an
 *  earlier plan (fm_planner_keep), take the larger number.
 *
 *  Errors (`counts` is untouched): ARGUMENT (also if the ranking is not done). */
FM_API fm_status fm_ranking_count_images(const fm_ranking *ranking, const char *const *mask_ids,
                                         const double *hardness, int64_t count, uint32_t *counts,
                                         fm_error *err);

FM_END_DECLS

#endif
