// One invertible layer of a flow: the only interface that flows, trainers and tools know.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "autodiff/tape.h"
#include "flow/log_det.h"
#include "nn/branch.h"
#include "nn/parameters.h"

namespace iflow {

// What a layer does to rows: y, and ln |det dy/dx| per row, [G][1].
struct Transformed {
  Var y;
  Var log_det;
};

// Something to differentiate in place of ln |det|: its gradient is that of an estimate of ln |det|,
// its value means nothing.
struct LogDetSurrogate {
  Var var;  // [G][1]
};

// What a layer does to rows, to learn from.
template <class T>
struct Learnable {
  Var y;
  LogDetSurrogate surrogate;
  const T* log_det;  // an estimate of its value, [G][1]; the numbers are the tape's
};

// Rows that have passed a layer, which is to learn from them later.
template <class T>
struct Prepared {
  Var y;
  // What forward_to_learn takes up again for the same rows; none where there is no use for it.
  std::optional<Linearised<T>> known;
};

struct InverseOptions {
  // Stop when the proved bound of ||x - x*|| is at most this, per row and layer.
  double tolerance = 1e-8;
  int max_iterations = 1000;
  // Whether to bound the inverse's local Lipschitz constant as well, where there is a Jacobian: the
  // bound of a chain of blocks is then far tighter, that of couplings finite.
  bool local = false;
};

// How the inversion of one layer went for one row.
struct InverseRow {
  // Evaluations of g that the row needed.
  int iterations = 0;
  // Proved bound of the distance to the exact inverse, rounding included; not finite where nothing
  // was evaluated or numbers ran out.
  double bound = 0;
  bool converged = true;
  // Proved bound of ||y - x - g(x)||.
  double residual = 0;
  // Proved bound of ||(I + J(x))^-1||, J the Jacobian of g; infinite where it is not known.
  double local_inverse = std::numeric_limits<double>::infinity();
};

struct Inverted {
  Var x;
  // One for each of the 16 G rows, on the arena of the tape; null for a closed-form inverse.
  InverseRow* rows = nullptr;
};

template <class T>
class Layer {
 public:
  Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  virtual ~Layer() = default;

  // x: [G][dimension].
  virtual Transformed forward(const Pass<T>& pass, Var x) const = 0;

  // y alone.
  virtual Var transform(const Pass<T>& pass, Var x) const { return forward(pass, x).y; }

  // y, and what forward_to_learn of the same rows need not compute again; its numbers are the
  // tape's. `pass` must not record.
  virtual Prepared<T> prepare_to_learn(const Pass<T>& pass, Var x,
                                       const LogDetConfig& config) const {
    static_cast<void>(config);
    return {transform(pass, x), std::nullopt};
  }

  // y and a gradient of ln |det| to learn from, in a pass that records. Layers whose
  // log-determinant is cheap have no need of an estimate. `known`: of prepare_to_learn; null where
  // nothing was prepared.
  virtual Learnable<T> forward_to_learn(const Pass<T>& pass, Var x, const LogDetDraw& draw,
                                        const Linearised<T>* known) const {
    static_cast<void>(draw), static_cast<void>(known);
    const Transformed exact = forward(pass, x);
    return {exact.y, {exact.log_det}, pass.tape.value(exact.log_det)};
  }

  // y, and samples of ln |det| for every row, added to `samples`. `pass` must not record. Needs
  // `prove`.
  virtual Var sample_log_det(const Pass<T>& pass, Var x, const LogDetSampling& sampling,
                             LogDetSamples& samples) const {
    const Transformed exact = forward(pass, x);
    const T* log_det = pass.tape.value(exact.log_det);
    for (std::size_t i = 0; i < sampling.probes * exact.log_det.size(); ++i) {
      samples.values[i] += static_cast<double>(log_det[i % exact.log_det.size()]);
    }
    return exact.y;
  }

  // The x with forward(x).y = y. `pass` must not record.
  virtual Inverted inverse(const Pass<T>& pass, Var y, const InverseOptions& options) const = 0;

  // Sets the layer's initial parameters in `values`, given the rows x that will first reach it and
  // their weights (16 G), not all 0: a lane without a row has none. Draws are keyed by the seed and
  // the parameter.
  virtual void initialise(const Pass<T>& pass, std::span<T> values, Var x, const double* weights,
                          std::uint64_t seed) const {
    static_cast<void>(pass), static_cast<void>(values), static_cast<void>(x),
        static_cast<void>(weights), static_cast<void>(seed);
  }

  // Takes over the effective parameters, in double, and their proved spectral norms (one per
  // parameter of the layout), from which the layer proves its inverse. Needed before `inverse`.
  virtual void prove(const ParameterLayout& layout, std::span<const double> values,
                     std::span<const double> norms) {
    static_cast<void>(layout), static_cast<void>(values), static_cast<void>(norms);
  }

  // An upper bound of Lip(g) for a residual block y = x + g(x), after `prove`; 0 for
  // layers that are inverted in closed form.
  virtual double residual_lipschitz() const { return 0; }

  // An upper bound of the Lipschitz constant of the inverse, by which an error in y can grow.
  // (maths.md section 2)
  virtual double inverse_lipschitz(const T* values) const = 0;

  // The same for what lies within `radius` of one row y, whose elements stand kLanes apart.
  virtual double inverse_lipschitz_near(const T* values, const T* y, double radius) const {
    static_cast<void>(y), static_cast<void>(radius);
    return inverse_lipschitz(values);
  }

  // An upper bound of what rounding does to x = inverse(y) of one row, for layers inverted in
  // closed form: the distance between the computed x and the exact one. Infinite where nothing is
  // proved.
  virtual double inverse_rounding(const T* values, const T* y, const T* x) const {
    static_cast<void>(values), static_cast<void>(y), static_cast<void>(x);
    return std::numeric_limits<double>::infinity();
  }

  // An upper bound of the distance between the computed x = inverse(y) of one row and the exact
  // inverse of anything within `error` of y. `row`: how the inversion went, null for a closed form.
  virtual double inverse_error(const T* values, const T* y, const T* x, const InverseRow* row,
                               double error) const {
    static_cast<void>(row);
    if (!(error < std::numeric_limits<double>::infinity())) return error;
    const double carried = error > 0 ? inverse_lipschitz_near(values, y, error) * error : 0;
    return (carried + inverse_rounding(values, y, x)) * (1 + 0x1p-50);
  }

  // The same for the first rows of `inverted` = inverse(y), whose errors are taken over and
  // replaced by those of x. Needs `prove`. errors: at most (16 G)
  virtual void bound_inverse(const Pass<T>& pass, Var y, const Inverted& inverted,
                             const InverseOptions& options, std::span<double> errors) const {
    static_cast<void>(options);
    for (std::size_t row = 0; row < errors.size(); ++row) {
      const std::size_t at = row / kLanes * y.elements * kLanes + row % kLanes;
      errors[row] =
          inverse_error(pass.values, pass.tape.value(y) + at, pass.tape.value(inverted.x) + at,
                        inverted.rows == nullptr ? nullptr : inverted.rows + row, errors[row]);
    }
  }
};

// u: rounding to T is off by at most u of the number.
template <class T>
inline constexpr double kUnitRoundoff = std::numeric_limits<T>::epsilon() / 2.0;

}  // namespace iflow
