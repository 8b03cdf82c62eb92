/* filter/test_filter_kit.h - what the tests of freemask/filter.h share.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_FILTER_TEST_FILTER_KIT_H
#define FM_TESTS_FILTER_TEST_FILTER_KIT_H

#include "kit.h"

/* Labels 0 .. 3 are the classes, 5 and IGNORE are ignored, IGNORE is written. */
enum { CLASSES = 4, ALSO_IGNORED = 5, IGNORE = 9 };

/* The mean losses of the classes: 2 is unseen. */
extern const double filter_means[CLASSES];

/* With several strata: [class][stratum], and how many real pixels there are. Class 1 has none in
 * stratum 0, class 2 none at all. */
enum { STRATA = 3 };
extern const double filter_stratum_means[CLASSES][STRATA];
extern const int64_t filter_stratum_pixels[CLASSES][STRATA];

/* Made before each test, and destroyed after it. */
extern fm_context *filter_context;
extern fm_labels *filter_labels;
void filter_set_up(void);
void filter_set_up_plain(void); /* with kernels of plain C */
void filter_tear_down(void);

/* As filter_labels, but another label is written. */
fm_labels *filter_labels_writing(int64_t ignore);

/* From the means above, with one stratum or with STRATA. */
fm_mean_table filter_table(int strata);
fm_filter *filter_with(int strata, const fm_filter_options *options);

/* The groups of tests, one file each. */
TCase *filter_apply_case(void);
TCase *filter_plain_case(void);
TCase *filter_errors_case(void);

#endif
