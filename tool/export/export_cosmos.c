/* export/export_cosmos.c - jobs for Cosmos-Transfer2.5's examples/inference.py: a file of JSON
 * lines, each a specification whose paths begin at the file, one frame each. It writes
 * OUTPUT/<name>.jpg in the size of `video_path`, its sides made even. That video is looked at for
 * its size and number of frames, as no frame of it is a condition: the control stands in for it. */
#include <stdlib.h>

#include "base/json_file.h"
#include "export/export_controls.h"
#include "export/export_runs.h"

enum { MULTIPLE = 2 };

static char *name_result(const export_state *s, const export_entry *entry, const void *user) {
  char *name = export_flat_name(entry->stem);
  text t = {0};
  (void)s;
  (void)user;
  text_add(&t, "results/%s.jpg", name);
  free(name);
  return t.data;
}

static void add_spec(export_state *s, const export_entry *entry, const control *controls, text *t) {
  char *name = export_flat_name(entry->stem);
  char *path = control_path(s, "controls", entry);
  json_t *spec = json_pack(
      "{s:o, s:o, s:o, s:I, s:i, s:i, s:i, s:{s:o, s:f}}", "name", json_text(name), "prompt",
      json_text(controls[entry->row].prompt), "video_path", json_text(path), "seed",
      (json_int_t)entry->seed, "max_frames", 1, "num_video_frames_per_chunk", 1,
      "num_conditional_frames", 0, "seg", "control_path", json_text(path), "control_weight", 1.0);
  json_add_ascii_line(spec, t);
  free(path);
  free(name);
}

static int write_specs(export_state *s, const control *controls, fault *f) {
  text t = {0};
  for (size_t i = 0; i < s->synthetic.count; i++)
    add_spec(s, &s->synthetic.entries[i], controls, &t);
  int code = export_write(s, "specs.jsonl", &t, f);
  text_free(&t);
  return code;
}

static const char script[] =
    "#!/bin/sh\n"
    "# Generates with Cosmos-Transfer2.5 what specs.jsonl asks for. Written by freemask export. "
    "Run\n"
    "# it in the folder of Cosmos-Transfer2.5; its arguments go to examples/inference.py:\n"
    "#   sh PATH/generate.sh\n"
    "# Then: freemask collect. What is missing after a crash, the next freemask export asks for.\n"
    "set -eu\n"
    "here=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd)\n"
    "\"${PYTHON:-python}\" examples/inference.py -i \"$here/specs.jsonl\" -o \"$here/results\" "
    "\"$@\"\n";

static int write_all(export_state *s, fault *f) {
  control *controls = NULL;
  int code = runs_check_seeds(s, f);
  if (!code) code = controls_write(s, MULTIPLE, &controls, f);
  if (!code) {
    const job_style style = {name_result, NULL, {0}, controls};
    code = generate_write_jobs(s, &style, f);
  }
  if (!code) code = write_specs(s, controls, f);
  if (!code) code = export_write_fixed(s, "generate.sh", script, f);
  controls_free(controls, s->real.count);
  return code;
}

static const char *const files[] = {"jobs.jsonl", "specs.jsonl", "generate.sh",
                                    "controls/",  "edges/",      NULL};

const export_format export_cosmos = {
    "cosmos", EXPORT_LABELS | EXPORT_GENERATES | EXPORT_NPY | EXPORT_NAMES_FOLDER, files,
    write_all};
