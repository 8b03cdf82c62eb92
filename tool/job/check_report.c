/* job/check_report.c - what check says, and what a shard's report says beside it so that all can be joined:
 *   "shard": {"index", "count", "masks": {"identity", "count"} of the whole set, "made_of",
 *     "values": [[value, pixels, runs, masks], ...] that occur, "outside", "pixels", "palettes",
 *     "colors": [[index, mask, name, color], ...], "sums": as check_sums} */
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/folder_names.h"
#include "base/json_file.h"
#include "base/note.h"
#include "job/check.h"
#include "job/convention.h"

enum { MOST = 1 << 30 }; /* shards; and 2^60 for what is counted */
#define MOST_COUNTED (INT64_C(1) << 60)

/* ---- What is about the whole set -------------------------------------------------------- */

/* Programs that reduce colors image by image number them anew each time. */
static void judge_palettes(check_result *r, int torn, const char *const names[2]) {
  const census_color *c = &r->census.palette[torn];
  text t = {0};
  text_add(&t, "palettes differ: index %d is #%06x in %s and #%06x in %s", torn,
           (unsigned)c->color[0], names[0], (unsigned)c->color[1], names[1]);
  text_add(&t,
           ": were colors reduced to palettes image by image? Then a number means another class in "
           "each mask, and freemask convert makes labels of the colors");
  findings_add(&r->findings, FINDING_COLORS, NULL, t.data);
  text_free(&t);
}

void check_judge_values(check_result *r, fm_context *context, const fm_labels *labels, bool own,
                        int torn, const char *const names[2]) {
  bool misfit;
  r->fits = false;
  if (!r->census.pixels) return;
  convention_describe(&r->census, context, labels, own, &r->convention, &misfit);
  convention_presets(&r->census, context, NULL, 64, &r->presets);
  r->fits = !misfit;
  if (misfit) findings_add(&r->findings, FINDING_CONVENTION, NULL, r->convention.data);
  if (torn >= 0) judge_palettes(r, torn, names);
}

void check_note_sums(const check_sums *sums) {
  if (sums->below)
    note_say("%s: %" PRId64 " losses of %" PRId64
             " %ss are a hair below 0 (above -1e-05, as "
             "rounding leaves them) and count as 0",
             sums->losses, sums->below, sums->maps, sums->what);
  if (sums->turned)
    note_say("%s: %" PRId64 " of %" PRId64
             " images are stored in another orientation, which EXIF tells; %s",
             sums->images, sums->turned, sums->found,
             folder_names_now.exif == EXIF_IGNORE
                 ? "they are taken as stored (--exif ignore)"
                 : "they were turned (--exif ignore takes them as stored)");
}

static json_t *notes_as_json(void) {
  json_t *all = json_array();
  for (size_t i = 0; i < note_count(); i++) json_array_append_new(all, json_text(note_get(i)));
  return all;
}

json_t *check_as_json(const char *labels, const check_result *r) {
  json_t *root =
      json_pack("{s:s, s:i, s:o, s:I, s:o, s:o, s:o, s:o}", "format", "freemask-check", "version",
                1, "labels", json_text(labels), "masks", (json_int_t)r->masks, "convention",
                json_text(r->convention.data ? r->convention.data : "no mask could be read"),
                "presets", json_text(r->presets.data ? r->presets.data : ""), "findings",
                findings_as_json(&r->findings), "notes", notes_as_json());
  if (r->shard) json_object_set(root, "shard", r->shard);
  return root;
}

/* ---- Shards --------------------------------------------------------------------------------- */

static json_t *save_values(const census *c) {
  json_t *all = json_array();
  for (int64_t value = CENSUS_LOWEST; value <= CENSUS_HIGHEST; value++) {
    const census_value *v = census_at(c, value);
    if (v->pixels)
      json_array_append_new(all, json_pack("[I, I, I, I]", (json_int_t)value, (json_int_t)v->pixels,
                                           (json_int_t)v->runs, (json_int_t)v->masks));
  }
  return all;
}

static json_t *save_colors(const census *c, const folder *masks) {
  json_t *all = json_array();
  for (int index = 0; index < CENSUS_PALETTE; index++)
    for (int i = 0; i < 2; i++) {
      const int64_t mask = c->palette[index].mask[i];
      if (mask)
        json_array_append_new(all, json_pack("[i, I, o, i]", index, (json_int_t)mask,
                                             json_text(masks->files[mask - 1].relative),
                                             (int)c->palette[index].color[i]));
    }
  return all;
}

json_t *check_save_shard(const check_result *r, folder_shard shard, const folder *masks,
                         uint64_t identity, json_t *made_of) {
  const check_sums *sums = &r->sums;
  return json_pack(
      "{s:I, s:I, s:{s:o, s:I}, s:o, s:o, s:I, s:I, s:I, s:o, s:{s:o, s:o, s:I, s:I, s:o, s:I, "
      "s:I}}",
      "index", (json_int_t)shard.index, "count", (json_int_t)shard.count, "masks", "identity",
      json_hex(identity), "count", (json_int_t)masks->count, "made_of", made_of, "values",
      save_values(&r->census), "outside", (json_int_t)r->census.outside, "pixels",
      (json_int_t)r->census.pixels, "palettes", (json_int_t)r->census.palettes, "colors",
      save_colors(&r->census, masks), "sums", "losses", json_text(sums->losses), "what",
      json_text(sums->what), "below", (json_int_t)sums->below, "maps", (json_int_t)sums->maps,
      "images", json_text(sums->images), "turned", (json_int_t)sums->turned, "found",
      (json_int_t)sums->found);
}

static int fail_row(const char *path, const char *what, fault *f) {
  return fault_set(f, EXIT_DATA, "%s: a row of \"%s\" makes no sense", path, what);
}

static int load_values(const json_t *rows, const char *path, census *c, fault *f) {
  size_t i;
  json_t *row;
  json_array_foreach(rows, i, row) {
    json_int_t value, pixels, runs, masks;
    if (json_unpack(row, "[I, I, I, I!]", &value, &pixels, &runs, &masks) ||
        value < CENSUS_LOWEST || value > CENSUS_HIGHEST || pixels < 1 || pixels > MOST_COUNTED ||
        runs < 1 || runs > pixels || masks < 1 || masks > runs)
      return fail_row(path, "values", f);
    c->values[value - CENSUS_LOWEST] =
        (census_value){.pixels = pixels, .runs = runs, .masks = masks};
  }
  return EXIT_FINE;
}

static int load_colors(const json_t *rows, const char *path, census *c, fault *f) {
  size_t i;
  json_t *row;
  json_array_foreach(rows, i, row) {
    int index, color;
    json_int_t mask;
    const char *name;
    if (json_unpack(row, "[i, I, s, i!]", &index, &mask, &name, &color) || index < 0 ||
        index >= CENSUS_PALETTE || mask < 1 || mask > MOST_COUNTED || color < 0 ||
        color > 0xffffff || c->palette[index].mask[1])
      return fail_row(path, "colors", f);
    const int at = c->palette[index].mask[0] != 0;
    c->palette[index].mask[at] = mask;
    c->palette[index].color[at] = color;
  }
  return EXIT_FINE;
}

static int load_sums(const json_t *sums, const char *path, check_sums *out, fault *f) {
  int code = json_member_text_or_null(sums, path, "losses", &out->losses, f);
  if (!code) code = json_member_text_or_null(sums, path, "what", &out->what, f);
  if (!code) code = json_member_whole(sums, path, "below", 0, MOST_COUNTED, &out->below, f);
  if (!code) code = json_member_whole(sums, path, "maps", 0, MOST_COUNTED, &out->maps, f);
  if (!code) code = json_member_text_or_null(sums, path, "images", &out->images, f);
  if (!code) code = json_member_whole(sums, path, "turned", 0, MOST_COUNTED, &out->turned, f);
  if (!code) code = json_member_whole(sums, path, "found", 0, MOST_COUNTED, &out->found, f);
  if (!code && ((out->below && !(out->losses && out->what)) || (out->turned && !out->images)))
    code = fault_set(f, EXIT_DATA, "%s: \"sums\" counts what is not there", path);
  return code;
}

int check_load_shard(const json_t *root, const char *path, folder_shard *shard, uint64_t *identity,
                     json_t **made_of, check_result *r, fault *f) {
  json_t *from, *masks, *values, *colors, *sums;
  int64_t count;
  if (!json_object_get(root, "shard"))
    return fault_set(f, EXIT_DATA, "%s: is of a whole set, expected check --shard", path);
  int code = json_member_object(root, path, "shard", &from, f);
  if (!code) code = json_member_whole(from, path, "count", 2, MOST, &shard->count, f);
  if (!code) code = json_member_whole(from, path, "index", 0, shard->count - 1, &shard->index, f);
  if (!code) code = json_member_object(from, path, "masks", &masks, f);
  if (!code) code = json_member_hex(masks, path, "identity", identity, f);
  if (!code) code = json_member_whole(masks, path, "count", 0, MOST_COUNTED, &count, f);
  if (!code) code = json_member_object(from, path, "made_of", made_of, f);
  if (!code) code = json_member_array(from, path, "values", &values, f);
  if (!code) code = json_member_array(from, path, "colors", &colors, f);
  if (!code) code = json_member_object(from, path, "sums", &sums, f);
  if (!code)
    code = json_member_whole(from, path, "outside", 0, MOST_COUNTED, &r->census.outside, f);
  if (!code) code = json_member_whole(from, path, "pixels", 0, MOST_COUNTED, &r->census.pixels, f);
  if (!code)
    code = json_member_whole(from, path, "palettes", 0, MOST_COUNTED, &r->census.palettes, f);
  if (!code) code = load_values(values, path, &r->census, f);
  if (!code) code = load_colors(colors, path, &r->census, f);
  return code ? code : load_sums(sums, path, &r->sums, f);
}

const char *check_color_name(const json_t *root, int64_t mask) {
  size_t i;
  json_t *row;
  json_array_foreach(json_object_get(json_object_get(root, "shard"), "colors"), i,
                     row) if (json_integer_value(json_array_get(row, 1)) ==
                              mask) return json_string_value(json_array_get(row, 2));
  return NULL;
}
