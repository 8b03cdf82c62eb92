/* job/census.c - counting raw values. */
#include "job/census.h"

#include "base/pixel.h"

static void count_run(census *c, int64_t value, int64_t length) {
  if (value < CENSUS_LOWEST || value > CENSUS_HIGHEST) {
    c->outside += length;
    return;
  }
  census_value *v = &c->values[value - CENSUS_LOWEST];
  v->pixels += length;
  v->runs++;
  v->masks += v->last != c->masks;
  v->last = c->masks;
}

static void count_bytes(census *c, const unsigned char *row, int64_t width) {
  for (int64_t x = 0, end; x < width; x = end) {
    for (end = x + 1; end < width && row[end] == row[x];) end++;
    count_run(c, row[x], end - x);
  }
}

static void count_row(census *c, const fm_plane *m, const char *row) {
  int64_t value = pixel_label(row, m->dtype), length = 1;
  for (int64_t x = 1; x < m->width; x++) {
    int64_t next = pixel_label(row + x * m->col_stride, m->dtype);
    if (next != value) {
      count_run(c, value, length);
      value = next;
      length = 0;
    }
    length++;
  }
  count_run(c, value, length);
}

static void note_color(census_color *seen, int64_t mask, int32_t color) {
  if (!seen->mask[0]) {
    seen->mask[0] = mask;
    seen->color[0] = color;
  } else if (color != seen->color[0] && !seen->mask[1]) {
    seen->mask[1] = mask;
    seen->color[1] = color;
  }
}

/* The colors of the indices that the mask, which was counted last, has. */
static void add_palette(census *c, const fm_raster *raster, size_t index) {
  int32_t size = fm_raster_palette_size(raster);
  c->palettes += size > 0;
  for (int32_t i = 0; i < size && i < CENSUS_PALETTE; i++) {
    uint8_t rgb[3];
    if (census_at(c, i)->last != c->masks || fm_raster_palette_entry(raster, i, rgb, NULL))
      continue;
    note_color(&c->palette[i], (int64_t)index + 1, rgb[0] << 16 | rgb[1] << 8 | rgb[2]);
  }
}

void census_add(census *c, const fm_raster *mask, size_t index) {
  const fm_plane plane = fm_raster_plane(mask), m = pixel_strides(&plane);
  c->masks++;
  for (int64_t y = 0; y < m.height; y++) {
    const char *row = (const char *)m.data + y * m.row_stride;
    if (m.dtype == FM_U8 && m.col_stride == 1)
      count_bytes(c, (const unsigned char *)row, m.width);
    else
      count_row(c, &m, row);
  }
  c->pixels += m.height * m.width;
  add_palette(c, mask, index);
}

/* The first two colors of both, whichever worker saw them. */
static void merge_color(census_color *into, const census_color *from) {
  census_color both[2] = {*into, *from};
  if (!from->mask[0]) return;
  int first = into->mask[0] && into->mask[0] < from->mask[0] ? 0 : 1;
  *into = (census_color){{both[first].mask[0], 0}, {both[first].color[0], 0}};
  for (int b = 0; b < 2; b++)
    for (int i = 0; i < 2; i++) {
      int64_t mask = both[b].mask[i];
      if (!mask || both[b].color[i] == into->color[0]) continue;
      if (into->mask[1] && into->mask[1] < mask) continue;
      into->mask[1] = mask;
      into->color[1] = both[b].color[i];
    }
}

void census_merge(census *into, const census *from) {
  for (int i = 0; i < CENSUS_VALUES; i++) {
    into->values[i].pixels += from->values[i].pixels;
    into->values[i].runs += from->values[i].runs;
    into->values[i].masks += from->values[i].masks;
  }
  for (int i = 0; i < CENSUS_PALETTE; i++) merge_color(&into->palette[i], &from->palette[i]);
  into->outside += from->outside;
  into->pixels += from->pixels;
  into->masks += from->masks;
  into->palettes += from->palettes;
}

int census_torn_index(const census *c) {
  for (int i = 0; i < CENSUS_PALETTE; i++)
    if (c->palette[i].mask[1]) return i;
  return -1;
}
