/* freemask/context.h - allocator and log, the parent of all other handles.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_CONTEXT_H
#define FREEMASK_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/error.h>
#include <freemask/export.h>

FM_BEGIN_DECLS

/** Carries what every other object needs: the allocator, the log callback and the
 *  pixel kernels chosen for this CPU. Several may live side by side; the library
 *  has no globals.
 *
 *  Handles keep what they were made from alive: a context goes when it and every
 *  handle made from it have been destroyed, in whatever order. This holds for all
 *  handles of the library.
 *
 *  Thread-safety: immutable; may be used from any number of threads at once if its
 *  callbacks may.
 *
 *  Stack: every call of the library takes at most 16 KiB in a build with optimization. What the
 *  host's callbacks and the libraries that read and write files take comes on top of that.
 *
 *  A handle that is NULL is refused (ARGUMENT) by calls that can fail. Those that cannot fail
 *  return what they return where there is nothing: 0, -1, "" or NaN. */
typedef struct fm_context fm_context;

/* ---- Sized structures -----------------------------------------------------------
 * Every structure of the library that may grow begins with `size`, which the caller
 * sets to its sizeof: those that the caller fills (options) and those that the library
 * fills (reports, entries) alike. Fields are only ever appended. One rule for all:
 *
 * - A size below that of the structure's first release is refused (FM_ERR_ARGUMENT).
 * - A shorter structure than the library's, from a program that was built against an
 *   older header: missing fields count as zero, and are not written.
 * - A longer one, from a program that was built against a newer header: the part that
 *   this library does not know must be zero (else FM_ERR_UNSUPPORTED) and stays zero.
 *
 * In options, zero in any other field means the documented default, so
 *
 *     fm_context_options options = {.size = sizeof options};
 *
 * is complete, and a NULL pointer stands for such a structure. Options are copied: they
 * need not outlive the call, including the strings and arrays that they point to. */

/** Allocates `size` bytes (never 0), aligned for any C type; NULL if it cannot. */
typedef void *(*fm_allocate_fn)(size_t size, void *user);

/** Frees what the allocate function returned (never NULL). */
typedef void (*fm_release_fn)(void *memory, void *user);

/** Importance of a log line; smaller is graver. */
typedef enum fm_log_level {
  FM_LOG_ERROR = 1,
  FM_LOG_WARNING = 2,
  FM_LOG_INFO = 3,
  FM_LOG_DEBUG = 4
} fm_log_level;

/** Receives one line of valid UTF-8 without a line break, of at most 503 bytes, made as
 *  fm_error.message is. `message` is valid during the call. Called on the thread that called the
 *  library; must not call back into the library. */
typedef void (*fm_log_fn)(int32_t level, const char *message, void *user);

typedef struct fm_context_options {
  size_t size;
  fm_allocate_fn allocate; /**< with release, both or neither; NULL: malloc and free */
  fm_release_fn release;
  void *allocator_user; /**< handed to allocate and release */
  fm_log_fn log;        /**< NULL: silent */
  void *log_user;
  int32_t log_level; /**< the least important level wanted; 0: FM_LOG_WARNING */
  uint32_t kernels;  /**< the kernels to use, an fm_kernels; 0: the fastest that the CPU has.
                          For tests and for comparing: results are the same bits, those of
                          fm_network_loss excepted, whose last bits may differ. */
} fm_context_options;

/** Levels of pixel kernels. A level that is asked for is used or refused, never replaced by
 *  another. Those above C are in builds by GCC and Clang (and what takes their place) for
 *  64-bit x86 and little-endian 64-bit Arm. */
typedef enum fm_kernels {
  FM_KERNELS_BEST = 0,   /**< as good as the CPU has */
  FM_KERNELS_C = 1,      /**< plain C */
  FM_KERNELS_SSE41 = 2,  /**< SSE4.1 and POPCNT: Intel since 2008, AMD since 2011 */
  FM_KERNELS_AVX2 = 3,   /**< AVX2, FMA and F16C: Intel since 2013, AMD since 2015 */
  FM_KERNELS_AVX512 = 4, /**< AVX-512 F, BW, DQ, VL, VBMI where it is faster than AVX2: Ice Lake,
                              Zen 4 and later */
  FM_KERNELS_NEON = 5    /**< 64-bit Arm, all of them */
} fm_kernels;

/** Makes a context. `options` may be NULL. On success the caller owns `*out` and
 *  destroys it with fm_context_destroy. Errors: ARGUMENT, MEMORY, UNSUPPORTED
 *  (kernels that this CPU or build does not have). */
FM_API fm_status fm_context_create(const fm_context_options *options, fm_context **out,
                                   fm_error *err);

/** Gives the caller's hold on the context up. NULL is fine. */
FM_API void fm_context_destroy(fm_context *context);

/** The kernels in use: "c", "sse4.1", "avx2", "avx512" or "neon". Static storage. */
FM_API const char *fm_context_kernels(const fm_context *context);

FM_END_DECLS

#endif
