/* support/suites.h - one suite per public header.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_SUPPORT_SUITES_H
#define FM_TESTS_SUPPORT_SUITES_H

#include <check.h>

Suite *shard_suite(void);
Suite *version_suite(void);
Suite *error_suite(void);
Suite *context_suite(void);
Suite *view_suite(void);
Suite *labels_suite(void);
Suite *class_stats_suite(void);
Suite *class_stats_exact_suite(void);
Suite *class_stats_words_suite(void);
Suite *map_suite(void);
Suite *filter_suite(void);
Suite *hardness_suite(void);
Suite *plan_suite(void);
Suite *planner_suite(void);
Suite *policies_suite(void);
Suite *ranking_suite(void);
Suite *network_loss_suite(void);
Suite *network_full_suite(void);
Suite *network_fused_suite(void);
Suite *network_loops_suite(void);
Suite *provider_suite(void);
Suite *schedule_suite(void);
Suite *schedule_random_suite(void);
Suite *golden_suite(void);
Suite *oom_suite(void);
Suite *lifetime_suite(void);
Suite *threads_suite(void);

#endif
