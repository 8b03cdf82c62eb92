/* provider/source.c - the host's data loader as a handle. */
#include "provider/source.h"

#include <inttypes.h>

#include "core/fail.h"
#include "core/options.h"

fm_status fm_source_create(const fm_context *context, const fm_source_options *options,
                           fm_source **out, fm_error *err) {
  if (!context || !options || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_source_create: an argument is NULL");
  fm_source_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_source_options, user, err);
  if (status) return status;
  if (o.count < 0)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_source_options: count is %" PRId64 ", expected 0 or more", o.count);
  if (!o.get) return fm__fail(err, FM_ERR_ARGUMENT, "fm_source_options: get is NULL");
  fm_source *source = fm__alloc(context, sizeof *source);
  if (!source) return fm__fail_memory(err, sizeof *source);
  source->context = fm__context_hold(context);
  source->options = o;
  *out = source;
  return FM_OK;
}

void fm_source_destroy(fm_source *source) {
  if (!source) return;
  fm_context *context = source->context;
  fm__free(context, source);
  fm__context_drop(context);
}

int64_t fm_source_count(const fm_source *source) { return source ? source->options.count : 0; }
