/* freemask/error.h - how calls report failure.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_ERROR_H
#define FREEMASK_ERROR_H

#include <stdint.h>

#include <freemask/export.h>

FM_BEGIN_DECLS

/** What a call returns: FM_OK, or why it did nothing.
 *
 *  The numbers are part of the ABI and never change; new ones may be added, so
 *  treat an unknown negative number as a failure.
 *
 *  On every failure: the objects and buffers the call was to change are as they
 *  were, `*out` arguments keep their value, and there is nothing to free. */
typedef enum fm_status {
  FM_OK = 0,
  FM_ERR_ARGUMENT = -1,    /**< the call broke the contract: NULL, range, option */
  FM_ERR_MEMORY = -2,      /**< the context's allocator returned NULL */
  FM_ERR_UNSUPPORTED = -3, /**< known, but not in this build or not by this call */
  FM_ERR_SHAPE = -4,       /**< sizes that have to agree differ */
  FM_ERR_LABEL = -5,       /**< a label outside the label space */
  FM_ERR_LOSS = -6,        /**< a loss that is NaN, infinite or negative */
  FM_ERR_FORMAT = -7,      /**< a file that is damaged or not what it should be */
  FM_ERR_LIMIT = -8,       /**< larger than a limit that guards memory or counters */
  FM_ERR_IO = -9,          /**< the operating system refused; host_code is errno */
  FM_ERR_CALLBACK = -10,   /**< a host callback stopped the call; host_code is its value */
  FM_ERR_MISMATCH = -11,   /**< objects that do not belong together */
  FM_ERR_DUPLICATE = -12,  /**< an id that occurs twice */
  FM_ERR_EMPTY = -13       /**< nothing to work on */
} fm_status;

/** Details of a failure, in memory of the caller.
 *
 *  Every function that can fail takes an `fm_error *` as its last argument; NULL
 *  is allowed. It is written on failure only and never allocates, so a variable on
 *  the stack will do and needs no initialization:
 *
 *      fm_error err;
 *      if (fm_class_stats_add(stats, &mask, &loss, &err))
 *        fprintf(stderr, "%s\n", err.message);
 *
 *  The layout is frozen: 512 bytes. */
typedef struct fm_error {
  int32_t code;      /**< the fm_status that the call returned */
  int32_t host_code; /**< FM_ERR_CALLBACK: the callback's value; FM_ERR_IO: errno; else 0 */
  char message[504]; /**< one line of valid UTF-8 without a line break, NUL-terminated: names
                          file, pixel, value and expectation where there are any. What
                          comes from outside (ids, paths, class names) has its bytes that are not
                          UTF-8 and its control characters replaced by a backslash, x and two
                          hexadecimal digits; U+0080 to U+009F, U+2028 and U+2029, which break
                          lines, by a backslash, u and four. A message that is too long ends with
                          the last whole character that fits. */
} fm_error;

/** The constant's name, such as "FM_ERR_SHAPE"; "FM_ERR_?" for an unknown number. Static
 *  storage. Thread-safety: any thread, any time. */
FM_API const char *fm_status_name(fm_status status);

FM_END_DECLS

#endif
