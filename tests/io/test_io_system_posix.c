/* io/test_io_system_posix.c - files as POSIX has them: modes, links, pipes, limits, flushing.
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* syscall */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
static atomic_int flushes, lowest_flushed = 1 << 20;
int fsync(int fd) {
  if (fd < lowest_flushed) lowest_flushed = fd;
  atomic_fetch_add(&flushes, 1);
  return 0;
}

/* So many times a file under a low number is closed before it can be moved up. */
static atomic_int closes;
int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
  if (command == F_DUPFD_CLOEXEC && atomic_load(&closes) > 0) {
    atomic_fetch_sub(&closes, 1);
    close(fd);
  }
  return (int)syscall(SYS_fcntl, fd, command, argument);
}

START_TEST(modes_are_the_users) {
  struct stat about;
  mode_t mask = umask(0);
  umask(mask);
  KIT_OK(fm_file_write(context, io_path("a"), "x", 1, &err));
  ck_assert_int_eq(stat(io_path("a"), &about), 0);
  ck_assert_uint_eq(about.st_mode & 0777, 0666 & ~mask);
}
END_TEST

START_TEST(long_names_fit) {
  char name[251];
  memset(name, 'n', 250);
  name[250] = '\0';
  KIT_OK(fm_file_write(context, io_path(name), "x", 1, &err));
  io_check(io_path(name), "x", 1);
  ck_assert_int_eq(io_folder_count(), 1);
}
END_TEST

START_TEST(what_the_system_refuses_is_told) {
  IO_FAILS(ENOENT, "cannot be written: No such file or directory", 0,
           fm_file_write(context, io_path("none/a"), "x", 1, &err));
  ck_assert_int_eq(mkdir(io_path("folder"), 0777), 0);
  IO_FAILS(EISDIR, "cannot be written: Is a directory", 1,
           fm_file_write(context, io_path("folder"), "x", 1, &err));
  IO_FAILS(EISDIR, "Is a directory", 1, fm_file_write(context, io_path("folder/"), "x", 1, &err));
  io_put_file(io_path("file"), "1", 1);
  IO_FAILS(ENOTDIR, "Not a directory", 2, fm_file_write(context, io_path("file/a"), "x", 1, &err));
  KIT_FAILS(FM_ERR_IO, "No such file", fm_file_write(context, "", "x", 1, &err));
  KIT_FAILS(FM_ERR_IO, "not a regular file", fm_file_write(context, "/dev/null", "x", 1, &err));
  fm_raster *out = KIT_SENTINEL;
  IO_FAILS(ENOENT, "cannot be opened: No such file", 2,
           fm_mask_read(context, io_path("none.png"), NULL, &out, &err));
  IO_FAILS(EISDIR, "cannot be read: Is a directory", 2,
           fm_mask_read(context, io_path("folder"), NULL, &out, &err));
  ck_assert_int_eq(mkfifo(io_path("pipe"), 0666), 0);
  IO_FAILS(EINVAL, "cannot be read: it is not a regular file", 3,
           fm_mask_read(context, io_path("pipe"), NULL, &out, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
}
END_TEST

START_TEST(read_only_folders_are_left_alone) {
  if (!geteuid()) return; /* root may write everywhere */
  ck_assert_int_eq(chmod(io_folder(), 0555), 0);
  IO_FAILS(EACCES, "Permission denied", 0, fm_file_write(context, io_path("a"), "x", 1, &err));
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
      fm_npy_write(context, io_path("a"), noise, NULL, &errors[1]),
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
  kit_walk_off(); /* within a limit on all files */
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
  io_check(io_path("a"), "old", 3);
}
END_TEST

START_TEST(links_are_replaced_not_followed) {
  io_put_file(io_path("target"), "old", 3);
  ck_assert_int_eq(symlink("target", io_path("link")), 0);
  KIT_OK(fm_file_write(context, io_path("link"), "new", 3, &err));
  io_check(io_path("link"), "new", 3);
  io_check(io_path("target"), "old", 3);
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
  KIT_OK(fm_npy_write(context, io_path("a.npy"), &mask, NULL, &err));
  ck_assert_int_eq(flushes, 4);
  KIT_OK(fm_npy_write(context, io_path("b.npy"), &mask, &later, &err));
  ck_assert_int_eq(flushes, 4);
  if (!io_has_png()) return;
  KIT_OK(fm_mask_write(context, io_path("a.png"), &mask, NULL, &err));
  KIT_OK(fm_image_write(context, io_path("b.png"), &image, NULL, &err));
  ck_assert_int_eq(flushes, 8);
  KIT_OK(fm_mask_write(context, io_path("c.png"), &mask, &later, &err));
  KIT_OK(fm_image_write(context, io_path("d.png"), &image, &later, &err));
  ck_assert_int_eq(flushes, 8);
  ck_assert_int_eq(io_folder_count(), 7); /* and none under another name */
  io_bytes now = io_get_file(io_path("a.png"));
  io_check(io_path("c.png"), now.data, now.size);
  io_bytes_free(&now);
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

/* ---- Standard input, output and error are closed ---- */

enum { ROUNDS = 300, LARGEST = 50000 };

static void close_standard(void) {
  for (int number = 0; number <= STDERR_FILENO; number++) close(number);
}

/* With pauses, short and long: otherwise only luck opens a file between two closes. */
static atomic_bool done;
static void *close_again_and_again(void *unused) {
  uint64_t state = 1;
  while (!atomic_load(&done)) {
    close_standard();
    for (uint64_t wait = kit_random(&state) % 4096; wait; wait--) (void)atomic_load(&done);
  }
  return unused;
}

/* Writes files of one's own letter and reads them again. NULL: each held what it should. */
static void *write_and_read(void *letter) {
  char path[400];
  unsigned char data[LARGEST];
  fm_error error;
  (void)snprintf(path, sizeof path, "%s/%c", io_folder(), *(char *)letter);
  memset(data, *(char *)letter, sizeof data);
  for (int i = 0; i < ROUNDS; i++) {
    fm_plane mask = fm_plane_make(data, FM_U8, 1 + i, LARGEST / ROUNDS);
    fm_raster *out = NULL;
    if (fm_mask_write(context, path, &mask, NULL, &error)) return letter;
    if (fm_mask_read(context, path, NULL, &out, &error)) return letter;
    fm_plane got = fm_raster_plane(out);
    bool same = got.height == 1 + i && !memcmp(got.data, data, (size_t)got.width);
    fm_raster_destroy(out);
    if (!same) return letter;
  }
  return NULL;
}

/* Runs in a process of its own. 0: whatever is closed meanwhile, files are whole and one's own. */
static int files_while_standard_is_closed(void) {
  static char letters[3] = {'a', 'b', 'c'};
  pthread_t closer, workers[3];
  int bad = 0;
  if (pthread_create(&closer, NULL, close_again_and_again, NULL)) return 100;
  for (int i = 0; i < 3; i++)
    if (pthread_create(&workers[i], NULL, write_and_read, &letters[i])) return 100;
  for (int i = 0; i < 3; i++) {
    void *answer = NULL;
    pthread_join(workers[i], &answer);
    bad += answer != NULL;
  }
  atomic_store(&done, true);
  pthread_join(closer, NULL);
  return bad;
}

START_TEST(numbers_of_standard_files_are_not_taken) {
  int saved[3];
  for (int i = 0; i < 3; i++) saved[i] = dup(i);
  close_standard();
  fm_error error;
  closes = 5000;
  fm_status status = fm_file_write(context, io_path("a"), "x", 1, &error);
  int lowest = lowest_flushed, left = 0;
  for (int i = 0; i < 3; i++) left += fcntl(i, F_GETFD) >= 0;
  for (int i = 0; i < 3; i++) {
    dup2(saved[i], i);
    close(saved[i]);
  }
  ck_assert_int_eq(status, FM_OK);
  ck_assert_int_eq(closes, 0);
  ck_assert_int_gt(lowest, STDERR_FILENO);
  ck_assert_int_eq(left, 0);
}
END_TEST

START_TEST(files_are_right_while_standard_ones_are_closed) {
  kit_walk_off(); /* within threads */
  if (!io_has_png()) return;
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (!child) _exit(files_while_standard_is_closed());
  int answer = -1;
  ck_assert_int_eq(waitpid(child, &answer, 0), child);
  ck_assert_int_eq(answer, 0);
}
END_TEST

TCase *io_system_case(void) {
  TCase *files = tcase_create("the system's files");
  tcase_add_checked_fixture(files, set_up, tear_down);
  tcase_set_timeout(files, 120);
  tcase_add_test(files, modes_are_the_users);
  tcase_add_test(files, long_names_fit);
  tcase_add_test(files, what_the_system_refuses_is_told);
  tcase_add_test(files, read_only_folders_are_left_alone);
  tcase_add_test(files, failing_writes_change_nothing);
  tcase_add_test(files, numbers_of_standard_files_are_not_taken);
  tcase_add_test(files, files_are_right_while_standard_ones_are_closed);
  tcase_add_test(files, links_are_replaced_not_followed);
  tcase_add_test(files, flushing_is_for_those_who_want_it);
  tcase_add_test(files, sparse_files_cost_no_memory);
  return files;
}
