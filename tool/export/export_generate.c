/* export/export_generate.c - jobs for any generator: jobs.jsonl. */
#include "export/export_generate.h"

#include <stdlib.h>

#include "base/path.h"
#include "collect/jobs_file.h"
#include "export/export_controls.h"

/* `base` is the output folder, as files name it. */
static void add_job(export_state *s, const export_entry *entry, const job_style *style,
                    const char *base, text *t) {
  const export_entry *real = &s->real.entries[entry->row];
  const control *picture = style->controls ? &style->controls[entry->row] : NULL;
  const arg_size size = picture ? picture->size : style->size;
  char *below = style->name_of(s, entry, style->user);
  text mask_name = {0};
  text_add(&mask_name, "%s%s.png", entry->stem,
           s->ws.labels ? fm_labels_mask_suffix(s->ws.labels) : "");
  job_row row = {.seed = entry->seed, .name = entry->stem, .synthetic_mask = mask_name.data};
  row.mask = export_mask_path(&s->real, real);
  row.output = path_join(base, below);
  row.width = size.width > 0 ? size.width : 0;
  row.height = size.width > 0 ? size.height : 0;
  if (picture) {
    row.control = control_path(s, "controls", entry);
    row.edges = control_path(s, "edges", entry);
    row.prompt = picture->prompt;
  }
  job_row_add(t, &row);
  free(row.edges);
  free(row.control);
  free(row.mask);
  free(row.output);
  text_free(&mask_name);
  free(below);
}

int generate_write_jobs(export_state *s, const job_style *style, fault *f) {
  text t = {0};
  char *base = export_path(s, s->job->output.folder);
  for (size_t i = 0; i < s->synthetic.count; i++)
    add_job(s, &s->synthetic.entries[i], style, base, &t);
  free(base);
  int code = export_write(s, "jobs.jsonl", &t, f);
  text_free(&t);
  return code;
}

char *generate_result(const export_state *s, const export_entry *entry, const void *user) {
  text t = {0};
  (void)s;
  (void)user;
  text_add(&t, "results/%s.jpg", entry->stem);
  return t.data;
}

static int write_all(export_state *s, fault *f) {
  const job_style style = {generate_result, NULL, s->job->size, NULL};
  return generate_write_jobs(s, &style, f);
}

static const char *const files[] = {"jobs.jsonl", NULL};

const export_format export_jsonl = {"jsonl", EXPORT_GENERATES | EXPORT_NPY | EXPORT_NAMES_FOLDER,
                                    files, write_all};
