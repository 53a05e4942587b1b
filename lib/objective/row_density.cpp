#include "objective/row_density.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/rng.h"
#include "flow/lanes.h"
#include "flow/row_tiles.h"
#include "objective/likelihood.h"

namespace iflow {

std::vector<double> log_density(const ProvedFlow& flow, std::span<const double> rows) {
  const std::size_t n = rows.size() / flow.row_width();
  std::vector<double> result(n);
  for_each_tile(n, flow.dimension(), [&](Tape<double>& tape, std::size_t first, std::size_t count) {
    const auto [pass, x] = flow.load(tape, rows.data() + first * flow.row_width(), count);
    lanes_to_rows(tape.value(Likelihood(flow.flow()).log_density(pass, x)), count, 1,
                  result.data() + first);
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

std::vector<DensityEstimate> estimate_log_density(const ProvedFlow& flow,
                                                  std::span<const double> rows,
                                                  std::span<const std::uint64_t> row_ids,
                                                  const LogDetOptions& options,
                                                  std::uint64_t seed) {
  const std::size_t n = rows.size() / flow.row_width();
  std::vector<DensityEstimate> result(n);
  for_each_tile(n, flow.dimension(), [&](Tape<double>& tape, std::size_t first, std::size_t count) {
    const auto [pass, x] = flow.load(tape, rows.data() + first * flow.row_width(), count);
    const std::size_t lanes = x.groups * kLanes;
    std::vector<std::uint64_t> ids(lanes);
    for (std::size_t l = 0; l < lanes; ++l) ids[l] = row_ids[first + std::min(l, count - 1)];
    const auto sample = [&, &pass = pass, &x = x](std::size_t count_of_probes, RngStream stream) {
      LogDetOptions drawn = options;
      drawn.probes = count_of_probes;
      const std::uint64_t key = Rng(seed, RngPurpose::kProbe, 0, stream).next_u64();
      return Likelihood(flow.flow())
          .sample_log_density(pass, x, flow.certificate(), {drawn, key, ids.data()});
    };
    std::vector<std::size_t> probes(lanes, options.probes);
    if (options.max_standard_error) {
      const LogDetSamples samples = sample(kPilotProbes, RngStream::kPilot);
      for (std::size_t l = 0; l < lanes; ++l) {
        probes[l] = probes_needed(moments(samples.values, l, lanes, kPilotProbes).variance,
                                  *options.max_standard_error);
      }
    }
    const LogDetSamples samples =
        sample(*std::max_element(probes.begin(), probes.end()), RngStream::kEstimate);
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

}  // namespace iflow
