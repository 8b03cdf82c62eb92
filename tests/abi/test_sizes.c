/* abi/test_sizes.c - programs of every release pass structures of their size: none shorter than at
 * the first release, longer ones if the part that is not known is zero. */
#include <check.h>
#include <run_suites.h>
#include <stddef.h>
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

/* The size of a structure at its first release: the smallest that sizes.txt records. */
static size_t first_size(const char *structure) {
  FILE *file = fopen(FM_TEST_SIZES, "r");
  ck_assert_ptr_nonnull(file);
  char line[200], release[40], name[100];
  size_t size, first = 0;
  while (fgets(line, sizeof line, file))
    if (line[0] != '#' && sscanf(line, "%39s %99s %zu", release, name, &size) == 3 &&
        strcmp(name, structure) == 0 && (!first || size < first))
      first = size;
  fclose(file);
  ck_assert_msg(first > 0, "sizes.txt does not know %s", structure);
  return first;
}

START_TEST(every_size_since_the_first_release_is_accepted) {
  const options_call *row = row_of(_i);
  if (cannot(row)) return;
  for (size_t size = first_size(row->name); size <= row->size; size++) {
    fm_error err = {.message = ""};
    ck_assert_msg(try_size(row, size, &err) == FM_OK, "%s of %zu bytes: %s", row->name, size,
                  err.message);
  }
}
END_TEST

/* Such a program would lose options without a word. The padding at the end may be missing. */
START_TEST(a_size_below_the_first_release_is_refused) {
  const options_call *row = row_of(_i);
  if (cannot(row)) return;
  for (size_t size = sizeof(size_t); size + sizeof(size_t) <= first_size(row->name); size++) {
    fm_error err = {.message = ""};
    ck_assert_int_eq(try_size(row, size, &err), FM_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.message, row->name));
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

/* A filter and an estimator of the same means. */
static void make_both(fm_filter **filter, fm_hardness **hardness) {
  const double means[2] = {1, 1};
  fm_labels_options options = {.size = sizeof options,
                               .class_count = 2,
                               .ignored_labels = (const int64_t[]){9},
                               .ignored_count = 1};
  fm_labels *labels = NULL;
  fm_labels_create(context, &options, &labels, NULL);
  fm_mean_table table = {.size = sizeof table, .class_count = 2, .mean_loss = means};
  fm_filter_create_from_means(labels, &table, NULL, filter, NULL);
  fm_hardness_create_from_means(labels, &table, NULL, hardness, NULL);
  fm_labels_destroy(labels);
}

static fm_status fill_filter_options(void *structure) {
  fm_filter *filter = NULL;
  fm_hardness *hardness = NULL;
  make_both(&filter, &hardness);
  fm_status status = fm_filter_get_options(filter, structure, NULL);
  fm_hardness_destroy(hardness);
  fm_filter_destroy(filter);
  return status;
}

static fm_status fill_hardness_options(void *structure) {
  fm_filter *filter = NULL;
  fm_hardness *hardness = NULL;
  make_both(&filter, &hardness);
  fm_status status = fm_hardness_get_options(hardness, structure, NULL);
  fm_hardness_destroy(hardness);
  fm_filter_destroy(filter);
  return status;
}

static fm_status fill_report(void *structure) {
  const unsigned char label = 1;
  const float value = 2;
  unsigned char filtered;
  fm_filter *filter = NULL;
  fm_hardness *hardness = NULL;
  make_both(&filter, &hardness);
  fm_plane mask = fm_plane_make(&label, FM_U8, 1, 1), loss = fm_plane_make(&value, FM_F32, 1, 1);
  fm_plane out = fm_plane_make(&filtered, FM_U8, 1, 1);
  fm_status status = fm_filter_apply(filter, &mask, &loss, NULL, &out, structure, NULL);
  fm_hardness_destroy(hardness);
  fm_filter_destroy(filter);
  return status;
}

static fm_status fill_labels_options(void *structure) {
  fm_labels *labels = NULL;
  fm_labels_create_from_preset(context, "camvid", &labels, NULL);
  fm_status status = fm_labels_get_options(labels, structure, NULL);
  fm_labels_destroy(labels);
  return status;
}

/* Statistics of camvid into a structure, by one of the two calls. */
static fm_status fill_from_stats(fm_class_stats_options *options, fm_class_stats_layout *layout) {
  fm_labels *labels = NULL;
  fm_class_stats *stats = NULL;
  fm_labels_create_from_preset(context, "camvid", &labels, NULL);
  fm_class_stats_create(labels, NULL, &stats, NULL);
  fm_status status = options ? fm_class_stats_get_options(stats, options, NULL)
                             : fm_class_stats_get_layout(stats, layout, NULL);
  fm_class_stats_destroy(stats);
  fm_labels_destroy(labels);
  return status;
}

static fm_status fill_stats_options(void *structure) { return fill_from_stats(structure, NULL); }
static fm_status fill_stats_layout(void *structure) { return fill_from_stats(NULL, structure); }

static fm_status fill_entry(void *structure) {
  fm_planner *planner = NULL;
  fm_plan *plan = NULL;
  fm_planner_create(context, NULL, &planner, NULL);
  fm_planner_add(planner, "a", 0.5, NULL, 0, NULL);
  fm_planner_make_plan(planner, &plan, NULL);
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
  const char *name;
  fm_status (*fill)(void *structure);
  size_t size;
  size_t pointers_from; /* members from here on are the caller's own and have to be NULL */
} results[] = {{"fm_filter_report", fill_report, sizeof(fm_filter_report),
                offsetof(fm_filter_report, class_valid)},
               {"fm_filter_options", fill_filter_options, sizeof(fm_filter_options),
                sizeof(fm_filter_options)},
               {"fm_hardness_options", fill_hardness_options, sizeof(fm_hardness_options),
                sizeof(fm_hardness_options)},
               {"fm_labels_options", fill_labels_options, sizeof(fm_labels_options),
                offsetof(fm_labels_options, ignored_labels)},
               {"fm_class_stats_options", fill_stats_options, sizeof(fm_class_stats_options),
                sizeof(fm_class_stats_options)},
               {"fm_class_stats_layout", fill_stats_layout, sizeof(fm_class_stats_layout),
                sizeof(fm_class_stats_layout)},
               {"fm_plan_entry", fill_entry, sizeof(fm_plan_entry), sizeof(fm_plan_entry)},
               {"fm_schedule_entry", fill_schedule_entry, sizeof(fm_schedule_entry),
                sizeof(fm_schedule_entry)}};
enum { RESULTS = sizeof results / sizeof *results, BEYOND = 32, MOST_BYTES = 256 };

/* What the library does not know is zero before and after, and nothing behind it is written. */
START_TEST(a_result_is_filled_as_far_as_it_reaches) {
  size_t known = results[_i].size;
  ck_assert_uint_le(known + 2 * BEYOND, MOST_BYTES);
  for (size_t size = first_size(results[_i].name); size <= known + BEYOND; size += 8) {
    unsigned char memory[MOST_BYTES], untouched[MOST_BYTES];
    memset(memory, 0xA5, sizeof memory);
    memset(untouched, 0xA5, sizeof untouched);
    memcpy(memory, &size, sizeof size);
    for (size_t i = results[_i].pointers_from; i < size; i++) memory[i] = 0;
    for (size_t i = known; i < size; i++) memory[i] = 0;
    ck_assert_int_eq(results[_i].fill(memory), FM_OK);
    ck_assert_mem_eq(memory, &size, sizeof size);
    ck_assert_mem_ne(memory + 8, untouched, 8);
    for (size_t i = known; i < size; i++) ck_assert_uint_eq(memory[i], 0);
    ck_assert_mem_eq(memory + size, untouched, sizeof memory - size);
  }
}
END_TEST

START_TEST(a_result_with_an_unknown_field_is_refused) {
  size_t size = results[_i].size + 16;
  unsigned char memory[MOST_BYTES] = {0};
  memcpy(memory, &size, sizeof size);
  memory[size - 1] = 1;
  ck_assert_int_eq(results[_i].fill(memory), FM_ERR_UNSUPPORTED);
}
END_TEST

START_TEST(a_result_with_a_size_that_cannot_be_is_refused) {
  const size_t sizes[] = {0, sizeof(size_t), first_size(results[_i].name) - 8, 1U << 20};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    unsigned char memory[MOST_BYTES] = {0};
    memcpy(memory, &sizes[i], sizeof sizes[i]);
    ck_assert_int_eq(results[_i].fill(memory), FM_ERR_ARGUMENT);
  }
}
END_TEST

static Suite *sizes_suite(void) {
  Suite *suite = suite_create("sizes");
  TCase *options = tcase_create("options"), *filled = tcase_create("filled");
  const int rows = (int)options_call_count;
  tcase_add_checked_fixture(options, open_context, close_context);
  tcase_add_checked_fixture(filled, open_context, close_context);
  tcase_add_loop_test(options, every_size_since_the_first_release_is_accepted, 0, rows);
  tcase_add_loop_test(options, a_size_below_the_first_release_is_refused, 0, rows);
  tcase_add_loop_test(options, a_longer_structure_with_a_zero_tail_is_taken, 0, rows);
  tcase_add_loop_test(options, an_unknown_field_is_refused, 0, rows);
  tcase_add_loop_test(options, a_size_that_cannot_be_is_refused, 0, rows);
  tcase_add_loop_test(filled, a_result_is_filled_as_far_as_it_reaches, 0, RESULTS);
  tcase_add_loop_test(filled, a_result_with_an_unknown_field_is_refused, 0, RESULTS);
  tcase_add_loop_test(filled, a_result_with_a_size_that_cannot_be_is_refused, 0, RESULTS);
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
