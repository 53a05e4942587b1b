#include "train/trainer.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/mean_and_error.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "flow/lanes.h"
#include "nn/convolution_norm.h"
#include "train/gradient_clip.h"
#include "train/schedule.h"
#include "train/soft_threshold.h"

namespace iflow {

namespace {

// A batch is cut into slices, each with a gradient of its own; the slices' gradients are added in a
// fixed tree. None of it depends on the threads. Small slices share well, large ones spare the
// traffic of weights and gradients, and more than some would cost more memory than they are worth.
constexpr std::size_t kSliceRows = 128;
constexpr std::size_t kMaxSlices = 8;
// A slice goes through the layers in tiles that leave them in cache; narrow layers, whose tensors
// of few rows fit in the first one with all their tangents, in smaller ones. Milliseconds of a step
// with tiles of 16, 32 and 64 rows: the defaults of the plane (32 wide) .57, .56, .59; 100 blocks
// of four layers of 128, batch 500: 412, 411, 355.
constexpr std::size_t kTileRows = 64, kNarrowTileRows = 32, kNarrow = 32;
constexpr std::size_t kMaxTileNumbers = kTileRows * 128;  // of rows, so that images are few

// Validation is exact up to so many columns, beyond them with truncation errors of at most so many
// nats per column (.0014 bits per dimension).
constexpr std::size_t kMostExactValidation = 256;
constexpr double kValidationBound = 1e-3;

// Going back this often without finishing means that the data or the options are at fault.
constexpr std::size_t kMaxDivergences = 5;

std::size_t slices_of(std::size_t batch, std::size_t dimension) {
  // An image is work enough: a slice for every group of lanes.
  constexpr std::size_t kLongRow = 256;
  if (dimension >= kLongRow) return std::min((batch + kLanes - 1) / kLanes, kMaxSlices);
  constexpr std::size_t kSmallSlice = 64;
  if (batch <= 2 * kSmallSlice) return (batch + kSmallSlice - 1) / kSmallSlice;
  return std::min((batch + kSliceRows - 1) / kSliceRows, kMaxSlices);
}

std::size_t tile_groups(const ParameterLayout& layout, std::size_t dimension) {
  const auto narrow = [](const ParameterInfo& info) { return info.rows <= kNarrow; };
  const auto& entries = layout.entries();
  const bool all_narrow = std::all_of(entries.begin(), entries.end(), narrow);
  return std::clamp<std::size_t>(kMaxTileNumbers / (dimension * kLanes), 1,
                                 (all_narrow ? kNarrowTileRows : kTileRows) / kLanes);
}

// Runs of parameters of about equal size, enough of them to share.
std::vector<std::size_t> cut_into_pieces(const ParameterLayout& layout) {
  constexpr std::size_t kPieces = 16;
  std::vector<std::size_t> starts = {0};
  const std::size_t n = layout.entries().size();
  for (std::size_t i = 1; i < n; ++i) {
    if (layout[i].offset * kPieces >= layout.size() * starts.size()) starts.push_back(i);
  }
  starts.push_back(n);
  return starts;
}

// buffers[0] += all others over [offset, offset + n), pairwise: ((0+1)+(2+3))+...
void add_in_tree(std::vector<AlignedVector<float>>& buffers, std::size_t offset, std::size_t n) {
  for (std::size_t stride = 1; stride < buffers.size(); stride *= 2) {
    for (std::size_t b = 0; b + stride < buffers.size(); b += 2 * stride) {
      float* to = buffers[b].data() + offset;
      const float* from = buffers[b + stride].data() + offset;
      for (std::size_t i = 0; i < n; ++i) to[i] += from[i];
    }
  }
}

// Whether Adam can use a gradient: its moments need finite squares. Magnitudes are compared as
// integers, in whose order NaN comes last.
bool is_usable(const float* gradient, std::size_t n) {
  constexpr float kLargest = 1e19F;  // of which a square is just finite
  std::uint32_t worst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    worst = std::max(worst, std::bit_cast<std::uint32_t>(gradient[i]) & 0x7FFFFFFFU);
  }
  return worst < std::bit_cast<std::uint32_t>(kLargest);
}

void raise_to(std::atomic<std::size_t>& largest, std::size_t x) {
  std::size_t seen = largest;
  while (seen < x && !largest.compare_exchange_weak(seen, x)) {
  }
}

void check(const TrainConfig& c, std::size_t rows) {
  if (c.batch == 0) throw UsageError("a batch needs at least one row");
  if (!(c.learning_rate > 0)) throw UsageError("the learning rate must be positive");
  if (!(c.ema >= 0 && c.ema < 1)) throw UsageError("the averaging decay must be in [0, 1)");
  if (!(c.l1 >= 0 && std::isfinite(c.l1))) {
    throw UsageError("the strength of the l1 penalty must be a number from 0");
  }
  if (!(c.jacobian_penalty >= 0 && std::isfinite(c.jacobian_penalty))) {
    throw UsageError("the strength of the Jacobian penalty must be a number from 0");
  }
  if (c.jacobian_penalty > 0 && c.log_det.method != LogDetMethod::kExact) {
    throw UsageError("the Jacobian penalty needs the exact log-determinant");
  }
  if (!(c.clip >= 0 && std::isfinite(c.clip))) {
    throw UsageError("the most that a gradient counts must be a number from 0");
  }
  if (c.validate_every == 0) throw UsageError("validations need at least one step between them");
  if (rows == 0) throw UsageError("there are no rows to learn from");
}

}  // namespace

std::vector<double> validation_log_density(const Model& model, std::span<const double> rows,
                                           std::uint64_t seed) {
  if (model.has_closed_form() || model.dimension() <= kMostExactValidation) {
    return model.log_density(rows);
  }
  std::vector<std::uint64_t> ids(rows.size() / model.row_width());
  std::iota(ids.begin(), ids.end(), std::uint64_t{0});
  LogDetOptions options = LogDetOptions::for_evaluation();
  options.probes = 2;
  options.max_bound = kValidationBound * static_cast<double>(model.dimension());
  std::vector<double> log_p;
  for (const DensityEstimate& row : model.estimate_log_density(rows, ids, options, seed)) {
    log_p.push_back(row.value);
  }
  return log_p;
}

Trainer::Trainer(const FlowConfig& flow, const TrainConfig& config, TrainingData data)
    : config_(config),
      last_step_(config.steps),
      flow_config_(flow),
      flow_(build_flow<float>(flow)),
      width_(flow.row_width()),
      data_(std::move(data)),
      rows_(data_.draw ? data_.drawn_rows : data_.rows.size() / width_),
      batches_(std::max<std::size_t>(rows_, 1), std::max<std::size_t>(config.batch, 1),
               config.seed),
      pieces_(cut_into_pieces(flow_.layout())),
      tile_groups_(tile_groups(flow_.layout(), flow.dimension)),
      effective_(flow_.layout().size()),
      sigma_(flow_.layout().entries().size()),
      directions_(flow_.layout().entries().size()),
      gradients_(slices_of(config.batch, flow.dimension),
                 AlignedVector<float>(flow_.layout().size())) {
  check(config_, rows_);
}

Trainer::~Trainer() = default;

void Trainer::start() {
  const ParameterLayout& layout = flow_.layout();
  const std::size_t n = layout.size();
  now_ = {};
  now_.raw.assign(n, 0);
  now_.m.assign(n, 0);
  now_.v.assign(n, 0);

  // The first rows, at most some thousand of them, initialise the layers that look at data; of
  // images, whose pixels count for many, some hundred.
  constexpr std::size_t kInitialRows = 4096, kInitialNumbers = 1U << 18U, kLeast = 256;
  const std::size_t most = std::clamp(kInitialNumbers / width_, kLeast, kInitialRows);
  const std::size_t whole = std::min(rows_, most) / kLanes * kLanes;
  std::vector<std::uint32_t> used(whole > 0 ? whole : rows_);
  std::iota(used.begin(), used.end(), 0U);
  Tape<float> tape(false);
  const auto [x, condition] = load(tape, rows_of(used, 0).rows.data(), used.size());
  flow_.initialise(now_.raw, tape, x, config_.seed, condition);
  now_.average = now_.raw;

  constexpr int kConverged = 50;  // power iterations for a first estimate of every norm
  now_.power.assign(layout.entries().size(), {});
  directions_.assign(layout.entries().size(), {});
  for (std::size_t i = 0; i < now_.power.size(); ++i) {
    if (layout[i].max_norm == 0) continue;
    now_.power[i] = initial_power_vectors(layout[i], config_.seed, i);
  }
  for (std::size_t i = 0; i < now_.power.size(); ++i) normalise(i, kConverged);
  loss_sum_ = gradients(batches_.at(0));
  if (!std::isfinite(loss_sum_)) {
    throw NumericError("the loss of the first rows is not finite: are there wild values?");
  }
  if (!validate()) {
    throw NumericError("the loss of the validation rows is not finite: are there wild values?");
  }
}

void Trainer::resume(TrainState state) {
  now_ = std::move(state);
  directions_.assign(directions_.size(), {});
  for (std::size_t i = 0; i < now_.power.size(); ++i) normalise(i, 0);
  loss_sum_ = 0;
  good_ = now_;
}

Trainer::Loaded Trainer::load(Tape<float>& tape, const float* rows, std::size_t n) const {
  const std::size_t d = flow_.dimension(), condition = width_ - d;
  const Var x = tape.variable(d, groups_for(n));
  rows_to_lanes(rows, n, d, tape.value(x), width_);
  if (condition == 0) return {x, nullptr};
  float* lanes = tape.scratch(condition * groups_for(n) * kLanes);
  rows_to_lanes(rows + d, n, condition, lanes, width_);
  return {x, lanes};
}

bool Trainer::finished() const {
  const bool impatient = config_.patience > 0 && good_.step - good_.best_step >= config_.patience;
  return good_.step >= last_step_ || impatient;
}

bool Trainer::advance(const std::function<bool(std::uint64_t, double)>& on_step) {
  bool reached = false;
  with_team([&] { reached = advance_with_team(on_step); });
  return reached;
}

bool Trainer::advance_with_team(const std::function<bool(std::uint64_t, double)>& on_step) {
  while (true) {
    const double loss = step();
    if (!std::isfinite(loss)) {
      recover();
      continue;
    }
    if (!on_step(now_.step, loss)) return false;
    if (now_.step % config_.validate_every == 0 || now_.step >= last_step_) {
      if (validate()) return true;
      recover();
    }
  }
}

TrainingMemory Trainer::memory() {
  gradients(batches_.at(now_.step));
  const std::size_t n = flow_.layout().size();
  constexpr std::size_t kCopies = 5;                                // raw, average, m, v, best
  std::size_t numbers = (2 * kCopies + 1 + gradients_.size()) * n;  // 1: effective
  for (const PowerVectors& vectors : now_.power) {
    numbers += 2 * (vectors.u.size() + vectors.v.size());
  }
  for (const std::vector<float>& direction : directions_) numbers += direction.size();
  const auto at_once = std::min(gradients_.size(), static_cast<std::size_t>(threads()));
  return {numbers * sizeof(float), at_once * slice_bytes_};
}

double Trainer::step() {
  const double loss = gradients(batches_.at(now_.step));
  if (!std::isfinite(loss) || !update()) return std::numeric_limits<double>::quiet_NaN();
  ++now_.step;
  loss_sum_ += loss;
  return loss;
}

PrefixedRows Trainer::rows_of(std::span<const std::uint32_t> numbers, std::uint64_t pass) const {
  if (data_.draw) return data_.draw(numbers, pass);
  PrefixedRows rows{std::vector<float>(numbers.size() * width_), data_.mean_log_det};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    std::copy_n(data_.rows.data() + std::size_t{numbers[i]} * width_, width_,
                rows.rows.data() + i * width_);
  }
  return rows;
}

// Fills gradients_ with the gradient of the mean loss of the batch, in slices; returns the loss.
double Trainer::gradients(const std::vector<std::uint32_t>& batch) {
  const std::size_t slices = gradients_.size();
  // A batch that straddles two passes sees the noise of the first.
  step_rows_ = rows_of(batch, now_.step * config_.batch / rows_);
  std::vector<double> losses(slices, 0);
  parallel_for(slices, [&](std::size_t slice) {
    const std::size_t begin = slice * batch.size() / slices;
    const std::size_t end = (slice + 1) * batch.size() / slices;
    losses[slice] = slice_gradient(batch, begin, end - begin, slice);
  });
  const double sum = std::accumulate(losses.begin(), losses.end(), 0.0);
  return sum / static_cast<double>(batch.size()) - step_rows_.mean_log_det;
}

// gradients_[slice] <- the gradient of the mean loss over the batch as far as the rows
// batch[first, first + count) go; returns the sum of their losses.
double Trainer::slice_gradient(const std::vector<std::uint32_t>& batch, std::size_t first,
                               std::size_t count, std::size_t slice) {
  thread_local Tape<float> inputs(false), tape(true);
  const std::size_t lanes = groups_for(count) * kLanes;
  std::vector<float> weights(lanes, 0), log_p(lanes);
  std::vector<std::uint64_t> ids(lanes);
  for (std::size_t i = 0; i < count; ++i) {
    const double weight = weight_of(data_.weights, batch[first + i]);
    weights[i] = -static_cast<float>(weight) / static_cast<float>(batch.size());
  }
  std::iota(ids.begin(), ids.end(), first);
  inputs.clear();
  const auto [x, condition] = load(inputs, step_rows_.rows.data() + first * width_, count);
  const std::uint64_t seed = Rng(config_.seed, RngPurpose::kProbe, now_.step, 3).next_u64();
  flow_.learn(
      {inputs, tape, effective_.data(), gradients_[slice].data(), config_.log_det, seed, slice,
       ids.data(), tile_groups_, condition, width_ - flow_.dimension(), config_.jacobian_penalty},
      x, flow_.prefix_layers(), weights.data(), log_p.data());
  raise_to(slice_bytes_, inputs.capacity() + tape.capacity());
  double loss = 0;
  for (std::size_t i = 0; i < count; ++i) {
    loss -= weight_of(data_.weights, batch[first + i]) * log_p[i];
  }
  return loss;
}

// Adds up the slices' gradients, and moves every parameter, its average and its effective matrix.
// Returns false, the state being of no more use, when a gradient or its square is not finite.
bool Trainer::update() {
  const ParameterLayout& layout = flow_.layout();
  const double alpha = config_.learning_rate * now_.rate_factor *
                       learning_rate_factor(now_.step, config_.steps, config_.warmup);
  const std::uint64_t t = now_.step + 1;
  const AdamStep adam(config_.adam, alpha, t);
  const auto shrinkage = static_cast<float>(alpha * config_.l1);
  // The average forgets the first parameters faster than 1 / (1 - ema) steps would.
  const double time = static_cast<double>(t);
  const auto decay = static_cast<float>(std::min(config_.ema, time / (time + 10)));
  std::atomic<bool> usable = true;
  parallel_for(pieces_.size() - 1, [&](std::size_t piece) {
    for (std::size_t i = pieces_[piece]; i < pieces_[piece + 1]; ++i) {
      if (!move(i, adam, shrinkage)) usable = false;
      const std::size_t at = layout[i].offset, n = layout[i].size();
      const float* raw = now_.raw.data() + at;
      float* average = now_.average.data() + at;
      for (std::size_t j = 0; j < n; ++j) average[j] += (1 - decay) * (raw[j] - average[j]);
      normalise(i, t % config_.norm_every == 0 ? config_.power_iterations : 0);
    }
  });
  return usable;
}

// The raw parameter moves by its gradient, which is left in gradients_[0]. Returns false when Adam
// has no use for it.
bool Trainer::move(std::size_t parameter, const AdamStep& adam, float shrinkage) {
  const ParameterInfo& info = flow_.layout()[parameter];
  const std::size_t at = info.offset, n = info.size();
  float* raw = now_.raw.data() + at;
  float* gradient = gradients_[0].data() + at;
  float* v = now_.v.data() + at;
  add_in_tree(gradients_, at, n);
  const bool usable = is_usable(gradient, n);
  const auto c = static_cast<float>(info.max_norm);
  if (info.max_norm > 0 && info.convolution) {
    pull_back_through_norm(raw, directions_[parameter].data(), n, sigma_[parameter], c, gradient);
  } else if (info.max_norm > 0) {
    pull_back_through_norm(raw, now_.power[parameter], sigma_[parameter], c, gradient);
  }
  if (config_.clip > 0 && usable && adam.gathered > 0) {
    clip_to_usual(config_.clip, adam.gathered, v, n, gradient);
  }
  adam_update(adam, gradient, n, raw, now_.m.data() + at, v);
  if (shrinkage > 0 && info.max_norm > 0) soft_threshold(shrinkage, n, raw);
  return usable;
}

// effective <- raw, scaled by the estimate of its spectral norm after some power iterations. The
// estimate is a function of the raw matrix and the stored vectors, so that a resumed run, which
// does none, finds the same. With fixed vectors it is linear in a convolution's kernel.
void Trainer::normalise(std::size_t parameter, int power_iterations) {
  const ParameterInfo& info = flow_.layout()[parameter];
  const float* raw = now_.raw.data() + info.offset;
  float* effective = effective_.data() + info.offset;
  if (info.max_norm == 0) {
    std::copy_n(raw, info.size(), effective);
    return;
  }
  if (info.convolution) {
    PowerVectors& vectors = now_.power[parameter];
    std::vector<float>& direction = directions_[parameter];
    power_iteration(*info.convolution, raw, vectors, power_iterations);
    if (power_iterations > 0 || direction.empty()) {
      direction.resize(info.size());
      convolution_direction(*info.convolution, vectors.u.data(), vectors.v.data(),
                            direction.data());
    }
    sigma_[parameter] = std::inner_product(direction.begin(), direction.end(), raw, 0.0F);
  } else {
    sigma_[parameter] = power_iteration(raw, now_.power[parameter], power_iterations);
  }
  normalise_matrix(raw, info.size(), sigma_[parameter], static_cast<float>(info.max_norm),
                   effective);
}

// The validation rows' mean negative log-density; NaN where one of them has none.
double Trainer::validation_loss(const std::vector<float>& values) const {
  const Model model(flow_config_, values);
  try {
    return -mean_and_error(validation_log_density(model, data_.validation, config_.seed),
                           data_.validation_weights)
                .mean;
  } catch (const NumericError&) {
    return std::numeric_limits<double>::quiet_NaN();
  }
}

// Makes a validation point of the present state. Returns false, having made none, when the loss is
// not finite.
bool Trainer::validate() {
  std::vector<float> values = now_.average;
  scale_to_proved_bound(flow_.layout(), values);
  double loss = std::numeric_limits<double>::quiet_NaN();
  if (!data_.validation.empty()) {
    loss = validation_loss(values);
    if (!std::isfinite(loss)) return false;
  }
  const std::uint64_t since = now_.history.empty() ? 0 : now_.history.back().step;
  const double steps = static_cast<double>(std::max<std::uint64_t>(now_.step - since, 1));
  now_.history.push_back({now_.step, loss_sum_ / steps, loss});
  loss_sum_ = 0;
  if (now_.best.empty() || data_.validation.empty() || loss < now_.best_loss) {
    now_.best_step = now_.step;
    now_.best_loss = loss;
    now_.best = std::move(values);
  }
  good_ = now_;
  return true;
}

// A validation judges the averages; where the parameters themselves bear not one more step, the
// state is no good, and the run begins anew.
void Trainer::recover() {
  const std::uint64_t step = now_.step;
  const bool is_hopeless = step == good_.step;
  const double rate_factor = good_.rate_factor / 2;
  std::vector<Divergence> divergences = good_.divergences;
  if (is_hopeless) start();
  now_ = good_;
  directions_.assign(directions_.size(), {});
  loss_sum_ = 0;
  now_.rate_factor = rate_factor;
  now_.divergences = std::move(divergences);
  now_.divergences.push_back({step, now_.step, config_.learning_rate * rate_factor});
  good_ = now_;
  if (now_.divergences.size() > kMaxDivergences) {
    throw NumericError(
        "training diverged for good: the loss or its gradient stopped being finite " +
        std::to_string(now_.divergences.size()) + " times, last at step " + std::to_string(step) +
        "; try a lower --lr, or look for wild values in the data");
  }
  for (std::size_t i = 0; i < now_.power.size(); ++i) normalise(i, 0);
}

}  // namespace iflow
