// The proved bounds of the inverse against a twin of the flow in long double: never below the true
// error, rounding included, and small where they should be.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "flow/flow_twin.h"

namespace iflow {
namespace {

// Badly conditioned: every norm is c = .97 and every block bends the rows.
FlowConfig bad_flow(std::size_t d, std::size_t blocks, const std::string& activation,
                    std::vector<std::size_t> hidden, double start) {
  FlowConfig config;
  config.dimension = d;
  config.layers.emplace_back(standardise_config(d));
  if (d > 2) config.layers.emplace_back(whiten_config(d));
  config.layers.emplace_back(ActNormConfig{});
  for (std::size_t i = 0; i < blocks; ++i) {
    DenseBranchConfig branch = branch_config(d, hidden, activation);
    branch.activation_start = start;
    branch.coefficient = 0.97;
    config.layers.emplace_back(ResidualBlockConfig{branch});
  }
  config.layers.emplace_back(ActNormConfig{});
  return config;
}

// What latent rows z (n, d) come from, in long double: (n, d).
std::vector<Wide> exact_inverses(const Model& model, const std::vector<double>& z) {
  const std::size_t d = model.dimension();
  const FlowTwin twin(model);
  std::vector<Wide> exact(z.size());
  parallel_for(z.size() / d, [&](std::size_t i) {
    const auto first = z.begin() + static_cast<std::ptrdiff_t>(i * d);
    const std::vector<Wide> x = twin.inverse({first, first + static_cast<std::ptrdiff_t>(d)});
    std::copy(x.begin(), x.end(), exact.begin() + static_cast<std::ptrdiff_t>(i * d));
  });
  return exact;
}

struct Checked {
  std::size_t below = 0;  // rows whose true error is above their bound
  std::size_t unconverged = 0;
  double largest_bound = 0;
  double largest_share = 0;  // of the bound that the error is
};

// Decodes the latent rows z and compares their true errors with their bounds.
Checked check_bounds(const Model& model, const std::vector<double>& z,
                     const std::vector<Wide>& exact, const InverseOptions& options) {
  const std::size_t d = model.dimension(), n = z.size() / d;
  InversionReport report;
  const std::vector<double> x = model.decode(z, options, report);
  Checked checked;
  checked.unconverged = report.unconverged;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<Wide> off(d);
    for (std::size_t j = 0; j < d; ++j) off[j] = exact[i * d + j] - x[i * d + j];
    const double error = static_cast<double>(wide_norm(off));
    if (!(error <= report.bound[i])) ++checked.below;
    checked.largest_bound = std::max(checked.largest_bound, report.bound[i]);
    checked.largest_share = std::max(checked.largest_share, error / report.bound[i]);
  }
  return checked;
}

InverseOptions options_of(double tolerance, bool local) {
  InverseOptions options;
  options.tolerance = tolerance;
  options.max_iterations = 5000;
  options.local = local;
  return options;
}

TEST_CASE("certificate: 20 blocks of c = .97 in the plane") {
  const Model model = FlowFixture(bad_flow(2, 20, "sine", {16, 16}, 10)).model();
  std::vector<double> z = model.encode(random_rows(1, 2500, 2));
  const std::vector<double> latent = model.sample_latent(3, 0, 2500, 1.5);
  z.insert(z.end(), latent.begin(), latent.end());
  const std::vector<Wide> exact = exact_inverses(model, z);
  const Checked fine = check_bounds(model, z, exact, options_of(1e-12, true));
  CHECK(fine.below == 0);
  CHECK(fine.unconverged == 0);
  CHECK(fine.largest_bound < 1e-9);
  CHECK(fine.largest_share > 0.01);
  for (const double tolerance : {1e-3, 1e-6}) {
    const Checked rough = check_bounds(model, z, exact, options_of(tolerance, true));
    CHECK(rough.below == 0);
    CHECK(rough.unconverged == 0);
  }
  // the product of the blocks' bounds says nothing here
  const Checked product = check_bounds(model, z, exact, options_of(1e-12, false));
  CHECK(product.below == 0);
  CHECK(product.largest_bound > 1);
}

TEST_CASE("certificate: every activation, in 1 to 20 dimensions") {
  for (const std::string& activation : activation_names()) {
    for (const std::size_t d : {1, 2, 3, 8, 16, 20}) {
      INFO(activation, ", d = ", d);
      const Model model = FlowFixture(bad_flow(d, 3, activation, {12, 10}, 4)).model();
      const std::vector<double> z = model.encode(random_rows(2, 120, d));
      const std::vector<Wide> exact = exact_inverses(model, z);
      for (const double tolerance : {1e-11, 1e-4}) {
        const Checked checked = check_bounds(model, z, exact, options_of(tolerance, true));
        CHECK(checked.below == 0);
        CHECK(checked.unconverged == 0);
        // beyond relu, whose inverse is exact but for rounding, the bounds are near the errors
        if (d <= 16 && activation != "relu") CHECK(checked.largest_share > 0.01);
      }
    }
  }
}

// Couplings with matrices between them or taking turns, far from the identity.
FlowConfig bad_couplings(std::size_t d, CouplingKind kind, bool has_matrices, std::size_t steps,
                         const std::string& activation) {
  FlowConfig config{d, {standardise_config(d), ActNormConfig{}}};
  for (std::size_t i = 0; i < steps; ++i) {
    if (has_matrices) {
      config.layers.emplace_back(ActNormConfig{});
      config.layers.emplace_back(PluConfig{});
    }
    CouplingConfig coupling = coupling_config(kind, !has_matrices && i % 2 == 1);
    coupling.hidden = {24, 24};
    coupling.activation = activation;
    coupling.bins = 8;
    config.layers.emplace_back(coupling);
  }
  config.layers.emplace_back(ActNormConfig{});
  return config;
}

TEST_CASE("certificate: couplings of every kind in the plane") {
  for (const auto& [kind, name] : coupling_names()) {
    for (const bool has_matrices : {false, true}) {
      INFO(name, ", matrices ", has_matrices);
      const std::string activation = kind == CouplingKind::kSpline ? "sine" : "relu";
      const Model model = FlowFixture(bad_couplings(2, kind, has_matrices, 8, activation)).model();
      std::vector<double> z = model.encode(random_rows(1, 5000, 2));
      const std::vector<double> latent = model.sample_latent(3, 0, 5000, 1.5);
      z.insert(z.end(), latent.begin(), latent.end());
      const std::vector<Wide> exact = exact_inverses(model, z);
      const Checked checked = check_bounds(model, z, exact, options_of(1e-12, true));
      CHECK(checked.below == 0);
      // the errors themselves are up to 4e-9 here
      CHECK(checked.largest_bound < 1e-5);
      CHECK(checked.largest_share > 1e-5);
      const Checked global = check_bounds(model, z, exact, options_of(1e-12, false));
      CHECK(std::isinf(global.largest_bound));
    }
  }
}

TEST_CASE("certificate: couplings with every activation, in 2 to 20 dimensions") {
  for (const auto& [kind, name] : coupling_names()) {
    for (const std::string& activation : activation_names()) {
      for (const std::size_t d : {2, 3, 8, 20}) {
        INFO(name, ", ", activation, ", d = ", d);
        const Model model = FlowFixture(bad_couplings(d, kind, d % 2 == 1, 3, activation)).model();
        const std::vector<double> z = model.encode(random_rows(2, 120, d));
        const std::vector<Wide> exact = exact_inverses(model, z);
        const Checked checked = check_bounds(model, z, exact, options_of(1e-12, true));
        CHECK(checked.below == 0);
        CHECK(checked.largest_share > 1e-6);
        // splines of many columns, steep everywhere, can leave a row without a bound
        if (d <= 8) CHECK(checked.largest_bound < 1e-4);
      }
    }
  }
}

// An error of any size that reaches a coupling: kinks of ReLU and knots of splines lie within it.
TEST_CASE("certificate: a coupling bounds what becomes of an error in y") {
  constexpr std::size_t kRows = 64, kNear = 20;
  for (const auto& [kind, name] : coupling_names()) {
    for (const std::string activation : {"relu", "sine"}) {
      for (const std::size_t d : {2, 5}) {
        FlowConfig config{d, {coupling_config(kind, d == 5)}};
        std::get<CouplingConfig>(config.layers[0]).activation = activation;
        const FlowFixture f(config);
        const CouplingTwin twin(std::get<CouplingConfig>(config.layers[0]), d, f.flow.layout(),
                                f.values, "flow.0");
        Tape<double> tape(false);
        const Pass<double> pass{tape, f.flow.layout(), f.values.data()};
        const Var y = tape.variable(d, kRows / kLanes);
        Rng rng(5, RngPurpose::kTest);
        for (std::size_t i = 0; i < y.size(); ++i) tape.value(y)[i] = 2 * rng.normal();
        const Certificate& certificate = f.certificate.layers[0];
        const InverseOptions options = options_of(1e-12, true);
        const Inverted inverted = f.flow.layer(0).inverse(pass, y, certificate, options);
        std::vector<double> rows(kRows * d), x(kRows * d);
        lanes_to_rows(tape.value(y), kRows, d, rows.data());
        lanes_to_rows(tape.value(inverted.x), kRows, d, x.data());
        for (const double error : {0.0, 1e-9, 1e-4, 1e-2, 0.3}) {
          INFO(name, ", ", activation, ", d = ", d, ", error ", error);
          std::vector<double> errors(kRows, error);
          f.flow.layer(0).bound_inverse(pass, y, inverted, certificate, options, errors);
          std::size_t below = 0;
          double largest_share = 0;
          for (std::size_t i = 0; i < kRows * kNear; ++i) {
            const std::size_t row = i / kNear;
            std::vector<Wide> near(d), off(d);
            for (Wide& v : near) v = rng.normal();
            const Wide length = wide_norm(near);
            for (std::size_t j = 0; j < d; ++j) {
              near[j] = rows[row * d + j] + near[j] / length * error * (1 - 1e-9L);
            }
            const std::vector<Wide> exact = twin.inverse(near);
            for (std::size_t j = 0; j < d; ++j) off[j] = exact[j] - x[row * d + j];
            const double moved = static_cast<double>(wide_norm(off));
            if (!(moved <= errors[row])) ++below;
            largest_share = std::max(largest_share, moved / errors[row]);
          }
          CHECK(below == 0);
          if (error == 1e-9) CHECK(largest_share > 0.5);
        }
      }
    }
  }
}

TEST_CASE("certificate: bounded columns") {
  FlowConfig config = bad_flow(3, 2, "sine", {12, 10}, 4);
  IntervalConfig intervals;
  intervals.columns = {{0, -31.5, 23.5}, {1, -40.0, {}, 3}, {2, {}, 50.0, 0.7}};
  config.layers.insert(config.layers.begin(), intervals);
  const Model model = FlowFixture(config).model();
  const std::vector<double> z = model.sample_latent(4, 0, 1000, 1);
  const std::vector<Wide> exact = exact_inverses(model, z);
  for (const double tolerance : {1e-12, 1e-4}) {
    const Checked checked = check_bounds(model, z, exact, options_of(tolerance, true));
    CHECK(checked.below == 0);
    CHECK(checked.unconverged == 0);
    CHECK(checked.largest_share > 1e-6);
  }
}

TEST_CASE("certificate: it belongs to the parameters that it was made from") {
  const FlowFixture f(bad_flow(2, 2, "sine", {12, 10}, 4));
  std::vector<double> other = f.values;
  for (double& v : other) v *= 0.9;
  const FlowCertificate smaller = f.flow.prove(other);
  const std::vector<double> bounds = f.certificate.residual_lipschitz();
  CHECK(bounds == f.flow.prove(f.values).residual_lipschitz());
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (bounds[i] > 0) CHECK(smaller.residual_lipschitz()[i] < bounds[i]);
  }
  // Without one a block is not inverted.
  Tape<double> tape(false);
  const Pass<double> pass{tape, f.flow.layout(), f.values.data()};
  const Var y = tape.variable(2, 1);
  std::fill_n(tape.value(y), y.size(), 0.1);
  const std::size_t block = static_cast<std::size_t>(
      std::find_if(bounds.begin(), bounds.end(), [](double l) { return l > 0; }) - bounds.begin());
  CHECK_THROWS(f.flow.layer(block).inverse(pass, y, {}, {}));
}

TEST_CASE("certificate: a tolerance below rounding is missed soon, not after every iteration") {
  const Model model = FlowFixture(bad_flow(2, 3, "sine", {12, 10}, 4)).model();
  const std::vector<double> z = model.sample_latent(6, 0, 200, 1);
  InversionReport report;
  model.decode(z, options_of(1e-17, true), report);
  CHECK(report.unconverged == 200);
  CHECK(*std::max_element(report.max_iterations.begin(), report.max_iterations.end()) < 30);
}

}  // namespace
}  // namespace iflow
