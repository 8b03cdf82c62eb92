/* convert/convert.h - the parts of `convert`: which label a color means. */
#ifndef FREEMASK_TOOL_CONVERT_H
#define FREEMASK_TOOL_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/folder.h"

/* A color, as in planes of fm_colors_read but for the bits that do not count, and its label. */
typedef struct color_rule {
  uint32_t key;
  int32_t label;
} color_rule;

/* Rules by key. Zero-initialize, but for `bits`. */
typedef struct color_rules {
  uint32_t bits; /* those of a color that count: RULES_RGB, RULES_RGBA */
  color_rule *items;
  size_t count, capacity;
} color_rules;
#define RULES_RGB 0xFFFFFFu
#define RULES_RGBA 0xFFFFFFFFu

void rules_add(color_rules *rules, uint32_t color, int32_t label);
/* After the last rule. Of equal keys the first that was added stays. */
void rules_sort(color_rules *rules);
void rules_free(color_rules *rules);

/* The label; -1: no rule has the color. */
int32_t rules_find(const color_rules *rules, uint32_t color);

/* The rule whose color is nearest (in red, green and blue, Euclidean; the first of equals) and its
 * distance; NULL if there are none. */
const color_rule *rules_nearest(const color_rules *rules, uint32_t color, double *distance);

/* The colors of a label space or, with `voc`, those that Pascal VOC gives the numbers 0, 1, 2, ...
 * EXIT_DATA if there are none, or two classes share one. `source` is the value of --labels. */
int rules_of_labels(const fm_labels *labels, bool voc, const char *source, color_rules *out,
                    fault *f);

/* The label of a class by its name, in any case; -1: there is none. */
int32_t label_by_name(const fm_labels *labels, const char *name);

/* ---- Isaac Sim Replicator: a JSON file for each mask ------------------------------------ */

/* The file that tells what the colors of a mask mean, as BasicWriter calls it:
 * semantic_segmentation_labels_0000.json for semantic_segmentation_0000.png. Caller frees; NULL if
 * no mask is called like that. */
char *replicator_partner(const char *mask);
bool replicator_has_partner(const char *masks, const char *relative);

/* A space of all classes that the files name, by name, 255 ignored. */
int replicator_make_labels(fm_context *context, const folder *masks, fm_labels **out, fault *f);

/* What classes that the space does not have become: a label, or -1: they are EXIT_DATA. `numbers`:
 * masks hold numbers, not colors. */
int replicator_read(const char *path, const fm_labels *labels, int32_t unknown, color_rules *out,
                    bool *numbers, fault *f);

/* ---- COCO's panoptic masks: one JSON file for all --------------------------------------- */

typedef struct panoptic panoptic;

int panoptic_open(const char *path, panoptic **out, fault *f);
void panoptic_close(panoptic *p);

/* A space of its categories: labels are their ids, in which 0, no segment, is ignored. */
int panoptic_make_labels(const panoptic *p, fm_context *context, fm_labels **out, fault *f);

/* Finds the labels of all categories, by name, else by id. `unknown` as above. */
int panoptic_bind(panoptic *p, const fm_labels *labels, int32_t unknown, fault *f);

/* The segments of a mask. EXIT_DATA if the file does not know it. */
int panoptic_rules(const panoptic *p, const char *mask, color_rules *out, fault *f);

#endif
