// One invertible layer of a flow: the only interface that flows, trainers and tools know.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "autodiff/tape.h"
#include "base/rounding.h"
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

// What is proved of a layer's inverse, for the parameters that it was made from. `prove` of the
// layer makes it; the inverse and its bounds take it. What a layer has no use for stays empty.
struct Certificate {
  // Of a residual block y = x + g(x): what is proved of g.
  std::optional<BranchBounds> branch;
  // Of a coupling: where its conditioner and the Jacobian of it lie.
  std::optional<BranchEnclosure> conditioner;
  // Of a matrix L U: an upper bound of ||(L U)^-1||, and C, row-major, by which
  // |x - x*| <= gamma C |x| for a computed solution x. (plu.cpp)
  double inverse_norm = std::numeric_limits<double>::infinity();
  std::vector<double> rounding_of_solve = {};

  // An upper bound of Lip(g); 0 for layers that are inverted in closed form.
  double residual_lipschitz() const { return branch ? branch->lipschitz() : 0; }
};

// What a layer is learned by, and its log-determinant sampled, where the exact one may be dear.
template <class T>
class EstimatedLogDet {
 public:
  EstimatedLogDet() = default;
  EstimatedLogDet(const EstimatedLogDet&) = delete;
  EstimatedLogDet& operator=(const EstimatedLogDet&) = delete;

  // y, and what forward_to_learn of the same rows need not compute again; its numbers are the
  // tape's. `pass` must not record.
  virtual Prepared<T> prepare_to_learn(const Pass<T>& pass, Var x,
                                       const LogDetOptions& options) const = 0;

  // y and a gradient of ln |det| to learn from, in a pass that records. `known`: of
  // prepare_to_learn; null where nothing was prepared.
  virtual Learnable<T> forward_to_learn(const Pass<T>& pass, Var x, const LogDetDraw& draw,
                                        const Linearised<T>* known) const = 0;

  // y, and samples of ln |det| for every row, added to `samples`. `pass` must not record.
  virtual Var sample_log_det(const Pass<T>& pass, Var x, const Certificate& certificate,
                             const LogDetDraw& draw, LogDetSamples& samples) const = 0;

 protected:
  ~EstimatedLogDet() = default;
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

  // ln p(x), [G][1], of a layer that stands in front of N(0, I) and knows it without y; none of
  // others.
  virtual std::optional<Var> log_density(const Pass<T>& pass, Var x) const {
    static_cast<void>(pass), static_cast<void>(x);
    return std::nullopt;
  }

  // Null for layers whose log-determinant is cheap, which have no need of an estimate.
  virtual const EstimatedLogDet<T>* estimated() const { return nullptr; }

  // Sets the layer's initial parameters in `values`, given the rows x that will first reach it and
  // their weights (16 G), not all 0: a lane without a row has none. Draws are keyed by the seed and
  // the parameter.
  virtual void initialise(const Pass<T>& pass, std::span<T> values, Var x, const double* weights,
                          std::uint64_t seed) const {
    static_cast<void>(pass), static_cast<void>(values), static_cast<void>(x),
        static_cast<void>(weights), static_cast<void>(seed);
  }

  // What is proved of the inverse, given the effective parameters, in double, and their proved
  // spectral norms (one per parameter of the layout).
  virtual Certificate prove(const ParameterLayout& layout, std::span<const double> values,
                            std::span<const double> norms) const {
    static_cast<void>(layout), static_cast<void>(values), static_cast<void>(norms);
    return {};
  }

  // The x with forward(x).y = y. `pass` must not record, `certificate` be of its parameters.
  virtual Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                           const InverseOptions& options) const = 0;

  // An upper bound of the Lipschitz constant of the inverse within `radius`, which may be infinite,
  // of one row y, whose elements stand kLanes apart: an error in y can grow by it.
  // (lib/MATHS.md, section 2)
  virtual double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                                   double radius) const = 0;

  // An upper bound of what rounding does to x = inverse(y) of one row, for layers inverted in
  // closed form: the distance between the computed x and the exact one. Infinite where nothing is
  // proved.
  virtual double inverse_rounding(const Certificate& certificate, const T* values, const T* y,
                                  const T* x) const {
    static_cast<void>(certificate), static_cast<void>(values), static_cast<void>(y),
        static_cast<void>(x);
    return std::numeric_limits<double>::infinity();
  }

  // errors: of the first rows of y, at most (16 G). Replaces them by upper bounds of the distance
  // between the computed x, inverted = inverse(y), and the exact inverse of anything within that
  // error of y.
  virtual void bound_inverse(const Pass<T>& pass, Var y, const Inverted& inverted,
                             const Certificate& certificate, const InverseOptions& options,
                             std::span<double> errors) const {
    static_cast<void>(options);
    for (std::size_t row = 0; row < errors.size(); ++row) {
      double& error = errors[row];
      if (!(error < std::numeric_limits<double>::infinity())) continue;
      const std::size_t at = row / kLanes * y.elements * kLanes + row % kLanes;
      const T* const ys = pass.tape.value(y) + at;
      const double carried =
          error > 0 ? inverse_lipschitz(certificate, pass.values, ys, error) * error : 0;
      error = (carried +
               inverse_rounding(certificate, pass.values, ys, pass.tape.value(inverted.x) + at)) *
              kUpAfter6;
    }
  }
};

}  // namespace iflow
