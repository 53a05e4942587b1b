#include "flow/log_det.h"

#include <cmath>

#include "kernels/simd.h"

namespace iflow {

const std::map<std::string, LogDetMethod>& log_det_methods() {
  static const std::map<std::string, LogDetMethod> names = {{"exact", LogDetMethod::kExact},
                                                            {"series", LogDetMethod::kSeries},
                                                            {"roulette", LogDetMethod::kRoulette}};
  return names;
}

const std::map<std::string, ProbeKind>& probe_kinds() {
  static const std::map<std::string, ProbeKind> names = {{"rademacher", ProbeKind::kRademacher},
                                                         {"gaussian", ProbeKind::kGaussian},
                                                         {"unit", ProbeKind::kUnit}};
  return names;
}

const std::map<std::string, LogDetGradient>& log_det_gradients() {
  static const std::map<std::string, LogDetGradient> names = {{"neumann", LogDetGradient::kNeumann},
                                                              {"basic", LogDetGradient::kBasic}};
  return names;
}

std::vector<double> series_weights(const LogDetConfig& config, Rng& rng) {
  std::vector<double> weights;
  double sign = 1, reached = 1;  // reached: P(N >= k)
  for (std::size_t k = 1;; ++k, sign = -sign) {
    if (k > config.terms) {
      if (config.method != LogDetMethod::kRoulette) break;
      if (rng.uniform() >= config.continuation) break;
      reached *= config.continuation;
    }
    weights.push_back(sign / reached);
  }
  return weights;
}

std::size_t terms_for(double lipschitz, std::size_t dimension, double tolerance) {
  const auto d = static_cast<double>(dimension);
  std::size_t n = 1;
  const auto bound = [&](std::size_t terms) {
    const auto next = static_cast<double>(terms + 1);
    return d * std::pow(lipschitz, next) / (next * (1 - lipschitz));
  };
  while (bound(n) > tolerance) ++n;
  return n;
}

template <class T>
void draw_probes(ProbeKind kind, std::uint64_t seed, const std::uint64_t* rows, std::size_t groups,
                 std::size_t dimension, std::size_t first, std::size_t count, T* v) {
  const T root = std::sqrt(static_cast<T>(dimension));
  for (std::size_t lane = 0; lane < count * groups * kLanes; ++lane) {
    const std::size_t probe = first + lane / (groups * kLanes);
    T* to = v + lane / kLanes * dimension * kLanes + lane % kLanes;
    if (kind == ProbeKind::kUnit) {
      for (std::size_t i = 0; i < dimension; ++i) to[i * kLanes] = i == probe ? root : T(0);
      continue;
    }
    Rng rng(seed, RngPurpose::kProbe, rows[lane % (groups * kLanes)],
            static_cast<std::uint32_t>(probe));
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < dimension; ++i) {
      if (kind == ProbeKind::kGaussian) {
        to[i * kLanes] = static_cast<T>(rng.normal());
      } else {
        if (i % 32 == 0) bits = rng.next_u32();
        to[i * kLanes] = (bits >> (i % 32) & 1U) != 0 ? T(1) : T(-1);
      }
    }
  }
}

template void draw_probes(ProbeKind, std::uint64_t, const std::uint64_t*, std::size_t, std::size_t,
                          std::size_t, std::size_t, float*);
template void draw_probes(ProbeKind, std::uint64_t, const std::uint64_t*, std::size_t, std::size_t,
                          std::size_t, std::size_t, double*);

}  // namespace iflow
