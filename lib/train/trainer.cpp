#include "train/trainer.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "flow/lanes.h"

namespace iflow {

namespace {

// Going back this often without finishing means that the data or the options are at fault.
constexpr std::size_t kMaxDivergences = 5;

}  // namespace

Trainer::Trainer(const FlowConfig& flow, const TrainConfig& config, TrainingData data)
    : config_(config),
      last_step_(config.steps),
      flow_config_(flow),
      flow_(build_flow<float>(flow)),
      data_(std::move(data)),
      rows_(data_.row_count(flow.row_width())),
      batches_(std::max<std::size_t>(rows_, 1), std::max<std::size_t>(config.batch, 1),
               config.seed),
      gradient_(flow_, flow.row_width(), config, data_.weights),
      sum_(gradient_.slices(), flow_.layout().size()),
      update_(flow_.layout(), config),
      validation_(flow_config_, flow_.layout(), data_.validation, data_.validation_weights,
                  config.seed),
      effective_(flow_.layout()) {
  if (flow_.layout().entries().empty()) throw UsageError("the flow has nothing to learn");
  check(config_);
  if (rows_ == 0) throw UsageError("there are no rows to learn from");
}

// The first `count` rows on a tape, loaded in parts, so that rows that are drawn need no copy.
LoadedRows Trainer::load_first(Tape<float>& tape, std::size_t count) const {
  constexpr std::size_t kPart = 256 * kLanes;  // rows
  const std::size_t d = flow_.dimension(), width = flow_config_.row_width(), c = width - d;
  const Var x = tape.variable(d, groups_for(count));
  float* condition = c > 0 ? tape.scratch(c * groups_for(count) * kLanes) : nullptr;
  for (std::size_t first = 0; first < count; first += kPart) {
    std::vector<std::uint32_t> numbers(std::min(kPart, count - first));
    std::iota(numbers.begin(), numbers.end(), static_cast<std::uint32_t>(first));
    const PrefixedRows part = data_.at(numbers, 0, width);
    rows_to_lanes(part.rows.data(), numbers.size(), d, tape.value(x) + first * d, width);
    if (c == 0) continue;
    rows_to_lanes(part.rows.data() + d, numbers.size(), c, condition + first * c, width);
  }
  return {x, condition};
}

TrainState Trainer::initial_state() const {
  const std::size_t n = flow_.layout().size(), width = flow_config_.row_width();
  TrainState state;
  state.raw.assign(n, 0);
  state.m.assign(n, 0);
  state.v.assign(n, 0);
  // All rows initialise the layers that look at data, as all have their part in what the layers in
  // front are told; of images, whose pixels count for many, some hundred.
  constexpr std::size_t kLongRow = 256, kImageNumbers = 1U << 18U, kLeast = 256;
  const std::size_t count =
      width < kLongRow ? rows_ : std::min(rows_, std::max(kImageNumbers / width, kLeast));
  std::vector<double> weights(groups_for(count) * kLanes, 0);
  for (std::size_t i = 0; i < count; ++i) weights[i] = weight_of(data_.weights, i);
  Tape<float> tape(false);
  const auto [x, condition] = load_first(tape, count);
  flow_.initialise(state.raw, {tape, x, weights.data(), condition, width - flow_.dimension()},
                   config_.seed);
  state.average = state.raw;
  return state;
}

void Trainer::start() {
  now_ = initial_state();
  effective_.start(now_, config_.seed);
  loss_sum_ = find_gradients();
  if (!std::isfinite(loss_sum_)) {
    throw NumericError("the loss of the first rows is not finite: are there wild values?");
  }
  if (!validate()) {
    throw NumericError("the loss of the validation rows is not finite: are there wild values?");
  }
}

void Trainer::resume(TrainState state) {
  now_ = std::move(state);
  effective_.resume(now_);
  loss_sum_ = 0;
  good_ = now_;
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
  find_gradients();
  const std::size_t n = flow_.layout().size();
  constexpr std::size_t kCopies = 5;  // raw, average, m, v, best
  std::size_t numbers = (2 * kCopies + sum_.slices()) * n + effective_.size();
  for (const PowerVectors& vectors : now_.power) {
    numbers += 2 * (vectors.u.size() + vectors.v.size());
  }
  const auto at_once = std::min(sum_.slices(), static_cast<std::size_t>(threads()));
  return {numbers * sizeof(float), at_once * gradient_.slice_bytes()};
}

double Trainer::step() {
  const double loss = find_gradients();
  if (!std::isfinite(loss) || !update_.apply(sum_, now_, effective_)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  ++now_.step;
  loss_sum_ += loss;
  return loss;
}

// Fills sum_ with the gradients of the mean loss of the step's batch; returns the loss.
double Trainer::find_gradients() {
  const std::vector<std::uint32_t>& numbers = batches_.at(now_.step);
  // A batch that straddles two passes sees the noise of the first.
  const std::uint64_t pass = now_.step * config_.batch / rows_;
  const Batch batch{now_.step, numbers, data_.at(numbers, pass, flow_config_.row_width())};
  const double sum = sum_.fill([&](std::size_t slice, float* gradient) {
    return gradient_.compute(batch, effective_.values(), slice, gradient);
  });
  return sum / static_cast<double>(numbers.size()) - batch.rows.mean_log_det;
}

// Makes a validation point of the present state. Returns false, having made none, when the loss is
// not finite.
bool Trainer::validate() {
  const std::uint64_t since = now_.history.empty() ? 0 : now_.history.back().step;
  const double steps = static_cast<double>(std::max<std::uint64_t>(now_.step - since, 1));
  if (!validation_.add_point(now_, loss_sum_ / steps)) return false;
  loss_sum_ = 0;
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
  divergences.push_back({step, good_.step, config_.learning_rate * rate_factor});
  good_.rate_factor = rate_factor;
  good_.divergences = std::move(divergences);
  if (good_.divergences.size() > kMaxDivergences) {
    throw NumericError(
        "training diverged for good: the loss or its gradient stopped being finite " +
        std::to_string(good_.divergences.size()) + " times, last at step " + std::to_string(step) +
        "; try a lower --lr, or look for wild values in the data");
  }
  resume(good_);
}

}  // namespace iflow
