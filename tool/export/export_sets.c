/* export/export_sets.c - the images that are exported, and where their files are. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "export/exporter.h"

static int list_folder(const export_state *s, folder_kind kind, const char *path, folder *out,
                       char **base, fault *f) {
  if (!path) return EXIT_FINE;
  *base = export_path(s, path);
  return folder_list(kind, path, s->ws.labels, out, f);
}

static int list_folders(export_state *s, fault *f) {
  const export_job *job = s->job;
  export_set *real = &s->real, *made = &s->synthetic, *validation = &s->validation;
  int code = list_folder(s, FOLDER_MASKS, job->synthetic, &made->masks, &made->mask_base, f);
  if (!code) code = list_folder(s, FOLDER_IMAGES, job->images, &made->images, &made->image_base, f);
  if (!code)
    code = list_folder(s, FOLDER_MASKS, job->real_masks, &real->masks, &real->mask_base, f);
  if (!code)
    code = list_folder(s, FOLDER_IMAGES, job->real_images, &real->images, &real->image_base, f);
  if (!code)
    code =
        list_folder(s, FOLDER_MASKS, job->val_masks, &validation->masks, &validation->mask_base, f);
  if (!code)
    code = list_folder(s, FOLDER_IMAGES, job->val_images, &validation->images,
                       &validation->image_base, f);
  return code;
}

static const folder_file *find(const folder *files, const char *stem) {
  return files->path ? folder_find_any(files, stem, folder_find) : NULL;
}

/* Images belong to masks as they do everywhere; without masks, to stems. */
static int pair(export_set *set, fault *f) {
  if (!set->images.path) return EXIT_FINE;
  if (!set->masks.path) return folder_check_unique(&set->images, f);
  return folder_pair(&set->masks, &set->images, folder_find, "image", &set->pairs, f);
}

static const folder_file *image_of(const export_set *set, const folder_file *mask,
                                   const char *stem) {
  if (!set->pairs.of) return find(&set->images, stem);
  return mask ? set->pairs.of[mask - set->masks.files] : NULL;
}

static int refuse_missing(const export_state *s, const folder *files, const char *stem,
                          const char *rest, fault *f) {
  text near = {0};
  folder_add_nearest(files, stem, &near);
  int code = fault_set(f, EXIT_DATA, "%s: no file with the stem '%s'%s%s", files->path, stem, rest,
                       near.data);
  (void)s;
  text_free(&near);
  return code;
}

/* Every mask of the plan must be in the real folders that were given. */
static int list_real(export_state *s, fault *f) {
  export_set *set = &s->real;
  size_t rows = (size_t)fm_plan_mask_count(s->plan);
  int code = pair(set, f);
  if (code) return code;
  set->entries = alloc_zeroed(rows, sizeof *set->entries);
  for (size_t i = 0; i < rows; i++) {
    const char *stem = plan_entry(s->plan, i).mask_id;
    export_entry entry = {.row = i, .mask = find(&set->masks, stem)};
    entry.image = image_of(set, entry.mask, stem);
    const folder *without = set->masks.path && !entry.mask     ? &set->masks
                            : set->images.path && !entry.image ? &set->images
                                                               : NULL;
    if (without) {
      text rest = {0};
      text_add(&rest, ", which the plan %s names", s->job->plan);
      code = refuse_missing(s, without, stem, rest.data, f);
      text_free(&rest);
      return code;
    }
    entry.stem = alloc_text(stem);
    set->entries[set->count++] = entry;
  }
  return EXIT_FINE;
}

int export_open_real(export_state *s, fault *f) {
  export_set *set = &s->real;
  const export_job *job = s->job;
  int code = list_folder(s, FOLDER_MASKS, job->real_masks, &set->masks, &set->mask_base, f);
  if (!code)
    code = list_folder(s, FOLDER_IMAGES, job->real_images, &set->images, &set->image_base, f);
  if (!code) code = pair(set, f);
  if (code) return code;
  set->entries = alloc_zeroed(set->masks.count, sizeof *set->entries);
  for (size_t i = 0; i < set->masks.count; i++) {
    const folder_file *mask = &set->masks.files[i];
    export_entry entry = {.row = i, .mask = mask, .image = image_of(set, mask, mask->stem)};
    if (set->images.path && !entry.image)
      return fault_set(f, EXIT_DATA, "%s: no image with the stem '%s' of the mask %s/%s",
                       set->images.path, mask->stem, set->masks.path, mask->relative);
    entry.stem = alloc_text(mask->stem);
    set->entries[set->count++] = entry;
  }
  s->synthetic.mask_base = job->synthetic ? export_path(s, job->synthetic) : NULL;
  s->synthetic.image_base = job->images ? export_path(s, job->images) : NULL;
  return EXIT_FINE;
}

/* ---- Synthetic images ------------------------------------------------------------------- */

/* The masks of the plan as a folder that synthetic files are matched with; stems are the plan's. */
static folder planned_masks(const export_state *s) {
  folder planned = {.path = alloc_text(s->job->plan), .kind = FOLDER_MASKS};
  planned.count = (size_t)fm_plan_mask_count(s->plan);
  planned.files = alloc_zeroed(planned.count, sizeof *planned.files);
  for (size_t i = 0; i < planned.count; i++)
    planned.files[i].stem = alloc_text(plan_entry(s->plan, i).mask_id);
  return planned;
}

/* The synthetic image of a row and a seed; with its files, as far as folders were given. There
 * are millions of them: the stem takes no more memory than it needs. */
static export_entry planned_entry(const export_state *s, const synthetic_set *there, size_t row,
                                  const char *mask, int64_t seed) {
  const export_set *set = &s->synthetic;
  const folder_file *file = synthetic_find(there, row, seed);
  export_entry entry = {.row = row, .seed = seed};
  entry.stem =
      file ? alloc_text(file->stem) : synthetic_name(folder_names_now.synthetic, mask, seed);
  entry.mask = set->masks.path ? file : NULL;
  entry.image = set->masks.path ? image_of(set, file, entry.stem) : file;
  return entry;
}

/* Generating: lists what is not there. Else: what is. */
static void add_synthetic(export_state *s, export_entry entry, char **first_missing) {
  export_set *set = &s->synthetic;
  bool there = (!set->masks.path || entry.mask) && (!set->images.path || entry.image);
  if (export_has(s, EXPORT_GENERATES) ? !entry.image : there) {
    set->entries[set->count++] = entry;
    return;
  }
  if (!there && !s->missing++) *first_missing = alloc_text(entry.stem);
  free(entry.stem);
}

static int list_planned(export_state *s, const synthetic_set *there, fault *f) {
  export_set *set = &s->synthetic;
  const folder *files = set->masks.path ? &set->masks : &set->images;
  char *first = NULL;
  size_t rows = (size_t)fm_plan_mask_count(s->plan);
  s->asked = fm_plan_image_count(s->plan);
  set->entries = alloc_zeroed((size_t)s->asked, sizeof *set->entries);
  for (size_t i = 0; i < rows; i++) {
    fm_plan_entry row = plan_entry(s->plan, i);
    for (int64_t k = 0; k < row.count; k++)
      add_synthetic(s, planned_entry(s, there, i, row.mask_id, row.seeds[k]), &first);
  }
  int code = EXIT_FINE;
  if (s->missing && !s->job->allow_missing) {
    text rest = {0};
    text_add(&rest,
             " (%" PRId64 " of %" PRId64
             " images of the plan are missing; --allow-missing leaves them out)",
             s->missing, s->asked);
    code = refuse_missing(s, files, first, rest.data, f);
    text_free(&rest);
  }
  free(first);
  s->times = (int64_t)rint((double)set->count / (double)rows);
  if (s->whole_repeats) s->times = s->whole_repeats;
  if (s->times < 1) s->times = 1;
  return code;
}

static int list_synthetic(export_state *s, fault *f) {
  export_set *set = &s->synthetic;
  folder planned = planned_masks(s), none = {.path = ""};
  const folder *files = set->masks.path ? &set->masks : set->images.path ? &set->images : &none;
  synthetic_set there = {0};
  int code = pair(set, f);
  if (!code) code = synthetic_match(&planned, files, &there, f);
  if (!code && !s->job->stage) synthetic_tell_guess(&there); /* else `run` has said it */
  if (!code) code = list_planned(s, &there, f);
  synthetic_free(&there);
  folder_free(&planned);
  return code;
}

/* All masks of the folder, each with its image. */
static int list_validation(export_state *s, fault *f) {
  export_set *set = &s->validation;
  if (!set->masks.path) return EXIT_FINE;
  int code = pair(set, f);
  if (code) return code;
  set->entries = alloc_zeroed(set->masks.count, sizeof *set->entries);
  for (size_t i = 0; i < set->masks.count; i++) {
    const folder_file *mask = &set->masks.files[i], *image = image_of(set, mask, mask->stem);
    if (!image)
      return fault_set(f, EXIT_DATA, "%s: no image with the stem '%s', which %s has a mask of",
                       set->images.path, mask->stem, set->masks.path);
    set->entries[set->count++] =
        (export_entry){.stem = alloc_text(mask->stem), .mask = mask, .image = image};
  }
  return EXIT_FINE;
}

/* The rows of a shard as a plan; their ranks are those among them. */
static int keep_shard(export_state *s, fault *f) {
  const folder_shard shard = s->job->shard;
  const size_t count = (size_t)fm_plan_mask_count(s->plan);
  fm_plan *part = NULL;
  fm_error err;
  s->whole_repeats = shard.count > 1 ? fm_plan_real_repeats(s->plan) : 0;
  if (shard.count <= 1) return EXIT_FINE;
  fm_plan_rows rows = {.size = sizeof rows};
  const char **ids = alloc_zeroed(count, sizeof *ids);
  double *hardness = alloc_zeroed(count, sizeof *hardness);
  int64_t *counts = alloc_zeroed(count, sizeof *counts);
  int64_t *seeds = alloc_zeroed((size_t)fm_plan_image_count(s->plan), sizeof *seeds);
  for (size_t i = 0; i < count; i++) {
    const fm_plan_entry entry = plan_entry(s->plan, i);
    if (!folder_in_shard(entry.mask_id, shard)) continue;
    ids[rows.row_count] = entry.mask_id;
    hardness[rows.row_count] = entry.hardness;
    counts[rows.row_count++] = entry.count;
    for (int64_t k = 0; k < entry.count; k++) seeds[rows.seed_count++] = entry.seeds[k];
  }
  rows.mask_ids = ids;
  rows.hardness = hardness;
  rows.counts = counts;
  rows.seeds = seeds;
  int code = EXIT_FINE;
  if (!rows.row_count)
    code = fault_set(f, EXIT_DATA, "%s: shard %" PRId64 "/%" PRId64 " has none of its %zu masks",
                     s->job->plan, shard.index, shard.count, count);
  else if (fm_plan_create(s->ws.context, &rows, &part, &err))
    code = fault_library(f, &err, s->job->plan);
  free(ids);
  free(hardness);
  free(counts);
  free(seeds);
  if (code) return code;
  fm_plan_destroy(s->plan);
  s->plan = part;
  return EXIT_FINE;
}

int export_open_sets(export_state *s, fault *f) {
  s->real.name = "real";
  s->real.mask_option = "--real-masks";
  s->real.image_option = "--real-images";
  s->synthetic.name = "synthetic";
  s->synthetic.mask_option = "--synthetic";
  s->synthetic.image_option = "--images";
  s->validation.name = "validation";
  s->validation.mask_option = "--val-masks";
  s->validation.image_option = "--val-images";
  int code = plan_file_read(s->ws.context, s->job->plan, &s->plan, f);
  if (!code) code = keep_shard(s, f);
  if (!code) code = list_folders(s, f);
  if (!code) code = list_real(s, f);
  if (!code) code = list_validation(s, f);
  return code ? code : list_synthetic(s, f);
}

static void close_set(export_set *set) {
  for (size_t i = 0; i < set->count; i++) free(set->entries[i].stem);
  free(set->entries);
  folder_pairs_free(&set->pairs);
  free(set->mask_base);
  free(set->image_base);
  folder_free(&set->masks);
  folder_free(&set->images);
}

void export_close_sets(export_state *s) {
  close_set(&s->real);
  close_set(&s->synthetic);
  close_set(&s->validation);
  fm_plan_destroy(s->plan);
}

char *export_path(const export_state *s, const char *path) {
  return s->job->relative ? path_relative(s->job->output.folder, path) : path_absolute(path);
}

char *export_image_path(const export_set *set, const export_entry *entry) {
  return entry->image ? path_join(set->image_base, entry->image->relative) : NULL;
}

char *export_mask_path(const export_set *set, const export_entry *entry) {
  return entry->mask ? path_join(set->mask_base, entry->mask->relative) : NULL;
}
