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

// How much more data there is than the 10,000 rows that most of the measurements were made with.
double size_ratio(std::size_t training_rows) { return static_cast<double>(training_rows) / 10000; }

// Planes of fewer rows are overfitted before their plan is through.
constexpr std::size_t kManyPlaneRows = 50000;

// Planes of more rows have no trial.
constexpr std::size_t kMostTrialRows = 20000;

}  // namespace

// Gap to the entropy after a fit, nats; one seed a figure, which moves it by about .003. The
// defaults were chosen by these gaps, on the same toys that the README reports. Unless said
// otherwise 20 blocks of 2-32-32-2, batch 128, Adam 5e-3.
//   10,000 rows                               8gaussians  circles  2spirals  pinwheel  rings
//     starts at 3, plan of 30,000 steps            .0086    .0159     .0236     .0189  .0417
//     starts at 4, plan of 40,000 steps            .0118    .0143     .0154     .0185  .0379
//   10,000 rows, checkerboard, plans of 20,000 to 60,000 steps
//     starts at 3, 4, 8: .054, .051, .055; on another sample, at 4: .055
//     30 blocks: .054; learning rate 2e-3: .060; batch 256: .061
//     learning rate 1e-2: .050; with it 10 blocks .065, batch 64 .055, one hidden layer of 64 .078
//   1,000,000 rows, plan of 100,000 steps, starts at 10: checkerboard .0143, rings .0090
// So: low frequencies for few rows, which they smooth, higher ones where the data bears them.
// The mean gap of three samples (seeds 0, 1, 2; two of 1,000 and 3,000 rows, one of 30,000); J: the
// Jacobian penalty:
//                   checkerboard  circles  moons  8gaussians  rings  2spirals  pinwheel  swissroll
//   10,000 rows            .0532    .0160  .0069       .0115  .0429     .0157     .0140      .0106
//     J .001, .01   .0527, .0516    .0157, .0156
//     J .03, .1     .0492, .0503    .0161, .0175
//     J .03, batch 256     .0475    .0148  .0066       .0116  .0428     .0172     .0141      .0107
//     also widths 40, 40, coefficient .99: three times the time
//                          .0465    .0145  .0063       .0106  .0397     .0144     .0148      .0113
//   1,000 rows             .2182    .0810  .0296       .0771
//     J .1                 .2121    .0826  .0271       .0651
//     J .1, batch 256, 40, 40, .98
//                          .2096    .0907  .0617       .0674
//   3,000 rows             .1228    .0324  .0164       .0261
//     J .1                 .1086    .0362  .0147       .0246
//   30,000 rows            .0323    .0067  .0029       .0058
//     J .01                .0323    .0066  .0028       .0056
//   10,000 rows with these, checkerboard | circles, six samples: .0484 | .0150; rates 3e-3, 8e-3
//     .0499, .0499 |; averages of .998, .9995 .0484, .0486 |; 48, 48 with coefficient .99, three
//     samples .0483 | .0145, batch 512 .0517 | .0134, 12 blocks .0529 (two) | .0144; plans of
//     8,000, 15,000, 20,000 steps, three samples: - | .0147, .0527 | .0150, .0496 | -.
//     Trained on 10,000 rows and validated on 1,111 others: .0452 | .0141.
//   Trained on all 10,000 rows, the least gap on the way, starts at 4 | 4.5 | 5 | 5 in the first
//     layer and 4 in the second | 4 and 5: checkerboard, six samples .0448 | .0431 | .0427, four
//     .0449 | .0424 | .0415 | .0431 | .0443; 8gaussians, three .0101 | .0116 | .0117 | .0112 |
//     .0103; circles, six (at 5, five) .0140 | .0142 | .0149. From 4 on one's gain is another's
//     loss; starts that fall from block to block, 5.6 to 2.8, 6.4 to 3.2 or 6.8 to 2, or rise, 2.8
//     to 5.6, are no better on both (checkerboard, three samples .0453, .0454, .0472, .0478, where
//     4 has .0455), nor is Adam with beta2 = .99 or beta1 = .95.
//   The same by coefficient and start, of three to six samples:
//                  .97, 4  .99, 4  .995, 4  .998, 4  .97, 4.5  .99, 4.5  .99, 5  .99, 4.25
//     checkerboard  .0448   .0447    .0440    .0440     .0431     .0433   .0440     .0426
//     8gaussians    .0099   .0092    .0093    .0092     .0116     .0101   .0115     .0094
//     circles       .0140   .0126    .0124    .0122     .0142     .0129   .0138     .0127
//     The last with two power iterations: with one, and .99 or .995, rings diverges now and then,
//     as the norms of the blocks then come above 1. Blocks of three hidden layers of 32 have .0473
//     and .0109 (20 blocks), .0519 and .0082 (14).
//   The same with tanh, which bends less and hardly overfits: 8gaussians .0046, circles .0088,
//     moons .0062, but rings .142 and checkerboard .136 (one sample). Plans of 5,000, 8,000 and
//     12,000 steps: circles, three samples .0142, .0097, .0088, 8gaussians .0048, .0048, .0046.
//     tanh(a x) / a with a = 1, 2 and 4 to begin with: circles .0110, .0110, .0126, rings .071,
//     .096, .085, checkerboard .128, .085, .063; tanh in the first hidden layer and sine in the
//     second: circles .0087, 8gaussians .0068, rings .043, but checkerboard .094; sine and tanh by
//     turns of blocks or layers: no better than sine on circles.
//     Two thousand held-out rows can tell sine after 8,000 steps from tanh after 12,000: they
//     prefer tanh on circles in five samples of six, on 8gaussians in three of three, on 2spirals,
//     pinwheel, rings and checkerboard (by .004 to .4 nats) in none of three.
//   A seed's sample, or a strength of .033 instead of .03, moves checkerboard by .002. No help at
//   10,000 rows: l1, a penalty of ||g||^2 (kinetic energy), noise on the weights, the gradient at
//   the worst point near them (SAM), other rates, 30 blocks, zero start gain.
// So: below 50,000 rows a penalty that falls with them, and from 5,000 on larger batches; a
// coefficient of .99: beyond it little is gained, and at .995 double alone leaves one inverse in
// 20,000 of rings unproved to 1e-12.
// Three and more columns, held-out nats per row of fits on 70 % of four tables (diabetes: 10
// columns, 309 rows; digits: 61, 1,257), 20 blocks, batch 64, plans of 1,500 to 2,000 steps:
//   start gain 1 | 0, two hidden layers of 32, starts at 2: diabetes 20.5 | 21.4, digits -130.6 |
//     -125.9, wine -22.1 | -20.0, breast cancer 23.4 | 26.7
//   start gain 0, digits: starts at .6, 1, 1.5 with 64, 128, 64 units -117.6 (128), -117.1, -124.4;
//     starts at 1 with 32, 64, 64 + 64, 128 units -119.7, -121.1, -118.7, -117.1
//   diabetes: starts at .3, 1, 3 with 64 units 22.75, 22.3, 21.3
// A chain of 16 columns x_j = e_j / 2 + sin(2 x_{j-1}), 45,000 rows, of entropy 12.306:
//   one layer of 128, starts at 1, roulette, 8,000 steps -12.81
//   64 + 64, batch 128: starts at 1.5, roulette, 7,000 steps -12.55; at 2, exact, 3,000 steps
//   -12.54 64 + 64, batch 256, starts at 2, roulette: 5,000 steps -12.56; 2,500 steps, 2 probes
//   -12.54 (all of them are at their best after 2,000 to 5,000 steps, and overfit from there on)
// The l1 penalty takes most of that away. Validation nats per row, seeds 1, 2, 3 (digits, chain: 0)
// of fits as few rows have by default, strengths 0 | .1 | .2 | .4 | .8:
//   wine (112 rows) -19.34, -18.20, -19.22 | -19.35, -18.22, -19.22 | -19.34, -18.26, -19.22 |
//     -19.31, -18.25, -19.22 | -18.92, -17.73, -18.40; with 1.2, seed 1: -19.36, the Gaussian
//   breast cancer (358) 45.6, 37.4, 29.9 | 48.1, 39.8, 30.9 | 48.8, 40.8, 30.9 | 47.8, 41.8, 33.4 |
//     40.3 (seed 1 alone)
//   diabetes (278) not measured | 22.05, 23.52, 23.67 | 22.03, 23.51, 23.40 | 22.33, 23.56, 22.96;
//     seed 0 with 0, .03, .1, .3, 1: 23.04, 23.26, 23.34, 23.23, 20.19, the Gaussian
//   digits (1,131) -121.8 | -114.6 | -111.4; with .3: -115.3
//   chain (45,000 rows, of -12.34 by the truth), batch 256, learning rate 1e-2, roulette, starts at
//   2, 6,000 steps, 10 blocks of 64: strengths .02, .04, .1, .2, .4 -12.450, -12.439, -12.508,
//     -12.605, -13.089; with .04 and 12,000 steps -12.435, two layers of 64 -12.457, 20 blocks
//     -12.428, with 10,000 steps -12.422; 20 blocks, starts at 1.86, 5,180 steps -12.456
// So: begin with the whitened Gaussian; low frequencies and one hidden layer, wide for few rows;
// a strength that falls with the rows.
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

// Measured with 20 blocks of hidden widths 64, 64, batch 128, one thread, seconds for 100 steps:
//   columns    8     16    24    32    64
//   exact     2.3   5.2   8.5   13.8  57
//   roulette  1.0   1.3   1.6   2.1   4.2
// Without noise fewer steps do: exact up to 16 columns; where there are many rows, up to 8.
LogDetConfig default_log_det(std::size_t columns, std::size_t training_rows) {
  const std::size_t most_exact = training_rows < kManyTableRows ? 16 : 8;
  LogDetConfig config;
  if (columns > most_exact) config.method = LogDetMethod::kRoulette;
  return config;
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
// takes, the less Adam's steps tell what the data bear out from noise. Measured above.
double default_table_l1(std::size_t training_rows, std::size_t batch) {
  constexpr double kStrongest = 0.8;  // beyond it nothing is learned at all
  const double part = static_cast<double>(batch) / static_cast<double>(training_rows);
  return std::min(1.2 * std::pow(part, 2.0 / 3), kStrongest);
}

// Measured above: where there are many rows it is nothing gained.
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
    if (columns <= kPlane) config.clip = 4;  // coupling_flows.cpp
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
                     const std::optional<BoundsConfig>& bounds, const ConditionConfig& condition) {
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
