/* io/test_files_labels.c - label spaces in tables.
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

static fm_labels *decoded(const char *text) {
  fm_labels *labels = NULL;
  KIT_OK(fm_labels_decode(context, text, strlen(text), "own", &labels, &err));
  return labels;
}

/* ---- Reading -------------------------------------------------------------------- */

/* Every rule of CSV and of the table at once. */
START_TEST(a_table_is_read) {
  fm_labels *labels = decoded(
      "\xEF\xBB\xBFlabel,class,name\r\n"
      "255,ignore,void\r\n"
      "7,0,\"sky, \"\"blue\"\"\"\r\n"
      "\"3\",1,\"two\r\nlines\"\r\n"
      "8,0,another name\n"
      "9,2,\n"
      "-1,-1,\n"
      "-32768,ignore,\n"
      "65535,2,stra\xC3\x9F"
      "e\n"
      "0,ignore,");
  ck_assert_str_eq(fm_labels_name(labels), "own");
  ck_assert_int_eq(fm_labels_class_count(labels), 3);
  ck_assert_int_eq(fm_labels_ignore_label(labels), 255);
  ck_assert_str_eq(fm_labels_class_name(labels, 0), "sky, \"blue\"");
  ck_assert_str_eq(fm_labels_class_name(labels, 1), "two\r\nlines");
  ck_assert_str_eq(fm_labels_class_name(labels, 2),
                   "stra\xC3\x9F"
                   "e");
  static const struct {
    int64_t label;
    int32_t class_index;
  } truth[] = {{255, FM_CLASS_IGNORE},
               {7, 0},
               {3, 1},
               {8, 0},
               {9, 2},
               {-1, FM_CLASS_IGNORE},
               {-32768, FM_CLASS_IGNORE},
               {-2, FM_CLASS_INVALID},
               {65535, 2},
               {0, -1},
               {1, FM_CLASS_INVALID},
               {254, FM_CLASS_INVALID}};
  for (size_t i = 0; i < sizeof truth / sizeof *truth; i++)
    ck_assert_int_eq(fm_labels_class_of(labels, truth[i].label), truth[i].class_index);
  fm_labels_destroy(labels);
}
END_TEST

/* As people and their programs write tables: what they say is the same. */
START_TEST(tables_may_be_untidy) {
  static const char *const tables[] = {
      "label;class;name\n0:1;0;a\n2;1;b\n255;ignore;\n254;ignore;\n",
      "label\tclass\tname\r\n0:1\t0\ta\r\n2\t1\tb\r\n255\tignore\r\n254\tIGNORE\r\n",
      ("\xEF\xBB\xBF Label , CLASS , Name \n\n 0..1 , 0 , a \n# a remark, with commas\n  2 , 1 , "
       "\"b\" \n"
       "255, Ignore\n\n254,-1,void,,,\n\n"),
      ("name,class,label,pixels,share\ra,0,0-1,17,\"0,5\"\rb,1,2,9,1\r,ignore,255,,\r,ignore,254,,"
       "\r"),
      "sep=;\nid;train_id;NAME\n0.0;0.0;a\n1.0;0.0;a\n2.0;1.0;b\n255.0;ignored;\n254;ignore;\n",
      "value,class id,class name\n1,0,a\n2,1,b\n0,0,\n255:255,ignore,\n254,ignore,"};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    fm_labels *labels = decoded(tables[i]);
    ck_assert_int_eq(fm_labels_class_count(labels), 2);
    ck_assert_str_eq(fm_labels_class_name(labels, 0), "a");
    ck_assert_str_eq(fm_labels_class_name(labels, 1), "b");
    ck_assert_int_eq(fm_labels_ignore_label(labels), 255);
    for (int label = 0; label < 300; label++)
      ck_assert_int_eq(fm_labels_class_of(labels, label), label < 2    ? 0
                                                          : label == 2 ? 1
                                                          : label == 254 || label == 255
                                                              ? FM_CLASS_IGNORE
                                                              : FM_CLASS_INVALID);
    fm_labels_destroy(labels);
  }
}
END_TEST

/* Ranges have both ends; the first ignored label comes first, also below 0. */
START_TEST(labels_may_be_ranges) {
  fm_labels *labels = decoded(
      "label,class,name\n-100:-99,ignore,\n-5--3,ignore,\n0:127,0,background\n128 : "
      "255,1,building\n");
  for (int label = -101; label < 257; label++)
    ck_assert_int_eq(fm_labels_class_of(labels, label),
                     label == -100 || label == -99 || (label >= -5 && label <= -3) ? FM_CLASS_IGNORE
                     : label < 0 || label > 255 ? FM_CLASS_INVALID
                                                : label / 128);
  ck_assert_int_eq(fm_labels_ignore_label(labels), -100);
  io_bytes bytes = {0};
  static const char written[] =
      "label,class,name\n-100,ignore,\n-99,ignore,\n-5,ignore,\n-4,ignore,\n-3,ignore,\n"
      "0:127,0,background\n"
      "128:255,1,building\n";
  KIT_OK(fm_labels_encode(labels, io_collect, &bytes, &err));
  ck_assert_uint_eq(bytes.size, strlen(written));
  ck_assert_mem_eq(bytes.data, written, bytes.size);
  io_bytes_free(&bytes);
  fm_labels_destroy(labels);
}
END_TEST

/* All ways to write down #6e5032 and #0080ff. */
START_TEST(colors_are_read) {
  static const char *const tables[] = {
      "label,class,name,color\n3,0,a,#6e5032\n4,1,b,#0080FF\n255,ignore,,\n",
      "label,class,name,Colour\n3,0,a,6E5032\n4,1,b,0080ff\n255,ignore\n",
      "label,class,name,rgb\n3,0,a,\"110,80,50\"\n4,1,b,\"(0, 128, 255)\"\n255,ignore\n",
      "label,class,name,color\n3,0,a,110,80,50\n4,1,b,0, 128, 255\n255,ignore,,\n",
      "label;class;color;name\n3;0;110,80,50;a\n4;1;rgb(0 128 255);b\n255;ignore;;\n",
      "label,class,name,R,G,B\n3,0,a,110,80,50\n4,1,b,0,128,255\n255,ignore,,,,\n",
      "blue,green,red,label,class\n50,80,110,3,0\n255,128,0,4,1\n,,,255,ignore\n",
      "label,class,color\n3,0,\"(110, 80, 50, 255)\"\n4,1,\"[0;128;255]\"\n255,ignore,\n"};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    fm_labels *labels = decoded(tables[i]);
    ck_assert_int_eq(fm_labels_color_of(labels, 3), 0x6e5032);
    ck_assert_int_eq(fm_labels_color_of(labels, 4), 0x0080ff);
    ck_assert_int_eq(fm_labels_color_of(labels, 255), -1);
    fm_labels_destroy(labels);
  }
}
END_TEST

/* Lists without numbers: rows are numbered, 255 is ignored. */
START_TEST(lists_of_names_and_colors_are_read) {
  static const char *const tables[] = {
      "name,r,g,b\nsoil,110,80,50\ncrop,0,128,255\n", "name;color\nsoil;#6e5032\ncrop;0,128,255\n",
      "# label:color_rgb:parts:actions\nsoil:110,80,50::\ncrop:0,128,255::\n",
      "# label:color_rgb:parts:actions\r\nsoil:110,80,50::\r\n\r\ncrop:0,128,255:head,hand:run"};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    fm_labels *labels = decoded(tables[i]);
    ck_assert_int_eq(fm_labels_class_count(labels), 2);
    ck_assert_str_eq(fm_labels_class_name(labels, 0), "soil");
    ck_assert_str_eq(fm_labels_class_name(labels, 1), "crop");
    ck_assert_int_eq(fm_labels_class_of(labels, 1), 1);
    ck_assert_int_eq(fm_labels_ignore_label(labels), 255);
    ck_assert_int_eq(fm_labels_color_of(labels, 0), 0x6e5032);
    ck_assert_int_eq(fm_labels_color_of(labels, 1), 0x0080ff);
    fm_labels_destroy(labels);
  }
  fm_labels *labels = decoded("r,g,b\n110,80,50\n0,128,255\n");
  ck_assert_str_eq(fm_labels_class_name(labels, 1), "class 1");
  ck_assert_int_eq(fm_labels_color_of(labels, 1), 0x0080ff);
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(names_are_made_up_where_there_are_none) {
  fm_labels *labels = decoded("label,class,name\n0,ignore,\n1,0,\n2,1,b\n3,2,\n");
  ck_assert_str_eq(fm_labels_class_name(labels, 0), "class 0");
  ck_assert_str_eq(fm_labels_class_name(labels, 1), "b");
  ck_assert_str_eq(fm_labels_class_name(labels, 2), "class 2");
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(a_file_gives_the_space_its_name) {
  static const char table[] = "label,class,name\n0,ignore,\n1,0,a\n";
  static const char *const names[][2] = {
      {"space.csv", "space"}, {"two.dots.csv", "two.dots"}, {"none", "none"}, {".csv", ".csv"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    fm_labels *labels = NULL;
    io_put_file(io_path(names[i][0]), table, strlen(table));
    KIT_OK(fm_labels_read(context, io_path(names[i][0]), &labels, &err));
    ck_assert_str_eq(fm_labels_name(labels), names[i][1]);
    fm_labels_destroy(labels);
  }
  fm_labels *labels = NULL;
  KIT_OK(fm_labels_decode(context, table, strlen(table), NULL, &labels, &err));
  ck_assert_str_eq(fm_labels_name(labels), "custom");
  fm_labels_destroy(labels);
}
END_TEST

START_TEST(the_largest_table_is_read) {
  char *text = malloc(65536 * 16), *at = text;
  at += sprintf(at, "label,class,name\n65535,ignore,\n");
  for (int label = 0; label < 65535; label++) at += sprintf(at, "%d,%d,\n", label, 65534 - label);
  fm_labels *labels = decoded(text);
  ck_assert_int_eq(fm_labels_class_count(labels), 65535);
  for (int label = 0; label < 65535; label += 7)
    ck_assert_int_eq(fm_labels_class_of(labels, label), 65534 - label);
  ck_assert_str_eq(fm_labels_class_name(labels, 65534), "class 65534");
  fm_labels_destroy(labels);
  free(text);
}
END_TEST

/* ---- Writing -------------------------------------------------------------------- */

static const char camvid[] =
    "label,class,name,color\n"
    "11,ignore,,#000000\n"
    "0,0,sky,#808080\n1,1,building,#800000\n2,2,pole,#c0c080\n3,3,road,#804080\n"
    "4,4,pavement,#3c28de\n5,5,tree,#808000\n6,6,signsymbol,#c08080\n7,7,fence,#404080\n"
    "8,8,car,#400080\n9,9,pedestrian,#404000\n10,10,bicyclist,#0080c0\n";

START_TEST(a_space_is_written) {
  fm_labels *labels = NULL, *back = NULL;
  KIT_OK(fm_labels_create_from_preset(context, "camvid", &labels, &err));
  io_bytes bytes = {0};
  KIT_OK(fm_labels_encode(labels, io_collect, &bytes, &err));
  ck_assert_uint_eq(bytes.size, strlen(camvid));
  ck_assert_mem_eq(bytes.data, camvid, bytes.size);
  KIT_OK(fm_labels_write(labels, io_path("camvid.csv"), &err));
  io_bytes file = io_get_file(io_path("camvid.csv"));
  ck_assert_uint_eq(file.size, bytes.size);
  ck_assert_mem_eq(file.data, bytes.data, file.size);
  KIT_OK(fm_labels_read(context, io_path("camvid.csv"), &back, &err));
  ck_assert_str_eq(fm_labels_name(back), "camvid");
  ck_assert_uint_eq(fm_labels_fingerprint(back), fm_labels_fingerprint(labels));
  io_bytes_free(&bytes);
  io_bytes_free(&file);
  fm_labels_destroy(labels);
  fm_labels_destroy(back);
}
END_TEST

/* Every preset keeps its fingerprint on the way through a table, and written again it is the same
 * bytes. */
START_TEST(presets_survive) {
  for (int32_t i = 0; fm_labels_preset_name(i); i++) {
    fm_labels *labels = NULL, *back = NULL;
    io_bytes bytes[2] = {{0}, {0}};
    KIT_OK(fm_labels_create_from_preset(context, fm_labels_preset_name(i), &labels, &err));
    KIT_OK(fm_labels_encode(labels, io_collect, &bytes[0], &err));
    KIT_OK(fm_labels_decode(context, bytes[0].data, bytes[0].size, fm_labels_preset_name(i), &back,
                            &err));
    ck_assert_uint_eq(fm_labels_fingerprint(back), fm_labels_fingerprint(labels));
    ck_assert_int_eq(fm_labels_ignore_label(back), fm_labels_ignore_label(labels));
    for (int label = 0; label < 256; label++)
      ck_assert_int_eq(fm_labels_color_of(back, label), fm_labels_color_of(labels, label));
    KIT_OK(fm_labels_encode(back, io_collect, &bytes[1], &err));
    ck_assert_uint_eq(bytes[0].size, bytes[1].size);
    ck_assert_mem_eq(bytes[0].data, bytes[1].data, bytes[0].size);
    for (int b = 0; b < 2; b++) io_bytes_free(&bytes[b]);
    fm_labels_destroy(labels);
    fm_labels_destroy(back);
  }
}
END_TEST

START_TEST(odd_names_survive) {
  static const char table[] =
      "label,class,name\n255,ignore,\n-1,ignore,\n7,ignore,\n-100,ignore,\n0,0,\"a,b\"\n1,1,"
      "\"\"\"\"\n"
      "2,2,\" x\"\n3,3,\"l\nl\"\n4,4,\"\r\"\n5,5,\"x \"\n6,6,\"\tx\"\n8,7,#a;b\n";
  fm_labels *labels = decoded(table);
  ck_assert_str_eq(fm_labels_class_name(labels, 1), "\"");
  ck_assert_str_eq(fm_labels_class_name(labels, 4), "\r");
  io_bytes bytes = {0};
  KIT_OK(fm_labels_encode(labels, io_collect, &bytes, &err));
  ck_assert_uint_eq(bytes.size, strlen(table));
  ck_assert_mem_eq(bytes.data, table, bytes.size);
  io_bytes_free(&bytes);
  fm_labels_destroy(labels);
}
END_TEST

/* ---- Refusals ------------------------------------------------------------------- */

#define REFUSES(text, table)                                                         \
  do {                                                                               \
    fm_labels *out = KIT_SENTINEL;                                                   \
    KIT_FAILS(FM_ERR_FORMAT, text,                                                   \
              fm_labels_decode(context, table, sizeof table - 1, NULL, &out, &err)); \
    ck_assert_ptr_eq(out, KIT_SENTINEL);                                             \
  } while (0)
#define HEAD "label,class,name\n"

START_TEST(bad_tables_are_refused) {
  REFUSES("line 1: '', expected the header label,class,name", "");
  REFUSES("line 1: '', expected the header label,class,name", "\xEF\xBB\xBF");
  REFUSES(
      "line 1: 'label,name', expected the header label,class,name, with a column color if "
      "masks hold colors: column class is missing",
      "label,name\n0,a\n");
  REFUSES("line 1: 'class,name', expected the header", "class,name\n0,a\n");
  REFUSES("line 1: '0,0,wall', expected the header", "0,0,wall\n");
  REFUSES("column label is there twice", "label,class,name,ID\n");
  REFUSES("is UTF-16, expected text in UTF-8", "\xFF\xFEl\0a\0b\0");
  REFUSES("holds NUL bytes", HEAD "0,0,a\0b\n");
  REFUSES("has no class", HEAD);
  REFUSES("has no class", HEAD "0,ignore,\n");
  REFUSES(
      "has no label of class 'ignore', expected one for the filter to write, such as a line "
      "255,ignore",
      HEAD "0,0,a\n");
  REFUSES("such as a line 253,ignore", HEAD "0,0,a\n254:255,1,b\n");
  REFUSES("such as a line 65535,ignore", HEAD "0:255,0,a\n");
  REFUSES("line 3: is not UTF-8 (byte 0xea)", HEAD "0,0,a\n1,1,for\xEAt\n9,ignore,\n");
  REFUSES("has no label of class 1, expected one for each class from 0 to 2 (labels without",
          HEAD "0,0,a\n1,2,b\n");
  REFUSES("has no label of class 1, expected one for each class from 0 to 2",
          HEAD "0,0,a\n1,2,b\n9,ignore,\n");
  REFUSES("line 2: has 4 fields, the header 3: expected quotes", HEAD "0,0,a,b\n");
  REFUSES("line 4, column class: '', expected 0 to 65534", HEAD "9,ignore,\n\n0\n");
  REFUSES("line 2: a quoted field has no closing quote", HEAD "0,0,\"a\n1,1,b\n");
  REFUSES("line 2: a quote inside a field that is not quoted", HEAD "0,0,a\"b\"\n");
  REFUSES("line 2: text follows a closing quote", HEAD "0,0,\"a\"b\n");
  REFUSES("line 3, column label: 'b', expected a whole number", HEAD "0,0,a\rb\n");
  REFUSES("line 4, column label: 'x', expected a whole number from -32768 to 65535",
          HEAD "0,0,\"two\nlines\"\nx,0,a\n");
  REFUSES("column label: '65536'", HEAD "65536,0,a\n");
  REFUSES("column label: '-32769'", HEAD "-32769,ignore,a\n");
  REFUSES("column label: '1 2'", HEAD " 1 2,0,a\n");
  REFUSES("column label: '1.5'", HEAD "1.5,0,a\n");
  REFUSES("column label: '0:65536'", HEAD "0:65536,0,a\n");
  REFUSES("column label: '9:3', expected a range that ascends", HEAD "9:3,0,a\n");
  REFUSES("column label: '0:', expected", HEAD "0:,0,a\n");
  REFUSES("line 3, column label: '5:9', expected one row for each label, this is the second for 7",
          HEAD "7,0,a\n5:9,1,b\n");
  REFUSES("column label: '#6e5032', which is a color", HEAD "#6e5032,0,soil\n");
  REFUSES("line 2, column color: '#6e503', expected a color as #rrggbb",
          "label,class,name,color\n0,0,a,#6e503\n");
  REFUSES("column color: '0,0,256'", "label,class,name,color\n0,0,a,\"0,0,256\"\n");
  REFUSES("column color: '1,2,3,4'", "label,class,name,color\n0,0,a,\"1,2,3,4\"\n");
  REFUSES("line 2, column r:", "name,r,g,b\na,1,2,x\n");
  REFUSES("line 3: 'crop', expected NAME:R,G,B::", "# label:color_rgb\nsoil:1,2,3::\ncrop\n");
  REFUSES("column label: '99999999999999999999'", HEAD "99999999999999999999,0,a\n");
  REFUSES("column label: ''", HEAD ",0,a\n");
  REFUSES("column class: '65535', expected 0 to 65534, or 'ignore'", HEAD "0,65535,a\n");
  REFUSES("column class: 'wall'", HEAD "0,wall,a\n");
  REFUSES("column class: '0', expected 'ignore': labels below 0 can only be ignored",
          HEAD "-1,0,a\n");
  REFUSES("line 3, column label: '0', expected one row for each label", HEAD "0,0,a\n0,1,b\n");
  REFUSES("line 3, column label: '-1', expected one row", HEAD "-1,ignore,\n-1,ignore,\n");
}
END_TEST

START_TEST(calls_are_checked) {
  fm_labels *out = KIT_SENTINEL, *labels = decoded(HEAD "0,ignore,\n1,0,a\n");
  io_bytes bytes = {0};
  int stop = -7;
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_labels_read: context is NULL",
            fm_labels_read(NULL, "x", &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_labels_read: path is NULL",
            fm_labels_read(context, NULL, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_labels_read: out is NULL",
            fm_labels_read(context, "x", NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_labels_decode: data is NULL",
            fm_labels_decode(context, NULL, 1, NULL, &out, &err));
  KIT_FAILS(FM_ERR_IO, io_folder(), fm_labels_read(context, io_path("missing"), &out, &err));
  KIT_FAILS(FM_ERR_IO, "irectory", fm_labels_read(context, io_folder(), &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_labels_write: labels is NULL", fm_labels_write(NULL, "x", &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_labels_write: path is NULL", fm_labels_write(labels, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_labels_encode: write is NULL",
            fm_labels_encode(labels, NULL, NULL, &err));
  KIT_FAILS(FM_ERR_CALLBACK, "write callback stopped the call with -7",
            fm_labels_encode(labels, io_stop, &stop, &err));
  io_put_file(io_path("bad.csv"), HEAD "0,x,\n", strlen(HEAD "0,x,\n"));
  KIT_FAILS(FM_ERR_FORMAT, "bad.csv: line 2, column class: 'x', expected 0 to 65534, or 'ignore'",
            fm_labels_read(context, io_path("bad.csv"), &out, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
  fm_labels_destroy(labels);

  static const char *const names[] = {"a", ""};
  fm_labels_options options = {.size = sizeof options,
                               .class_count = 2,
                               .ignored_labels = (const int64_t[]){255},
                               .ignored_count = 1,
                               .class_names = names};
  KIT_OK(fm_labels_create(context, &options, &labels, &err));
  KIT_FAILS(FM_ERR_UNSUPPORTED, "class 1 has an empty name",
            fm_labels_encode(labels, io_collect, &bytes, &err));
  ck_assert_ptr_null(bytes.data);
  fm_labels_destroy(labels);
}
END_TEST

/* ---- Memory --------------------------------------------------------------------- */

static fm_status scenario(fm_context *failing, void *user, fm_error *err) {
  (void)user;
  fm_labels *labels = KIT_SENTINEL;
  fm_status status = fm_labels_read(failing, io_path("space.csv"), &labels, err);
  if (status) {
    ck_assert_ptr_eq(labels, KIT_SENTINEL);
    return status;
  }
  io_bytes bytes = {0};
  status = fm_labels_encode(labels, io_collect, &bytes, err);
  if (status) ck_assert_ptr_null(bytes.data);
  if (!status) status = fm_labels_write(labels, io_path("out.csv"), err);
  if (!status) ck_assert_int_eq(remove(io_path("out.csv")), 0);
  ck_assert_int_eq(io_folder_count(), 1);
  io_bytes_free(&bytes);
  fm_labels_destroy(labels);
  return status;
}

START_TEST(every_allocation_fails) {
  static const char table[] = HEAD "255,ignore,\n0,0,\"a,b\"\n1,1,\n2,0,\n";
  io_put_file(io_path("space.csv"), table, strlen(table));
  kit_every_allocation_fails(scenario, NULL, 12);
}
END_TEST

/* ---- Sentences ------------------------------------------------------------------ */

/* Numbers in sentences have points in every locale, and names keep their commas. */
START_TEST(no_locale_matters) {
  static const char table[] = "label,class,name\n0,0,\"1,5\"\n255,ignore,\n";
  uint8_t label[2] = {0, 0};
  float loss[2] = {0.25F, -2.5F};
  fm_plane mask = fm_plane_make(label, FM_U8, 1, 2), map = fm_plane_make(loss, FM_F32, 1, 2);
  fm_labels *labels = decoded(table);
  fm_class_stats *stats = NULL;
  double quantile;
  KIT_OK(fm_class_stats_create(labels, NULL, &stats, &err));
  io_comma_locale(true);
  KIT_FAILS(
      FM_ERR_LOSS,
      "loss: -2.5 at pixel (x 1, y 0) of class 0 (1,5), expected a finite number, not below 0 "
      "(what rounding leaves, above -1e-05, counts as 0)",
      fm_class_stats_add(stats, &mask, &map, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "quantile is asked at 1.25, expected 0 to 1",
            fm_class_stats_quantile(stats, 0, 0, 1.25, &quantile, &err));
  io_comma_locale(false);
  fm_class_stats_destroy(stats);
  fm_labels_destroy(labels);
}
END_TEST

Suite *files_labels_suite(void) {
  Suite *suite = suite_create("files_labels");
  TCase *tests = tcase_create("files_labels");
  tcase_set_timeout(tests, 60);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, a_table_is_read);
  tcase_add_test(tests, tables_may_be_untidy);
  tcase_add_test(tests, labels_may_be_ranges);
  tcase_add_test(tests, colors_are_read);
  tcase_add_test(tests, lists_of_names_and_colors_are_read);
  tcase_add_test(tests, names_are_made_up_where_there_are_none);
  tcase_add_test(tests, a_file_gives_the_space_its_name);
  tcase_add_test(tests, the_largest_table_is_read);
  tcase_add_test(tests, a_space_is_written);
  tcase_add_test(tests, presets_survive);
  tcase_add_test(tests, odd_names_survive);
  tcase_add_test(tests, bad_tables_are_refused);
  tcase_add_test(tests, calls_are_checked);
  tcase_add_test(tests, no_locale_matters);
  tcase_add_test(tests, every_allocation_fails);
  suite_add_tcase(suite, tests);
  return suite;
}
