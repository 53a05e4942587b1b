// Maximum-likelihood training of a flow. The trainer computes and reports; it reads no clock,
// prints nothing and knows no files. Everything it does is a function of the configuration, the
// data and the state, the same for any number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "flow/build_flow.h"
#include "flow/model.h"
#include "nn/lipschitz.h"
#include "train/adam.h"
#include "train/batches.h"
#include "train/prefix.h"

namespace iflow {

struct TrainConfig {
  std::uint64_t steps = 0;      // the plan
  std::size_t batch = 128;      // rows per step
  double learning_rate = 5e-3;  // at the top of the schedule
  double warmup = 0.05;         // fraction of the steps over which the rate rises
  double ema = 0.999;           // decay of the averaged parameters, per step
  double l1 = 0;                // strength of the penalty that normalised weights are shrunk by
  // What the squared Frobenius norm of every block's Jacobian costs, halved: in nats per row and
  // block; it asks for the exact log-determinant. (Finlay et al., "How to train your neural ODE",
  // ICML 2020, section 3)
  double jacobian_penalty = 0;
  double clip = 0;  // a gradient counts at most so many times its usual norm; 0: whatever it is
  AdamConfig adam;
  LogDetOptions log_det;             // how the log-determinant is found while training
  int power_iterations = 1;          // of every normalised matrix, each time
  std::uint64_t norm_every = 1;      // steps between power iterations
  std::uint64_t validate_every = 1;  // steps between validations
  std::uint64_t patience = 0;        // steps without a better validation that end the run; 0: never
  std::uint64_t seed = 0;
};

// Rows to learn from, of the flow's row_width. `rows`: (n, width) after the flow's prefix layers,
// whose ln |det| has the mean `mean_log_det` over them: a constant of the losses, with no part in
// any gradient. `validation`: (m, width) in the data's own units; with none, the averaged
// parameters of the last validation point are the best. `draw`, where there is one, takes the place
// of `rows` and `mean_log_det`: it makes those of a step, by their numbers below `drawn_rows` and
// the number of the pass over the data: rows with noise, or kept as bytes.
using DrawRows =
    std::function<PrefixedRows(std::span<const std::uint32_t> numbers, std::uint64_t pass)>;
struct TrainingData {
  std::vector<float> rows;
  double mean_log_det = 0;
  std::vector<double> validation;
  DrawRows draw = nullptr;
  std::size_t drawn_rows = 0;
  std::vector<double> weights = {};  // (n), of mean 1; none: 1 each
  std::vector<double> validation_weights = {};
};

// ln p of the rows to validate on (m, width), in nats: exact where that is affordable; else by the
// series, with probes that are the same every time, so that their noise hardly counts when two
// validations are compared. `seed`: of the run.
std::vector<double> validation_log_density(const Model& model, std::span<const double> rows,
                                           std::uint64_t seed);

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

// What training holds, in bytes, the rows aside.
struct TrainingMemory {
  std::size_t parameters = 0;  // with their averages, moments and gradients, now and to go back to
  std::size_t step = 0;  // values and adjoints of the rows that are under way, on all threads; it
                         // does not grow with the terms of a series
};

// Everything a run is: taken at a validation point, it continues as if never interrupted.
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

class Trainer {
 public:
  // Throws UsageError for numbers that make no sense, NumericError when the very first loss is not
  // finite.
  Trainer(const FlowConfig& flow, const TrainConfig& config, TrainingData data);
  ~Trainer();

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
  // Rows on a tape: those modelled, and their condition.
  struct Loaded {
    Var x;
    const float* condition;
  };
  Loaded load(Tape<float>& tape, const float* rows, std::size_t n) const;
  PrefixedRows rows_of(std::span<const std::uint32_t> numbers, std::uint64_t pass) const;
  double gradients(const std::vector<std::uint32_t>& batch);
  double slice_gradient(const std::vector<std::uint32_t>& batch, std::size_t first,
                        std::size_t count, std::size_t slice);
  bool update();
  bool move(std::size_t parameter, const AdamStep& adam, float shrinkage);
  void normalise(std::size_t parameter, int power_iterations);
  bool advance_with_team(const std::function<bool(std::uint64_t step, double loss)>& on_step);
  double validation_loss(const std::vector<float>& values) const;
  bool validate();
  void recover();

  TrainConfig config_;
  std::uint64_t last_step_;  // of the plan's, unless it is ended before
  FlowConfig flow_config_;
  Flow<float> flow_;
  std::size_t width_;  // numbers in a row
  TrainingData data_;
  std::size_t rows_;  // to learn from
  Batches batches_;
  PrefixedRows step_rows_;           // of the step at hand
  std::vector<std::size_t> pieces_;  // parameters are updated in runs [pieces_[i], pieces_[i + 1])
  std::size_t tile_groups_;          // groups of rows that go through the layers at a time

  TrainState good_;
  TrainState now_;
  AlignedVector<float> effective_;
  std::vector<float> sigma_;                     // spectral norm estimates, per parameter
  std::vector<std::vector<float>> directions_;   // of convolutions: d sigma / d kernel
  std::vector<AlignedVector<float>> gradients_;  // one per slice of the batch
  std::atomic<std::size_t> slice_bytes_ = 0;     // the most that the tapes of a slice have held
  double loss_sum_ = 0;                          // since the last validation point
};

}  // namespace iflow
