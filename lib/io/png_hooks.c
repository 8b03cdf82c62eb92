/* io/png_hooks.c - libpng's memory, and where its errors and warnings go. */
#include "io/png_hooks.h"

#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"

static png_voidp allocate(png_structp png, png_alloc_size_t size) {
  fm__png_hooks *hooks = png_get_mem_ptr(png);
  void *memory = fm__alloc(hooks->context, size);
  if (!memory) hooks->refused = size ? size : 1;
  return memory;
}

static void release(png_structp png, png_voidp memory) {
  fm__png_hooks *hooks = png_get_mem_ptr(png);
  fm__free(hooks->context, memory);
}

static PNG_NORETURN void on_error(png_structp png, png_const_charp message) {
  fm__png_hooks *hooks = png_get_error_ptr(png);
  (void)snprintf(hooks->message, sizeof hooks->message, "%s", message);
  longjmp(hooks->jump, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  fm__png_hooks *hooks = png_get_error_ptr(png);
  if (strstr(message, "Too much image data")) hooks->too_much = true;
  fm__log(hooks->context, FM_LOG_WARNING, "PNG: %s", message);
}

png_structp fm__png_reader(fm__png_hooks *hooks) {
  return png_create_read_struct_2(PNG_LIBPNG_VER_STRING, hooks, on_error, on_warning, hooks,
                                  allocate, release);
}

png_structp fm__png_writer(fm__png_hooks *hooks) {
  return png_create_write_struct_2(PNG_LIBPNG_VER_STRING, hooks, on_error, on_warning, hooks,
                                   allocate, release);
}

fm_status fm__png_failed(const fm__png_hooks *hooks, fm_error *err) {
  if (hooks->refused) return fm__fail_memory(err, hooks->refused);
  return fm__fail(err, FM_ERR_FORMAT, "PNG is damaged: %s", hooks->message);
}
