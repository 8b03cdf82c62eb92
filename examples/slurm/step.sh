#!/bin/sh
# step.sh - one task of submit.sh. Each may be killed and started again at any time.
set -eu
threads=${SLURM_CPUS_PER_TASK:-1}
shard=${SLURM_ARRAY_TASK_ID:-0}
part=$(printf %05d "$shard")
# shellcheck disable=SC2086 # lists of flags
case $1 in
  stats)
    "$FREEMASK" stats --labels "$LABELS" --masks "$REAL_MASKS" --losses "$REAL_LOSSES" $STATS_FLAGS \
      --shard "$shard/$SHARDS" -j "$threads" -o "$OUT/parts-$SHARDS/stats-$part.json"
    ;;
  join)
    "$FREEMASK" merge -o "$OUT/stats.json" "$OUT/parts-$SHARDS"/stats-*.json
    ;;
  filter) # goes on with what an earlier attempt has left
    "$FREEMASK" hardness --stats "$OUT/stats.json" --labels "$LABELS" --masks "$REAL_MASKS" \
      --shard "$shard/$SHARDS" -j "$threads" -o "$OUT/parts-$SHARDS/hardness-$part.csv"
    "$FREEMASK" filter --stats "$OUT/stats.json" --labels "$LABELS" --masks "$SYNTHETIC_MASKS" \
      --losses "$SYNTHETIC_LOSSES" $FILTER_FLAGS \
      --shard "$shard/$SHARDS" -j "$threads" --resume -o "$OUT/parts-$SHARDS/filter-$part"
    ;;
  finish)
    "$FREEMASK" merge -o "$OUT/hardness.csv" "$OUT/parts-$SHARDS"/hardness-*.csv
    "$FREEMASK" plan --hardness "$OUT/hardness.csv" $PLAN_FLAGS -o "$OUT/plan.csv"
    "$FREEMASK" merge --link --overwrite -o "$OUT/filtered" "$OUT/parts-$SHARDS"/filter-*
    "$FREEMASK" report "$OUT/filtered"
    ;;
esac
