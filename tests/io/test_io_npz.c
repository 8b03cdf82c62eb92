/* io/test_io_npz.c - arrays in archives: what np.savez writes, and what an enemy would.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

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

typedef fm_status (*reader)(const fm_context *, const char *, const fm_read_options *, fm_raster **,
                            fm_error *);
typedef fm_status (*decoder)(const fm_context *, const void *, size_t, const fm_read_options *,
                             fm_raster **, fm_error *);

static fm_read_options member(const char *name) {
  return (fm_read_options){.size = sizeof(fm_read_options), .member = name};
}

static fm_raster *golden(reader read, const char *file, const char *name) {
  char path[1024];
  fm_raster *raster = NULL;
  fm_read_options options = member(name);
  snprintf(path, sizeof path, "%s/io/%s", FM_TEST_GOLDEN, file);
  KIT_OK(read(context, path, name ? &options : NULL, &raster, &err));
  return raster;
}

/* Does this build unpack? */
static bool has_deflate(void) {
  char path[1024];
  fm_raster *raster = NULL;
  snprintf(path, sizeof path, "%s/io/queries_packed.npz", FM_TEST_GOLDEN);
  fm_status status = fm_queries_read(context, path, NULL, &raster, NULL);
  ck_assert(status == FM_OK || status == FM_ERR_UNSUPPORTED);
  fm_raster_destroy(raster);
  return status == FM_OK;
}

static double number_at(const void *data, fm_dtype dtype, int64_t offset) {
  const char *at = (const char *)data + offset;
  uint16_t half;
  float single;
  memcpy(&half, at, sizeof half);
  if (dtype == FM_F16) return kit_half_value(half);
  ck_assert_int_eq(dtype, FM_F32);
  memcpy(&single, at, sizeof single);
  return (double)single;
}

/* ---- What NumPy wrote -------------------------------------------------------------- */

/* The formulas of golden/make_io_golden.py. */
static void check_mask_logits(fm_volume v, int64_t channels) {
  ck_assert_int_eq(v.channels, channels);
  ck_assert_int_eq(v.height, 3);
  ck_assert_int_eq(v.width, 7);
  for (int64_t q = 0; q < v.channels; q++)
    for (int64_t y = 0; y < 3; y++)
      for (int64_t x = 0; x < 7; x++)
        ck_assert(number_at(v.data, (fm_dtype)v.dtype,
                            q * v.channel_stride + y * v.row_stride + x * v.col_stride) ==
                  32.0 * (double)q + 8.0 * (double)y + (double)x + 0.5);
}

static void check_queries(fm_raster *raster, fm_dtype classes, fm_dtype masks) {
  fm_plane p = fm_raster_plane(raster);
  fm_volume v = fm_raster_volume(raster);
  ck_assert_int_eq(p.dtype, classes);
  ck_assert_int_eq(v.dtype, masks);
  ck_assert_int_eq(p.height, 6);
  ck_assert_int_eq(p.width, 5);
  for (int64_t q = 0; q < 6; q++)
    for (int64_t c = 0; c < 5; c++)
      ck_assert(number_at(p.data, classes, q * p.row_stride + c * p.col_stride) ==
                4.0 * (double)q + (double)c / 2 - 3);
  check_mask_logits(v, 6);
  fm_raster_destroy(raster);
}

START_TEST(queries_are_read) {
  check_queries(golden(fm_queries_read, "queries_stored.npz", NULL), FM_F32, FM_F16);
  if (!has_deflate()) return;
  check_queries(golden(fm_queries_read, "queries_packed.npz", NULL), FM_F16, FM_F32);
  check_queries(golden(fm_queries_read, "queries_wide.npz", NULL), FM_F32, FM_F32);
}
END_TEST

static void check_label(fm_raster *raster, fm_dtype dtype) {
  fm_plane p = fm_raster_plane(raster);
  ck_assert_ptr_null(fm_raster_volume(raster).data);
  ck_assert_int_eq(p.dtype, dtype);
  ck_assert_int_eq(p.height, 4);
  ck_assert_int_eq(p.width, 9);
  for (int64_t i = 0; i < 36; i++)
    ck_assert_int_eq(kit_get_int(&p, i / 9, i % 9), 7 * (i / 9) + i % 9);
  fm_raster_destroy(raster);
}

START_TEST(the_only_array_needs_no_name) {
  check_label(golden(fm_mask_read, "one.npz", NULL), FM_I32);
  check_label(golden(fm_mask_read, "one.npz", "arr_0"), FM_I32);
  check_label(golden(fm_mask_read, "one.npz", "arr_0.npy"), FM_I32);
}
END_TEST

START_TEST(one_of_several_is_named) {
  if (!has_deflate()) return;
  check_label(golden(fm_mask_read, "several.npz", "mask"), FM_U16);
  fm_raster *raster = golden(fm_loss_read, "several.npz", "loss.npy");
  fm_plane p = fm_raster_plane(raster);
  for (int64_t i = 0; i < 36; i++)
    ck_assert_float_eq(kit_get_real(&p, i / 9, i % 9), (float)(i % 9) / 8 + (float)(i / 9));
  fm_raster_destroy(raster);
  raster = golden(fm_output_read, "several.npz", "output");
  check_mask_logits(fm_raster_volume(raster), 2);
  ck_assert_ptr_null(fm_raster_plane(raster).data);
  fm_raster_destroy(raster);
}
END_TEST

/* ---- Archives by hand --------------------------------------------------------------- */

enum { LOCAL = 30, ENTRY = 46, END = 22 };

static void put(unsigned char *to, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *from, int bytes) {
  uint64_t value = 0;
  for (int i = bytes; i-- > 0;) value = value << 8 | from[i];
  return value;
}

typedef struct item {
  const char *name;
  io_bytes data;
} item;

/* An array of 2 x 3 numbers 1 to 6. */
static io_bytes six(void) {
  static const unsigned char numbers[6] = {1, 2, 3, 4, 5, 6};
  return io_npy(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }", numbers, 6);
}

static io_bytes deflated(const io_bytes *data) {
  io_bytes out = {.data = malloc(compressBound((uLong)data->size) + 64)};
  z_stream z = {0};
  ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = data->data;
  z.avail_in = (uInt)data->size;
  z.next_out = out.data;
  z.avail_out = (uInt)(compressBound((uLong)data->size) + 64);
  ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.size = z.total_out;
  deflateEnd(&z);
  return out;
}

/* Members, directory, end. The items' bytes are freed. */
static io_bytes archive(item *items, size_t count, bool packed) {
  io_bytes out = {0}, directory = {0};
  for (size_t i = 0; i < count; i++) {
    io_bytes stored = packed ? deflated(&items[i].data) : items[i].data;
    size_t name = strlen(items[i].name);
    unsigned char local[LOCAL] = "PK\3\4", entry[ENTRY] = "PK\1\2";
    put(local + 8, packed ? 8 : 0, 2);
    put(local + 14, crc32(0, items[i].data.data, (uInt)items[i].data.size), 4);
    put(local + 18, stored.size, 4);
    put(local + 22, items[i].data.size, 4);
    put(local + 26, name, 2);
    memcpy(entry + 8, local + 6, 24);
    put(entry + 42, out.size, 4);
    io_append(&directory, entry, ENTRY);
    io_append(&directory, items[i].name, name);
    io_append(&out, local, LOCAL);
    io_append(&out, items[i].name, name);
    io_append(&out, stored.data, stored.size);
    if (packed) io_bytes_free(&stored);
    io_bytes_free(&items[i].data);
  }
  unsigned char end[END] = "PK\5\6";
  put(end + 8, count, 2);
  put(end + 10, count, 2);
  put(end + 12, directory.size, 4);
  put(end + 16, out.size, 4);
  io_append(&out, directory.data, directory.size);
  io_append(&out, end, END);
  io_bytes_free(&directory);
  return out;
}

static io_bytes one_member(bool packed) {
  item items[] = {{"a.npy", six()}};
  return archive(items, 1, packed);
}

static io_bytes two_members(void) {
  item items[] = {{"a.npy", six()}, {"b.npy", six()}};
  return archive(items, 2, false);
}

/* The record number `n` that begins with "PK" and these two bytes. */
static unsigned char *record(const io_bytes *zip, char third, char fourth, int n) {
  for (size_t at = 0; at + 4 <= zip->size; at++)
    if (!memcmp(zip->data + at, "PK", 2) && zip->data[at + 2] == third &&
        zip->data[at + 3] == fourth && !n--)
      return zip->data + at;
  ck_abort_msg("no such record");
  return NULL;
}

#define LOCAL_OF(zip, n) record(zip, 3, 4, n)
#define ENTRY_OF(zip, n) record(zip, 1, 2, n)
#define END_OF(zip) record(zip, 5, 6, 0)

static void check_six(const io_bytes *zip, const char *name) {
  fm_raster *raster = NULL;
  fm_read_options options = member(name);
  KIT_OK(fm_mask_decode(context, zip->data, zip->size, &options, &raster, &err));
  fm_plane p = fm_raster_plane(raster);
  for (int64_t i = 0; i < 6; i++) ck_assert_int_eq(kit_get_int(&p, i / 3, i % 3), i + 1);
  fm_raster_destroy(raster);
}

/* Refused from memory and from a file, by the same sentence. The archive is freed. */
static void refuse_as(const char *where, fm_status expected, const char *text, io_bytes zip,
                      const fm_read_options *options, decoder decode, reader read) {
  fm_raster *out = KIT_SENTINEL;
  fm_error err = kit_error(), again = kit_error();
  unsigned char *exact = malloc(zip.size ? zip.size : 1); /* checkers see what lies beyond */
  memcpy(exact, zip.data, zip.size);
  fm_status status = decode(context, exact, zip.size, options, &out, &err);
  kit_expect(where, status, expected, &err, text);
  ck_assert_ptr_eq(out, KIT_SENTINEL);
  io_put_file(io_path("x.npz"), exact, zip.size);
  ck_assert_int_eq(read(context, io_path("x.npz"), options, &out, &again), expected);
  ck_assert_msg(strstr(again.message, text) && strstr(again.message, "x.npz: "), "%s",
                again.message);
  free(exact);
  io_bytes_free(&zip);
}

#define WHERE __FILE__ ":" KIT_TEXT(__LINE__)
#define REFUSES(expected, text, zip) \
  refuse_as(WHERE, expected, text, zip, NULL, fm_mask_decode, fm_mask_read)
#define REFUSES_MEMBER(expected, text, zip, options) \
  refuse_as(WHERE, expected, text, zip, options, fm_mask_decode, fm_mask_read)
#define REFUSES_QUERIES(expected, text, zip) \
  refuse_as(WHERE, expected, text, zip, NULL, fm_queries_decode, fm_queries_read)

START_TEST(good_archives_are_read) {
  io_bytes zip = one_member(false);
  check_six(&zip, NULL);
  check_six(&zip, "a");
  put(LOCAL_OF(&zip, 0) + 14, 0, 4); /* a data descriptor: the local sizes are not known yet */
  put(LOCAL_OF(&zip, 0) + 18, 0, 8);
  check_six(&zip, NULL);
  put(END_OF(&zip) + 20, 5, 2); /* a comment, that looks like an end of its own */
  io_append(&zip, "PK\5\6x", 5);
  check_six(&zip, NULL);
  io_bytes_free(&zip);
  zip = two_members();
  check_six(&zip, "b.npy");
  io_bytes_free(&zip);
  if (!has_deflate()) return;
  zip = one_member(true);
  check_six(&zip, NULL);
  io_bytes_free(&zip);
}
END_TEST

/* Every size in ZIP64 records, as an archive beyond 4 GiB has them. */
static io_bytes wide_archive(void) {
  io_bytes zip = one_member(false), out = {0};
  unsigned char *entry = ENTRY_OF(&zip, 0), *end = END_OF(&zip);
  size_t directory = (size_t)(entry - zip.data), name = (size_t)get(entry + 28, 2);
  unsigned char extra[28] = {1, 0, 24, 0}, end64[56] = "PK\6\6", locator[20] = "PK\6\7";
  put(extra + 4, get(entry + 24, 4), 8);
  put(extra + 12, get(entry + 20, 4), 8);
  put(extra + 20, get(entry + 42, 4), 8);
  put(entry + 20, UINT64_MAX, 8);
  put(entry + 42, UINT32_MAX, 4);
  put(entry + 30, sizeof extra, 2);
  put(end64 + 4, sizeof end64 - 12, 8);
  put(end64 + 24, 1, 8);
  put(end64 + 32, 1, 8);
  put(end64 + 40, ENTRY + name + sizeof extra, 8);
  put(end64 + 48, directory, 8);
  put(locator + 8, directory + ENTRY + name + sizeof extra, 8);
  put(locator + 16, 1, 4);
  put(end + 8, UINT32_MAX, 4);
  put(end + 12, UINT64_MAX, 8);
  io_append(&out, zip.data, directory + ENTRY + name);
  io_append(&out, extra, sizeof extra);
  io_append(&out, end64, sizeof end64);
  io_append(&out, locator, sizeof locator);
  io_append(&out, end, END);
  io_bytes_free(&zip);
  return out;
}

START_TEST(zip64_is_read) {
  io_bytes zip = wide_archive();
  check_six(&zip, NULL);
  io_bytes_free(&zip);

  static const char missing[] = "a ZIP64 record that should be there is not";
  zip = wide_archive();
  record(&zip, 6, 7, 0)[0] = 'X';
  REFUSES(FM_ERR_FORMAT, missing, zip);
  zip = wide_archive();
  record(&zip, 6, 6, 0)[0] = 'X';
  REFUSES(FM_ERR_FORMAT, missing, zip);
  zip = wide_archive();
  put(record(&zip, 6, 7, 0) + 8, UINT64_MAX, 8);
  REFUSES(FM_ERR_FORMAT, missing, zip);
  zip = wide_archive();
  put(record(&zip, 6, 6, 0) + 40, UINT64_MAX, 8);
  REFUSES(FM_ERR_FORMAT, "its directory is not in it", zip);
  zip = wide_archive();
  put(record(&zip, 6, 6, 0) + 48, UINT64_MAX, 8);
  REFUSES(FM_ERR_FORMAT, "its directory is not in it", zip);
  zip = wide_archive();
  put(record(&zip, 6, 6, 0) + 32, 2, 8);
  REFUSES(FM_ERR_UNSUPPORTED, "in several parts", zip);
  zip = wide_archive();
  put(record(&zip, 6, 6, 0) + 24, UINT64_C(1) << 40, 8);
  put(record(&zip, 6, 6, 0) + 32, UINT64_C(1) << 40, 8);
  REFUSES(FM_ERR_LIMIT, "1099511627776 members", zip);
  zip = wide_archive();
  put(ENTRY_OF(&zip, 0) + ENTRY + 5 + 2, 16, 2); /* the extra field lacks a number */
  REFUSES(FM_ERR_FORMAT, "other entries than it claims", zip);
  zip = wide_archive();
  put(ENTRY_OF(&zip, 0) + ENTRY + 5 + 4, UINT64_MAX, 8);
  REFUSES(FM_ERR_FORMAT, "claims 18446744073709551615 bytes", zip);
  zip = wide_archive();
  put(ENTRY_OF(&zip, 0) + ENTRY + 5 + 12, UINT64_MAX, 8);
  put(ENTRY_OF(&zip, 0) + ENTRY + 5 + 4, UINT64_MAX, 8);
  REFUSES(FM_ERR_LIMIT, "has 18446744073709551615 bytes", zip);
  zip = wide_archive();
  put(ENTRY_OF(&zip, 0) + ENTRY + 5 + 20, UINT64_MAX, 8);
  REFUSES(FM_ERR_FORMAT, "a member is not where its directory says", zip);
}
END_TEST

/* ---- Damage -------------------------------------------------------------------------- */

START_TEST(damaged_directories_are_refused) {
  io_bytes zip = one_member(false);
  zip.size -= 1;
  REFUSES(FM_ERR_FORMAT, "was cut off", zip);
  zip = one_member(false);
  io_append(&zip, "x", 1);
  REFUSES(FM_ERR_FORMAT, "has no directory", zip);
  zip = one_member(false);
  zip.size = 4;
  REFUSES(FM_ERR_FORMAT, "was cut off", zip);
  zip = one_member(false);
  put(END_OF(&zip) + 4, 1, 2);
  REFUSES(FM_ERR_UNSUPPORTED, "in several parts", zip);
  zip = one_member(false);
  put(END_OF(&zip) + 10, 2, 2);
  REFUSES(FM_ERR_UNSUPPORTED, "in several parts", zip);
  zip = one_member(false);
  put(END_OF(&zip) + 8, 2 | 2 << 16, 4);
  REFUSES(FM_ERR_FORMAT, "other entries than it claims", zip);
  zip = one_member(false);
  put(END_OF(&zip) + 8, 0, 4);
  REFUSES(FM_ERR_FORMAT, "other entries than it claims", zip);
  zip = one_member(false);
  put(END_OF(&zip) + 16, zip.size, 4);
  REFUSES(FM_ERR_FORMAT, "its directory is not in it", zip);
  zip = one_member(false);
  put(END_OF(&zip) + 12, zip.size, 4);
  REFUSES(FM_ERR_FORMAT, "its directory is not in it", zip);
  zip = one_member(false);
  ENTRY_OF(&zip, 0)[1] = 'X';
  REFUSES(FM_ERR_FORMAT, "other entries than it claims", zip);
  zip = one_member(false);
  put(ENTRY_OF(&zip, 0) + 28, 65535, 2);
  REFUSES(FM_ERR_FORMAT, "other entries than it claims", zip);
  zip = one_member(false);
  put(ENTRY_OF(&zip, 0) + 24, UINT32_MAX, 4);
  REFUSES(FM_ERR_FORMAT, "other entries than it claims", zip); /* no ZIP64 field */
}
END_TEST

START_TEST(damaged_members_are_refused) {
  io_bytes zip = one_member(false);
  put(ENTRY_OF(&zip, 0) + 42, zip.size, 4);
  REFUSES(FM_ERR_FORMAT, "a member is not where its directory says", zip);
  zip = one_member(false);
  put(ENTRY_OF(&zip, 0) + 42, 1, 4);
  REFUSES(FM_ERR_FORMAT, "a member is not where its directory says", zip);
  zip = one_member(false);
  put(ENTRY_OF(&zip, 0) + 20, 1000 | UINT64_C(1000) << 32, 8); /* into the directory, and beyond */
  REFUSES(FM_ERR_FORMAT, "a member is not where its directory says", zip);
  zip = one_member(false);
  put(LOCAL_OF(&zip, 0) + 28, 65535, 2);
  REFUSES(FM_ERR_FORMAT, "a member is not where its directory says", zip);
  zip = one_member(false);
  LOCAL_OF(&zip, 0)[LOCAL] = 'b';
  REFUSES(FM_ERR_FORMAT, "contradicts its directory", zip);
  zip = one_member(false);
  put(LOCAL_OF(&zip, 0) + 8, 8, 2);
  REFUSES(FM_ERR_FORMAT, "contradicts its directory", zip);
  zip = one_member(false);
  LOCAL_OF(&zip, 0)[LOCAL + 5 + 70] ^= 1;
  REFUSES(FM_ERR_FORMAT, "a.npy: is damaged: its checksum does not match", zip);
  zip = one_member(false);
  put(ENTRY_OF(&zip, 0) + 24, 7, 4);
  REFUSES(FM_ERR_FORMAT, "a.npy: is damaged: it claims 7 bytes, but 75 are stored", zip);
  zip = one_member(false);
  put(ENTRY_OF(&zip, 0) + 8, 1, 2);
  REFUSES(FM_ERR_UNSUPPORTED, "a.npy: is encrypted", zip);
  zip = one_member(false);
  put(ENTRY_OF(&zip, 0) + 10, 12, 2);
  put(LOCAL_OF(&zip, 0) + 8, 12, 2);
  REFUSES(FM_ERR_UNSUPPORTED, "a.npy: is compressed by method 12", zip);
}
END_TEST

/* Two entries for the same bytes, and one within another's. */
START_TEST(overlapping_members_are_refused) {
  io_bytes zip = two_members();
  fm_read_options a = member("a"), b = member("b");
  put(ENTRY_OF(&zip, 1) + 42, 0, 4);
  REFUSES_MEMBER(FM_ERR_FORMAT, "two of its members overlap", zip, &a);
  zip = two_members();
  size_t second = (size_t)(LOCAL_OF(&zip, 1) - zip.data);
  put(ENTRY_OF(&zip, 0) + 20, second, 4); /* the first reaches into the second */
  put(ENTRY_OF(&zip, 0) + 24, second, 4);
  REFUSES_MEMBER(FM_ERR_FORMAT, "two of its members overlap", zip, &b);
}
END_TEST

/* Deflate makes 1000 zeros of a byte; a claim beyond that is a lie, one beyond the limits is
 * refused before memory is taken. */
START_TEST(bombs_are_refused) {
  io_bytes zip = one_member(true);
  fm_read_options options = member(NULL);
  put(ENTRY_OF(&zip, 0) + 24, 1U << 20, 4);
  REFUSES(FM_ERR_FORMAT, "claims 1048576 bytes", zip);
  if (!has_deflate()) return;
  zip = one_member(true);
  put(ENTRY_OF(&zip, 0) + 24, 100, 4); /* more than there is */
  REFUSES(FM_ERR_FORMAT, "does not unpack to the 100 bytes it claims", zip);
  zip = one_member(true);
  put(ENTRY_OF(&zip, 0) + 24, 20, 4); /* less */
  REFUSES(FM_ERR_FORMAT, "a.npy: is damaged", zip);
  zip = one_member(true);
  put(LOCAL_OF(&zip, 0) + LOCAL + 5, 0xFF, 1); /* no such kind of block */
  REFUSES(FM_ERR_FORMAT, "cannot be unpacked", zip);

  io_bytes zeros = {.data = calloc(1, 4 << 20), .size = 4 << 20};
  item items[] = {{"a.npy", zeros}};
  zip = archive(items, 1, true);
  ck_assert_uint_lt(zip.size, 8192);
  options.max_pixels = 1000;
  io_bytes copy = {0};
  io_append(&copy, zip.data, zip.size);
  REFUSES_MEMBER(FM_ERR_LIMIT, "has 4194304 bytes, more than the limit of 73536", copy, &options);
  options = member(NULL);
  options.max_bytes = 1 << 20;
  REFUSES_MEMBER(FM_ERR_LIMIT, "has 4194304 bytes, more than the limit of 1048576", zip, &options);
}
END_TEST

/* ---- Names --------------------------------------------------------------------------- */

static io_bytes of_names(const char *first, const char *second) {
  item items[] = {{first, six()}, {second, six()}};
  return archive(items, 2, false);
}

START_TEST(names_decide) {
  fm_read_options a = member("a"), c = member("c");
  REFUSES(FM_ERR_FORMAT, "holds 2 arrays (a.npy, b.npy): say which one", two_members());
  REFUSES_MEMBER(FM_ERR_FORMAT, "holds no array 'c', but a.npy, b.npy", two_members(), &c);
  REFUSES_MEMBER(FM_ERR_FORMAT, "several members called 'a'", of_names("a.npy", "a.npy"), &a);
  REFUSES_MEMBER(FM_ERR_FORMAT, "several members called 'a'", of_names("a", "a.npy"), &a);
  REFUSES(FM_ERR_FORMAT,
          "holds no NumPy array, but archive/data.pkl, archive/version: is it a file of PyTorch?",
          of_names("archive/data.pkl", "archive/version"));
  REFUSES(FM_ERR_FORMAT, "but \xC3\xA9, .npy:", of_names("\xC3\xA9", ".npy"));
  item long_names[6];
  char name[6][400];
  for (int i = 0; i < 6; i++) {
    memset(name[i], 'a' + i, 399);
    strcpy(name[i] + 395, ".npy");
    long_names[i] = (item){name[i], six()};
  }
  REFUSES(FM_ERR_FORMAT, "ddd, ...): say which one", archive(long_names, 6, false));
  io_bytes zip = of_names("a.npy", "../../b.npy");
  check_six(&zip, "../../b"); /* a name is only compared */
  io_bytes_free(&zip);
  item text[] = {{"a.npy", {0}}};
  io_append(&text[0].data, "label,class", 11);
  REFUSES(FM_ERR_FORMAT, "a.npy: is not a NumPy array", archive(text, 1, false));
}
END_TEST

static io_bytes floats(const char *shape, size_t count) {
  char header[200];
  float *zeros = calloc(count, sizeof *zeros);
  snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape);
  io_bytes npy = io_npy(1, header, zeros, count * sizeof *zeros);
  free(zeros);
  return npy;
}

static io_bytes queries(const char *first, io_bytes a, const char *second, io_bytes b) {
  item items[] = {{first, a}, {second, b}};
  return archive(items, 2, false);
}

START_TEST(queries_are_checked) {
  REFUSES_QUERIES(FM_ERR_FORMAT, "holds no array 'class_logits', but a.npy, b.npy", two_members());
  REFUSES_QUERIES(FM_ERR_FORMAT, "holds no array 'mask_logits', but",
                  queries("pred_logits.npy", floats("(2, 3)", 6), "b.npy", six()));
  REFUSES_QUERIES(
      FM_ERR_FORMAT, "class logits are of 2 queries, mask logits of 1",
      queries("pred_logits.npy", floats("(2, 3)", 6), "pred_masks.npy", floats("(1, 2, 3)", 6)));
  REFUSES_QUERIES(
      FM_ERR_FORMAT, "pred_logits.npy: NPY has 1 dimension, expected [queries",
      queries("pred_logits.npy", floats("(6,)", 6), "pred_masks.npy", floats("(1, 2, 3)", 6)));
  REFUSES_QUERIES(FM_ERR_UNSUPPORTED, "pred_logits.npy: NPY has dtype u1, class logits is f2",
                  queries("pred_logits.npy", six(), "pred_masks.npy", floats("(1, 2, 3)", 6)));
  REFUSES_QUERIES(
      FM_ERR_FORMAT, "pred_masks.npy: NPY claims [1, 2, 3] numbers of 4 bytes, but 20",
      queries("pred_logits.npy", floats("(2, 3)", 6), "pred_masks.npy", floats("(1, 2, 3)", 5)));
}
END_TEST

START_TEST(other_calls_are_checked) {
  fm_raster *out = KIT_SENTINEL;
  fm_read_options a = member("a");
  io_bytes npy = six(), zip = one_member(false);
  KIT_FAILS(FM_ERR_FORMAT, "is a NumPy array (.npy), expected an archive (.npz) that holds 'a'",
            fm_mask_decode(context, npy.data, npy.size, &a, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "member is 'a', but fm_queries_read does not take one",
            fm_queries_decode(context, zip.data, zip.size, &a, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "member is 'a', but fm_image_read does not take one",
            fm_image_decode(context, zip.data, zip.size, &a, &out, &err));
  KIT_FAILS(FM_ERR_FORMAT, "is a NumPy array (.npy): outputs with queries are two arrays",
            fm_queries_decode(context, npy.data, npy.size, NULL, &out, &err));
  KIT_FAILS(FM_ERR_FORMAT, "is a ZIP archive: images come as JPEG, PNG, TIFF or WebP",
            fm_image_decode(context, zip.data, zip.size, NULL, &out, &err));
  KIT_FAILS(FM_ERR_FORMAT, "looks like an empty ZIP archive",
            fm_mask_decode(context, END_OF(&zip), END, NULL, &out, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
  io_bytes_free(&npy);
  io_bytes_free(&zip);
}
END_TEST

/* ---- Memory --------------------------------------------------------------------------- */

static fm_status scenario(fm_context *failing, void *name, fm_error *err) {
  char path[1024];
  fm_raster *raster = KIT_SENTINEL;
  snprintf(path, sizeof path, "%s/io/%s", FM_TEST_GOLDEN, (const char *)name);
  fm_status status = fm_queries_read(failing, path, NULL, &raster, err);
  if (status)
    ck_assert_ptr_eq(raster, KIT_SENTINEL);
  else
    fm_raster_destroy(raster);
  return status;
}

START_TEST(every_allocation_fails) {
  kit_every_allocation_fails(scenario, "queries_stored.npz", 10);
  if (has_deflate()) kit_every_allocation_fails(scenario, "queries_packed.npz", 12);
}
END_TEST

Suite *io_npz_suite(void) {
  Suite *suite = suite_create("io_npz");
  TCase *tests = tcase_create("io_npz");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, queries_are_read);
  tcase_add_test(tests, the_only_array_needs_no_name);
  tcase_add_test(tests, one_of_several_is_named);
  tcase_add_test(tests, good_archives_are_read);
  tcase_add_test(tests, zip64_is_read);
  tcase_add_test(tests, damaged_directories_are_refused);
  tcase_add_test(tests, damaged_members_are_refused);
  tcase_add_test(tests, overlapping_members_are_refused);
  tcase_add_test(tests, bombs_are_refused);
  tcase_add_test(tests, names_decide);
  tcase_add_test(tests, queries_are_checked);
  tcase_add_test(tests, other_calls_are_checked);
  tcase_add_test(tests, every_allocation_fails);
  suite_add_tcase(suite, tests);
  return suite;
}
