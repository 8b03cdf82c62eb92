/* io/test_io_system_windows.c - files as Windows has them: names in UTF-8, names that stand for something
 * else, long paths, files that others have open.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_io_kit.h"
/* After kit.h, whose headers it must not change. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

static fm_context *context;

static void set_up(void) {
  context = kit_plain_context();
  io_folder_make();
}

static void tear_down(void) {
  io_folder_remove();
  fm_context_destroy(context);
}

/* The path of a name in the folder, as Windows has it. */
static const wchar_t *wide_path(const wchar_t *name) {
  static wchar_t path[512];
  MultiByteToWideChar(CP_UTF8, 0, io_folder(), -1, path, 200);
  wcscat(path, L"\\");
  return wcscat(path, name);
}

static bool is_there(const wchar_t *name) {
  return GetFileAttributesW(wide_path(name)) != INVALID_FILE_ATTRIBUTES;
}

START_TEST(names_are_utf8) {
  static const struct {
    const char *narrow;
    const wchar_t *wide;
  } names[] = {{"Stra\xC3\x9F"
                "e",
                L"Stra\x00DF"
                L"e"},
               {"\xE6\x97\xA5\xE6\x9C\xAC.png", L"\x65E5\x672C.png"},
               {"\xF0\x9F\x98\x80", L"\xD83D\xDE00"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    KIT_OK(fm_file_write(context, io_path(names[i].narrow), "x", 1, &err));
    ck_assert(is_there(names[i].wide));
    io_check(io_path(names[i].narrow), "x", 1);
  }
  ck_assert_int_eq(io_folder_count(), 3);
  IO_FAILS(EILSEQ, "cannot be written: ", 3, fm_file_write(context, io_path("\xFF"), "x", 1, &err));
}
END_TEST

START_TEST(slashes_lean_either_way) {
  char path[600], name[300];
  ck_assert_int_eq(mkdir(io_path("sub"), 0777), 0);
  snprintf(path, sizeof path, "%s\\sub\\a", io_folder());
  KIT_OK(fm_file_write(context, path, "abc", 3, &err));
  io_check(io_path("sub/a"), "abc", 3);
  unlink(io_path("sub/a"));
  /* The name of a label space is the file's; the file's name may be as long as any. */
  static const char table[] = "label,class,name\n0,ignore,\n1,0,wall\n";
  snprintf(path, sizeof path, "%s\\sub\\%0200d.csv", io_folder(), 7);
  KIT_OK(fm_file_write(context, path, table, sizeof table - 1, &err));
  ck_assert_int_eq(io_folder_count(), 1);
  fm_labels *labels = NULL;
  KIT_OK(fm_labels_read(context, path, &labels, &err));
  snprintf(name, sizeof name, "%0200d", 7);
  ck_assert_str_eq(fm_labels_name(labels), name);
  fm_labels_destroy(labels);
  unlink(path);
  ck_assert_int_eq(rmdir(io_path("sub")), 0);
}
END_TEST

/* Windows takes each of these for a device, for a part of the file `a`, or for the file `a`. */
START_TEST(names_of_something_else_are_refused) {
  static const char *const names[] = {"NUL",      "nul",    "con.png",     "Aux.a.png", "COM1",
                                      "lpt9.txt", "CONIN$", "a:b",         "a.",        "a ",
                                      "a..",      "a?",     "a*.png",      "a|b",       "a<b",
                                      "a\"",      "a\x01b", "com\xC2\xB9", "nul .png",  "prn. "};
  fm_raster *out = KIT_SENTINEL;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    IO_FAILS(EINVAL, "Invalid argument", 0,
             fm_file_write(context, io_path(names[i]), "x", 1, &err));
    IO_FAILS(EINVAL, "Invalid argument", 0,
             fm_mask_read(context, io_path(names[i]), NULL, &out, &err));
  }
  static const char *const fine[] = {"nulls", "COM", "COM10", ".abc", "a.b c", "con-1.png"};
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
    KIT_OK(fm_file_write(context, io_path(fine[i]), "x", 1, &err));
  ck_assert_int_eq(io_folder_count(), 6);
}
END_TEST

/* Beyond the 260 characters that Windows' own calls take. */
START_TEST(paths_may_be_long) {
  char path[2000], name[101];
  size_t lengths[20], at = (size_t)snprintf(path, sizeof path, "%s", io_folder());
  memset(name, 'n', 100);
  name[100] = '\0';
  int depth = 0;
  for (; depth < 6; depth++) {
    lengths[depth] = at;
    at += (size_t)snprintf(path + at, sizeof path - at, "/%s", name);
    ck_assert_int_eq(mkdir(path, 0777), 0);
  }
  snprintf(path + at, sizeof path - at, "/file");
  KIT_OK(fm_file_write(context, path, "far", 3, &err));
  io_check(path, "far", 3);
  ck_assert_int_eq(unlink(path), 0);
  path[at] = '\0';
  while (depth--) {
    ck_assert_int_eq(rmdir(path), 0);
    path[lengths[depth]] = '\0';
  }
}
END_TEST

START_TEST(what_the_system_refuses_is_told) {
  IO_FAILS(ENOENT, "cannot be written: No such file or directory", 0,
           fm_file_write(context, io_path("none/a"), "x", 1, &err));
  ck_assert_int_eq(mkdir(io_path("folder"), 0777), 0);
  IO_FAILS(EISDIR, "Is a directory", 1, fm_file_write(context, io_path("folder"), "x", 1, &err));
  IO_FAILS(EISDIR, "Is a directory", 1, fm_file_write(context, io_path("folder/"), "x", 1, &err));
  IO_FAILS(EISDIR, "Is a directory", 1, fm_file_write(context, io_path("folder\\"), "x", 1, &err));
  io_put_file(io_path("file"), "1", 1);
  IO_FAILS(ENOTDIR, "Not a directory", 2, fm_file_write(context, io_path("file/a"), "x", 1, &err));
  KIT_FAILS(FM_ERR_IO, "No such file", fm_file_write(context, "", "x", 1, &err));
  fm_raster *out = KIT_SENTINEL;
  IO_FAILS(ENOENT, "cannot be opened: No such file", 2,
           fm_mask_read(context, io_path("none.png"), NULL, &out, &err));
  IO_FAILS(EISDIR, "cannot be read: Is a directory", 2,
           fm_mask_read(context, io_path("folder"), NULL, &out, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
}
END_TEST

/* Others may read a file while it is replaced, if they let it be; else it stays as it was. */
START_TEST(open_files_are_replaced_or_left) {
  io_put_file(io_path("a"), "old", 3);
  HANDLE strict =
      CreateFileW(wide_path(L"a"), GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
  ck_assert(strict != INVALID_HANDLE_VALUE);
  IO_FAILS(EACCES, "cannot be written: Permission denied", 1,
           fm_file_write(context, io_path("a"), "new", 3, &err));
  io_check(io_path("a"), "old", 3);
  CloseHandle(strict);
  KIT_OK(fm_file_write(context, io_path("a"), "new", 3, &err));
  io_check(io_path("a"), "new", 3);
}
END_TEST

START_TEST(read_only_files_stay) {
  io_put_file(io_path("a"), "old", 3);
  SetFileAttributesW(wide_path(L"a"), FILE_ATTRIBUTE_READONLY);
  IO_FAILS(EACCES, "cannot be written: Permission denied", 1,
           fm_file_write(context, io_path("a"), "new", 3, &err));
  io_check(io_path("a"), "old", 3);
  SetFileAttributesW(wide_path(L"a"), FILE_ATTRIBUTE_NORMAL);
}
END_TEST

/* 26 is the byte that ends a text file there, and a line feed alone stays alone. */
START_TEST(bytes_stay_as_they_are) {
  static const char bytes[] =
      "a\nb\r\nc\x1A"
      "d\n";
  KIT_OK(fm_file_write(context, io_path("a"), bytes, sizeof bytes, &err));
  io_check(io_path("a"), bytes, sizeof bytes);
}
END_TEST

TCase *io_system_case(void) {
  TCase *files = tcase_create("the system's files");
  tcase_add_checked_fixture(files, set_up, tear_down);
  tcase_set_timeout(files, 120);
  tcase_add_test(files, names_are_utf8);
  tcase_add_test(files, slashes_lean_either_way);
  tcase_add_test(files, names_of_something_else_are_refused);
  tcase_add_test(files, paths_may_be_long);
  tcase_add_test(files, what_the_system_refuses_is_told);
  tcase_add_test(files, open_files_are_replaced_or_left);
  tcase_add_test(files, read_only_files_stay);
  tcase_add_test(files, bytes_stay_as_they_are);
  return files;
}
