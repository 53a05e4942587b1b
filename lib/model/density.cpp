#include "model/density.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"
#include "base/rng.h"

namespace iflow {

Density::Density(const Model& model, const Columns& columns, const DensityOptions& options)
    : model_(model), columns_(columns), options_(options) {
  constexpr std::size_t kDraws = 16;
  if (options.draws && columns.empty()) {
    throw UsageError("--draws: the model has no integer columns");
  }
  draws_ = columns.empty() ? 0 : options.draws.value_or(kDraws);
  exact_ = options.method ? options.method == LogDetMethod::kExact
                          : model.has_closed_form() || model.dimension() <= kMostExactColumns;
  constexpr double kImageBound = 2e-4;  // bits per dimension
  if (options.max_bound) {
    options_.estimate.max_bound = *options.max_bound;
  } else if (columns.image()) {
    options_.estimate.max_bound =
        kImageBound * static_cast<double>(model.dimension()) * std::numbers::ln2;
  }
  options_.estimate.method = options.method.value_or(LogDetMethod::kSeries);
  if (options.estimate.probe == ProbeKind::kUnit) options_.estimate.probes = model.dimension();
}

std::vector<std::uint64_t> Density::ids_of(const Rows& rows) const {
  std::vector<std::uint64_t> ids(rows.indices.begin(), rows.indices.end());
  for (std::uint64_t& id : ids) id += options_.first_row;
  return ids;
}

std::vector<double> Density::drawn(const Rows& rows, std::size_t draw) const {
  std::vector<double> x = columns_.in_flow_order(rows.values);
  columns_.dequantise().add_noise(x, ids_of(rows), options_.seed, draw);
  return x;
}

std::vector<DensityEstimate> Density::estimate(std::span<const double> x,
                                               std::span<const std::uint64_t> ids,
                                               std::uint64_t seed) const {
  if (!exact_) return model_.estimate_log_density(x, ids, options_.estimate, seed);
  std::vector<DensityEstimate> results;
  for (const double log_p : model_.log_density(x)) results.push_back({log_p, 0, 0});
  return results;
}

// The standard error is that over the draws, in which the probes' is contained.
std::vector<DensityEstimate> Density::average_over_draws(const Rows& rows) const {
  const std::vector<std::uint64_t> ids = ids_of(rows);
  const std::size_t width = model_.row_width(), n = ids.size();
  const auto draws = static_cast<double>(draws_);
  std::vector<DensityEstimate> average(n);
  std::vector<double> squares(n, 0);  // sums of squared distances from the mean (Welford)
  for (std::size_t draw = 0; draw < draws_; ++draw) {
    const std::uint64_t seed =
        Rng(options_.seed, RngPurpose::kProbe, draw, RngStream::kDraw).next_u64();
    const auto estimates = estimate(drawn(rows, draw), ids, seed);
    for (std::size_t i = 0; i < n; ++i) {
      if (std::isinf(average[i].value)) continue;
      const double off = estimates[i].value - average[i].value;
      average[i].value += off / static_cast<double>(draw + 1);
      // One rounding, spelt out: compilers fuse the product and the sum, or not, as they please.
      squares[i] = std::fma(off, estimates[i].value - average[i].value, squares[i]);
      average[i].truncation_bound += estimates[i].truncation_bound / draws;
    }
  }
  const std::vector<double> plain = columns_.in_flow_order(rows.values);
  for (std::size_t i = 0; i < n; ++i) {
    average[i].standard_error = std::sqrt(squares[i] / (draws - 1) / draws);
    const auto x = std::span(plain).subspan(i * width, width);
    // Outside its bounds or off its lattice, a row has probability zero.
    const bool impossible =
        std::isinf(average[i].value) || columns_.dequantise().off_lattice(x) != nullptr;
    if (impossible) average[i] = {-std::numeric_limits<double>::infinity(), 0, 0};
  }
  return average;
}

std::vector<DensityEstimate> Density::operator()(const Rows& rows) const {
  if (draws_ > 0) return average_over_draws(rows);
  return estimate(drawn(rows, 0), ids_of(rows), options_.seed);
}

MissedPromises Density::missed(std::span<const DensityEstimate> results) const {
  const LogDetOptions& promised = options_.estimate;
  MissedPromises missed;
  for (const DensityEstimate& row : results) {
    if (promised.max_standard_error && row.standard_error > *promised.max_standard_error) {
      ++missed.standard_errors;
    }
    if (row.truncation_bound > promised.max_bound) ++missed.bounds;
  }
  return missed;
}

}  // namespace iflow
