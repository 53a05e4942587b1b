#include "objective/base_density.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/rng.h"

namespace iflow {

namespace {

// ln N(0; 0, I)
double log_peak(std::size_t dimension) {
  return -0.5 * static_cast<double>(dimension) * std::log(2 * std::numbers::pi);
}

}  // namespace

double log_base_density(std::span<const double> z) {
  double log_p = log_peak(z.size());
  for (const double zi : z) log_p -= zi * zi / 2;
  return log_p;
}

template <class T>
Var log_base_density(Tape<T>& tape, Var z) {
  const std::size_t e = z.elements;
  const T constant = static_cast<T>(log_peak(e));
  const Var y = tape.variable(1, z.groups);
  for (std::size_t g = 0; g < z.groups; ++g) {
    T* ys = tape.value(y) + g * kLanes;
    std::fill_n(ys, kLanes, constant);
    for (std::size_t i = 0; i < e; ++i) {
      const T* zs = tape.value(z) + (g * e + i) * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) ys[l] -= zs[l] * zs[l] / 2;
    }
  }
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    T* dz = t.adjoint_to_add(z);
    for (std::size_t g = 0; g < z.groups; ++g) {
      for (std::size_t i = 0; i < e; ++i) {
        const std::size_t at = (g * e + i) * kLanes;
        for (std::size_t l = 0; l < kLanes; ++l)
          dz[at + l] -= dy[g * kLanes + l] * t.value(z)[at + l];
      }
    }
  });
  return y;
}

template Var log_base_density(Tape<float>&, Var);
template Var log_base_density(Tape<double>&, Var);

std::vector<double> sample_base_density(std::uint64_t seed, std::uint64_t first_row, std::size_t n,
                                        std::size_t dimension, double temperature,
                                        std::uint32_t draw) {
  std::vector<double> z(n * dimension);
  for (std::size_t i = 0; i < n; ++i) {
    Rng rng(seed, RngPurpose::kLatent, first_row + i, draw);
    for (std::size_t j = 0; j < dimension; ++j) z[i * dimension + j] = temperature * rng.normal();
  }
  return z;
}

}  // namespace iflow
