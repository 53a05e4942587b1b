#include "mixture/knothe_rosenblatt.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/normal.h"
#include "mixture/root_bound.h"

namespace iflow {

namespace {

using kernels::kHalfLogTwoPi;
using simd::kWidth;
using simd::load;
using simd::select;
using simd::store;
using Vec = simd::Vec<double>;
using Mask = simd::IntVec<double>;

constexpr std::size_t kRegisters = simd::kRegistersPerGroup<double>;
const double kInverseRootTwoPi = std::exp(-kHalfLogTwoPi);
constexpr int kMaxSteps = 200;
constexpr double kLeast = -std::numeric_limits<double>::max();

Vec larger(Vec a, Vec b) { return select<double>(a > b, a, b); }

bool any(Mask mask) {
  bool set = false;
  for (std::size_t l = 0; l < kWidth<double>; ++l) set |= mask[l] != 0;
  return set;
}

// The logarithms of sum over k of W_k Phi(e_k), of W_k Phi(-e_k), and of W_k R_k phi(e_k), W_k not
// normalised.
struct Tails {
  Vec lower, upper, slope;

  // ln sum W_k, since Phi(e) + Phi(-e) = 1.
  Vec total() const {
    const Vec top = larger(lower, upper);
    return top + simd::log<double>(simd::exp<double>(lower - top) + simd::exp<double>(upper - top));
  }
};

// What the columns before have left of every component while one column is looked at, e_ki as a
// function of x_i.
class Column {
 public:
  explicit Column(const LaneMixture& mixture)
      : mixture_(mixture),
        joint_(mixture.components() * kLanes),
        offset_(mixture.components() * kLanes),
        scale_(mixture.components()),
        log_scale_(mixture.components()) {
    for (std::size_t k = 0; k < mixture.components(); ++k) {
      simd::fill(joint_.data() + k * kLanes, mixture.log_weight(k));
    }
  }

  // Looks at column i of rows x whose columns before i are known.
  void look_at(std::size_t i, const double* x) {
    const std::size_t d = mixture_.dimension();
    for (const LaneMixture::Family& family : mixture_.families()) {
      const double* r = family.factor.data() + i * d;
      AlignedVector<double> before(kLanes, 0.0);
      for (std::size_t j = 0; j < i; ++j) {
        for (std::size_t l = 0; l < kLanes; ++l) before[l] += r[j] * x[j * kLanes + l];
      }
      for (std::size_t k = family.first; k < family.first + family.count; ++k) {
        scale_[k] = r[i];
        log_scale_[k] = family.log_diagonal[i];
        for (std::size_t l = 0; l < kLanes; ++l) {
          offset_[k * kLanes + l] = before[l] - mixture_.white_mean(k)[i];
        }
      }
    }
  }

  // e_ki of kWidth lanes from l on.
  Vec deviate(std::size_t k, std::size_t l, Vec x) const {
    return scale_[k] * x + load(offset_.data() + k * kLanes + l);
  }
  // ln W_k
  Vec joint(std::size_t k, std::size_t l) const { return load(joint_.data() + k * kLanes + l); }
  double scale(std::size_t k) const { return scale_[k]; }
  double log_scale(std::size_t k) const { return log_scale_[k]; }

  Tails tails(std::size_t l, Vec x) const {
    Vec lower_top = simd::broadcast(kLeast), upper_top = lower_top, slope_top = lower_top;
    for (std::size_t k = 0; k < scale_.size(); ++k) {
      const Vec e = deviate(k, l, x), w = joint(k, l), inside = w - 0.5 * e * e;
      lower_top = larger(lower_top, select<double>(e < 0, inside, w));
      upper_top = larger(upper_top, select<double>(e < 0, w, inside));
      slope_top = larger(slope_top, inside + log_scale_[k]);
    }
    Vec lower{}, upper{}, slope{};
    for (std::size_t k = 0; k < scale_.size(); ++k) {
      const Vec e = deviate(k, l, x), w = joint(k, l), half_square = 0.5 * e * e;
      const Mask below = e < 0;
      const Vec ratio = kInverseRootTwoPi * kernels::mills_ratio(simd::abs<double>(e));
      const Vec far = 1 - simd::exp<double>(-half_square) * ratio;
      lower += simd::exp<double>(select<double>(below, w - half_square, w) - lower_top) *
               select<double>(below, ratio, far);
      upper += simd::exp<double>(select<double>(below, w, w - half_square) - upper_top) *
               select<double>(below, far, ratio);
      slope += simd::exp<double>(w - half_square + log_scale_[k] - slope_top);
    }
    return {lower_top + simd::log<double>(lower), upper_top + simd::log<double>(upper),
            slope_top + simd::log<double>(slope) - kHalfLogTwoPi};
  }

  // Weighs the components by what they say of x_i.
  void pass(const double* xi) {
    for (std::size_t l = 0; l < kLanes; l += kWidth<double>) {
      const Vec x = load(xi + l);
      for (std::size_t k = 0; k < scale_.size(); ++k) {
        const Vec e = deviate(k, l, x);
        double* joint = joint_.data() + k * kLanes + l;
        store(joint, load(joint) - 0.5 * e * e + log_scale_[k]);
      }
    }
  }

  // ln sum W_k
  Vec log_total(std::size_t l) const {
    Vec top = simd::broadcast(kLeast), sum{};
    for (std::size_t k = 0; k < scale_.size(); ++k) top = larger(top, joint(k, l));
    for (std::size_t k = 0; k < scale_.size(); ++k) sum += simd::exp<double>(joint(k, l) - top);
    return top + simd::log<double>(sum);
  }

 private:
  const LaneMixture& mixture_;
  AlignedVector<double> joint_, offset_;   // [components][kLanes]
  std::vector<double> scale_, log_scale_;  // R_ii, ln R_ii of every component
};

// z and ln dz/dx of a column.
struct Image {
  Vec z, log_slope;
};

Image image_of(const Tails& tails) {
  const Vec total = tails.total();
  const Vec z = kernels::normal_quantile(tails.lower - total, tails.upper - total);
  return {z, tails.slope - total + 0.5 * z * z + kHalfLogTwoPi};
}

// The root of one column, for kWidth lanes: Newton's steps inside a bracket that always holds it,
// bisection where they leave it or shrink too slowly. A lane that has met its root stays.
Vec find_root(const Column& column, std::size_t components, std::size_t l, Vec target) {
  // F is a mean of the Phi(e_k): the root lies between the places where e_k = z.
  Vec low = simd::broadcast(-kLeast), high = -low, weighted{}, weights{};
  const Vec total = column.log_total(l);
  for (std::size_t k = 0; k < components; ++k) {
    const Vec at = (target - column.deviate(k, l, Vec{})) / column.scale(k);
    low = select<double>(at < low, at, low);
    high = larger(at, high);
    const Vec w = simd::exp<double>(column.joint(k, l) - total);
    weighted += w * at;
    weights += w;
  }
  Vec x = weighted / weights, last = high - low;
  x = select<double>(x < low, low, select<double>(x > high, high, x));
  Mask active = low < high;
  for (int step = 0; step < kMaxSteps && any(active); ++step) {
    const Image at = image_of(column.tails(l, x));
    const Vec off = target - at.z;
    const Mask above = off > 0;
    low = select<double>(active & above, x, low);
    high = select<double>(active & ~above, x, high);
    Vec move = off * simd::exp<double>(-at.log_slope);
    const Vec middle = 0.5 * low + 0.5 * high;
    const Mask kept = (x + move > low) & (x + move < high) & (simd::abs<double>(move) < 0.5 * last);
    const Mask there =
        (simd::abs<double>(move) <= 0x1p-53 * simd::abs<double>(x) + 0x1p-60) | (off == 0);
    const Vec next = select<double>(kept | there, x + move, middle);
    last = simd::abs<double>(next - x);
    const Mask stuck = (next == x) | (middle == low) | (middle == high);
    x = select<double>(active & ~there, next, x);
    active = active & ~there & ~stuck;
  }
  return x;
}

}  // namespace

KnotheRosenblatt::KnotheRosenblatt(const GaussianMixture& mixture) : mixture_(mixture) {}

void KnotheRosenblatt::forward(const double* x, double* z, double* log_det) const {
  Column column(mixture_);
  Vec squares[kRegisters] = {};
  for (std::size_t i = 0; i < dimension(); ++i) {
    column.look_at(i, x);
    for (std::size_t l = 0; l < kLanes; l += kWidth<double>) {
      const Vec zi = image_of(column.tails(l, load(x + i * kLanes + l))).z;
      store(z + i * kLanes + l, zi);
      squares[l / kWidth<double>] += zi * zi;
    }
    column.pass(x + i * kLanes);
  }
  for (std::size_t l = 0; l < kLanes; l += kWidth<double>) {
    store(log_det + l, column.log_total(l) + 0.5 * squares[l / kWidth<double>]);
  }
}

// dF_i = dz_i / phi(z_i); d e_ki = dF_i w_ki phi(e_ki), and ln W_k, of which w_ki is the softmax,
// gets dF_i w_ki (Phi(e_ki) - F_i). ln W_k = ln w_k + sum over j < i of (ln R_jj - e_kj^2 / 2).
void KnotheRosenblatt::backward(const double* x, const double* dz, const double* d_log_det,
                                double* dx) const {
  const std::size_t d = dimension(), n = mixture_.components();
  Column column(mixture_);
  AlignedVector<double> e(n * d * kLanes), de(n * d * kLanes), by_weight(n * d * kLanes);
  for (std::size_t i = 0; i < d; ++i) {
    column.look_at(i, x);
    for (std::size_t l = 0; l < kLanes; l += kWidth<double>) {
      const Vec xi = load(x + i * kLanes + l);
      const Tails tails = column.tails(l, xi);
      const Vec total = tails.total(), z = image_of(tails).z;
      const Vec log_phi = -0.5 * z * z - kHalfLogTwoPi;
      const Vec seed = load(dz + i * kLanes + l) + load(d_log_det + l) * z;
      const Mask lower = tails.lower < tails.upper;
      const Vec own = select<double>(lower, tails.lower, tails.upper) - total;
      for (std::size_t k = 0; k < n; ++k) {
        const Vec ek = column.deviate(k, l, xi), w = column.joint(k, l) - total;
        const std::size_t at = (k * d + i) * kLanes + l;
        store(e.data() + at, ek);
        store(de.data() + at,
              seed * simd::exp<double>(w - 0.5 * ek * ek - kHalfLogTwoPi - log_phi));
        // Phi(e) - F from the smaller tail of F
        Vec log_tail;
        const Vec signed_e = select<double>(lower, ek, -ek);
        log_tail = kernels::log_normal_cdf(signed_e);
        const Vec off =
            simd::exp<double>(w + log_tail - log_phi) - simd::exp<double>(w + own - log_phi);
        store(by_weight.data() + at, seed * select<double>(lower, off, -off));
      }
    }
    column.pass(x + i * kLanes);
  }
  for (const LaneMixture::Family& family : mixture_.families()) {
    for (std::size_t k = family.first; k < family.first + family.count; ++k) {
      for (std::size_t l = 0; l < kLanes; l += kWidth<double>) {
        const Vec r = simd::exp<double>(column.joint(k, l) - column.log_total(l));
        Vec later = load(d_log_det + l) * r;
        for (std::size_t i = d; i-- > 0;) {
          const std::size_t at = (k * d + i) * kLanes + l;
          const Vec pull = load(de.data() + at) - later * load(e.data() + at);
          later += load(by_weight.data() + at);
          for (std::size_t j = 0; j <= i; ++j) {
            double* to = dx + j * kLanes + l;
            store(to, load(to) + family.factor[i * d + j] * pull);
          }
        }
      }
    }
  }
}

void KnotheRosenblatt::inverse(const double* z, double* x) const {
  Column column(mixture_);
  for (std::size_t i = 0; i < dimension(); ++i) {
    column.look_at(i, x);
    for (std::size_t l = 0; l < kLanes; l += kWidth<double>) {
      store(x + i * kLanes + l,
            find_root(column, mixture_.components(), l, load(z + i * kLanes + l)));
    }
    column.pass(x + i * kLanes);
  }
}

void KnotheRosenblatt::bound_inverse(std::span<const double> x, std::span<const double> z,
                                     double error, std::span<double> bounds) const {
  RootBound bound(mixture_);
  std::fill(bounds.begin(), bounds.end(), std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < dimension(); ++i) {
    bounds[i] = bound.next(x[i], z[i], error);
    if (!(bounds[i] < std::numeric_limits<double>::infinity())) return;
  }
}

}  // namespace iflow
