/* io/jpeg_hooks.c - where libjpeg's errors and warnings go. */
#include "io/jpeg_hooks.h"

#include <jerror.h>

#include "core/context.h"
#include "core/fail.h"

static fm__jpeg_hooks *hooks_of(j_common_ptr object) {
  return (fm__jpeg_hooks *)(void *)object->err;
}

static void on_error(j_common_ptr object) {
  fm__jpeg_hooks *hooks = hooks_of(object);
  int code = object->err->msg_code;
  (*object->err->format_message)(object, hooks->message);
  /* The decoder's work may be limited: see jpeg_read.c. */
  hooks->status = code == JERR_OUT_OF_MEMORY      ? FM_ERR_MEMORY
                  : code == JERR_NO_BACKING_STORE ? FM_ERR_LIMIT
                                                  : FM_ERR_FORMAT;
  longjmp(hooks->jump, 1);
}

/* libjpeg fills up a file that ends too early with gray pixels: here that is an error. Other damage
 * changes a block or two, and is logged. */
static void on_message(j_common_ptr object, int level) {
  fm__jpeg_hooks *hooks = hooks_of(object);
  if (level >= 0) return;
  int code = object->err->msg_code;
  if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER) on_error(object);
  if (object->err->num_warnings++) return;
  (*object->err->format_message)(object, hooks->message);
  fm__log(hooks->context, FM_LOG_WARNING, "JPEG: %s", hooks->message);
}

static void no_output(j_common_ptr object) { (void)object; }

struct jpeg_error_mgr *fm__jpeg_hooks_init(fm__jpeg_hooks *hooks, const fm_context *context) {
  (void)jpeg_std_error(&hooks->manager);
  hooks->manager.error_exit = on_error;
  hooks->manager.emit_message = on_message;
  hooks->manager.output_message = no_output;
  hooks->context = context;
  return &hooks->manager;
}

void fm__jpeg_stop(j_common_ptr object, fm_status status, const char *message) {
  fm__jpeg_hooks *hooks = hooks_of(object);
  (void)snprintf(hooks->message, sizeof hooks->message, "%s", message);
  hooks->status = status;
  longjmp(hooks->jump, 1);
}

void fm__jpeg_stop_memory(j_common_ptr object, size_t refused) {
  fm__jpeg_hooks *hooks = hooks_of(object);
  hooks->status = FM_ERR_MEMORY;
  hooks->refused = refused;
  longjmp(hooks->jump, 1);
}

fm_status fm__jpeg_failed(const fm__jpeg_hooks *hooks, fm_error *err) {
  switch (hooks->status) {
    case FM_ERR_MEMORY:
      if (hooks->refused) return fm__fail_memory(err, hooks->refused);
      return fm__fail(err, FM_ERR_MEMORY, "out of memory: libjpeg got none for its work");
    case FM_ERR_LIMIT:
      return fm__fail(err, FM_ERR_LIMIT, "JPEG is progressive and too large to be decoded at once");
    case FM_ERR_FORMAT:
      return fm__fail(err, FM_ERR_FORMAT, "JPEG is damaged: %s", hooks->message);
    default:
      return fm__fail(err, hooks->status, "JPEG: %s", hooks->message);
  }
}
