/* base/progress.c - a bar on a terminal, a line now and then elsewhere. */
#include "base/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_WIDTH = 24 };
static const double bar_every = 0.1, line_every = 10.0; /* seconds */

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void progress_begin(progress *p, const char *what, size_t total, bool quiet) {
  const char *kind = getenv("TERM");
  *p = (progress){.what = what, .total = total, .started = now(), .quiet = quiet || !total};
  p->terminal = isatty(STDERR_FILENO) && !(kind && !strcmp(kind, "dumb"));
  p->shown = p->started;
}

static void format_time(char *out, size_t size, double seconds) {
  long whole = seconds < 360000 ? (long)(seconds + 0.5) : 360000;
  if (whole >= 3600)
    snprintf(out, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    snprintf(out, size, "%ld:%02ld", whole / 60, whole % 60);
}

static void draw(progress *p, size_t done, double elapsed) {
  char bar[BAR_WIDTH + 1], left[32] = "?";
  double share = (double)done / (double)p->total;
  double rate = elapsed > 0 ? (double)done / elapsed : 0;
  if (done) format_time(left, sizeof left, elapsed / (double)done * (double)(p->total - done));
  for (int i = 0; i < BAR_WIDTH; i++) bar[i] = i < (int)(share * BAR_WIDTH) ? '#' : '.';
  bar[BAR_WIDTH] = '\0';
  if (p->terminal)
    fprintf(stderr, "\r\033[K%-9s %s %zu/%zu  %.1f/s  %s left", p->what, bar, done, p->total, rate,
            left);
  else
    fprintf(stderr, "freemask: %s %zu of %zu, %.1f/s, %s left\n", p->what, done, p->total, rate,
            left);
  fflush(stderr);
  p->drawn = true;
}

void progress_step(progress *p, size_t done) {
  if (p->quiet) return;
  double time = now();
  if (time - p->shown < (p->terminal ? bar_every : line_every)) return;
  p->shown = time;
  draw(p, done, time - p->started);
}

void progress_end(progress *p) {
  if (p->drawn && p->terminal) {
    fputs("\r\033[K", stderr);
    fflush(stderr);
  }
  p->drawn = false;
}
