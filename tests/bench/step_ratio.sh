#!/usr/bin/env bash
# Seconds per training step, side by side in one run: iflow against a program that trains the same model
# and prints {"seconds_per_step": ...}, called with --data, --blocks, --hidden, --batch, --steps,
# --logdet and --power-iters. Runs alternate, ROUNDS times (3); medians are compared.
#
#   tests/bench/step_ratio.sh PEER.py BLOCKS HIDDEN BATCH STEPS LOGDET...
#   tests/bench/step_ratio.sh torch_resflow.py 100 128,128,128,128 500 8 roulette exact
#   MODEL=realnvp tests/bench/step_ratio.sh tests/bench/realnvp_peer.py 16 64,64 128 200 exact
set -euo pipefail
peer=${1:?usage: step_ratio.sh PEER.py BLOCKS HIDDEN BATCH STEPS LOGDET...}
blocks=$2 hidden=$3 batch=$4 steps=$5
shift 5
iflow=${IFLOW:-$(dirname "$0")/../../build/release/iflow}
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$iflow" toy moons -n 10000 > "$folder/moons.csv"

median() { sort -g | awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)] }'; }

same=()  # one power iteration a step on both sides
[ "${MODEL:-iresnet}" != iresnet ] || same=(--power-iterations 1)

# The difference of two runs leaves start and end out.
iflow_seconds() {
  local short=$((steps / 4 + 1)) long=$((steps * 4)) n seconds=()
  for n in "$short" "$long"; do
    seconds+=("$("$iflow" fit "$folder/moons.csv" -o "$folder/m.iflow" --force --quiet --json \
      --model "${MODEL:-iresnet}" --blocks "$blocks" --hidden "$hidden" --batch "$batch" --steps "$n" \
      --validate-every "$n" --refit no "${same[@]}" \
      | grep -o '"seconds":[^,}]*' | cut -d: -f2)")
  done
  echo "${seconds[0]} ${seconds[1]} $short $long" | awk '{ print ($2 - $1) / ($4 - $3) }'
}

peer_seconds() {
  OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=1 "$python" "$peer" --data "$folder/moons.csv" \
    --blocks "$blocks" --hidden "$hidden" --batch "$batch" --steps "$steps" --power-iters 1 \
    --logdet "$1" | grep -o '"seconds_per_step": [^,]*' | cut -d' ' -f2
}

for round in $(seq "${ROUNDS:-3}"); do
  iflow_seconds >> "$folder/iflow"
  for logdet in "$@"; do peer_seconds "$logdet" >> "$folder/$logdet"; done
done
ours=$(median < "$folder/iflow")
printf 'iflow, exact       %10.4f s a step\n' "$ours"
for logdet in "$@"; do
  theirs=$(median < "$folder/$logdet")
  printf 'peer, %-12s %10.4f s a step  %6.1f times\n' "$logdet" "$theirs" \
    "$(echo "$theirs $ours" | awk '{ print $1 / $2 }')"
done
