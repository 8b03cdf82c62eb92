/* io/bytes.h - an encoded file on its way out. */
#ifndef FM_IO_BYTES_H
#define FM_IO_BYTES_H

#include <freemask/context.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fm__bytes {
  const fm_context *context;
  unsigned char *data;
  size_t size, capacity;
  size_t refused; /* size of the request that the allocator refused; 0: none */
} fm__bytes;

/* Room for `more` bytes behind those that are there; false if memory is refused. */
bool fm__bytes_reserve(fm__bytes *bytes, size_t more);
bool fm__bytes_append(fm__bytes *bytes, const void *data, size_t size);
/* Text: these do nothing once memory was refused, so that the one who hands the bytes over asks
 * `refused` once, at the end. No locale matters. */
void fm__bytes_text(fm__bytes *bytes, const char *text);
void fm__bytes_whole(fm__bytes *bytes, int64_t number);
void fm__bytes_real(fm__bytes *bytes, double number); /* finite; as %.17g */
void fm__bytes_free(fm__bytes *bytes);
/* Memory for work on the bytes; a refusal is noted. */
void *fm__bytes_scratch(fm__bytes *bytes, size_t count, size_t size);

#endif
