#include "compare_measures.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

#include "image_rows.h"
#include "invert_report.h"
#include "row_stream.h"
#include "stopwatch.h"
#include "train/validation.h"

namespace iflow {
namespace {

// Of `chunk`, which is told its number and handles so many rows.
double rows_per_second(std::size_t rows, const std::function<void(std::uint64_t)>& chunk) {
  constexpr double kEnough = 0.2;  // seconds
  const Stopwatch watch;
  std::uint64_t chunks = 0;
  do chunk(chunks++);
  while (watch.seconds() < kEnough);
  return static_cast<double>(chunks * rows) / watch.seconds();
}

// Rows to work on at a time.
std::size_t rows_at_a_time(const FitData& data, std::size_t d) {
  constexpr std::size_t kImages = 64;
  return data.images ? kImages : chunk_rows(d);
}

// So many rows of `rows` (n, d), over and over where there are fewer.
std::vector<double> one_chunk(std::span<const double> rows, std::size_t count, std::size_t d) {
  std::vector<double> chunk(count * d);
  for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i] = rows[i % rows.size()];
  return chunk;
}

void measure_inverse(const Fit& fit, const Model& model, const FitData& data,
                     ModelMeasures& result) {
  InvertReport report(fit, model);
  InversionReport inversion;
  const std::vector<double> again =
      model.decode(model.encode(data.validation), InverseOptions{}, inversion);
  report.add(data.validation, again, inversion);
  result.inverse_error = report.largest_error();
  result.inverted = report.rows();
  result.unconverged = report.unconverged();
}

void measure_inverse_of_images(const Model& model, const FitData& data, ModelMeasures& result) {
  constexpr std::size_t kMost = 100;
  result.inverted = std::min(data.validation_images.size(), kMost);
  std::vector<double> rows;
  for (std::size_t i = 0; i < result.inverted; ++i) {
    append_row(data.images->image(data.validation_images[i]), rows);
  }
  for (double& x : rows) x += 0.5;
  InversionReport inversion;
  const std::vector<double> again = model.decode(model.encode(rows), InverseOptions{}, inversion);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    result.inverse_error = std::max(result.inverse_error, std::fabs(again[i] - rows[i]));
  }
  result.unconverged = inversion.unconverged;
}

}  // namespace

ModelMeasures measure(const Fit& fit, const Model& model, const FitData& data) {
  const std::uint64_t seed = fit.train.seed;
  ModelMeasures result;
  result.negative_log_density = validation_log_density(model, data.validation, seed);
  for (double& value : result.negative_log_density) value = -value;
  if (data.images) {
    measure_inverse_of_images(model, data, result);
  } else {
    measure_inverse(fit, model, data, result);
  }
  const std::size_t d = model.dimension(), rows = rows_at_a_time(data, d);
  const std::vector<double> chunk = one_chunk(data.validation, rows, d);
  result.density_rate =
      rows_per_second(rows, [&](std::uint64_t) { validation_log_density(model, chunk, seed); });
  InversionReport inversion;
  result.sample_rate = rows_per_second(rows, [&](std::uint64_t i) {
    model.decode(model.sample_latent(seed, i * rows, rows, 1), InverseOptions{}, inversion);
  });
  return result;
}

}  // namespace iflow
