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
#include "report/diff.h"
#include "report/report_crops.h"
#include "report/report_images.h"

static void add_pieces(const char *const pieces[], text *t) {
  for (size_t i = 0; pieces[i]; i++) text_add_string(t, pieces[i]);
}

void report_tail(text *t) {
  text_add(t, "</main>\n<script>\n");
  add_pieces(report_script, t);
  text_add(t, "</script>\n</body>\n</html>\n");
}

int report_no_pictures(const fault *reason, text *pictures, fault *f) {
  if (fault_is_machine(reason)) {
    *f = *reason;
    return f->exit_code;
  }
  pictures->length = 0;
  text_add(pictures, "<section class=\"warn\"><h2>Pictures are left out</h2>\n<p>");
  text_add_html(pictures, reason->text);
  text_add(pictures, "</p></section>\n");
  return EXIT_FINE;
}

/* How large a page may grow that is about few images (up to FEW) or many: pictures are what takes room.
 * What a class takes without any is known from its table and its curves. */
enum {
  PAGE_FEW = 1900 << 10,
  PAGE_MANY = 6 << 20,
  GALLERY_FEW = 700 << 10,
  GALLERY_MANY = 1 << 20,
  REST = 64 << 10,
  CLASS_BYTES = 3 << 10,
  FEW = 1000
};

static size_t room_for_crops(const report *r, size_t gallery) {
  const size_t page = r->filter.count > FEW ? PAGE_MANY : PAGE_FEW;
  const size_t taken = gallery + REST + CLASS_BYTES * (size_t)r->filter.class_count;
  return taken < page ? page - taken : 0;
}

static int build_pictures(const report *r, report_crops *crops, text *gallery, fault *f) {
  report_images set = {0};
  fault reason;
  if (!r->has_filter || !r->row_count) return EXIT_FINE;
  int code = report_images_open(r, true, &set, &reason);
  if (!code)
    code =
        report_gallery(&set, r->filter.count > FEW ? GALLERY_MANY : GALLERY_FEW, gallery, &reason);
  if (!code) code = report_crops_make(&set, room_for_crops(r, gallery->length), crops, &reason);
  report_images_close(&set);
  if (!code) return EXIT_FINE;
  report_crops_free(crops);
  return report_no_pictures(&reason, gallery, f);
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
  static const char *const files[] = {
      "run.json", "stats.json",    "filter.json",  "score.json", "filter.csv", "hardness.csv",
      "plan.csv", "filter.record", "stats.record", "masks",      "weights",    "export"};
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

static int check_folder(const char *path, fault *f) {
  path_kind kind = PATH_ABSENT;
  int code = path_look(path, &kind, f);
  return code || kind == PATH_FOLDER ? code : fault_set(f, EXIT_USAGE, "%s is not a folder", path);
}

int report_job_run(const report_job *job, fault *f) {
  char *path = job->output ? alloc_text(job->output) : path_join(job->folder, "report.html");
  outdir out = {0};
  page made = {0};
  int code = check_folder(job->folder, f);
  if (!code && !job->output) code = outdir_open(job->folder, job->held, &out, f);
  if (!code) code = page_write(job, path, &made, f);
  if (!code) tell(&job->common, path, &made);
  json_decref(made.numbers);
  outdir_close(&out, OUTDIR_KEEP);
  free(path);
  return code;
}

/* ---- Two runs ------------------------------------------------------------------------------- */

static int write_diff(const run_diff *d, const char *output, size_t *bytes, fault *f) {
  text t = {0};
  int code = check_output(d->a, output, f);
  if (!code) code = check_output(d->b, output, f);
  if (!code) code = diff_page(d, &t, f);
  if (!code) code = text_write(&t, d->b->context, output, f);
  *bytes = t.length;
  text_free(&t);
  return code;
}

static void tell_diff(const job_common *common, const run_diff *d, const char *output,
                      size_t bytes) {
  text t = {0};
  if (summary_as_json(common)) {
    json_t *all = diff_as_json(d);
    if (output) json_object_set_new(all, "output", json_text(output));
    summary_print_json(all);
  } else if (summary_as_text(common)) {
    diff_as_text(d, &t);
    if (output)
      text_add(&t, "%s, %zu KiB; open it in a browser\n", output, (bytes + 1023) / 1024);
    else
      text_add(&t, "-o FILE.html makes a page of this, with pictures\n");
  }
  summary_print(&t);
}

/* What differs from `job`'s folder in that of `other`. */
static int diff_run(const report_job *job, const char *other, fault *f) {
  report_job second = *job;
  report a = {0}, b = {0};
  run_diff d = {0};
  size_t bytes = 0;
  second.folder = other;
  if (job->provider)
    return fault_set(f, EXIT_USAGE,
                     "--provider is for the pictures of one folder's losses, but two are compared");
  int code = check_folder(job->folder, f);
  if (!code) code = check_folder(other, f);
  if (!code) code = report_read(job, &a, f);
  const bool first = !code;
  if (!code) code = report_read(&second, &b, f);
  const bool both = !code;
  if (!code) code = diff_find(&a, &b, &d, f);
  if (!code && job->output) code = write_diff(&d, job->output, &bytes, f);
  if (!code) tell_diff(&job->common, &d, job->output, bytes);
  diff_free(&d);
  if (first) report_free(&a);
  if (both) report_free(&b);
  return code;
}

/* ---- The command ---------------------------------------------------------------------------- */

int cmd_report(int argc, char **argv) {
  report_job job = {.folder = NULL};
  fault f;
  const arg_option options[] = {
      {"output", 'o', ARG_TEXT, &job.output, "FILE",
       "the page (default DIR/report.html; of two: none)", false, false, 0, 0, NULL},
      {"provider", 0, ARG_TEXT, &job.provider, "P",
       "the plug-in of the run, for pictures of its losses", false, false, 0, 0, NULL},
      ARG_QUIET(&job.common.quiet),
      ARG_JSON(&job.common.json),
      {0}};
  const arg_command command = {"report",
                               "one HTML page about a run, or what two runs differ in",
                               "DIR [OTHER]",
                               "DIR is the output folder of run, demo or filter, or any folder "
                               "with stats.json, filter.json\n"
                               "and filter.csv, hardness.csv or plan.csv: the page shows what is "
                               "there. It needs no network.\n"
                               "\n"
                               "With OTHER it prints which classes have other thresholds, drops "
                               "and shifts there, and which\n"
                               "masks; -o makes a page of that.",
                               options,
                               1,
                               2};
  size_t folders = 0;
  int code = args_parse(&command, argc, argv, &folders, &f);
  if (code == ARGS_HELP) return EXIT_FINE;
  job.folder = argv[1];
  if (!code) code = folders > 1 ? diff_run(&job, argv[2], &f) : report_job_run(&job, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
