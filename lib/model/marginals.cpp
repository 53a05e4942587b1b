#include "model/marginals.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rng.h"
#include "model/normality.h"

namespace iflow {

MarginalFit marginal_fit(std::vector<double> x, std::span<const double> samples) {
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size()), m = static_cast<double>(samples.size());
  double sum = 0, squares = 0, distance = 0;
  for (std::size_t i = 0, end = 0; i < x.size(); i = end) {
    while (end < x.size() && x[end] == x[i]) ++end;
    const auto [below, above] = std::equal_range(samples.begin(), samples.end(), x[i]);
    const double left = static_cast<double>(below - samples.begin()) / m;
    const double right = static_cast<double>(above - samples.begin()) / m;
    const double u = (left + right) / 2, count = static_cast<double>(end - i);
    sum += count * u;
    squares += count * u * u;
    // Both functions are steps: the largest distance is at a jump of F_n or just before it.
    distance = std::max({distance, std::fabs(left - static_cast<double>(i) / n),
                         std::fabs(right - static_cast<double>(end) / n)});
  }
  const double mean = sum / n;
  const double deviation = x.size() > 1
                               ? std::sqrt(std::max(squares - n * mean * mean, 0.0) / (n - 1))
                               : std::numeric_limits<double>::quiet_NaN();
  return {mean, deviation, distance, ks_critical(n * m / (n + m))};
}

Marginals marginals_of(const Model& model, const std::vector<std::vector<double>>& x,
                       const std::vector<double>& conditions, std::uint64_t seed) {
  // Not the rows that `sample` draws by this seed: those may be what is evaluated.
  const std::uint64_t own_seed =
      Rng(seed, RngPurpose::kLatent, 0, RngStream::kMarginals).next_u64();
  const std::size_t d = model.dimension(), c = model.row_width() - d;
  const std::vector<double> z = model.sample_latent(own_seed, 0, kMarginalSamples, 1);
  std::vector<double> latent;
  for (std::size_t i = 0; i < kMarginalSamples; ++i) {
    latent.insert(latent.end(), z.begin() + i * d, z.begin() + (i + 1) * d);
    for (std::size_t j = 0; j < c; ++j) {
      latent.push_back(conditions[(i * c + j) % conditions.size()]);
    }
  }
  InversionReport report;
  const std::vector<double> rows = model.decode(latent, {}, report);
  Marginals marginals;
  marginals.unconverged = report.unconverged;
  for (std::size_t j = 0; j < d; ++j) {
    std::vector<double> samples;
    for (std::size_t i = j; i < rows.size(); i += d) samples.push_back(rows[i]);
    std::sort(samples.begin(), samples.end());
    marginals.columns.push_back(marginal_fit(x[j], samples));
  }
  return marginals;
}

}  // namespace iflow
