// The inverse of a residual block: the x with x + g(x) = y. (lib/MATHS.md, section 2)
//
// Candidates x are judged by their residual r = y - x - g(x): the distance to the solution is at
// most (||r|| + delta) / (1 - L), L >= Lip(g) and delta a proved bound of the rounding error of
// evaluating r. A candidate that does not bring ||r|| down to L ||r|| is replaced by Banach's
// fixed-point step x + r from the last good one, which does, but for rounding; where even that one
// does not bring ||r|| down, rounding is all that is left, and the row stops.
//
// Every row goes its own way: a row that has met its tolerance is frozen, so that its result never
// depends on the rows beside it.
#pragma once

#include "flow/layer.h"
#include "nn/branch.h"

namespace iflow {

// Candidates by Anderson's mixing of the last `memory` steps; none: fixed-point steps alone.
// (Walker, Ni, "Anderson acceleration for fixed-point iterations", SIAM J. Numer. Anal. 49, 2011)
template <class T>
Inverted invert_by_fixed_point(const Branch<T>& g, const BranchBounds& bounds, const Pass<T>& pass,
                               Var y, const InverseOptions& options, std::size_t memory);

// Candidates by Newton's iteration with the exact Jacobian. Where a residual of mere rounding
// leaves the bound by 1 / (1 - L) above the tolerance, distance_to_root by that Jacobian decides,
// and where double's rounding leaves that above it as well, with a residual of extended precision.
template <class T>
Inverted invert_by_newton(const Branch<T>& g, const BranchBounds& bounds, const Pass<T>& pass,
                          Var y, const InverseOptions& options);

// An upper bound of ||x - x*||, x* + g(x*) = y*, given those of ||y* - x - g(x)|| and of
// ||(I + J(x))^-1|| = beta: the smaller of ||r|| / (1 - L) and the radius of Newton and
// Kantorovich, 2 beta ||r|| / (1 + sqrt(1 - 2 h)), h = beta^2 K ||r|| <= 1/2, K a Lipschitz
// constant of J. The solution that the latter proves near x is x*, since there is no other.
// (Kantorovich, Akilov, "Functional Analysis", chapter 18; Ortega, Rheinboldt, "Iterative Solution
// of Nonlinear Equations in Several Variables", 12.6)
double distance_to_root(const BranchBounds& bounds, double local_inverse, double residual);

}  // namespace iflow
