/* export/export_generate.c - jobs for any generator: jobs.jsonl. */
#include "export/export_generate.h"

#include <stdlib.h>

#include "base/path.h"
#include "collect/jobs_file.h"

/* `below` is the result's name, which is freed; `base` is the output folder, as files name it. */
static void add_job(export_state *s, const export_entry *entry, char *below, const char *base,
                    arg_size size, text *t) {
  const export_entry *real = &s->real.entries[entry->row];
  text mask_name = {0};
  text_add(&mask_name, "%s%s.png", entry->stem,
           s->ws.labels ? fm_labels_mask_suffix(s->ws.labels) : "");
  job_row row = {.seed = entry->seed, .name = entry->stem, .synthetic_mask = mask_name.data};
  row.mask = export_mask_path(&s->real, real);
  row.output = path_join(base, below);
  row.width = size.width > 0 ? size.width : 0;
  row.height = size.width > 0 ? size.height : 0;
  job_row_add(t, &row);
  free(row.mask);
  free(row.output);
  text_free(&mask_name);
  free(below);
}

int generate_write_jobs(export_state *s, result_name *name_of, const void *user, arg_size size,
                        fault *f) {
  text t = {0};
  char *base = export_path(s, s->job->output.folder);
  for (size_t i = 0; i < s->synthetic.count; i++) {
    const export_entry *entry = &s->synthetic.entries[i];
    add_job(s, entry, name_of(s, entry, user), base, size, &t);
  }
  free(base);
  int code = export_write(s, "jobs.jsonl", &t, f);
  text_free(&t);
  return code;
}

static char *name_result(const export_state *s, const export_entry *entry, const void *user) {
  text t = {0};
  (void)s;
  (void)user;
  text_add(&t, "results/%s.jpg", entry->stem);
  return t.data;
}

static int write_all(export_state *s, fault *f) {
  return generate_write_jobs(s, name_result, NULL, s->job->size, f);
}

static const char *const files[] = {"jobs.jsonl", NULL};

const export_format export_jsonl = {"jsonl", EXPORT_GENERATES | EXPORT_NPY | EXPORT_NAMES_FOLDER,
                                    files, write_all};
