/* io/test_io_file.c - files: whole or not at all, and what the system refuses: see also
 * test_io_system_posix.c and test_io_system_windows.c.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test_io_kit.h"

static fm_context *context;

static void set_up(void) {
  context = kit_plain_context();
  io_folder_make();
}

static void tear_down(void) {
  io_folder_remove();
  fm_context_destroy(context);
}

START_TEST(files_are_written_whole) {
  KIT_OK(fm_file_write(context, io_path("a"), "hello", 5, &err));
  io_check(io_path("a"), "hello", 5);
  KIT_OK(fm_file_write(context, io_path("a"), "", 0, &err));
  io_check(io_path("a"), "", 0);
  KIT_OK(fm_file_write(context, io_path("b"), NULL, 0, &err));
  ck_assert_int_eq(io_folder_count(), 2);
}
END_TEST

START_TEST(a_path_without_a_folder_is_here) {
  char here[4096];
  ck_assert_ptr_nonnull(getcwd(here, sizeof here));
  ck_assert_int_eq(chdir(io_folder()), 0);
  KIT_OK(fm_file_write(context, "plain", "x", 1, &err));
  io_check("plain", "x", 1);
  ck_assert_int_eq(chdir(here), 0);
  ck_assert_int_eq(io_folder_count(), 1);
}
END_TEST

START_TEST(masks_and_images_go_through_files) {
  if (!io_has_png()) return;
  uint8_t pixels[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255};
  fm_plane mask = fm_plane_make(pixels, FM_U8, 3, 4);
  fm_volume image = fm_volume_make(pixels, FM_U8, 3, 2, 2);
  fm_raster *raster = NULL;
  KIT_OK(fm_mask_write(context, io_path("a.png"), &mask, NULL, &err));
  KIT_OK(fm_mask_read(context, io_path("a.png"), NULL, &raster, &err));
  ck_assert_mem_eq(fm_raster_plane(raster).data, pixels, 12);
  fm_raster_destroy(raster);
  KIT_OK(fm_image_write(context, io_path("b.png"), &image, NULL, &err));
  KIT_OK(fm_image_read(context, io_path("b.png"), NULL, &raster, &err));
  ck_assert_int_eq(((uint8_t *)fm_raster_volume(raster).data)[1], 4);
  fm_raster_destroy(raster);
  ck_assert_int_eq(io_folder_count(), 2);
  IO_FAILS(ENOENT, "No such file", 2,
           fm_mask_write(context, io_path("no/a.png"), &mask, NULL, &err));
  IO_FAILS(ENOENT, "No such file", 2,
           fm_image_write(context, io_path("no/a.png"), &image, NULL, &err));
}
END_TEST

/* Longer than the window through which files are read. */
START_TEST(long_files_are_read) {
  enum { SIDE = 700 };
  uint8_t *pixels = malloc(SIDE * SIDE);
  uint64_t state = 9;
  for (size_t i = 0; i < SIDE * SIDE; i++) pixels[i] = (uint8_t)kit_random(&state);
  fm_plane plane = fm_plane_make(pixels, FM_U8, SIDE, SIDE);
  fm_raster *raster = NULL;
  KIT_OK(fm_npy_write(context, io_path("a.npy"), &plane, NULL, &err));
  KIT_OK(fm_mask_read(context, io_path("a.npy"), NULL, &raster, &err));
  ck_assert_mem_eq(fm_raster_plane(raster).data, pixels, SIDE * SIDE);
  fm_raster_destroy(raster);
  if (io_has_png()) {
    KIT_OK(fm_mask_write(context, io_path("a.png"), &plane, NULL, &err));
    KIT_OK(fm_mask_read(context, io_path("a.png"), NULL, &raster, &err));
    ck_assert_mem_eq(fm_raster_plane(raster).data, pixels, SIDE * SIDE);
    fm_raster_destroy(raster);
  }
  if (io_has_jpeg()) {
    fm_volume image = fm_volume_make(pixels, FM_U8, 3, 400, 400);
    fm_write_options options = {.size = sizeof options, .jpeg_quality = 100};
    KIT_OK(fm_image_write(context, io_path("a.jpg"), &image, &options, &err));
    KIT_OK(fm_image_read(context, io_path("a.jpg"), NULL, &raster, &err));
    fm_raster_destroy(raster);
  }
  free(pixels);
}
END_TEST

START_TEST(errors_name_the_path) {
  io_put_file(io_path("a.png"), "not a mask", 10);
  fm_raster *out = KIT_SENTINEL;
  fm_error err = kit_error();
  char expected[600];
  snprintf(expected, sizeof expected,
           "%s: looks like a text file, expected a mask as PNG, TIFF, NPY or NPZ",
           io_path("a.png"));
  ck_assert_int_eq(fm_mask_read(context, io_path("a.png"), NULL, &out, &err), FM_ERR_FORMAT);
  ck_assert_str_eq(err.message, expected);
  fm_read_options options = {.size = sizeof options, .max_bytes = 9};
  snprintf(expected, sizeof expected, "%s: has 10 bytes, more than the limit of 9 (max_bytes)",
           io_path("a.png"));
  ck_assert_int_eq(fm_mask_read(context, io_path("a.png"), &options, &out, &err), FM_ERR_LIMIT);
  ck_assert_str_eq(err.message, expected);
}
END_TEST

/* ---- Threads -------------------------------------------------------------------- */

typedef struct writer {
  pthread_t thread;
  char path[600];
  unsigned char fill;
} writer;

static void *write_often(void *user) {
  writer *w = user;
  unsigned char data[3000];
  memset(data, w->fill, sizeof data);
  for (int i = 0; i < 50; i++)
    if (fm_file_write(context, w->path, data, sizeof data, NULL)) return w;
  return NULL;
}

/* All write the same file; it is one of theirs, whole. */
START_TEST(threads_do_not_meet) {
  writer writers[4];
  for (int i = 0; i < 4; i++) {
    strcpy(writers[i].path, io_path("same"));
    writers[i].fill = (unsigned char)('a' + i);
    ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, write_often, &writers[i]), 0);
  }
  for (int i = 0; i < 4; i++) {
    void *failed = NULL;
    pthread_join(writers[i].thread, &failed);
    ck_assert_ptr_null(failed);
  }
  io_bytes file = io_get_file(io_path("same"));
  ck_assert_uint_eq(file.size, 3000);
  for (size_t i = 1; i < 3000; i++) ck_assert_int_eq(file.data[i], file.data[0]);
  io_bytes_free(&file);
  ck_assert_int_eq(io_folder_count(), 1);
}
END_TEST

static fm_status scenario(fm_context *own, void *path, fm_error *err) {
  fm_status status = fm_file_write(own, path, "x", 1, err);
  ck_assert_int_eq(io_folder_count(), status ? 0 : 1);
  remove(path);
  return status;
}

START_TEST(every_allocation_may_fail) {
  char path[600];
  strcpy(path, io_path("a"));
  kit_every_allocation_fails(scenario, path, 1);
}
END_TEST

START_TEST(null_is_refused) {
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_file_write: context is NULL",
            fm_file_write(NULL, "a", "x", 1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_file_write: path is NULL",
            fm_file_write(context, NULL, "x", 1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_file_write: data is NULL",
            fm_file_write(context, io_path("a"), NULL, 1, &err));
  ck_assert_int_eq(io_folder_count(), 0);
}
END_TEST

Suite *io_file_suite(void) {
  Suite *suite = suite_create("io: files");
  TCase *files = tcase_create("files");
  tcase_add_checked_fixture(files, set_up, tear_down);
  tcase_set_timeout(files, 120);
  tcase_add_test(files, files_are_written_whole);
  tcase_add_test(files, a_path_without_a_folder_is_here);
  tcase_add_test(files, masks_and_images_go_through_files);
  tcase_add_test(files, long_files_are_read);
  tcase_add_test(files, errors_name_the_path);
  tcase_add_test(files, threads_do_not_meet);
  tcase_add_test(files, every_allocation_may_fail);
  tcase_add_test(files, null_is_refused);
  suite_add_tcase(suite, files);
  suite_add_tcase(suite, io_system_case());
  return suite;
}
