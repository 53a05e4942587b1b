#include "baselines/kde.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/parallel.h"

namespace iflow {

namespace {

// Squared distances of x (d) to the centres (n, d).
void squared_distances(const double* x, const std::vector<double>& centres, std::size_t d,
                       std::vector<double>& squares) {
  squares.resize(centres.size() / d);
  const double* centre = centres.data();
  for (double& square : squares) {
    double sum = 0;
    for (std::size_t j = 0; j < d; ++j) sum += (x[j] - centre[j]) * (x[j] - centre[j]);
    square = sum;
    centre += d;
  }
}

// ln sum exp(-square / (2 h^2))
double log_sum_of_kernels(const std::vector<double>& squares, double h) {
  constexpr double kNegligible = 40;  // e^-40 of the largest term
  const double least = *std::min_element(squares.begin(), squares.end());
  const double scale = 1 / (2 * h * h);
  double sum = 0;
  for (const double square : squares) {
    const double exponent = (square - least) * scale;
    if (exponent < kNegligible) sum += std::exp(-exponent);
  }
  return std::log(sum) - least * scale;
}

// ln of what a kernel integrates to, and of the number of kernels.
double log_norm(std::size_t centres, std::size_t d, double h) {
  return std::log(static_cast<double>(centres)) +
         static_cast<double>(d) * (std::log(h) + 0.5 * std::log(2 * std::numbers::pi));
}

// The k-th of `some` indices spread evenly over `all`.
std::size_t spread(std::size_t k, std::size_t some, std::size_t all) { return k * all / some; }

}  // namespace

std::vector<double> kde_bandwidths() {
  constexpr int kCount = 40;
  std::vector<double> widths;
  for (int i = 0; i < kCount; ++i) {
    widths.push_back(kNarrowest * std::pow(kWidest / kNarrowest, i / (kCount - 1.0)));
  }
  return widths;
}

KernelDensity fit_kernel_density(std::span<const double> rows, std::size_t dimension) {
  const std::size_t all = rows.size() / dimension, n = std::min(all, kMaxCentres);
  KernelDensity kde;
  kde.moments = column_moments(rows, dimension);
  for (std::size_t k = 0; k < n; ++k) {
    const auto row = rows.subspan(spread(k, n, all) * dimension, dimension);
    const std::vector<double> centre = standardised(row, kde.moments);
    kde.centres.insert(kde.centres.end(), centre.begin(), centre.end());
  }
  const std::vector<double> widths = kde_bandwidths();
  const std::size_t choosers = std::min(n, kMaxChoosers);
  std::vector<double> log_p(choosers * widths.size());
  parallel_for(choosers, [&](std::size_t k) {
    const std::size_t own = spread(k, choosers, n);
    std::vector<double> squares;
    squared_distances(kde.centres.data() + own * dimension, kde.centres, dimension, squares);
    squares.erase(squares.begin() + static_cast<std::ptrdiff_t>(own));
    for (std::size_t w = 0; w < widths.size(); ++w) {
      log_p[k * widths.size() + w] =
          log_sum_of_kernels(squares, widths[w]) - log_norm(n - 1, dimension, widths[w]);
    }
  });
  double best = -std::numeric_limits<double>::infinity();
  for (std::size_t w = 0; w < widths.size(); ++w) {
    double sum = 0;
    for (std::size_t k = 0; k < choosers; ++k) sum += log_p[k * widths.size() + w];
    if (!(sum > best)) continue;
    best = sum;
    kde.bandwidth = widths[w];
  }
  kde.narrowest_tried = kde.bandwidth == widths.front();
  return kde;
}

std::vector<double> log_density(const KernelDensity& kde, std::span<const double> rows) {
  const std::size_t d = kde.moments.mean.size(), n = rows.size() / d;
  double constant = -log_norm(kde.centres.size() / d, d, kde.bandwidth);
  for (const double deviation : kde.moments.deviation) constant -= std::log(deviation);
  const std::vector<double> x = standardised(rows, kde.moments);
  std::vector<double> log_p(n);
  parallel_for(n, [&](std::size_t i) {
    thread_local std::vector<double> squares;
    squared_distances(x.data() + i * d, kde.centres, d, squares);
    log_p[i] = constant + log_sum_of_kernels(squares, kde.bandwidth);
  });
  return log_p;
}

}  // namespace iflow
