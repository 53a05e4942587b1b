#include "recipes/defaults.h"

#include <doctest/doctest.h>

#include <variant>

namespace iflow {
namespace {

TEST_CASE("defaults make a flow and a plan that can be run, for any table") {
  for (const std::size_t rows : {1, 100, 10000, 1000000}) {
    for (const std::size_t columns : {1, 2, 43}) {
      const FlowOptions options = default_flow_options(rows, columns);
      const TrainConfig train = default_train_config(rows, columns);
      StandardiseConfig units;
      units.mean.assign(columns, 0);
      units.deviation.assign(columns, 1);
      const Flow<float> flow = build_flow<float>(make_flow(options, units));
      CHECK(flow.dimension() == columns);
      CHECK(flow.layer_count() == options.blocks + 3);
      CHECK(flow.prefix_layers() == 1);
      CHECK(train.steps > 0);
      CHECK(train.batch > 0);
      CHECK(train.validate_every <= train.steps);
    }
  }
}

TEST_CASE("defaults of the coupling flows, for any table of two columns and more") {
  for (const auto& [name, model] : model_kinds()) {
    if (model == ModelKind::kIResNet) continue;
    INFO(name);
    for (const std::size_t rows : {3, 1000, 1000000}) {
      for (const std::size_t columns : {2, 5, 43}) {
        const FlowOptions options = default_flow_options(rows, columns, model);
        const TrainConfig train = default_train_config(rows, columns, model);
        CHECK(options.model == model);
        CHECK(train.log_det.method == LogDetMethod::kExact);
        CHECK(train.validate_every <= train.steps);
        StandardiseConfig units;
        units.mean.assign(columns, 0);
        units.deviation.assign(columns, 1);
        const FlowConfig flow = make_flow(options, units);
        const std::size_t a_block = model == ModelKind::kGlow     ? 3
                                    : model == ModelKind::kSpline ? 2
                                                                  : 1;
        const std::size_t actnorms = model == ModelKind::kGlow ? 1 : 2;
        CHECK(flow.layers.size() == 1 + actnorms + a_block * options.blocks);
        CHECK(std::holds_alternative<ActNormConfig>(flow.layers[1]));
        CHECK(std::holds_alternative<ActNormConfig>(flow.layers.back()));
        CHECK(build_flow<float>(flow).prefix_layers() == 1);
        // Both halves are mapped: by turns, or after an exchange.
        std::size_t turns = 0;
        for (const LayerConfig& layer : flow.layers) {
          const auto* coupling = std::get_if<CouplingConfig>(&layer);
          if (coupling && coupling->from_second) ++turns;
          if (std::holds_alternative<PluConfig>(layer)) ++turns;
        }
        CHECK(turns >= options.blocks / 2);
      }
    }
  }
}

TEST_CASE("defaults of the l1 penalty: none in the plane and for couplings, less with more rows") {
  CHECK(default_train_config(1000, 2).l1 == 0);
  CHECK(default_train_config(1000, 10, ModelKind::kGlow).l1 == 0);
  double before = 1;
  for (const std::size_t rows : {125, 1000, 4000, 100000, 10000000}) {
    const double l1 = default_train_config(rows, 10).l1;
    CHECK(l1 > 0);
    CHECK(l1 < before);
    before = l1;
  }
  // Few rows stay below what keeps every weight at zero.
  for (const std::size_t rows : {1, 10, 60}) CHECK(default_train_config(rows, 10).l1 < 1);
}

TEST_CASE(
    "defaults of the Jacobian penalty: for residual blocks in the plane, less with more rows") {
  CHECK(default_train_config(1000, 10).jacobian_penalty == 0);
  CHECK(default_train_config(1000, 2, ModelKind::kGlow).jacobian_penalty == 0);
  CHECK(default_train_config(10, 2).jacobian_penalty <= 0.1);
  CHECK(default_train_config(1000, 2).jacobian_penalty >
        default_train_config(10000, 2).jacobian_penalty);
  CHECK(default_train_config(100000, 2).jacobian_penalty == 0);
}

TEST_CASE("defaults of the clip: for couplings in the plane") {
  CHECK(default_train_config(1000, 2).clip == 0);
  CHECK(default_train_config(1000, 2, ModelKind::kRealNvp).clip > 1);
  CHECK(default_train_config(1000, 10, ModelKind::kRealNvp).clip == 0);
}

TEST_CASE("make_flow: standardisation, ActNorm, the blocks, ActNorm") {
  FlowOptions options = default_flow_options(1000, 2);
  options.blocks = 2;
  options.hidden = {7};
  options.activation = "elu";
  options.activation_first = true;
  options.coefficient = 0.5;
  const FlowConfig flow = make_flow(options, {{1, 2}, {3, 4}});
  REQUIRE(flow.layers.size() == 5);
  CHECK(std::get<StandardiseConfig>(flow.layers[0]).deviation == std::vector<double>{3, 4});
  CHECK(std::holds_alternative<ActNormConfig>(flow.layers[1]));
  CHECK(std::holds_alternative<ActNormConfig>(flow.layers[4]));
  for (const std::size_t i : {2, 3}) {
    const DenseBranchConfig& branch = std::get<ResidualBlockConfig>(flow.layers[i]).branch;
    CHECK(branch.dimension == 2);
    CHECK(branch.hidden == std::vector<std::size_t>{7});
    CHECK(branch.activation == "elu");
    CHECK(branch.activation_first);
    CHECK(branch.coefficient == 0.5);
  }
}

TEST_CASE("set_plan: a plan of any length has validations and patience") {
  for (const std::uint64_t steps : {0, 1, 99, 100, 80000}) {
    TrainConfig config;
    set_plan(config, steps);
    CHECK(config.steps == steps);
    CHECK(config.validate_every >= 1);
    CHECK(config.patience >= 1);
  }
}

TEST_CASE("defaults leave few rows of a plane a choice of activations, nothing else") {
  const std::vector<Candidate> candidates = default_candidates(10000, 2);
  REQUIRE(candidates.size() == 2);
  CHECK(candidates[0].activation == default_flow_options(10000, 2).activation);
  CHECK(candidates[0].steps == default_train_config(10000, 2).steps);
  for (const Candidate& c : candidates) CHECK(c.trial_steps <= c.steps);
  CHECK(!default_candidates(20000, 1).empty());
  CHECK(default_candidates(20001, 2).empty());
  CHECK(default_candidates(10000, 3).empty());
  CHECK(default_candidates(10000, 2, ModelKind::kGlow).empty());
}

}  // namespace
}  // namespace iflow
