// The residual branch g of a block y = x + g(x), whatever it is made of: what the block, its
// log-determinant and its inverse need to know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "autodiff/ops.h"
#include "kernels/extended.h"
#include "nn/branch_bounds.h"
#include "nn/branch_enclosure.h"
#include "nn/parameters.h"

namespace iflow {

// g at fixed points x, with what a product J t needs. The numbers are the tape's.
template <class T>
struct Linearised {
  std::size_t groups;                  // G of x [G][dimension]
  const T* value;                      // g(x): [G][dimension]
  std::vector<const T*> phi;           // phi' before each layer, as its kernels keep it, or null
  std::vector<const T*> outputs = {};  // of each convolution: [G][its H W outputs]
};

template <class T>
class Branch {
 public:
  Branch() = default;
  Branch(const Branch&) = delete;
  Branch& operator=(const Branch&) = delete;
  virtual ~Branch() = default;

  // g on the values and J t on the tangents of x: [(1 + D) G][dimension] -> [(1 + D) G][outputs];
  // `groups` is G.
  virtual Var forward(const Pass<T>& pass, Var x, std::size_t groups) const = 0;

  // The same where g is linearised at the values of x already: what is known is not computed again.
  virtual Var forward_at(const Pass<T>& pass, const Linearised<T>& at, Var x) const {
    return forward(pass, x, at.groups);
  }

  // g and its Jacobian, one unit tangent after the other: x [G][dimension] -> [(1 + dimension)
  // G][outputs].
  virtual Var forward_with_jacobian(const Pass<T>& pass, Var x) const {
    return forward(pass, ops::unit_tangents(pass.tape, x), x.groups);
  }

  // g at x [G][dimension]. Where many are kept, phi' would take as much memory as everything else:
  // they may be null until `complete` adds them, given the same x. Nothing is recorded, whether the
  // tape records or not.
  virtual Linearised<T> evaluate(const Pass<T>& pass, const T* x, std::size_t groups) const = 0;
  virtual void complete(const Pass<T>& pass, const T* x, Linearised<T>& at) const {
    static_cast<void>(pass), static_cast<void>(x), static_cast<void>(at);
  }
  Linearised<T> linearise(const Pass<T>& pass, const T* x, std::size_t groups) const {
    Linearised<T> at = evaluate(pass, x, groups);
    complete(pass, x, at);
    return at;
  }

  // out = J t for D tangents at every point: t, out [D G][dimension], which may be the same.
  virtual void jacobian_product(const Pass<T>& pass, const Linearised<T>& at, const T* t, T* out,
                                std::size_t tangents) const = 0;

  // Initial parameters, keyed by the seed and the parameter's index.
  virtual void initialise(const ParameterLayout& layout, std::span<T> values,
                          std::uint64_t seed) const = 0;

  // An upper bound of Lip(g): the product of the proved norms (one per parameter of the layout) and
  // of the activations' constants. (lib/MATHS.md, section 1)
  virtual double lipschitz_bound(std::span<const double> proved_norms) const = 0;

  // g as a chain of stages, each with its bounds for these parameters: what rounding does to g and
  // how its Jacobian varies follow from them (branch_bounds.h).
  virtual std::vector<BranchStage> stages(const ParameterLayout& layout,
                                          std::span<const double> values,
                                          std::span<const double> proved_norms) const = 0;

  // Where g and its Jacobian lie at a row, for these parameters; none where they are too many to
  // go through one by one (convolutions).
  virtual std::optional<BranchEnclosure> enclosure(const ParameterLayout& layout,
                                                   std::span<const double> values) const {
    static_cast<void>(layout), static_cast<void>(values);
    return std::nullopt;
  }

  // g at one row x of condition c, none where it takes none, in extended precision: it is off by at
  // most what BranchBounds::rounding says of kExtendedRoundoff. Empty where g is not offered so
  // (convolutions).
  virtual std::vector<Extended> extended_value(const Pass<T>& pass, const std::vector<Extended>& x,
                                               const std::vector<Extended>& c) const {
    static_cast<void>(pass), static_cast<void>(x), static_cast<void>(c);
    return {};
  }

  BranchBounds bounds(const ParameterLayout& layout, std::span<const double> values,
                      std::span<const double> proved_norms) const {
    return BranchBounds(stages(layout, values, proved_norms), lipschitz_bound(proved_norms));
  }
};

}  // namespace iflow
