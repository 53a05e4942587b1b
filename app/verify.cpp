// iflow verify: recomputes what a checkpoint promises.
#include <CLI/CLI.hpp>
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "flow/condition.h"
#include "flow/lanes.h"
#include "inversion.h"
#include "model/given_columns.h"
#include "nn/lipschitz.h"
#include "objective/base_density.h"
#include "options.h"
#include "report/number_format.h"
#include "result.h"
#include "row_input.h"

namespace iflow {

namespace {

using nlohmann::json;

struct VerifyOptions {
  std::string checkpoint;
  std::uint64_t seed = 0;
  bool json = false;
};

struct Promise {
  std::string name;
  bool kept;
  std::string detail;
};

// What rounding while encoding may add to the distance between a row and its reconstruction, which
// the bound of the inverse knows nothing of, and rounding altogether in layers without a bound.
constexpr double kRounding = 1e-9;  // of the row's norm, or absolute below 1

// Compares the recomputed bounds with the recorded ones; `limit` is what none may exceed.
Promise check_bounds(const std::string& name, const std::map<std::string, double>& recorded,
                     const std::map<std::string, double>& found,
                     const std::map<std::string, double>& limit) {
  double largest = 0;
  for (const auto& [key, bound] : found) {
    largest = std::max(largest, bound);
    const auto promise = recorded.find(key);
    if (promise == recorded.end()) return {name, false, key + ": no bound is recorded"};
    if (!keeps_bound(bound, promise->second)) {
      return {name, false,
              key + ": " + significant(bound) + ", recorded as " + significant(promise->second)};
    }
    if (!keeps_bound(bound, limit.at(key))) {
      return {name, false,
              key + ": " + significant(bound) + ", above " + significant(limit.at(key))};
    }
  }
  for (const auto& [key, bound] : recorded) {
    if (!found.contains(key)) return {name, false, key + ": a bound is recorded, but it has none"};
  }
  return {name, true, std::to_string(found.size()) + ", the largest " + significant(largest)};
}

// Every weight's spectral norm, and every block's Lipschitz bound, from the stored numbers.
std::vector<Promise> check_lipschitz(const Fit& fit) {
  const Flow<double> flow = build_flow<double>(fit.flow);
  const std::vector<double> values(fit.parameters.begin(), fit.parameters.end());
  const std::vector<double> norms = proved_norms(flow.layout(), values);
  const std::vector<double> bounds = flow.prove(values).residual_lipschitz();
  std::map<std::string, double> matrices, coefficients, blocks, one;
  for (std::size_t i = 0; i < norms.size(); ++i) {
    const ParameterInfo& info = flow.layout()[i];
    if (info.max_norm == 0) continue;
    matrices[info.name] = norms[i];
    coefficients[info.name] = info.max_norm;
  }
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (bounds[i] == 0) continue;
    blocks["flow." + std::to_string(i)] = bounds[i];
    one["flow." + std::to_string(i)] = std::nextafter(1.0, 0.0);
  }
  const bool nothing_promised = fit.lipschitz.matrices.empty() && fit.lipschitz.blocks.empty();
  if (nothing_promised && matrices.empty() && blocks.empty()) {
    return {};  // coupling layers are invertible whatever their weights
  }
  return {check_bounds("spectral norms", fit.lipschitz.matrices, matrices, coefficients),
          check_bounds("Lipschitz bounds", fit.lipschitz.blocks, blocks, one)};
}

double distance(const double* a, const double* b, std::size_t d) {
  double squares = 0;
  for (std::size_t i = 0; i < d; ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(squares);
}

// Sampled rows there and back again.
Promise check_inverse(const Fit& fit, const Model& model, std::span<const double> x) {
  const std::size_t d = model.dimension(), width = model.row_width(), n = x.size() / width;
  const std::vector<double> origin(d, 0);
  InverseOptions options;
  options.local = true;
  InversionReport report;
  const std::vector<double> z = with_condition(fit, model.encode(x), x);
  const std::vector<double> again = model.decode(z, options, report);
  double worst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double error = distance(x.data() + i * width, again.data() + i * d, d);
    const double size = std::max(1.0, distance(x.data() + i * width, origin.data(), d));
    worst = std::max(worst, error);
    const bool is_proved = !model.has_closed_form() || std::isfinite(report.bound[i]);
    const double bound = is_proved ? report.bound[i] : 0;
    if (error <= bound + kRounding * size) continue;
    return {"inverse", false,
            "sampled row " + std::to_string(i + 1) + " comes back " + significant(error) +
                " away, its bound is " + significant(bound)};
  }
  return {"inverse", true,
          std::to_string(n) + " sampled rows come back within " + significant(worst)};
}

// The exact log-determinant against an estimator that shares nothing with it but the branches.
Promise check_log_det(const Model& model, std::span<const double> x, std::uint64_t seed) {
  constexpr double kErrors = 6;  // standard errors: chance does not reach them
  const std::size_t n = x.size() / model.row_width();
  std::vector<std::uint64_t> ids(n);
  for (std::size_t i = 0; i < n; ++i) ids[i] = i;
  LogDetOptions options = LogDetOptions::for_evaluation();
  options.probes = 64;
  const std::vector<double> exact = model.log_density(x);
  const auto estimates = model.estimate_log_density(x, ids, options, seed);
  double worst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const DensityEstimate& e = estimates[i];
    const double off = std::max(std::fabs(e.value - exact[i]) - e.truncation_bound, 0.0);
    const double slack = kRounding * std::max(1.0, std::fabs(exact[i]));
    const double errors = off <= slack ? 0 : off / e.standard_error;
    worst = std::max(worst, errors);
    if (errors <= kErrors) continue;
    return {"log-determinant", false,
            "sampled row " + std::to_string(i + 1) + ": " + significant(exact[i]) +
                ", estimated as " + significant(e.value) + " ± " + significant(e.standard_error)};
  }
  return {"log-determinant", true,
          "exact within " + significant(worst) + " standard errors of the estimates of " +
              std::to_string(n) + " sampled rows"};
}

// ln |det df/dx| at one row, from the Jacobian by reverse mode, kLanes rows of it at a time.
double log_det_of_jacobian(const Model& model, std::span<const double> x) {
  const std::size_t d = model.dimension();
  std::vector<double> copies, gradients(model.flow().layout().size());
  for (std::size_t l = 0; l < kLanes; ++l) copies.insert(copies.end(), x.begin(), x.end());
  const auto n = static_cast<Eigen::Index>(d);
  Eigen::MatrixXd jacobian(n, n);
  Tape<double> tape(true);
  for (std::size_t first = 0; first < d; first += kLanes) {
    tape.clear();
    const Var in = tape.variable(d, 1);
    rows_to_lanes(copies.data(), kLanes, d, tape.value(in), x.size());
    const double* condition =
        load_condition(model.config().condition, tape, copies.data(), kLanes, d);
    const Pass<double> pass{tape, model.flow().layout(), model.values().data(), gradients.data(),
                            condition};
    const Var z = model.flow().forward(pass, in, 0, model.flow().layer_count()).y;
    double* units = tape.adjoint_to_add(z);
    const std::size_t rows = std::min(kLanes, d - first);
    for (std::size_t l = 0; l < rows; ++l) units[(first + l) * kLanes + l] = 1;
    tape.backward();
    const double* pulled = tape.adjoint_to_add(in);
    for (std::size_t i = 0; i < d * rows; ++i) {
      jacobian(static_cast<Eigen::Index>(first + i % rows), static_cast<Eigen::Index>(i / rows)) =
          pulled[i / rows * kLanes + i % rows];
    }
  }
  return jacobian.partialPivLu().matrixLU().diagonal().array().abs().log().sum();
}

// Log-determinants in closed form against that of the Jacobian.
Promise check_closed_log_det(const Model& model, std::span<const double> x) {
  constexpr double kTolerance = 1e-6;          // nats; rounding leaves far less
  constexpr std::size_t kJacobianRows = 2048;  // in all
  const std::size_t d = model.dimension(), width = model.row_width();
  const std::size_t n = std::clamp<std::size_t>(kJacobianRows / d, 1, x.size() / width);
  const std::vector<double> log_p = model.log_density(x.first(n * width));
  const std::vector<double> z = model.encode(x.first(n * width));
  double worst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double log_det = log_p[i] - log_base_density(std::span(z).subspan(i * d, d));
    const double off = std::fabs(log_det_of_jacobian(model, x.subspan(i * width, width)) - log_det);
    worst = std::max(worst, off);
    if (off <= kTolerance) continue;
    return {"log-determinant", false,
            "sampled row " + std::to_string(i + 1) + ": " + significant(log_det) +
                ", which its Jacobian puts " + significant(off) + " away"};
  }
  return {"log-determinant", true,
          "within " + significant(worst) + " nats of that of the Jacobian at " + std::to_string(n) +
              (n == 1 ? " sampled row" : " sampled rows")};
}

// Rows drawn from the model; the conditions of a conditional one from normal distributions.
std::vector<double> sampled_rows(const Fit& fit, const Model& model, std::uint64_t seed) {
  constexpr std::size_t kRows = 100;
  const std::size_t d = model.dimension(), width = model.row_width();
  std::vector<double> rows;
  for (std::size_t i = 0; i < kRows; ++i) {
    const std::vector<double> z = model.sample_latent(seed, i, 1, 1);
    rows.insert(rows.end(), z.begin(), z.end());
    Rng rng(seed, RngPurpose::kProbe, i, RngStream::kConditions);
    for (std::size_t j = 0; j < width - d; ++j) {
      const ConditionConfig& condition = fit.flow.condition;
      rows.push_back(condition.mean[j] + condition.deviation[j] * rng.normal());
    }
  }
  InversionReport report;
  return with_condition(fit, model.decode(rows, {}, report), rows);
}

std::vector<Promise> verify(const VerifyOptions& options) {
  const Fit fit = load_fit(options.checkpoint);  // every blob against its checksum
  std::vector<Promise> promises = {{"checksums", true, "every blob is what was written"}};
  for (Promise& promise : check_lipschitz(fit)) promises.push_back(std::move(promise));
  const bool invertible =
      std::all_of(promises.begin(), promises.end(), [](const Promise& p) { return p.kept; });
  if (!invertible) return promises;  // nothing is proved about the inverse then
  const Model model = model_of(fit, options.checkpoint);
  const std::vector<double> x = sampled_rows(fit, model, options.seed);
  promises.push_back(check_inverse(fit, model, x));
  promises.push_back(fit.lipschitz.blocks.empty() ? check_closed_log_det(model, x)
                                                  : check_log_det(model, x, options.seed));
  return promises;
}

void run(const VerifyOptions& options) {
  const std::vector<Promise> promises = verify(options);
  const bool kept =
      std::all_of(promises.begin(), promises.end(), [](const Promise& p) { return p.kept; });
  if (options.json) {
    json list = json::array();
    for (const Promise& p : promises) {
      list.push_back({{"promise", p.name}, {"kept", p.kept}, {"detail", p.detail}});
    }
    print_result(json{{"kept", kept}, {"promises", std::move(list)}});
  } else {
    std::string text;
    for (const Promise& p : promises) {
      text += (text.empty() ? "" : "\n") + std::string(p.kept ? "kept    " : "BROKEN  ") + p.name +
              ": " + p.detail;
    }
    print_result(text);
  }
  if (!kept) throw CLI::RuntimeError(kPromiseMissed);
}

}  // namespace

void add_verify(CLI::App& program) {
  CLI::App& command = add_command(program, "verify", "Recompute what a checkpoint promises",
                                  "iflow verify moons.iflow");
  const auto options = std::make_shared<VerifyOptions>();
  add_checkpoint_argument(command, options->checkpoint);
  add_seed_option(command, options->seed);
  add_threads_option(command);
  add_documented_json_option(command, options->json,
                             "an object: kept, and promises, each with promise (its name), kept "
                             "and detail. A broken promise is exit code 5.");
  command.callback([options] { run(*options); });
}

}  // namespace iflow
