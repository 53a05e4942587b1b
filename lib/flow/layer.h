// One invertible layer of a flow: the only interface that flows, trainers and tools know.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "autodiff/tape.h"
#include "flow/log_det.h"
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

struct InverseOptions {
  // Stop when the proved bound of ||x - x*|| is at most this, per row and layer.
  double tolerance = 1e-8;
  int max_iterations = 1000;
};

// How the inversion of one layer went for one row.
struct InverseRow {
  // Evaluations of g that the row needed.
  int iterations = 0;
  // Proved bound of the distance to the exact inverse, rounding errors of evaluating g left out;
  // not finite where nothing was evaluated or numbers ran out.
  double bound = 0;
  bool converged = true;
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

  // y and a gradient of ln |det| to learn from, in a pass that records. Layers whose
  // log-determinant is cheap have no need of an estimate.
  virtual Learnable<T> forward_to_learn(const Pass<T>& pass, Var x, const LogDetDraw& draw) const {
    static_cast<void>(draw);
    const Transformed exact = forward(pass, x);
    return {exact.y, {exact.log_det}, pass.tape.value(exact.log_det)};
  }

  // y, and samples of ln |det| for every row, added to `samples`. `pass` must not record. Needs
  // set_proved_norms.
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

  // Sets the layer's initial parameters in `values`, given the rows x that will first reach it.
  // Draws are keyed by the seed and the parameter.
  virtual void initialise(const Pass<T>& pass, std::span<T> values, Var x,
                          std::uint64_t seed) const {
    static_cast<void>(pass), static_cast<void>(values), static_cast<void>(x),
        static_cast<void>(seed);
  }

  // Takes over the proved spectral norms (one per parameter of the layout), from which the layer
  // proves its inverse. Needed before `inverse`.
  virtual void set_proved_norms(std::span<const double> norms) { static_cast<void>(norms); }

  // An upper bound of Lip(g) for a residual block y = x + g(x), after set_proved_norms; 0 for
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
};

}  // namespace iflow
