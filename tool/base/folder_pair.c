/* base/folder_pair.c - which file belongs to which mask. */
#include "base/folder_pair.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/note.h"
#include "base/path.h"

/* ---- One mask ------------------------------------------------------------------------- */

const folder_file *folder_find_any(const folder *files, const char *stem, folder_finder find) {
  const folder_file *found = find(files, stem);
  for (int composed = 0; composed < 2 && !found; composed++) {
    char *form = folder_names_form(stem, composed);
    if (form) found = find(files, form);
    free(form);
  }
  return found;
}

static const folder_file *find_partner(const folder *files, const folder_file *mask,
                                       folder_finder find) {
  const folder_file *found = folder_find_any(files, mask->stem, find);
  if (found) return found;
  char *full = path_stem(mask->relative, "");
  if (strcmp(full, mask->stem) != 0) found = folder_find_any(files, full, find);
  free(full);
  return found;
}

/* ---- A rule for those that are left ----------------------------------------------------- */

/* Replaces one end of a stem: "_mask" by "_sat" behind, "mask_" by "image_" in front. */
typedef struct rule {
  bool front;
  char from[64], to[64];
} rule;

/* Endings tell what a file is, not which: no numbers. ("leftImg8bit" is a word.) */
static bool keep_part(char *out, const char *part, size_t length) {
  if (length >= 64) return false;
  for (size_t i = 0; i < length; i++) {
    bool inside = i && i + 1 < length && isalpha((unsigned char)part[i - 1]) &&
                  isalpha((unsigned char)part[i + 1]);
    if (part[i] == '/' || (isdigit((unsigned char)part[i]) && !inside)) return false;
  }
  memcpy(out, part, length);
  out[length] = '\0';
  return true;
}

static bool find_front(const char *stem, const char *other, rule *out) {
  size_t a = strlen(stem), b = strlen(other), same = 0;
  while (same < a && same < b && stem[a - 1 - same] == other[b - 1 - same]) same++;
  /* The number is shared; what stands before it belongs to the words. */
  while (same && !isdigit((unsigned char)stem[a - same])) same--;
  return same && keep_part(out->from, stem, a - same) && keep_part(out->to, other, b - same);
}

static bool find_back(const char *stem, const char *other, rule *out) {
  size_t a = strlen(stem), b = strlen(other), same = 0;
  while (same < a && same < b && stem[same] == other[same]) same++;
  /* Words are not cut. */
  while (same && same < a && same < b && isalpha((unsigned char)stem[same - 1])) same--;
  return same && keep_part(out->from, stem + same, a - same) &&
         keep_part(out->to, other + same, b - same);
}

/* Bytes of the folders that a stem begins with. */
static size_t folders_of(const char *stem) {
  const char *slash = strrchr(stem, '/');
  return slash ? (size_t)(slash - stem) + 1 : 0;
}

/* The rule that leads from one stem to the other in the same subfolder; false if there is none. */
static bool find_rule(const char *stem, const char *other, bool front, rule *out) {
  size_t below = folders_of(stem);
  *out = (rule){.front = front};
  if (below != folders_of(other) || strncmp(stem, other, below) != 0) return false;
  return front ? find_front(stem + below, other + below, out)
               : find_back(stem + below, other + below, out);
}

/* The stem by the rule, or NULL if it does not apply. Caller frees. */
static char *by_rule(const rule *r, const char *stem) {
  size_t whole = strlen(stem), from = strlen(r->from);
  size_t below = folders_of(stem);
  if (whole - below <= from) return NULL;
  const char *at = r->front ? stem + below : stem + whole - from;
  if (memcmp(at, r->from, from) != 0) return NULL;
  text t = {0};
  if (r->front)
    text_add(&t, "%.*s%s%s", (int)below, stem, r->to, at + from);
  else
    text_add(&t, "%.*s%s", (int)(whole - from), stem, r->to);
  return t.data;
}

static const folder_file *find_by_rule(const folder *files, const char *stem, const rule *r,
                                       folder_finder find) {
  char *name = by_rule(r, stem);
  const folder_file *found = name ? folder_find_any(files, name, find) : NULL;
  free(name);
  return found;
}

/* How many of the masks that are left the rule gives a partner. */
static size_t count_by_rule(const folder *masks, const folder *files, const folder_pairs *pairs,
                            const rule *r, folder_finder find) {
  size_t count = 0;
  for (size_t i = 0; i < masks->count; i++)
    count += !pairs->of[i] && find_by_rule(files, masks->files[i].stem, r, find) != NULL;
  return count;
}

enum { MOST_RULES = 6, NEIGHBOURS = 4 };

typedef struct rules {
  rule list[MOST_RULES];
  size_t count;
} rules;

static void consider(rules *all, const char *stem, const char *other, bool front) {
  rule r;
  if (!find_rule(stem, other, front, &r) || all->count == MOST_RULES) return;
  for (size_t i = 0; i < all->count; i++)
    if (all->list[i].front == r.front && !strcmp(all->list[i].from, r.from) &&
        !strcmp(all->list[i].to, r.to))
      return;
  all->list[all->count++] = r;
}

/* Where the stem would stand in the sorted list. */
static size_t place_of(const folder *files, const char *stem) {
  size_t low = 0, high = files->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(files->files[middle].stem, stem) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The bytes that both end in. */
static size_t common_end(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b), same = 0;
  while (same < n && same < m && a[n - 1 - same] == b[m - 1 - same]) same++;
  return same;
}

/* What may lead from the first mask that is left to a file: neighbours in the list share its
 * beginning; of the others, the one that shares most of its end. */
static rules find_rules(const folder *files, const char *stem) {
  rules all = {.count = 0};
  size_t place = place_of(files, stem), best = 0, most = 0;
  size_t first = place > NEIGHBOURS ? place - NEIGHBOURS : 0;
  for (size_t i = first; i < files->count && i < place + NEIGHBOURS; i++)
    consider(&all, stem, files->files[i].stem, false);
  for (size_t i = 0; i < files->count; i++) {
    size_t same = common_end(stem, files->files[i].stem);
    if (same > most) {
      most = same;
      best = i;
    }
  }
  if (most) consider(&all, stem, files->files[best].stem, true);
  return all;
}

static int by_address(const void *a, const void *b) {
  const folder_file *left = *(const folder_file *const *)a, *right = *(const folder_file *const *)b;
  return (left > right) - (left < right);
}

/* No file may be the partner of two masks. */
static bool is_distinct(const folder_pairs *pairs, size_t count) {
  const folder_file **sorted = alloc_zeroed(count, sizeof *sorted);
  bool distinct = true;
  memcpy(sorted, pairs->of, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, by_address);
  for (size_t i = 1; i < count; i++)
    distinct = distinct && (!sorted[i] || sorted[i] != sorted[i - 1]);
  free(sorted);
  return distinct;
}

static void note_rule(const folder *files, const rule *r, const char *what, size_t count) {
  const char *flag = files->kind == FOLDER_IMAGES ? "--image-suffix" : "--loss-suffix";
  if (r->front)
    note_say(
        "%s: names that begin with '%s' are taken for those of the masks with '%s' there; so "
        "%zu masks have their %s",
        files->path, r->to, r->from, count, what);
  else if (*r->from)
    note_say(
        "%s: names that end in '%s' are taken for those of the masks with '%s' there; so %zu "
        "masks have their %s (%s and --mask-suffix say it)",
        files->path, r->to, r->from, count, what, flag);
  else
    note_say(
        "%s: the names end in '%s', which is taken as their suffix; so %zu masks have their %s "
        "(%s says it)",
        files->path, r->to, count, what, flag);
}

/* Uses the one rule that gives at least half of those that are left a partner; with two such rules
 * nothing can be told. */
static void pair_by_rule(const folder *masks, const folder *files, folder_finder find,
                         const char *what, folder_pairs *pairs) {
  rules all = find_rules(files, masks->files[pairs->first].stem);
  const rule *best = NULL;
  for (size_t i = 0; i < all.count; i++) {
    if (2 * count_by_rule(masks, files, pairs, &all.list[i], find) < pairs->missing) continue;
    if (best) return;
    best = &all.list[i];
  }
  if (!best) return;
  folder_pairs more = {.of = alloc_zeroed(masks->count, sizeof *more.of)};
  memcpy(more.of, pairs->of, masks->count * sizeof *more.of);
  for (size_t i = 0; i < masks->count; i++) {
    if (!more.of[i]) more.of[i] = find_by_rule(files, masks->files[i].stem, best, find);
    if (!more.of[i] && !more.missing++) more.first = i;
  }
  if (is_distinct(&more, masks->count)) {
    note_rule(files, best, what, pairs->missing - more.missing);
    folder_pairs_free(pairs);
    *pairs = more;
  } else {
    folder_pairs_free(&more);
  }
}

/* ---- All masks ------------------------------------------------------------------------ */

static int by_node(const void *a, const void *b) {
  const folder_file *left = *(folder_file *const *)a, *right = *(folder_file *const *)b;
  return (left->node > right->node) - (left->node < right->node);
}

/* Is the image one of the masks? `sorted` has these by their numbers. */
static bool is_mask(const folder *masks, const folder_file **sorted, const folder *images,
                    const folder_file *image) {
  size_t low = 0, high = image->node ? masks->count : 0;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (sorted[middle]->node < image->node)
      low = middle + 1;
    else
      high = middle;
  }
  for (; image->node && low < masks->count && sorted[low]->node == image->node; low++)
    if (folder_same_file(masks, sorted[low], images, image)) return true;
  return false;
}

/* Images and masks may lie in one folder, and both may be PNG: what is a mask is no image. */
static int drop_masks(const folder *masks, folder *images, const char *what, fault *f) {
  const folder_file **known = alloc_zeroed(masks->count, sizeof *known);
  bool *drop = alloc_zeroed(images->count, sizeof *drop);
  size_t dropped = 0, count = images->count;
  for (size_t i = 0; i < masks->count; i++) known[i] = &masks->files[i];
  qsort(known, masks->count, sizeof *known, by_node);
  for (size_t i = 0; i < count; i++)
    dropped += drop[i] = is_mask(masks, known, images, &images->files[i]);
  int code = EXIT_FINE;
  if (dropped && dropped == count)
    code = fault_set(f, EXIT_DATA,
                     "%s: all %zu files there are masks of %s, expected the images: no mask is its "
                     "own %s",
                     images->path, count, masks->path, what);
  else if (dropped)
    folder_drop(images, drop);
  free(known);
  free(drop);
  return code;
}

static int check_own(const folder *masks, const folder *files, const folder_pairs *pairs,
                     const char *what, fault *f) {
  for (size_t i = 0; i < masks->count; i++)
    if (pairs->of[i] && folder_same_file(masks, &masks->files[i], files, pairs->of[i]))
      return fault_set(
          f, EXIT_DATA, "%s/%s: the mask is its own %s, which is %s/%s; expected two files",
          masks->path, masks->files[i].relative, what, files->path, pairs->of[i]->relative);
  return EXIT_FINE;
}

int folder_pair(const folder *masks, folder *files, folder_finder find, const char *what,
                folder_pairs *out, fault *f) {
  *out = (folder_pairs){.of = NULL};
  int code = files->kind == FOLDER_IMAGES ? drop_masks(masks, files, what, f) : EXIT_FINE;
  if (!code) code = folder_check_unique(files, f);
  if (code) return code;
  out->of = alloc_zeroed(masks->count, sizeof *out->of);
  for (size_t i = 0; i < masks->count; i++) {
    out->of[i] = find_partner(files, &masks->files[i], find);
    if (!out->of[i] && !out->missing++) out->first = i;
  }
  /* A rule is for a folder, not for the odd mask whose file is missing. */
  if (files->count && 2 * out->missing >= masks->count && out->missing)
    pair_by_rule(masks, files, find, what, out);
  code = check_own(masks, files, out, what, f);
  if (code) folder_pairs_free(out);
  return code;
}

void folder_pairs_free(folder_pairs *pairs) {
  free(pairs->of);
  *pairs = (folder_pairs){.of = NULL};
}

size_t folder_pairs_spare(const folder *masks, const folder *files, const folder_pairs *pairs,
                          size_t *first) {
  bool *used = alloc_zeroed(files->count, sizeof *used);
  size_t spare = 0;
  for (size_t i = 0; i < masks->count; i++)
    if (pairs->of[i]) used[pairs->of[i] - files->files] = true;
  for (size_t i = 0; i < files->count; i++)
    if (!used[i] && !spare++) *first = i;
  free(used);
  return spare;
}
