/* dsp/worlds.c - random images.
 * SPDX-License-Identifier: MIT */
#include "worlds.h"

#include <float.h>

static void make_space(space *s, uint64_t *random) {
  static const int32_t counts[] = {2, 11, 16, 19, 34, 64, 65, 151, 255, 256, 300, MOST_LABELS};
  s->label_count = counts[kit_below(random, sizeof counts / sizeof *counts)];
  s->class_count = 0;
  bool gaps = kit_below(random, 2);
  for (int32_t i = 0; i < s->label_count; i++) {
    bool out = gaps && i > 1 && kit_below(random, 8) == 0;
    s->classes[i] =
        out ? (kit_below(random, 2) ? FM_CLASS_IGNORE : FM_CLASS_INVALID) : s->class_count++;
  }
  s->ignore_label = s->label_count < 256 ? 255 : s->label_count;
  if (kit_below(random, 3) == 0 && s->label_count < MOST_LABELS) s->ignore_label = s->label_count;
}

static bool is_class(const space *s, int64_t label) {
  return label >= 0 && label < s->label_count && s->classes[label] >= 0;
}

static int64_t any_label(const space *s, uint64_t *random) {
  for (;;) {
    int64_t label = kit_below(random, s->label_count + 1);
    if (label == s->label_count) return s->ignore_label;
    if (s->classes[label] != FM_CLASS_INVALID) return label;
  }
}

static fm_dtype mask_dtype(const space *s, uint64_t *random) {
  static const fm_dtype wide[] = {FM_U16, FM_I16, FM_I32, FM_I64};
  bool byte = s->ignore_label < 256 && s->label_count <= 256;
  return byte && kit_below(random, 3) ? FM_U8 : wide[kit_below(random, 4)];
}

/* Runs of a length that the world likes: 1 is noise, long ones are scenes. */
static void fill_mask(world *w, uint64_t *random) {
  static const int64_t lengths[] = {1, 3, 20, 90, 1000};
  int64_t length = lengths[kit_below(random, 5)], left = 0, label = 0;
  for (int64_t y = 0; y < w->height; y++)
    for (int64_t x = 0; x < w->width; x++, left--) {
      if (left <= 0) {
        label = any_label(&w->space, random);
        left = 1 + kit_below(random, 2 * length);
      }
      kit_put_int(&w->mask.view, y, x, label);
    }
}

/* 2^-25 and 2^8, and their neighbours: whole images of them. */
static float edge_loss(uint64_t *random) {
  const uint32_t edges[] = {(127 - 25) << 23, (127 + 8) << 23};
  return kit_float(edges[kit_below(random, 2)] + (uint32_t)kit_below(random, 3) - 2);
}

static float any_loss(const world *w, uint64_t *random) {
  if (w->odd == 2) return edge_loss(random);
  return w->odd && !kit_below(random, 20) ? kit_wild_loss(random) : kit_plain_loss(random);
}

static void fill_loss(world *w, uint64_t *random) {
  static const uint32_t bad[] = {0x7fc00000, 0x7f800000, 0xff800000, 0xbf800000, 0x80000001};
  for (int64_t y = 0; y < w->height; y++)
    for (int64_t x = 0; x < w->width; x++) {
      float loss = any_loss(w, random);
      if (!kit_below(random, 30)) loss = kit_below(random, 2) ? 0.0F : -0.0F;
      /* Whatever lies under an ignored pixel is not looked at. */
      if (!is_class(&w->space, kit_get_int(&w->mask.view, y, x)) && !kit_below(random, 2))
        loss = kit_float(bad[kit_below(random, 5)]);
      if (w->loss.view.dtype != FM_F32 && loss > 65504 && loss <= FLT_MAX) loss = 65504;
      kit_put_real(&w->loss.view, y, x, loss);
    }
}

/* One pixel that every call has to refuse. */
static void spoil(world *w, uint64_t *random) {
  int64_t y = kit_below(random, w->height), x = kit_below(random, w->width);
  if (kit_below(random, 2)) {
    int64_t label = w->space.label_count + 1 + kit_below(random, 3);
    if (w->mask.view.dtype != FM_U8 && label != w->space.ignore_label)
      kit_put_int(&w->mask.view, y, x, label);
  } else {
    kit_put_real(&w->loss.view, y, x, kit_float(kit_below(random, 2) ? 0x7fc00000 : 0xbf800000));
  }
}

void make_world(world *w, uint64_t *random) {
  static const fm_dtype loss_dtypes[] = {FM_F32, FM_F32, FM_F16, FM_BF16};
  static const int64_t widths[] = {1, 63, 64, 65, 200, 513, 2047, 2049, 4200};
  make_space(&w->space, random);
  w->height = 1 + kit_below(random, 5);
  w->width = kit_below(random, 2) ? widths[kit_below(random, 9)] : 1 + kit_below(random, 300);
  kit_layout layout =
      kit_below(random, 2) ? KIT_PACKED : (kit_layout)kit_below(random, KIT_LAYOUTS);
  w->mask = kit_plane_new(mask_dtype(&w->space, random), w->height, w->width, layout);
  if (kit_below(random, 2)) layout = (kit_layout)kit_below(random, KIT_LAYOUTS);
  w->loss = kit_plane_new(loss_dtypes[kit_below(random, 4)], w->height, w->width, layout);
  w->odd = (int)kit_below(random, 3);
  w->at_end = kit_below(random, 2);
  w->bins = (int32_t)kit_below(random, 3);
  for (int32_t k = 0; k < w->space.class_count; k++)
    w->means[k] = kit_below(random, 8) ? (double)kit_plain_loss(random) : kit_wild_loss(random);
  w->means[0] = 1; /* not all 0 */
  fill_mask(w, random);
  fill_loss(w, random);
  if (kit_below(random, 5) == 0) spoil(w, random);
}

void free_world(world *w) {
  kit_plane_free(&w->mask);
  kit_plane_free(&w->loss);
}
