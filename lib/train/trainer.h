// Maximum-likelihood training of a flow. The trainer computes and reports; it reads no clock,
// prints nothing and knows no files. Everything it does is a function of the configuration, the
// data and the state, the same for any number of threads.
//
// A step computes the gradients of the slices of a batch (gradient.h), adds them (gradient_sum.h)
// and moves the parameters (update.h); at a validation point the state is judged (validation.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

#include "flow/build_flow.h"
#include "train/batches.h"
#include "train/config.h"
#include "train/effective_parameters.h"
#include "train/gradient.h"
#include "train/gradient_sum.h"
#include "train/state.h"
#include "train/training_data.h"
#include "train/update.h"
#include "train/validation.h"

namespace iflow {

// What training holds, in bytes, the rows aside.
struct TrainingMemory {
  std::size_t parameters = 0;  // with their averages, moments and gradients, now and to go back to
  std::size_t step = 0;  // values and adjoints of the rows that are under way, on all threads; it
                         // does not grow with the terms of a series
};

class Trainer {
 public:
  // Throws UsageError for numbers that make no sense, NumericError when the very first loss is not
  // finite.
  Trainer(const FlowConfig& flow, const TrainConfig& config, TrainingData data);

  // Ends the training after this step, as if the plan were done; its schedule stays the plan's. To
  // be called first of all.
  void end_at(std::uint64_t step) { last_step_ = std::min(step, config_.steps); }

  // Begins at step 0 with initial parameters, or where `state` was taken.
  void start();
  void resume(TrainState state);

  const TrainConfig& config() const { return config_; }
  const Flow<float>& flow() const { return flow_; }
  // The state at the last validation point.
  const TrainState& state() const { return good_; }
  std::uint64_t last_step() const { return last_step_; }
  // Whether the last step is done or patience is at its end.
  bool finished() const;

  // Trains up to the next validation point and validates. `on_step` is told the step just done and
  // its loss, and stops the run by returning false; the work since the last validation point is
  // then lost. Returns whether the validation point was reached.
  // After a non-finite loss or gradient goes back to the last validation point, or to the beginning
  // when not one step can be done from there, with half the learning rate; throws NumericError when
  // that has happened too often.
  bool advance(const std::function<bool(std::uint64_t step, double loss)>& on_step);

  // Finds out by the gradient of a batch; to be called after start() or resume().
  TrainingMemory memory();

  // One optimisation step from the present state; returns its loss, which may be non-finite. For
  // benchmarks and tests; `advance` is built on it.
  double step();

 private:
  LoadedRows load_first(Tape<float>& tape, std::size_t count) const;
  TrainState initial_state() const;
  double find_gradients();
  bool advance_with_team(const std::function<bool(std::uint64_t step, double loss)>& on_step);
  bool validate();
  void recover();

  TrainConfig config_;
  std::uint64_t last_step_;  // of the plan's, unless it is ended before
  FlowConfig flow_config_;
  Flow<float> flow_;
  TrainingData data_;
  std::size_t rows_;  // to learn from
  Batches batches_;
  SliceGradient gradient_;
  GradientSum sum_;
  ParameterUpdate update_;
  Validation validation_;

  TrainState good_;
  TrainState now_;
  EffectiveParameters effective_;  // of now_
  double loss_sum_ = 0;            // since the last validation point
};

}  // namespace iflow
