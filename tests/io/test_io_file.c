/* io/test_io_file.c - files: whole or not at all, and what the system refuses.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* The library's calls come here: an executable's own function goes before libc's. */
static atomic_int flushes;
int fsync(int fd) {
  (void)fd;
  atomic_fetch_add(&flushes, 1);
  return 0;
}

static void check_contents(const char *path, const void *data, size_t size) {
  io_bytes file = io_get_file(path);
  ck_assert_uint_eq(file.size, size);
  if (size) ck_assert_mem_eq(file.data, data, size);
  io_bytes_free(&file);
}

/* Fails with this errno, names the path, leaves `count` files. */
#define FAILS_ERRNO(code, text, left, call)                                                    \
  do {                                                                                         \
    fm_error err = kit_error();                                                                \
    fm_status status = (call);                                                                 \
    kit_expect(__FILE__ ":" KIT_TEXT(__LINE__), status, FM_ERR_IO, &err, text);                \
    ck_assert_int_eq(err.host_code, code);                                                     \
    ck_assert_msg(!strncmp(err.message, io_folder(), strlen(io_folder())), "%s", err.message); \
    ck_assert_int_eq(io_folder_count(), left);                                                 \
  } while (0)

START_TEST(files_are_written_whole) {
  KIT_OK(fm_file_write(context, io_path("a"), "hello", 5, &err));
  check_contents(io_path("a"), "hello", 5);
  KIT_OK(fm_file_write(context, io_path("a"), "", 0, &err));
  check_contents(io_path("a"), "", 0);
  KIT_OK(fm_file_write(context, io_path("b"), NULL, 0, &err));
  ck_assert_int_eq(io_folder_count(), 2);
  struct stat about;
  mode_t mask = umask(0);
  umask(mask);
  ck_assert_int_eq(stat(io_path("a"), &about), 0);
  ck_assert_uint_eq(about.st_mode & 0777, 0666 & ~mask);
}
END_TEST

START_TEST(a_path_without_a_folder_is_here) {
  char here[4096];
  ck_assert_ptr_nonnull(getcwd(here, sizeof here));
  ck_assert_int_eq(chdir(io_folder()), 0);
  KIT_OK(fm_file_write(context, "plain", "x", 1, &err));
  check_contents("plain", "x", 1);
  ck_assert_int_eq(chdir(here), 0);
  ck_assert_int_eq(io_folder_count(), 1);
}
END_TEST

START_TEST(long_names_fit) {
  char name[251];
  memset(name, 'n', 250);
  name[250] = '\0';
  KIT_OK(fm_file_write(context, io_path(name), "x", 1, &err));
  check_contents(io_path(name), "x", 1);
  ck_assert_int_eq(io_folder_count(), 1);
}
END_TEST

START_TEST(what_the_system_refuses_is_told) {
  FAILS_ERRNO(ENOENT, "cannot be written: No such file or directory", 0,
              fm_file_write(context, io_path("none/a"), "x", 1, &err));
  ck_assert_int_eq(mkdir(io_path("folder"), 0777), 0);
  FAILS_ERRNO(EISDIR, "cannot be written: Is a directory", 1,
              fm_file_write(context, io_path("folder"), "x", 1, &err));
  FAILS_ERRNO(EISDIR, "Is a directory", 1,
              fm_file_write(context, io_path("folder/"), "x", 1, &err));
  io_put_file(io_path("file"), "1", 1);
  FAILS_ERRNO(ENOTDIR, "Not a directory", 2,
              fm_file_write(context, io_path("file/a"), "x", 1, &err));
  KIT_FAILS(FM_ERR_IO, "No such file", fm_file_write(context, "", "x", 1, &err));
  KIT_FAILS(FM_ERR_IO, "not a regular file", fm_file_write(context, "/dev/null", "x", 1, &err));
  fm_raster *out = KIT_SENTINEL;
  FAILS_ERRNO(ENOENT, "cannot be opened: No such file", 2,
              fm_mask_read(context, io_path("none.png"), NULL, &out, &err));
  FAILS_ERRNO(EISDIR, "cannot be read: Is a directory", 2,
              fm_mask_read(context, io_path("folder"), NULL, &out, &err));
  ck_assert_int_eq(mkfifo(io_path("pipe"), 0666), 0);
  FAILS_ERRNO(EINVAL, "cannot be read: it is not a regular file", 3,
              fm_mask_read(context, io_path("pipe"), NULL, &out, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
}
END_TEST

START_TEST(read_only_folders_are_left_alone) {
  if (!geteuid()) return; /* root may write everywhere */
  ck_assert_int_eq(chmod(io_folder(), 0555), 0);
  FAILS_ERRNO(EACCES, "Permission denied", 0, fm_file_write(context, io_path("a"), "x", 1, &err));
  ck_assert_int_eq(chmod(io_folder(), 0755), 0);
}
END_TEST

/* Runs in a process of its own, because Check writes files too. Answers the number of
 * the call that did not fail as it should, 0 if all did. */
static int write_beyond_the_limit(const fm_plane *noise) {
  struct rlimit limit = {1000, 1000};
  signal(SIGXFSZ, SIG_IGN);
  if (setrlimit(RLIMIT_FSIZE, &limit)) return 100;
  fm_error errors[3];
  fm_status answers[3] = {
      fm_file_write(context, io_path("a"), noise->data, 200000, &errors[0]),
      fm_npy_write(context, io_path("a"), noise, &errors[1]),
      io_has_png() ? fm_mask_write(context, io_path("a"), noise, NULL, &errors[2]) : FM_ERR_IO,
  };
  for (int i = 0; i < 3; i++) {
    if (i == 2 && !io_has_png()) break;
    if (answers[i] != FM_ERR_IO || errors[i].host_code != EFBIG) return 1 + i;
    if (!strstr(errors[i].message, "cannot be written: File too large")) return 11 + i;
  }
  return 0;
}

/* A limit on the size of files stands for a full disk: the old file stays, the new goes. */
START_TEST(failing_writes_change_nothing) {
  static unsigned char data[200000];
  uint64_t state = 1;
  for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)kit_random(&state);
  fm_plane noise = fm_plane_make(data, FM_U8, 400, 500);
  io_put_file(io_path("a"), "old", 3);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (!child) _exit(write_beyond_the_limit(&noise));
  int answer = -1;
  ck_assert_int_eq(waitpid(child, &answer, 0), child);
  ck_assert_int_eq(answer, 0);
  ck_assert_int_eq(io_folder_count(), 1);
  check_contents(io_path("a"), "old", 3);
}
END_TEST

START_TEST(links_are_replaced_not_followed) {
  io_put_file(io_path("target"), "old", 3);
  ck_assert_int_eq(symlink("target", io_path("link")), 0);
  KIT_OK(fm_file_write(context, io_path("link"), "new", 3, &err));
  check_contents(io_path("link"), "new", 3);
  check_contents(io_path("target"), "old", 3);
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
  FAILS_ERRNO(ENOENT, "No such file", 2,
              fm_mask_write(context, io_path("no/a.png"), &mask, NULL, &err));
  FAILS_ERRNO(ENOENT, "No such file", 2,
              fm_image_write(context, io_path("no/a.png"), &image, NULL, &err));
}
END_TEST

START_TEST(flushing_is_for_those_who_want_it) {
  uint8_t pixels[12] = {0};
  fm_plane mask = fm_plane_make(pixels, FM_U8, 3, 4);
  fm_volume image = fm_volume_make(pixels, FM_U8, 3, 2, 2);
  fm_write_options later = {.size = sizeof later, .flush = FM_FLUSH_LATER};
  flushes = 0;
  KIT_OK(fm_file_write(context, io_path("a"), "x", 1, &err));
  ck_assert_int_eq(flushes, 2); /* the file and its folder */
  KIT_OK(fm_npy_write(context, io_path("a.npy"), &mask, &err));
  ck_assert_int_eq(flushes, 4);
  if (!io_has_png()) return;
  KIT_OK(fm_mask_write(context, io_path("a.png"), &mask, NULL, &err));
  KIT_OK(fm_image_write(context, io_path("b.png"), &image, NULL, &err));
  ck_assert_int_eq(flushes, 8);
  KIT_OK(fm_mask_write(context, io_path("c.png"), &mask, &later, &err));
  KIT_OK(fm_image_write(context, io_path("d.png"), &image, &later, &err));
  ck_assert_int_eq(flushes, 8);
  ck_assert_int_eq(io_folder_count(), 6); /* and none under another name */
  io_bytes now = io_get_file(io_path("a.png"));
  check_contents(io_path("c.png"), now.data, now.size);
  io_bytes_free(&now);
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
  KIT_OK(fm_npy_write(context, io_path("a.npy"), &plane, &err));
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
  snprintf(expected, sizeof expected, "%s: looks like a text file, expected a mask as PNG, TIFF, NPY or NPZ",
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

/* A file that is large, and holds nothing: 5 GB of zeros, none of them on the disk. */
START_TEST(sparse_files_cost_no_memory) {
  io_put_file(io_path("a"), "", 0);
  if (truncate(io_path("a"), (off_t)5 << 30)) return;
  kit_allocator allocator;
  fm_context *own = kit_context(&allocator);
  fm_raster *out = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_LIMIT, "more than the limit of 4294967296 (max_bytes)",
            fm_mask_read(own, io_path("a"), NULL, &out, &err));
  fm_read_options options = {.size = sizeof options, .max_bytes = INT64_MAX};
  KIT_FAILS(FM_ERR_FORMAT, "looks like a file of zeros",
            fm_loss_read(own, io_path("a"), &options, &out, &err));
  ck_assert_int_eq(atomic_load(&allocator.living), 1);
  fm_context_destroy(own);
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
  tcase_add_test(files, long_names_fit);
  tcase_add_test(files, what_the_system_refuses_is_told);
  tcase_add_test(files, read_only_folders_are_left_alone);
  tcase_add_test(files, failing_writes_change_nothing);
  tcase_add_test(files, links_are_replaced_not_followed);
  tcase_add_test(files, masks_and_images_go_through_files);
  tcase_add_test(files, flushing_is_for_those_who_want_it);
  tcase_add_test(files, long_files_are_read);
  tcase_add_test(files, errors_name_the_path);
  tcase_add_test(files, sparse_files_cost_no_memory);
  tcase_add_test(files, threads_do_not_meet);
  tcase_add_test(files, every_allocation_may_fail);
  tcase_add_test(files, null_is_refused);
  suite_add_tcase(suite, files);
  return suite;
}
