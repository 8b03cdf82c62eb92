/* io/test_files_stats.c - class statistics in JSON. tests/ctypes/test_files.py holds the contents
 * against Python's fractions; this is about what is refused, and about memory.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_io_kit.h"

static fm_context *context;
static fm_labels *labels;
static io_bytes good; /* statistics of two classes, as they are written, and a NUL */

enum { SIDE = 9 };

static fm_class_stats *make_stats(const fm_labels *space, const fm_class_stats_options *options) {
  uint64_t state = 8;
  uint8_t pixels[SIDE * SIDE], strata[SIDE * SIDE];
  float losses[SIDE * SIDE];
  fm_class_stats *stats = NULL;
  int32_t strata_count = options && options->strata ? options->strata : 1;
  KIT_OK(fm_class_stats_create(space, options, &stats, &err));
  for (int image = 0; image < 2; image++) {
    for (int i = 0; i < SIDE * SIDE; i++) {
      pixels[i] = (uint8_t)kit_below(&state, 2);
      losses[i] = kit_wild_loss(&state);
      strata[i] = (uint8_t)(i % strata_count);
    }
    fm_plane mask = fm_plane_make(pixels, FM_U8, SIDE, SIDE);
    fm_plane loss = fm_plane_make(losses, FM_F32, SIDE, SIDE);
    fm_plane parts = fm_plane_make(strata, FM_U8, SIDE, SIDE);
    fm_extra_planes extra = {.size = sizeof extra, .strata = strata_count > 1 ? &parts : NULL};
    KIT_OK(fm_class_stats_add(stats, &mask, &loss, &extra, &err));
  }
  return stats;
}

static io_bytes encoded(const fm_class_stats *stats) {
  io_bytes bytes = {0};
  KIT_OK(fm_class_stats_encode(stats, io_collect, &bytes, &err));
  io_append(&bytes, "", 1);
  bytes.size--;
  return bytes;
}

static fm_labels *make_labels(const char *second) {
  const char *const names[] = {"sky \"blue\"\\\n\x7F", second};
  fm_labels *made = NULL;
  fm_labels_options options = {.size = sizeof options, .name = "tiny", .class_count = 2};
  options.ignored_labels = (const int64_t[]){255};
  options.ignored_count = 1;
  options.class_names = names;
  KIT_OK(fm_labels_create(context, &options, &made, &err));
  return made;
}

static bool has_json(void) {
  fm_class_stats *stats = NULL;
  fm_status status = fm_class_stats_decode(labels, good.data, good.size, &stats, NULL);
  ck_assert(status == FM_OK || status == FM_ERR_UNSUPPORTED);
  fm_class_stats_destroy(stats);
  return status == FM_OK;
}

/* jansson writes beyond its buffer where it gets no memory for a long word: no call of it is walked. */
static void set_up(void) {
  kit_walk_off();
  context = kit_plain_context();
  io_folder_make();
  labels = make_labels(
      "stra\xC3\x9F"
      "e");
  fm_class_stats *stats = make_stats(labels, NULL);
  good = encoded(stats);
  fm_class_stats_destroy(stats);
}

static void tear_down(void) {
  io_bytes_free(&good);
  fm_labels_destroy(labels);
  io_folder_remove();
  fm_context_destroy(context);
}

/* ---- There and back -------------------------------------------------------------- */

static void check_same(const fm_class_stats *a, const fm_class_stats *b) {
  size_t count = (size_t)fm_class_stats_word_count(a);
  ck_assert_uint_eq(count, (size_t)fm_class_stats_word_count(b));
  int64_t *words = malloc(2 * count * sizeof *words);
  KIT_OK(fm_class_stats_export(a, words, (int64_t)count, &err));
  KIT_OK(fm_class_stats_export(b, words + count, (int64_t)count, &err));
  ck_assert_mem_eq(words, words + count, count * sizeof *words);
  free(words);
}

START_TEST(statistics_survive) {
  if (!has_json()) return;
  for (int32_t histogram = 0; histogram <= 32; histogram = histogram ? 2 * histogram : 1)
    for (int32_t strata = 1; strata <= 3; strata += 2) {
      fm_class_stats_options options = {
          .size = sizeof options, .strata = strata, .histogram = histogram};
      fm_class_stats *stats = make_stats(labels, &options), *back = NULL;
      KIT_OK(fm_class_stats_write(stats, io_path("stats.json"), &err));
      KIT_OK(fm_class_stats_read(labels, io_path("stats.json"), &back, &err));
      check_same(stats, back);
      io_bytes bytes = encoded(stats), file = io_get_file(io_path("stats.json"));
      ck_assert_uint_eq(bytes.size, file.size);
      ck_assert_mem_eq(bytes.data, file.data, file.size);
      ck_assert_mem_eq(bytes.data + bytes.size - 2, "}\n", 2);
      io_bytes_free(&bytes);
      io_bytes_free(&file);
      fm_class_stats_destroy(stats);
      fm_class_stats_destroy(back);
    }
}
END_TEST

START_TEST(no_locale_matters) {
  fm_class_stats *stats = make_stats(labels, NULL), *back = NULL;
  io_comma_locale(true);
  io_bytes bytes = encoded(stats);
  ck_assert_uint_eq(bytes.size, good.size);
  ck_assert_mem_eq(bytes.data, good.data, good.size);
  if (has_json()) {
    KIT_OK(fm_class_stats_decode(labels, bytes.data, bytes.size, &back, &err));
    check_same(stats, back);
  }
  io_comma_locale(false);
  io_bytes_free(&bytes);
  fm_class_stats_destroy(stats);
  fm_class_stats_destroy(back);
}
END_TEST

/* Of every preset: its space comes out of the statistics. */
START_TEST(label_spaces_survive) {
  if (!has_json()) return;
  for (int32_t i = 0; fm_labels_preset_name(i); i++) {
    fm_labels *space = NULL, *back = NULL;
    fm_class_stats *stats = NULL;
    KIT_OK(fm_labels_create_from_preset(context, fm_labels_preset_name(i), &space, &err));
    KIT_OK(fm_class_stats_create(space, NULL, &stats, &err));
    KIT_OK(fm_class_stats_write(stats, io_path("stats.json"), &err));
    KIT_OK(fm_labels_read(context, io_path("stats.json"), &back, &err));
    ck_assert_str_eq(fm_labels_name(back), fm_labels_preset_name(i));
    ck_assert_uint_eq(fm_labels_fingerprint(back), fm_labels_fingerprint(space));
    fm_class_stats_destroy(stats);
    KIT_OK(fm_class_stats_read(back, io_path("stats.json"), &stats, &err));
    ck_assert_int_eq(fm_class_stats_image_count(stats), 0);
    fm_class_stats_destroy(stats);
    fm_labels_destroy(space);
    fm_labels_destroy(back);
  }
}
END_TEST

START_TEST(names_are_escaped) {
  ck_assert_ptr_nonnull(strstr((char *)good.data, "\"sky \\\"blue\\\"\\\\\\u000a\\u007f\""));
  ck_assert_ptr_nonnull(strstr((char *)good.data,
                               "\"stra\xC3\x9F"
                               "e\""));
  if (!has_json()) return;
  fm_labels *back = NULL;
  KIT_OK(fm_labels_decode(context, good.data, good.size, NULL, &back, &err));
  ck_assert_str_eq(fm_labels_class_name(back, 0), "sky \"blue\"\\\n\x7F");
  fm_labels_destroy(back);
}
END_TEST

/* ---- Refusals -------------------------------------------------------------------- */

/* `good` with the first `from` in place of which stands `to`; NULL: as it is. */
static io_bytes changed(const char *from, const char *to) {
  io_bytes out = {0};
  const char *text = (char *)good.data, *at = from ? strstr(text, from) : NULL;
  ck_assert_msg(!from || at, "%s is not in %s", from, text);
  if (!at) at = text + good.size;
  io_append(&out, text, (size_t)(at - text));
  if (from) io_append(&out, to, strlen(to));
  if (from) io_append(&out, at + strlen(from), good.size - (size_t)(at - text) - strlen(from));
  return out;
}

static void refuse(const char *where, fm_status expected, const char *text, io_bytes file,
                   bool labels_too) {
  fm_class_stats *out = KIT_SENTINEL;
  fm_labels *space = KIT_SENTINEL;
  fm_error err = kit_error(), again = kit_error();
  fm_status status = fm_class_stats_decode(labels, file.data, file.size, &out, &err);
  kit_expect(where, status, expected, &err, text);
  ck_assert_ptr_eq(out, KIT_SENTINEL);
  if (labels_too) {
    status = fm_labels_decode(context, file.data, file.size, NULL, &space, &again);
    kit_expect(where, status, FM_ERR_FORMAT, &again, NULL);
    ck_assert_ptr_eq(space, KIT_SENTINEL);
  }
  io_bytes_free(&file);
}

#define WHERE __FILE__ ":" KIT_TEXT(__LINE__)
#define REFUSES(text, from, to) refuse(WHERE, FM_ERR_FORMAT, text, changed(from, to), false)
#define BOTH_REFUSE(text, from, to) refuse(WHERE, FM_ERR_FORMAT, text, changed(from, to), true)

START_TEST(damaged_files_are_refused) {
  if (!has_json()) return;
  BOTH_REFUSE("line 1, column 7: broken JSON", "{\"format\"", "{format");
  BOTH_REFUSE("broken JSON", "\"version\": 2", "\"version\": 2, \"version\": 2");
  BOTH_REFUSE("is JSON, expected an object with \"format\": \"freemask-stats\"",
              "\"freemask-stats\"", "\"freemask-filter\"");
  BOTH_REFUSE("is of version 1, expected 2", "\"version\": 2", "\"version\": 1");
  BOTH_REFUSE("member version is something else, expected a whole number", "\"version\": 2",
              "\"version\": 2.0");
  BOTH_REFUSE("member labels is missing, expected an object", "\"labels\"", "\"Labels\"");
  BOTH_REFUSE("member labels.name is something else, expected a string", "\"tiny\"", "7");
  BOTH_REFUSE("member labels.fingerprint is", "\"fingerprint\": \"", "\"fingerprint\": \"0");
  BOTH_REFUSE("member classes has 2 rows, but labels.classes is 3", "\"classes\": 2",
              "\"classes\": 3");
  BOTH_REFUSE("member labels.classes is something else", "\"classes\": 2", "\"classes\": 65536");
  BOTH_REFUSE("member classes[1].index is something else, expected a whole number from 1 to 1",
              "\"index\": 1", "\"index\": 0");
  REFUSES("member strata is something else, expected a whole number from 1 to 255", "\"strata\": 1",
          "\"strata\": 256");
  REFUSES("member classes[0].words has 12 numbers, expected 24", "\"strata\": 1", "\"strata\": 2");
  REFUSES("member histogram is something else, expected 0, 1, 2", "\"histogram\": 0",
          "\"histogram\": 3");
  REFUSES("member classes[0].words has 12 numbers, expected 1038", "\"histogram\": 0",
          "\"histogram\": 32");
  REFUSES("member images is something else", "\"images\": 2", "\"images\": -1");
  REFUSES("member checksum is", "\"images\": 2", "\"images\": 3");
  REFUSES("member checksum is missing, expected a string of 16 hexadecimal digits", "\"checksum\"",
          "\"sum\"");
  REFUSES("member classes[1].name is 'x', expected 'stra",
          "\"stra\xC3\x9F"
          "e\"",
          "\"x\"");
  REFUSES("member classes[0].pixels is", "\"pixels\": ", "\"pixels\": 1");
  REFUSES("member classes[0].mean_loss is", "\"mean_loss\": ", "\"mean_loss\": 1");
  REFUSES("member classes[0].mean_loss is something else, expected a number",
          "\"mean_loss\": ", "\"mean_loss\": null, \"x\": ");
  REFUSES("member classes[0].words is missing, expected numbers in a string", "\"words\"",
          "\"Words\"");
  REFUSES("member classes[0].words is something else, expected numbers in a string",
          "\"words\": ", "\"words\": [1, 0], \"x\": ");
  static const char *const too_many[] = {"0 ", "+1 ", "7 "};
  for (size_t i = 0; i < 3; i++) {
    char to[32];
    snprintf(to, sizeof to, "\"words\": \"%s", too_many[i]);
    REFUSES("member classes[0].words has 13 numbers, expected 12", "\"words\": \"", to);
  }
  REFUSES("member classes[0].words has 9223372036854775819 numbers, expected 12", "\"words\": \"",
          "\"words\": \"+9223372036854775807 ");
  REFUSES("member classes[0].words has 18446744073709551615 numbers, expected 12", "\"words\": \"",
          "\"words\": \"+9223372036854775807 +9223372036854775807 +9223372036854775807 ");
  static const char *const odd[] = {" ",
                                    "-",
                                    "+ ",
                                    "+0 ",
                                    "++1 ",
                                    "0",
                                    "1.5e",
                                    "0x",
                                    "a",
                                    "9223372036854775808 ",
                                    "+9223372036854775808 ",
                                    "99999999999999999999999 ",
                                    "\\n",
                                    "\\u00a0"};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    char to[64];
    snprintf(to, sizeof to, "\"words\": \"%s", odd[i]);
    REFUSES("member classes[0].words, character 1: expected a whole number below 2^63",
            "\"words\": \"", to);
    snprintf(to, sizeof to, "\"words\": \"1  %s", odd[i]);
    REFUSES("member classes[0].words, character 3: expected a whole number below 2^63",
            "\"words\": \"", to);
  }
  refuse(WHERE, FM_ERR_UNSUPPORTED, "member score is 'margin', expected 'loss'",
         changed("\"loss\"", "\"margin\""), false);
  io_bytes empty = {0};
  refuse(WHERE, FM_ERR_FORMAT, "broken JSON", empty, true);
}
END_TEST

/* A digit of the last word that no mean shows. */
START_TEST(hidden_damage_is_found) {
  if (!has_json()) return;
  io_bytes file = changed(NULL, NULL);
  char *words = strstr((char *)file.data, "\"words\": \"") + strlen("\"words\": \"");
  char *second = strstr(words, " ") + 1;
  while (*second == '+' || *second == '0') second = strstr(second, " ") + 1;
  *second = *second == '1' ? '2' : '1'; /* the lowest digit of the sum */
  refuse(WHERE, FM_ERR_FORMAT, "is damaged: member checksum is", file, false);
}
END_TEST

START_TEST(damaged_label_spaces_are_refused) {
  static const struct {
    const char *from, *to, *text;
  } cases[] = {
      {"\"runs\": [[0, 0, 2]]", "\"runs\": [[0, 0, 3]]", "labels.runs[0] is not"},
      {"\"runs\": [[0, 0, 2]]", "\"runs\": [[0, 0, 1], [0, 1, 1]]", "labels.runs[1] is not"},
      {"\"runs\": [[0, 0, 2]]", "\"runs\": [[65535, 0, 2]]", "labels.runs[0] is not"},
      {"\"runs\": [[0, 0, 2]]", "\"runs\": [[-1, 0, 2]]", "labels.runs[0] is not"},
      {"\"runs\": [[0, 0, 2]]", "\"runs\": [[0, 0]]", "labels.runs[0] is not"},
      {"\"runs\": [[0, 0, 2]]", "\"runs\": [7]", "labels.runs[0] is not"},
      {"\"runs\": [[0, 0, 2]]", "\"runs\": [[0, 0, 1]]", "class 1 has no label"},
      {"\"runs\": [[0, 0, 2]]", "\"runs\": [[1, 0, 2]]", "member labels has the fingerprint"},
      {"\"ignored\": [255]", "\"ignored\": []", "member labels.ignored is something else"},
      {"\"ignored\": [255]", "\"ignored\": [65536]", "member labels.ignored is something else"},
      {"\"ignored\": [255]", "\"ignored\": [254]", "member labels has the fingerprint"},
      {"\"ignored\": [255]", "\"ignored\": [1]", "label"},
      {"\"name\": \"sky", "\"name\": \"Sky", "member labels has the fingerprint"},
      {"\"name\": \"sky", "\"Name\": \"sky", "member classes[0].name is missing"},
  };
  if (!has_json()) return;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fm_labels *out = KIT_SENTINEL;
    io_bytes file = changed(cases[i].from, cases[i].to);
    KIT_FAILS(FM_ERR_FORMAT, cases[i].text,
              fm_labels_decode(context, file.data, file.size, NULL, &out, &err));
    ck_assert_ptr_eq(out, KIT_SENTINEL);
    io_bytes_free(&file);
  }
}
END_TEST

START_TEST(calls_are_checked) {
  fm_class_stats *out = KIT_SENTINEL, *stats = make_stats(labels, NULL);
  fm_labels *other = make_labels("street");
  int stop = 3;
  if (has_json()) {
    KIT_FAILS(FM_ERR_MISMATCH, "was made with label space tiny (",
              fm_class_stats_decode(other, good.data, good.size, &out, &err));
    io_put_file(io_path("cut.json"), good.data, good.size - 9);
    KIT_FAILS(FM_ERR_FORMAT, "cut.json: line ",
              fm_class_stats_read(labels, io_path("cut.json"), &out, &err));
  } else {
    KIT_FAILS(FM_ERR_UNSUPPORTED, "built without JSON",
              fm_class_stats_decode(labels, good.data, good.size, &out, &err));
  }
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_class_stats_read: labels is NULL",
            fm_class_stats_read(NULL, "x", &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_class_stats_read: path is NULL",
            fm_class_stats_read(labels, NULL, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_class_stats_decode: data is NULL",
            fm_class_stats_decode(labels, NULL, 1, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_class_stats_decode: out is NULL",
            fm_class_stats_decode(labels, "", 0, NULL, &err));
  KIT_FAILS(FM_ERR_IO, "missing", fm_class_stats_read(labels, io_path("missing"), &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_class_stats_write: stats is NULL",
            fm_class_stats_write(NULL, "x", &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_class_stats_write: path is NULL",
            fm_class_stats_write(stats, NULL, &err));
  KIT_FAILS(FM_ERR_IO, "no/x", fm_class_stats_write(stats, io_path("no/x"), &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_class_stats_encode: write is NULL",
            fm_class_stats_encode(stats, NULL, NULL, &err));
  KIT_FAILS(FM_ERR_CALLBACK, "stopped the call with 3",
            fm_class_stats_encode(stats, io_stop, &stop, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
  fm_class_stats_destroy(stats);
  fm_labels_destroy(other);

  other = make_labels("latin \xDF");
  stats = make_stats(other, NULL);
  io_bytes bytes = {0};
  KIT_FAILS(FM_ERR_UNSUPPORTED, "class 1 is not UTF-8",
            fm_class_stats_encode(stats, io_collect, &bytes, &err));
  ck_assert_ptr_null(bytes.data);
  fm_class_stats_destroy(stats);
  fm_labels_destroy(other);
}
END_TEST

/* ---- Memory ------------------------------------------------------------------------ */

static fm_status scenario(fm_context *failing, void *user, fm_error *err) {
  (void)user;
  fm_labels *space = KIT_SENTINEL;
  fm_class_stats *stats = KIT_SENTINEL;
  fm_status status = fm_labels_read(failing, io_path("stats.json"), &space, err);
  if (status) {
    ck_assert_ptr_eq(space, KIT_SENTINEL);
    return status;
  }
  status = fm_class_stats_read(space, io_path("stats.json"), &stats, err);
  if (status) {
    ck_assert_ptr_eq(stats, KIT_SENTINEL);
  } else {
    io_bytes bytes = {0};
    status = fm_class_stats_encode(stats, io_collect, &bytes, err);
    if (status) ck_assert_ptr_null(bytes.data);
    io_bytes_free(&bytes);
    fm_class_stats_destroy(stats);
  }
  fm_labels_destroy(space);
  return status;
}

START_TEST(every_allocation_fails) {
  if (!has_json()) return;
  io_put_file(io_path("stats.json"), good.data, good.size);
  kit_every_allocation_fails(scenario, NULL, 15);
}
END_TEST

Suite *files_stats_suite(void) {
  Suite *suite = suite_create("files_stats");
  TCase *tests = tcase_create("files_stats");
  tcase_set_timeout(tests, 60);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, statistics_survive);
  tcase_add_test(tests, no_locale_matters);
  tcase_add_test(tests, label_spaces_survive);
  tcase_add_test(tests, names_are_escaped);
  tcase_add_test(tests, damaged_files_are_refused);
  tcase_add_test(tests, hidden_damage_is_found);
  tcase_add_test(tests, damaged_label_spaces_are_refused);
  tcase_add_test(tests, calls_are_checked);
  tcase_add_test(tests, every_allocation_fails);
  suite_add_tcase(suite, tests);
  return suite;
}
