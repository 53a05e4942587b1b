#include "compare_measures.h"

#include <algorithm>
#include <functional>
#include <span>

#include "invert_report.h"
#include "row_stream.h"
#include "stopwatch.h"

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

// As many rows of `rows` (n, d) as a command handles at a time, over and over where it has fewer.
std::vector<double> one_chunk(std::span<const double> rows, std::size_t d) {
  std::vector<double> chunk(chunk_rows(d) * d);
  for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i] = rows[i % rows.size()];
  return chunk;
}

}  // namespace

ModelMeasures measure(const Fit& fit, const Model& model, const FitData& data) {
  ModelMeasures result;
  result.negative_log_density = model.log_density(data.validation);
  for (double& value : result.negative_log_density) value = -value;

  InvertReport report(fit, model);
  InversionReport inversion;
  const std::vector<double> again =
      model.decode(model.encode(data.validation), InverseOptions{}, inversion);
  report.add(data.validation, again, inversion);
  result.inverse_error = report.largest_error();
  result.unconverged = report.unconverged();

  const std::size_t d = model.dimension(), rows = chunk_rows(d);
  const std::vector<double> chunk = one_chunk(data.validation, d);
  result.density_rate = rows_per_second(rows, [&](std::uint64_t) { model.log_density(chunk); });
  result.sample_rate = rows_per_second(rows, [&](std::uint64_t i) {
    model.decode(model.sample_latent(fit.train.seed, i * rows, rows, 1), InverseOptions{},
                 inversion);
  });
  return result;
}

}  // namespace iflow
