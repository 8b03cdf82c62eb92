/* job/convert_prepare.c - what `convert` decides before the first mask. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/note.h"
#include "base/path.h"
#include "job/convert_run.h"
#include "job/inputs.h"
#include "job/labels_file.h"

static int check_flags(const convert_job *job, fault *f) {
  if (job->output.resume && job->output.overwrite)
    return fault_set(f, EXIT_USAGE, "--resume and --overwrite are both given, expected one");
  if (job->from == CONVERT_PANOPTIC && !job->panoptic)
    return fault_set(f, EXIT_USAGE, "--from panoptic needs --panoptic P.json");
  if (job->panoptic && job->from != CONVERT_AUTO && job->from != CONVERT_PANOPTIC)
    return fault_set(f, EXIT_USAGE, "--panoptic is for --from panoptic");
  if (job->from == CONVERT_LABELS && (job->nearest > 0 || job->unknown || job->voc_colors))
    return fault_set(
        f, EXIT_USAGE,
        "--nearest, --unknown and --voc-colors are about colors, not for --from labels");
  return EXIT_FINE;
}

static int check_inputs(const convert_job *job, fault *f) {
  static const char *const written[] = {"labels.csv", NULL};
  inputs list = {0};
  inputs_add_labels(&list, job->common.labels);
  if (job->to && strcmp(job->to, CONVERT_TRAIN_IDS) != 0) inputs_add_labels(&list, job->to);
  inputs_add(&list, job->panoptic);
  inputs_add_apart(&list, job->masks);
  int code = inputs_spare_folder(&list, job->output.folder, written, f);
  inputs_free(&list);
  return code;
}

static bool has_colors(const fm_labels *labels) {
  for (int64_t label = 0; labels && label < 65536; label++)
    if (fm_labels_color_of(labels, label) >= 0) return true;
  return false;
}

/* Masks of Replicator have a file next to each; others that lie there are not for us. */
static bool keep_partnered(folder *masks, bool look_only) {
  bool *drop = alloc_zeroed(masks->count, sizeof *drop);
  size_t kept = 0, all = masks->count;
  for (size_t i = 0; i < all; i++) {
    drop[i] = !replicator_has_partner(masks->path, masks->files[i].relative);
    kept += !drop[i];
  }
  if (kept && !look_only) {
    folder_drop(masks, drop);
    if (kept < all)
      note_say("%s: %zu files without semantic_segmentation_labels_*.json are passed over",
               masks->path, all - kept);
  }
  free(drop);
  return kept > 0;
}

static int choose_kind(convert_run *s, fault *f) {
  const convert_job *job = s->job;
  s->from = (convert_from)job->from;
  if (s->from == CONVERT_AUTO)
    s->from = job->panoptic                                              ? CONVERT_PANOPTIC
              : keep_partnered(&s->masks, true)                          ? CONVERT_REPLICATOR
              : job->to && !job->voc_colors && !has_colors(s->ws.labels) ? CONVERT_LABELS
                                                                         : CONVERT_COLORS;
  if (s->from == CONVERT_REPLICATOR && !keep_partnered(&s->masks, false))
    return fault_set(f, EXIT_DATA,
                     "%s: no mask has a JSON file next to it, expected "
                     "semantic_segmentation_labels_0000.json for semantic_segmentation_0000.png",
                     job->masks);
  if (!job->common.labels && s->from != CONVERT_REPLICATOR && s->from != CONVERT_PANOPTIC)
    return fault_set(
        f, EXIT_USAGE,
        "--labels L is missing: a table that tells which color is which label (freemask "
        "labels --masks %s drafts one)",
        job->masks);
  if (s->from == CONVERT_LABELS && !job->to)
    return fault_set(f, EXIT_USAGE, "--from labels needs --to L2, the labels to write");
  return EXIT_FINE;
}

static int make_labels(convert_run *s, fault *f) {
  if (s->ws.labels) return EXIT_FINE;
  s->made_labels = true;
  return s->panoptic ? panoptic_make_labels(s->panoptic, s->ws.context, &s->ws.labels, f)
                     : replicator_make_labels(s->ws.context, &s->masks, &s->ws.labels, f);
}

static int read_unknown(convert_run *s, fault *f) {
  const char *given = s->job->unknown;
  char *end;
  s->unknown = -1;
  if (!given) return EXIT_FINE;
  long label = strtol(given, &end, 10);
  if (!strcmp(given, "ignore"))
    label = (long)fm_labels_ignore_label_in(s->ws.labels, FM_U16);
  else if (*given < '0' || *given > '9' || *end)
    label = -1;
  if (label < 0 || label > 65535 || fm_labels_class_of(s->ws.labels, label) == FM_CLASS_INVALID)
    return fault_set(f, EXIT_USAGE,
                     "--unknown is '%s', expected 'ignore' or a label of %s from 0 to 65535", given,
                     fm_labels_name(s->ws.labels));
  s->unknown = (int32_t)label;
  return EXIT_FINE;
}

/* The smallest type that holds every label of a space, so that all masks are alike. */
static fm_dtype type_of(const fm_labels *labels) {
  for (int64_t label = 256; label < 65536; label++)
    if (fm_labels_class_of(labels, label) != FM_CLASS_INVALID) return FM_U16;
  return FM_U8;
}

static int open_target(convert_run *s, fault *f) {
  const char *to = s->job->to;
  const int32_t classes = fm_labels_class_count(s->ws.labels);
  s->middle = s->result = type_of(s->ws.labels);
  if (!to) return EXIT_FINE;
  s->train_ids = !strcmp(to, CONVERT_TRAIN_IDS);
  if (s->train_ids) {
    s->result = FM_U8;
    if (classes <= CONVERT_TRAIN_IDS_IGNORED) return EXIT_FINE;
    return fault_set(f, EXIT_USAGE, "--to train-ids: %s has %d classes, 8-bit masks hold %d",
                     fm_labels_name(s->ws.labels), (int)classes, CONVERT_TRAIN_IDS_IGNORED);
  }
  int code = labels_open(s->ws.context, to, &s->to, f);
  if (code) return code;
  s->result = type_of(s->to);
  if (fm_labels_class_count(s->to) == classes) return EXIT_FINE;
  return fault_set(f, EXIT_DATA,
                   "label space %s has %d classes, %s has %d: expected the same classes in other "
                   "numbers",
                   fm_labels_name(s->ws.labels), (int)classes, to,
                   (int)fm_labels_class_count(s->to));
}

static int open_rules(convert_run *s, fault *f) {
  const convert_job *job = s->job;
  s->rules.bits = RULES_RGB;
  if (s->from == CONVERT_COLORS)
    return rules_of_labels(s->ws.labels, job->voc_colors, job->common.labels, &s->rules, f);
  return s->panoptic ? panoptic_bind(s->panoptic, s->ws.labels, s->unknown, f) : EXIT_FINE;
}

/* Two masks must not become one file, and no file is replaced unless that was asked for. */
static int check_outputs(const convert_run *s, fault *f) {
  char *before = NULL;
  int code = EXIT_FINE;
  for (size_t i = 0; i < s->masks.count && !code; i++) {
    char *name = convert_output_name(s, i), *path = path_join(s->out.path, name);
    if (before && !strcmp(before, name))
      code = fault_set(f, EXIT_DATA, "%s: two masks would become %s", s->masks.path, name);
    else if (!s->job->output.resume && !s->job->output.overwrite)
      code = path_expect_free(path, "--resume, --overwrite or another folder", f);
    free(path);
    free(before);
    before = name;
  }
  free(before);
  return code;
}

int convert_prepare(convert_run *s, fault *f) {
  int code = s->job->panoptic ? panoptic_open(s->job->panoptic, &s->panoptic, f) : EXIT_FINE;
  if (!code)
    code = workspace_masks(&s->ws, s->job->masks, (folder_shard){0, 1}, &s->masks, NULL, NULL, f);
  if (!code) code = choose_kind(s, f);
  if (!code) code = make_labels(s, f);
  if (!code) code = read_unknown(s, f);
  if (!code) code = open_target(s, f);
  if (!code) code = open_rules(s, f);
  if (!code) code = check_outputs(s, f);
  return code;
}

int convert_check(const convert_job *job, fault *f) {
  int code = check_flags(job, f);
  return code ? code : check_inputs(job, f);
}
