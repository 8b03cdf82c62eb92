#!/bin/sh
# submit.sh - statistics, filter, hardness and plan on Slurm: arrays, and after each a job that joins what it made.
# usage: submit.sh [job.env [STEP]]; with a STEP, from there on: stats, join, (score, join-score,) filter, finish
set -eu
here=$(cd "$(dirname "$0")" && pwd)
set -a # tasks get the settings by their environment
# shellcheck source=/dev/null
. "$(realpath "${1:-$here/job.env}")"
set +a
from=${2:-stats}
case $POLICY in
  paper | quantile) steps='stats join filter finish' ;;
  strata | paired) steps='stats join score join-score filter finish' ;;
  *) echo "submit.sh: POLICY is '$POLICY', expected paper, quantile, strata or paired" >&2; exit 2 ;;
esac
if [ -n "$REFERENCES" ] && [ "$POLICY" != paired ]; then
  echo "submit.sh: REFERENCES goes with POLICY=paired, but that is $POLICY" >&2
  exit 2
fi
case " $steps " in
  *" $from "*) ;;
  *) echo "submit.sh: no step of $POLICY is called '$from': expected one of $steps" >&2; exit 2 ;;
esac
mkdir -p "$OUT/parts-$SHARDS" "$OUT/log"

# A task whose node is lost, or that has to make room, is queued again; what waits for one that failed is removed.
begun='' after=''
for step in $steps; do
  [ "$step" != "$from" ] || begun=yes
  [ -n "$begun" ] || continue
  case $step in
    stats | score | filter) array="--array=0-$((SHARDS - 1))" log="$step-%a.log" ;;
    *) array='' log="$step.log" ;;
  esac
  # shellcheck disable=SC2086 # lists of flags
  job=$(sbatch --parsable --requeue --open-mode=append --kill-on-invalid-dep=yes --job-name="freemask-$step" \
    --output="$OUT/log/$log" $SBATCH_FLAGS $array $after "$here/step.sh" "$step")
  echo "$step: job $job"
  after="--dependency=afterok:$job"
done
