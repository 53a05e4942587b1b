#include "flow/column_map.h"

#include "kernels/vector_math.h"

namespace iflow {

namespace {

using simd::kWidth;
using simd::load;
using simd::store;
using simd::Vec;

template <class T>
class AdditiveMap final : public ColumnMap<T> {
 public:
  std::size_t parameters() const override { return 1; }

  void forward(const T* x, const T* t, T* y, T*) const override {
    for (std::size_t l = 0; l < kLanes; ++l) y[l] = x[l] + t[l];
  }

  void inverse(const T* y, const T* t, T* x) const override {
    for (std::size_t l = 0; l < kLanes; ++l) x[l] = y[l] - t[l];
  }

  void enclose_inverse(Ball y, std::span<const Ball> t, ColumnInverse& inverse) const override {
    inverse = {y - t[0], 1, {-1}};
  }

  void backward(const T*, const T*, const T* dy, const T*, T* dx, T* dt) const override {
    for (std::size_t l = 0; l < kLanes; ++l) dx[l] += dy[l];
    for (std::size_t l = 0; l < kLanes; ++l) dt[l] += dy[l];
  }
};

template <class T>
class AffineMap final : public ColumnMap<T> {
 public:
  explicit AffineMap(double log_scale_bound) : bound_(static_cast<T>(log_scale_bound)) {}

  std::size_t parameters() const override { return 2; }

  void forward(const T* x, const T* h, T* y, T* log_slope) const override {
    for (std::size_t l = 0; l < kLanes; l += kWidth<T>) {
      const Vec<T> s = bound_ * tanh_of(load(h + l));
      store(y + l, load(x + l) * simd::exp<T>(s) + load(h + kLanes + l));
      store(log_slope + l, load(log_slope + l) + s);
    }
  }

  void inverse(const T* y, const T* h, T* x) const override {
    for (std::size_t l = 0; l < kLanes; l += kWidth<T>) {
      const Vec<T> s = bound_ * tanh_of(load(h + l));
      store(x + l, (load(y + l) - load(h + kLanes + l)) / simd::exp<T>(s));
    }
  }

  void enclose_inverse(Ball y, std::span<const Ball> h, ColumnInverse& inverse) const override {
    const double bound = static_cast<double>(bound_);
    const Ball t = tanh(h[0] / bound), scale = exp(-(bound * t));
    const Ball x = (y - h[1]) * scale;
    // ds/dr = 1 - tanh^2, dx/ds = -x
    inverse = {x, scale, {-x * (1 - t * t), -scale}};
  }

  void backward(const T* x, const T* h, const T* dy, const T* d_log_slope, T* dx,
                T* dh) const override {
    for (std::size_t l = 0; l < kLanes; l += kWidth<T>) {
      const Vec<T> tanh = tanh_of(load(h + l)), scale = simd::exp<T>(bound_ * tanh);
      const Vec<T> dyl = load(dy + l);
      // ds = dy x e^s + d_log_slope, dr = ds (1 - tanh^2)
      const Vec<T> ds = dyl * load(x + l) * scale + load(d_log_slope + l);
      store(dx + l, load(dx + l) + dyl * scale);
      store(dh + l, load(dh + l) + ds * (1 - tanh * tanh));
      store(dh + kLanes + l, load(dh + kLanes + l) + dyl);
    }
  }

 private:
  // tanh(r / b)
  Vec<T> tanh_of(Vec<T> r) const { return 2 * simd::sigmoid<T>(2 / bound_ * r) - 1; }

  T bound_;
};

}  // namespace

template <class T>
std::unique_ptr<ColumnMap<T>> make_additive_map() {
  return std::make_unique<AdditiveMap<T>>();
}

template <class T>
std::unique_ptr<ColumnMap<T>> make_affine_map(double log_scale_bound) {
  return std::make_unique<AffineMap<T>>(log_scale_bound);
}

template std::unique_ptr<ColumnMap<float>> make_additive_map();
template std::unique_ptr<ColumnMap<double>> make_additive_map();
template std::unique_ptr<ColumnMap<float>> make_affine_map(double);
template std::unique_ptr<ColumnMap<double>> make_affine_map(double);

}  // namespace iflow
