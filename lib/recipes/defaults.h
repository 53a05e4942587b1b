// What `iflow fit` does when it is told nothing: a function of the number of rows and columns
// alone, and in the plane a choice between activations that a trial makes, so that a plain fit is
// reproducible to the bit. tests/bench/RESULTS.md has the measurements behind the numbers.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "flow/build_flow.h"
#include "train/config.h"

namespace iflow {

// What a flow is made of. An i-ResNet: residual blocks (Behrmann et al., ICML 2019). The others are
// coupling flows (coupling_flows.h).
enum class ModelKind { kIResNet, kNice, kRealNvp, kGlow, kSpline };

// iresnet, nice, realnvp, glow, spline.
const std::map<std::string, ModelKind>& model_kinds();

// What a flow of images does to every pixel first: makes its marginal distribution Gaussian
// (flow/marginal.h), or takes its logit, as published (flow/interval.h).
enum class PixelMarginal { kGaussian, kLogit };

const std::map<std::string, PixelMarginal>& pixel_marginals();  // gaussian, logit

// Tables of so many rows have defaults of their own.
inline constexpr std::size_t kManyTableRows = 5000;
// Up to so many columns the defaults come from the toys, beyond them from the tables.
inline constexpr std::size_t kPlane = 2;

// The shape of the flow. A model has no use for every option.
struct FlowOptions {
  ModelKind model = ModelKind::kIResNet;
  std::size_t blocks = 0;
  std::vector<std::size_t> hidden;
  std::string activation;
  double activation_start = 0;
  bool activation_first = false;
  double coefficient = 0;
  double start_gain = 1;
  std::size_t bins = 0;                               // of a spline
  PixelMarginal marginal = PixelMarginal::kGaussian;  // of images
  double alpha = 1e-6;                                // of the logit
};

// How training finds the log-determinant: exactly where that is affordable, else by roulette.
LogDetOptions default_log_det(std::size_t columns, std::size_t training_rows);

// The terms of a training estimate that were left to it: those in front of roulette's random ones,
// or as many as bring the series' truncation bound of a block below kMaxTruncation, given the
// coefficient's bound on Lip(g).
inline constexpr double kMaxTruncation = 0.05;  // nats per row and block
std::size_t default_terms(LogDetMethod method, const FlowOptions& flow, std::size_t columns);

FlowOptions default_flow_options(std::size_t training_rows, std::size_t columns,
                                 ModelKind model = ModelKind::kIResNet);

// Everything of a run but its seed. `condition`: how many of the columns are not modelled, but what
// the density is conditional on.
TrainConfig default_train_config(std::size_t training_rows, std::size_t columns,
                                 ModelKind model = ModelKind::kIResNet, std::size_t condition = 0);

// A candidate of the trial by which the rows held out choose an activation.
struct Candidate {
  std::string activation;
  std::uint64_t trial_steps;  // the plan of its fit in the trial
  std::uint64_t steps;        // that of the fit, once it is chosen
};

// Those that so many rows, held out ones included, choose between; none where there is no choice.
std::vector<Candidate> default_candidates(std::size_t rows, std::size_t columns,
                                          ModelKind model = ModelKind::kIResNet);

// Validation points and patience that suit a plan of `steps` steps.
void set_plan(TrainConfig& config, std::uint64_t steps);
// The same with so many validation points, as far as there are steps.
void set_plan_of(std::uint64_t validations, TrainConfig& config, std::uint64_t steps);

// Bounds where columns have them, standardisation, whitening where there is one (in more than two
// dimensions), ActNorm, the blocks, ActNorm.
FlowConfig make_flow(const FlowOptions& options, const StandardiseConfig& standardise,
                     const std::optional<WhitenConfig>& whiten = std::nullopt,
                     const std::optional<IntervalConfig>& bounds = std::nullopt,
                     const ConditionConfig& condition = {});

}  // namespace iflow
