/* freemask/map.h - masks made from masks: other sizes, wider types.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_MAP_H
#define FREEMASK_MAP_H

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

FM_END_DECLS

#endif
