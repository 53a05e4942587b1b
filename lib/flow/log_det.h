// Stochastic estimates of ln det(I + J) = sum over k >= 1 of (-1)^{k+1} tr(J^k) / k, for blocks
// whose dimension makes the exact determinant dear: the truncated series of Behrmann et al.
// ("Invertible Residual Networks", ICML 2019) and the unbiased roulette of Chen et al. ("Residual
// Flows for Invertible Generative Modeling", NeurIPS 2019). Traces are Hutchinson's: tr(A) =
// E[v^T A v] for probes v with E[v v^T] = I. (lib/MATHS.md, section 3)
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"

namespace iflow {

enum class LogDetMethod { kExact, kSeries, kRoulette };

// kRademacher: +-1 with equal chance. kUnit: probe i is sqrt(d) e_i, and zero from i = d on, so
// that d probes give the trace itself.
enum class ProbeKind { kRademacher, kGaussian, kUnit };

// How the gradient of an estimate is found. kNeumann: from (I + J)^-1 as a series that is not
// recorded, one recorded product J u, and memory that does not grow with the terms. kBasic: by
// backpropagation through all terms, as the original method does it.
enum class LogDetGradient { kNeumann, kBasic };

const std::map<std::string, LogDetMethod>& log_det_methods();      // exact, series, roulette
const std::map<std::string, ProbeKind>& probe_kinds();             // rademacher, gaussian, unit
const std::map<std::string, LogDetGradient>& log_det_gradients();  // neumann, basic

// How roulette draws its number of terms N, behind those that are always there.
enum class RouletteTail {
  kGeometric,  // P(N >= k + 1 | N >= k) = continuation, as published
  kLipschitz,  // the same with the block's proved Lipschitz bound, which only evaluation has
  // P(N >= k) = (terms / k)^2. Term k counts up to L^k / P(N >= k), which is 2^k L^k with the
  // published 1/2: the variance can be infinite where L^2 >= 1/2. With a tail that falls as a power
  // it is finite for every L < 1. (lib/MATHS.md, section 3)
  kPower,
};

// How log-determinants are found: while learning, or, by for_evaluation, of a fitted flow.
struct LogDetOptions {
  LogDetMethod method = LogDetMethod::kExact;
  LogDetGradient gradient = LogDetGradient::kNeumann;  // of learning
  ProbeKind probe = ProbeKind::kRademacher;
  std::size_t probes = 1;  // of every row and block
  // Of the series; of roulette, those that are always there. None, which is for evaluation alone:
  // as many as bring the series' proved truncation error down to max_bound; of roulette, one.
  std::optional<std::size_t> terms = 2;
  RouletteTail tail = RouletteTail::kGeometric;
  double continuation = 0.5;  // of the geometric tail
  // Of evaluation:
  double max_bound = 1e-3;  // of a row's truncation error over all blocks, in nats
  // As many probes as a pilot, discarded afterwards, says this standard error of a row needs, in
  // nats; none: `probes`.
  std::optional<double> max_standard_error = {};

  // The series with 16 probes, which stops by max_bound; roulette's tail is kLipschitz.
  static LogDetOptions for_evaluation();
};

// The tail of learning as files and command lines write it: its continuation, 0 for the power law.
double tail_to_number(const LogDetOptions& options);
void set_tail(LogDetOptions& options, double number);

// P(N >= k | N >= k - 1) of roulette's number of terms N, k > terms. lipschitz: of the block.
double chance_of_term(const LogDetOptions& options, std::size_t k, double lipschitz);

// The weights c_1 ... c_N of an estimate: ln det(I + J) ~ sum c_k v^T J^k v / k, and its gradient
// ~ sum c_k v^T dJ J^{k-1} v. c_k = (-1)^{k+1} / P(N >= k); the series has N = terms, roulette
// draws N from `rng`. Throws UsageError for what is for evaluation alone.
std::vector<double> series_weights(const LogDetOptions& options, Rng& rng);

// The least n for which the truncation error of n terms, at most
// d (-ln(1 - L) - sum over k <= n of L^k / k) <= d L^{n+1} / ((n + 1) (1 - L)),
// is at most `tolerance`. L in (0, 1).
std::size_t terms_for(double lipschitz, std::size_t dimension, double tolerance);

// Probes first .. first + count - 1 of every lane's row: v [count G][d][kLanes], keyed by (seed,
// row, probe). rows: (16 G).
template <class T>
void draw_probes(ProbeKind kind, std::uint64_t seed, const std::uint64_t* rows, std::size_t groups,
                 std::size_t dimension, std::size_t first, std::size_t count, T* v);

// What one layer's estimate is drawn from.
struct LogDetDraw {
  const LogDetOptions& options;
  std::uint64_t seed;         // of the layer, and of the step that learns
  const std::uint64_t* rows;  // of each lane, draws the probes
  // Of learning:
  std::uint64_t shard = 0;      // draws the number of terms
  double jacobian_penalty = 0;  // exactly: what ||J||_F^2 / 2 costs, in nats per row and block
};

// Samples of ln |det|, summed over layers: [probes][16 G] each.
struct LogDetSamples {
  std::vector<double> values;
  std::vector<double> bounds;  // of the truncation error, rounding left out; 0 for roulette
};

}  // namespace iflow
