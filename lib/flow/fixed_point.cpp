#include "flow/fixed_point.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "autodiff/ops.h"
#include "kernels/determinant.h"
#include "kernels/simd.h"

namespace iflow {

namespace {

using LaneNumbers = std::array<double, kLanes>;

// Euclidean norm of every row of group g.
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
  for (double& s : squares) s = std::sqrt(s);
  return squares;
}

// One record per row, none converged and nothing known of its distance to the solution.
template <class T>
InverseRow* new_rows(Tape<T>& tape, std::size_t groups) {
  auto* rows =
      reinterpret_cast<InverseRow*>(tape.scratch(groups * kLanes * sizeof(InverseRow) / sizeof(T)));
  std::fill_n(rows, groups * kLanes, InverseRow{0, std::numeric_limits<double>::infinity(), false});
  return rows;
}

bool all_converged(const InverseRow* rows, std::size_t n) {
  return std::all_of(rows, rows + n, [](const InverseRow& row) { return row.converged; });
}

// to <- from, in the lanes of group g where `where` holds.
template <class T, class Where>
void copy_lanes(const T* from, T* to, std::size_t elements, std::size_t g, Where where) {
  for (std::size_t i = 0; i < elements; ++i) {
    const std::size_t at = (g * elements + i) * kLanes;
    for (std::size_t l = 0; l < kLanes; ++l) {
      if (where(l)) to[at + l] = from[at + l];
    }
  }
}

// delta <- (I + J)^-1 r for every row of group g, J in the tangents of h.
template <class T>
void newton_direction(const T* h, const T* r, T* delta, T* a, T* inverse, std::size_t n,
                      std::size_t groups, std::size_t g) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const T* jij = h + (((1 + j) * groups + g) * n + i) * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) {
        a[(i * n + j) * kLanes + l] = jij[l] + T(i == j ? 1 : 0);
      }
    }
  }
  alignas(simd::kVectorBytes) T log_det[kLanes];
  kernels::log_det_and_inverse(a, n, log_det, inverse);
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

}  // namespace

template <class T>
Inverted invert_by_fixed_point(const Branch<T>& g, double lipschitz, const Pass<T>& pass, Var y,
                               const InverseOptions& options) {
  Tape<T>& tape = pass.tape;
  const Var x = tape.variable(y.elements, y.groups);
  std::copy_n(tape.value(y), y.size(), tape.value(x));
  InverseRow* rows = new_rows(tape, y.groups);
  T* step = tape.scratch(y.size());
  const double factor = lipschitz / (1 - lipschitz);
  for (int n = 0; n < options.max_iterations && !all_converged(rows, y.groups * kLanes); ++n) {
    const auto mark = tape.mark();
    const T* gx = tape.value(g.forward(pass, x, x.groups));
    const T* ys = tape.value(y);
    T* xs = tape.value(x);
    for (std::size_t i = 0; i < y.size(); ++i) step[i] = ys[i] - gx[i] - xs[i];
    for (std::size_t group = 0; group < y.groups; ++group) {
      const LaneNumbers lengths = row_norms(step, y.elements, group);
      InverseRow* lanes = rows + group * kLanes;
      for (std::size_t i = 0; i < y.elements; ++i) {
        const std::size_t at = (group * y.elements + i) * kLanes;
        for (std::size_t l = 0; l < kLanes; ++l) {
          if (!lanes[l].converged) xs[at + l] += step[at + l];
        }
      }
      for (std::size_t l = 0; l < kLanes; ++l) {
        if (lanes[l].converged) continue;
        lanes[l] = {n + 1, factor * lengths[l], factor * lengths[l] <= options.tolerance};
      }
    }
    tape.rewind(mark);
  }
  return {x, rows};
}

template <class T>
Inverted invert_by_newton(const Branch<T>& g, double lipschitz, const Pass<T>& pass, Var y,
                          const InverseOptions& options) {
  Tape<T>& tape = pass.tape;
  const std::size_t n = y.elements, groups = y.groups;
  const Var x = tape.variable(n, groups);  // where g is evaluated next
  std::copy_n(tape.value(y), y.size(), tape.value(x));
  InverseRow* rows = new_rows(tape, groups);
  T* best = tape.scratch(y.size());           // the last accepted x
  T* best_residual = tape.scratch(y.size());  // and its residual
  std::copy_n(tape.value(y), y.size(), best);
  std::fill_n(best_residual, y.size(), T(0));
  T* residual = tape.scratch(y.size());
  T* delta = tape.scratch(y.size());
  T* a = tape.scratch(n * n * kLanes);
  T* inverse = tape.scratch(n * n * kLanes);
  auto* best_norms =
      reinterpret_cast<double*>(tape.scratch(groups * kLanes * sizeof(double) / sizeof(T)));
  std::fill_n(best_norms, groups * kLanes, std::numeric_limits<double>::infinity());
  // How x came from the accepted point; the start asks for as little as a fixed-point step.
  std::vector<bool> fixed_point_step(groups * kLanes, true);

  for (int step = 0; step < options.max_iterations && !all_converged(rows, groups * kLanes);
       ++step) {
    const auto mark = tape.mark();
    const T* h = tape.value(g.forward_with_jacobian(pass, x));
    const T* ys = tape.value(y);
    T* xs = tape.value(x);
    for (std::size_t i = 0; i < y.size(); ++i) residual[i] = ys[i] - h[i] - xs[i];
    for (std::size_t group = 0; group < groups; ++group) {
      const LaneNumbers norms = row_norms(residual, n, group);
      InverseRow* lanes = rows + group * kLanes;
      double* accepted_norms = best_norms + group * kLanes;
      std::array<bool, kLanes> accept{};
      std::array<bool, kLanes> moving{};
      for (std::size_t l = 0; l < kLanes; ++l) {
        moving[l] = !lanes[l].converged;
        if (!moving[l]) continue;
        // A fixed-point step shrinks the residual by L but for rounding, which any decrease allows.
        const double shrink = fixed_point_step[group * kLanes + l] ? 1 : lipschitz;
        accept[l] = norms[l] <= shrink * accepted_norms[l];
        fixed_point_step[group * kLanes + l] = !accept[l];
        lanes[l].iterations = step + 1;
        if (!accept[l]) continue;
        accepted_norms[l] = norms[l];
        lanes[l].bound = norms[l] / (1 - lipschitz);
        lanes[l].converged = lanes[l].bound <= options.tolerance;
      }
      copy_lanes(xs, best, n, group, [&](std::size_t l) { return accept[l]; });
      copy_lanes(residual, best_residual, n, group, [&](std::size_t l) { return accept[l]; });
      newton_direction(h, residual, delta, a, inverse, n, groups, group);
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t at = (group * n + i) * kLanes;
        for (std::size_t l = 0; l < kLanes; ++l) {
          if (!moving[l]) continue;
          xs[at + l] = best[at + l] + (accept[l] ? delta[at + l] : best_residual[at + l]);
        }
      }
    }
    tape.rewind(mark);
  }
  std::copy_n(best, y.size(), tape.value(x));
  return {x, rows};
}

#define IFLOW_INSTANTIATE(T)                                                             \
  template Inverted invert_by_fixed_point(const Branch<T>&, double, const Pass<T>&, Var, \
                                          const InverseOptions&);                        \
  template Inverted invert_by_newton(const Branch<T>&, double, const Pass<T>&, Var,      \
                                     const InverseOptions&);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow
