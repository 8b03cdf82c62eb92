/* io/part_file.h - a file that appears under its name when it is whole. */
#ifndef FM_IO_PART_FILE_H
#define FM_IO_PART_FILE_H

#include <freemask/context.h>
#include <freemask/error.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct fm__part_file {
  const fm_context *context;
  const char *path; /* the caller's */
  char *part;       /* its name until then */
  int fd;
} fm__part_file;

/* Makes an empty file next to `path`. After success either commit or abandon it. */
fm_status fm__part_open(const fm_context *context, const char *path, fm__part_file *file,
                        fm_error *err);
fm_status fm__part_write(fm__part_file *file, const void *data, size_t size, fm_error *err);
/* Flushes to disk, if `flush`, and renames; abandons the file if either fails. */
fm_status fm__part_commit(fm__part_file *file, bool flush, fm_error *err);
void fm__part_abandon(fm__part_file *file);

#endif
