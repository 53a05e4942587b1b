#include "flow/spline_enclosure.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "flow/spline_map.h"
#include "kernels/softplus.h"

namespace iflow {

namespace {

using Sizes = std::array<Ball, kMaxSplineBins>;

// A constant that is computed by a few operations.
Ball constant(double value) { return {value, Ball::up(Ball::rounding(value, 8))}; }

// h' of one column: (widths, heights, slopes).
class Pieces {
 public:
  Pieces(std::size_t bins, double range, std::span<const Ball> h)
      : bins_(bins),
        least_(constant(kLeastSplinePart * 2 * range / static_cast<double>(bins))),
        shared_(constant((1 - kLeastSplinePart) * 2 * range)),
        shift_(kernels::inverse_softplus(1 - kLeastSplineSlope)),
        h_(h) {
    fill(h, widths_);
    fill(h.subspan(bins), heights_);
  }

  const Ball& width(std::size_t k) const { return widths_[k]; }
  const Ball& height(std::size_t k) const { return heights_[k]; }

  // At knot k: the slope, and what softplus makes it from. Both ends have a slope of 1.
  Ball slope(std::size_t k) const { return constant(kLeastSplineSlope) + softplus(raw_slope(k)); }
  Ball raw_slope(std::size_t k) const {
    const bool is_end = k == 0 || k == bins_;
    return constant(shift_) + (is_end ? Ball(0) : h_[2 * bins_ + k - 1]);
  }

  // Adjoints of the h that widths or heights are made from, given those of the sizes.
  void pull_back(const Sizes& sizes, const Sizes& adjoints, Ball* by_h) const {
    Ball mean;
    for (std::size_t k = 0; k < bins_; ++k) mean = mean + (sizes[k] - least_) * adjoints[k];
    mean = mean / shared_;
    for (std::size_t k = 0; k < bins_; ++k) by_h[k] = (sizes[k] - least_) * (adjoints[k] - mean);
  }
  const Sizes& widths() const { return widths_; }
  const Sizes& heights() const { return heights_; }

 private:
  // least + shared softmax(h)
  void fill(std::span<const Ball> h, Sizes& sizes) const {
    double largest = h[0].mid;
    for (std::size_t k = 1; k < bins_; ++k) largest = std::max(largest, h[k].mid);
    Ball sum;
    for (std::size_t k = 0; k < bins_; ++k) {
      sizes[k] = exp(h[k] - largest);
      sum = sum + sizes[k];
    }
    for (std::size_t k = 0; k < bins_; ++k) sizes[k] = least_ + shared_ * (sizes[k] / sum);
  }

  std::size_t bins_;
  Ball least_, shared_;
  double shift_;
  std::span<const Ball> h_;
  Sizes widths_, heights_;
};

// The inverse in piece k, whose lower left corner is (x_k, y_k), and its derivatives. The names are
// those of spline_map.cpp.
void enclose_piece(const Pieces& pieces, std::size_t bins, std::size_t k, Ball x_k, Ball y_k,
                   Ball y, ColumnInverse& inverse) {
  const Ball width = pieces.width(k), height = pieces.height(k), s = height / width;
  const Ball slope = pieces.slope(k), next_slope = pieces.slope(k + 1);
  const Ball curve = slope + next_slope - 2 * s, above = y - y_k, bend = above * curve;
  const Ball a = height * (s - slope) + bend, b = height * slope - bend, c = -s * above;
  const Ball xi = 2 * c / (-b - sqrt(b * b - 4 * a * c));
  inverse.x = x_k + xi * width;

  const Ball rest = 1 - xi, p = xi * rest, n = s * xi * xi + slope * p, d = s + curve * p;
  const Ball m = next_slope * xi * xi + 2 * s * p + slope * rest * rest;
  const Ball ratio = s / d, by_x = m * ratio * ratio;  // dy/dx
  inverse.by_y = 1 / by_x;

  // y = y_k + height n / d for x held fixed
  const Ball dn = height / d, dd = -dn * n / d;
  const Ball ds = dn * xi * xi + dd * (1 - 2 * p);
  const Ball d_width = -(ds * s / width + by_x * xi), d_height = n / d + ds / width;
  Sizes by_width{}, by_height{};
  for (std::size_t j = 0; j < k; ++j) {
    by_width[j] = -by_x;
    by_height[j] = 1;
  }
  by_width[k] = d_width;
  by_height[k] = d_height;
  std::fill(inverse.by_h.begin(), inverse.by_h.end(), Ball(0));
  pieces.pull_back(pieces.widths(), by_width, inverse.by_h.data());
  pieces.pull_back(pieces.heights(), by_height, inverse.by_h.data() + bins);
  Ball* by_slope = inverse.by_h.data() + 2 * bins;
  if (k > 0) by_slope[k - 1] = (dn + dd) * p * sigmoid(pieces.raw_slope(k));
  if (k + 1 < bins) by_slope[k] = dd * p * sigmoid(pieces.raw_slope(k + 1));
  // dx/dh = -(dy/dh) / (dy/dx)
  for (Ball& by_h : inverse.by_h) by_h = -by_h * inverse.by_y;
}

void merge(ColumnInverse& all, const ColumnInverse& piece) {
  all.x = hull(all.x, piece.x);
  all.by_y = hull(all.by_y, piece.by_y);
  for (std::size_t i = 0; i < all.by_h.size(); ++i) all.by_h[i] = hull(all.by_h[i], piece.by_h[i]);
}

}  // namespace

void enclose_spline_inverse(std::size_t bins, double range, Ball y, std::span<const Ball> h,
                            ColumnInverse& inverse) {
  const double least = y.mid - Ball::up(y.rad), largest = y.mid + Ball::up(y.rad);
  bool is_empty = true;
  inverse.by_h.assign(h.size(), Ball(0));
  if (!(least > -range && largest < range)) {
    inverse.x = y;
    inverse.by_y = 1;
    is_empty = false;
  }
  if (largest < -range || least > range) return;
  const Pieces pieces(bins, range, h);
  ColumnInverse piece{{}, {}, std::vector<Ball>(h.size())};
  Ball x_k = -range, y_k = -range;
  for (std::size_t k = 0; k < bins; ++k) {
    const Ball next = y_k + pieces.height(k);
    const bool is_apart = (k > 0 && largest < y_k.mid - Ball::up(y_k.rad)) ||
                          (k + 1 < bins && least > next.mid + Ball::up(next.rad));
    if (!is_apart) {
      enclose_piece(pieces, bins, k, x_k, y_k, y, piece);
      if (is_empty) {
        inverse = piece;
      } else {
        merge(inverse, piece);
      }
      is_empty = false;
    }
    x_k = x_k + pieces.width(k);
    y_k = next;
  }
}

}  // namespace iflow
