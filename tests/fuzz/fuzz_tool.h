/* fuzz/fuzz_tool.h - what the fuzzers of the tool's readers share. Those read files by path.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_FUZZ_FUZZ_TOOL_H
#define FM_TESTS_FUZZ_FUZZ_TOOL_H

#include <stdbool.h>

#include "base/fault.h"
#include "fuzz.h"

/* The path of a file with these bytes. It is the same file each time. */
const char *fuzz_path(const void *data, size_t size);

/* Where a reader's result may be written to, in the same folder. */
const char *fuzz_path_beside(void);

/* Whether a reader succeeded. If not, its code must be one of those that a damaged file has, with
 * one line of valid UTF-8 for people; anything else ends the process. */
bool fuzz_succeeded(int code, const fault *f);

fm_context *fuzz_context(void);

/* The bytes of a file that exists, NUL-terminated; caller frees. */
char *fuzz_content(const char *path, size_t *size);

#endif
