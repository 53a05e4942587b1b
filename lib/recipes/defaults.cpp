#include "recipes/defaults.h"

#include <algorithm>
#include <cmath>

#include "recipes/coupling_flows.h"

namespace iflow {

const std::map<std::string, ModelKind>& model_kinds() {
  static const std::map<std::string, ModelKind> kinds = {{"iresnet", ModelKind::kIResNet},
                                                         {"nice", ModelKind::kNice},
                                                         {"realnvp", ModelKind::kRealNvp},
                                                         {"glow", ModelKind::kGlow},
                                                         {"spline", ModelKind::kSpline}};
  return kinds;
}

const std::map<std::string, PixelMarginal>& pixel_marginals() {
  static const std::map<std::string, PixelMarginal> marginals = {
      {"gaussian", PixelMarginal::kGaussian}, {"logit", PixelMarginal::kLogit}};
  return marginals;
}

namespace {

// How many times the 10,000 rows that most of the measurements were made with there are.
double size_ratio(std::size_t training_rows) { return static_cast<double>(training_rows) / 10000; }

// Planes of fewer rows are overfitted before their plan is through.
constexpr std::size_t kManyPlaneRows = 50000;

// Planes of more rows have no trial.
constexpr std::size_t kMostTrialRows = 20000;

}  // namespace

// Every block begins as nothing, so that a fit begins with the whitened Gaussian. Few rows have low
// frequencies and one wide hidden layer, many a narrower one. (tests/bench/RESULTS.md, defaults of
// tables)
FlowOptions default_table_options(std::size_t training_rows) {
  FlowOptions options;
  options.blocks = 20;
  options.hidden = {training_rows < kManyTableRows ? std::size_t{128} : std::size_t{64}};
  options.activation = "sine";
  options.activation_start =
      std::clamp(std::pow(static_cast<double>(training_rows) / 2000, 0.225), 1.0, 3.0);
  options.coefficient = 0.97;
  options.start_gain = 0;
  return options;
}

// In the plane few rows have low frequencies, which smooth, many have higher ones. Beyond a
// coefficient of .99 little is gained, and at .995 double alone leaves inverses unproved to 1e-12.
// (tests/bench/RESULTS.md, defaults of the plane)
FlowOptions default_flow_options(std::size_t training_rows, std::size_t columns, ModelKind model) {
  if (model != ModelKind::kIResNet) return default_coupling_options(model, training_rows, columns);
  if (columns > kPlane) return default_table_options(training_rows);
  FlowOptions options;
  options.blocks = 20;
  options.hidden = {32, 32};
  options.activation = "sine";
  options.activation_start = std::clamp(4.25 * std::pow(size_ratio(training_rows), 0.4), 2.0, 10.0);
  options.coefficient = 0.99;
  return options;
}

namespace {

DenseBranchConfig branch_config(const FlowOptions& options, std::size_t columns,
                                std::size_t condition = 0) {
  DenseBranchConfig branch;
  branch.dimension = columns;
  branch.condition = condition;
  branch.hidden = options.hidden;
  branch.activation = options.activation;
  branch.activation_start = options.activation_start;
  branch.activation_first = options.activation_first;
  branch.coefficient = options.coefficient;
  branch.start_gain = options.start_gain;
  return branch;
}

}  // namespace

// An estimate takes less time a step, but an exact gradient, which has no noise, takes fewer steps:
// exact up to 16 columns; where there are many rows, up to 8. (tests/bench/RESULTS.md, exact or
// estimated log-determinants)
LogDetOptions default_log_det(std::size_t columns, std::size_t training_rows) {
  const std::size_t most_exact = training_rows < kManyTableRows ? 16 : 8;
  LogDetOptions options;
  if (columns > most_exact) options.method = LogDetMethod::kRoulette;
  return options;
}

std::size_t default_terms(LogDetMethod method, const FlowOptions& flow, std::size_t columns) {
  if (method != LogDetMethod::kSeries) return 2;
  ParameterLayout layout;
  const DenseBranch<float> branch(branch_config(flow, columns), layout, "branch");
  std::vector<double> norms;
  for (const ParameterInfo& info : layout.entries()) norms.push_back(info.max_norm);
  return terms_for(branch.lipschitz_bound(norms), columns, kMaxTruncation);
}

namespace {

// The strength of the l1 penalty by the part of the rows that a step sees: the fewer steps a pass
// takes, the less Adam's steps tell what the data bear out from noise. (tests/bench/RESULTS.md,
// defaults of tables)
double default_table_l1(std::size_t training_rows, std::size_t batch) {
  constexpr double kStrongest = 0.8;  // beyond it nothing is learned at all
  const double part = static_cast<double>(batch) / static_cast<double>(training_rows);
  return std::min(1.2 * std::pow(part, 2.0 / 3), kStrongest);
}

// The fewer the rows, the stronger; where there are many it gains nothing. (tests/bench/RESULTS.md,
// defaults of the plane)
double default_jacobian_penalty(std::size_t training_rows) {
  if (training_rows >= kManyPlaneRows) return 0;
  return std::min(300 / static_cast<double>(training_rows), 0.1);
}

// How training goes over a table.
struct Pace {
  std::size_t batch;
  double rate;   // at the top of its schedule
  double steps;  // of the plan
};

Pace default_pace(std::size_t training_rows, std::size_t columns, ModelKind model) {
  const bool plane = columns <= kPlane, many = training_rows >= kManyTableRows;
  const auto plane_steps = [&] {
    return std::clamp(30000 * std::cbrt(size_ratio(training_rows)), 5000.0, 140000.0);
  };
  const auto table_steps = [&](double of_a_thousand_rows) {
    const double thousands = static_cast<double>(training_rows) / 1000;
    return std::clamp(of_a_thousand_rows * std::pow(thousands, 0.25), 2000.0, 20000.0);
  };
  if (model != ModelKind::kIResNet) {
    return {plane || many ? std::size_t{128} : std::size_t{64}, default_coupling_rate(model),
            plane ? plane_steps() : table_steps(2000)};
  }
  if (plane) {
    const bool between = many && training_rows < kManyPlaneRows;
    return {between ? std::size_t{256} : std::size_t{128}, 5e-3, plane_steps()};
  }
  if (many) return {256, 1e-2, table_steps(4000)};
  return {64, 3e-3, table_steps(2000)};
}

}  // namespace

TrainConfig default_train_config(std::size_t training_rows, std::size_t columns, ModelKind model,
                                 std::size_t condition) {
  const Pace pace = default_pace(training_rows, columns, model);
  TrainConfig config;
  config.batch = pace.batch;
  config.learning_rate = pace.rate;
  if (model == ModelKind::kIResNet) {
    config.log_det = default_log_det(columns - condition, training_rows);
    if (columns > kPlane) {
      config.l1 = default_table_l1(training_rows, config.batch);
    } else {
      config.jacobian_penalty = default_jacobian_penalty(training_rows);
      config.power_iterations = 2;
    }
  } else {
    if (columns <= kPlane) config.clip = 4;  // RESULTS.md, defaults of coupling flows
  }
  set_plan(config, static_cast<std::uint64_t>(pace.steps));
  return config;
}

std::vector<Candidate> default_candidates(std::size_t rows, std::size_t columns, ModelKind model) {
  if (model != ModelKind::kIResNet || columns > kPlane || rows > kMostTrialRows) return {};
  const double steps = default_pace(rows, columns, model).steps;
  const auto part = [&](double of_it) { return static_cast<std::uint64_t>(of_it * steps); };
  return {{"sine", part(4.0 / 15), part(1)}, {"tanh", part(0.4), part(0.4)}};
}

void set_plan_of(std::uint64_t validations, TrainConfig& config, std::uint64_t steps) {
  config.steps = steps;
  config.validate_every = std::max<std::uint64_t>(steps / validations, 1);
  config.patience = std::max<std::uint64_t>(2 * steps / 5, 1);
}

void set_plan(TrainConfig& config, std::uint64_t steps) { set_plan_of(100, config, steps); }

FlowConfig make_flow(const FlowOptions& options, const StandardiseConfig& standardise,
                     const std::optional<WhitenConfig>& whiten,
                     const std::optional<IntervalConfig>& bounds,
                     const ConditionConfig& condition) {
  FlowConfig flow;
  flow.condition = condition;
  flow.dimension = standardise.mean.size();
  if (bounds) flow.layers.emplace_back(*bounds);
  flow.layers.emplace_back(standardise);
  if (whiten) flow.layers.emplace_back(*whiten);
  flow.layers.emplace_back(ActNormConfig{});
  if (options.model == ModelKind::kIResNet) {
    const ResidualBlockConfig block{branch_config(options, flow.dimension, condition.size())};
    flow.layers.insert(flow.layers.end(), options.blocks, block);
  } else {
    append_couplings(options, flow);
  }
  flow.layers.emplace_back(ActNormConfig{});
  return flow;
}

}  // namespace iflow
