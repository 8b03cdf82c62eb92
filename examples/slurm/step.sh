#!/bin/sh
# step.sh - one task of submit.sh. Each may be killed and started again at any time.
set -eu
threads=${SLURM_CPUS_PER_TASK:-1}
shard=${SLURM_ARRAY_TASK_ID:-0}
part=$(printf %05d "$shard")
parts=$OUT/parts-$SHARDS
step=$1
losses=$parts/losses.json # of all shards, where they are the first pass of two
case $POLICY in paper | quantile) losses=$OUT/stats.json ;; esac

real_set() {
  "$FREEMASK" stats --policy "$POLICY" --labels "$LABELS" --masks "$REAL_MASKS" --losses "$REAL_LOSSES" \
    --shard "$shard/$SHARDS" -j "$threads" "$@"
}

# shellcheck disable=SC2086 # lists of flags
case $step in
  stats)
    real_set $STATS_FLAGS -o "$parts/stats-$part.json"
    ;;
  join)
    "$FREEMASK" merge -o "$losses" "$parts"/stats-*.json
    ;;
  score) # the second pass, of strata and paired: what the losses of all shards make of each loss
    real_set $STATS_FLAGS --ranks "$losses" ${REFERENCES:+--references "$REFERENCES"} -o "$parts/score-$part.json"
    ;;
  join-score)
    "$FREEMASK" merge -o "$OUT/stats.json" "$parts"/score-*.json
    ;;
  filter) # goes on with what an earlier attempt has left
    "$FREEMASK" hardness --stats "$OUT/stats.json" --labels "$LABELS" --masks "$REAL_MASKS" \
      --shard "$shard/$SHARDS" -j "$threads" -o "$parts/hardness-$part.csv"
    if [ -n "$REFERENCES" ]; then
      set -- --references "$REFERENCES"
    elif [ "$POLICY" = paired ]; then
      set -- --real-masks "$REAL_MASKS" --real-losses "$REAL_LOSSES"
    else
      set --
    fi
    "$FREEMASK" filter --policy "$POLICY" --stats "$OUT/stats.json" --labels "$LABELS" --masks "$SYNTHETIC_MASKS" \
      --losses "$SYNTHETIC_LOSSES" "$@" $FILTER_FLAGS \
      --shard "$shard/$SHARDS" -j "$threads" --resume -o "$parts/filter-$part"
    ;;
  finish)
    "$FREEMASK" merge -o "$OUT/hardness.csv" "$parts"/hardness-*.csv
    "$FREEMASK" plan --hardness "$OUT/hardness.csv" $PLAN_FLAGS -o "$OUT/plan.csv"
    "$FREEMASK" merge --link --overwrite -o "$OUT/filtered" "$parts"/filter-*
    "$FREEMASK" report "$OUT/filtered"
    ;;
esac
