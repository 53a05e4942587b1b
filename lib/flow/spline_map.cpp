#include "flow/spline_map.h"

#include <cmath>

#include "flow/spline_enclosure.h"
#include "kernels/softplus.h"
#include "kernels/vector_math.h"

namespace iflow {

namespace {

using simd::broadcast;
using simd::IntVec;
using simd::kWidth;
using simd::load;
using simd::select;
using simd::store;
using simd::Vec;

// softplus by lanes.
template <class T>
Vec<T> softplus(Vec<T> x) {
  const Vec<T> positive = select<T>(x > 0, x, Vec<T>{});
  return positive + simd::log<T>(1 + simd::exp<T>(-simd::abs<T>(x)));
}

// The bin that a lane lies in: its lower left corner, its width and height, the slopes at its ends.
template <class T>
struct Bin {
  Vec<T> x, width, y, height, slope, next_slope;
};

template <class T>
class SplineMap final : public ColumnMap<T> {
 public:
  SplineMap(std::size_t bins, double range)
      : bins_(bins),
        range_(static_cast<T>(range)),
        least_(static_cast<T>(kLeastSplinePart * 2 * range / static_cast<double>(bins))),
        shared_(static_cast<T>((1 - kLeastSplinePart) * 2 * range)) {}

  std::size_t parameters() const override { return 3 * bins_ - 1; }

  void forward(const T* x, const T* h, T* y, T* log_slope) const override {
    for (std::size_t l = 0; l < kLanes; l += kWidth<T>) {
      const Vec<T> xl = load(x + l);
      const IntVec<T> inside = simd::abs<T>(xl) < range_;
      const Vec<T> at = select<T>(inside, xl, Vec<T>{});
      const Bin<T> bin = find(Knots(*this, h + l), h + l, at, false);
      const Vec<T> xi = (at - bin.x) / bin.width, p = xi * (1 - xi);
      const Vec<T> s = bin.height / bin.width;
      const Vec<T> numerator = s * xi * xi + bin.slope * p;
      const Vec<T> denominator = s + (bin.slope + bin.next_slope - 2 * s) * p;
      const Vec<T> m = slope_numerator(bin, s, xi);
      const Vec<T> ratio = s / denominator;
      store(y + l, select<T>(inside, bin.y + bin.height * numerator / denominator, xl));
      store(log_slope + l,
            load(log_slope + l) + select<T>(inside, simd::log<T>(m * ratio * ratio), Vec<T>{}));
    }
  }

  void inverse(const T* y, const T* h, T* x) const override {
    for (std::size_t l = 0; l < kLanes; l += kWidth<T>) {
      const Vec<T> yl = load(y + l);
      const Bin<T> bin = find(Knots(*this, h + l), h + l, yl, true);
      const Vec<T> s = bin.height / bin.width, above = yl - bin.y;
      // a xi^2 + b xi + c = 0, by the form of the root that does not cancel
      const Vec<T> bend = above * (bin.slope + bin.next_slope - 2 * s);
      const Vec<T> a = bin.height * (s - bin.slope) + bend;
      const Vec<T> b = bin.height * bin.slope - bend;
      const Vec<T> c = -s * above;
      const Vec<T> squared = b * b - 4 * a * c;
      const Vec<T> xi = 2 * c / (-b - root(select<T>(squared > 0, squared, Vec<T>{})));
      const IntVec<T> inside = simd::abs<T>(yl) < range_;
      store(x + l, select<T>(inside, bin.x + xi * bin.width, yl));
    }
  }

  void enclose_inverse(Ball y, std::span<const Ball> h, ColumnInverse& inverse) const override {
    enclose_spline_inverse(bins_, static_cast<double>(range_), y, h, inverse);
  }

  void backward(const T* x, const T* h, const T* dy, const T* d_log_slope, T* dx,
                T* dh) const override {
    for (std::size_t l = 0; l < kLanes; l += kWidth<T>) {
      backward_lanes(load(x + l), h + l, load(dy + l), load(d_log_slope + l), dx + l, dh + l);
    }
  }

 private:
  // Widths and heights of the bins: least_ + shared_ softmax(h).
  struct Knots {
    Knots(const SplineMap& map, const T* h) {
      map.softmax(h, widths);
      map.softmax(h + map.bins_ * kLanes, heights);
      for (std::size_t k = 0; k < map.bins_; ++k) {
        widths[k] = map.least_ + map.shared_ * widths[k];
        heights[k] = map.least_ + map.shared_ * heights[k];
      }
    }
    Vec<T> widths[kMaxSplineBins], heights[kMaxSplineBins];
  };

  void softmax(const T* h, Vec<T>* result) const {
    Vec<T> largest = load(h), sum{};
    for (std::size_t k = 1; k < bins_; ++k) {
      const Vec<T> hk = load(h + k * kLanes);
      largest = select<T>(hk > largest, hk, largest);
    }
    for (std::size_t k = 0; k < bins_; ++k) {
      result[k] = simd::exp<T>(load(h + k * kLanes) - largest);
      sum += result[k];
    }
    const Vec<T> scale = 1 / sum;
    for (std::size_t k = 0; k < bins_; ++k) result[k] *= scale;
  }

  // What softplus makes the slope at knot k from: 0, for a slope of 1, at the ends.
  Vec<T> raw_slope(const T* h, std::size_t k) const {
    if (k == 0 || k == bins_) return Vec<T>{};
    return load(h + (2 * bins_ + k - 1) * kLanes);
  }
  static Vec<T> slope_of(Vec<T> raw) { return kLeast + softplus<T>(raw + kShift); }

  // The bins of kWidth lanes' x, or, `by_y`, of their y.
  Bin<T> find(const Knots& knots, const T* h, Vec<T> at, bool by_y) const {
    Vec<T> x = broadcast(-range_), y = x;
    Vec<T> raw = raw_slope(h, 0), next_raw = raw_slope(h, 1);
    Bin<T> bin{x, knots.widths[0], y, knots.heights[0], {}, {}};
    for (std::size_t k = 1; k < bins_; ++k) {
      x += knots.widths[k - 1];
      y += knots.heights[k - 1];
      const IntVec<T> above = by_y ? at >= y : at >= x;
      bin.x = select<T>(above, x, bin.x);
      bin.y = select<T>(above, y, bin.y);
      bin.width = select<T>(above, knots.widths[k], bin.width);
      bin.height = select<T>(above, knots.heights[k], bin.height);
      raw = select<T>(above, raw_slope(h, k), raw);
      next_raw = select<T>(above, raw_slope(h, k + 1), next_raw);
    }
    bin.slope = slope_of(raw);
    bin.next_slope = slope_of(next_raw);
    return bin;
  }

  // dy/dx = this (s / denominator)^2
  static Vec<T> slope_numerator(const Bin<T>& bin, Vec<T> s, Vec<T> xi) {
    return bin.next_slope * xi * xi + 2 * s * xi * (1 - xi) + bin.slope * (1 - xi) * (1 - xi);
  }

  static Vec<T> root(Vec<T> x) {
    for (std::size_t i = 0; i < kWidth<T>; ++i) x[i] = std::sqrt(x[i]);
    return x;
  }

  void backward_lanes(Vec<T> x, const T* h, Vec<T> dy, Vec<T> d_log_slope, T* dx, T* dh) const {
    const IntVec<T> inside = simd::abs<T>(x) < range_;
    x = select<T>(inside, x, Vec<T>{});
    const Knots knots(*this, h);
    const Bin<T> bin = find(knots, h, x, false);
    const Vec<T> xi = (x - bin.x) / bin.width, p = xi * (1 - xi), s = bin.height / bin.width;
    const Vec<T> bend = bin.slope + bin.next_slope - 2 * s;
    const Vec<T> n = s * xi * xi + bin.slope * p, d = s + bend * p;
    const Vec<T> m = slope_numerator(bin, s, xi);

    // y = y_k + height n / d, ln dy/dx = 2 ln s + ln m - 2 ln d
    const Vec<T> ay = select<T>(inside, dy, Vec<T>{});
    const Vec<T> al = select<T>(inside, d_log_slope, Vec<T>{});
    const Vec<T> dn = ay * bin.height / d, dd = -(dn * n + 2 * al) / d, dm = al / m;
    const Vec<T> ds = dn * xi * xi + dd * (1 - 2 * p) + 2 * dm * p + 2 * al / s;
    const Vec<T> d_slope = (dn + dd) * p + dm * (1 - xi) * (1 - xi);
    const Vec<T> d_next_slope = dd * p + dm * xi * xi;
    const Vec<T> d_xi = dn * (2 * s * xi + bin.slope * (1 - 2 * xi)) + dd * bend * (1 - 2 * xi) +
                        2 * dm * (bin.next_slope * xi + s * (1 - 2 * xi) - bin.slope * (1 - xi));
    // xi = (x - x_k) / width, s = height / width
    const Vec<T> d_x = d_xi / bin.width;
    const Vec<T> d_width = -(ds * s + d_xi * xi) / bin.width;
    const Vec<T> d_height = ay * n / d + ds / bin.width;
    store(dx, load(dx) + select<T>(inside, d_x, dy));

    // x_k = -range + the widths of the bins below, y_k likewise
    add_size_adjoints(knots.widths, knots.widths, x, -d_x, d_width, dh);
    add_size_adjoints(knots.heights, knots.widths, x, ay, d_height, dh + bins_ * kLanes);
    Vec<T> knot = broadcast(-range_);
    for (std::size_t k = 1; k < bins_; ++k) {
      // knot k ends bin k - 1 and begins bin k
      const IntVec<T> from = x >= knot;
      knot += knots.widths[k - 1];
      const IntVec<T> above = x >= knot;
      const IntVec<T> above_next = k + 1 < bins_ ? x >= knot + knots.widths[k] : IntVec<T>{};
      const IntVec<T> in_next = above & ~above_next;
      const IntVec<T> in_previous = k > 1 ? from & ~above : ~above;
      const Vec<T> d_knot_slope =
          select<T>(in_next, d_slope, Vec<T>{}) + select<T>(in_previous, d_next_slope, Vec<T>{});
      T* out = dh + (2 * bins_ + k - 1) * kLanes;
      store(out, load(out) + d_knot_slope * simd::sigmoid<T>(raw_slope(h, k) + kShift));
    }
  }

  // Adjoints of the h that `sizes` (widths or heights) are made from, given those of the corner and
  // of the size of the bin that x lies in.
  void add_size_adjoints(const Vec<T>* sizes, const Vec<T>* widths, Vec<T> x, Vec<T> d_corner,
                         Vec<T> d_size, T* dh) const {
    Vec<T> adjoints[kMaxSplineBins];
    Vec<T> knot = broadcast(-range_), mean{};
    IntVec<T> reached = ~IntVec<T>{};
    for (std::size_t k = 0; k < bins_; ++k) {
      knot += widths[k];
      const IntVec<T> passed = k + 1 < bins_ ? x >= knot : IntVec<T>{};
      adjoints[k] = select<T>(passed, d_corner, select<T>(reached, d_size, Vec<T>{}));
      mean += (sizes[k] - least_) * adjoints[k];
      reached = passed;
    }
    mean /= shared_;
    for (std::size_t k = 0; k < bins_; ++k) {
      T* out = dh + k * kLanes;
      store(out, load(out) + (sizes[k] - least_) * (adjoints[k] - mean));
    }
  }

  static constexpr T kLeast = static_cast<T>(kLeastSplineSlope);
  // kLeast + softplus(kShift) = 1
  static inline const T kShift = static_cast<T>(kernels::inverse_softplus(1 - kLeastSplineSlope));

  std::size_t bins_;
  T range_, least_, shared_;
};

}  // namespace

template <class T>
std::unique_ptr<ColumnMap<T>> make_spline_map(std::size_t bins, double range) {
  return std::make_unique<SplineMap<T>>(bins, range);
}

template std::unique_ptr<ColumnMap<float>> make_spline_map(std::size_t, double);
template std::unique_ptr<ColumnMap<double>> make_spline_map(std::size_t, double);

}  // namespace iflow
