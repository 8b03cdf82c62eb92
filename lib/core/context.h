/* core/context.h - what every handle holds on to. */
#ifndef FM_CORE_CONTEXT_H
#define FM_CORE_CONTEXT_H

#include <freemask/context.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "dsp/dsp.h"

struct fm_context {
  fm_allocate_fn allocate;
  fm_release_fn release;
  void *allocator_user;
  fm_log_fn log;
  void *log_user;
  int32_t log_level;
  atomic_size_t holds; /* the caller's, and one per living handle */
  uint32_t wanted;     /* the fastest kernels allowed, an fm_kernels */
  fm_kernels level;
  fm_dsp dsp;
};

/* Holds: a handle takes one at birth and drops it at death. Handles are held through const
 * pointers, since the count is not part of what a handle is: this holds for all fm__x_hold. */
fm_context *fm__context_hold(const fm_context *context);
void fm__context_drop(fm_context *context);

/* Memory from the context's allocator; NULL if it cannot or the size overflows.
 * A request for nothing gets one byte, so NULL always means failure. */
void *fm__alloc(const fm_context *context, size_t size);
void *fm__alloc_array(const fm_context *context, size_t count, size_t size);
void *fm__alloc_zeroed(const fm_context *context, size_t count, size_t size);
/* NULL is fine. */
void fm__free(const fm_context *context, void *memory);
/* A copy of a string, or NULL. */
char *fm__copy_string(const fm_context *context, const char *text);

/* One formatted line to the host's log, if it wants that level. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void fm__log(const fm_context *context, fm_log_level level, const char *format, ...);

#endif
