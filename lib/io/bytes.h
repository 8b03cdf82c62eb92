/* io/bytes.h - an encoded file on its way out. */
#ifndef FM_IO_BYTES_H
#define FM_IO_BYTES_H

#include <freemask/context.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct fm__bytes {
  const fm_context *context;
  unsigned char *data;
  size_t size, capacity;
  size_t refused; /* size of the request that the allocator refused; 0: none */
} fm__bytes;

/* Room for `more` bytes behind those that are there; false if memory is refused. */
bool fm__bytes_reserve(fm__bytes *bytes, size_t more);
bool fm__bytes_append(fm__bytes *bytes, const void *data, size_t size);
void fm__bytes_free(fm__bytes *bytes);
/* Memory for work on the bytes; a refusal is noted. */
void *fm__bytes_scratch(fm__bytes *bytes, size_t count, size_t size);

#endif
