/* io/test_files_plan.c - plans in tables.
 * SPDX-License-Identifier: MIT */
#include <math.h>
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

#define HEAD "mask,hardness,rank,count,seeds\n"

static fm_plan *decoded(const void *text, size_t size) {
  fm_plan *plan = NULL;
  KIT_OK(fm_plan_decode(context, text, size, &plan, &err));
  return plan;
}

static io_bytes encoded(const fm_plan *plan) {
  io_bytes bytes = {0};
  KIT_OK(fm_plan_encode(plan, io_collect, &bytes, &err));
  return bytes;
}

static fm_plan_entry row_of(const fm_plan *plan, int64_t index) {
  fm_plan_entry row = {.size = sizeof row};
  KIT_OK(fm_plan_get(plan, index, &row, &err));
  return row;
}

/* ---- Reading -------------------------------------------------------------------- */

START_TEST(a_table_is_read) {
  static const char table[] =
      "\xEF\xBB\xBF"
      "mask,hardness,rank,count,seeds\r\n"
      "img_9,1e-3,2,3,47 -42 44\r\n"
      "\"a \"\"b\"\", c\",-.5,1,0,\r\n"
      "img_10,\"2.5E+2\",3,1,\"9223372036854775807\"";
  fm_plan *plan = decoded(table, sizeof table - 1);
  ck_assert_int_eq(fm_plan_mask_count(plan), 3);
  ck_assert_int_eq(fm_plan_image_count(plan), 4);
  fm_plan_entry row = row_of(plan, 0);
  ck_assert_str_eq(row.mask_id, "a \"b\", c");
  ck_assert(row.hardness == -0.5 && row.rank == 1 && row.count == 0);
  row = row_of(plan, 1);
  ck_assert_str_eq(row.mask_id, "img_10");
  ck_assert(row.hardness == 250 && row.rank == 3 && row.count == 1 && row.seeds[0] == INT64_MAX);
  row = row_of(plan, 2);
  ck_assert_str_eq(row.mask_id, "img_9");
  ck_assert(row.hardness == 0.001 && row.rank == 2 && row.count == 3);
  ck_assert(row.seeds[0] == -42 && row.seeds[1] == 44 && row.seeds[2] == 47);
  fm_plan_destroy(plan);
}
END_TEST

#define REFUSES(text, table)                                                                      \
  do {                                                                                            \
    fm_plan *out = KIT_SENTINEL;                                                                  \
    KIT_FAILS(FM_ERR_FORMAT, text, fm_plan_decode(context, table, sizeof table - 1, &out, &err)); \
    ck_assert_ptr_eq(out, KIT_SENTINEL);                                                          \
  } while (0)

START_TEST(bad_tables_are_refused) {
  REFUSES(
      "line 1: 'mask,hardness,valid_pixels', expected the header mask,hardness,rank,count,seeds",
      "mask,hardness,valid_pixels\n");
  REFUSES("has no row", HEAD);
  REFUSES("line 2: has 4 fields, expected 5", HEAD "a,1,1,0\n");
  REFUSES("line 2, column mask: '', expected a name of 1 to 4095 bytes", HEAD ",1,1,0,\n");
  REFUSES("column hardness: 'nan', expected a finite number", HEAD "a,nan,1,0,\n");
  REFUSES("column hardness: 'inf'", HEAD "a,inf,1,0,\n");
  REFUSES("column hardness: '1e999'", HEAD "a,1e999,1,0,\n");
  REFUSES("column hardness: '0x1'", HEAD "a,0x1,1,0,\n");
  REFUSES("column hardness: ' 1'", HEAD "a, 1,1,0,\n");
  REFUSES("column hardness: '1.2.3'", HEAD "a,1.2.3,1,0,\n");
  REFUSES("column hardness: '1e'", HEAD "a,1e,1,0,\n");
  REFUSES("column hardness: '1e+-1'", HEAD "a,1e+-1,1,0,\n");
  REFUSES("column hardness: '.'", HEAD "a,.,1,0,\n");
  REFUSES("column hardness: '-'", HEAD "a,-,1,0,\n");
  REFUSES("column hardness: ''", HEAD "a,,1,0,\n");
  REFUSES("column rank: '0', expected a whole number from 1 to", HEAD "a,1,0,0,\n");
  REFUSES("mask a: rank is 2, expected 1 to 1", HEAD "a,1,2,0,\n");
  REFUSES("masks a and b both have rank 1", HEAD "a,1,1,0,\nb,1,1,0,\n");
  REFUSES("column count: '-1'", HEAD "a,1,1,-1,\n");
  REFUSES("column count: '1048577'", HEAD "a,1,1,1048577,\n");
  REFUSES("mask a occurs twice", HEAD "a,1,1,0,\na,1,2,0,\n");
  REFUSES("line 3, column seeds: '1', expected as many whole numbers as its count, 2, with",
          HEAD "b,1,1,0,\na,1,2,2,1\n");
  REFUSES("column seeds: '1 2 3'", HEAD "a,1,1,2,1 2 3\n");
  REFUSES("column seeds: '1  2'", HEAD "a,1,1,2,1  2\n");
  REFUSES("column seeds: '1 2 '", HEAD "a,1,1,2,1 2 \n");
  REFUSES("column seeds: ' 1'", HEAD "a,1,1,1, 1\n");
  REFUSES("column seeds: '1;2'", HEAD "a,1,1,2,1;2\n");
  REFUSES("column seeds: '9223372036854775808'", HEAD "a,1,1,1,9223372036854775808\n");
  REFUSES("mask a: seed 5 is given twice", HEAD "a,1,1,2,5 5\n");
}
END_TEST

START_TEST(long_names_and_numbers) {
  char table[6000], name[4097];
  memset(name, 'm', sizeof name);
  name[4096] = '\0';
  fm_plan *out = KIT_SENTINEL;
  int length = snprintf(table, sizeof table, HEAD "%s,1,1,0,\n", name);
  KIT_FAILS(FM_ERR_FORMAT, "expected a name of 1 to 4095 bytes",
            fm_plan_decode(context, table, (size_t)length, &out, &err));
  name[4095] = '\0';
  length = snprintf(table, sizeof table, HEAD "%s,0.%0300d1,1,0,\n", name, 0);
  fm_plan *plan = decoded(table, (size_t)length);
  ck_assert(row_of(plan, 0).hardness == 1e-301);
  fm_plan_destroy(plan);
  length = snprintf(table, sizeof table, HEAD "a,0.%0500d1,1,0,\n", 0);
  KIT_FAILS(FM_ERR_FORMAT, "expected a finite number",
            fm_plan_decode(context, table, (size_t)length, &out, &err));
}
END_TEST

/* ---- Writing -------------------------------------------------------------------- */

START_TEST(a_plan_is_written) {
  static const char *const ids[] = {"b", "img,9", "a\nb"};
  static const double hardness[] = {0.1, -0.0, 1e17};
  static const int64_t counts[] = {2, 0, 1}, seeds[] = {7, -3, INT64_MIN};
  static const char truth[] = HEAD
      "\"a\nb\",1e+17,3,1,-9223372036854775808\nb,0.10000000000000001,2,2,-3 7\n"
      "\"img,9\",-0,1,0,\n";
  fm_plan_rows rows = {.size = sizeof rows, .row_count = 3, .mask_ids = ids, .hardness = hardness};
  rows.counts = counts;
  rows.seeds = seeds;
  rows.seed_count = 3;
  fm_plan *plan = NULL, *back = NULL;
  KIT_OK(fm_plan_create(context, &rows, &plan, &err));
  io_bytes bytes = encoded(plan);
  ck_assert_msg(bytes.size == sizeof truth - 1 && !memcmp(bytes.data, truth, bytes.size), "%.*s",
                (int)bytes.size, (char *)bytes.data);
  KIT_OK(fm_plan_write(plan, io_path("plan.csv"), &err));
  io_bytes file = io_get_file(io_path("plan.csv"));
  ck_assert_uint_eq(file.size, bytes.size);
  ck_assert_mem_eq(file.data, bytes.data, file.size);
  KIT_OK(fm_plan_read(context, io_path("plan.csv"), &back, &err));
  ck_assert_uint_eq(fm_plan_fingerprint(back), fm_plan_fingerprint(plan));
  io_bytes_free(&bytes);
  io_bytes_free(&file);
  fm_plan_destroy(plan);
  fm_plan_destroy(back);
}
END_TEST

/* Doubles of all sizes, as C's %.17g has them, and back to the bit. */
START_TEST(numbers_are_those_of_printf) {
  enum { COUNT = 20000 };
  static double hardness[COUNT];
  static char names[COUNT][8];
  static const char *ids[COUNT];
  static int64_t counts[COUNT];
  uint64_t state = 5;
  for (int i = 0; i < COUNT; i++) {
    snprintf(names[i], sizeof names[i], "%06d", i);
    ids[i] = names[i];
    do {
      uint64_t bits = kit_random(&state);
      memcpy(&hardness[i], &bits, sizeof bits);
      if (i % 2) hardness[i] = (double)kit_below(&state, 100000) / 1000;
      if (i % 16 == 4) hardness[i] = ldexp((double)kit_below(&state, 1 << 20), (int)(i % 100) - 60);
    } while (!isfinite(hardness[i]));
  }
  hardness[0] = 5e-324;
  hardness[2] = 1.7976931348623157e308;
  hardness[4] = 99999999999999984.0;
  hardness[6] = 123456789012345680.0;
  hardness[8] = 0.0001;
  hardness[10] = 0.00001;
  fm_plan_rows rows = {.size = sizeof rows, .row_count = COUNT, .mask_ids = ids};
  rows.hardness = hardness;
  rows.counts = counts;
  fm_plan *plan = NULL;
  KIT_OK(fm_plan_create(context, &rows, &plan, &err));
  io_bytes bytes = encoded(plan);
  io_append(&bytes, "", 1);
  const char *at = (char *)bytes.data + strlen(HEAD);
  for (int i = 0; i < COUNT; i++) {
    char expected[64];
    int length = snprintf(expected, sizeof expected, "%06d,%.17g,", i, hardness[i]);
    ck_assert_msg(!strncmp(at, expected, (size_t)length), "%.40s, not %s", at, expected);
    at = strchr(at, '\n') + 1;
  }
  fm_plan *back = decoded(bytes.data, bytes.size - 1);
  ck_assert_uint_eq(fm_plan_fingerprint(back), fm_plan_fingerprint(plan));
  for (int i = 0; i < COUNT; i++) {
    double read = row_of(back, i).hardness;
    ck_assert_mem_eq(&read, &hardness[i], sizeof read);
  }
  io_bytes_free(&bytes);
  fm_plan_destroy(plan);
  fm_plan_destroy(back);
}
END_TEST

START_TEST(no_locale_matters) {
  static const char table[] = HEAD "a,0.96650000000000003,1,1,5\n";
  io_comma_locale(true);
  fm_plan *plan = decoded(table, sizeof table - 1);
  ck_assert(row_of(plan, 0).hardness == 0.9665);
  io_bytes bytes = encoded(plan);
  io_comma_locale(false);
  ck_assert_uint_eq(bytes.size, sizeof table - 1);
  ck_assert_mem_eq(bytes.data, table, bytes.size);
  io_bytes_free(&bytes);
  fm_plan_destroy(plan);
}
END_TEST

/* ---- Calls and memory ------------------------------------------------------------- */

START_TEST(calls_are_checked) {
  static const char table[] = HEAD "a,1,1,0,\n";
  fm_plan *out = KIT_SENTINEL, *plan = decoded(table, sizeof table - 1);
  int stop = 9;
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_plan_read: context is NULL", fm_plan_read(NULL, "x", &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_plan_read: path is NULL", fm_plan_read(context, NULL, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_plan_decode: out is NULL",
            fm_plan_decode(context, "", 0, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_plan_decode: data is NULL",
            fm_plan_decode(context, NULL, 1, &out, &err));
  KIT_FAILS(FM_ERR_IO, "missing", fm_plan_read(context, io_path("missing"), &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_plan_write: plan is NULL", fm_plan_write(NULL, "x", &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_plan_write: path is NULL", fm_plan_write(plan, NULL, &err));
  KIT_FAILS(FM_ERR_IO, "no/x", fm_plan_write(plan, io_path("no/x"), &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_plan_encode: write is NULL",
            fm_plan_encode(plan, NULL, NULL, &err));
  KIT_FAILS(FM_ERR_CALLBACK, "stopped the call with 9", fm_plan_encode(plan, io_stop, &stop, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
  ck_assert_int_eq(io_folder_count(), 0);
  fm_plan_destroy(plan);
}
END_TEST

static fm_status scenario(fm_context *failing, void *table, fm_error *err) {
  fm_plan *plan = KIT_SENTINEL;
  fm_status status = fm_plan_decode(failing, table, strlen(table), &plan, err);
  if (status) {
    ck_assert_ptr_eq(plan, KIT_SENTINEL);
    return status;
  }
  io_bytes bytes = {0};
  status = fm_plan_encode(plan, io_collect, &bytes, err);
  if (status) ck_assert_ptr_null(bytes.data);
  io_bytes_free(&bytes);
  if (!status) status = fm_plan_write(plan, io_path("plan.csv"), err);
  ck_assert_int_eq(io_folder_count(), !status);
  if (!status) ck_assert_int_eq(remove(io_path("plan.csv")), 0);
  fm_plan_destroy(plan);
  return status;
}

/* Enough rows and seeds that every array grows. */
START_TEST(every_allocation_fails) {
  char *table = malloc(20000), *at = table + sprintf(table, HEAD);
  for (int i = 0; i < 60; i++) at += sprintf(at, "m%03d,%d.25,%d,3,1 2 %d\n", i, i, i + 1, i + 3);
  kit_every_allocation_fails(scenario, table, 20);
  free(table);
}
END_TEST

Suite *files_plan_suite(void) {
  Suite *suite = suite_create("files_plan");
  TCase *tests = tcase_create("files_plan");
  tcase_set_timeout(tests, 60);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, a_table_is_read);
  tcase_add_test(tests, bad_tables_are_refused);
  tcase_add_test(tests, long_names_and_numbers);
  tcase_add_test(tests, a_plan_is_written);
  tcase_add_test(tests, numbers_are_those_of_printf);
  tcase_add_test(tests, no_locale_matters);
  tcase_add_test(tests, calls_are_checked);
  tcase_add_test(tests, every_allocation_fails);
  suite_add_tcase(suite, tests);
  return suite;
}
