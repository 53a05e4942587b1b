#include "model/fitted_model.h"

#include <numeric>
#include <utility>

#include "base/error.h"

namespace iflow {

FittedModel::FittedModel(Fit record, Model flow)
    : record_(std::move(record)), flow_(std::move(flow)), columns_(record_) {}

FittedModel::FittedModel(Fit record)
    : record_(std::move(record)), flow_(record_.flow, record_.parameters), columns_(record_) {}

Density FittedModel::density(const DensityOptions& options) const {
  return {flow_, columns_, options};
}

std::vector<double> FittedModel::log_density(std::span<const double> rows,
                                             const DensityOptions& options) const {
  std::vector<std::uint64_t> indices(rows.size() / row_width());
  std::iota(indices.begin(), indices.end(), 0);
  std::vector<double> log_p;
  for (const DensityEstimate& row : density(options)({rows, indices})) log_p.push_back(row.value);
  return log_p;
}

std::vector<double> FittedModel::encode(std::span<const double> rows) const {
  const std::vector<double> x = columns_.centred(rows);
  return columns_.with_condition(flow_.encode(x), x);
}

std::vector<double> FittedModel::decode(std::span<const double> latent,
                                        const InverseOptions& options,
                                        InversionReport& report) const {
  return columns_.to_data(columns_.with_condition(flow_.decode(latent, options, report), latent));
}

std::vector<double> FittedModel::decode(std::span<const double> latent) const {
  InversionReport report;
  return decode(latent, {}, report);
}

Reconstruction FittedModel::reconstruct(std::span<const double> rows,
                                        const InverseOptions& options) const {
  Reconstruction result;
  result.x = columns_.centred(rows);
  const std::vector<double> z = columns_.with_condition(flow_.encode(result.x), result.x);
  result.back = columns_.with_condition(flow_.decode(z, options, result.inversion), result.x);
  result.rows = columns_.to_data(result.back);
  return result;
}

std::vector<double> FittedModel::latent_sample(std::size_t count,
                                               const SampleOptions& options) const {
  if (dimension() != row_width()) throw UsageError("the model is conditional: give conditions");
  return flow_.sample_latent(options.seed, options.first_row, count, options.temperature);
}

std::vector<double> FittedModel::latent_sample_given(std::span<const double> conditions,
                                                     std::size_t draws,
                                                     const SampleOptions& options) const {
  const std::size_t c = row_width() - dimension();
  if (c == 0) throw UsageError("the model is not conditional on any column");
  std::vector<double> latent;
  for (std::size_t i = 0; i < conditions.size() / c; ++i) {
    const auto condition = conditions.subspan(i * c, c);
    for (std::size_t draw = 0; draw < draws; ++draw) {
      const std::vector<double> z =
          flow_.sample_latent(options.seed, options.first_row + i, 1, options.temperature,
                              static_cast<std::uint32_t>(draw));
      latent.insert(latent.end(), z.begin(), z.end());
      latent.insert(latent.end(), condition.begin(), condition.end());
    }
  }
  return latent;
}

std::vector<double> FittedModel::sample(std::size_t count, const SampleOptions& options) const {
  InversionReport report;
  return decode(latent_sample(count, options), options.inverse, report);
}

std::vector<double> FittedModel::sample_given(std::span<const double> conditions, std::size_t draws,
                                              const SampleOptions& options) const {
  InversionReport report;
  return decode(latent_sample_given(conditions, draws, options), options.inverse, report);
}

}  // namespace iflow
