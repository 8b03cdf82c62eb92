/* core/context.h - what every handle holds on to. */
#ifndef FM_CORE_CONTEXT_H
#define FM_CORE_CONTEXT_H

#include <freemask/context.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/fail.h"

struct fm_dsp; /* dsp/dsp.h; core only keeps the pointer */

struct fm_context {
  fm_allocate_fn allocate;
  fm_release_fn release;
  void *allocator_user;
  fm_log_fn log;
  void *log_user;
  int32_t log_level;
  atomic_size_t holds; /* the caller's, and one per living handle */
  const struct fm_dsp *dsp;
};

/* The two steps of fm_context_create, which dsp/dsp.c has because it chooses the kernels. */
fm_status fm__context_options_read(fm_context_options *options, const fm_context_options *given,
                                   fm_error *err);
/* `options` are those read. Errors: MEMORY. */
fm_status fm__context_make(const fm_context_options *options, const struct fm_dsp *dsp,
                           fm_context **out, fm_error *err);

/* Every handle holds its context from its creation until it is destroyed, through a const pointer,
 * since the count is not part of what a handle is: this holds for all fm__x_hold. */
fm_context *fm__context_hold(const fm_context *context);
void fm__context_drop(fm_context *context);

/* Memory from the context's allocator; NULL if it cannot or the size overflows.
 * A request for nothing gets one byte, so NULL always means failure. */
void *fm__alloc(const fm_context *context, size_t size);
void *fm__alloc_array(const fm_context *context, size_t count, size_t size);
void *fm__alloc_zeroed(const fm_context *context, size_t count, size_t size);
/* Of `size` bytes each. Height and width are those of a plane that has been read. */
void *fm__alloc_pixels(const fm_context *context, int64_t height, int64_t width, size_t size);
/* NULL is fine. */
void fm__free(const fm_context *context, void *memory);
/* A copy of a string, or NULL. */
char *fm__copy_string(const fm_context *context, const char *text);

/* One formatted line to the host's log, if it wants that level. */
FM__PRINTF(3, 4)
void fm__log(const fm_context *context, fm_log_level level, const char *format, ...);

#endif
