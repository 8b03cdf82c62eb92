/* report/report.c - freemask report: one self-contained HTML page. */
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/path.h"
#include "cmd/commands.h"
#include "job/outdir.h"
#include "job/summary.h"

static int page_build(const report *r, text *t, fault *f) {
  report_head(r, t);
  report_numbers(r, t);
  report_warnings(r, t);
  report_score(r, t);
  report_classes(r, t);
  report_charts(r, t);
  int code = report_gallery(r, t, f);
  report_origin(r, t);
  text_add(t, "</main>\n</body>\n</html>\n");
  return code;
}

static int page_write(const char *dir, const char *provider, plugin_host **kept, const char *output,
                      size_t *bytes, fault *f) {
  report r;
  text t = {0};
  int code = report_read(dir, &r, f);
  if (code) return code;
  r.provider = provider;
  r.kept = kept;
  code = page_build(&r, &t, f);
  if (!code) code = text_write(&t, r.context, output, f);
  *bytes = t.length;
  text_free(&t);
  report_free(&r);
  return code;
}

static void tell(const job_common *common, const char *output, size_t bytes) {
  text t = {0};
  if (summary_as_json(common)) {
    text_add(&t, "{\"output\": ");
    text_add_json(&t, output);
    text_add(&t, ", \"bytes\": %zu}\n", bytes);
  } else if (summary_as_text(common)) {
    text_add(&t, "%s, %zu KiB; open it in a browser\n", output, (bytes + 1023) / 1024);
  }
  summary_print(&t);
}

static int report_to(const char *dir, const char *provider, plugin_host **kept, const char *output,
                     const job_common *common, fault *f) {
  char *path = output ? NULL : path_join(dir, "report.html");
  size_t bytes = 0;
  int code = page_write(dir, provider, kept, output ? output : path, &bytes, f);
  if (!code) tell(common, output ? output : path, bytes);
  free(path);
  return code;
}

int report_job_run(const char *dir, const char *provider, plugin_host **kept,
                   const job_common *common, fault *f) {
  return report_to(dir, provider, kept, NULL, common, f);
}

/* The page must not replace what it is made from. */
static int check_output(const char *dir, const char *output, fault *f) {
  static const char *const inputs[] = {"run.json",   "stats.json",   "filter.json", "score.json",
                                       "filter.csv", "hardness.csv", "plan.csv"};
  int code = EXIT_FINE;
  for (size_t i = 0; output && i < sizeof inputs / sizeof *inputs && !code; i++) {
    char *input = path_join(dir, inputs[i]);
    code = outdir_spare(output, input, f);
    free(input);
  }
  return code;
}

int cmd_report(int argc, char **argv) {
  job_common common = {0};
  const char *output = NULL, *provider = NULL;
  fault f;
  const arg_option options[] = {
      {"output", 'o', ARG_TEXT, &output, "FILE", "the page (default DIR/report.html)", false, false,
       0, 0, NULL},
      {"provider", 0, ARG_TEXT, &provider, "P",
       "the plug-in of the run, for pictures of its losses", false, false, 0, 0, NULL},
      ARG_QUIET(&common.quiet),
      ARG_JSON(&common.json),
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
  if (!code) code = check_output(argv[1], output, &f);
  if (!code) code = report_to(argv[1], provider, NULL, output, &common, &f);
  return code ? fault_print(&f) : EXIT_FINE;
}
