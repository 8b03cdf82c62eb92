/* fuzz/fuzz.c - what the fuzzers share.
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long living;
static size_t most, taken;

static void *allocate(size_t size, void *user) {
  (void)user;
  if (size > most - taken) return NULL;
  void *memory = malloc(size + 16);
  if (!memory) return NULL;
  memcpy(memory, &size, sizeof size);
  taken += size;
  living++;
  return (char *)memory + 16;
}

static void release(void *memory, void *user) {
  size_t size;
  (void)user;
  memcpy(&size, (char *)memory - 16, sizeof size);
  taken -= size;
  living--;
  free((char *)memory - 16);
}

const char *fuzz_folder(void) { return access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm"; }

void fuzz_expect(int truth, const char *what) {
  if (truth) return;
  fprintf(stderr, "fuzz: %s\n", what);
  abort();
}

/* How many bytes the UTF-8 sequence at `s` has; 0: it is none. */
static size_t sequence(const unsigned char *s) {
  size_t more = s[0] < 0x80   ? 0
                : s[0] < 0xC2 ? 9
                : s[0] < 0xE0 ? 1
                : s[0] < 0xF0 ? 2
                : s[0] < 0xF5 ? 3
                              : 9;
  if (more == 9) return 0;
  for (size_t i = 1; i <= more; i++)
    if ((s[i] & 0xC0) != 0x80) return 0;
  if (s[0] == 0xE0 && s[1] < 0xA0) return 0;
  if (s[0] == 0xED && s[1] > 0x9F) return 0; /* surrogates */
  if (s[0] == 0xF0 && s[1] < 0x90) return 0;
  if (s[0] == 0xF4 && s[1] > 0x8F) return 0;
  return more + 1;
}

static int is_one_line(const char *text) {
  const unsigned char *at = (const unsigned char *)text;
  while (*at) {
    size_t length = sequence(at);
    if (!length || *at < 0x20 || *at == 0x7F) return 0;
    if (length == 2 && at[0] == 0xC2 && at[1] < 0xA0) return 0;                     /* U+0085 */
    if (length == 3 && !memcmp(at, "\xE2\x80", 2) && (at[2] | 1) == 0xA9) return 0; /* U+2028 */
    at += length;
  }
  return 1;
}

void fuzz_expect_sentence(const char *message) {
  fuzz_expect(strlen(message) > 8, "no sentence");
  fuzz_expect(is_one_line(message), "not one line of UTF-8");
}

/* Checkers of memory look at every byte that this touches. */
static unsigned sum_bytes(const void *data, int64_t count, int64_t stride, size_t size) {
  unsigned sum = 0;
  const unsigned char *at = data;
  for (int64_t i = 0; i < count; i++)
    for (size_t b = 0; b < size; b++) sum = sum * 31 + at[i * stride + (int64_t)b];
  return sum;
}

static void check_pixels(const fm_raster *raster) {
  fm_plane plane = fm_raster_plane(raster);
  fm_volume volume = fm_raster_volume(raster);
  fuzz_expect(plane.data || volume.data, "a raster has a plane or a volume");
  volatile unsigned sum = 0;
  if (plane.data)
    for (int64_t y = 0; y < plane.height; y++)
      sum += sum_bytes((char *)plane.data + y * plane.row_stride, plane.width, plane.col_stride,
                       fm_dtype_size((fm_dtype)plane.dtype));
  for (int64_t c = 0; volume.data && c < volume.channels; c++)
    for (int64_t y = 0; y < volume.height; y++)
      sum += sum_bytes((char *)volume.data + c * volume.channel_stride + y * volume.row_stride,
                       volume.width, volume.col_stride, fm_dtype_size((fm_dtype)volume.dtype));
  (void)sum;
  fuzz_expect(fm_raster_bit_depth(raster) >= 1 && fm_raster_bit_depth(raster) <= 64, "bit depth");
  fuzz_expect(fm_raster_palette_size(raster) >= 0 && fm_raster_palette_size(raster) <= 256,
              "palette");
}

int fuzz_keep(const void *data, size_t size, void *user) {
  fuzz_bytes *out = user;
  out->data = realloc(out->data, out->size + size);
  fuzz_expect(out->data != NULL, "memory");
  memcpy(out->data + out->size, data, size);
  out->size += size;
  return 0;
}

void fuzz_round_trip(fm_context *context, const fm_raster *raster) {
  fm_plane plane = fm_raster_plane(raster);
  if (!plane.data || (plane.dtype != FM_U8 && plane.dtype != FM_U16)) return;
  fm_write_options options = {.size = sizeof options, .like = raster};
  fuzz_bytes out = {NULL, 0};
  fm_error err;
  fm_status status = fm_mask_encode(context, &plane, &options, fuzz_keep, &out, &err);
  if (status == FM_OK) {
    fm_raster *again = NULL;
    fuzz_expect(fm_mask_decode(context, out.data, out.size, NULL, &again, &err) == FM_OK ||
                    err.code == FM_ERR_MEMORY,
                "what was written cannot be read");
    fm_plane back = fm_raster_plane(again);
    for (int64_t y = 0; again && y < plane.height; y++)
      for (int64_t x = 0; x < plane.width; x++) {
        const char *a = (char *)plane.data + y * plane.row_stride + x * plane.col_stride;
        const char *b = (char *)back.data + y * back.row_stride + x * back.col_stride;
        uint16_t was = 0, is = 0;
        memcpy(&was, a, plane.dtype == FM_U8 ? 1 : 2);
        memcpy(&is, b, back.dtype == FM_U8 ? 1 : 2);
        fuzz_expect(was == is, "a number changed on its way");
      }
    fm_raster_destroy(again);
  } else {
    fuzz_expect(status == FM_ERR_MEMORY || status == FM_ERR_UNSUPPORTED, "cannot be written");
  }
  free(out.data);
}

/* The checksum of a PNG's chunks, bit by bit. */
static uint32_t crc_of(const uint8_t *data, size_t size) {
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < size; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

void fuzz_repair_png(uint8_t *data, size_t size) {
  for (size_t at = 8; size >= 12 && at <= size - 12;) {
    size_t length = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                    (size_t)data[at + 2] << 8 | data[at + 3];
    if (length > size - 12 - at) return;
    uint32_t crc = crc_of(data + at + 4, length + 4);
    for (int i = 0; i < 4; i++) data[at + 8 + length + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
    at += 12 + length;
  }
}

static void decode_once(fuzz_decoder decode, const uint8_t *data, size_t size);

int fuzz_decode(fuzz_decoder decode, const uint8_t *data, size_t size) {
  decode_once(decode, data, size);
  if (size < 8 || memcmp(data, "\x89PNG", 4) != 0) return 0;
  uint8_t *repaired = malloc(size);
  fuzz_expect(repaired != NULL, "memory");
  memcpy(repaired, data, size);
  fuzz_repair_png(repaired, size);
  decode_once(decode, repaired, size);
  free(repaired);
  return 0;
}

fm_context *fuzz_open(void) {
  fm_context_options options = {.size = sizeof options, .allocate = allocate, .release = release};
  fm_context *context = NULL;
  fm_error err;
  most = 32U << 20;
  fuzz_expect(fm_context_create(&options, &context, &err) == FM_OK, "context");
  return context;
}

void fuzz_close(fm_context *context) {
  fm_context_destroy(context);
  fuzz_expect(living == 0, "memory was not released");
}

int fuzz_read(fm_status status, const void *out, const fm_error *err) {
  if (status == FM_OK) {
    fuzz_expect(out != NULL, "success without an output");
    return 1;
  }
  fuzz_expect(status == FM_ERR_FORMAT || status == FM_ERR_UNSUPPORTED || status == FM_ERR_LIMIT ||
                  status == FM_ERR_MEMORY,
              "a status that is not documented");
  fuzz_expect(!out, "an output after a failure");
  fuzz_expect(err->code == (int32_t)status, "another code in the error");
  fuzz_expect_sentence(err->message);
  return 0;
}

static void decode_once(fuzz_decoder decode, const uint8_t *data, size_t size) {
  fm_read_options limits = {.size = sizeof limits, .max_pixels = 1 << 18, .max_bytes = 1 << 20};
  fm_context *context = fuzz_open();
  fm_raster *raster = NULL;
  fm_error err = {0};
  fm_status status = decode(context, data, size, &limits, &raster, &err);
  if (fuzz_read(status, raster, &err)) {
    check_pixels(raster);
    fuzz_round_trip(context, raster);
    fm_raster_destroy(raster);
  }
  fuzz_close(context);
}
