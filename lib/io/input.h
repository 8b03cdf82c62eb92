/* io/input.h - the bytes of a file or of the host's memory, once and in order. */
#ifndef FM_IO_INPUT_H
#define FM_IO_INPUT_H

#include <freemask/context.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes of a table or a JSON file. */
#define FM__LARGEST_TEXT (INT64_C(1) << 30)

/* A file is read through a window, so that no file, however large, costs more
 * memory than its pixels. */
typedef struct fm__input {
  const unsigned char *next; /* the window: bytes at hand */
  size_t ready;
  int64_t beyond; /* bytes of the file behind the window */
  int64_t size;   /* of all */
  int fd;         /* -1: memory */
  int host_code;  /* errno of the read that failed; 0: none did */
  unsigned char *buffer;
  const unsigned char *memory; /* all of it, if it is memory */
} fm__input;

/* Opens a regular file of at most `max_bytes`. */
fm_status fm__input_open(const fm_context *context, const char *path, int64_t max_bytes,
                         fm__input *input, fm_error *err);
fm_status fm__input_memory(const void *data, size_t size, int64_t max_bytes, fm__input *input,
                           fm_error *err);
void fm__input_close(const fm_context *context, fm__input *input);

/* What is done with an input that is at its first byte. Messages do not name the file. */
typedef fm_status (*fm__parse_fn)(const fm_context *context, fm__input *input, void *job,
                                  fm_error *err);

/* Opens the file or memory, parses it, closes it. Before messages about a file comes its path. */
fm_status fm__parse_file(const fm_context *context, const char *path, int64_t max_bytes,
                         fm__parse_fn parse, void *job, fm_error *err);
fm_status fm__parse_memory(const fm_context *context, const void *data, size_t size,
                           int64_t max_bytes, fm__parse_fn parse, void *job, fm_error *err);

/* The status of a call that refused what a file holds: FM_ERR_FORMAT, unless memory is the cause.
 * The error is changed likewise. */
fm_status fm__blame_file(fm_status status, fm_error *err);

/* Reads everything that is left. `extra` zero bytes follow it; the caller frees `*data`. */
fm_status fm__input_load(const fm_context *context, fm__input *input, size_t extra, char **data,
                         size_t *size, fm_error *err);

/* Bytes not read yet. */
int64_t fm__input_left(const fm__input *input);
/* Copies bytes from any place; what is read in order does not change. False if they are not there
 * or cannot be read. */
bool fm__input_at(fm__input *input, uint64_t offset, void *to, size_t size);
/* Makes sure that the window has a byte; false at the end. */
bool fm__input_fill(fm__input *input);
/* Copies the next bytes; fewer than `size` at the end only. Large pieces of a file
 * go straight to where they belong. */
size_t fm__input_read(fm__input *input, void *to, size_t size);

#endif
