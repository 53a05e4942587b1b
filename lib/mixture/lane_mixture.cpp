#include "mixture/lane_mixture.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/normal.h"

namespace iflow {

namespace {

using simd::kWidth;
using simd::load;
using simd::store;
using Vec = simd::Vec<double>;

}  // namespace

void multiply_lower(const std::vector<double>& factor, std::size_t d, const double* x, double* y) {
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t l = 0; l < kLanes; l += kWidth<double>) {
      Vec sum{};
      for (std::size_t j = 0; j <= i; ++j) sum += factor[i * d + j] * load(x + j * kLanes + l);
      store(y + i * kLanes + l, sum);
    }
  }
}

LaneMixture::LaneMixture(const GaussianMixture& mixture) : dimension_(mixture.dimension) {
  check(mixture);
  const std::size_t d = dimension_;
  for (const GaussianFamily& family : mixture.families) {
    const std::size_t count = family.log_weights.size();
    Family own{family.factor, {}, log_weights_.size(), count};
    for (std::size_t i = 0; i < d; ++i) own.log_diagonal.push_back(std::log(own.factor[i * d + i]));
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t i = 0; i < d; ++i) {
        double sum = 0;
        for (std::size_t j = 0; j <= i; ++j) sum += own.factor[i * d + j] * family.means[k * d + j];
        white_means_.push_back(sum);
      }
    }
    log_weights_.insert(log_weights_.end(), family.log_weights.begin(), family.log_weights.end());
    means_.insert(means_.end(), family.means.begin(), family.means.end());
    families_.push_back(std::move(own));
  }
}

void LaneMixture::log_joint(const double* x, AlignedVector<double>& joint, double* log_sum) const {
  const std::size_t d = dimension_;
  joint.resize(components() * kLanes);
  AlignedVector<double> white(d * kLanes);
  Vec top[simd::kRegistersPerGroup<double>];
  for (Vec& t : top) t = simd::broadcast(-std::numeric_limits<double>::max());
  for (const Family& family : families_) {
    multiply_lower(family.factor, d, x, white.data());
    double log_scale = 0;
    for (const double log_diagonal : family.log_diagonal) log_scale += log_diagonal;
    for (std::size_t k = family.first; k < family.first + family.count; ++k) {
      const double* mean = white_mean(k);
      const double constant = log_weights_[k] + log_scale;
      for (std::size_t l = 0; l < kLanes; l += kWidth<double>) {
        Vec squares{};
        for (std::size_t i = 0; i < d; ++i) {
          const Vec e = load(white.data() + i * kLanes + l) - mean[i];
          squares += e * e;
        }
        const Vec value = constant - 0.5 * squares;
        store(joint.data() + k * kLanes + l, value);
        Vec& t = top[l / kWidth<double>];
        t = simd::select<double>(value > t, value, t);
      }
    }
  }
  for (std::size_t l = 0; l < kLanes; l += kWidth<double>) {
    const Vec t = top[l / kWidth<double>];
    Vec sum{};
    for (std::size_t k = 0; k < components(); ++k) {
      sum += simd::exp<double>(load(joint.data() + k * kLanes + l) - t);
    }
    // Beyond all exponents a row has no density.
    const simd::IntVec<double> none = sum == 0;
    const Vec log_of = simd::log<double>(simd::select<double>(none, simd::broadcast(1.0), sum));
    store(log_sum + l,
          simd::select<double>(none, simd::broadcast(-std::numeric_limits<double>::infinity()),
                               t + log_of));
  }
}

void LaneMixture::log_density(const double* x, double* log_p) const {
  AlignedVector<double> joint;
  log_joint(x, joint, log_p);
  const double constant = static_cast<double>(dimension_) * kernels::kHalfLogTwoPi;
  for (std::size_t l = 0; l < kLanes; ++l) log_p[l] -= constant;
}

// d ln p / dx = -sum over k of r_k R_k^T e_k, r_k the responsibilities.
void LaneMixture::log_density_and_gradient(const double* x, const double* seed, double* log_p,
                                           double* dx) const {
  const std::size_t d = dimension_;
  AlignedVector<double> joint, white(d * kLanes), pull(d * kLanes);
  log_joint(x, joint, log_p);
  for (const Family& family : families_) {
    multiply_lower(family.factor, d, x, white.data());
    std::fill(pull.begin(), pull.end(), 0.0);
    for (std::size_t k = family.first; k < family.first + family.count; ++k) {
      const double* mean = white_mean(k);
      for (std::size_t l = 0; l < kLanes; l += kWidth<double>) {
        const Vec r = load(seed + l) *
                      simd::exp<double>(load(joint.data() + k * kLanes + l) - load(log_p + l));
        for (std::size_t i = 0; i < d; ++i) {
          double* p = pull.data() + i * kLanes + l;
          store(p, load(p) - r * (load(white.data() + i * kLanes + l) - mean[i]));
        }
      }
    }
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        for (std::size_t l = 0; l < kLanes; l += kWidth<double>) {
          double* to = dx + j * kLanes + l;
          store(to, load(to) + family.factor[i * d + j] * load(pull.data() + i * kLanes + l));
        }
      }
    }
  }
  const double constant = static_cast<double>(d) * kernels::kHalfLogTwoPi;
  for (std::size_t l = 0; l < kLanes; ++l) log_p[l] -= constant;
}

std::vector<double> LaneMixture::log_density(std::span<const double> rows) const {
  const std::size_t d = dimension_, n = rows.size() / d;
  std::vector<double> result(n);
  AlignedVector<double> x(d * kLanes), log_p(kLanes);
  for (std::size_t first = 0; first < n; first += kLanes) {
    const std::size_t count = std::min(kLanes, n - first);
    for (std::size_t l = 0; l < kLanes; ++l) {
      const double* row = rows.data() + (first + std::min(l, count - 1)) * d;
      for (std::size_t j = 0; j < d; ++j) x[j * kLanes + l] = row[j];
    }
    log_density(x.data(), log_p.data());
    std::copy_n(log_p.begin(), count, result.begin() + static_cast<std::ptrdiff_t>(first));
  }
  return result;
}

}  // namespace iflow
