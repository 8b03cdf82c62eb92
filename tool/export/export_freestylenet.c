/* export/export_freestylenet.c - jobs for FreestyleNet's scripts/LIS.py, which works like this:
 * --txt_file has a line for each image, of which the last part without its last four characters
 * is the name; the mask is read from DATA_ROOT/annotations/validation/NAME.png (ADE20K) or
 * DATA_ROOT/stuffthingmaps_trainval2017/val2017/NAME.png (COCO); the image goes to
 * OUTDIR/NAME.jpg, 512x512, one seed for all of a run. Its batches have to be full: a shorter
 * last one stops it. */
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "export/export_generate.h"

enum { SIDE = 512, BATCH = 8 };

/* Data sets that the script knows, by the labels of their masks. */
static const struct {
  const char *labels, *dataset, *masks, *config;
} known[] = {
    {"ade20k", "ADE20K", "annotations/validation", "v1-finetune_ADE20K.yaml"},
    {"cocostuff164k-raw", "COCO", "stuffthingmaps_trainval2017/val2017", "v1-finetune_COCO.yaml"},
};
enum { KNOWN = sizeof known / sizeof *known };

static char *name_result(const export_state *s, const export_entry *entry) {
  char *name = export_flat_name(plan_entry(s->plan, entry->row).mask_id);
  text t = {0};
  text_add(&t, "seed_%" PRId64 "/%s.jpg", entry->seed, name);
  free(name);
  return t.data;
}

static int by_seed(const void *a, const void *b) {
  const export_entry *x = *(const export_entry *const *)a, *y = *(const export_entry *const *)b;
  if (x->seed != y->seed) return x->seed < y->seed ? -1 : 1;
  return (x->row > y->row) - (x->row < y->row);
}

/* ---- The masks, where the script looks for them ------------------------------------------ */

static int link_masks(export_state *s, const char *below, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < s->synthetic.count && !code; i++) {
    size_t row = s->synthetic.entries[i].row;
    if (i && s->synthetic.entries[i - 1].row == row) continue;
    char *name = export_flat_name(plan_entry(s->plan, row).mask_id);
    char *target = export_mask_path(&s->real, &s->real.entries[row]);
    text file = {0};
    text_add(&file, "data/%s/%s.png", below, name);
    code = export_link(s, file.data, target, f);
    text_free(&file);
    free(target);
    free(name);
  }
  return code;
}

/* ---- A list for each seed ---------------------------------------------------------------- */

/* Lists of an earlier export are in the way: they ask for what is there by now. */
static int remove_lists(const export_state *s, fault *f) {
  DIR *handle = opendir(s->out.path);
  struct dirent *entry;
  int code = EXIT_FINE;
  while (handle && !code && (entry = readdir(handle))) {
    if (strncmp(entry->d_name, "seed_", 5) || !path_ends_with(entry->d_name, ".txt")) continue;
    char *path = path_join(s->out.path, entry->d_name);
    code = inputs_spare_file(&s->inputs, path, f);
    if (!code) unlink(path);
    free(path);
  }
  if (handle) closedir(handle);
  return code;
}

/* Entries of one seed. The last line is repeated until the last batch is full. */
static int write_list(export_state *s, const export_entry *const *entries, size_t count, fault *f) {
  size_t batch = (size_t)(s->job->batch_size ? s->job->batch_size : BATCH);
  size_t lines = (count + batch - 1) / batch * batch;
  text t = {0}, name = {0};
  for (size_t i = 0; i < lines; i++) {
    char *flat =
        export_flat_name(plan_entry(s->plan, entries[i < count ? i : count - 1]->row).mask_id);
    text_add(&t, "%s.jpg\n", flat);
    free(flat);
  }
  text_add(&name, "seed_%" PRId64 ".txt", entries[0]->seed);
  int code = export_write(s, name.data, &t, f);
  text_free(&t);
  text_free(&name);
  return code;
}

static const char script[] =
    "#!/bin/sh\n"
    "# Generates with FreestyleNet what the lists in this folder ask for. Written by freemask\n"
    "# export. Run it in FreestyleNet's folder; its arguments go to "
    "scripts/LIS.py:\n"
    "#   sh PATH/generate.sh --ckpt CHECKPOINT --plms\n"
    "# Then: freemask collect. What is missing after a crash, the next freemask export asks for.\n"
    "set -eu\n"
    "here=$(cd \"$(dirname \"$0\")\" && pwd)\n"
    "run() {\n"
    "  seed=$1\n"
    "  shift\n"
    "  \"${PYTHON:-python}\" scripts/LIS.py --dataset %s --config configs/stable-diffusion/%s \\\n"
    "    --batch_size %" PRId64
    " --seed \"$seed\" --txt_file \"$here/seed_$seed.txt\" \\\n"
    "    --data_root \"$here/data\" --outdir \"$here/seed_$seed\" \"$@\"\n"
    "}\n";

static int write_lists(export_state *s, size_t which, fault *f) {
  size_t count = s->synthetic.count, runs = 0;
  const export_entry **sorted = alloc_zeroed(count, sizeof *sorted);
  int code = EXIT_FINE;
  text t = {0};
  for (size_t i = 0; i < count; i++) sorted[i] = &s->synthetic.entries[i];
  qsort(sorted, count, sizeof *sorted, by_seed);
  text_add(&t, script, known[which].dataset, known[which].config,
           s->job->batch_size ? s->job->batch_size : BATCH);
  for (size_t first = 0, end; first < count && !code; first = end, runs++) {
    for (end = first; end < count && sorted[end]->seed == sorted[first]->seed;) end++;
    code = write_list(s, sorted + first, end - first, f);
    text_add(&t, "run %" PRId64 " \"$@\"\n", sorted[first]->seed);
  }
  if (!code) code = export_write(s, "generate.sh", &t, f);
  text_add(&s->summary, ", in %zu run%s", runs, runs == 1 ? "" : "s");
  text_free(&t);
  free(sorted);
  return code;
}

static int find_dataset(const export_state *s, size_t *which, fault *f) {
  for (*which = 0; *which < KNOWN; ++*which)
    if (!strcmp(known[*which].labels, fm_labels_name(s->ws.labels))) return EXIT_FINE;
  return fault_set(f, EXIT_USAGE,
                   "--to freestylenet knows the labels of ade20k and cocostuff164k-raw, not %s "
                   "(--to jsonl is for any generator)",
                   fm_labels_name(s->ws.labels));
}

/* For others the script takes a seed of its own. */
static int check_seeds(const export_state *s, fault *f) {
  for (size_t i = 0; i < s->synthetic.count; i++) {
    int64_t seed = s->synthetic.entries[i].seed;
    if (seed < 0 || seed > UINT32_MAX)
      return fault_set(f, EXIT_DATA, "%s: seed %" PRId64 ", FreestyleNet takes 0 to 4294967295",
                       s->job->plan, seed);
  }
  return EXIT_FINE;
}

static int write_all(export_state *s, fault *f) {
  size_t which;
  int code = find_dataset(s, &which, f);
  if (!code) code = check_seeds(s, f);
  if (code) return code;
  code = remove_lists(s, f);
  if (!code) code = link_masks(s, known[which].masks, f);
  if (!code) code = write_lists(s, which, f);
  return code ? code : generate_write_jobs(s, name_result, (arg_size){SIDE, SIDE}, f);
}

static const char *const files[] = {"jobs.jsonl", "generate.sh", "data/", NULL};

const export_format export_freestylenet = {
    "freestylenet", EXPORT_LABELS | EXPORT_GENERATES | EXPORT_NAMES_FOLDER, files, write_all};
