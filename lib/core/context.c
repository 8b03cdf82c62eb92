/* core/context.c - allocator, log, reference counts. */
#include "core/context.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/size.h"

static void *default_allocate(size_t size, void *user) {
  (void)user;
  return malloc(size);
}

static void default_release(void *memory, void *user) {
  (void)user;
  free(memory);
}

fm_status fm__context_options_read(fm_context_options *o, const fm_context_options *given,
                                   fm_error *err) {
  fm_status status = FM__OPTIONS_READ(o, given, fm_context_options, kernels, err);
  if (status) return status;
  if (!o->allocate != !o->release)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_context_options: allocate and release go together, one of them is NULL");
  if (o->log_level < 0 || o->log_level > FM_LOG_DEBUG)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_context_options: log_level is %d, expected 0 to %d",
                    (int)o->log_level, FM_LOG_DEBUG);
  if (!o->allocate) o->allocate = default_allocate;
  if (!o->release) o->release = default_release;
  if (!o->log_level) o->log_level = FM_LOG_WARNING;
  return FM_OK;
}

fm_status fm__context_make(const fm_context_options *o, const struct fm_dsp *dsp, fm_context **out,
                           fm_error *err) {
  fm_context *context = o->allocate(sizeof *context, o->allocator_user);
  if (!context) return fm__fail_memory(err, sizeof *context);
  *context = (fm_context){.allocate = o->allocate,
                          .release = o->release,
                          .allocator_user = o->allocator_user,
                          .log = o->log,
                          .log_user = o->log_user,
                          .log_level = o->log_level,
                          .dsp = dsp};
  atomic_init(&context->holds, 1);
  *out = context;
  return FM_OK;
}

void fm_context_destroy(fm_context *context) {
  if (context) fm__context_drop(context);
}

fm_context *fm__context_hold(const fm_context *context) {
  fm_context *held = (fm_context *)context;
  atomic_fetch_add_explicit(&held->holds, 1, memory_order_relaxed);
  return held;
}

void fm__context_drop(fm_context *context) {
  if (atomic_fetch_sub_explicit(&context->holds, 1, memory_order_acq_rel) == 1)
    context->release(context, context->allocator_user);
}

void *fm__alloc(const fm_context *context, size_t size) {
  return context->allocate(size ? size : 1, context->allocator_user);
}

void *fm__alloc_array(const fm_context *context, size_t count, size_t size) {
  size_t bytes;
  return fm__size_mul(count, size, &bytes) ? fm__alloc(context, bytes) : NULL;
}

void *fm__alloc_zeroed(const fm_context *context, size_t count, size_t size) {
  void *memory = fm__alloc_array(context, count, size);
  if (memory) memset(memory, 0, count * size);
  return memory;
}

void *fm__alloc_pixels(const fm_context *context, int64_t height, int64_t width, size_t size) {
  uint64_t pixels = (uint64_t)height * (uint64_t)width;
  return pixels > SIZE_MAX ? NULL : fm__alloc_array(context, (size_t)pixels, size);
}

void fm__free(const fm_context *context, void *memory) {
  if (memory) context->release(memory, context->allocator_user);
}

char *fm__copy_string(const fm_context *context, const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = fm__alloc(context, size);
  if (copy) memcpy(copy, text, size);
  return copy;
}

void fm__log(const fm_context *context, fm_log_level level, const char *format, ...) {
  if (!context->log || (int32_t)level > context->log_level) return;
  char line[FM__LINE];
  va_list args;
  va_start(args, format);
  fm__line(line, format, args);
  va_end(args);
  context->log((int32_t)level, line, context->log_user);
}
