/* base/folder_guess.c - which files of a folder are masks, where nobody says so. */
#include "base/folder_guess.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/note.h"
#include "base/path.h"

/* ---- Other renderings of a mask ------------------------------------------------------- */

/* The part of a suffix like "_gtFine_labelIds" that siblings ("_gtFine_color") share: up to the
 * last underscore. 0 if there is none. */
static size_t shared_part(const char *suffix) {
  const char *last = strrchr(suffix, '_');
  return last && last != suffix ? (size_t)(last - suffix) + 1 : 0;
}

/* Is the stem that of a mask, followed by a sibling's ending? */
static bool is_sibling(const folder *out, const char *stem, const char *suffix, size_t shared) {
  char *mask = alloc_text(stem), *end = NULL;
  for (char *at = strchr(mask, suffix[0]); at; at = strchr(at + 1, suffix[0]))
    if (!strncmp(at, suffix, shared)) end = at;
  if (end) *end = '\0';
  const folder_file *found = end ? folder_find(out, mask) : NULL;
  free(mask);
  return found != NULL;
}

/* Data sets like Cityscapes keep other renderings next to each mask. Those, recognized by the
 * mask next to them, are not masks. */
static void drop_siblings(folder *out, const char *suffix) {
  size_t shared = shared_part(suffix);
  if (!shared) return;
  bool *drop = alloc_zeroed(out->count, sizeof *drop);
  for (size_t i = 0; i < out->count; i++)
    drop[i] = is_sibling(out, out->files[i].stem, suffix, shared);
  folder_drop(out, drop);
  free(drop);
}

/* ---- Well-known suffixes -------------------------------------------------------------- */

/* Longer ones before those that they end in. */
static const char *const known[] = {"_gtFine_labelTrainIds",
                                    "_gtFine_labelIds",
                                    "_gtCoarse_labelTrainIds",
                                    "_gtCoarse_labelIds",
                                    "_labelTrainIds",
                                    "_instance_color_RGB",
                                    "_labelIds",
                                    "_train_id",
                                    "_trainIds",
                                    "_train_ids",
                                    "_segmentation",
                                    "_annotation",
                                    "_semantic",
                                    "_seg_map",
                                    "_labels",
                                    "_label",
                                    "_masks",
                                    "_mask",
                                    "_Mask",
                                    "_MASK",
                                    "_anno",
                                    "_ann",
                                    "_lbl",
                                    "_seg",
                                    "_gt",
                                    "_GT",
                                    "-labels",
                                    "-label",
                                    "-masks",
                                    "-mask",
                                    "-seg",
                                    "-gt",
                                    ".labels",
                                    ".label",
                                    ".masks",
                                    ".mask",
                                    ".seg",
                                    ".gt"};
enum { KNOWN = sizeof known / sizeof *known, LOOKED_AT = 8 };

static bool ends_in(const char *stem, const char *suffix) {
  return path_ends_with(stem, suffix) && strlen(stem) > strlen(suffix);
}

/* The stems that remain of the files with the suffix, as a folder of their own. */
static folder bare_stems(const folder *files, const char *suffix) {
  folder bare = {.files = alloc_zeroed(files->count, sizeof *bare.files)};
  for (size_t i = 0; i < files->count; i++) {
    if (!ends_in(files->files[i].stem, suffix)) continue;
    folder_file *file = &bare.files[bare.count++];
    file->stem = alloc_text(files->files[i].stem);
    file->stem[strlen(file->stem) - strlen(suffix)] = '\0';
  }
  folder_sort(&bare);
  return bare;
}

/* Is it called like a mask, without the suffix or with another ending? */
static bool belongs(const folder *bare, const char *stem) {
  if (folder_find(bare, stem)) return true;
  char *part = alloc_text(stem);
  bool found = false;
  for (size_t i = strlen(part); i-- > 1 && part[i] != '/' && !found;) {
    if (!strchr("_-. ", part[i])) continue;
    part[i] = '\0';
    found = folder_find(bare, part) != NULL;
  }
  free(part);
  return found;
}

/* Are all files masks with the suffix, or belong to one? */
static bool explains(const folder *files, const char *suffix) {
  folder bare = bare_stems(files, suffix);
  bool all = bare.count > 0;
  for (size_t i = 0; i < files->count && all; i++)
    all = ends_in(files->files[i].stem, suffix) || belongs(&bare, files->files[i].stem);
  folder_free(&bare);
  return all;
}

/* Files that belong together are neighbours: the first few show which suffixes there may be. */
static bool is_candidate(const folder *files, const char *suffix, const char *better) {
  if (better && path_ends_with(better, suffix)) return false;
  for (size_t i = 0; i < files->count && i < LOOKED_AT; i++)
    if (ends_in(files->files[i].stem, suffix)) return true;
  return false;
}

static void use_suffix(folder *masks, const char *suffix) {
  bool *drop = alloc_zeroed(masks->count, sizeof *drop);
  size_t dropped = 0;
  for (size_t i = 0; i < masks->count; i++) {
    folder_file *file = &masks->files[i];
    file->suffixed = ends_in(file->stem, suffix);
    if (file->suffixed) file->stem[strlen(file->stem) - strlen(suffix)] = '\0';
    drop[i] = !file->suffixed;
    dropped += drop[i];
  }
  folder_drop(masks, drop);
  folder_sort(masks);
  free(drop);
  if (dropped)
    note_say(
        "%s: the %zu files that end in '%s' are taken as the masks, the %zu beside them are "
        "not (--mask-suffix says otherwise)",
        masks->path, masks->count, suffix, dropped);
  else
    note_say(
        "%s: the masks' names end in '%s', which is taken as their suffix (--mask-suffix none "
        "makes it a part of the name)",
        masks->path, suffix);
}

static bool has_suffix(const folder *masks) {
  for (size_t i = 0; i < masks->count; i++)
    if (masks->files[i].suffixed) return true;
  return false;
}

void folder_guess_masks(folder *masks, const char *suffix) {
  const char *found = NULL;
  if (*suffix && has_suffix(masks)) {
    drop_siblings(masks, suffix);
    return;
  }
  for (size_t i = 0; i < KNOWN; i++) {
    if (!is_candidate(masks, known[i], found) || !explains(masks, known[i])) continue;
    if (found) {
      note_say("%s: names end in '%s' and in '%s'; --mask-suffix tells which are the masks",
               masks->path, found, known[i]);
      return;
    }
    found = known[i];
  }
  if (found) use_suffix(masks, found);
}

/* ---- Types ---------------------------------------------------------------------------- */

static const char *type_of(const folder_file *file) {
  const char *dot = strrchr(file->relative, '.');
  return dot ? dot : "";
}

static bool is_type(const folder_file *file, const char *type) {
  return !strcasecmp(type_of(file), type);
}

void folder_guess_type(folder *masks) {
  static const char *const types[] = {".png", ".tif", ".tiff", ".npy"};
  size_t stems = masks->count > 0;
  for (size_t i = 1; i < masks->count; i++)
    stems += strcmp(masks->files[i - 1].stem, masks->files[i].stem) != 0;
  for (size_t k = 0; stems < masks->count && k < sizeof types / sizeof *types; k++) {
    size_t count = 0, other = masks->count;
    bool *drop = alloc_zeroed(masks->count, sizeof *drop);
    for (size_t i = 0; i < masks->count; i++) {
      drop[i] = !is_type(&masks->files[i], types[k]);
      count += !drop[i];
      if (drop[i]) other = i;
    }
    /* Of an odd one nothing can be told. */
    if (count == stems && 2 * (masks->count - count) >= stems) {
      note_say(
          "%s: every mask is there as %s, so the %zu others, such as %s, are not taken as "
          "masks (--mask-suffix %s would)",
          masks->path, types[k], masks->count - count, masks->files[other].relative,
          type_of(&masks->files[other]));
      folder_drop(masks, drop);
    }
    free(drop);
    if (count == stems) return;
  }
}
