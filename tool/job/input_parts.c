/* job/input_parts.c - the files that a mask's results are made of. */
#include "job/input_parts.h"

#include <stdlib.h>

char *input_part_path(const part_places *places, size_t mask_index, int part) {
  switch (part) {
    case PART_MASK:
      return folder_path(places->masks, &places->masks->files[mask_index]);
    case PART_LOSS:
      return places->source ? loss_source_path(places->source, mask_index) : NULL;
    case PART_SECOND:
      return places->source ? loss_source_second_path(places->source, mask_index) : NULL;
    case PART_STRATA:
      return strata_path(places->strata, mask_index);
    default:
      return places->real ? references_path(places->real, mask_index, part - PART_REAL_MASK) : NULL;
  }
}

int input_parts_compare(const part_places *places, size_t mask_index, const input_parts *before,
                        const struct stat *written, int slack, input_parts *now, int *differs,
                        fault *f) {
  int code = EXIT_FINE;
  *differs = PARTS;
  *now = *before;
  for (int part = 0; part < PARTS && !code && *differs == PARTS; part++) {
    const input_seen *was = &before->of[part];
    char *path = input_part_path(places, mask_index, part);
    bool same = !path == !was->content;
    if (same && path) code = input_compare(path, was, written, slack, &now->of[part], &same, f);
    if (!code && !same) *differs = part;
    free(path);
  }
  return code;
}
