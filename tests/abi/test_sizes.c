/* abi/test_sizes.c - programs of every release hand structures of their size over: shorter
 * ones are filled up, longer ones are taken if the unknown part is zero. */
#include <check.h>
#include <run_suites.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"

static fm_context *context;

static void open_context(void) { fm_context_create(NULL, &context, NULL); }
static void close_context(void) { fm_context_destroy(context); }

/* Memory of exactly `size` bytes, so that a sanitizer sees a read beyond it. */
static unsigned char *options_of(const options_call *row, size_t size) {
  unsigned char *whole = calloc(1, size > row->size ? size : row->size);
  ck_assert_ptr_nonnull(whole);
  row->fill(whole);
  memcpy(whole, &size, sizeof size);
  unsigned char *exact = malloc(size);
  ck_assert_ptr_nonnull(exact);
  memcpy(exact, whole, size);
  free(whole);
  return exact;
}

static fm_status try_size(const options_call *row, size_t size, fm_error *err) {
  unsigned char *options = options_of(row, size);
  fm_status status = row->call(context, options, err);
  free(options);
  return status;
}

static const options_call *row_of(int i) { return &options_calls[i]; }

/* A build without PNG cannot write masks at all. */
static int cannot(const options_call *row) {
  return row->call(context, NULL, NULL) == FM_ERR_UNSUPPORTED;
}

static const options_call *find(const char *name) {
  for (size_t i = 0; i < options_call_count; i++)
    if (strcmp(options_calls[i].name, name) == 0) return &options_calls[i];
  return NULL;
}

START_TEST(every_released_size_is_accepted) {
  FILE *file = fopen(FM_TEST_SIZES, "r");
  ck_assert_ptr_nonnull(file);
  char line[200], release[40], name[100];
  size_t size, tried = 0;
  while (fgets(line, sizeof line, file)) {
    if (line[0] == '#' || sscanf(line, "%39s %99s %zu", release, name, &size) != 3) continue;
    const options_call *row = find(name);
    if (!row || cannot(row)) continue;
    fm_error err = {.message = ""};
    ck_assert_msg(try_size(row, size, &err) == FM_OK, "%s of %s: %s", name, release, err.message);
    tried++;
  }
  fclose(file);
  ck_assert_uint_ge(tried, options_call_count - 1);
}
END_TEST

START_TEST(a_short_structure_is_filled_up) {
  const options_call *row = row_of(_i);
  if (cannot(row)) return;
  for (size_t size = row->least; size <= row->size; size++) {
    fm_error err = {.message = ""};
    ck_assert_msg(try_size(row, size, &err) == FM_OK, "%s of %zu bytes: %s", row->name, size,
                  err.message);
  }
}
END_TEST

START_TEST(a_longer_structure_with_a_zero_tail_is_taken) {
  const options_call *row = row_of(_i);
  if (cannot(row)) return;
  for (size_t more = 1; more <= 64; more++) {
    fm_error err = {.message = ""};
    ck_assert_msg(try_size(row, row->size + more, &err) == FM_OK, "%s: %s", row->name, err.message);
  }
}
END_TEST

START_TEST(an_unknown_field_is_refused) {
  const options_call *row = row_of(_i);
  if (cannot(row)) return;
  for (size_t at = row->size; at < row->size + 16; at++) {
    unsigned char *options = options_of(row, row->size + 16);
    options[at] = 1;
    fm_error err = {.message = ""};
    ck_assert_int_eq(row->call(context, options, &err), FM_ERR_UNSUPPORTED);
    ck_assert_int_eq(err.code, FM_ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, row->name));
    free(options);
  }
}
END_TEST

START_TEST(a_size_that_cannot_be_is_refused) {
  const options_call *row = row_of(_i);
  const size_t sizes[] = {0, 1, sizeof(size_t) - 1, 1U << 20, (size_t)-1};
  if (cannot(row)) return;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    unsigned char *options = options_of(row, row->size);
    memcpy(options, &sizes[i], sizeof sizes[i]);
    fm_error err = {.message = ""};
    ck_assert_int_eq(row->call(context, options, &err), FM_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.message, row->name));
    free(options);
  }
}
END_TEST

/* ---- Structures that the library fills --------------------------------------------- */

static fm_status fill_report(void *structure) {
  const double means[2] = {1, 1};
  const unsigned char label = 1;
  const float value = 2;
  unsigned char filtered;
  fm_labels_options options = {.size = sizeof options, .class_count = 2, .ignore_label = 9};
  fm_labels *labels = NULL;
  fm_filter *filter = NULL;
  fm_labels_create(context, &options, &labels, NULL);
  fm_filter_create_from_means(labels, means, NULL, 2, NULL, &filter, NULL);
  fm_plane mask = fm_plane_make(&label, FM_U8, 1, 1), loss = fm_plane_make(&value, FM_F32, 1, 1);
  fm_plane out = fm_plane_make(&filtered, FM_U8, 1, 1);
  fm_status status = fm_filter_apply(filter, &mask, &loss, &out, structure, NULL);
  fm_filter_destroy(filter);
  fm_labels_destroy(labels);
  return status;
}

static fm_status fill_entry(void *structure) {
  fm_planner *planner = NULL;
  fm_plan *plan = NULL;
  fm_planner_create(context, NULL, &planner, NULL);
  fm_planner_add(planner, "a", 0.5, NULL);
  fm_planner_finish(planner, &plan, NULL);
  fm_status status = fm_plan_get(plan, 0, structure, NULL);
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
  return status;
}

static fm_status fill_schedule_entry(void *structure) {
  fm_schedule_options options = {.size = sizeof options, .real_count = 9, .mix = FM_MIX_REAL};
  fm_schedule *schedule = NULL;
  fm_schedule_create(context, NULL, &options, &schedule, NULL);
  fm_status status = fm_schedule_at(schedule, 5, structure, NULL);
  fm_schedule_destroy(schedule);
  return status;
}

static const struct {
  fm_status (*fill)(void *structure);
  size_t least; /* of the first release, or as short as is of use */
  size_t size;
  size_t pointers_from; /* members from here on are the caller's own and have to be NULL */
} results[] = {{fill_report, 40, sizeof(fm_filter_report), 24},
               {fill_entry, 8, sizeof(fm_plan_entry), sizeof(fm_plan_entry)},
               {fill_schedule_entry, 8, sizeof(fm_schedule_entry), sizeof(fm_schedule_entry)}};
enum { RESULTS = sizeof results / sizeof *results, BEYOND = 32 };

START_TEST(a_result_is_filled_as_far_as_it_reaches) {
  for (size_t size = results[_i].least; size <= results[_i].size + BEYOND; size += 8) {
    unsigned char memory[sizeof(fm_schedule_entry) + 2 * BEYOND];
    memset(memory, 0xA5, sizeof memory);
    memcpy(memory, &size, sizeof size);
    for (size_t i = results[_i].pointers_from; i < results[_i].size; i++) memory[i] = 0;
    ck_assert_int_eq(results[_i].fill(memory), FM_OK);
    ck_assert_mem_eq(memory, &size, sizeof size);
    if (size >= 16) {
      unsigned char untouched[8];
      memset(untouched, 0xA5, sizeof untouched);
      ck_assert_mem_ne(memory + 8, untouched, sizeof untouched);
    }
    size_t end = size < results[_i].size ? size : results[_i].size;
    for (size_t i = end; i < sizeof memory; i++) {
      int own = i >= results[_i].pointers_from && i < results[_i].size;
      ck_assert_uint_eq(memory[i], own ? 0 : 0xA5);
    }
  }
}
END_TEST

START_TEST(a_result_without_a_size_is_refused) {
  size_t memory[16] = {0};
  ck_assert_int_eq(results[_i].fill(memory), FM_ERR_ARGUMENT);
}
END_TEST

static Suite *sizes_suite(void) {
  Suite *suite = suite_create("sizes");
  TCase *options = tcase_create("options"), *filled = tcase_create("filled");
  const int rows = (int)options_call_count;
  tcase_add_checked_fixture(options, open_context, close_context);
  tcase_add_checked_fixture(filled, open_context, close_context);
  tcase_add_test(options, every_released_size_is_accepted);
  tcase_add_loop_test(options, a_short_structure_is_filled_up, 0, rows);
  tcase_add_loop_test(options, a_longer_structure_with_a_zero_tail_is_taken, 0, rows);
  tcase_add_loop_test(options, an_unknown_field_is_refused, 0, rows);
  tcase_add_loop_test(options, a_size_that_cannot_be_is_refused, 0, rows);
  tcase_add_loop_test(filled, a_result_is_filled_as_far_as_it_reaches, 0, RESULTS);
  tcase_add_loop_test(filled, a_result_without_a_size_is_refused, 0, RESULTS);
  suite_add_tcase(suite, options);
  suite_add_tcase(suite, filled);
  return suite;
}

int main(int argc, char **argv) {
  if (sizeof(void *) != 8) { /* what is recorded is recorded there */
    puts("1..0 # SKIP not a 64-bit machine");
    return 0;
  }
  const named_suite all[] = {{"sizes", sizes_suite}};
  return run_suites(all, 1, argc, argv);
}
