/* test_posix.h - what the tests call and neither Windows nor our port has; before every file there.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_SUPPORT_TEST_POSIX_H
#define FM_TESTS_SUPPORT_TEST_POSIX_H

#include <stddef.h>

char *test_mkdtemp(char *path);
int test_mkstemp(char *path);
int test_setenv(const char *name, const char *value, int replace);
/* Aligned as malloc aligns, to 16 bytes: free has to take it. */
int test_posix_memalign(void **out, size_t alignment, size_t size);

#define mkdtemp test_mkdtemp
#define mkstemp test_mkstemp
#define setenv test_setenv
#define posix_memalign test_posix_memalign

#endif
