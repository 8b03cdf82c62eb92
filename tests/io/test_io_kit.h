/* io/test_io_kit.h - what the tests of freemask/io.h and freemask/files.h share: PNG and NPY files
 * made by hand, a folder of their own, and the suites of this folder, run by test_io.c.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_IO_TEST_IO_KIT_H
#define FM_TESTS_IO_TEST_IO_KIT_H

#include "kit.h"

Suite *io_mask_suite(void);
Suite *io_mask_write_suite(void);
Suite *io_npy_suite(void);
Suite *io_npz_suite(void);
Suite *io_image_suite(void);
Suite *io_file_suite(void);
Suite *io_agree_suite(void);
/* Of the file suite: what only this system has. */
TCase *io_system_case(void);
Suite *files_labels_suite(void);
Suite *files_csv_suite(void);
Suite *files_plan_suite(void);
Suite *files_stats_suite(void);
Suite *io_threads_suite(void);

/* ---- Builds --------------------------------------------------------------------- */

/* What the library under test was built with, found out by asking it. */
bool io_has_png(void);
bool io_has_jpeg(void);

/* ---- Bytes ---------------------------------------------------------------------- */

typedef struct io_bytes {
  unsigned char *data;
  size_t size;
} io_bytes;

/* An fm_write_fn that collects into an io_bytes. */
int io_collect(const void *data, size_t size, void *bytes);
/* One that stops with the int that `user` points to. */
int io_stop(const void *data, size_t size, void *user);
void io_bytes_free(io_bytes *bytes);
void io_append(io_bytes *bytes, const void *data, size_t size);

/* ---- PNG ------------------------------------------------------------------------ */

enum { IO_GRAY = 0, IO_RGB = 2, IO_PALETTE = 3, IO_GRAY_ALPHA = 4, IO_RGB_ALPHA = 6 };

typedef struct io_png {
  uint32_t width, height;
  int depth, color;
  bool interlaced;
  const uint16_t *samples; /* channels interleaved; NULL: zeros */
  const uint8_t *palette;  /* of a palette PNG; NULL: gray ramp */
  int palette_size;
  bool transparent; /* a tRNS chunk */
} io_png;

void io_chunk(io_bytes *out, const char *type, const void *data, size_t size);
/* Signature, header, palette. */
io_bytes io_png_head(const io_png *png);
/* The filtered (None) rows, compressed. */
io_bytes io_png_stream(const io_png *png);
/* A whole file. */
io_bytes io_png_file(const io_png *png);

/* ---- NPY ------------------------------------------------------------------------ */

/* A file of the given version around a header's text and data. */
io_bytes io_npy(int major, const char *header, const void *data, size_t size);

/* ---- Files ---------------------------------------------------------------------- */

/* An empty folder; `io_path` names files in it until the next call. */
void io_folder_make(void);
void io_folder_remove(void);
const char *io_folder(void);
const char *io_path(const char *name);
void io_put_file(const char *path, const void *data, size_t size);
io_bytes io_get_file(const char *path);
/* Fails unless the file holds these bytes. */
void io_check(const char *path, const void *data, size_t size);
/* Sets a locale that writes 0,5, the system's or one made in the folder, if there is such; or goes
 * back to C. */
void io_comma_locale(bool on);
/* Files in the folder. */
int io_folder_count(void);

/* Fails with this errno, names the path, leaves `count` files. */
#define IO_FAILS(code, text, left, call)                                                       \
  do {                                                                                         \
    fm_error err = kit_error();                                                                \
    fm_status status = (call);                                                                 \
    kit_expect(__FILE__ ":" KIT_TEXT(__LINE__), status, FM_ERR_IO, &err, text);                \
    ck_assert_int_eq(err.host_code, code);                                                     \
    ck_assert_msg(!strncmp(err.message, io_folder(), strlen(io_folder())), "%s", err.message); \
    ck_assert_int_eq(io_folder_count(), left);                                                 \
  } while (0)

#endif
