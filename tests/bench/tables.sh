#!/usr/bin/env bash
# Fits the tables NAME-a.csv (or .csv.gz) of a folder and scores them on NAME-b.csv:
#   tests/bench/tables.sh FOLDER [NAME ...]
# Prints a row a table: what the fit reports of itself, its mean on the test rows, those of the
# baselines beside it, and the same for the rivals named in RIVALS, options of fit: by default
# "--start gaussian" and "--model spline". IFLOW: the program.
set -euo pipefail
folder=$1
shift
iflow=${IFLOW:-build/release/iflow}
rivals=${RIVALS:-"--start gaussian;--model spline"}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
IFS=';' read -ra options <<<"$rivals"

header="| table | rows x columns | reported | test | seconds | Gaussian | mixture by BIC |"
line="|---|---|---|---|---|---|---|"
for option in "${options[@]}"; do
  header+=" $option |"
  line+="---|"
done
printf '%s\n%s\n' "$header" "$line"

for a in "$folder"/*-a.csv "$folder"/*-a.csv.gz; do
  [ -e "$a" ] || continue
  suffix=${a#"${a%-a.csv*}-a"}
  name=$(basename "${a%-a.csv*}")
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  b=${a%-a.csv*}-b$suffix
  begin=$(date +%s.%N)
  "$iflow" fit "$a" -o "$work/m.iflow" --force --quiet --json >"$work/fit.json" 2>"$work/log"
  seconds=$(awk -v b="$begin" -v e="$(date +%s.%N)" 'BEGIN { printf "%.1f", e - b }')
  "$iflow" logprob "$work/m.iflow" "$b" --mean >"$work/mean.csv" 2>>"$work/log"
  "$iflow" eval "$work/m.iflow" "$b" --json >"$work/eval.json" 2>>"$work/log" || true
  row="| $name | $(zcat -f "$a" | awk -F, 'END { print NR - 1 " x " NF }') "
  row+="| $(tr -d ' \n' <"$work/fit.json" | sed 's/.*"validation":{"mean":\([-0-9.e]*\),"se":\([-0-9.e]*\)}.*/\1 \2/' |
    awk '{ printf "%.2f ± %.2f", $1, $2 }') "
  row+="| $(awk -F, 'END { printf "%.2f ± %.2f", $1, $2 }' "$work/mean.csv") | $seconds "
  for key in gaussian mixture; do
    row+="| $(tr -d ' \n' <"$work/eval.json" | sed "s/.*\"$key\":{\([^}]*\)}.*/\1/" |
      sed 's/.*"nats":\([-0-9.e]*\).*/\1/' | awk '{ printf "%.2f", $1 }') "
  done
  for option in "${options[@]}"; do
    # shellcheck disable=SC2086  # options are words
    "$iflow" fit "$a" -o "$work/r.iflow" --force --quiet $option 2>>"$work/log"
    "$iflow" logprob "$work/r.iflow" "$b" --mean >"$work/mean.csv" 2>>"$work/log"
    row+="| $(awk -F, 'END { printf "%.2f ± %.2f", $1, $2 }' "$work/mean.csv") "
  done
  echo "$row|"
done
