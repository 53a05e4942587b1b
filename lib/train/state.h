// Everything a training run is between two of its steps.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/lipschitz.h"

namespace iflow {

// One line of the training history. Losses are mean negative log-likelihoods in nats per row, in
// the data's own units.
struct HistoryPoint {
  std::uint64_t step;
  double training_loss;    // mean over the steps since the point before (raw parameters)
  double validation_loss;  // of the averaged parameters, scaled to their proved bound
};

// A non-finite loss, of a step or a validation, or gradient, and what was done about it.
struct Divergence {
  std::uint64_t step;     // where it happened
  std::uint64_t back_to;  // the step whose state was taken up again
  double learning_rate;   // from then on
};

// Taken at a validation point, it continues as if never interrupted.
struct TrainState {
  std::uint64_t step = 0;           // steps done
  std::vector<float> raw;           // parameters before spectral normalisation
  std::vector<float> average;       // exponential moving average of `raw`
  std::vector<float> m, v;          // Adam's moments
  std::vector<PowerVectors> power;  // one per parameter of the layout; empty for free ones
  double rate_factor = 1;           // of the learning rate, after divergences
  std::vector<Divergence> divergences;
  std::vector<HistoryPoint> history;
  std::uint64_t best_step = 0;
  double best_loss = 0;
  std::vector<float> best;  // effective parameters of the best validation so far
};

}  // namespace iflow
