// A fitted flow, ready to be evaluated, sampled and inverted. Everything is computed in double, in
// parallel over blocks of rows; a row's result depends on the model and the row alone.
//
// A row of a conditional density holds its condition behind the numbers modelled, in the data's own
// units, and so does a latent row that is decoded. What is computed is p(x | c), the x or the z of
// that condition.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flow/build_flow.h"

namespace iflow {

// How an inversion went, over all rows and layers.
struct InversionReport {
  // Per layer of the flow: evaluations of g, mean and largest over the rows (0 for closed forms).
  std::vector<double> mean_iterations;
  std::vector<int> max_iterations;
  // Per row: a proved bound of the distance between the result and the exact inverse, in the units
  // of the data, rounding included; infinite where a layer did not converge or nothing is proved of
  // it: couplings without InverseOptions::local or of too many columns (coupling.h).
  std::vector<double> bound;
  // Rows for which some layer did not meet its tolerance.
  std::size_t unconverged = 0;
};

// An estimated log-density.
struct DensityEstimate {
  double value = 0;
  double standard_error = 0;    // over the probes
  double truncation_bound = 0;  // proved, of the series' missing terms; rounding left out
};

class Model {
 public:
  // `values`: the effective parameters, laid out as the flow's layout says.
  // Throws NumericError when a block's proved Lipschitz bound is not below 1.
  Model(const FlowConfig& config, std::span<const float> values);

  const FlowConfig& config() const { return config_; }
  const Flow<double>& flow() const { return flow_; }
  std::span<const double> values() const { return values_; }
  // Columns modelled, and numbers in a row: with the condition.
  std::size_t dimension() const { return flow_.dimension(); }
  std::size_t row_width() const { return config_.row_width(); }
  // Proved Lipschitz bound of every layer's residual branch, 0 where it has none.
  const std::vector<double>& lipschitz_bounds() const { return bounds_; }
  // Whether no layer is a residual block: log-determinants and inverses have closed forms.
  bool has_closed_form() const;

  // ln p of every row, in nats, in the data's own units. rows: (n, row_width) row-major.
  // Throws NumericError naming the row (counted from 0) whose density is not a number.
  std::vector<double> log_density(std::span<const double> rows) const;

  // The same, estimated: options.method is no exact one, options.probes at least 2. Row i's draws
  // are keyed by (seed, row_ids[i]).
  std::vector<DensityEstimate> estimate_log_density(std::span<const double> rows,
                                                    std::span<const std::uint64_t> row_ids,
                                                    const LogDetOptions& options,
                                                    std::uint64_t seed) const;

  // z = f(x) for every row (n, row_width); returns (n, dimension).
  std::vector<double> encode(std::span<const double> rows) const;

  // x = f^-1(z) for every row (n, row_width); returns (n, dimension).
  std::vector<double> decode(std::span<const double> rows, const InverseOptions& options,
                             InversionReport& report) const;

  // Latent rows first_row .. first_row + n - 1 of a sample: z ~ N(0, temperature^2 I), row i keyed
  // by (seed, i, draw). (n, dimension)
  std::vector<double> sample_latent(std::uint64_t seed, std::uint64_t first_row, std::size_t n,
                                    double temperature, std::uint32_t draw = 0) const;

 private:
  // Rows on a tape, and the pass for them.
  struct Loaded {
    Pass<double> pass;
    Var x;
  };
  Loaded load(Tape<double>& tape, const double* rows, std::size_t n) const;

  FlowConfig config_;
  Flow<double> flow_;
  std::vector<double> values_;
  FlowCertificate certificate_;
  std::vector<double> bounds_;
};

}  // namespace iflow
