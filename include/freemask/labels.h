/* freemask/labels.h - what the values in a mask mean.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_LABELS_H
#define FREEMASK_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/view.h>

FM_BEGIN_DECLS

/** A label space: maps *labels* (raw values in masks) to *classes* (0 to K - 1, what the
 *  segmenter predicts), names the classes, and says which labels mean "no supervision" and
 *  which of them the filter writes.
 *
 *  Labels are -32,768 to 65,535. Those of classes are 0 or more; those below 0 can only be
 *  ignored (-1 and -100 are in wide use). They fit into masks of signed types, while a mask of an
 *  unsigned type never holds one.
 *
 *  Memory: 384 KiB, plus the names and 8 bytes per color. Thread-safety: immutable; share it
 *  freely. */
typedef struct fm_labels fm_labels;

/** Classes that are none. */
enum {
  FM_CLASS_IGNORE = -1, /**< no supervision: the pixel counts nowhere */
  FM_CLASS_INVALID = -2 /**< the label is not in the space: masks with it are refused */
};

/** Makes the label space of a data set by its name. The names, and the values that
 *  masks hold:
 *
 *  | name             | labels in masks   | classes | ignored        | written |
 *  |------------------|-------------------|---------|----------------|---------|
 *  | ade20k           | 0..150            | 150     | 0, 255         | 0       |
 *  | cocostuff164k    | 0..170 train ids  | 171     | 255            | 255     |
 *  | cocostuff164k-raw| 0..181 COCO id-1  | 171     | 11 unused, 255 | 255     |
 *  | cocostuff10k     | 0..171            | 171     | 0, 255         | 0       |
 *  | cityscapes       | 0..18 train ids   | 19      | 255            | 255     |
 *  | cityscapes-ids   | 0..33 label ids   | 19      | 15 void ids    | 0       |
 *  | voc2012          | 0..20             | 21      | 255            | 255     |
 *  | pascal-context   | 0..59             | 60      | 255            | 255     |
 *  | pascal-context-59| 0..59             | 59      | 0, 255         | 0       |
 *  | camvid           | 0..11             | 11      | 11             | 11      |
 *  | mapillary-v1.2   | 0..65             | 65      | 65             | 65      |
 *  | mapillary-v2     | 0..123            | 124     | 255            | 255     |
 *  | loveda           | 0..7              | 7       | 0, 255         | 0       |
 *  | isaid            | 0..15             | 16      | 255            | 255     |
 *
 *  On success the caller owns `*out`. Errors: ARGUMENT (unknown name; the message
 *  lists the names), MEMORY. */
FM_API fm_status fm_labels_create_from_preset(const fm_context *context, const char *name,
                                              fm_labels **out, fm_error *err);

/** The color in which a label is drawn. */
typedef struct fm_label_color {
  int32_t label;
  int32_t color; /**< 0xRRGGBB */
} fm_label_color;

/** A label space of the host's own. Sized structure, see freemask/context.h. */
typedef struct fm_labels_options {
  size_t size;
  const int64_t *ignored_labels;  /**< [ignored_count] distinct labels without supervision, each
                                       -32,768 to 65,535 and none of them a class's. The filter
                                       writes the first that the mask's type can hold. Required. */
  int32_t ignored_count;          /**< at least 1 */
  const char *name;               /**< for messages and files; NULL: "custom" */
  int32_t class_count;            /**< K, 1 to 65,535. Required. */
  int32_t label_count;            /**< length of `classes`, at most 65,536; 0: label = class */
  const int32_t *classes;         /**< classes[label]: a class, FM_CLASS_IGNORE (ignored, as if
                                       it were listed above) or FM_CLASS_INVALID; labels from
                                       label_count on are invalid unless they are listed above */
  const char *const *class_names; /**< K strings of UTF-8, or NULL: "class 0", ... */
  const fm_label_color *colors;   /**< [color_count] labels of the space, each at most once, and
                                       their colors, or NULL */
  int32_t color_count;            /**< 0 to 98,304 */
  int32_t reserved;               /**< 0 */
} fm_labels_options;

/** Makes a label space from a table. Every class needs a label. On success the caller owns
 *  `*out`; everything has been copied. Errors: ARGUMENT, MEMORY, UNSUPPORTED (options). */
FM_API fm_status fm_labels_create(const fm_context *context, const fm_labels_options *options,
                                  fm_labels **out, fm_error *err);

/** Releases the caller's hold; NULL is fine. */
FM_API void fm_labels_destroy(fm_labels *labels);

/** Name of preset number i; NULL if there are no more, or i is below 0. Static storage. Thread
 *  safety: any thread, any time. */
FM_API const char *fm_labels_preset_name(int32_t i);

/** Fills `*out`, whose `size` the caller has set, with options from which fm_labels_create
 *  makes an equal space: `classes` up to the last label of the space, all ignored labels in
 *  `ignored_labels` (those that were listed, in their order, then the others in ascending
 *  order). Pointers in it live as long as `labels`. Errors: ARGUMENT, UNSUPPORTED (`size`). */
FM_API fm_status fm_labels_get_options(const fm_labels *labels, fm_labels_options *out,
                                       fm_error *err);

/* ---- Getters. They cost no more than a look-up, but fingerprint, which walks the table. */

/** The space's name. Lives as long as `labels`. */
FM_API const char *fm_labels_name(const fm_labels *labels);

/** K; 0 if `labels` is NULL. */
FM_API int32_t fm_labels_class_count(const fm_labels *labels);

/** Name of a class; "" if there is no such class. Lives as long as `labels`. */
FM_API const char *fm_labels_class_name(const fm_labels *labels, int32_t class_index);

/** Class of a label: 0 to K - 1, FM_CLASS_IGNORE or FM_CLASS_INVALID. */
FM_API int32_t fm_labels_class_of(const fm_labels *labels, int64_t label);

/** The smallest label of a class; -1 if there is no such class. */
FM_API int64_t fm_labels_label_of(const fm_labels *labels, int32_t class_index);

/** The label that the filter writes: the first of `ignored_labels`. */
FM_API int64_t fm_labels_ignore_label(const fm_labels *labels);

/** The label that the filter writes into masks of an integer type: the first of `ignored_labels`
 *  that it can hold (-1 comes before 255 in a table for masks of signed types, say); the first of
 *  all if it can hold none, or `dtype` is none. */
FM_API int64_t fm_labels_ignore_label_in(const fm_labels *labels, int32_t dtype);

/** The color of a label, 0xRRGGBB; -1 if it has none. All presets have one for each class, but
 *  pascal-context, pascal-context-59 and mapillary-v2; cityscapes-ids has one for each label, and
 *  voc2012, camvid and mapillary-v1.2 have one for the ignored label, too. Two labels may have the
 *  same color. Thread-safety: any thread. */
FM_API int32_t fm_labels_color_of(const fm_labels *labels, int64_t label);

/** How names of mask files (of image files) of a preset end, before the extension:
 *  "_labelTrainIds" for cocostuff164k's masks. "" if the stem alone is the name. Static
 *  storage. */
FM_API const char *fm_labels_mask_suffix(const fm_labels *labels);
FM_API const char *fm_labels_image_suffix(const fm_labels *labels);

/** A number that two label spaces share if they map all labels alike, write the same ignore
 *  label and name their classes alike; colors do not count. The same on all machines and in all
 *  versions. */
FM_API uint64_t fm_labels_fingerprint(const fm_labels *labels);

/** Counts the pixels of each class. `class_pixels` has K elements, or is NULL; `*ignored` (may
 *  be NULL) receives the number of ignored pixels. Both are overwritten on success only. Memory: 16
 *  bytes per class while it works. Stack: less than 32 KiB. Errors: ARGUMENT, MEMORY, UNSUPPORTED
 *  (dtype, device), LIMIT (size), LABEL (names the first pixel in reading order and its
 *  value). */
FM_API fm_status fm_labels_count(const fm_labels *labels, const fm_plane *mask,
                                 int64_t *class_pixels, int64_t *ignored, fm_error *err);

/* ---- Masks in other numbers ------------------------------------------------------ */

/** Writes the class of each pixel (its "train id"), and `ignored_value` where the pixel is ignored:
 *  255 for most trainers, -1 or -100 for others; it must not be a class, 0 to K - 1.
 *
 *  `classes` is a mask of the same size, of any integer type in which `ignored_value` and K - 1
 *  fit. It is either the very same memory as `mask` (same data, strides and dtype) or shares no
 *  byte with it; anything else is refused.
 *
 *  Memory: as fm_labels_count. Stack: less than 32 KiB. Errors (`classes` is untouched): ARGUMENT,
 *  MEMORY, UNSUPPORTED (dtype, device), SHAPE, LIMIT (size, or a value does not fit), LABEL (names
 *  the first pixel in reading order and its value). Thread-safety: any thread. */
FM_API fm_status fm_labels_to_classes(const fm_labels *labels, const fm_plane *mask,
                                      int64_t ignored_value, const fm_plane *classes,
                                      fm_error *err);

/** Writes a mask in the labels of another label space of as many classes: class k becomes
 *  fm_labels_label_of(to, k), and an ignored pixel fm_labels_ignore_label(to). The rest is as with
 *  fm_labels_to_classes. Errors: also MISMATCH (another number of classes). */
FM_API fm_status fm_labels_convert(const fm_labels *labels, const fm_plane *mask,
                                   const fm_labels *to, const fm_plane *converted, fm_error *err);

FM_END_DECLS

#endif
