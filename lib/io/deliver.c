/* io/deliver.c - where an encoded file goes: to a path or to the host's callback. */
#include "io/deliver.h"

#include "core/fail.h"
#include "io/file_write.h"

fm_status fm__target_check(const char *call, const void *receiver, const char *name,
                           const fm__target *to, fm_error *err) {
  const char *missing = !receiver                    ? name
                        : to->to_file && !to->path   ? "path"
                        : !to->to_file && !to->write ? "write"
                                                     : NULL;
  if (!missing) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT, "%s: %s is NULL", call, missing);
}

fm_status fm__deliver(fm__bytes *bytes, const fm__target *to, fm_status status, fm_error *err) {
  if (!status && bytes->refused) status = fm__fail_memory(err, bytes->refused);
  if (status) {
    if (to->to_file) fm__fail_prefix(err, "%s", to->path);
  } else if (to->to_file) {
    status = fm__file_write(bytes->context, to->path, bytes->data, bytes->size, to->flush, err);
  } else {
    int stop = to->write(bytes->data, bytes->size, to->user);
    if (stop)
      status = fm__fail_host(err, FM_ERR_CALLBACK, stop,
                             "the write callback stopped the call with %d", stop);
  }
  fm__bytes_free(bytes);
  return status;
}
