#!/usr/bin/env bash
# How far plain fits of the toy data sets end from the truth: for each, fits ROWS rows with the defaults and
# prints the gap, the mean over 100,000 fresh rows of ln p_true - ln p_model in nats with its standard error,
# and the seconds that the fit took. FIT holds further options of the fit.
#
#   tests/bench/gaps.sh ROWS [NAME...]
#   FIT='--model glow --time 60s' tests/bench/gaps.sh 1000000 moons circles 8gaussians
set -euo pipefail
rows=${1:?usage: gaps.sh ROWS [NAME...]}
shift
[ $# -gt 0 ] || set -- moons circles 8gaussians swissroll 2spirals pinwheel rings checkerboard
iflow=${IFLOW:-$(dirname "$0")/../../build/release/iflow}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

printf '%-14s %8s %8s %8s\n' data gap se seconds
for name in "$@"; do
  model=$folder/$name.iflow
  start=$(date +%s.%N)
  # shellcheck disable=SC2086  # several words
  "$iflow" toy "$name" -n "$rows" | "$iflow" fit - -o "$model" --quiet ${FIT:-}
  seconds=$(echo "$(date +%s.%N) $start" | awk '{ print $1 - $2 }')
  "$iflow" toy "$name" -n 100000 --seed 2 > "$folder/fresh.csv"
  paste -d, <("$iflow" toy "$name" --logprob "$folder/fresh.csv") \
    <("$iflow" logprob "$model" "$folder/fresh.csv") |
    awk -F, -v name="$name" -v seconds="$seconds" '
      NR > 1 { d = $1 - $2; sum += d; squares += d * d; n++ }
      END {
        mean = sum / n
        printf "%-14s %8.4f %8.4f %8.1f\n", name, mean, sqrt((squares / n - mean * mean) / n), seconds
      }'
done
