/* job/confusion.h - what dropped pixels show instead of what their mask says: whole numbers per pair of
 * classes. */
#ifndef FREEMASK_TOOL_CONFUSION_H
#define FREEMASK_TOOL_CONFUSION_H

#include <jansson.h>

#include "base/fault.h"

/* Tables of the same classes add up. */
typedef struct confusion {
  int32_t class_count; /* 0: it is not known */
  int64_t *cells;      /* [class of the mask][class shown]: dropped pixels */
} confusion;

void confusion_open(int32_t class_count, confusion *out); /* nothing above LOSS_CLASSES */
void confusion_free(confusion *c);

/* The class of each pixel, [height][width]; a mask may be filtered in place. Caller frees. */
int32_t *confusion_classes(const fm_labels *labels, const fm_plane *mask);

/* Counts the pixels that had a class before and are ignored now. Without `shown` nothing is counted:
 * the source does not tell. */
void confusion_add(confusion *c, const fm_labels *labels, const int32_t *before,
                   const fm_plane *filtered, const int32_t *shown);

/* Adds `from`; where one of both is not known, the sum is not, either. */
void confusion_merge(confusion *into, const confusion *from);

/* A class's row as json_counts has it; null if it is not known. And back: EXIT_DATA where it makes no
 * sense, or is more than was dropped. */
json_t *confusion_save_class(const confusion *c, int32_t k);
int confusion_load_class(const json_t *item, const char *path, int32_t class_count, int32_t k,
                         int64_t dropped, confusion *out, fault *f);

/* Classes that were shown for dropped pixels, most first. */
typedef struct confused_pair {
  int32_t mask, shown; /* classes; the same: the right class, but not clearly */
  int64_t pixels;
} confused_pair;

/* Of class k; -1: of all, without pairs of the same class. Returns how many of `most` there are. */
int confusion_top(const confusion *c, int32_t k, int most, confused_pair *out);

#endif
