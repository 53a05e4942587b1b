#include "fit/measures.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>

#include "flow/dequantise.h"
#include "model/rows.h"
#include "train/validation.h"

namespace iflow {
namespace {

// Of `chunk`, which is told its number and handles so many rows.
double rows_per_second(std::size_t rows, const Clock& clock,
                       const std::function<void(std::uint64_t)>& chunk) {
  constexpr double kEnough = 0.2;  // seconds
  const double begin = clock();
  std::uint64_t chunks = 0;
  do chunk(chunks++);
  while (clock() - begin < kEnough);
  return static_cast<double>(chunks * rows) / (clock() - begin);
}

// So many rows of `rows` (n, d), over and over where there are fewer.
std::vector<double> one_chunk(std::span<const double> rows, std::size_t count, std::size_t d) {
  std::vector<double> chunk(count * d);
  for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i] = rows[i % rows.size()];
  return chunk;
}

std::vector<double> rows_to_invert(const Dataset& data, std::size_t width) {
  constexpr std::size_t kMostImages = 100;
  std::vector<double> rows = data.validation;
  if (!data.record.image) return rows;
  rows.resize(std::min(rows.size(), kMostImages * width));
  const Dequantise dequantise(data.lattices, width);
  dequantise.round_down(rows);
  dequantise.centre(rows);
  return rows;
}

// Standard deviations of the modelled columns of the training data, as its Gaussian has them; of a
// pixel, one step.
std::vector<double> spreads_of(const Fit& fit) {
  std::vector<double> spreads(fit.flow.dimension, 1);
  if (fit.data.image) return spreads;
  const std::size_t width = fit.gaussian.mean.size();
  for (std::size_t j = 0; j < spreads.size(); ++j) {
    spreads[j] = std::sqrt(fit.gaussian.covariance[j * (width + 1)]);
  }
  return spreads;
}

void measure_inverse(const Fit& fit, const Model& model, const Dataset& data,
                     ModelMeasures& result) {
  const std::size_t width = model.row_width();
  const std::vector<double> rows = rows_to_invert(data, width), spreads = spreads_of(fit);
  InversionReport inversion;
  const std::vector<double> again = model.decode(model.encode(rows), InverseOptions{}, inversion);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % width >= spreads.size()) continue;
    result.inverse_error =
        std::max(result.inverse_error, std::abs(again[i] - rows[i]) / spreads[i % width]);
  }
  result.inverted = rows.size() / width;
  result.unconverged = inversion.unconverged;
}

}  // namespace

ModelMeasures measure(const Fit& fit, const Model& model, const Dataset& data, const Clock& clock) {
  constexpr std::size_t kImages = 64;  // to work on at a time
  const std::uint64_t seed = fit.settings.train.seed;
  ModelMeasures result;
  result.negative_log_density = validation_log_density(model, data.validation, seed);
  for (double& value : result.negative_log_density) value = -value;
  measure_inverse(fit, model, data, result);
  const std::size_t d = model.dimension(), rows = data.record.image ? kImages : chunk_rows(d);
  const std::vector<double> chunk = one_chunk(data.validation, rows, d);
  result.density_rate = rows_per_second(
      rows, clock, [&](std::uint64_t) { validation_log_density(model, chunk, seed); });
  InversionReport inversion;
  result.sample_rate = rows_per_second(rows, clock, [&](std::uint64_t i) {
    model.decode(model.sample_latent(seed, i * rows, rows, 1), InverseOptions{}, inversion);
  });
  return result;
}

}  // namespace iflow
