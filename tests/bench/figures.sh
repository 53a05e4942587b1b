#!/usr/bin/env bash
# The published comparison again: i-ResNet, Glow, RealNVP, NICE and splines on the eight toys, every model
# with the same number of steps on the same rows. Writes into FOLDER the picture figures.png, what the fits
# report, compare.txt, and gaps.md: how far each is from the truth, the mean over 20,000 fresh rows of
# ln p_true - ln p_model in nats. STEPS (6000) are each model's, ROWS (100000) each toy's.
#
#   tests/bench/figures.sh FOLDER [OPTION of iflow compare...]
set -euo pipefail
folder=${1:?usage: figures.sh FOLDER [OPTION...]}
shift
toys=(moons circles 8gaussians swissroll 2spirals pinwheel rings checkerboard)
models=(iresnet glow realnvp nice spline)
iflow=$(realpath "${IFLOW:-$(dirname "$0")/../../build/release/iflow}")
mkdir -p "$folder"
cd "$folder"

for toy in "${toys[@]}"; do
  "$iflow" toy "$toy" -n "${ROWS:-100000}" -o "$toy.csv"
  "$iflow" toy "$toy" -n 20000 --seed 2 -o "$toy.fresh.csv"
  "$iflow" toy "$toy" --logprob "$toy.fresh.csv" > "$toy.truth.csv"
done
"$iflow" compare "${toys[@]/%/.csv}" --models "$(IFS=,; echo "${models[*]}")" --steps "${STEPS:-6000}" \
  --save models --force -o figures.png "$@" > compare.txt

{
  printf '| nats above the entropy |'
  printf ' %s |' "${toys[@]}"
  printf '\n|---|'
  printf -- '---|%.0s' "${toys[@]}"
  for model in "${models[@]}"; do
    printf '\n| %s |' "$model"
    for toy in "${toys[@]}"; do
      paste -d, "$toy.truth.csv" <("$iflow" logprob "models/$toy-$model.iflow" "$toy.fresh.csv") |
        awk -F, 'NR > 1 { sum += $1 - $2 } END { printf " %.4f |", sum / (NR - 1) }'
    done
  done
  printf '\n'
} > gaps.md
cat compare.txt gaps.md
