/* job/input_parts.h - the files that a mask's results are made of. */
#ifndef FREEMASK_TOOL_INPUT_PARTS_H
#define FREEMASK_TOOL_INPUT_PARTS_H

#include "base/input_file.h"
#include "job/references.h"
#include "job/siblings.h"
#include "job/strata.h"
#include "losses/loss_source.h"

/* The mask, the file or files that its losses come from, its strata; its real mask, and what the
 * losses of that come from; all files of its siblings, as one. */
enum {
  PART_MASK,
  PART_LOSS,
  PART_SECOND,
  PART_STRATA,
  PART_REAL_MASK,
  PART_REAL_LOSS,
  PART_REAL_SECOND,
  PART_SIBLINGS,
  PARTS
};

/* What they were when they were read; identity 0: there is no such part. */
typedef struct input_parts {
  input_seen of[PARTS];
} input_parts;

/* Where the parts of masks are. `source`, `real` and `siblings` may be NULL. */
typedef struct part_places {
  const folder *masks;
  const loss_source *source;
  const strata_folder *strata;
  const references *real;
  const siblings *siblings;
} part_places;

/* The path of a part, or NULL if there is none, or if it is several files. Caller frees. */
char *input_part_path(const part_places *places, size_t mask_index, int part);

/* What can be told of a part without reading it, as input_stat does; `*identity` is 0 if there is no such
 * part. */
int input_part_stat(const part_places *places, size_t mask_index, int part,
                    const struct stat *written, int slack, uint64_t *identity, bool *settled,
                    fault *f);

/* Are all parts of a mask what they were (input_compare)? `*differs` gets the first that is not, or
 * PARTS. `*now` is what they are. */
int input_parts_compare(const part_places *places, size_t mask_index, const input_parts *before,
                        const struct stat *written, int slack, input_parts *now, int *differs,
                        fault *f);

#endif
