/* base/input_file.h - reading inputs, and knowing them again. */
#ifndef FREEMASK_TOOL_INPUT_FILE_H
#define FREEMASK_TOOL_INPUT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/fault.h"

/* What a file was when it was read. Both are hashes of 64 bits, never 0 for a file. */
typedef struct input_seen {
  uint64_t identity; /* of the open file, links followed: device, node, size, times; 0: not known */
  uint64_t content;  /* of its bytes; 0: there is no file */
  int64_t size;      /* bytes */
} input_seen;

/* A kind of pixels: the calls of the library that read it. */
typedef struct input_kind {
  fm_status (*read)(const fm_context *context, const char *path, const fm_read_options *options,
                    fm_raster **out, fm_error *err);
  fm_status (*decode)(const fm_context *context, const void *data, size_t size,
                      const fm_read_options *options, fm_raster **out, fm_error *err);
} input_kind;

extern const input_kind input_mask, input_loss, input_output, input_queries, input_image;

/* Reads as kind->read does. Where `seen` is not NULL, it gets what the file was: one that changes
 * while it is read is read again, and is FM_ERR_IO if it does so time and again. */
fm_status input_read(const fm_context *context, const input_kind *kind, const char *path,
                     const fm_read_options *options, fm_raster **out, input_seen *seen,
                     fm_error *err);

/* What several files were, as one: adds the next of them, in an order that stays, to what those before it
 * were, or to zero. Not known if one is not; nothing is added if there is no file. */
void input_join(input_seen *all, const input_seen *next);

/* The same without reading pixels. EXIT_IO if the file cannot be read. */
int input_look(const char *path, input_seen *seen, fault *f);

/* What can be told of a file without reading it: its identity, and whether it is settled: any change
 * after `written` was written would show in it. Times are compared for equality, except that a file
 * may have changed within a tick of its file system's clock if it was not older by some seconds
 * (`slack`: written up to so many seconds after the file was read; NULL: it is settled). */
int input_stat(const char *path, const struct stat *written, int slack, uint64_t *identity,
               bool *settled, fault *f);

/* Does the file hold what it did when it was `before`? One that is settled and has the same identity
 * is not read; all others are compared by content. `*now` is what the file is; its identity may be
 * another one. EXIT_IO if it cannot be read. */
int input_compare(const char *path, const input_seen *before, const struct stat *written, int slack,
                  input_seen *now, bool *same, fault *f);

#endif
