#include "flow/model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "flow/lanes.h"

namespace iflow {

namespace {

// Rows that are worked on at a time: few enough that a layer's tensors stay in cache.
constexpr std::size_t kMostTileRows = 4 * kLanes;
std::size_t tile_rows(std::size_t dimension) {
  constexpr std::size_t kLongRow = 256;
  return dimension < kLongRow ? kMostTileRows : kLanes;
}

// Calls f(tape, first row, number of rows) for every tile of n rows.
template <class F>
void for_each_tile(std::size_t n, std::size_t dimension, const F& f) {
  const std::size_t rows = tile_rows(dimension);
  parallel_for((n + rows - 1) / rows, [&](std::size_t tile) {
    thread_local Tape<double> tape(false);
    tape.clear();
    const std::size_t first = tile * rows;
    f(tape, first, std::min(rows, n - first));
  });
}

// What happened to the rows of one tile, summed up per layer.
struct TileReport {
  std::vector<long> iterations;
  std::vector<int> max_iterations;
  std::size_t unconverged = 0;  // rows
};

}  // namespace

Model::Model(const FlowConfig& config, std::span<const float> values)
    : config_(config),
      flow_(build_flow<double>(config)),
      values_(values.begin(), values.end()),
      certificate_(flow_.prove(values_)),
      bounds_(certificate_.residual_lipschitz()) {
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    if (!(bounds_[i] < 1)) {
      throw NumericError("flow." + std::to_string(i) + ": the proved Lipschitz bound is " +
                         std::to_string(bounds_[i]) + ", not below 1");
    }
  }
}

bool Model::has_closed_form() const {
  return std::all_of(bounds_.begin(), bounds_.end(), [](double bound) { return bound == 0; });
}

Model::Loaded Model::load(Tape<double>& tape, const double* rows, std::size_t n) const {
  const std::size_t d = dimension();
  const Var x = tape.variable(d, groups_for(n));
  rows_to_lanes(rows, n, d, tape.value(x), row_width());
  const double* condition = load_condition(config_.condition, tape, rows, n, d);
  return {{tape, flow_.layout(), values_.data(), nullptr, condition}, x};
}

std::vector<double> Model::log_density(std::span<const double> rows) const {
  const std::size_t n = rows.size() / row_width();
  std::vector<double> result(n);
  for_each_tile(n, dimension(), [&](Tape<double>& tape, std::size_t first, std::size_t count) {
    const auto [pass, x] = load(tape, rows.data() + first * row_width(), count);
    lanes_to_rows(tape.value(flow_.log_density(pass, x)), count, 1, result.data() + first);
    for (std::size_t i = first; i < first + count; ++i) {
      if (std::isnan(result[i])) {
        throw NumericError("row " + std::to_string(i) + ": the log-density is not a number");
      }
    }
  });
  return result;
}

namespace {

// A pilot of so many probes says how many a standard error needs. Both its variance and the
// stated one are uncertain by a sixth: with twice as many probes, and never fewer than the pilot's,
// three rows in a thousand fall short. (F distribution with 63 and 63 degrees of freedom)
constexpr std::size_t kPilotProbes = 64;
constexpr double kPilotMargin = 2;
constexpr std::size_t kMaxProbes = 4096;  // per row

struct SampleMoments {
  double mean, variance;
};

// Of the first `count` samples of a lane.
SampleMoments moments(const std::vector<double>& samples, std::size_t lane, std::size_t lanes,
                      std::size_t count) {
  double sum = 0, squares = 0;
  for (std::size_t p = 0; p < count; ++p) sum += samples[p * lanes + lane];
  const double n = static_cast<double>(count), mean = sum / n;
  if (std::isinf(mean)) return {mean, 0};  // a row outside its bounds
  for (std::size_t p = 0; p < count; ++p) {
    const double off = samples[p * lanes + lane] - mean;
    squares += off * off;
  }
  return {mean, squares / (n - 1)};
}

std::size_t probes_needed(double variance, double standard_error) {
  const double n = std::ceil(kPilotMargin * variance / (standard_error * standard_error));
  return static_cast<std::size_t>(std::clamp(n, double{kPilotProbes}, double{kMaxProbes}));
}

}  // namespace

std::vector<DensityEstimate> Model::estimate_log_density(std::span<const double> rows,
                                                         std::span<const std::uint64_t> row_ids,
                                                         const LogDetOptions& options,
                                                         std::uint64_t seed) const {
  const std::size_t n = rows.size() / row_width();
  std::vector<DensityEstimate> result(n);
  for_each_tile(n, dimension(), [&](Tape<double>& tape, std::size_t first, std::size_t count) {
    const auto [pass, x] = load(tape, rows.data() + first * row_width(), count);
    const std::size_t lanes = x.groups * kLanes;
    std::vector<std::uint64_t> ids(lanes);
    for (std::size_t l = 0; l < lanes; ++l) ids[l] = row_ids[first + std::min(l, count - 1)];
    const auto sample = [&, &pass = pass, &x = x](std::size_t count_of_probes, std::uint32_t draw) {
      LogDetOptions drawn = options;
      drawn.probes = count_of_probes;
      const std::uint64_t key = Rng(seed, RngPurpose::kProbe, 0, draw).next_u64();
      return flow_.sample_log_density(pass, x, certificate_, {drawn, key, ids.data()});
    };
    std::vector<std::size_t> probes(lanes, options.probes);
    if (options.max_standard_error) {
      const LogDetSamples samples = sample(kPilotProbes, 2);
      for (std::size_t l = 0; l < lanes; ++l) {
        probes[l] = probes_needed(moments(samples.values, l, lanes, kPilotProbes).variance,
                                  *options.max_standard_error);
      }
    }
    const LogDetSamples samples = sample(*std::max_element(probes.begin(), probes.end()), 1);
    for (std::size_t i = 0; i < count; ++i) {
      const SampleMoments value = moments(samples.values, i, lanes, probes[i]);
      double bound = 0;
      for (std::size_t p = 0; p < probes[i]; ++p) bound += samples.bounds[p * lanes + i];
      const auto used = static_cast<double>(probes[i]);
      result[first + i] = {value.mean, std::sqrt(value.variance / used), bound / used};
      if (std::isnan(value.mean)) {
        throw NumericError("row " + std::to_string(first + i) +
                           ": the log-density is not a number");
      }
    }
  });
  return result;
}

std::vector<double> Model::encode(std::span<const double> rows) const {
  const std::size_t d = dimension(), n = rows.size() / row_width();
  std::vector<double> result(n * d);
  for_each_tile(n, d, [&](Tape<double>& tape, std::size_t first, std::size_t count) {
    const auto [pass, x] = load(tape, rows.data() + first * row_width(), count);
    const Var z = flow_.transform(pass, x);
    lanes_to_rows(tape.value(z), count, d, result.data() + first * d);
  });
  return result;
}

std::vector<double> Model::decode(std::span<const double> rows, const InverseOptions& options,
                                  InversionReport& report) const {
  const std::size_t d = dimension(), n = rows.size() / row_width(), layers = flow_.layer_count();
  std::vector<double> result(n * d);
  report = {std::vector<double>(layers, 0), std::vector<int>(layers, 0), std::vector<double>(n, 0),
            0};
  const std::size_t rows_a_tile = tile_rows(d);
  std::vector<TileReport> tiles((n + rows_a_tile - 1) / rows_a_tile,
                                {std::vector<long>(layers, 0), std::vector<int>(layers, 0), 0});
  for_each_tile(n, d, [&](Tape<double>& tape, std::size_t first, std::size_t count) {
    const auto [pass, x] = load(tape, rows.data() + first * row_width(), count);
    TileReport& tile = tiles[first / rows_a_tile];
    std::array<bool, kMostTileRows> converged;
    converged.fill(true);
    for (std::size_t i = layers; i-- > 0;) {
      const auto mark = tape.mark();
      const Certificate& certificate = certificate_.layers[i];
      const Inverted inverted = flow_.layer(i).inverse(pass, x, certificate, options);
      flow_.layer(i).bound_inverse(pass, x, inverted, certificate, options,
                                   std::span(report.bound).subspan(first, count));
      for (std::size_t row = 0; row < count && inverted.rows != nullptr; ++row) {
        const InverseRow& lane = inverted.rows[row];
        converged[row] = converged[row] && lane.converged;
        tile.iterations[i] += lane.iterations;
        tile.max_iterations[i] = std::max(tile.max_iterations[i], lane.iterations);
      }
      std::copy_n(tape.value(inverted.x), x.size(), tape.value(x));
      tape.rewind(mark);
    }
    tile.unconverged = static_cast<std::size_t>(std::count(
        converged.begin(), converged.begin() + static_cast<std::ptrdiff_t>(count), false));
    lanes_to_rows(tape.value(x), count, d, result.data() + first * d);
  });
  for (const TileReport& tile : tiles) {
    report.unconverged += tile.unconverged;
    for (std::size_t i = 0; i < layers; ++i) {
      report.mean_iterations[i] += static_cast<double>(tile.iterations[i]) / static_cast<double>(n);
      report.max_iterations[i] = std::max(report.max_iterations[i], tile.max_iterations[i]);
    }
  }
  return result;
}

std::vector<double> Model::sample_latent(std::uint64_t seed, std::uint64_t first_row, std::size_t n,
                                         double temperature, std::uint32_t draw) const {
  const std::size_t d = dimension();
  std::vector<double> z(n * d);
  for (std::size_t i = 0; i < n; ++i) {
    Rng rng(seed, RngPurpose::kLatent, first_row + i, draw);
    for (std::size_t j = 0; j < d; ++j) z[i * d + j] = temperature * rng.normal();
  }
  return z;
}

}  // namespace iflow
