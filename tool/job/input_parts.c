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
    case PART_SIBLINGS:
      return NULL;
    default:
      return places->real ? references_path(places->real, mask_index, part - PART_REAL_MASK) : NULL;
  }
}

/* ---- Siblings: several files as one ----------------------------------------------------- */

static void free_paths(char **paths, size_t count) {
  while (count) free(paths[--count]);
  free(paths);
}

static char **sibling_files(const part_places *places, size_t mask_index, size_t *count) {
  *count = 0;
  return places->siblings ? siblings_paths(places->siblings, mask_index, count) : NULL;
}

static int siblings_stat(const part_places *places, size_t mask_index, const struct stat *written,
                         int slack, uint64_t *identity, bool *settled, fault *f) {
  size_t count;
  input_seen all = {0};
  char **paths = sibling_files(places, mask_index, &count);
  int code = EXIT_FINE;
  *settled = true;
  for (size_t i = 0; i < count && !code; i++) {
    input_seen one = {.content = 1};
    bool is_settled = true;
    code = input_stat(paths[i], written, slack, &one.identity, &is_settled, f);
    input_join(&all, &one);
    *settled = *settled && is_settled;
  }
  *identity = all.identity;
  free_paths(paths, count);
  return code;
}

static int siblings_look(const part_places *places, size_t mask_index, input_seen *now, fault *f) {
  size_t count;
  char **paths = sibling_files(places, mask_index, &count);
  int code = EXIT_FINE;
  *now = (input_seen){0};
  for (size_t i = 0; i < count && !code; i++) {
    input_seen one;
    code = input_look(paths[i], &one, f);
    if (!code) input_join(now, &one);
  }
  free_paths(paths, count);
  return code;
}

/* As input_compare. */
static int siblings_compare(const part_places *places, size_t mask_index, const input_seen *before,
                            const struct stat *written, int slack, input_seen *now, bool *same,
                            fault *f) {
  bool settled;
  const bool any = places->siblings && siblings_count(places->siblings, mask_index);
  *now = *before;
  *same = any == (before->content != 0);
  if (!any || !*same) return EXIT_FINE;
  int code = siblings_stat(places, mask_index, written, slack, &now->identity, &settled, f);
  if (code || (settled && now->identity == before->identity)) return code;
  code = siblings_look(places, mask_index, now, f);
  *same = !code && now->content == before->content && now->size == before->size;
  return code;
}

/* ---- Any part ----------------------------------------------------------------------------- */

int input_part_stat(const part_places *places, size_t mask_index, int part,
                    const struct stat *written, int slack, uint64_t *identity, bool *settled,
                    fault *f) {
  if (part == PART_SIBLINGS)
    return siblings_stat(places, mask_index, written, slack, identity, settled, f);
  char *path = input_part_path(places, mask_index, part);
  *identity = 0;
  *settled = true;
  int code = path ? input_stat(path, written, slack, identity, settled, f) : EXIT_FINE;
  free(path);
  return code;
}

static int compare(const part_places *places, size_t mask_index, int part, const input_seen *was,
                   const struct stat *written, int slack, input_seen *now, bool *same, fault *f) {
  if (part == PART_SIBLINGS)
    return siblings_compare(places, mask_index, was, written, slack, now, same, f);
  char *path = input_part_path(places, mask_index, part);
  int code = EXIT_FINE;
  *same = !path == !was->content;
  if (*same && path) code = input_compare(path, was, written, slack, now, same, f);
  free(path);
  return code;
}

int input_parts_compare(const part_places *places, size_t mask_index, const input_parts *before,
                        const struct stat *written, int slack, input_parts *now, int *differs,
                        fault *f) {
  int code = EXIT_FINE;
  *differs = PARTS;
  *now = *before;
  for (int part = 0; part < PARTS && !code && *differs == PARTS; part++) {
    bool same;
    code = compare(places, mask_index, part, &before->of[part], written, slack, &now->of[part],
                   &same, f);
    if (!code && !same) *differs = part;
  }
  return code;
}
