/* job/draft.c - a table of labels as far as masks tell it. */
#include "job/draft.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "job/convention.h"

void draft_note(draft *d, const char *format, ...) {
  char sentence[1200], line[1200];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(sentence, sizeof sentence, format, args);
  va_end(args);
  text_to_line(sentence, line,
               sizeof line); /* a comment is one line, whatever a folder is called */
  d->notes = alloc_grow(d->notes, d->note_count, &d->note_capacity, sizeof *d->notes);
  d->notes[d->note_count++] = alloc_text(line);
}

static void add_row(draft *d, draft_row row) {
  d->rows = alloc_grow(d->rows, d->count, &d->capacity, sizeof *d->rows);
  d->rows[d->count++] = row;
}

static double share_of(const draft *d, int64_t pixels) {
  return d->pixels ? 100.0 * (double)pixels / (double)d->pixels : 0;
}

/* ---- Values ----------------------------------------------------------------------- */

/* The values that occur, in ascending order. */
typedef struct values {
  const census *census;
  int64_t *list;
  size_t count;
  int64_t highest;  /* but 255 and 65535 */
  size_t plain;     /* values from 0 on that are neither */
  bool preset_fits; /* there is a preset that has them all */
} values;

static void list_values(const census *c, fm_context *context, values *v) {
  text presets = {0};
  *v = (values){.census = c, .highest = -1};
  v->list = alloc_zeroed(CENSUS_VALUES, sizeof *v->list);
  for (int64_t value = CENSUS_LOWEST; value <= CENSUS_HIGHEST; value++) {
    if (!census_at(c, value)->pixels) continue;
    v->list[v->count++] = value;
    if (value < 0 || value == 255 || value == 65535) continue;
    v->highest = value;
    v->plain++;
  }
  convention_presets(c, context, NULL, 1, &presets);
  v->preset_fits = presets.length > 0;
  text_free(&presets);
}

/* Borders between objects are drawn with lines of a few pixels: thin ones, compared with all else. */
static bool is_thin(const values *v, const census_value *seen) {
  int64_t pixels = 0, runs = 0;
  for (size_t i = 0; i < v->count; i++) {
    pixels += census_at(v->census, v->list[i])->pixels;
    runs += census_at(v->census, v->list[i])->runs;
  }
  return seen->pixels < 12 * seen->runs && 7 * seen->pixels < pixels &&
         2 * (double)seen->pixels / (double)seen->runs <
             (double)(pixels - seen->pixels) / (double)(runs - seen->runs);
}

/* Is the value, 255 or 65535, rather ignored than a class? */
static bool is_void(draft *d, const values *v, int64_t value) {
  const census_value *seen = census_at(v->census, value);
  const bool dense = (size_t)v->highest < 2 * v->plain + 8 || value > v->highest + 1024;
  if (v->plain < 2 || value <= v->highest || !(dense || v->preset_fits || is_thin(v, seen)))
    return false;
  draft_note(d,
             "%" PRId64
             " is probably ignored: %.1f %% of the pixels, in pieces of %.1f pixels on "
             "average, and the other values are at most %" PRId64
             ". If it is a class, give it the next number and let another label be ignored",
             value, share_of(d, seen->pixels), (double)seen->pixels / (double)seen->runs,
             v->highest);
  return true;
}

static bool is_ignored(draft *d, const values *v, int64_t value) {
  if (value < 0) {
    draft_note(d, "%" PRId64 " is ignored: labels below 0 are no classes", value);
    return true;
  }
  return (value == 255 || value == 65535) && is_void(d, v, value);
}

/* A label for the filter to write, where no value looks like one. */
static void add_free_label(draft *d, const values *v) {
  int64_t label = v->highest > 255 ? 65535 : 255;
  bool writable = false;
  for (size_t i = 0; i < d->count; i++)
    writable = writable || (d->rows[i].class_index < 0 && d->rows[i].first >= 0);
  if (writable) return;
  while (label > 0 && census_at(v->census, label)->pixels) label--;
  draft_note(d,
             "no value from 0 on looks ignored: %" PRId64
             ", which does not occur, is for the filter to write",
             label);
  add_row(d, (draft_row){label, label, FM_CLASS_IGNORE, -1, NULL, 0, 0});
}

static draft_row row_of(const values *v, int64_t value) {
  const census_value *seen = census_at(v->census, value);
  draft_row row = {value, value, FM_CLASS_IGNORE, -1, NULL, seen->pixels, seen->masks};
  if (value >= 0 && value < CENSUS_PALETTE && v->census->palette[value].mask[0])
    row.color = v->census->palette[value].color[0];
  return row;
}

/* Two classes, whose soft edges are divided in the middle. */
static void add_halves(draft *d, const census *c, const soft_edges *soft) {
  int64_t middle = (soft->low + soft->high) / 2, free = middle;
  int64_t first = soft->low < 16 ? 0 : soft->low;
  int64_t last = soft->high > 239 && soft->high < 256 ? 255 : soft->high;
  for (int64_t v = middle - 8; v < middle + 8; v++)
    if (census_at(c, v)->pixels < census_at(c, free)->pixels) free = v;
  const draft_row rows[] = {{first, free - 1, 0, -1, "background", 0, 0},
                            {free + 1, last, 1, -1, "foreground", 0, 0},
                            {free, free, FM_CLASS_IGNORE, -1, NULL, 0, 0}};
  draft_note(
      d,
      "two values, %" PRId64 " and %" PRId64 ", with %" PRId64
      " others between them in %.1f %% of the pixels: soft edges, divided in the middle. %" PRId64
      " (%" PRId64 " pixels) is for the filter to write",
      soft->low, soft->high, soft->others, soft->share, free, census_at(c, free)->pixels);
  for (size_t i = 0; i < 3; i++) {
    draft_row row = rows[i];
    for (int64_t v = row.first; v <= row.last; v++) {
      row.pixels += census_at(c, v)->pixels;
      if (census_at(c, v)->masks > row.masks) row.masks = census_at(c, v)->masks;
    }
    add_row(d, row);
  }
}

static void add_values(draft *d, const values *v) {
  int32_t classes = 0;
  bool *ignored = alloc_zeroed(v->count, sizeof *ignored);
  const bool binary = v->count == 2 && v->list[0] == 0;
  for (size_t i = 0; i < v->count; i++) {
    ignored[i] = is_ignored(d, v, v->list[i]);
    if (ignored[i]) continue;
    draft_row row = row_of(v, v->list[i]);
    row.class_index = classes++;
    if (binary) row.name = i ? "foreground" : "background";
    add_row(d, row);
  }
  for (size_t i = 0; i < v->count; i++)
    if (ignored[i]) add_row(d, row_of(v, v->list[i]));
  free(ignored);
  add_free_label(d, v);
}

/* The last of the values 0, 1, 2, ... that are all there but one, which lies higher; -1: they are
 * not like that. */
static int64_t apart_from(const values *v) {
  const int64_t last = (int64_t)v->plain - 2;
  if (last < 1 || v->highest == last + 1) return -1;
  for (int64_t value = 0; value <= last; value++)
    if (!census_at(v->census, value)->pixels) return -1;
  return last;
}

static void note_looks(draft *d, fm_context *context, const census *c, const values *v) {
  text line = {0}, presets = {0};
  convention_values(c, &line);
  draft_note(d, "%s", line.data);
  convention_presets(c, context, NULL, 5, &presets);
  if (presets.length)
    draft_note(d,
               "presets that have them all: %s. Is it one of these? Then --labels takes its name",
               presets.data);
  if (v->count == 2 && v->list[0] == 0)
    draft_note(d, "two values, 0 and %" PRId64 ": binary masks, both values are classes",
               v->list[1]);
  if (apart_from(v) >= 0)
    draft_note(d,
               "%" PRId64 " lies apart from 0 to %" PRId64
               ": a class, or without supervision? Then its class is 'ignore'",
               v->highest, apart_from(v));
  text_free(&line);
  text_free(&presets);
}

void draft_values(draft *d, fm_context *context, const census *c) {
  values v;
  soft_edges soft;
  d->pixels = c->pixels;
  d->masks = c->masks;
  list_values(c, context, &v);
  note_looks(d, context, c, &v);
  if (convention_soft_edges(c, &soft))
    add_halves(d, c, &soft);
  else
    add_values(d, &v);
  free(v.list);
}

/* ---- Colors ----------------------------------------------------------------------- */

enum { MOST_ROWS = 256, VOC_BORDER = 0xE0E0C0 };

/* Colors of soft edges are many, with few pixels each. */
static size_t count_rows(const draft *d, const color_set *set) {
  size_t count = 0;
  if (set->count <= 64) return set->count;
  while (count < set->count && count < MOST_ROWS && share_of(d, set->items[count].pixels) >= 0.1)
    count++;
  return count ? count : 1;
}

void draft_colors(draft *d, const color_set *set, int64_t masks) {
  int64_t rest = set->more;
  int32_t classes = 0;
  draft_row border = {255, 255, FM_CLASS_IGNORE, -1, NULL, 0, 0};
  d->masks = masks;
  d->pixels = set->more;
  for (size_t i = 0; i < set->count; i++) d->pixels += set->items[i].pixels;
  const size_t count = count_rows(d, set);
  for (size_t i = 0; i < set->count; i++) {
    const color_entry *e = &set->items[i];
    const int32_t color = color_rgb(e->color);
    if (i >= count) rest += e->pixels;
    if (i >= count || classes >= 255) continue;
    if (color == VOC_BORDER) {
      border.color = color;
      border.pixels = e->pixels;
      border.masks = e->masks;
      continue;
    }
    add_row(d, (draft_row){classes, classes, classes, color, NULL, e->pixels, e->masks});
    classes++;
  }
  draft_note(d, "the masks hold %zu colors: freemask convert makes labels of them by this table",
             set->count);
  if (rest)
    draft_note(d,
               "%zu colors with few pixels each (%.1f %% of all) are not listed: soft edges? "
               "freemask convert --nearest takes them for the color that is nearest",
               set->count - count, share_of(d, rest));
  draft_note(d, border.color >= 0 ? "#e0e0c0 is what Pascal VOC draws borders with: ignored"
                                  : "255 is for the filter to write. If a color means no "
                                    "supervision, give it the class 'ignore'");
  add_row(d, border);
}

/* ---- The table -------------------------------------------------------------------- */

static void add_name(const draft_row *row, text *out) {
  if (row->class_index < 0) return;
  if (row->name)
    text_add_csv(out, row->name);
  else
    text_add(out, "class %d", (int)row->class_index);
}

void draft_as_text(const draft *d, text *out) {
  for (size_t i = 0; i < d->note_count; i++) text_add(out, "# %s\n", d->notes[i]);
  text_add(out, "label,class,name,color,pixels,percent,masks\n");
  for (size_t i = 0; i < d->count; i++) {
    const draft_row *row = &d->rows[i];
    text_add(out, "%" PRId64, row->first);
    if (row->last > row->first) text_add(out, ":%" PRId64, row->last);
    text_add(out, row->class_index < 0 ? ",ignore," : ",%d,", (int)row->class_index);
    add_name(row, out);
    if (row->color >= 0)
      text_add(out, ",#%06x", (unsigned)row->color);
    else
      text_add(out, ",");
    text_add(out, ",%" PRId64 ",%.3f,%" PRId64 "\n", row->pixels, share_of(d, row->pixels),
             row->masks);
  }
}

static json_t *row_as_json(const draft *d, const draft_row *row) {
  text name = {0}, color = {0};
  add_name(row, &name);
  if (row->color >= 0) text_add(&color, "#%06x", (unsigned)row->color);
  json_t *value = json_pack(
      "{s:I, s:I, s:o, s:o, s:o, s:I, s:f, s:I}", "first", (json_int_t)row->first, "last",
      (json_int_t)row->last, "class",
      row->class_index < 0 ? json_string("ignore") : json_integer(row->class_index), "name",
      json_text(name.data), "color", json_text(color.data), "pixels", (json_int_t)row->pixels,
      "percent", share_of(d, row->pixels), "masks", (json_int_t)row->masks);
  text_free(&name);
  text_free(&color);
  return value;
}

json_t *draft_as_json(const draft *d) {
  json_t *rows = json_array(), *notes = json_array();
  for (size_t i = 0; i < d->count; i++) json_array_append_new(rows, row_as_json(d, &d->rows[i]));
  for (size_t i = 0; i < d->note_count; i++) json_array_append_new(notes, json_text(d->notes[i]));
  return json_pack("{s:I, s:I, s:o, s:o}", "masks", (json_int_t)d->masks, "pixels",
                   (json_int_t)d->pixels, "rows", rows, "notes", notes);
}

void draft_free(draft *d) {
  for (size_t i = 0; i < d->note_count; i++) free(d->notes[i]);
  free(d->notes);
  free(d->rows);
  *d = (draft){0};
}
