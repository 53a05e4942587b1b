#include "flow/log_det.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
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

LogDetOptions LogDetOptions::for_evaluation() {
  return {.method = LogDetMethod::kSeries,
          .probes = 16,
          .terms = std::nullopt,
          .tail = RouletteTail::kLipschitz};
}

double tail_to_number(const LogDetOptions& options) {
  return options.tail == RouletteTail::kPower ? 0 : options.continuation;
}

void set_tail(LogDetOptions& options, double number) {
  options.tail = number == 0 ? RouletteTail::kPower : RouletteTail::kGeometric;
  if (number != 0) options.continuation = number;
}

double chance_of_term(const LogDetOptions& options, std::size_t k, double lipschitz) {
  switch (options.tail) {
    case RouletteTail::kGeometric:
      return options.continuation;
    case RouletteTail::kLipschitz:
      return lipschitz;
    case RouletteTail::kPower:
      break;
  }
  const double before = static_cast<double>(k - 1) / static_cast<double>(k);
  return before * before;
}

std::vector<double> series_weights(const LogDetOptions& options, Rng& rng) {
  const bool roulette = options.method == LogDetMethod::kRoulette;
  if (!options.terms) throw UsageError("log-determinant: learning needs a number of terms");
  if (roulette && options.tail == RouletteTail::kLipschitz) {
    throw UsageError("log-determinant: learning has no proved Lipschitz bound");
  }
  std::vector<double> weights;
  double sign = 1, reached = 1;  // reached: P(N >= k)
  for (std::size_t k = 1;; ++k, sign = -sign) {
    if (k > *options.terms) {
      if (!roulette) break;
      const double chance = chance_of_term(options, k, 1);
      if (rng.uniform() >= chance) break;
      reached *= chance;
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

namespace {

// v [dimension][kLanes]: +-1 by the bits of each lane's stream, lowest first.
template <class T>
void draw_signs(std::vector<Rng>& streams, std::size_t dimension, T* v) {
  constexpr std::size_t kBits = 32;
  std::array<std::uint32_t, kLanes> bits{};
  for (std::size_t i = 0; i < dimension; ++i) {
    if (i % kBits == 0) {
      for (std::size_t l = 0; l < kLanes; ++l) bits[l] = streams[l].next_u32();
    }
    for (std::size_t l = 0; l < kLanes; ++l) {
      const auto bit = static_cast<int>(bits[l] >> (i % kBits) & 1U);
      v[i * kLanes + l] = static_cast<T>(2 * bit - 1);
    }
  }
}

}  // namespace

template <class T>
void draw_probes(ProbeKind kind, std::uint64_t seed, const std::uint64_t* rows, std::size_t groups,
                 std::size_t dimension, std::size_t first, std::size_t count, T* v) {
  const T root = std::sqrt(static_cast<T>(dimension));
  std::vector<Rng> streams;  // of each lane
  for (std::size_t g = 0; g < count * groups; ++g, v += dimension * kLanes) {
    const std::size_t probe = first + g / groups;
    if (kind == ProbeKind::kUnit) {
      std::fill_n(v, dimension * kLanes, T(0));
      if (probe < dimension) std::fill_n(v + probe * kLanes, kLanes, root);
      continue;
    }
    streams.clear();
    for (std::size_t l = 0; l < kLanes; ++l) {
      streams.emplace_back(seed, RngPurpose::kProbe, rows[g % groups * kLanes + l],
                           static_cast<std::uint32_t>(probe));
    }
    if (kind == ProbeKind::kRademacher) {
      draw_signs(streams, dimension, v);
    } else {
      for (std::size_t i = 0; i < dimension * kLanes; ++i) {
        v[i] = static_cast<T>(streams[i % kLanes].normal());
      }
    }
  }
}

template void draw_probes(ProbeKind, std::uint64_t, const std::uint64_t*, std::size_t, std::size_t,
                          std::size_t, std::size_t, float*);
template void draw_probes(ProbeKind, std::uint64_t, const std::uint64_t*, std::size_t, std::size_t,
                          std::size_t, std::size_t, double*);

}  // namespace iflow
