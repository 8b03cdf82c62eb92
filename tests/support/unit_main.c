/* support/unit_main.c - runs the suites that are named, or all.
 * SPDX-License-Identifier: MIT */
#include <run_suites.h>

#include "suites.h"

static const named_suite all[] = {
    {"shard", shard_suite},
    {"version", version_suite},
    {"error", error_suite},
    {"context", context_suite},
    {"view", view_suite},
    {"labels", labels_suite},
    {"class_stats", class_stats_suite},
    {"class_stats_exact", class_stats_exact_suite},
    {"class_stats_words", class_stats_words_suite},
    {"map", map_suite},
    {"filter", filter_suite},
    {"hardness", hardness_suite},
    {"plan", plan_suite},
    {"planner", planner_suite},
    {"policies", policies_suite},
    {"ranking", ranking_suite},
    {"network_loss", network_loss_suite},
    {"network_full", network_full_suite},
    {"network_fused", network_fused_suite},
    {"network_loops", network_loops_suite},
    {"provider", provider_suite},
    {"schedule", schedule_suite},
    {"schedule_random", schedule_random_suite},
    {"golden", golden_suite},
    {"oom", oom_suite},
    {"lifetime", lifetime_suite},
    {"threads", threads_suite},
};

int main(int argc, char **argv) { return run_suites(all, sizeof all / sizeof *all, argc, argv); }
