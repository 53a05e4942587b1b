#include "flow/fixed_point.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "autodiff/ops.h"
#include "base/rounding.h"
#include "flow/anderson.h"
#include "flow/local_inverse.h"
#include "kernels/determinant.h"
#include "kernels/simd.h"

namespace iflow {

namespace {

using LaneNumbers = std::array<double, kLanes>;
using LaneFlags = std::array<bool, kLanes>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Upper bounds of the Euclidean norm of every row of group g.
template <class T>
LaneNumbers row_norms(const T* x, std::size_t elements, std::size_t g) {
  LaneNumbers squares{};
  const T* group = x + g * elements * kLanes;
  for (std::size_t i = 0; i < elements; ++i) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const double value = group[i * kLanes + l];
      squares[l] += value * value;
    }
  }
  const double rounding = 1 + static_cast<double>(elements + 4) * kUnitRoundoff<double>;
  for (double& s : squares) s = std::sqrt(s) * rounding;
  return squares;
}

// What is known of the rows' way to the solution, and the candidates that are tried next.
template <class T>
class Candidates {
 public:
  Candidates(const BranchBounds& bounds, const Pass<T>& pass, Var y, const InverseOptions& options)
      : bounds_(bounds),
        options_(options),
        tape_(pass.tape),
        condition_(pass.condition),
        y_(y),
        x_(tape_.variable(y.elements, y.groups)),
        rows_(reinterpret_cast<InverseRow*>(
            tape_.scratch(y.groups * kLanes * sizeof(InverseRow) / sizeof(T)))),
        best_(tape_.scratch(y.size())),
        best_residual_(tape_.scratch(y.size())),
        residual_(tape_.scratch(y.size())),
        best_norms_(y.groups * kLanes, kInfinity),
        fixed_point_(y.groups * kLanes, true),
        settled_(y.groups * kLanes, false) {
    std::copy_n(tape_.value(y), y.size(), tape_.value(x_));
    std::copy_n(tape_.value(y), y.size(), best_);
    std::fill_n(best_residual_, y.size(), T(0));
    std::fill_n(rows_, y.groups * kLanes, InverseRow{0, kInfinity, false, kInfinity});
  }

  // Where g is evaluated next.
  Var x() const { return x_; }
  // The last good candidates and their residuals.
  const T* best() const { return best_; }
  const T* best_residual() const { return best_residual_; }
  const T* residual() const { return residual_; }
  int steps() const { return steps_; }

  bool done() const {
    return steps_ >= options_.max_iterations ||
           std::all_of(settled_.begin(), settled_.end(), [](bool settled) { return settled; });
  }

  // Takes in g(x) for all groups: the residuals.
  void evaluated(const T* gx) {
    const T *ys = tape_.value(y_), *xs = tape_.value(x_);
    for (std::size_t i = 0; i < y_.size(); ++i) residual_[i] = ys[i] - gx[i] - xs[i];
    ++steps_;
  }

  struct Verdict {
    LaneFlags moving{};       // rows that had not settled before
    LaneFlags accepted{};     // those whose candidate is good
    LaneFlags solved{};       // those that have just met the tolerance
    LaneFlags bounded{};      // those whose inverse Jacobian is wanted
    LaneNumbers size{};       // ||x||
    LaneNumbers norm{};       // ||r||
    LaneNumbers delta{};      // what r is off by
    LaneNumbers condition{};  // ||c||, where there is a condition
  };

  // Judges the candidates of group g.
  Verdict judge(std::size_t g) {
    Verdict v;
    v.size = row_norms(tape_.value(x_), y_.elements, g);
    v.norm = row_norms(residual_, y_.elements, g);
    const std::size_t condition = bounds_.condition_size();
    if (condition > 0) v.condition = row_norms(condition_, condition, g);
    InverseRow* rows = rows_ + g * kLanes;
    const double u = kUnitRoundoff<T>;
    for (std::size_t l = 0; l < kLanes; ++l) {
      const std::size_t lane = g * kLanes + l;
      if (settled_[lane]) continue;
      v.moving[l] = true;
      const double shrink = fixed_point_[lane] ? 1 : bounds_.lipschitz();
      v.accepted[l] = v.norm[l] < shrink * best_norms_[lane];
      rows[l].iterations = steps_;
      if (!v.accepted[l]) {
        settled_[lane] = fixed_point_[lane];  // as a fixed-point step: rounding is all that is left
        fixed_point_[lane] = true;
        continue;
      }
      fixed_point_[lane] = false;
      best_norms_[lane] = v.norm[l];
      // y - g and that less x are rounded: ||y - g|| <= ||x|| + ||r||, but for a second order
      v.delta[l] =
          bounds_.rounding(v.size[l], u, v.condition[l]).value + u * (v.size[l] + 2.1 * v.norm[l]);
      v.solved[l] = settle(lane, v.norm[l] + v.delta[l]);
      // Mere rounding that misses the tolerance by 1 / (1 - L) may meet it by the inverse Jacobian.
      v.bounded[l] = v.solved[l] ? options_.local : v.norm[l] <= v.delta[l];
    }
    return v;
  }

  // Makes the accepted candidates of group g the last good ones.
  void keep(std::size_t g, const Verdict& v) {
    copy(tape_.value(x_), best_, g, v.accepted);
    copy(residual_, best_residual_, g, v.accepted);
  }

  // Settles rows whose last good candidate is so good that a fixed-point step from it, which nobody
  // evaluates, meets the tolerance: its residual is at most L ||r||, but for rounding.
  void finish(std::size_t g, Verdict& v) {
    LaneFlags finished{};
    for (std::size_t l = 0; l < kLanes; ++l) {
      if (!v.accepted[l] || v.solved[l]) continue;
      const double residual = bounds_.lipschitz() * v.norm[l] + v.delta[l] +
                              2.1 * kUnitRoundoff<T> * (v.size[l] + v.norm[l]);
      if (bounds_.block_inverse_lipschitz() * residual > options_.tolerance) continue;
      finished[l] = v.solved[l] = settle(g * kLanes + l, residual);
    }
    for (std::size_t i = 0; i < y_.elements; ++i) {
      const std::size_t at = (g * y_.elements + i) * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) {
        if (finished[l]) best_[at + l] += best_residual_[at + l];
      }
    }
  }

  // The next candidates of group g: the last good ones and `delta`, or their residual where the
  // last candidate was not good.
  void move(std::size_t g, const Verdict& v, const T* delta) {
    T* xs = tape_.value(x_);
    for (std::size_t i = 0; i < y_.elements; ++i) {
      const std::size_t at = (g * y_.elements + i) * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) {
        if (!v.moving[l]) continue;
        xs[at + l] = best_[at + l] + (v.accepted[l] ? delta[at + l] : best_residual_[at + l]);
      }
    }
  }

  // Takes in bounds at the last good candidate of a row: `inverse` of ||(I + J)^-1||, and
  // `residual` of that of its residual. Returns whether the tolerance is met.
  bool bound_locally(std::size_t g, std::size_t l, double inverse, double residual) {
    const std::size_t lane = g * kLanes + l;
    InverseRow& row = rows_[lane];
    row.residual = std::min(row.residual, residual);
    if (!row.converged) settle_within(lane, distance_to_root(bounds_, inverse, row.residual));
    if (row.converged) row.local_inverse = inverse;
    return row.converged;
  }

  Inverted result() {
    std::copy_n(best_, y_.size(), tape_.value(x_));
    return {x_, rows_};
  }

 private:
  // Records a proved bound of the row's residual; returns whether the tolerance is met.
  bool settle(std::size_t lane, double residual) {
    rows_[lane].residual = residual;
    return settle_within(lane, bounds_.block_inverse_lipschitz() * residual);
  }

  // The same, given the bound of the distance to the solution.
  bool settle_within(std::size_t lane, double bound) {
    InverseRow& row = rows_[lane];
    row.bound = bound;
    row.converged = bound <= options_.tolerance;
    if (row.converged) settled_[lane] = true;
    return row.converged;
  }

  // to <- from in the lanes of group g that `where` holds for.
  void copy(const T* from, T* to, std::size_t g, const LaneFlags& where) const {
    for (std::size_t i = 0; i < y_.elements; ++i) {
      const std::size_t at = (g * y_.elements + i) * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) {
        if (where[l]) to[at + l] = from[at + l];
      }
    }
  }

  const BranchBounds& bounds_;
  const InverseOptions& options_;
  Tape<T>& tape_;
  const T* condition_;
  Var y_, x_;
  InverseRow* rows_;
  T *best_, *best_residual_, *residual_;
  std::vector<double> best_norms_;
  std::vector<bool> fixed_point_;  // whether x is a fixed-point step; the start counts as one
  std::vector<bool> settled_;      // converged, or stuck
  int steps_ = 0;
};

// a <- I + J for every row of group g, J in the tangents of h.
template <class T>
void gather_jacobian(const T* h, T* a, std::size_t n, std::size_t groups, std::size_t g) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const T* jij = h + (((1 + j) * groups + g) * n + i) * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) {
        a[(i * n + j) * kLanes + l] = jij[l] + T(i == j ? 1 : 0);
      }
    }
  }
}

// delta <- inverse r for every row of group g.
template <class T>
void newton_direction(const T* inverse, const T* r, T* delta, std::size_t n, std::size_t g) {
  const T* rg = r + g * n * kLanes;
  T* dg = delta + g * n * kLanes;
  std::fill_n(dg, n * kLanes, T(0));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        dg[i * kLanes + l] += inverse[(i * n + j) * kLanes + l] * rg[j * kLanes + l];
      }
    }
  }
}

// Lane l of group g, none of no tensor.
template <class T>
std::vector<Extended> extended_row(const T* x, std::size_t elements, std::size_t g, std::size_t l) {
  std::vector<Extended> row(elements);
  for (std::size_t i = 0; i < elements; ++i) row[i] = x[(g * elements + i) * kLanes + l];
  return row;
}

// An upper bound.
double norm(const std::vector<Extended>& x) {
  Extended squares = 0;
  for (const Extended xi : x) squares += xi * xi;
  return static_cast<double>(std::sqrt(squares)) * kUpAfter6;
}

// An upper bound of ||y - x - g(x)|| at lane l of group g, by extended precision; infinite where g
// is not offered in it.
template <class T>
double extended_residual(const Branch<T>& g, const BranchBounds& bounds, const Pass<T>& pass, Var y,
                         const T* xs, std::size_t group, std::size_t l) {
  const std::vector<Extended> x = extended_row(xs, y.elements, group, l);
  const std::vector<Extended> c = extended_row(pass.condition, bounds.condition_size(), group, l);
  const std::vector<Extended> gx = g.extended_value(pass, x, c);
  if (gx.empty()) return kInfinity;
  std::vector<Extended> r = extended_row(pass.tape.value(y), y.elements, group, l);
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = r[i] - x[i] - gx[i];
  // both differences are rounded: ||y - x|| <= ||g|| + ||r||, but for a second order
  constexpr double u = kExtendedRoundoff;
  return norm(r) + bounds.rounding(norm(x), u, norm(c)).value + u * (norm(gx) + 2.1 * norm(r));
}

}  // namespace

double distance_to_root(const BranchBounds& bounds, double local_inverse, double residual) {
  const double global = bounds.block_inverse_lipschitz() * residual;
  if (!(local_inverse < kInfinity)) return global;
  const double rounding = 1 + 1e-14;  // of the few operations below
  const double step = local_inverse * residual * rounding;
  const double h = step > 0 ? bounds.jacobian_lipschitz() * local_inverse * step * rounding : 0;
  if (!(h <= 0.5)) return global;
  // 1 - 2 h may be off by u, its root by more near 0: there it is taken as 0
  const double root = h < 0.499 ? std::sqrt(1 - 2 * h) : 0;
  return std::min(global, 2 * step / (1 + root) * rounding);
}

template <class T>
Inverted invert_by_fixed_point(const Branch<T>& g, const BranchBounds& bounds, const Pass<T>& pass,
                               Var y, const InverseOptions& options, std::size_t memory) {
  Tape<T>& tape = pass.tape;
  Candidates<T> candidates(bounds, pass, y, options);
  Anderson<T> anderson(tape, y.elements, y.groups, memory);
  T* delta = tape.scratch(y.size());
  while (!candidates.done()) {
    const auto mark = tape.mark();
    candidates.evaluated(tape.value(g.forward(pass, candidates.x(), y.groups)));
    for (std::size_t group = 0; group < y.groups; ++group) {
      auto verdict = candidates.judge(group);
      anderson.record(group, verdict.accepted, tape.value(candidates.x()), candidates.residual(),
                      candidates.best(), candidates.best_residual());
      candidates.keep(group, verdict);
      candidates.finish(group, verdict);
      anderson.step(group, candidates.best_residual(), delta);
      candidates.move(group, verdict, delta);
    }
    tape.rewind(mark);
  }
  return candidates.result();
}

template <class T>
Inverted invert_by_newton(const Branch<T>& g, const BranchBounds& bounds, const Pass<T>& pass,
                          Var y, const InverseOptions& options) {
  Tape<T>& tape = pass.tape;
  const std::size_t n = y.elements, groups = y.groups;
  Candidates<T> candidates(bounds, pass, y, options);
  T* delta = tape.scratch(y.size());
  T* a = tape.scratch(n * n * kLanes);
  T* inverse = tape.scratch(n * n * kLanes);
  while (!candidates.done()) {
    const auto mark = tape.mark();
    const T* h = tape.value(g.forward_with_jacobian(pass, candidates.x()));
    candidates.evaluated(h);
    for (std::size_t group = 0; group < groups; ++group) {
      const auto verdict = candidates.judge(group);
      candidates.keep(group, verdict);
      alignas(simd::kVectorBytes) T log_det[kLanes];
      gather_jacobian(h, a, n, groups, group);
      kernels::log_det_and_inverse(a, n, log_det, inverse);
      newton_direction(inverse, candidates.best_residual(), delta, n, group);
      candidates.move(group, verdict, delta);
      if (std::count(verdict.bounded.begin(), verdict.bounded.end(), true) == 0) continue;
      gather_jacobian(h, a, n, groups, group);
      LaneNumbers errors;
      for (std::size_t l = 0; l < kLanes; ++l) {
        // 1 + J_ii is rounded, by at most u (1 + |J_ii|)
        errors[l] =
            bounds.rounding(verdict.size[l], kUnitRoundoff<T>, verdict.condition[l]).jacobian +
            2 * kUnitRoundoff<T> * std::sqrt(static_cast<double>(n));
      }
      const LaneNumbers inverses = bound_inverses(a, inverse, n, errors);
      for (std::size_t l = 0; l < kLanes; ++l) {
        if (!verdict.bounded[l]) continue;
        if (candidates.bound_locally(group, l, inverses[l], kInfinity)) continue;
        candidates.bound_locally(
            group, l, inverses[l],
            extended_residual(g, bounds, pass, y, candidates.best(), group, l));
      }
    }
    tape.rewind(mark);
  }
  return candidates.result();
}

#define IFLOW_INSTANTIATE(T)                                                                     \
  template Inverted invert_by_fixed_point(const Branch<T>&, const BranchBounds&, const Pass<T>&, \
                                          Var, const InverseOptions&, std::size_t);              \
  template Inverted invert_by_newton(const Branch<T>&, const BranchBounds&, const Pass<T>&, Var, \
                                     const InverseOptions&);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow
