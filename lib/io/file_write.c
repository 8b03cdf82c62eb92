/* io/file_write.c - whole files. */
#include "io/file_write.h"

#include <freemask/io.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/part_file.h"

fm_status fm__file_write(const fm_context *context, const char *path, const void *data, size_t size,
                         bool flush, fm_error *err) {
  fm__part_file file;
  fm_status status = fm__part_open(context, path, &file, err);
  if (!status) {
    status = fm__part_write(&file, data, size, err);
    if (status)
      fm__part_abandon(&file);
    else
      status = fm__part_commit(&file, flush, err);
  }
  if (status) fm__fail_prefix(err, "%s", path);
  return status;
}

fm_status fm_file_write(const fm_context *context, const char *path, const void *data, size_t size,
                        fm_error *err) {
  const char *missing = !context ? "context" : !path ? "path" : !data && size ? "data" : NULL;
  if (missing) return fm__fail(err, FM_ERR_ARGUMENT, "fm_file_write: %s is NULL", missing);
  return fm__file_write(context, path, data, size, true, err);
}
