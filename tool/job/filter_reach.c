/* job/filter_reach.c - a warning where losses never exceed the tolerance. */
#include "job/filter_reach.h"

#include <math.h>
#include <stdio.h>

#include "cmd/network_flags.h"
#include "losses/loss_source.h"

/* What to look at, by where the losses come from. */
static const char *advice_on_outputs(const json_t *network) {
  network_flags flags;
  network_flags_load(network, &flags);
  switch (flags.kind) {
    case KIND_LOGITS:
      return "if the outputs that were declared logits are probabilities or scores, say so "
             "(--kind probs, --kind scores)";
    case KIND_BINARY:
      return "if the outputs that were declared logits are probabilities, say so "
             "(--kind binary-probs)";
    default:
      return "if the outputs hardly differ from class to class, give the network's logits instead "
             "(--kind logits)";
  }
}

static const char *advice(const filter_file *file) {
  if (file->folders[LOSS_QUERIES])
    return "if the class logits of the queries are probabilities, give them as they were before "
           "the softmax";
  if (file->network) return advice_on_outputs(file->network);
  if (file->folders[LOSS_MAPS])
    return "if the loss maps were made of probabilities or scores taken for logits, make them of "
           "logits, or give the outputs themselves (--logits with --kind)";
  if (loss_provider_is_plugin(file->provider))
    return "if the plug-in declares probabilities or scores to be logits, correct its kind";
  return "if the segmenter is equally unsure everywhere, take a better one";
}

static void add_sentence(const filter_file *file, const char *set, int32_t classes, text *t) {
  if (!filter_is_paper(file) || file->guarantee.calibration) {
    text_add(
        t,
        "the filter drops nothing: in none of %d classes does a pixel of the %s set exceed the "
        "threshold; %s; otherwise raise %s",
        (int)classes, set, advice(file), file->guarantee.calibration ? "--lose" : "--real-share");
    return;
  }
  text_add(t,
           "the filter can drop nothing: in none of %d classes does a loss of the %s set exceed %g "
           "times the class's mean; %s; otherwise lower --tolerance",
           (int)classes, set, file->tolerance, advice(file));
}

void filter_reach_warn(const filter_file *file, text *t) {
  int32_t classes = 0;
  if (file->min_kept > 0) return;
  for (int32_t k = 0; k < file->class_count; k++) {
    const filter_class *c = &file->classes[k];
    if (!c->valid || !isfinite(filter_lowest(file, k)) || filter_highest(file, k) <= 0) continue;
    if (c->dropped) return;
    classes++;
  }
  if (classes) add_sentence(file, "synthetic", classes, t);
}

int filter_reach_expect(const filter_file *file, const fm_filter *filter, const stats_file *stats,
                        text *t, fault *f) {
  int32_t classes, reached;
  fm_error err;
  if (!stats->histogram) return EXIT_FINE;
  if (fm_filter_reach(filter, stats->stats, &classes, &reached, &err))
    return fault_library(f, &err, file->stats);
  if (classes && !reached) add_sentence(file, "real", classes, t);
  return EXIT_FINE;
}

void filter_reach_print(text *t) {
  if (t->length) fprintf(stderr, "freemask: warning: %s\n", t->data);
  text_free(t);
}
