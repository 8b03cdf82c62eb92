/* io/bytes.c - a buffer that grows. */
#include "io/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "io/number.h"

bool fm__bytes_reserve(fm__bytes *bytes, size_t more) {
  if (more <= bytes->capacity - bytes->size) return true;
  if (more > PTRDIFF_MAX - bytes->size) {
    bytes->refused = more;
    return false;
  }
  size_t capacity = bytes->size + more;
  size_t grown = bytes->capacity + bytes->capacity / 2;
  if (capacity < grown && grown < PTRDIFF_MAX) capacity = grown;
  unsigned char *data = fm__bytes_scratch(bytes, capacity, 1);
  if (!data) return false;
  if (bytes->size) memcpy(data, bytes->data, bytes->size);
  fm__free(bytes->context, bytes->data);
  bytes->data = data;
  bytes->capacity = capacity;
  return true;
}

bool fm__bytes_append(fm__bytes *bytes, const void *data, size_t size) {
  if (!fm__bytes_reserve(bytes, size)) return false;
  memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
  return true;
}

void fm__bytes_text(fm__bytes *bytes, const char *text) {
  if (!bytes->refused) (void)fm__bytes_append(bytes, text, strlen(text));
}

void fm__bytes_whole(fm__bytes *bytes, int64_t number) {
  char text[FM__NUMBER_TEXT];
  fm__bytes_text(bytes, fm__whole_text(number, text));
}

void fm__bytes_real(fm__bytes *bytes, double number) {
  char text[FM__NUMBER_TEXT];
  fm__bytes_text(bytes, fm__real_text(number, text));
}

void fm__bytes_hex(fm__bytes *out, uint64_t number) {
  char text[24];
  snprintf(text, sizeof text, "\"%016" PRIx64 "\"", number);
  fm__bytes_text(out, text);
}

void fm__bytes_string(fm__bytes *out, const char *text) {
  fm__bytes_text(out, "\"");
  for (const char *at = text; *at && !out->refused;) {
    size_t plain = 0;
    while ((unsigned char)at[plain] >= 0x20 && at[plain] != '"' && at[plain] != '\\' &&
           at[plain] != 0x7F)
      plain++;
    (void)fm__bytes_append(out, at, plain);
    at += plain;
    if (!*at) break;
    char escape[8];
    bool named = *at == '"' || *at == '\\';
    snprintf(escape, sizeof escape, named ? "\\%c" : "\\u%04x", *at);
    fm__bytes_text(out, escape);
    at++;
  }
  fm__bytes_text(out, "\"");
}

/* How many zeros begin here. */
static size_t zeros_at(const int64_t *words, size_t count) {
  size_t zeros = 0;
  while (zeros < count && !words[zeros]) zeros++;
  return zeros;
}

void fm__bytes_words(fm__bytes *out, const int64_t *words, size_t count) {
  size_t zeros;
  fm__bytes_text(out, "\"");
  for (size_t i = 0; i < count && !out->refused; i += zeros > 1 ? zeros : 1) {
    zeros = zeros_at(words + i, count - i);
    fm__bytes_text(out, i ? " " : "");
    fm__bytes_text(out, zeros > 1 ? "+" : "");
    fm__bytes_whole(out, zeros > 1 ? (int64_t)zeros : words[i]);
  }
  fm__bytes_text(out, "\"");
}

void fm__bytes_free(fm__bytes *bytes) {
  fm__free(bytes->context, bytes->data);
  *bytes = (fm__bytes){.context = bytes->context};
}

void *fm__bytes_scratch(fm__bytes *bytes, size_t count, size_t size) {
  void *memory = fm__alloc_array(bytes->context, count, size);
  if (!memory) bytes->refused = size && count > SIZE_MAX / size ? SIZE_MAX : count * size;
  return memory;
}
