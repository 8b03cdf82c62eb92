/* report/report_charts.c - the report's charts, as inline SVG. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/report.h"

enum { WIDTH = 420, HEIGHT = 220, LEFT = 44, RIGHT = 10, TOP = 10, BOTTOM = 42 };
enum { BARS_MAX = 100, KEEP_BARS = 20, HARDNESS_BARS = 24 };

typedef struct chart {
  const char *title, *caption, *x_name, *y_name;
  double x_low, x_high;
  double bars[BARS_MAX];
  char tips[BARS_MAX][96];
  int count, x_digits;
  bool hot;
} chart;

/* The smallest of 1, 2, 5, 10, 20, ... that is not below `v`. */
static double round_up(double v) {
  const double power = pow(10.0, floor(log10(v)));
  const double digits = v / power;
  return power * (digits <= 1.0 ? 1.0 : digits <= 2.0 ? 2.0 : digits <= 5.0 ? 5.0 : 10.0);
}

static double highest_of(const chart *c) {
  double most = 0.0;
  for (int i = 0; i < c->count; i++) most = fmax(most, c->bars[i]);
  return most > 0.0 ? most : 1.0;
}

static void y_axis(const chart *c, double top, text *t) {
  const double step = round_up(top / 4.0), height = HEIGHT - TOP - BOTTOM;
  for (double v = 0.0; v <= top * 1.0001; v += step) {
    const double y = TOP + height * (1.0 - v / top);
    text_add(t,
             "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
             "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n",
             LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4.0, v);
  }
  text_add(t,
           "<text transform=\"translate(11 %.0f) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
           TOP + height / 2.0, c->y_name);
}

static void x_axis(const chart *c, text *t) {
  const double width = WIDTH - LEFT - RIGHT;
  for (int i = 0; i <= 4; i++) {
    const double v = c->x_low + (c->x_high - c->x_low) * i / 4.0;
    text_add(t, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%.*f</text>\n",
             LEFT + width * i / 4.0, HEIGHT - BOTTOM + 17, i == 4 ? "end" : "middle", c->x_digits,
             v);
  }
  text_add(t, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", LEFT + width / 2.0,
           HEIGHT - 8, c->x_name);
}

/* Each bar has a tall invisible one around it, so that low bars have tooltips too. */
static void bars(const chart *c, double top, text *t) {
  const double width = (WIDTH - LEFT - RIGHT) / (double)c->count;
  const double full = HEIGHT - TOP - BOTTOM,
               between = c->count > 60 ? 0.0 : fmin(2.0, width * 0.15);
  for (int i = 0; i < c->count; i++) {
    const double height = full * c->bars[i] / top, x = LEFT + width * i;
    text_add(
        t,
        "<g><title>%s</title><rect class=\"catch\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" "
        "height=\"%.1f\"/><rect%s x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/></g>\n",
        c->tips[i], x, TOP, width, full, c->hot ? " class=\"hot\"" : "", x + between / 2.0,
        TOP + full - height, between > 0.0 ? width - between : width + 0.3, height);
  }
}

static void draw(const chart *c, text *t) {
  const double most = highest_of(c), step = round_up(most / 4.0), top = ceil(most / step) * step;
  text_add(t, "<figure><h3>%s</h3>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n",
           c->title, WIDTH, HEIGHT, c->caption);
  y_axis(c, top, t);
  x_axis(c, t);
  bars(c, top, t);
  text_add(t, "</svg>\n<figcaption>%s</figcaption></figure>\n", c->caption);
}

static void keep_chart(const report *r, text *t) {
  chart *c = alloc_zeroed(1, sizeof *c);
  double sum = 0.0;
  *c = (chart){.title = "How much of each mask was kept",
               .x_name = "kept, % of the labeled pixels",
               .y_name = "masks",
               .x_high = 100.0,
               .count = KEEP_BARS};
  for (size_t i = 0; i < r->row_count; i++) {
    const double kept = filter_kept_share(r->rows[i].valid, r->rows[i].dropped);
    const int bin = (int)(kept * KEEP_BARS);
    c->bars[bin < KEEP_BARS ? bin : KEEP_BARS - 1]++;
    sum += kept;
  }
  for (int i = 0; i < KEEP_BARS; i++)
    snprintf(c->tips[i], sizeof c->tips[i], "%d to %d %%: %.0f masks", i * 100 / KEEP_BARS,
             (i + 1) * 100 / KEEP_BARS, c->bars[i]);
  char caption[160];
  snprintf(caption, sizeof caption, "%zu masks; on average %.1f %% of a mask was kept.",
           r->row_count, 100.0 * sum / (double)r->row_count);
  c->caption = caption;
  draw(c, t);
  free(c);
}

static void hardness_chart(const report *r, text *t) {
  chart *c = alloc_zeroed(1, sizeof *c);
  const char *by = report_run_text(r, NULL, "hardness_by");
  double low = INFINITY, high = -INFINITY, sum = 0.0;
  *c = (chart){.title = "Hardness of the real masks",
               .x_name = by && !strcmp(by, "shape") ? "hardness, by shape" : "hardness, nats",
               .y_name = "masks",
               .count = HARDNESS_BARS,
               .x_digits = 3};
  for (size_t i = 0; i < r->hardness_count; i++) {
    low = fmin(low, r->hardness[i].hardness);
    high = fmax(high, r->hardness[i].hardness);
    sum += r->hardness[i].hardness;
  }
  const double range = high > low ? high - low : fmax(fabs(low) * 0.1, 1e-6);
  c->x_low = low;
  c->x_high = low + range;
  for (size_t i = 0; i < r->hardness_count; i++) {
    const int bin = (int)((r->hardness[i].hardness - low) / range * HARDNESS_BARS);
    c->bars[bin < HARDNESS_BARS ? bin : HARDNESS_BARS - 1]++;
  }
  for (int i = 0; i < HARDNESS_BARS; i++)
    snprintf(c->tips[i], sizeof c->tips[i], "%.4g to %.4g: %.0f masks",
             low + range * i / HARDNESS_BARS, low + range * (i + 1) / HARDNESS_BARS, c->bars[i]);
  char caption[160];
  snprintf(caption, sizeof caption, "%zu masks; mean %.4f, from %.4f to %.4f.", r->hardness_count,
           sum / (double)r->hardness_count, low, high);
  c->caption = caption;
  draw(c, t);
  free(c);
}

/* Ranks are 1 .. masks, each once; if there are many, bars are means over several. */
static void plan_chart(const report *r, text *t) {
  chart *c = alloc_zeroed(1, sizeof *c);
  double ranks[BARS_MAX] = {0};
  const size_t masks = (size_t)fm_plan_mask_count(r->plan);
  const int count = masks < BARS_MAX ? (int)masks : BARS_MAX;
  *c = (chart){.title = "Synthetic images by rank",
               .x_name = "rank, easiest mask first",
               .y_name = "images per mask",
               .count = count,
               .x_low = 1.0,
               .hot = true};
  c->x_high = (double)masks;
  for (size_t i = 0; i < masks; i++) {
    const fm_plan_entry row = plan_entry(r->plan, i);
    const int bin = (int)((double)(row.rank - 1) / (double)masks * count);
    c->bars[bin] += (double)row.count;
    ranks[bin]++;
  }
  for (int i = 0; i < count; i++) {
    if (ranks[i] > 0.0) c->bars[i] /= ranks[i];
    const double first = 1.0 + ceil((double)i * (double)masks / count);
    snprintf(c->tips[i], sizeof c->tips[i], "from rank %.0f: %.4g images per mask", first,
             c->bars[i]);
  }
  bool rising = count > 1 && c->bars[count - 1] > c->bars[0];
  for (int i = 1; i < count; i++) rising = rising && c->bars[i] >= c->bars[i - 1];
  char caption[160];
  snprintf(caption, sizeof caption, "%s%lld images for %zu masks.",
           rising ? "Harder masks get more: " : "", (long long)fm_plan_image_count(r->plan), masks);
  c->caption = caption;
  draw(c, t);
  free(c);
}

void report_charts(const report *r, text *t) {
  if (!r->row_count && !r->hardness_count && !r->plan) return;
  text_add(t, "<section><h2>Distributions</h2>\n<div class=\"charts\">\n");
  if (r->row_count) keep_chart(r, t);
  if (r->hardness_count) hardness_chart(r, t);
  if (r->plan) plan_chart(r, t);
  text_add(t, "</div></section>\n");
}
