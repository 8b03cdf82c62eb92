/* io/png_file.c - the chunks around a PNG's compressed pixels. */
#include "io/png_file.h"

#include "core/fail.h"
#include "io/checksum.h"

enum { CHUNK_HEAD = 8 /* length and type */ };

static void put_u32(unsigned char *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* Writes the length and the checksum of the chunk that began at `chunk`. */
static bool close_chunk(size_t chunk, fm__bytes *out) {
  unsigned char sum[4];
  size_t length = out->size - chunk - CHUNK_HEAD;
  put_u32(out->data + chunk, (uint32_t)length);
  put_u32(sum, fm__crc32(out->data + chunk + 4, length + 4));
  return fm__bytes_append(out, sum, sizeof sum);
}

static bool open_chunk(const char *type, fm__bytes *out) {
  static const unsigned char length[4];
  return fm__bytes_append(out, length, 4) && fm__bytes_append(out, type, 4);
}

static bool put_chunk(const char *type, const void *data, size_t size, fm__bytes *out) {
  size_t chunk = out->size;
  return open_chunk(type, out) && fm__bytes_append(out, data, size) && close_chunk(chunk, out);
}

size_t fm__png_begin(const fm__png_layout *layout, fm__bytes *out) {
  static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  unsigned char header[13] = {0};
  put_u32(header, layout->width);
  put_u32(header + 4, layout->height);
  header[8] = (unsigned char)layout->bit_depth;
  header[9] = (unsigned char)layout->color_type;
  if (!fm__bytes_append(out, signature, sizeof signature)) return 0;
  if (!put_chunk("IHDR", header, sizeof header, out)) return 0;
  size_t palette = 3 * (size_t)layout->palette_size;
  if (palette && !put_chunk("PLTE", layout->palette, palette, out)) return 0;
  size_t chunk = out->size;
  return open_chunk("IDAT", out) ? chunk : 0;
}

fm_status fm__png_finish(size_t chunk, fm__bytes *out, fm_error *err) {
  if (out->size - chunk - CHUNK_HEAD > INT32_MAX)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "PNG would have %zu bytes of compressed pixels, more than a chunk holds",
                    out->size - chunk - CHUNK_HEAD);
  if (close_chunk(chunk, out) && put_chunk("IEND", "", 0, out)) return FM_OK;
  return fm__fail_memory(err, out->refused);
}
