// Conditional densities from joint ones: p(y | c) = p(y, c) / p(c), the rows being (y, c). For a
// Gaussian that is linear regression with normal errors.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "baselines/gaussian.h"
#include "baselines/kde.h"
#include "baselines/mixture.h"

namespace iflow {

// The density of the columns from `first` on alone; first < d.
Gaussian marginal(const Gaussian& joint, std::size_t first);
Mixture marginal(const Mixture& joint, std::size_t first);
KernelDensity marginal(const KernelDensity& joint, std::size_t first);

// ln p(y | c) of every row (n, d), in nats. c are the row's numbers from `first` on; with first = d
// there are none, and it is ln p(y).
template <class Density>
std::vector<double> conditional_log_density(const Density& joint, std::span<const double> rows,
                                            std::size_t first, std::size_t d) {
  std::vector<double> log_p = log_density(joint, rows);
  if (first == d) return log_p;
  std::vector<double> conditions;
  for (std::size_t i = 0; i < rows.size(); i += d) {
    const auto c = rows.subspan(i + first, d - first);
    conditions.insert(conditions.end(), c.begin(), c.end());
  }
  const std::vector<double> log_p_c = log_density(marginal(joint, first), conditions);
  for (std::size_t i = 0; i < log_p.size(); ++i) log_p[i] -= log_p_c[i];
  return log_p;
}

}  // namespace iflow
