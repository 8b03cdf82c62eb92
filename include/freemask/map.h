/* freemask/map.h - planes made from masks: other sizes, wider types, distances to the boundary, means
 * over windows.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_MAP_H
#define FREEMASK_MAP_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/view.h>

FM_BEGIN_DECLS

/** Resizes a mask to the size of `to`, each pixel of which gets the label of the nearest pixel of
 *  `from`, exactly as Pillow's NEAREST does: pixel (x, y) of W x H comes from column
 *  floor((x + 0.5) * w / W) and row floor((y + 0.5) * h / H) of w x h. As in Pillow, positions are
 *  summed in double: 0.5 * w / W, then w / W for each step, so for some W a position on a border
 *  falls to its left. fm_hardness_measure takes the same pixels.
 *
 *  `from` and `to` are masks of any integer types; the labels that `to` receives have to fit its
 *  type (numbers of 2^63 - 1 and above fit U64 only). With equal sizes this converts a mask to
 *  another type. `to` must not overlap `from`.
 *
 *  Memory: 4 bytes per column of `to`. Stack: less than 1 KiB.
 *  Errors (`to` is untouched): ARGUMENT, MEMORY, UNSUPPORTED (dtype, device), LIMIT (size; a label
 *  that does not fit: names its pixel in `from`).
 *  Thread-safety: any thread; calls that run at the same time need distinct outputs. */
FM_API fm_status fm_map_resize_nearest(const fm_context *context, const fm_plane *from,
                                       const fm_plane *to, fm_error *err);

/** Where strata begin. Sized structure, see freemask/context.h. */
typedef struct fm_boundary_options {
  size_t size;
  const int32_t *edges; /**< distances in pixels, rising, 2 to 16,000, only read during the call;
                             NULL: 2, 3, 4, 6, 9, 14 and 20 pixels of an image that is 240 high,
                             in proportion to the height (rounded to nearest, halves up), each at
                             least one above the one before */
  int32_t edge_count;   /**< 1 to 254; 0 if `edges` is NULL, which makes 7 */
} fm_boundary_options;

/** Divides the pixels of a mask by their distance to another label: a pixel's stratum is the number
 *  of edges that its distance reaches, 0 to `edge_count`. Near boundaries losses are high on real
 *  images too; strata compare like with like (freemask/class_stats.h).
 *
 *  The distance of a pixel is that of a king on a chessboard, max(|dx|, |dy|), to the nearest pixel
 *  with another label: 1 if they touch, at a corner too. An ignored label is a label; the image's
 *  border is no boundary; without another label the distance is infinite. U64 labels of 2^63 - 1 and
 *  above count as one.
 *
 *  `options` may be NULL. `strata` is a U8 plane of the mask's size that does not overlap it.
 *
 *  Memory: 1 byte per pixel, 2 if the last edge is above 254; 13 bytes per column, 16 more for masks
 *  that are no packed bytes. Stack: less than 8 KiB.
 *  Errors (`strata` is untouched): ARGUMENT, MEMORY, UNSUPPORTED (dtype, device), SHAPE, LIMIT.
 *  Thread-safety: any thread; calls that run at the same time need distinct outputs. */
FM_API fm_status fm_map_boundary_strata(const fm_context *context, const fm_plane *mask,
                                        const fm_boundary_options *options, const fm_plane *strata,
                                        fm_error *err);

/** The mean of `values` around each pixel, over the pixels with the same label in the square of side
 *  2 * radius + 1 around it, which the image's border clips.
 *
 *  Values are rounded to multiples of 2^-12 (to nearest, ties to even) and limited to +-256, so that
 *  their sums are exact: the mean is the sum in such steps, rounded to float, divided by the number
 *  of pixels, rounded to float, times 2^-12. The same on all machines.
 *
 *  `values` is a plane of the mask's size and of any type of a loss map; all must be finite, also
 *  those of ignored pixels, which are pixels of their label here. `means` is an F32 plane of this
 *  size: either the very same memory as `values`, or without a byte of `mask` and `values`. `radius`
 *  is 0 to 1023.
 *
 *  Takes O(1) for a pixel of a long run, whatever the radius, O(radius) at the start of a run.
 *  Memory: 4 bytes for each pixel of as many rows as a window has, 8 per run of equal labels in a
 *  row, 5 per column, and 8 per column (with twice the radius more of them) for each label that
 *  occurs. Stack: less than 8 KiB.
 *  Errors (`means` is untouched): ARGUMENT, MEMORY, UNSUPPORTED (dtype, device), SHAPE, LOSS (names
 *  the first value that is not finite), LIMIT.
 *  Thread-safety: any thread; calls that run at the same time need distinct outputs. */
FM_API fm_status fm_map_window_mean(const fm_context *context, const fm_plane *mask,
                                    const fm_plane *values, int32_t radius, const fm_plane *means,
                                    fm_error *err);

FM_END_DECLS

#endif
