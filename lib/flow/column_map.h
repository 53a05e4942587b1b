// The increasing maps y = m(x; h) of one number that a coupling layer applies to its transformed
// columns, h being what the conditioner says of the column. Every map is the identity at h = 0.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/ball.h"
#include "kernels/simd.h"

namespace iflow {

// x with m(x; h) = y, and its derivatives by y and by h.
struct ColumnInverse {
  Ball x, by_y;
  std::vector<Ball> by_h;  // parameters()
};

// Works on kLanes rows of one column at a time. x, y, log_slope: (kLanes)
// h: [parameters()][kLanes]. All aligned to simd::kVectorBytes.
template <class T>
class ColumnMap {
 public:
  ColumnMap() = default;
  ColumnMap(const ColumnMap&) = delete;
  ColumnMap& operator=(const ColumnMap&) = delete;
  virtual ~ColumnMap() = default;

  // Numbers in h.
  virtual std::size_t parameters() const = 0;

  // y = m(x; h); ln m'(x; h) is added to log_slope.
  virtual void forward(const T* x, const T* h, T* y, T* log_slope) const = 0;

  virtual void inverse(const T* y, const T* h, T* x) const = 0;

  // The inverse and its derivatives in exact arithmetic, wherever y and h lie. Where a derivative
  // jumps, both of its values are enclosed, so that what is enclosed bounds how far the inverse can
  // move.
  virtual void enclose_inverse(Ball y, std::span<const Ball> h, ColumnInverse& inverse) const = 0;

  // Adds to dx and dh what the adjoints of y and of ln m' pull back.
  virtual void backward(const T* x, const T* h, const T* dy, const T* d_log_slope, T* dx,
                        T* dh) const = 0;
};

// y = x + t, h = (t). (Dinh, Krueger, Bengio, "NICE", ICLR 2015 workshop, section 3.2)
template <class T>
std::unique_ptr<ColumnMap<T>> make_additive_map();

// y = x e^s + t, h = (r, t), s = b tanh(r / b): the log-scale stays within b. (Dinh,
// Sohl-Dickstein, Bengio, "Density estimation using Real NVP", ICLR 2017, section 3.2)
template <class T>
std::unique_ptr<ColumnMap<T>> make_affine_map(double log_scale_bound);

}  // namespace iflow
