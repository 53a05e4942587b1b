// One invertible layer of a flow: the only interface that flows, trainers and tools know.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "autodiff/tape.h"
#include "nn/parameters.h"

namespace iflow {

// What a layer does to rows: y, and ln |det dy/dx| per row, [G][1].
struct Transformed {
  Var y;
  Var log_det;
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
};

}  // namespace iflow
