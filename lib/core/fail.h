/* core/fail.h - the one way to fill an fm_error. */
#ifndef FM_CORE_FAIL_H
#define FM_CORE_FAIL_H

#include <freemask/error.h>
#include <stddef.h>

#if defined(__GNUC__)
#define FM__PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define FM__PRINTF(text, first)
#endif

/* Writes the error, if there is one, and answers the status:
 *     return fm__fail(err, FM_ERR_SHAPE, "mask is %dx%d, loss map %dx%d", ...);
 * A line break in the message becomes a blank; a message that is too long is cut
 * between characters. */
FM__PRINTF(3, 4)
fm_status fm__fail(fm_error *err, fm_status status, const char *format, ...);

/* The same with a host code: a callback's value or errno. */
FM__PRINTF(4, 5)
fm_status fm__fail_host(fm_error *err, fm_status status, int host_code, const char *format, ...);

/* FM_ERR_MEMORY for a request of `size` bytes. */
fm_status fm__fail_memory(fm_error *err, size_t size);

/* Puts "prefix: " before the message of an error that a callee wrote. */
FM__PRINTF(2, 3)
void fm__fail_prefix(fm_error *err, const char *format, ...);

/* clang-tidy sees one file at a time: here it is told that the status comes back. */
#if defined(__clang_analyzer__) && !defined(FM_CORE_FAIL_C)
#define fm__fail(err, status, ...) ((void)fm__fail(err, status, __VA_ARGS__), (status))
#define fm__fail_host(err, status, host_code, ...) \
  ((void)fm__fail_host(err, status, host_code, __VA_ARGS__), (status))
#define fm__fail_memory(err, size) ((void)fm__fail_memory(err, size), FM_ERR_MEMORY)
#endif

#endif
