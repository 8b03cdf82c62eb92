/* export/export_runs.c - generators whose script is run once for each seed. */
#include "export/export_runs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "job/labels_file.h"

static int find_dataset(const export_state *s, const run_dataset *table, const run_dataset **out,
                        fault *f) {
  /* The scripts have names of their own for the labels. */
  const char *labels = labels_known_as(s->ws.context, s->ws.labels, false);
  text names = {0};
  for (*out = table; (*out)->labels; ++*out) {
    if (labels && !strcmp((*out)->labels, labels)) {
      text_free(&names);
      return EXIT_FINE;
    }
    text_add(&names, "%s%s", names.length ? ", " : "", (*out)->labels);
  }
  int code = fault_set(f, EXIT_USAGE,
                       "--to %s knows the labels of %s, not %s (--to jsonl is for any generator)",
                       s->job->format->name, names.data, fm_labels_name(s->ws.labels));
  text_free(&names);
  return code;
}

int runs_check_seeds(const export_state *s, fault *f) {
  for (size_t i = 0; i < s->synthetic.count; i++) {
    int64_t seed = s->synthetic.entries[i].seed;
    if (seed < 0 || seed > UINT32_MAX)
      return fault_set(f, EXIT_DATA, "%s: seed %" PRId64 ", --to %s takes 0 to 4294967295",
                       s->job->plan, seed, s->job->format->name);
  }
  return EXIT_FINE;
}

/* Scripts replace "png" and ".jpg" in names, wherever they are. */
char *run_name(const export_state *s, const export_entry *entry) {
  char *flat = export_flat_name(plan_entry(s->plan, entry->row).mask_id);
  text t = {0};
  for (const char *c = flat; *c; c++) {
    bool replaced =
        !strncmp(c, ".jpg", 4) || (*c == 'g' && c - flat >= 2 && !strncmp(c - 2, "png", 3));
    text_add(&t, replaced ? "%%%02X" : "%c", (unsigned char)*c);
  }
  free(flat);
  return t.data;
}

static int link_to_mask(export_state *s, const char *root, const char *below, const char *name,
                        const char *ending, const export_entry *entry, fault *f) {
  char *target = export_mask_path(&s->real, &s->real.entries[entry->row]);
  text link = {0};
  text_add(&link, "%s/%s/%s%s", root, below, name, ending);
  int code = export_link(s, link.data, target, f);
  text_free(&link);
  free(target);
  return code;
}

int run_link_mask(export_state *s, const run_dataset *dataset, const char *root,
                  const export_entry *entry, fault *f) {
  char *name = run_name(s, entry);
  text ending = {0};
  text_add(&ending, "%s.png", dataset->mask_suffix);
  int code = link_to_mask(s, root, dataset->masks, name, ending.data, entry, f);
  if (!code && dataset->images)
    code = link_to_mask(s, root, dataset->images, name, dataset->image_suffix, entry, f);
  text_free(&ending);
  free(name);
  return code;
}

int run_link_masks(export_state *s, const run_dataset *dataset, const run *r, fault *f) {
  int code = EXIT_FINE;
  text root = {0};
  text_add(&root, "data/seed_%" PRId64, r->seed);
  for (size_t i = 0; i < r->count && !code; i++)
    code = run_link_mask(s, dataset, root.data, r->entries[i], f);
  text_free(&root);
  return code;
}

static char *name_result(const export_state *s, const export_entry *entry, const void *dataset) {
  char *name = run_name(s, entry);
  text t = {0};
  text_add(&t, "seed_%" PRId64 "/%s%s", entry->seed, name, ((const run_dataset *)dataset)->result);
  free(name);
  return t.data;
}

static int by_seed(const void *a, const void *b) {
  const export_entry *x = *(const export_entry *const *)a, *y = *(const export_entry *const *)b;
  if (x->seed != y->seed) return x->seed < y->seed ? -1 : 1;
  return (x->row > y->row) - (x->row < y->row);
}

static int write_runs(export_state *s, const run_dataset *dataset, run_head *head,
                      run_prepare *prepare, fault *f) {
  size_t count = s->synthetic.count, runs = 0;
  const export_entry **sorted = alloc_zeroed(count, sizeof *sorted);
  int code = EXIT_FINE;
  text t = {0};
  for (size_t i = 0; i < count; i++) sorted[i] = &s->synthetic.entries[i];
  qsort(sorted, count, sizeof *sorted, by_seed);
  head(s, dataset, &t);
  for (size_t first = 0, end; first < count && !code; first = end, runs++) {
    for (end = first; end < count && sorted[end]->seed == sorted[first]->seed;) end++;
    const run r = {sorted[first]->seed, sorted + first, end - first};
    code = prepare(s, dataset, &r, f);
    text_add(&t, "run %" PRId64 " \"$@\"\n", r.seed);
  }
  if (!code) code = export_write(s, "generate.sh", &t, f);
  text_add(&s->summary, ", in %zu run%s", runs, runs == 1 ? "" : "s");
  text_free(&t);
  free(sorted);
  return code;
}

int runs_write(export_state *s, const run_dataset *table, run_head *head, run_prepare *prepare,
               fault *f) {
  const run_dataset *dataset;
  int code = find_dataset(s, table, &dataset, f);
  if (!code) code = runs_check_seeds(s, f);
  if (!code) code = write_runs(s, dataset, head, prepare, f);
  if (code) return code;
  const job_style style = {name_result, dataset, dataset->size, NULL};
  return generate_write_jobs(s, &style, f);
}
