// A fitted model in the data's own columns: what a program does with a fit. Rows are (n, width) as
// in the data: its columns in its order, conditions among them, integers as integers; a row of
// images is height x width x channels integers. A row of z is (n, width) too: the latent numbers,
// then the given columns in the order of the data.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/columns.h"
#include "model/density.h"
#include "model/fit_record.h"
#include "model/flow_model.h"

namespace iflow {

// How rows are drawn: row i is keyed by (seed, i), draw j of one condition by (seed, i, j).
struct SampleOptions {
  std::uint64_t seed = 0;
  std::uint64_t first_row = 0;
  double temperature = 1;  // z ~ N(0, temperature^2 I)
  InverseOptions inverse;
};

// Rows, there and back again.
struct Reconstruction {
  std::vector<double> x;     // the rows as the flow takes them (flow's order, integers centred)
  std::vector<double> back;  // the same, through the flow and back
  std::vector<double> rows;  // as the data has them
  InversionReport inversion;
};

class FittedModel {
 public:
  // Throws NumericError when a block's proved Lipschitz bound is not below 1.
  explicit FittedModel(Fit record);
  FittedModel(Fit record, Model flow);

  const Fit& record() const { return record_; }
  const Model& flow() const { return flow_; }
  const Columns& columns() const { return columns_; }
  std::size_t dimension() const { return columns_.modelled(); }
  std::size_t row_width() const { return columns_.width(); }

  // ln p of every row in nats, of integers the lower bound of ln P. Rows are numbered from
  // options.first_row. Refers to this model. Throws UsageError for options that don't fit it.
  Density density(const DensityOptions& options = {}) const;
  std::vector<double> log_density(std::span<const double> rows,
                                  const DensityOptions& options = {}) const;

  // z = f(x), integers in the middle of their steps. Throws RowError for a row that is outside its
  // bounds or off the lattice of its integers.
  std::vector<double> encode(std::span<const double> rows) const;

  // x = f^-1(z), integers rounded down.
  std::vector<double> decode(std::span<const double> latent, const InverseOptions& options,
                             InversionReport& report) const;
  std::vector<double> decode(std::span<const double> latent) const;

  // Throws as encode.
  Reconstruction reconstruct(std::span<const double> rows, const InverseOptions& options) const;

  // Latent rows to decode: `count` of them, or `draws` for every one of
  // the conditions (n, width - dimension). Throw UsageError where the model is conditional, or not.
  std::vector<double> latent_sample(std::size_t count, const SampleOptions& options) const;
  std::vector<double> latent_sample_given(std::span<const double> conditions, std::size_t draws,
                                          const SampleOptions& options) const;
  // The same, decoded.
  std::vector<double> sample(std::size_t count, const SampleOptions& options = {}) const;
  std::vector<double> sample_given(std::span<const double> conditions, std::size_t draws,
                                   const SampleOptions& options = {}) const;

 private:
  Fit record_;
  Model flow_;
  Columns columns_;
};

}  // namespace iflow
