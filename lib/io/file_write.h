/* io/file_write.h - whole files. */
#ifndef FM_IO_FILE_WRITE_H
#define FM_IO_FILE_WRITE_H

#include <freemask/context.h>
#include <freemask/error.h>
#include <stdbool.h>
#include <stddef.h>

/* fm_file_write without its argument checks. Messages begin with the path. */
fm_status fm__file_write(const fm_context *context, const char *path, const void *data, size_t size,
                         bool flush, fm_error *err);

#endif
