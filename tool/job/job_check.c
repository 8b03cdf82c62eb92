/* job/job_check.c - reads everything and trusts nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/folder_pair.h"
#include "base/note.h"
#include "base/path.h"
#include "base/pixel.h"
#include "base/pool.h"
#include "job/census.h"
#include "job/check.h"
#include "job/labels_file.h"
#include "job/made_of.h"
#include "job/strata.h"
#include "job/summary.h"
#include "job/workspace.h"

enum { SHOWN = 40 }; /* findings printed as text */

/* The job at work. */
typedef struct state {
  const check_job *job;
  workspace ws;
  folder masks, images;
  uint64_t identity;  /* of the names of all masks */
  folder_pairs pairs; /* of the images; `of` NULL: none were given */
  strata_folder strata;
  loss_source *losses; /* NULL: none are looked at */
  size_t turned;       /* as in own_state, of all workers */
  int64_t below, below_maps;
  findings *found; /* of each mask: in order, for any number of threads */
  size_t *members; /* indices of the masks that are read */
  size_t member_count;
  check_result *out;
} state;

/* A worker's own. */
typedef struct own_state {
  census census;
  fm_class_stats *stats; /* judges labels and losses */
  int64_t *counts;
  size_t turned;          /* images that are stored in another orientation */
  int64_t below, outputs; /* losses a hair below zero; the maps that hold them */
} own_state;

static int begin(void *shared, void **own, fault *f) {
  const state *s = shared;
  own_state *o = alloc_zeroed(1, sizeof *o);
  fm_error err;
  o->counts = alloc_zeroed((size_t)fm_labels_class_count(s->ws.labels), sizeof *o->counts);
  *own = o;
  if (!fm_class_stats_create(s->ws.labels, NULL, &o->stats, &err)) return EXIT_FINE;
  free(o->counts);
  free(o);
  return fault_library(f, &err, NULL);
}

static int end(void *shared, void *own, bool good, fault *f) {
  state *s = shared;
  own_state *o = own;
  (void)good;
  (void)f;
  census_merge(&s->out->census, &o->census);
  s->turned += o->turned;
  s->below += o->below;
  s->below_maps += o->outputs;
  fm_class_stats_destroy(o->stats);
  free(o->counts);
  free(o);
  return EXIT_FINE;
}

static int note_error(findings *list, finding_kind kind, const char *stem, const fm_error *err,
                      const char *path, fault *f) {
  fault why;
  fault_library(&why, err, path);
  return findings_add_fault(list, kind, stem, &why, f);
}

static int check_image(const state *s, own_state *o, const folder_file *file,
                       const folder_file *found, const fm_plane *mask, findings *list, fault *f) {
  fm_raster *raster = NULL;
  fm_error err;
  char *path = folder_path(&s->images, found);
  int code = EXIT_FINE;
  if (fm_image_read(s->ws.context, path, folder_read_options(), &raster, &err)) {
    code = note_error(list, FINDING_UNREADABLE, file->stem, &err, path, f);
  } else {
    o->turned += fm_raster_orientation(raster) > 1;
    fm_volume image = fm_raster_volume(raster);
    fault why;
    if (mask && loss_check_size(mask, image.height, image.width, "image", path, &why))
      findings_add(list, FINDING_SIZE, file->stem, why.text);
  }
  fm_raster_destroy(raster);
  free(path);
  return code;
}

static int check_strata(const state *s, size_t index, const fm_plane *mask, findings *list,
                        fault *f) {
  const folder_file *file = &s->masks.files[index];
  fm_raster *raster;
  fm_plane plane;
  fault why;
  if (strata_has(&s->strata, index) && mask) {
    if (strata_get(&s->strata, index, mask, NULL, &raster, &plane, &why))
      return findings_add_fault(list,
                                why.status == FM_ERR_SHAPE ? FINDING_SIZE : FINDING_UNREADABLE,
                                file->stem, &why, f);
    strata_free(raster, &plane);
  }
  return EXIT_FINE;
}

static finding_kind kind_of(int32_t status) {
  return status == FM_ERR_LOSS    ? FINDING_LOSS
         : status == FM_ERR_SHAPE ? FINDING_SIZE
                                  : FINDING_UNREADABLE;
}

/* Losses that rounding left a hair below 0, where the mask has a class. Most maps have none at all. */
static int64_t count_rounded(const fm_labels *labels, const fm_plane *mask, const fm_plane *loss) {
  const fm_plane at = pixel_strides(mask), of = pixel_strides(loss);
  int64_t count = 0;
  if (!pixel_any_negative(&of)) return 0;
  for (int64_t y = 0; y < of.height; y++)
    for (int64_t x = 0; x < of.width; x++) {
      if (!pixel_is_rounded(&of, y, x)) continue;
      const char *label = (const char *)at.data + y * at.row_stride + x * at.col_stride;
      count += fm_labels_class_of(labels, pixel_label(label, at.dtype)) >= 0;
    }
  return count;
}

/* Gets the loss map as stats would, and adds it as stats would. Labels were checked before. */
static int check_loss(const state *s, own_state *o, size_t index, const fm_plane *mask,
                      findings *list, fault *f) {
  const folder_file *file = &s->masks.files[index];
  const loss_request request = {index, *mask, NULL};
  loss_map loss;
  fault why;
  fm_error err;
  int code = EXIT_FINE;
  if (loss_source_get(s->losses, &request, 1, &loss, &why)) {
    if (why.status == FM_ERR_LABEL) return EXIT_FINE;
    return findings_add_fault(list, kind_of(why.status), file->stem, &why, f);
  }
  if (fm_class_stats_add(o->stats, mask, &loss.plane, NULL, &err) && err.code != FM_ERR_LABEL) {
    char *path = loss_source_path(s->losses, index);
    code = note_error(list, kind_of(err.code), file->stem, &err, path, f);
    free(path);
  }
  int64_t below = count_rounded(s->ws.labels, mask, &loss.plane);
  o->below += below;
  o->outputs += below > 0;
  fm_class_stats_clear(o->stats);
  loss_map_free(&loss);
  return code;
}

static int check_labels(const state *s, own_state *o, const folder_file *file, const fm_plane *mask,
                        const char *path, findings *list, fault *f) {
  fm_error err;
  int64_t ignored;
  if (fm_labels_count(s->ws.labels, mask, o->counts, &ignored, &err)) {
    return note_error(list, err.code == FM_ERR_LABEL ? FINDING_LABEL : FINDING_UNREADABLE,
                      file->stem, &err, path, f);
  } else if (ignored == mask->height * mask->width) {
    fault why;
    fault_set(&why, EXIT_DATA, "%s: no valid pixel, all are ignored", path);
    findings_add(list, FINDING_EMPTY, file->stem, why.text);
  }
  return EXIT_FINE;
}

static int check_one(void *shared, void *own, size_t member, fault *f) {
  state *s = shared;
  const size_t index = s->members[member];
  const folder_file *file = &s->masks.files[index];
  findings *list = &s->found[index];
  fm_raster *raster = NULL;
  char *path;
  fault why;
  bool good = !workspace_read_mask(&s->ws, &s->masks, index, NULL, &raster, &path, &why);
  fm_plane mask = {0};
  int code = EXIT_FINE;
  if (good) {
    mask = fm_raster_plane(raster);
    census_add(&((own_state *)own)->census, raster, index);
    code = check_labels(s, own, file, &mask, path, list, f);
  } else {
    code = findings_add_fault(list, FINDING_UNREADABLE, file->stem, &why, f);
  }
  if (!code) code = check_strata(s, index, good ? &mask : NULL, list, f);
  if (!code && s->pairs.of && s->pairs.of[index])
    code = check_image(s, own, file, s->pairs.of[index], good ? &mask : NULL, list, f);
  if (!code && s->losses && loss_source_has(s->losses, index) && good)
    code = check_loss(s, own, index, &mask, list, f);
  fm_raster_destroy(raster);
  free(path);
  return code;
}

/* ---- The whole ---------------------------------------------------------------------- */

static int list_partners(state *s, fault *f) {
  int code = EXIT_FINE;
  if (s->job->images)
    code = folder_list(FOLDER_IMAGES, s->job->images, s->ws.labels, &s->images, f);
  if (!code && s->job->images)
    code = folder_pair(&s->masks, &s->images, folder_find, "image", &s->pairs, f);
  if (!code) code = strata_open(s->ws.context, s->job->set.strata, &s->masks, true, &s->strata, f);
  if (!code && loss_options_have_files(&s->job->set.loss))
    code = loss_source_open(s->ws.context, s->ws.labels, &s->job->set.loss, &s->masks, true,
                            &s->losses, f);
  return code;
}

/* One finding for each kind of partner, with the count; and those without a mask, in a note. */
static void conclude_partners(const state *s, const folder *files, const folder_pairs *pairs,
                              const char *what) {
  fault f;
  if (!pairs->of) return;
  if (pairs->missing) {
    folder_pairs_missing(&s->masks, files, pairs, what, &f);
    findings_add(&s->out->findings, FINDING_MISSING, s->masks.files[pairs->first].stem, f.text);
  }
  size_t first, spare = folder_pairs_spare(&s->masks, files, pairs, &first);
  if (spare && files->kind == FOLDER_IMAGES)
    note_say("%s: %zu of %zu images have no mask, such as %s", files->path, spare, files->count,
             files->files[first].relative);
}

static void find_sums(const state *s) {
  check_sums *sums = &s->out->sums;
  sums->below = s->below;
  sums->maps = s->below_maps;
  sums->turned = (int64_t)s->turned;
  if (s->losses) {
    sums->losses = alloc_text(loss_source_files(s->losses)->path);
    sums->what = alloc_text(loss_source_what(s->losses));
  }
  if (!s->pairs.of) return;
  sums->images = alloc_text(s->images.path);
  sums->found = (int64_t)(s->masks.count - s->pairs.missing);
}

static void conclude_files(const state *s) {
  conclude_partners(s, &s->images, &s->pairs, "image");
  conclude_partners(s, &s->strata.files, &s->strata.pairs, "strata");
  if (s->losses)
    conclude_partners(s, loss_source_files(s->losses), loss_source_pairs(s->losses),
                      loss_source_what(s->losses));
  find_sums(s);
  check_note_sums(&s->out->sums);
}

/* Reports that are joined are of the same names, flags and kinds of files. */
static json_t *find_made_of(const state *s) {
  const loss_options *loss = &s->job->set.loss;
  json_t *made_of = made_of_new();
  made_of_add(made_of, "labels", "%016" PRIx64, fm_labels_fingerprint(s->ws.labels));
  made_of_add_masks(made_of, "masks", s->identity, (int64_t)s->masks.count);
  made_of_add(made_of, "images", "%s", s->job->images ? "given" : "none");
  made_of_add(made_of, "strata", "%s", s->job->set.strata ? "given" : "none");
  made_of_add(made_of, "losses from", "%s",
              loss_options_have_files(loss) ? loss_folders[loss_options_which(loss)].name : "none");
  if (loss_options_have_outputs(loss))
    made_of_add_json(made_of, "flags of outputs", network_flags_save(&loss->network));
  made_of_add_json(made_of, "flags of names", folder_names_save());
  return made_of;
}

/* What is about the whole set comes first. */
static void conclude(state *s) {
  check_result *out = s->out;
  const int torn = census_torn_index(&out->census);
  const char *names[2] = {NULL, NULL};
  out->masks = s->member_count;
  for (int i = 0; i < 2 && torn >= 0; i++)
    names[i] = s->masks.files[out->census.palette[torn].mask[i] - 1].relative;
  check_judge_values(out, s->ws.context, s->ws.labels, !labels_is_preset(s->job->common.labels),
                     torn, names);
  for (size_t i = 0; i < s->masks.count; i++) findings_move(&out->findings, &s->found[i]);
  conclude_files(s);
  if (s->job->shard.count > 1)
    out->shard = check_save_shard(out, s->job->shard, &s->masks, s->identity, find_made_of(s));
}

static void find_members(state *s) {
  s->members = alloc_zeroed(s->masks.count, sizeof *s->members);
  for (size_t i = 0; i < s->masks.count; i++)
    if (folder_in_shard(s->masks.files[i].stem, s->job->shard)) s->members[s->member_count++] = i;
}

int check_job_look(const check_job *job, check_result *out, fault *f) {
  state s = {.job = job, .out = out};
  const loss_options *loss = &job->set.loss;
  int code = loss_options_have_files(loss) ? loss_options_check(loss, f)
                                           : network_flags_check(&loss->network, false, false, f);
  if (!code) code = workspace_open(job->common.labels, &s.ws, f);
  if (!code)
    code = workspace_masks(&s.ws, job->set.masks, (folder_shard){0, 1}, &s.masks, &s.identity, NULL,
                           f);
  if (!code) code = list_partners(&s, f);
  if (!code) {
    s.found = alloc_zeroed(s.masks.count, sizeof *s.found);
    find_members(&s);
    pool_job work = {.what = "check", .count = s.member_count, .quiet = job->common.quiet};
    work.threads = (int)job->common.threads;
    work.shared = &s;
    work.begin = begin;
    work.work = check_one;
    work.end = end;
    code = pool_run(&work, f);
    if (!code) conclude(&s);
    for (size_t i = 0; i < s.masks.count; i++) findings_free(&s.found[i]);
  }
  free(s.found);
  free(s.members);
  folder_pairs_free(&s.pairs);
  folder_free(&s.images);
  loss_source_close(s.losses);
  strata_close(&s.strata);
  folder_free(&s.masks);
  workspace_close(&s.ws);
  return code;
}

void check_result_free(check_result *result) {
  findings_free(&result->findings);
  text_free(&result->convention);
  text_free(&result->presets);
  free(result->sums.losses);
  free(result->sums.what);
  free(result->sums.images);
  json_decref(result->shard);
}

static void print_result(const check_job *job, const check_result *r) {
  text t = {0};
  const char *convention = r->convention.data ? r->convention.data : "no mask could be read";
  if (job->common.json) {
    summary_print_json(check_as_json(job->common.labels, r));
  } else if (!job->common.quiet || r->findings.count) {
    text_add(&t, "%zu masks%s%s\n", r->masks, r->fits ? ", " : "", r->fits ? convention : "");
    findings_as_text(&r->findings, SHOWN, &t);
    if (!r->findings.count) text_add(&t, "no findings\n");
  }
  summary_print(&t);
}

int check_job_run(const check_job *job, fault *f) {
  check_result *result = alloc_zeroed(1, sizeof *result);
  int code = check_job_look(job, result, f);
  if (!code) print_result(job, result);
  if (!code && result->findings.count) code = EXIT_FINDINGS;
  check_result_free(result);
  free(result);
  return code;
}
