/* job/run_shard.c - the statistics that a shard of a run is given: of the losses of all shards, or of their score. */
#include <inttypes.h>

#include "base/path.h"
#include "job/filter_file.h"
#include "job/run_state.h"
#include "job/stats_file.h"
#include "job/workspace.h"

bool run_has_two_passes(const run_state *s) {
  return s->job->criterion.policy == FM_FILTER_STRATA ||
         s->job->criterion.policy == FM_FILTER_PAIRED;
}

static int check_set(const run_state *s, const workspace *ws, const stats_file *stats, fault *f) {
  folder masks = {0};
  uint64_t identity = 0;
  int64_t count = 0;
  int code =
      workspace_masks(ws, s->job->real.masks, (folder_shard){0, 1}, &masks, &identity, &count, f);
  if (!code && (stats->set_count != 1 || stats->sets[0].identity != identity))
    code = fault_set(f, EXIT_DATA,
                     "%s: is not of the %" PRId64
                     " masks in %s, expected what freemask merge makes "
                     "of the stats.json of all shards",
                     s->job->stats, count, s->job->real.masks);
  folder_free(&masks);
  return code;
}

/* Both passes' statistics say of what strata the ranks are. */
static int check_policy(const run_state *s, const stats_file *stats, fault *f) {
  const run_job *j = s->job;
  const bool boundary = j->criterion.policy == FM_FILTER_STRATA;
  if (!run_has_two_passes(s) || (stats->histogram && stats->boundary == boundary)) return EXIT_FINE;
  return fault_set(f, EXIT_DATA,
                   "%s: was not made for --policy %s, expected what freemask merge makes of the "
                   "stats.json of all shards of this run",
                   j->stats, filter_policies[j->criterion.policy]);
}

/* The number of the score that is made of these losses, or is this one. */
static int score_of(const workspace *ws, const stats_file *stats, uint64_t *number, fault *f) {
  fm_class_stats_options options = {
      .size = sizeof options, .score = FM_SCORE_RANK, .ranks = stats_file_losses(stats)};
  fm_class_stats *score;
  fm_error err;
  options.histogram = stats->histogram;
  if (fm_class_stats_create(ws->labels, &options, &score, &err))
    return fault_library(f, &err, NULL);
  *number = stats_ranks(score);
  fm_class_stats_destroy(score);
  return EXIT_FINE;
}

/* The shard's own statistics are of the score, and made of the same losses. */
static int look_at_own(run_state *s, const workspace *ws, const stats_file *given, fault *f) {
  stats_file own = {0};
  uint64_t number = 0;
  if (!s->measured) return EXIT_FINE;
  s->measured = false;
  int code = score_of(ws, given, &number, f);
  if (!code) code = stats_file_read(ws->context, ws->labels, s->stats, &own, f);
  if (!code) s->measured = stats_ranks(own.stats) == number;
  stats_file_free(&own);
  return code;
}

int run_take_stats(run_state *s, fault *f) {
  workspace ws;
  stats_file stats = {0};
  path_kind own = PATH_ABSENT;
  int code = path_look(s->stats, &own, f);
  s->measured = !code && own != PATH_ABSENT;
  if (code || !s->job->stats) return code;
  code = workspace_open(s->job->common.labels, &ws, f);
  if (code) return code;
  code = stats_file_read(ws.context, ws.labels, s->job->stats, &stats, f);
  if (!code) code = stats_file_whole(&stats, s->job->stats, f);
  if (!code) code = check_set(s, &ws, &stats, f);
  if (!code) code = check_policy(s, &stats, f);
  s->to_filter = !code && (!run_has_two_passes(s) || fm_class_stats_ranks(stats.stats));
  if (!code && run_has_two_passes(s)) code = look_at_own(s, &ws, &stats, f);
  stats_file_free(&stats);
  workspace_close(&ws);
  return code;
}
