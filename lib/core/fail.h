/* core/fail.h - the one way to fill an fm_error. */
#ifndef FM_CORE_FAIL_H
#define FM_CORE_FAIL_H

#include <freemask/error.h>
#include <stdarg.h>
#include <stddef.h>

#if defined(__MINGW32__) /* where `printf` is Microsoft's */
#define FM__PRINTF(text, first) __attribute__((format(gnu_printf, text, first)))
#elif defined(__GNUC__)
#define FM__PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define FM__PRINTF(text, first)
#endif

/* Formats one line of valid UTF-8 into FM__LINE bytes, whatever the arguments hold: paths and ids
 * come from outside. A byte that is not UTF-8 and a control character below U+0080 become \xHH;
 * U+0080 to U+009F, U+2028 and U+2029, at which readers of lines may break, become \uHHHH. A
 * backslash stays as it is. A line that is too long is cut between characters. */
enum { FM__LINE = sizeof((fm_error *)0)->message };
FM__PRINTF(2, 0)
void fm__line(char *out, const char *format, va_list args);

/* Bytes of the UTF-8 sequence at the start of `at` (RFC 3629: no overlong forms, no surrogates,
 * nothing above U+10FFFF); 0 if there is none. */
size_t fm__utf8_at(const unsigned char *at, size_t left);

/* Bytes of `text`, at most `most`, that end with a whole character: for "%.*s". */
int fm__fit(const char *text, int most);

/* Writes the error, if there is one, as a line (fm__line), and returns the status:
 *     return fm__fail(err, FM_ERR_SHAPE, "mask is %dx%d, loss map %dx%d", ...); */
FM__PRINTF(3, 4)
fm_status fm__fail(fm_error *err, fm_status status, const char *format, ...);

/* The same with a host code: a callback's value or errno. */
FM__PRINTF(4, 5)
fm_status fm__fail_host(fm_error *err, fm_status status, int host_code, const char *format, ...);

/* FM_ERR_MEMORY for a request of `size` bytes. */
fm_status fm__fail_memory(fm_error *err, size_t size);

/* The same for a plane of pixels. */
fm_status fm__fail_pixels(fm_error *err, int64_t height, int64_t width);

/* Puts "prefix: " before the message of an error that a callee wrote. */
FM__PRINTF(2, 3)
void fm__fail_prefix(fm_error *err, const char *format, ...);

/* clang-tidy sees one file at a time: here it is told that the status comes back. */
#if defined(__clang_analyzer__) && !defined(FM_CORE_FAIL_C)
#define fm__fail(err, status, ...) ((void)fm__fail(err, status, __VA_ARGS__), (status))
#define fm__fail_host(err, status, host_code, ...) \
  ((void)fm__fail_host(err, status, host_code, __VA_ARGS__), (status))
#define fm__fail_memory(err, size) ((void)fm__fail_memory(err, size), FM_ERR_MEMORY)
#define fm__fail_pixels(err, height, width) \
  ((void)fm__fail_pixels(err, height, width), FM_ERR_MEMORY)
#endif

#endif
