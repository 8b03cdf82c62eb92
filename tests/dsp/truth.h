/* dsp/truth.h - what the results are, worked out pixel by pixel without the library.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_DSP_TRUTH_H
#define FM_TESTS_DSP_TRUTH_H

#include "space.h"

/* Each returns whether a result is right. The image has no bad pixel. */
bool truth_filtered(const space *s, const draw_image *image, const fm_plane *filtered);
bool truth_weights(const space *s, const draw_image *image, const fm_plane *weights);
bool truth_report(const space *s, const draw_image *image, const fm_filter_report *report);

/* Pixels, and means to a relative 1e-9 of those from sums in whole numbers. */
bool truth_stats(const space *s, const draw_image *image, const fm_class_stats *stats);

/* Pixels that a nearest-neighbour resize takes from each class. */
bool truth_hardness(const space *s, const draw_image *image, int64_t width, int64_t height,
                    double hardness, int64_t valid);

#endif
