/* job/draft.h - a table of labels as far as masks tell it: values, and guesses about them. */
#ifndef FREEMASK_TOOL_DRAFT_H
#define FREEMASK_TOOL_DRAFT_H

#include <jansson.h>

#include "base/color_set.h"
#include "base/text.h"
#include "job/census.h"

typedef struct draft_row {
  int64_t first, last; /* labels */
  int32_t class_index; /* FM_CLASS_IGNORE: ignored */
  int32_t color;       /* 0xRRGGBB; -1: none is known */
  const char *name;    /* NULL: "class 3" */
  int64_t pixels, masks;
} draft_row;

/* Zero-initialize. */
typedef struct draft {
  draft_row *rows;
  size_t count, capacity;
  char **notes; /* what was seen and guessed, a sentence each */
  size_t note_count, note_capacity;
  int64_t pixels, masks; /* of the whole set */
} draft;

/* From values of masks. */
void draft_values(draft *d, fm_context *context, const census *c);
/* From colors of masks; `set` is sorted. */
void draft_colors(draft *d, const color_set *set, int64_t masks);

TOOL_PRINTF(2, 3) void draft_note(draft *d, const char *format, ...);

/* A table that fm_labels_read takes: comments, label,class,name,color and columns to look at. */
void draft_as_text(const draft *d, text *out);
json_t *draft_as_json(const draft *d); /* new reference */
void draft_free(draft *d);

#endif
