/* job/plan_there.c - plans of the images that are there. */
#include "job/plan_there.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/seeds.h"
#include "job/plan_file.h"

static int by_value(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

/* The seeds of all images, each once, as --seeds takes them: "0:3", or "1,5,7". */
static char *seeds_of(const synthetic_set *there, size_t *count) {
  int64_t *all = alloc_zeroed(there->count, sizeof *all);
  text t = {0};
  size_t distinct = 0;
  for (size_t i = 0; i < there->count; i++) all[i] = there->entries[i].seed;
  qsort(all, there->count, sizeof *all, by_value);
  for (size_t i = 0; i < there->count; i++)
    if (!i || all[i] != all[i - 1]) all[distinct++] = all[i];
  if ((uint64_t)(all[distinct - 1] - all[0]) == distinct - 1)
    text_add(&t, "%" PRId64 ":%" PRId64, all[0], all[distinct - 1] + 1);
  else
    for (size_t i = 0; i < distinct; i++) text_add(&t, "%s%" PRId64, i ? "," : "", all[i]);
  free(all);
  *count = distinct;
  return t.data;
}

int plan_there_flags(const synthetic_set *there, const plan_flags *flags, plan_flags *out,
                     char **seeds, fault *f) {
  size_t count = 0;
  int64_t *given;
  *out = *flags;
  *seeds = NULL;
  if (!flags->seeds || !there->seeded) {
    *seeds = seeds_of(there, &count);
    out->seeds = *seeds;
  } else {
    int code = seeds_read(flags->seeds, 1, &given, &count, f);
    if (code) return code;
    free(given);
  }
  const int64_t most = flags->n_max ? flags->n_max : 20;
  if (*seeds || !flags->n_max) out->n_max = most < (int64_t)count ? most : (int64_t)count;
  return EXIT_FINE;
}

static bool holds(const int64_t *seeds, int64_t count, int64_t seed) {
  for (int64_t i = 0; i < count; i++)
    if (seeds[i] == seed) return true;
  return false;
}

/* May the image stand in for one that is missing? With --seeds only those are meant. */
static bool may_replace(const int64_t *given, size_t count, int64_t seed) {
  return !given || holds(given, (int64_t)count, seed);
}

/* The seeds of a mask: planned ones that are there, then others. Returns how many. */
static int64_t choose(const synthetic_entry *there, size_t there_count, const fm_plan_entry *row,
                      const int64_t *given, size_t given_count, int64_t *out) {
  int64_t count = 0;
  for (size_t i = 0; i < there_count && count < row->count; i++)
    if (holds(row->seeds, row->count, there[i].seed)) out[count++] = there[i].seed;
  for (size_t i = 0; i < there_count && count < row->count; i++)
    if (!holds(row->seeds, row->count, there[i].seed) &&
        may_replace(given, given_count, there[i].seed))
      out[count++] = there[i].seed;
  return count;
}

/* Rows of a plan that is being made. */
typedef struct rows {
  const char **ids;
  double *hardness;
  int64_t *ranks, *counts, *seeds;
  int64_t seed_count;
} rows;

static void add_row(const synthetic_set *there, const fm_plan_entry *row, const int64_t *given,
                    size_t given_count, size_t at, rows *out) {
  const folder_file *mask = folder_find(there->real, row->mask_id);
  size_t count = 0;
  const synthetic_entry *list =
      mask ? synthetic_of(there, (size_t)(mask - there->real->files), &count) : NULL;
  out->ids[at] = row->mask_id;
  out->hardness[at] = row->hardness;
  out->ranks[at] = row->rank;
  out->counts[at] = choose(list, count, row, given, given_count, out->seeds + out->seed_count);
  out->seed_count += out->counts[at];
}

static int create(fm_context *context, const rows *r, size_t count, fm_plan **out, fault *f) {
  fm_plan_rows all = {.size = sizeof all, .row_count = (int64_t)count, .mask_ids = r->ids};
  fm_error err;
  all.hardness = r->hardness;
  all.ranks = r->ranks;
  all.counts = r->counts;
  all.seeds = r->seeds;
  all.seed_count = r->seed_count;
  return fm_plan_create(context, &all, out, &err) ? fault_library(f, &err, NULL) : EXIT_FINE;
}

int plan_there_keep(fm_context *context, const synthetic_set *there, const plan_flags *flags,
                    fm_plan **plan, fault *f) {
  const size_t count = (size_t)fm_plan_mask_count(*plan);
  int64_t *given = NULL;
  size_t given_count = 0;
  int code = EXIT_FINE;
  if (flags->seeds && there->seeded) code = seeds_read(flags->seeds, 1, &given, &given_count, f);
  if (code) return code;
  rows r = {.ids = alloc_zeroed(count, sizeof *r.ids)};
  r.hardness = alloc_zeroed(count, sizeof *r.hardness);
  r.ranks = alloc_zeroed(count, sizeof *r.ranks);
  r.counts = alloc_zeroed(count, sizeof *r.counts);
  r.seeds = alloc_zeroed((size_t)fm_plan_image_count(*plan), sizeof *r.seeds);
  for (size_t i = 0; i < count; i++) {
    const fm_plan_entry row = plan_entry(*plan, i);
    add_row(there, &row, given, given_count, i, &r);
  }
  fm_plan *kept = NULL;
  if (!r.seed_count && fm_plan_image_count(*plan))
    code = fault_set(f, EXIT_DATA,
                     "%s: none of its %zu images has a seed of --seeds %s, found number %" PRId64
                     " of mask '%s'",
                     there->files->path, there->count, flags->seeds ? flags->seeds : "",
                     there->entries[0].seed, there->real->files[there->entries[0].real].stem);
  if (!code) code = create(context, &r, count, &kept, f);
  if (!code) {
    fm_plan_destroy(*plan);
    *plan = kept;
  }
  free(r.ids);
  free(r.hardness);
  free(r.ranks);
  free(r.counts);
  free(r.seeds);
  free(given);
  return code;
}
