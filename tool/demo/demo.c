/* demo/demo.c - freemask demo: makes a small world, runs the whole job on it, scores it. */
#include "demo/demo.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/json_file.h"
#include "base/path.h"
#include "cmd/commands.h"
#include "cmd/criterion_flags.h"
#include "job/summary.h"

/* Marks a folder as a demo's, so that --overwrite cannot be pointed at anything else. */
static const char MARK[] = "demo.json";

typedef struct demo {
  demo_world world;
  job_common common;
  job_criterion criterion;
  bool overwrite;
  char *results; /* DIR/results */
  outdir out, results_out;
  int64_t planted[ERROR_KINDS];
  demo_score score;
} demo;

/* Removes the images and masks of an earlier demo from one of its folders. */
static int clear_folder(const demo *d, const char *name, fault *f) {
  int code = outdir_check_real(&d->out, name, f);
  if (code) return code;
  char *above = path_join(d->world.dir, name);
  DIR *handle = opendir(above);
  const struct dirent *entry;
  while (handle && !code && (entry = readdir(handle))) {
    const char *file = entry->d_name;
    const bool image = path_ends_with(file, ".png") || path_ends_with(file, ".jpg") ||
                       path_ends_with(file, ".fm-part");
    if (!image || strncmp(file, "scene_", 6) != 0) continue;
    char *path = path_join(above, file);
    code = disk_remove(path, f);
    free(path);
  }
  if (handle) closedir(handle);
  free(above);
  return code;
}

/* The folder must be empty, or an earlier demo's that may go. Its mark stays: it says whose the folder
 * is, also to the next --overwrite if this one is killed. */
static int folder_ready(const demo *d, fault *f) {
  static const char *const folders[] = {"real/images",     "real/masks", "synthetic/images",
                                        "synthetic/masks", "truth",      "results/masks"};
  const char *dir = d->world.dir;
  bool empty;
  int code = outdir_is_empty(dir, &empty, f);
  if (code || empty) return code;
  if (!d->overwrite)
    return fault_set(f, EXIT_USAGE, "%s is not empty; --overwrite replaces an earlier demo", dir);
  char *mark = path_join(dir, MARK);
  path_kind there;
  code = path_look(mark, &there, f);
  free(mark);
  if (code) return code;
  if (there == PATH_ABSENT)
    return fault_set(f, EXIT_USAGE, "%s holds something other than a demo (it has no %s)", dir,
                     MARK);
  for (size_t i = 0; i < sizeof folders / sizeof *folders && !code; i++)
    code = clear_folder(d, folders[i], f);
  return code;
}

/* Writes a text into the demo's folder. */
static int note(const char *dir, const char *name, const text *t, fault *f) {
  char *path = path_join(dir, name);
  fm_context *context = NULL;
  fm_error err;
  int code = EXIT_FINE;
  if (fm_context_create(NULL, &context, &err)) code = fault_library(f, &err, NULL);
  if (!code) code = text_write(t, context, path, f);
  fm_context_destroy(context);
  free(path);
  return code;
}

static int mark_folder(const demo *d, fault *f) {
  const demo_world *w = &d->world;
  text t = {0};
  json_add_line(
      json_pack("{s:s, s:i, s:I, s:I, s:i, s:i, s:o, s:s}", "format", "freemask-demo", "version", 1,
                "scenes", (json_int_t)w->scenes, "per_mask", (json_int_t)w->per_mask, "width",
                (int)w->width, "height", (int)w->height, "seed", demo_seed(w), "labels", "camvid"),
      &t);
  int code = note(w->dir, MARK, &t, f);
  text_free(&t);
  return code;
}

static int make_world(demo *d, fault *f) {
  int code = mark_folder(d, f);
  if (code) return code;
  char *mark = path_join(d->world.dir, MARK);
  outdir_made(&d->out, mark);
  free(mark);
  return demo_make(&d->world, &d->common, &d->out, d->planted, f);
}

static int run_all(demo *d, fault *f) {
  const char *dir = d->world.dir;
  char seeds[64];
  char *paths[4] = {path_join(dir, "real/masks"), path_join(dir, "real/images"),
                    path_join(dir, "synthetic/masks"), path_join(dir, "synthetic/images")};
  snprintf(seeds, sizeof seeds, "%d:%lld", (int)DEMO_FIRST_SEED,
           (long long)(DEMO_FIRST_SEED + d->world.per_mask));
  run_job job = {
      .common = d->common,
      .real = {.masks = paths[0], .loss = {.folders = {[LOSS_IMAGES] = paths[1]}}},
      .synthetic = {.masks = paths[2], .loss = {.folders = {[LOSS_IMAGES] = paths[3]}}},
      .provider = "baseline",
      .criterion = d->criterion,
      .plan = {.n_max = d->world.per_mask, .seeds = seeds},
      .output = {.folder = d->results, .overwrite = d->overwrite, .held = &d->results_out.lock}};
  job.common.labels = "camvid";
  job.common.silent = d->common.silent || d->common.json;
  int code = run_job_run(&job, f);
  for (int i = 0; i < 4; i++) free(paths[i]);
  return code;
}

/* The score is written next to the results, and the report is written again with it. */
static int score_all(demo *d, fault *f) {
  text t = {0};
  report_job report = {.common = d->common, .folder = d->results, .held = &d->results_out.lock};
  report.common.silent = true;
  report.common.json = false;
  int code = demo_score_run(&d->world, &d->common, d->results, &d->score, f);
  if (!code) json_add_line(demo_score_json(&d->world, &d->score, d->planted), &t);
  if (!code) code = note(d->results, "score.json", &t, f);
  if (!code) code = report_job_run(&report, f);
  text_free(&t);
  return code;
}

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void tell(const demo *d, double seconds) {
  text t = {0};
  if (summary_as_json(&d->common)) {
    summary_print_json(demo_score_json(&d->world, &d->score, d->planted));
  } else if (summary_as_text(&d->common)) {
    text_add(&t, "\nThe world: %lld scenes of %dx%d, %lld synthetic images for each, in %s\n",
             (long long)d->world.scenes, (int)d->world.width, (int)d->world.height,
             (long long)d->world.per_mask, d->world.dir);
    demo_score_text(&d->score, d->planted, &t);
    text_add(&t, "Made, run and scored in %.1f s. Look at it next: open %s/report.html\n", seconds,
             d->results);
  }
  summary_print(&t);
}

static int open_folders(demo *d, fault *f) {
  const char *dir = d->world.dir;
  path_kind there;
  int code = path_look(dir, &there, f);
  if (code) return code;
  if (there == PATH_FILE) return fault_set(f, EXIT_USAGE, "%s is a file, expected a folder", dir);
  code = outdir_open(dir, NULL, &d->out, f);
  if (!code) code = folder_ready(d, f);
  return code ? code : outdir_open(d->results, NULL, &d->results_out, f);
}

/* All files of the world, or none; what was made of it goes as `run` does it. */
static int demo_run(demo *d, fault *f) {
  const double start = seconds_now();
  d->results = path_join(d->world.dir, "results");
  int code = open_folders(d, f), made = code;
  if (!code) code = made = make_world(d, f);
  if (!code) code = run_all(d, f);
  if (!code) code = score_all(d, f);
  if (!code) tell(d, seconds_now() - start);
  if (code == EXIT_STOPPED)
    fault_set(f, code, "interrupted; the same command with --overwrite starts over");
  outdir_close(&d->results_out, code ? OUTDIR_KEEP_FILES : OUTDIR_KEEP);
  outdir_close(&d->out, made ? OUTDIR_UNDO : OUTDIR_KEEP);
  free(d->results);
  return code;
}

int cmd_demo(int argc, char **argv) {
  demo d = {.world = {.scenes = 80, .per_mask = 5, .seed = 1, .errors = 1},
            .criterion = {.weights = NO_WEIGHTS}};
  arg_size size = {320, 240};
  fault f;
  const arg_option options[] = {
      {"scenes", 0, ARG_WHOLE, &d.world.scenes, "N", "scenes (default 80)", false, false, 2, 9999,
       NULL},
      {"per-mask", 0, ARG_WHOLE, &d.world.per_mask, "M", "synthetic images per scene (default 5)",
       false, false, 1, 100, NULL},
      {"size", 0, ARG_SIZE, &size, "WxH", "of the images (default 320x240)", false, false, 0, 0,
       NULL},
      {"seed", 0, ARG_SEED, &d.world.seed, "S", "another seed, another world (default 1)", false,
       false, 0, 0, NULL},
      {"errors", 0, ARG_REAL, &d.world.errors, "X",
       "plant X times as many errors; 0: none (default 1)", false, false, 0, 10, NULL},
      {"surplus", 0, ARG_FLAG, &d.world.surplus, NULL,
       "things appear that the masks do not have, too", false, false, 0, 0, NULL},
      {"shared-errors", 0, ARG_FLAG, &d.world.shared, NULL, "all images of a scene go wrong alike",
       false, false, 0, 0, NULL},
      ARG_CRITERION_ROWS(&d.criterion),
      {"overwrite", 0, ARG_FLAG, &d.overwrite, NULL, "replace an earlier demo", false, false, 0, 0,
       NULL},
      ARG_THREADS(&d.common.threads),
      ARG_QUIET(&d.common.quiet),
      ARG_JSON(&d.common.json),
      {0}};
  const arg_command command = {
      "demo",
      "make a small world, run everything on it, score the filter",
      "DIR",
      "Draws street scenes with masks (label space camvid), and for each mask synthetic images in\n"
      "other light, with planted errors: wrong textures, missing things, smeared borders. The\n"
      "truth is kept in DIR/truth, where only the score reads it.",
      options,
      1,
      1};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  if (!code && (size.width < 64 || size.height < 48 || size.width > 4096 || size.height > 4096))
    code = fault_set(&f, EXIT_USAGE, "--size is %dx%d, expected 64x48 to 4096x4096",
                     (int)size.width, (int)size.height);
  if (!code) {
    d.world.dir = argv[1];
    d.world.width = size.width;
    d.world.height = size.height;
    code = demo_run(&d, &f);
  }
  return code ? fault_print(&f) : EXIT_FINE;
}
