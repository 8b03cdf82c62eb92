/* labels/labels.h - the label space, as the other policies see it. */
#ifndef FM_LABELS_LABELS_H
#define FM_LABELS_LABELS_H

#include <freemask/labels.h>

#include "core/context.h"
#include "dsp/tile.h"

_Static_assert(FM_CLASS_IGNORE == (int)FM__CLASS_IGNORE &&
                   FM_CLASS_INVALID == (int)FM__CLASS_INVALID,
               "dsp/dsp.h has the same numbers");

enum { FM__LABELS = FM__LAST_LABEL - FM__FIRST_LABEL + 1, FM__MOST_CLASSES = 65535 };

struct fm_labels {
  fm_context *context;
  atomic_size_t holds;
  char *name;
  int32_t class_count;
  int64_t ignore_label;
  int32_t ignored_count;
  int64_t *ignored;     /* [ignored_count], the one that the filter writes first */
  int32_t *table;       /* [FM__LABELS] class of each label from FM__FIRST_LABEL on */
  int32_t *classes;     /* within the table: classes[label] */
  int32_t *first_label; /* [class_count] smallest label of each class */
  char **class_names;   /* [class_count] in one block */
  int32_t color_count;
  fm_label_color *colors; /* [color_count] by label; NULL: none */
  const char *mask_suffix;
  const char *image_suffix;
};

fm_labels *fm__labels_hold(const fm_labels *labels);
void fm__labels_drop(fm_labels *labels);

fm__lookup fm__labels_lookup(const fm_labels *labels);

/* The sentence for a pixel that is not in the space. */
fm_status fm__labels_fail(const fm_labels *labels, const fm_plane *mask, int64_t y, int64_t x,
                          fm_error *err);

/* The sentence for a loss of class `class_index` that is no loss. */
fm_status fm__loss_fail(const fm_labels *labels, const fm_plane *loss, int32_t class_index,
                        int64_t y, int64_t x, fm_error *err);

/* Label spaces by name, in labels_presets.c. */
typedef struct fm__preset {
  const char *name;
  int16_t class_count;
  int16_t label_count;    /* labels 0 .. label_count - 1 are in the space */
  int16_t offset;         /* label = class + offset, where there is no table */
  int16_t ignore_label;   /* what the filter writes */
  int16_t also_ignored;   /* another ignored label, or -1 */
  const int16_t *classes; /* [label_count], or NULL */
  const char *const *class_names;
  const char *mask_suffix;
  const char *image_suffix;
  const int32_t *colors; /* [class_count] 0xRRGGBB; with `by_label` [label_count]; NULL: none */
  bool by_label;
  int32_t ignore_color; /* of the label that the filter writes; -1: none */
} fm__preset;

/* Palettes, in labels_palettes.c. */
extern const int32_t fm__colors_ade20k[], fm__colors_cocostuff[], fm__colors_cityscapes[],
    fm__colors_cityscapes_ids[], fm__colors_voc[], fm__colors_camvid[], fm__colors_mapillary_v1_2[],
    fm__colors_loveda[], fm__colors_isaid[];

const fm__preset *fm__preset_at(size_t i); /* NULL behind the last */

#endif
