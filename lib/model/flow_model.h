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

#include "flow/proved_flow.h"
#include "objective/base_density.h"
#include "objective/row_density.h"

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

class Model : public ProvedFlow {
 public:
  // Throws NumericError when a block's proved Lipschitz bound is not below 1.
  Model(const FlowConfig& config, std::span<const float> values) : ProvedFlow(config, values) {}

  // What row_density.h says of rows (n, row_width).
  std::vector<double> log_density(std::span<const double> rows) const {
    return iflow::log_density(*this, rows);
  }
  std::vector<DensityEstimate> estimate_log_density(std::span<const double> rows,
                                                    std::span<const std::uint64_t> row_ids,
                                                    const LogDetOptions& options,
                                                    std::uint64_t seed) const {
    return iflow::estimate_log_density(*this, rows, row_ids, options, seed);
  }

  // z = f(x) for every row (n, row_width); returns (n, dimension).
  std::vector<double> encode(std::span<const double> rows) const;

  // x = f^-1(z) for every row (n, row_width); returns (n, dimension).
  std::vector<double> decode(std::span<const double> rows, const InverseOptions& options,
                             InversionReport& report) const;

  // Latent rows first_row .. first_row + n - 1 of a sample: z ~ N(0, temperature^2 I), row i keyed
  // by (seed, i, draw). (n, dimension)
  std::vector<double> sample_latent(std::uint64_t seed, std::uint64_t first_row, std::size_t n,
                                    double temperature, std::uint32_t draw = 0) const {
    return sample_base_density(seed, first_row, n, dimension(), temperature, draw);
  }
};

}  // namespace iflow
