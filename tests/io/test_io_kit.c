/* io/test_io_kit.c - see test_io_kit.h.
 * SPDX-License-Identifier: MIT */
#include "test_io_kit.h"

#include <dirent.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* ---- Builds --------------------------------------------------------------------- */

static bool can_encode(int32_t jpeg_quality) {
  fm_context *context = kit_plain_context();
  uint8_t pixel[3] = {1, 2, 3};
  fm_volume image = fm_volume_make(pixel, FM_U8, 3, 1, 1);
  fm_write_options options = {.size = sizeof options, .jpeg_quality = jpeg_quality};
  io_bytes bytes = {0};
  fm_status status = fm_image_encode(context, &image, &options, io_collect, &bytes, NULL);
  ck_assert(status == FM_OK || status == FM_ERR_UNSUPPORTED);
  io_bytes_free(&bytes);
  fm_context_destroy(context);
  return status == FM_OK;
}

bool io_has_png(void) { return can_encode(0); }
bool io_has_jpeg(void) { return can_encode(90); }

/* ---- Bytes ---------------------------------------------------------------------- */

void io_append(io_bytes *bytes, const void *data, size_t size) {
  kit_pause();
  bytes->data = realloc(bytes->data, bytes->size + size + 1);
  ck_assert_ptr_nonnull(bytes->data);
  kit_resume();
  if (size) memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
}

int io_collect(const void *data, size_t size, void *bytes) {
  io_append(bytes, data, size);
  return 0;
}

int io_stop(const void *data, size_t size, void *user) {
  (void)data;
  (void)size;
  return *(const int *)user;
}

void io_bytes_free(io_bytes *bytes) {
  free(bytes->data);
  *bytes = (io_bytes){NULL, 0};
}

/* ---- PNG ------------------------------------------------------------------------ */

static void put_u32(unsigned char *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (unsigned char)(value >> (24 - 8 * i));
}

void io_chunk(io_bytes *out, const char *type, const void *data, size_t size) {
  unsigned char number[4];
  put_u32(number, (uint32_t)size);
  io_append(out, number, 4);
  size_t start = out->size;
  io_append(out, type, 4);
  io_append(out, data, size);
  put_u32(number, (uint32_t)crc32(0, out->data + start, (uInt)(size + 4)));
  io_append(out, number, 4);
}

static int channels_of(const io_png *png) {
  switch (png->color) {
    case IO_RGB:
      return 3;
    case IO_GRAY_ALPHA:
      return 2;
    case IO_RGB_ALPHA:
      return 4;
    default:
      return 1;
  }
}

io_bytes io_png_head(const io_png *png) {
  static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  io_bytes out = {0};
  io_append(&out, signature, sizeof signature);
  unsigned char header[13] = {0};
  put_u32(header, png->width);
  put_u32(header + 4, png->height);
  header[8] = (unsigned char)png->depth;
  header[9] = (unsigned char)png->color;
  header[12] = png->interlaced;
  io_chunk(&out, "IHDR", header, sizeof header);
  if (png->color == IO_PALETTE) {
    uint8_t ramp[768];
    int size = png->palette_size ? png->palette_size : 1 << png->depth;
    for (int i = 0; i < size; i++)
      for (int c = 0; c < 3; c++)
        ramp[3 * i + c] = png->palette ? png->palette[3 * i + c] : (uint8_t)(i + 10 * c);
    io_chunk(&out, "PLTE", ramp, 3 * (size_t)size);
  }
  if (png->transparent) {
    static const unsigned char values[6] = {0, 1, 0, 1, 0, 1};
    io_chunk(&out, "tRNS", values, png->color == IO_GRAY ? 2 : png->color == IO_RGB ? 6 : 2);
  }
  return out;
}

/* The rows of every y0 + i * dy, and of them every x0 + j * dx. */
static void put_pass(io_bytes *raw, const io_png *png, uint32_t x0, uint32_t y0, uint32_t dx,
                     uint32_t dy) {
  int channels = channels_of(png);
  for (uint32_t y = y0; y < png->height && x0 < png->width; y += dy) {
    io_append(raw, "", 1);
    unsigned byte = 0;
    int filled = 0;
    for (uint32_t x = x0; x < png->width; x += dx)
      for (int c = 0; c < channels; c++) {
        size_t at = ((size_t)y * png->width + x) * (size_t)channels + (size_t)c;
        unsigned value = png->samples ? png->samples[at] : 0;
        if (png->depth == 16) {
          unsigned char two[2] = {(unsigned char)(value >> 8), (unsigned char)value};
          io_append(raw, two, 2);
          continue;
        }
        byte = byte << png->depth | value;
        filled += png->depth;
        if (filled < 8) continue;
        unsigned char one = (unsigned char)byte;
        io_append(raw, &one, 1);
        byte = 0;
        filled = 0;
      }
    if (filled) {
      unsigned char one = (unsigned char)(byte << (8 - filled));
      io_append(raw, &one, 1);
    }
  }
}

io_bytes io_png_stream(const io_png *png) {
  static const uint32_t adam7[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                       {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  io_bytes raw = {0}, out = {0};
  if (png->interlaced)
    for (int i = 0; i < 7; i++)
      put_pass(&raw, png, adam7[i][0], adam7[i][1], adam7[i][2], adam7[i][3]);
  else
    put_pass(&raw, png, 0, 0, 1, 1);
  uLongf size = compressBound((uLong)raw.size);
  out.data = malloc(size);
  ck_assert_ptr_nonnull(out.data);
  ck_assert_int_eq(compress(out.data, &size, raw.data, (uLong)raw.size), Z_OK);
  out.size = size;
  io_bytes_free(&raw);
  return out;
}

io_bytes io_png_file(const io_png *png) {
  io_bytes out = io_png_head(png), stream = io_png_stream(png);
  io_chunk(&out, "IDAT", stream.data, stream.size);
  io_chunk(&out, "IEND", "", 0);
  io_bytes_free(&stream);
  return out;
}

/* ---- NPY ------------------------------------------------------------------------ */

io_bytes io_npy(int major, const char *header, const void *data, size_t size) {
  io_bytes out = {0};
  size_t length = strlen(header);
  unsigned char start[12] = {0x93, 'N', 'U', 'M', 'P', 'Y', (unsigned char)major, 0};
  for (int i = 0; i < 4; i++) start[8 + i] = (unsigned char)(length >> (8 * i));
  io_append(&out, start, major == 1 ? 10 : 12);
  io_append(&out, header, length);
  io_append(&out, data, size);
  return out;
}

/* ---- Files ---------------------------------------------------------------------- */

static char folder[64];

void io_folder_make(void) {
  strcpy(folder, "fm-io-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
}

const char *io_folder(void) { return folder; }

const char *io_path(const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static int walk(bool remove_them) {
  int count = 0;
  DIR *dir = opendir(folder);
  ck_assert_ptr_nonnull(dir);
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (entry->d_name[0] == '.' && strlen(entry->d_name) < 3) continue;
    count++;
    if (remove_them && unlink(io_path(entry->d_name))) rmdir(io_path(entry->d_name));
  }
  closedir(dir);
  return count;
}

int io_folder_count(void) { return walk(false); }

void io_folder_remove(void) {
  walk(true);
  rmdir(folder);
}

void io_put_file(const char *path, const void *data, size_t size) {
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(data, 1, size, file), size);
  ck_assert_int_eq(fclose(file), 0);
}

io_bytes io_get_file(const char *path) {
  io_bytes bytes = {0};
  FILE *file = fopen(path, "rb");
  ck_assert_msg(file != NULL, "%s is not there", path);
  unsigned char piece[4096];
  for (size_t got; (got = fread(piece, 1, sizeof piece, file)) > 0;) io_append(&bytes, piece, got);
  fclose(file);
  return bytes;
}

void io_check(const char *path, const void *data, size_t size) {
  io_bytes file = io_get_file(path);
  ck_assert_uint_eq(file.size, size);
  if (size) ck_assert_mem_eq(file.data, data, size);
  io_bytes_free(&file);
}

static bool made_locale;

static bool find_locale(void) {
  char command[1024];
  if (setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "German_Germany")) return true;
  made_locale = true;
  snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s >/dev/null 2>&1",
           io_path("de_DE.UTF-8"));
  if (system(command)) return false;
  setenv("LOCPATH", io_folder(), 1);
  return setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
}

void io_comma_locale(bool on) {
  char command[1024], half[8];
  if (!on) {
    setlocale(LC_ALL, "C");
    if (!made_locale) return;
    snprintf(command, sizeof command, "rm -rf %s", io_path("de_DE.UTF-8"));
    ck_assert_int_eq(system(command), 0);
  } else if (find_locale()) {
    snprintf(half, sizeof half, "%.1f", 0.5);
#ifdef __GLIBC__
    ck_assert_str_eq(half, "0,5");
#else
    if (strcmp(half, "0,5") != 0)
      setlocale(LC_ALL, "C"); /* musl takes every name and knows no comma */
#endif
  }
}
