/* labels/test_labels.c - freemask/labels.h: presets, own tables, counting.
 * FM_TEST_GOLDEN is the folder of the golden files.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

static fm_context *context;

static void set_up(void) { context = kit_plain_context(); }
static void tear_down(void) { fm_context_destroy(context); }

/* ---- Presets against the data sets' own tables -------------------------------------- */

static const char *const presets[] = {"ade20k",       "cocostuff164k",  "cocostuff164k-raw",
                                      "cocostuff10k", "cityscapes",     "cityscapes-ids",
                                      "voc2012",      "pascal-context", "pascal-context-59",
                                      "camvid",       "mapillary-v1.2", "mapillary-v2",
                                      "loveda",       "isaid"};

enum { PRESETS = sizeof presets / sizeof *presets };

/* One preset as labels.csv has it. */
typedef struct facts {
  int32_t classes;
  int64_t written;
  int32_t class_of[256];
  char name_of[256][64];
  int rows;
} facts;

static void read_row(facts *known, char *line, const char *preset) {
  char *label = strchr(line, ',');
  ck_assert_ptr_nonnull(label);
  *label++ = '\0';
  if (strcmp(line, preset) != 0) return;
  char *number = strchr(label, ',');
  *number++ = '\0';
  char *name = strchr(number, ',');
  *name++ = '\0';
  name[strcspn(name, "\r\n")] = '\0';
  int value = atoi(number);
  if (strcmp(label, "classes") == 0) {
    known->classes = value;
  } else if (strcmp(label, "written") == 0) {
    known->written = value;
  } else {
    int at = atoi(label);
    ck_assert(at >= 0 && at < 256);
    known->class_of[at] = value;
    snprintf(known->name_of[at], sizeof known->name_of[at], "%s", name);
  }
  known->rows++;
}

static facts read_facts(const char *preset) {
  facts known;
  memset(&known, 0, sizeof known);
  for (int i = 0; i < 256; i++) known.class_of[i] = FM_CLASS_INVALID;
  FILE *file = fopen(FM_TEST_GOLDEN "/labels.csv", "r");
  ck_assert_msg(file != NULL, "cannot open %s", FM_TEST_GOLDEN "/labels.csv");
  char line[256];
  while (fgets(line, sizeof line, file)) read_row(&known, line, preset);
  fclose(file);
  ck_assert_int_gt(known.rows, 8);
  return known;
}

START_TEST(preset_holds_the_facts) {
  facts known = read_facts(presets[_i]);
  fm_labels *labels = NULL;
  KIT_OK(fm_labels_create_from_preset(context, presets[_i], &labels, &err));
  ck_assert_str_eq(fm_labels_name(labels), presets[_i]);
  ck_assert_int_eq(fm_labels_class_count(labels), known.classes);
  ck_assert_int_eq(fm_labels_ignore_label(labels), known.written);
  int named = 0;
  for (int label = 0; label < 256; label++) {
    int32_t class_index = fm_labels_class_of(labels, label);
    ck_assert_msg(class_index == known.class_of[label], "%s: label %d is class %d, expected %d",
                  presets[_i], label, (int)class_index, (int)known.class_of[label]);
    if (class_index < 0) continue;
    ck_assert_str_eq(fm_labels_class_name(labels, class_index), known.name_of[label]);
    ck_assert_int_eq(fm_labels_label_of(labels, class_index), label);
    named++;
  }
  ck_assert_int_eq(named, known.classes);
  static const int64_t outside[] = {
      -2, -1, 256, 1000, 65535, 65536, INT64_MAX, INT64_MIN, (INT64_C(1) << 32) + 1};
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
    ck_assert_int_eq(fm_labels_class_of(labels, outside[i]), FM_CLASS_INVALID);
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(presets_are_listed) {
  for (size_t i = 0; i < PRESETS; i++) {
    bool found = false;
    for (int32_t j = 0; fm_labels_preset_name(j); j++)
      found = found || strcmp(fm_labels_preset_name(j), presets[i]) == 0;
    ck_assert_msg(found, "%s is not listed", presets[i]);
  }
  int32_t count = 0;
  while (fm_labels_preset_name(count)) count++;
  ck_assert_int_eq(count, PRESETS);
  ck_assert_ptr_null(fm_labels_preset_name(INT32_MAX));
  ck_assert_ptr_null(fm_labels_preset_name(-1));
}
END_TEST

START_TEST(unknown_preset_lists_the_names) {
  fm_labels *labels = KIT_SENTINEL;
  static const char *const wrong[] = {"", "ADE20K", "ade20k ", "cityscape"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    KIT_FAILS(FM_ERR_ARGUMENT, wrong[i],
              fm_labels_create_from_preset(context, wrong[i], &labels, &err));
    for (size_t j = 0; j < PRESETS; j++)
      KIT_FAILS(FM_ERR_ARGUMENT, presets[j],
                fm_labels_create_from_preset(context, wrong[i], &labels, &err));
  }
  char endless[2000];
  memset(endless, 'z', sizeof endless);
  endless[sizeof endless - 1] = '\0';
  KIT_FAILS(FM_ERR_ARGUMENT, "isaid",
            fm_labels_create_from_preset(context, endless, &labels, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_labels_create_from_preset(NULL, "camvid", &labels, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_labels_create_from_preset(context, NULL, &labels, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_labels_create_from_preset(context, "camvid", NULL, &err));
  ck_assert_ptr_eq(labels, KIT_SENTINEL);
}
END_TEST

START_TEST(suffixes_of_presets) {
  static const struct {
    const char *preset, *mask, *image;
  } known[] = {{"cocostuff164k", "_labelTrainIds", ""},
               {"cocostuff10k", "_labelTrainIds", ""},
               {"cityscapes", "_gtFine_labelTrainIds", "_leftImg8bit"},
               {"cityscapes-ids", "_gtFine_labelIds", "_leftImg8bit"},
               {"isaid", "_instance_color_RGB", ""},
               {"ade20k", "", ""},
               {"camvid", "", ""},
               {"voc2012", "", ""}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    fm_labels *labels = NULL;
    KIT_OK(fm_labels_create_from_preset(context, known[i].preset, &labels, &err));
    ck_assert_str_eq(fm_labels_mask_suffix(labels), known[i].mask);
    ck_assert_str_eq(fm_labels_image_suffix(labels), known[i].image);
    fm_labels_destroy(labels);
  }
}
END_TEST

START_TEST(fingerprints_tell_presets_apart) {
  uint64_t seen[PRESETS];
  for (size_t i = 0; i < PRESETS; i++) {
    fm_labels *labels = NULL, *again = NULL;
    KIT_OK(fm_labels_create_from_preset(context, presets[i], &labels, &err));
    KIT_OK(fm_labels_create_from_preset(context, presets[i], &again, &err));
    seen[i] = fm_labels_fingerprint(labels);
    ck_assert_uint_eq(seen[i], fm_labels_fingerprint(again));
    for (size_t j = 0; j < i; j++) ck_assert_uint_ne(seen[i], seen[j]);
    fm_labels_destroy(labels);
    fm_labels_destroy(again);
  }
}
END_TEST

/* ---- Colors ------------------------------------------------------------------------ */

/* As the data sets' own pages and tools have them. */
START_TEST(presets_know_their_colors) {
  static const struct {
    const char *preset;
    int64_t label;
    int32_t color;
  } truth[] = {{"ade20k", 1, 0x787878},
               {"ade20k", 150, 0x5c00ff},
               {"ade20k", 0, -1},
               {"ade20k", 255, -1},
               {"cityscapes", 0, 0x804080},
               {"cityscapes", 18, 0x770b20},
               {"cityscapes", 255, -1},
               {"cityscapes-ids", 7, 0x804080},
               {"cityscapes-ids", 33, 0x770b20},
               {"cityscapes-ids", 5, 0x6f4a00},
               {"cityscapes-ids", 0, 0},
               {"camvid", 0, 0x808080},
               {"camvid", 10, 0x0080c0},
               {"camvid", 11, 0},
               {"loveda", 1, 0xffffff},
               {"loveda", 7, 0xffc380},
               {"isaid", 15, 0x00649b},
               {"mapillary-v1.2", 13, 0x804080},
               {"mapillary-v1.2", 65, 0},
               {"cocostuff164k", 170, 0x404000},
               {"cocostuff164k-raw", 181, 0x404000},
               {"cocostuff10k", 171, 0x404000},
               {"pascal-context", 0, -1},
               {"mapillary-v2", 0, -1}};
  for (size_t i = 0; i < sizeof truth / sizeof *truth; i++) {
    fm_labels *labels = NULL;
    KIT_OK(fm_labels_create_from_preset(context, truth[i].preset, &labels, &err));
    ck_assert_msg(fm_labels_color_of(labels, truth[i].label) == truth[i].color,
                  "%s: label %d has color %06x", truth[i].preset, (int)truth[i].label,
                  (unsigned)fm_labels_color_of(labels, truth[i].label));
    fm_labels_destroy(labels);
  }
}
END_TEST

/* Pascal VOC spreads the bits of a number over red, green and blue, the lowest to the highest. */
START_TEST(voc_has_its_color_map) {
  fm_labels *labels = NULL;
  KIT_OK(fm_labels_create_from_preset(context, "voc2012", &labels, &err));
  for (int label = 0; label < 256; label = label == 20 ? 255 : label + 1) {
    int32_t part[3] = {0, 0, 0};
    for (int bit = 0, left = label; bit < 8; bit++, left >>= 3)
      for (int c = 0; c < 3; c++) part[c] |= (left >> c & 1) << (7 - bit);
    ck_assert_int_eq(fm_labels_color_of(labels, label), part[0] << 16 | part[1] << 8 | part[2]);
  }
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(own_colors_are_looked_up) {
  static const fm_label_color colors[] = {{65535, 0xffffff}, {-7, 0}, {3, 0x010203}, {4, 0x010203}};
  static const int64_t ignored[] = {65535, -7};
  fm_labels_options options = {.size = sizeof options, .class_count = 5};
  options.ignored_labels = ignored;
  options.ignored_count = 2;
  fm_labels *plain = NULL, *labels = NULL;
  KIT_OK(fm_labels_create(context, &options, &plain, &err));
  options.colors = colors;
  options.color_count = 4;
  KIT_OK(fm_labels_create(context, &options, &labels, &err));
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq(fm_labels_color_of(labels, colors[i].label), colors[i].color);
  static const int64_t without[] = {-8, -1, 0, 2, 5, 65534, 65536, INT64_MIN, INT64_MAX};
  for (size_t i = 0; i < sizeof without / sizeof *without; i++)
    ck_assert_int_eq(fm_labels_color_of(labels, without[i]), -1);
  ck_assert_int_eq(fm_labels_color_of(plain, 3), -1);
  ck_assert_int_eq(fm_labels_color_of(NULL, 3), -1);
  ck_assert_uint_eq(fm_labels_fingerprint(plain), fm_labels_fingerprint(labels));
  fm_labels_options got = {.size = sizeof got};
  KIT_OK(fm_labels_get_options(labels, &got, &err));
  ck_assert_int_eq(got.color_count, 4);
  ck_assert_int_eq(got.colors[0].label, -7);
  ck_assert_int_eq(got.colors[3].color, 0xffffff);
  fm_labels_destroy(plain);
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(bad_colors_are_refused) {
  static const struct {
    fm_label_color colors[2];
    int32_t count;
    const char *says;
  } cases[] = {{{{9, 0}}, 1, "label 9 has a color and no class"},
               {{{INT32_MIN, 0}}, 1, "has a color and no class"},
               {{{1, 0x1000000}}, 1, "label 1 has color 16777216, expected 0 to 0xFFFFFF"},
               {{{1, -1}}, 1, "label 1 has color -1"},
               {{{1, 7}, {1, 8}}, 2, "label 1 has two colors"},
               {{{1, 7}}, -1, "color_count is -1"},
               {{{1, 7}}, 98305, "color_count is 98305"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fm_labels_options options = {.size = sizeof options, .class_count = 3};
    fm_labels *out = KIT_SENTINEL;
    options.ignored_labels = (const int64_t[]){255};
    options.ignored_count = 1;
    options.colors = cases[i].colors;
    options.color_count = cases[i].count;
    KIT_FAILS(FM_ERR_ARGUMENT, cases[i].says, fm_labels_create(context, &options, &out, &err));
    options.colors = NULL;
    options.color_count = 1;
    KIT_FAILS(FM_ERR_ARGUMENT, "color_count is 1", fm_labels_create(context, &options, &out, &err));
    options.color_count = 0;
    options.reserved = 1;
    KIT_FAILS(FM_ERR_ARGUMENT, "reserved", fm_labels_create(context, &options, &out, &err));
    ck_assert_ptr_eq(out, KIT_SENTINEL);
  }
}
END_TEST

/* ---- Own tables ------------------------------------------------------------------- */

static const int32_t odd_table[] = {1, -1, 0, -2, 2, 2};
static const int64_t odd_ignored[] = {9};
static const char *const odd_names[] = {"zero", "", "zw\xC3\xB6lf"};

static fm_labels_options odd_options(void) {
  fm_labels_options options = {.size = sizeof options};
  options.name = "odd";
  options.class_count = 3;
  options.label_count = 6;
  options.ignored_labels = odd_ignored;
  options.ignored_count = 1;
  options.classes = odd_table;
  options.class_names = odd_names;
  return options;
}

static fm_labels *make_labels(const fm_labels_options *options) {
  fm_labels *labels = NULL;
  KIT_OK(fm_labels_create(context, options, &labels, &err));
  return labels;
}

START_TEST(own_table_is_copied) {
  int32_t table[6];
  char name[] = "odd";
  memcpy(table, odd_table, sizeof table);
  fm_labels_options options = odd_options();
  options.classes = table;
  options.name = name;
  fm_labels *labels = make_labels(&options);
  memset(table, 0, sizeof table);
  name[0] = 'X';
  memset(&options, 0xFF, sizeof options);
  static const int32_t expected[] = {1, -1, 0, -2, 2, 2, -2, -2, -2, -1, -2};
  for (int label = 0; label <= 10; label++)
    ck_assert_int_eq(fm_labels_class_of(labels, label), expected[label]);
  ck_assert_str_eq(fm_labels_name(labels), "odd");
  ck_assert_str_eq(fm_labels_class_name(labels, 0), "zero");
  ck_assert_str_eq(fm_labels_class_name(labels, 1), "");
  ck_assert_str_eq(fm_labels_class_name(labels, 2), "zw\xC3\xB6lf");
  ck_assert_str_eq(fm_labels_class_name(labels, 3), "");
  ck_assert_str_eq(fm_labels_class_name(labels, -1), "");
  ck_assert_int_eq(fm_labels_label_of(labels, 0), 2);
  ck_assert_int_eq(fm_labels_label_of(labels, 1), 0);
  ck_assert_int_eq(fm_labels_label_of(labels, 2), 4);
  ck_assert_int_eq(fm_labels_label_of(labels, 3), -1);
  ck_assert_int_eq(fm_labels_label_of(labels, -1), -1);
  ck_assert_int_eq(fm_labels_ignore_label(labels), 9);
  ck_assert_str_eq(fm_labels_mask_suffix(labels), "");
  ck_assert_str_eq(fm_labels_image_suffix(labels), "");
  fm_labels_destroy(labels);
  fm_labels_destroy(NULL);
}
END_TEST

START_TEST(label_is_class_by_default) {
  fm_labels_options options = {.size = sizeof options,
                               .class_count = 4,
                               .ignored_labels = (const int64_t[]){-1},
                               .ignored_count = 1};
  fm_labels *labels = make_labels(&options);
  ck_assert_str_eq(fm_labels_name(labels), "custom");
  ck_assert_str_eq(fm_labels_class_name(labels, 3), "class 3");
  for (int label = 0; label < 4; label++)
    ck_assert_int_eq(fm_labels_class_of(labels, label), label);
  ck_assert_int_eq(fm_labels_class_of(labels, 4), FM_CLASS_INVALID);
  ck_assert_int_eq(fm_labels_class_of(labels, -1), FM_CLASS_IGNORE);
  ck_assert_int_eq(fm_labels_ignore_label(labels), -1);
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(largest_space) {
  fm_labels_options options = {.size = sizeof options,
                               .class_count = 65535,
                               .ignored_labels = (const int64_t[]){65535},
                               .ignored_count = 1};
  fm_labels *labels = make_labels(&options);
  ck_assert_int_eq(fm_labels_class_count(labels), 65535);
  ck_assert_int_eq(fm_labels_class_of(labels, 65534), 65534);
  ck_assert_int_eq(fm_labels_class_of(labels, 65535), FM_CLASS_IGNORE);
  ck_assert_str_eq(fm_labels_class_name(labels, 65534), "class 65534");
  fm_labels_destroy(labels);

  int32_t *table = malloc(65536 * sizeof *table);
  for (int i = 0; i < 65536; i++) table[i] = i % 2 ? FM_CLASS_INVALID : 0;
  table[65535] = 0;
  options = (fm_labels_options){.size = sizeof options,
                                .class_count = 1,
                                .label_count = 65536,
                                .ignored_labels = (const int64_t[]){-1},
                                .ignored_count = 1,
                                .classes = table};
  labels = make_labels(&options);
  ck_assert_int_eq(fm_labels_class_of(labels, 65535), 0);
  ck_assert_int_eq(fm_labels_class_of(labels, 65533), FM_CLASS_INVALID);
  fm_labels_destroy(labels);
  free(table);
}
END_TEST

static void refuse(const fm_labels_options *options, const char *text) {
  fm_labels *labels = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_ARGUMENT, text, fm_labels_create(context, options, &labels, &err));
  ck_assert_ptr_eq(labels, KIT_SENTINEL);
}

START_TEST(bad_tables_are_refused) {
  fm_labels_options bad = odd_options();
  bad.class_count = 0;
  refuse(&bad, "class_count is 0");
  bad.class_count = -3;
  refuse(&bad, "class_count is -3");
  bad.class_count = 65536;
  refuse(&bad, "class_count is 65536");
  bad = odd_options();
  bad.class_count = 4;
  bad.class_names = NULL;
  refuse(&bad, "class 3 has no label");
  bad.class_count = 2;
  refuse(&bad, "label 4 has class 2");
  bad = odd_options();
  bad.label_count = -1;
  refuse(&bad, "label_count is -1");
  bad.label_count = 65537;
  refuse(&bad, "label_count is 65537");
  bad.label_count = 0;
  refuse(&bad, "label_count");
  bad = odd_options();
  bad.classes = NULL;
  refuse(&bad, "label_count is 6");
  bad = odd_options();
  int64_t ignored[] = {9, -32769};
  bad.ignored_labels = ignored;
  bad.ignored_count = 2;
  refuse(&bad, "ignored_labels[1] is -32769, expected -32768 to 65535");
  ignored[1] = 65536;
  refuse(&bad, "ignored_labels[1] is 65536, expected -32768 to 65535");
  ignored[1] = INT64_MIN;
  refuse(&bad, "ignored_labels[1] is -9223372036854775808");
  ignored[1] = 2;
  refuse(&bad, "ignored_labels[1] is 2, the label of a class");
  ignored[1] = 9;
  refuse(&bad, "ignored_labels[1] is 9, as another one is");
  bad.ignored_count = 0;
  refuse(&bad, "ignored_count is 0, expected at least one");
  bad.ignored_count = -1;
  refuse(&bad, "ignored_count is -1");
  bad.ignored_count = INT32_MAX;
  refuse(&bad, "ignored_count is 2147483647");
  bad.ignored_labels = NULL;
  bad.ignored_count = 1;
  refuse(&bad, "ignored_labels is NULL");
  int32_t table[] = {0, 1, 2, -3};
  bad = odd_options();
  bad.classes = table;
  bad.label_count = 4;
  refuse(&bad, "label 3 has class -3");
  const char *names[] = {"a", NULL, "c"};
  bad = odd_options();
  bad.class_names = names;
  refuse(&bad, "class_names[1]");
  fm_labels *labels = KIT_SENTINEL;
  fm_labels_options good = odd_options();
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_labels_create(NULL, &good, &labels, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_labels_create(context, &good, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, NULL, fm_labels_create(context, NULL, &labels, &err));
  ck_assert_ptr_eq(labels, KIT_SENTINEL);
}
END_TEST

START_TEST(ignore_label_may_be_a_label_of_the_table) {
  fm_labels_options options = odd_options();
  options.ignored_labels = (const int64_t[]){1};
  options.ignored_count = 1;
  fm_labels *labels = make_labels(&options);
  ck_assert_int_eq(fm_labels_class_of(labels, 1), FM_CLASS_IGNORE);
  fm_labels_destroy(labels);
  options.ignored_labels = (const int64_t[]){3};
  options.ignored_count = 1; /* invalid in the table, hence ignored */
  labels = make_labels(&options);
  ck_assert_int_eq(fm_labels_class_of(labels, 3), FM_CLASS_IGNORE);
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(fingerprint_is_about_meaning) {
  fm_labels_options options = odd_options();
  fm_labels *labels = make_labels(&options);
  uint64_t base = fm_labels_fingerprint(labels);
  fm_labels_destroy(labels);

  /* Same meaning: the name of the space, and invalid entries at the table's end. */
  int32_t longer[] = {1, -1, 0, -2, 2, 2, -2, -2};
  options.name = "other name";
  options.classes = longer;
  options.label_count = 8;
  labels = make_labels(&options);
  ck_assert_uint_eq(fm_labels_fingerprint(labels), base);
  fm_labels_destroy(labels);

  fm_labels_options other[6];
  int32_t swapped[] = {0, -1, 1, -2, 2, 2}, more[] = {1, -1, 0, -1, 2, 2};
  const char *renamed[] = {"zero", "one", "zw\xC3\xB6lf"};
  static const int64_t ten[] = {10}, more_ignored[] = {9, -1}, less[] = {9, -100};
  for (int i = 0; i < 6; i++) other[i] = odd_options();
  other[0].ignored_labels = ten;
  other[1].classes = swapped;
  other[2].classes = more;
  other[3].class_names = renamed;
  other[4].ignored_labels = more_ignored;
  other[4].ignored_count = 2;
  other[5].ignored_labels = less;
  other[5].ignored_count = 2;
  uint64_t seen[6];
  for (int i = 0; i < 6; i++) {
    labels = make_labels(&other[i]);
    seen[i] = fm_labels_fingerprint(labels);
    ck_assert_msg(seen[i] != base, "variant %d has the same number", i);
    for (int j = 0; j < i; j++) ck_assert_uint_ne(seen[i], seen[j]);
    fm_labels_destroy(labels);
  }
}
END_TEST

/* What is read back makes an equal space. */
static void check_copy(const fm_labels *labels, int32_t ignored_count, int32_t label_count) {
  fm_labels_options got = {.size = sizeof got};
  KIT_OK(fm_labels_get_options(labels, &got, &err));
  ck_assert_uint_eq(got.size, sizeof got);
  ck_assert_int_eq(got.ignored_count, ignored_count);
  ck_assert_int_eq(got.label_count, label_count);
  ck_assert_int_eq(got.ignored_labels[0], fm_labels_ignore_label(labels));
  ck_assert_str_eq(got.name, fm_labels_name(labels));
  fm_labels *copy = make_labels(&got);
  ck_assert_uint_eq(fm_labels_fingerprint(copy), fm_labels_fingerprint(labels));
  for (int64_t label = -32769; label <= 65536; label++)
    ck_assert_int_eq(fm_labels_class_of(copy, label), fm_labels_class_of(labels, label));
  for (int32_t k = 0; k < fm_labels_class_count(labels); k++)
    ck_assert_str_eq(fm_labels_class_name(copy, k), fm_labels_class_name(labels, k));
  fm_labels_options again = {.size = sizeof again};
  KIT_OK(fm_labels_get_options(copy, &again, &err));
  ck_assert_mem_eq(again.ignored_labels, got.ignored_labels,
                   (size_t)ignored_count * sizeof *got.ignored_labels);
  fm_labels_destroy(copy);
}

START_TEST(options_can_be_read_back) {
  fm_labels *labels = NULL;
  KIT_OK(fm_labels_create_from_preset(context, "cityscapes-ids", &labels, &err));
  check_copy(labels, 15, 34);
  fm_labels_destroy(labels);
  KIT_OK(fm_labels_create_from_preset(context, "ade20k", &labels, &err));
  check_copy(labels, 2, 256);
  fm_labels_options got = {.size = sizeof got};
  KIT_OK(fm_labels_get_options(labels, &got, &err));
  ck_assert_int_eq(got.ignored_labels[1], 255);
  KIT_FAILS(FM_ERR_ARGUMENT, "labels is NULL", fm_labels_get_options(NULL, &got, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_labels_get_options(labels, NULL, &err));
  got.size = 8;
  KIT_FAILS(FM_ERR_ARGUMENT, "size is 8", fm_labels_get_options(labels, &got, &err));
  ck_assert_int_eq(got.class_count, 150);
  fm_labels_destroy(labels);

  /* Those of the list come first, in its order; 1 is ignored by the table. */
  static const int64_t ignored[] = {-100, 255, -1, 3};
  static const int64_t all[] = {-100, 255, -1, 3, 1};
  fm_labels_options options = odd_options();
  options.ignored_labels = ignored;
  options.ignored_count = 4;
  labels = make_labels(&options);
  check_copy(labels, 5, 256);
  got.size = sizeof got;
  KIT_OK(fm_labels_get_options(labels, &got, &err));
  ck_assert_mem_eq(got.ignored_labels, all, sizeof all);
  fm_labels_destroy(labels);
}
END_TEST

static fm_status make(const void *options, void *user, fm_error *err) {
  (void)user;
  fm_labels *labels = KIT_SENTINEL;
  fm_status status = fm_labels_create(context, options, &labels, err);
  if (status)
    ck_assert_ptr_eq(labels, KIT_SENTINEL);
  else
    fm_labels_destroy(labels);
  return status;
}

START_TEST(options_follow_the_rule) {
  fm_labels_options options = odd_options();
  kit_options_rule("fm_labels_options", &options, sizeof options, make, NULL);
}
END_TEST

/* ---- Counting ---------------------------------------------------------------------- */

static const fm_dtype mask_types[] = {FM_U8, FM_U16, FM_I16, FM_I32, FM_I64, FM_I8, FM_U32, FM_U64};
enum { TYPES = sizeof mask_types / sizeof *mask_types };

/* Loop: dtype x layout. */
START_TEST(counts_in_every_dtype_and_layout) {
  fm_dtype dtype = mask_types[_i % TYPES];
  kit_layout layout = (kit_layout)(_i / TYPES);
  fm_labels_options options = odd_options();
  fm_labels *labels = make_labels(&options);
  static const int64_t values[] = {0, 1, 2, 4, 5, 9};
  uint64_t random = 99;
  for (int64_t width = 1; width < 600; width = width * 2 + 3) {
    kit_plane mask = kit_plane_new(dtype, 5, width, layout);
    int64_t expected[3] = {0}, ignored = 0;
    for (int64_t y = 0; y < 5; y++)
      for (int64_t x = 0; x < width; x++) {
        int64_t value = values[kit_below(&random, 6)];
        kit_put_int(&mask.view, y, x, value);
        if (value == 2) expected[0]++;
        if (value == 0) expected[1]++;
        if (value == 4 || value == 5) expected[2]++;
        if (value == 1 || value == 9) ignored++;
      }
    int64_t counts[3] = {-1, -1, -1}, none = -1;
    KIT_OK(fm_labels_count(labels, &mask.view, counts, &none, &err));
    ck_assert_mem_eq(counts, expected, sizeof counts);
    ck_assert_int_eq(none, ignored);
    KIT_OK(fm_labels_count(labels, &mask.view, NULL, NULL, &err));
    kit_plane_free(&mask);
  }
  fm_labels_destroy(labels);
}
END_TEST

static void expect_pixel(fm_labels *labels, const fm_plane *mask, int64_t y, int64_t x,
                         int64_t value) {
  char where[64], what[64];
  snprintf(where, sizeof where, "x %lld, y %lld", (long long)x, (long long)y);
  snprintf(what, sizeof what, "label %lld ", (long long)value);
  int64_t counts[3] = {-7, -7, -7}, ignored = -7;
  KIT_FAILS(FM_ERR_LABEL, where, fm_labels_count(labels, mask, counts, &ignored, &err));
  KIT_FAILS(FM_ERR_LABEL, what, fm_labels_count(labels, mask, counts, &ignored, &err));
  KIT_FAILS(FM_ERR_LABEL, "odd", fm_labels_count(labels, mask, counts, &ignored, &err));
  for (int k = 0; k < 3; k++) ck_assert_int_eq(counts[k], -7);
  ck_assert_int_eq(ignored, -7);
}

START_TEST(first_bad_pixel_in_reading_order) {
  fm_dtype dtype = mask_types[_i % TYPES];
  kit_layout layout = (kit_layout)(_i / TYPES);
  static const int64_t bad[][4] = {{3, 255, 6, 200},
                                   {3, 65535, 256, 1000},
                                   {3, -2, -32768, 32767},
                                   {INT32_MAX, INT32_MIN, -1, 65536},
                                   {INT64_MAX, INT64_MIN, (INT64_C(1) << 32) + 2, INT64_C(1) << 16},
                                   {3, -128, -1, 127},
                                   {UINT32_MAX, 65536, 3, INT64_C(1) << 31},
                                   {INT64_MAX, 65536, (INT64_C(1) << 32) + 2, INT64_C(1) << 31}};
  fm_labels_options options = odd_options();
  fm_labels *labels = make_labels(&options);
  for (int i = 0; i < 4; i++) {
    int64_t value = bad[_i % TYPES][i];
    kit_plane mask = kit_plane_new(dtype, 7, 301, layout);
    for (int64_t y = 0; y < 7; y++)
      for (int64_t x = 0; x < 301; x++) kit_put_int(&mask.view, y, x, 4);
    kit_put_int(&mask.view, 6, 300, value);
    expect_pixel(labels, &mask.view, 6, 300, value);
    kit_put_int(&mask.view, 5, 2, value);
    expect_pixel(labels, &mask.view, 5, 2, value);
    kit_put_int(&mask.view, 4, 299, value);
    expect_pixel(labels, &mask.view, 4, 299, value);
    kit_put_int(&mask.view, 0, 257, value);
    expect_pixel(labels, &mask.view, 0, 257, value);
    kit_put_int(&mask.view, 0, 0, value);
    expect_pixel(labels, &mask.view, 0, 0, value);
    kit_plane_free(&mask);
  }
  fm_labels_destroy(labels);
}
END_TEST

/* -1, -100, -128 and -32768 beside 255, in every type and layout that holds them. */
START_TEST(negative_labels_are_ignored_where_types_have_them) {
  static const int64_t ignored[] = {-100, -1, 255, -32768, -128, 65535};
  static const int64_t values[] = {0, 1, 2, 0, 1, 2, -100, -1, -128, 255, -32768, 65535};
  static const struct {
    fm_dtype dtype;
    int count; /* of the values, those that the type holds */
  } kinds[] = {{FM_I8, 9}, {FM_I16, 11}, {FM_I32, 12}, {FM_I64, 12}};
  fm_labels_options options = {.size = sizeof options, .class_count = 3};
  options.ignored_labels = ignored;
  options.ignored_count = 6;
  fm_labels *labels = make_labels(&options);
  uint64_t random = 5;
  for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
    for (int layout = 0; layout < KIT_LAYOUTS; layout++)
      for (int64_t width = 1; width < 5000; width = width * 3 + 2) {
        kit_plane mask = kit_plane_new(kinds[kind].dtype, 3, width, (kit_layout)layout);
        int64_t expected[3] = {0}, none = 0, counts[3], found;
        for (int64_t i = 0; i < 3 * width; i++) {
          /* Some tiles have no negative label at all. */
          int64_t which = kit_below(&random, i % width < 2048 ? kinds[kind].count : 3);
          int64_t value = kinds[kind].dtype == FM_I8 && values[which] > 127 ? 0 : values[which];
          kit_put_int(&mask.view, i / width, i % width, value);
          if (value >= 0 && value < 3)
            expected[value]++;
          else
            none++;
        }
        KIT_OK(fm_labels_count(labels, &mask.view, counts, &found, &err));
        ck_assert_mem_eq(counts, expected, sizeof counts);
        ck_assert_int_eq(found, none);
        kit_put_int(&mask.view, 2, width - 1, -99);
        KIT_FAILS(FM_ERR_LABEL, "label -99 ",
                  fm_labels_count(labels, &mask.view, NULL, NULL, &err));
        kit_plane_free(&mask);
      }
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(minus_one_may_be_ignored) {
  fm_labels_options options = {.size = sizeof options,
                               .class_count = 2,
                               .ignored_labels = (const int64_t[]){-1},
                               .ignored_count = 1};
  fm_labels *labels = make_labels(&options);
  static const fm_dtype signed_types[] = {FM_I16, FM_I32, FM_I64};
  for (int i = 0; i < 3; i++) {
    kit_plane mask = kit_plane_new(signed_types[i], 2, 2, KIT_PACKED);
    kit_put_int(&mask.view, 0, 0, -1);
    kit_put_int(&mask.view, 0, 1, 0);
    kit_put_int(&mask.view, 1, 0, 1);
    kit_put_int(&mask.view, 1, 1, -1);
    int64_t counts[2], ignored;
    KIT_OK(fm_labels_count(labels, &mask.view, counts, &ignored, &err));
    ck_assert_int_eq(counts[0], 1);
    ck_assert_int_eq(counts[1], 1);
    ck_assert_int_eq(ignored, 2);
    kit_put_int(&mask.view, 1, 1, -2);
    KIT_FAILS(FM_ERR_LABEL, "label -2", fm_labels_count(labels, &mask.view, NULL, NULL, &err));
    kit_plane_free(&mask);
  }
  /* 255 and 65535 are no -1. */
  kit_plane bytes = kit_plane_new(FM_U8, 1, 1, KIT_PACKED);
  kit_put_int(&bytes.view, 0, 0, 255);
  KIT_FAILS(FM_ERR_LABEL, "label 255", fm_labels_count(labels, &bytes.view, NULL, NULL, &err));
  kit_plane_free(&bytes);
  kit_plane words = kit_plane_new(FM_U16, 1, 1, KIT_PACKED);
  kit_put_int(&words.view, 0, 0, 65535);
  KIT_FAILS(FM_ERR_LABEL, "label 65535", fm_labels_count(labels, &words.view, NULL, NULL, &err));
  kit_plane_free(&words);
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(counting_needs_labels) {
  uint8_t pixel = 0;
  fm_plane mask = fm_plane_make(&pixel, FM_U8, 1, 1);
  KIT_FAILS(FM_ERR_ARGUMENT, "labels", fm_labels_count(NULL, &mask, NULL, NULL, &err));
}
END_TEST

Suite *labels_suite(void) {
  Suite *suite = suite_create("labels");
  TCase *tests = tcase_create("labels");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_loop_test(tests, preset_holds_the_facts, 0, PRESETS);
  tcase_add_test(tests, presets_are_listed);
  tcase_add_test(tests, unknown_preset_lists_the_names);
  tcase_add_test(tests, suffixes_of_presets);
  tcase_add_test(tests, fingerprints_tell_presets_apart);
  tcase_add_test(tests, presets_know_their_colors);
  tcase_add_test(tests, voc_has_its_color_map);
  tcase_add_test(tests, own_colors_are_looked_up);
  tcase_add_test(tests, bad_colors_are_refused);
  tcase_add_test(tests, own_table_is_copied);
  tcase_add_test(tests, label_is_class_by_default);
  tcase_add_test(tests, largest_space);
  tcase_add_test(tests, bad_tables_are_refused);
  tcase_add_test(tests, ignore_label_may_be_a_label_of_the_table);
  tcase_add_test(tests, fingerprint_is_about_meaning);
  tcase_add_test(tests, options_follow_the_rule);
  tcase_add_loop_test(tests, counts_in_every_dtype_and_layout, 0, TYPES * KIT_LAYOUTS);
  tcase_add_loop_test(tests, first_bad_pixel_in_reading_order, 0, TYPES * KIT_LAYOUTS);
  tcase_add_test(tests, options_can_be_read_back);
  tcase_add_test(tests, negative_labels_are_ignored_where_types_have_them);
  tcase_add_test(tests, minus_one_may_be_ignored);
  tcase_add_test(tests, counting_needs_labels);
  suite_add_tcase(suite, tests);
  return suite;
}
