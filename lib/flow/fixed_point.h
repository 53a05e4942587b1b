// The inverse of a residual block: the x with x + g(x) = y. (maths.md section 2)
//
// Every row goes its own way: a row that has met its tolerance is frozen, so that its result never
// depends on the rows beside it.
#pragma once

#include "flow/layer.h"
#include "nn/branch.h"

namespace iflow {

// Banach's iteration x <- y - g(x) from x = y. After a step of length s the distance to the
// solution is at most L / (1 - L) s: the stopping rule. `lipschitz` is L < 1.
template <class T>
Inverted invert_by_fixed_point(const Branch<T>& g, double lipschitz, const Pass<T>& pass, Var y,
                               const InverseOptions& options);

// Newton's iteration with the exact Jacobian. The residual r = y - x - g(x) bounds the distance to
// the solution by ||r|| / (1 - L): the stopping rule. A Newton step that does not bring ||r|| down
// to L ||r|| is replaced by the fixed-point step x + r, which does, so that convergence is as
// certain as Banach's.
template <class T>
Inverted invert_by_newton(const Branch<T>& g, double lipschitz, const Pass<T>& pass, Var y,
                          const InverseOptions& options);

}  // namespace iflow
