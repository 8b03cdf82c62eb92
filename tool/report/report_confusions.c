/* report/report_confusions.c - the report's table of what dropped pixels show. */
#include "report/report.h"

static const char *source_of(const filter_file *file) {
  return file->folders[LOSS_IMAGES] ? "the provider" : "the network";
}

static void why_not(const report *r, text *t) {
  const bool maps = r->filter.folders[LOSS_MAPS] != NULL;
  text_add(t,
           "<section><h2>What dropped pixels show</h2>\n<p class=\"note\">Not known: %s tell how "
           "implausible a class is, not which one would be plausible. With a network's outputs "
           "(<code>--logits</code>, <code>--queries</code>) this is counted.</p></section>\n",
           maps ? "loss maps" : "losses");
}

static void row(const filter_file *file, const confused_pair *pair, double most, text *t) {
  const double dropped = (double)file->classes[pair->mask].dropped;
  text_add(t, "<tr><td>");
  text_add_html(t, file->classes[pair->mask].name);
  text_add(t, "</td><td class=\"name\">");
  text_add_html(t, file->classes[pair->shown].name);
  text_add(t, "</td><td>");
  report_add_count(t, pair->pixels);
  text_add(t, "<span class=\"bar hot\"><i style=\"width:%.1f%%\"></i></span></td><td>",
           100.0 * (double)pair->pixels / most);
  report_add_percent(t, dropped > 0.0 ? (double)pair->pixels / dropped : 0.0);
  text_add(t, "</td></tr>\n");
}

void report_confusions(const report *r, text *t) {
  enum { MOST = 15 };
  confused_pair pairs[MOST];
  const filter_file *file = &r->filter;
  if (!r->has_filter || !file->dropped) return;
  if (!file->confused.class_count) {
    why_not(r, t);
    return;
  }
  const int count = confusion_top(&file->confused, -1, MOST, pairs);
  text_add(t, "<section><h2>What dropped pixels show</h2>\n");
  if (!count) {
    text_add(t,
             "<p class=\"note\">Wherever a pixel was dropped, %s still finds the mask's class the "
             "most likely one: nothing was taken for another class.</p></section>\n",
             source_of(file));
    return;
  }
  text_add(t,
           "<p class=\"note\">The class that %s finds most likely where the mask says another one: "
           "the most frequent pairs.</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
           "aria-label=\"What dropped pixels show\"><table id=\"confusions\"><thead><tr>"
           "<th scope=\"col\">The mask says</th><th scope=\"col\" class=\"name\">Shown</th>"
           "<th scope=\"col\">Dropped pixels</th><th scope=\"col\">Of the class's dropped ones</th>"
           "</tr></thead>\n<tbody>\n",
           source_of(file));
  for (int i = 0; i < count; i++) row(file, &pairs[i], (double)pairs[0].pixels, t);
  text_add(t, "</tbody></table></div></section>\n");
}
