/* io/bytes.h - a buffer that grows: the bytes of a file that is being encoded. */
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

/* Makes room for `more` bytes after those that are there; false if memory is refused. */
bool fm__bytes_reserve(fm__bytes *bytes, size_t more);
bool fm__bytes_append(fm__bytes *bytes, const void *data, size_t size);
/* Append text, the same in every locale. Once memory was refused they do nothing, so that an
 * encoder may ignore failures: `refused` is checked once, at the end. */
void fm__bytes_text(fm__bytes *bytes, const char *text);
void fm__bytes_whole(fm__bytes *bytes, int64_t number);
void fm__bytes_real(fm__bytes *bytes, double number); /* finite; as %.17g */
/* In quotes, as JSON has them: 16 hexadecimal digits, and text, which is UTF-8. */
void fm__bytes_hex(fm__bytes *bytes, uint64_t number);
void fm__bytes_string(fm__bytes *bytes, const char *text);
/* And numbers, none negative, as fm__json_words reads them: "2 0 5 +100 7", with +n for n zeros. */
void fm__bytes_words(fm__bytes *bytes, const int64_t *words, size_t count);
void fm__bytes_free(fm__bytes *bytes);
/* Working memory for an encoder; if it is refused, `refused` says so. */
void *fm__bytes_scratch(fm__bytes *bytes, size_t count, size_t size);

#endif
