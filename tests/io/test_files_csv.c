/* io/test_files_csv.c - tables of a host's own.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static const char *const columns[] = {"mask", "hardness", "valid_pixels"};
#define HEAD "mask,hardness,valid_pixels\n"
static const char table[] = HEAD "\"a\nb\",0.5,7\n,-1e-3,x\n\"\"\"\",1e400,9223372036854775807";

static void check(const fm_csv *csv, const char *prefix) {
  int64_t whole = -4;
  double real = -4;
  char text[200];
  ck_assert_int_eq(fm_csv_row_count(csv), 3);
  ck_assert_str_eq(fm_csv_text(csv, 0, 0), "a\nb");
  ck_assert_str_eq(fm_csv_text(csv, 1, 0), "");
  ck_assert_str_eq(fm_csv_text(csv, 2, 0), "\"");
  ck_assert_str_eq(fm_csv_text(csv, 1, 2), "x");
  ck_assert_int_eq(fm_csv_line(csv, 0), 2);
  ck_assert_int_eq(fm_csv_line(csv, 1), 4);
  ck_assert_int_eq(fm_csv_line(csv, 2), 5);
  KIT_OK(fm_csv_real(csv, 1, 1, &real, &err));
  ck_assert(real == -0.001);
  KIT_OK(fm_csv_whole(csv, 2, 2, 0, INT64_MAX, &whole, &err));
  ck_assert_int_eq(whole, INT64_MAX);
  whole = -4;
  real = -4;
  snprintf(text, sizeof text,
           "%sline 4, column valid_pixels: 'x', expected a whole number from 0 to 9", prefix);
  KIT_FAILS(FM_ERR_FORMAT, text, fm_csv_whole(csv, 1, 2, 0, 9, &whole, &err));
  KIT_FAILS(FM_ERR_FORMAT, "line 2, column valid_pixels: '7', expected a whole number from 8 to 9",
            fm_csv_whole(csv, 0, 2, 8, 9, &whole, &err));
  snprintf(text, sizeof text, "%sline 5, column hardness: '1e400', expected a finite number",
           prefix);
  KIT_FAILS(FM_ERR_FORMAT, text, fm_csv_real(csv, 2, 1, &real, &err));
  ck_assert(whole == -4 && real == -4);
}

START_TEST(fields_are_read) {
  fm_csv *csv = NULL;
  KIT_OK(fm_csv_decode(context, table, strlen(table), columns, 3, &csv, &err));
  check(csv, "");
  fm_csv_destroy(csv);
  char path[512];
  strcpy(path, io_path("t.csv"));
  io_put_file(path, table, strlen(table));
  KIT_OK(fm_csv_read(context, path, columns, 3, &csv, &err));
  strcat(path, ": ");
  check(csv, path);
  fm_csv_destroy(csv);
  KIT_OK(fm_csv_decode(context, HEAD, strlen(HEAD), columns, 3, &csv, &err));
  ck_assert_int_eq(fm_csv_row_count(csv), 0);
  fm_csv_destroy(csv);
}
END_TEST

START_TEST(many_columns) {
  char names[64][8], text[2048] = "";
  const char *list[64];
  for (int i = 0; i < 64; i++) {
    snprintf(names[i], sizeof names[i], "c%d", i);
    list[i] = names[i];
    sprintf(text + strlen(text), "%sc%d", i ? "," : "", i);
  }
  strcat(text, "\n");
  for (int i = 0; i < 64; i++) sprintf(text + strlen(text), "%s%d", i ? "," : "", i * i);
  fm_csv *csv = NULL, *none = KIT_SENTINEL;
  KIT_OK(fm_csv_decode(context, text, strlen(text), list, 64, &csv, &err));
  int64_t last = 0;
  KIT_OK(fm_csv_whole(csv, 0, 63, 0, 10000, &last, &err));
  ck_assert_int_eq(last, 3969);
  fm_csv_destroy(csv);
  KIT_FAILS(FM_ERR_FORMAT,
            "line 1: ", fm_csv_decode(context, text, strlen(text), list, 63, &none, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "column_count is 65, expected 1 to 64",
            fm_csv_decode(context, text, strlen(text), list, 65, &none, &err));
}
END_TEST

START_TEST(calls_are_checked) {
  static const char *const holes[] = {"mask", NULL};
  fm_csv *csv = NULL, *out = KIT_SENTINEL;
  int64_t whole = -4;
  double real = -4;
  KIT_OK(fm_csv_decode(context, table, strlen(table), columns, 3, &csv, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_csv_read: context is NULL",
            fm_csv_read(NULL, "x", columns, 3, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_csv_read: path is NULL",
            fm_csv_read(context, NULL, columns, 3, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_csv_read: columns is NULL",
            fm_csv_read(context, "x", NULL, 3, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_csv_read: columns[1] is NULL",
            fm_csv_read(context, "x", holes, 2, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "column_count is 0",
            fm_csv_read(context, "x", columns, 0, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_csv_read: out is NULL",
            fm_csv_read(context, "x", columns, 3, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_csv_decode: data is NULL",
            fm_csv_decode(context, NULL, 3, columns, 3, &out, &err));
  KIT_FAILS(FM_ERR_IO, "missing", fm_csv_read(context, io_path("missing"), columns, 3, &out, &err));
  KIT_FAILS(FM_ERR_FORMAT, "line 1: 'mask,hardness,valid_pixels', expected the header mask",
            fm_csv_decode(context, table, strlen(table), columns, 1, &out, &err));
  KIT_FAILS(FM_ERR_FORMAT, "line 2: has 1 field, expected 3",
            fm_csv_decode(context, HEAD "a", strlen(HEAD "a"), columns, 3, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "row 3, column 0 of a table of 3 rows and 3 columns",
            fm_csv_whole(csv, 3, 0, 0, 1, &whole, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "row 0, column 3", fm_csv_real(csv, 0, 3, &real, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_csv_real: csv is NULL", fm_csv_real(NULL, 0, 0, &real, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_csv_whole: out is NULL",
            fm_csv_whole(csv, 0, 2, 0, 9, NULL, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
  ck_assert_str_eq(fm_csv_text(csv, -1, 0), "");
  ck_assert_str_eq(fm_csv_text(csv, 0, 3), "");
  ck_assert_str_eq(fm_csv_text(NULL, 0, 0), "");
  ck_assert_int_eq(fm_csv_line(csv, 3), 0);
  ck_assert_int_eq(fm_csv_line(NULL, 0), 0);
  ck_assert_int_eq(fm_csv_row_count(NULL), 0);
  fm_csv_destroy(csv);
  fm_csv_destroy(NULL);
}
END_TEST

static fm_status scenario(fm_context *failing, void *text, fm_error *err) {
  fm_csv *csv = KIT_SENTINEL;
  fm_status status = fm_csv_decode(failing, text, strlen(text), columns, 3, &csv, err);
  if (!status) {
    fm_csv_destroy(csv);
    csv = KIT_SENTINEL;
    status = fm_csv_read(failing, io_path("t.csv"), columns, 3, &csv, err);
    if (!status) fm_csv_destroy(csv);
  }
  if (status) ck_assert_ptr_eq(csv, KIT_SENTINEL);
  return status;
}

START_TEST(every_allocation_fails) {
  char *text = malloc(4000), *at = text + sprintf(text, HEAD);
  for (int i = 0; i < 50; i++) at += sprintf(at, "m%d,%d,%d\n", i, i, i);
  io_put_file(io_path("t.csv"), text, strlen(text));
  kit_every_allocation_fails(scenario, text, 16);
  free(text);
}
END_TEST

Suite *files_csv_suite(void) {
  Suite *suite = suite_create("files_csv");
  TCase *tests = tcase_create("files_csv");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, fields_are_read);
  tcase_add_test(tests, many_columns);
  tcase_add_test(tests, calls_are_checked);
  tcase_add_test(tests, every_allocation_fails);
  suite_add_tcase(suite, tests);
  return suite;
}
