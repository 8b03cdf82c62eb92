/* io/input.h - the bytes of a file or of the host's memory, once and in order. */
#ifndef FM_IO_INPUT_H
#define FM_IO_INPUT_H

#include <freemask/context.h>
#include <stdbool.h>
#include <stddef.h>

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
} fm__input;

/* Opens a regular file of at most `max_bytes`. */
fm_status fm__input_open(const fm_context *context, const char *path, int64_t max_bytes,
                         fm__input *input, fm_error *err);
fm_status fm__input_memory(const void *data, size_t size, int64_t max_bytes, fm__input *input,
                           fm_error *err);
void fm__input_close(const fm_context *context, fm__input *input);

/* Bytes not read yet. */
int64_t fm__input_left(const fm__input *input);
/* Makes sure that the window holds a byte; false at the end. */
bool fm__input_fill(fm__input *input);
/* Copies the next bytes; fewer than `size` at the end only. Large pieces of a file
 * go straight to where they belong. */
size_t fm__input_read(fm__input *input, void *to, size_t size);

#endif
