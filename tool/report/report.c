/* report/report.c - freemask report: one self-contained HTML page. */
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/path.h"
#include "cmd/commands.h"
#include "job/inputs.h"
#include "job/outdir.h"
#include "job/summary.h"
#include "report/report_crops.h"
#include "report/report_images.h"

static void add_pieces(const char *const pieces[], text *t) {
  for (size_t i = 0; pieces[i]; i++) text_add_bytes(t, pieces[i], strlen(pieces[i]));
}

void report_tail(text *t) {
  text_add(t, "</main>\n<script>\n");
  add_pieces(report_script, t);
  text_add(t, "</script>\n</body>\n</html>\n");
}

/* Pictures are optional: if inputs have moved meanwhile, the page says so. A machine that fails is
 * no reason for a page without them. */
static int build_pictures(const report *r, report_crops *crops, text *gallery, fault *f) {
  report_images set = {0};
  fault reason;
  if (!r->has_filter || !r->row_count) return EXIT_FINE;
  int code = report_images_open(r, &set, &reason);
  if (!code) code = report_gallery(&set, gallery, &reason);
  if (!code) code = report_crops_make(&set, crops, &reason);
  report_images_close(&set);
  if (!code) return EXIT_FINE;
  if (fault_is_machine(&reason)) {
    *f = reason;
    return f->exit_code;
  }
  report_crops_free(crops);
  gallery->length = 0;
  text_add(gallery, "<section class=\"warn\"><h2>Pictures are left out</h2>\n<p>");
  text_add_html(gallery, reason.text);
  text_add(gallery, "</p></section>\n");
  return EXIT_FINE;
}

static int page_build(const report *r, text *t, fault *f) {
  report_crops crops = {0};
  text gallery = {0};
  int code = build_pictures(r, &crops, &gallery, f);
  report_head(r, t);
  report_verdict(r, t);
  report_numbers(r, t);
  report_warnings(r, t);
  report_score(r, t);
  report_classes(r, crops.of ? &crops : NULL, t);
  report_confusions(r, t);
  report_charts(r, t);
  if (gallery.length) text_add_bytes(t, gallery.data, gallery.length);
  report_origin(r, t);
  report_tail(t);
  report_crops_free(&crops);
  text_free(&gallery);
  return code;
}

/* The page must not replace what it is made from. */
static int check_output(const report *r, const char *output, fault *f) {
  static const char *const files[] = {"run.json",   "stats.json",   "filter.json", "score.json",
                                      "filter.csv", "hardness.csv", "plan.csv"};
  loss_options losses = {.provider = r->filter.provider};
  inputs list = {0};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char *path = path_join(r->job->folder, files[i]);
    inputs_add(&list, path);
    free(path);
  }
  for (int i = 0; i < LOSS_FOLDERS; i++) losses.folders[i] = r->filter.folders[i];
  inputs_add_labels(&list, r->filter.labels_source);
  inputs_add(&list, r->stats_path);
  inputs_add(&list, r->filter.masks);
  inputs_add(&list, r->filter.strata);
  inputs_add(&list, report_run_text(r, "synthetic", "images"));
  inputs_add_losses(&list, &losses);
  int code = inputs_check_file(&list, output, f);
  inputs_free(&list);
  return code;
}

/* What the page tells in numbers is told with --json, too: null without a filter. */
typedef struct page {
  size_t bytes;
  json_t *numbers;
} page;

static int page_write(const report_job *job, const char *output, page *out, fault *f) {
  report r;
  text t = {0};
  int code = report_read(job, &r, f);
  if (code) return code;
  code = check_output(&r, output, f);
  if (!code) code = page_build(&r, &t, f);
  if (!code) code = text_write(&t, r.context, output, f);
  out->bytes = t.length;
  out->numbers = r.has_filter ? gap_as_json(&r.gap, &r.filter) : json_null();
  text_free(&t);
  report_free(&r);
  return code;
}

static void tell(const job_common *common, const char *output, const page *made) {
  text t = {0};
  if (summary_as_json(common)) {
    summary_print_json(json_pack("{s:o, s:I, s:O}", "output", json_text(output), "bytes",
                                 (json_int_t)made->bytes, "numbers", made->numbers));
  } else if (summary_as_text(common)) {
    text_add(&t, "%s, %zu KiB; open it in a browser\n", output, (made->bytes + 1023) / 1024);
  }
  summary_print(&t);
}

int report_job_run(const report_job *job, fault *f) {
  char *path = job->output ? alloc_text(job->output) : path_join(job->folder, "report.html");
  outdir out = {0};
  page made = {0};
  int code = EXIT_FINE;
  path_kind kind = PATH_ABSENT;
  code = path_look(job->folder, &kind, f);
  if (!code && kind != PATH_FOLDER)
    code = fault_set(f, EXIT_USAGE, "%s is not a folder", job->folder);
  if (!code && !job->output) code = outdir_open(job->folder, job->held, &out, f);
  if (!code) code = page_write(job, path, &made, f);
  if (!code) tell(&job->common, path, &made);
  json_decref(made.numbers);
  outdir_close(&out, OUTDIR_KEEP);
  free(path);
  return code;
}

int cmd_report(int argc, char **argv) {
  report_job job = {.folder = NULL};
  fault f;
  const arg_option options[] = {
      {"output", 'o', ARG_TEXT, &job.output, "FILE", "the page (default DIR/report.html)", false,
       false, 0, 0, NULL},
      {"provider", 0, ARG_TEXT, &job.provider, "P",
       "the plug-in of the run, for pictures of its losses", false, false, 0, 0, NULL},
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {"report",
                               "one HTML page about a run",
                               "DIR",
                               "DIR is the output folder of run, demo or filter, or any folder "
                               "with stats.json, filter.json\n"
                               "and filter.csv, hardness.csv or plan.csv: the page shows what is "
                               "there. It needs no network.",
                               options,
                               1,
                               1};
  int code = args_parse(&command, argc, argv, NULL, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  job.folder = argv[1];
  if (!code) code = report_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
