/* io/test_io.c - runs the suites of freemask/io.h that are named, or all. They need zlib, to
 * make files that no encoder would.
 * SPDX-License-Identifier: MIT */
#include <run_suites.h>

#include "test_io_kit.h"

static const named_suite all[] = {
    {"io_mask", io_mask_suite},         {"io_mask_write", io_mask_write_suite},
    {"io_npy", io_npy_suite},           {"io_npz", io_npz_suite},
    {"io_image", io_image_suite},       {"io_file", io_file_suite},
    {"io_agree", io_agree_suite},       {"files_labels", files_labels_suite},
    {"files_csv", files_csv_suite},     {"files_plan", files_plan_suite},
    {"files_stats", files_stats_suite}, {"io_threads", io_threads_suite},
};

int main(int argc, char **argv) { return run_suites(all, sizeof all / sizeof *all, argc, argv); }
