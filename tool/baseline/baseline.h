/* baseline/baseline.h - a small built-in pixel classifier: losses without a segmenter. */
#ifndef FREEMASK_TOOL_BASELINE_H
#define FREEMASK_TOOL_BASELINE_H

#include <freemask/freemask.h>
#include <jansson.h>

/* Fitted on a real set, it gives for every pixel the cross-entropy, in nats, of its own guess
 * against the mask. Color, texture at several window sizes, position and what lies around are
 * cut into bins; what each bin says about each class adds up to class scores.
 *
 * The fit needs nothing but counts, so any order and any split over threads gives the same bits.
 * Life: create, fit_add ..., fit_finish, predict ...; or load, predict.
 *
 * Thread-safety: fitting, one thread at a time (one baseline per thread, merged at the end);
 * predict and save are const and may run side by side. */
typedef struct baseline baseline;

/* An empty one, ready to be fitted. */
fm_status baseline_create(fm_context *context, const fm_labels *labels, baseline **out,
                          fm_error *err);
void baseline_destroy(baseline *b); /* NULL is fine */

/* Counts one real image: U8 RGB of the mask's size. Errors (nothing counted): SHAPE, LABEL,
 * ARGUMENT, UNSUPPORTED, MEMORY. */
fm_status baseline_fit_add(baseline *b, const fm_plane *mask, const fm_volume *image,
                           fm_error *err);

/* Adds the counts of `from` to `into`. */
fm_status baseline_fit_merge(baseline *into, const baseline *from, fm_error *err);

/* Solves for the scores. EMPTY if nothing was counted. */
fm_status baseline_fit_finish(baseline *b, fm_error *err);

/* Fills `loss`, an F32 plane of the mask's size: finite, not negative; 0 where the mask is
 * ignored. `shown` [height][width] (may be NULL) gets the class that the pixel looks most like, -1 where
 * it is ignored. Errors as baseline_fit_add; ARGUMENT before the fit is finished. */
fm_status baseline_predict(const baseline *b, const fm_plane *mask, const fm_volume *image,
                           const fm_plane *loss, int32_t *shown, fm_error *err);

/* As baseline_predict, for an image that was fitted, by a model without its counts. Losses on the
 * real set are then those of images never seen, as they are on the synthetic ones; else all
 * thresholds would be too low. ARGUMENT after baseline_load: the counts are not saved. */
fm_status baseline_predict_left_out(const baseline *b, const fm_plane *mask, const fm_volume *image,
                                    const fm_plane *loss, fm_error *err);

/* The finished model as JSON (new reference; NULL without memory or before the fit is finished),
 * and back. `labels` must be the space it was fitted with (MISMATCH); FORMAT names what is wrong.
 */
json_t *baseline_save(const baseline *b);
fm_status baseline_load(fm_context *context, const fm_labels *labels, const json_t *model,
                        baseline **out, fm_error *err);

#endif
