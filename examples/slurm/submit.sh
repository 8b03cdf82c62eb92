#!/bin/sh
# submit.sh - statistics, filter, hardness and plan on Slurm: two arrays, and after each a job that joins what it made.
# usage: submit.sh [job.env [STEP]]; with a STEP, from there on: stats, join, filter, finish
set -eu
here=$(cd "$(dirname "$0")" && pwd)
set -a # tasks get the settings by their environment
# shellcheck source=/dev/null
. "$(realpath "${1:-$here/job.env}")"
set +a
from=${2:-stats}
mkdir -p "$OUT/parts-$SHARDS" "$OUT/log"

# A task whose node is lost, or that has to make room, is queued again; what waits for one that failed is removed.
begun='' after=''
for step in stats join filter finish; do
  [ "$step" != "$from" ] || begun=yes
  [ -n "$begun" ] || continue
  case $step in
    stats | filter) array="--array=0-$((SHARDS - 1))" log="$step-%a.log" ;;
    *) array='' log="$step.log" ;;
  esac
  # shellcheck disable=SC2086 # lists of flags
  job=$(sbatch --parsable --requeue --open-mode=append --kill-on-invalid-dep=yes --job-name="freemask-$step" \
    --output="$OUT/log/$log" $SBATCH_FLAGS $array $after "$here/step.sh" "$step")
  echo "$step: job $job"
  after="--dependency=afterok:$job"
done
[ -n "$begun" ] || { echo "submit.sh: no step is called '$from': stats, join, filter, finish" >&2; exit 2; }
