#include "kernels/matmul.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/aligned.h"
#include "base/rng.h"
#include "kernels/reference.h"
#include "kernels/simd.h"
#include "support/numbers.h"

namespace iflow::kernels {
namespace {

// Numbers behind an output, which nobody may touch.
constexpr std::size_t kGuard = 4 * kLanes;

template <class T>
void check_matmul(std::size_t m, std::size_t k, std::size_t groups, bool transposed,
                  bool accumulate) {
  Rng rng(m, RngPurpose::kTest, k, static_cast<std::uint32_t>(groups));
  const AlignedVector<T> w = whole_numbers<T>(rng, m * k);
  const AlignedVector<T> x = whole_numbers<T>(rng, groups * k * kLanes);
  AlignedVector<T> y = whole_numbers<T>(rng, groups * m * kLanes + kGuard);
  AlignedVector<T> expected = y;
  const auto view = transposed ? row_major(w.data(), k, m).transposed() : row_major(w.data(), m, k);
  matmul(view, x.data(), y.data(), groups, accumulate);
  reference::matmul(view, x.data(), expected.data(), groups, accumulate);
  INFO("M = ", m, ", K = ", k, ", G = ", groups, ", transposed ", transposed, ", accumulate ",
       accumulate);
  CHECK((y == expected));
}

template <class T>
void check_weight_gradient(std::size_t m, std::size_t k, std::size_t groups) {
  Rng rng(m, RngPurpose::kTest, k, static_cast<std::uint32_t>(groups));
  const AlignedVector<T> dy = whole_numbers<T>(rng, groups * m * kLanes);
  const AlignedVector<T> x = whole_numbers<T>(rng, groups * k * kLanes);
  AlignedVector<T> dw = whole_numbers<T>(rng, m * k + kGuard);
  AlignedVector<T> expected = dw;
  weight_gradient(dy.data(), x.data(), dw.data(), m, k, groups);
  reference::weight_gradient(dy.data(), x.data(), expected.data(), m, k, groups);
  INFO("M = ", m, ", K = ", k, ", G = ", groups);
  CHECK((dw == expected));
}

// Unit tangents written out are inputs like any others.
template <class T>
void check_weight_gradient_of_unit_tangents(std::size_t m, std::size_t k, std::size_t groups) {
  Rng rng(m, RngPurpose::kTest, k, static_cast<std::uint32_t>(groups));
  const AlignedVector<T> dy = whole_numbers<T>(rng, (1 + k) * groups * m * kLanes);
  AlignedVector<T> x = whole_numbers<T>(rng, groups * k * kLanes);
  AlignedVector<T> dw = whole_numbers<T>(rng, m * k + kGuard);
  AlignedVector<T> expected = dw;
  weight_gradient_of_unit_tangents(dy.data(), x.data(), dw.data(), m, k, groups);
  x.resize((1 + k) * x.size(), T(0));
  for (std::size_t j = 0; j < k; ++j) {
    for (std::size_t g = 0; g < groups; ++g) {
      std::fill_n(x.data() + (((1 + j) * groups + g) * k + j) * kLanes, kLanes, T(1));
    }
  }
  reference::weight_gradient(dy.data(), x.data(), expected.data(), m, k, (1 + k) * groups);
  INFO("M = ", m, ", K = ", k, ", G = ", groups);
  CHECK((dw == expected));
}

// A bias is the weight of an input that is 1.
template <class T>
void check_bias_gradient(std::size_t m, std::size_t groups) {
  Rng rng(m, RngPurpose::kTest, groups);
  const AlignedVector<T> dy = whole_numbers<T>(rng, groups * m * kLanes);
  const AlignedVector<T> ones(groups * kLanes, T(1));
  AlignedVector<T> db = whole_numbers<T>(rng, m + kGuard);
  AlignedVector<T> expected = db;
  add_bias_gradient(dy.data(), db.data(), m, groups);
  reference::weight_gradient(dy.data(), ones.data(), expected.data(), m, 1, groups);
  INFO("M = ", m, ", G = ", groups);
  CHECK((db == expected));
}

// Calls check(m, k, groups) for every M, K up to 20, each with some G up to 9 so that every (M, G)
// and (K, G) comes up, and for some large shapes.
template <class F>
void for_shapes(const F& check) {
  for (std::size_t m = 1; m <= 20; ++m) {
    for (std::size_t k = 1; k <= 20; ++k) {
      for (std::size_t groups = 1; groups <= 9; ++groups) {
        if ((m + k + groups) % 3 == 0) check(m, k, groups);
      }
    }
  }
  for (const std::size_t m : {1, 2, 31, 32, 33, 128}) {
    for (const std::size_t k : {1, 2, 31, 64, 131}) check(m, k, (m + k) % 23 + 1);
  }
}

TEST_CASE_TEMPLATE("matmul agrees with its naive twin for every shape", T, float, double) {
  for_shapes([](std::size_t m, std::size_t k, std::size_t groups) {
    // The four combinations take turns; each shape has two of them.
    const bool flag = (m + k / 2 + groups) % 2 == 0;
    check_matmul<T>(m, k, groups, flag, true);
    check_matmul<T>(m, k, groups, !flag, false);
  });
}

TEST_CASE_TEMPLATE("weight_gradient agrees with its naive twin for every shape", T, float, double) {
  for_shapes(check_weight_gradient<T>);
}

TEST_CASE_TEMPLATE("the weight gradient of unit tangents is that of tangents written out", T, float,
                   double) {
  for_shapes(check_weight_gradient_of_unit_tangents<T>);
}

TEST_CASE_TEMPLATE("add_bias_gradient adds up groups and lanes", T, float, double) {
  for (std::size_t m = 1; m <= 40; ++m) check_bias_gradient<T>(m, m % 5 + 1);
}

TEST_CASE_TEMPLATE("matmul of no groups leaves the output", T, float, double) {
  const AlignedVector<T> w(6, T(1));
  AlignedVector<T> y(3 * kLanes, T(5));
  matmul(row_major(w.data(), 3, 2), y.data(), y.data(), 0, false);
  CHECK(std::all_of(y.begin(), y.end(), [](T yi) { return yi == T(5); }));
}

TEST_CASE_TEMPLATE("a row of matmul has the same bits whatever stands beside it", T, float,
                   double) {
  Rng rng(5, RngPurpose::kTest);
  for (const std::size_t m : {1, 2, 3, 5, 17, 32}) {
    const std::size_t k = 29, groups = 11;
    const AlignedVector<T> w = normal_numbers<T>(rng, m * k);
    const AlignedVector<T> x = normal_numbers<T>(rng, groups * k * kLanes);
    AlignedVector<T> together(groups * m * kLanes), alone(m * kLanes), row(k * kLanes);
    const auto view = row_major(w.data(), m, k);
    matmul(view, x.data(), together.data(), groups, false);
    for (std::size_t g = 0; g < groups; ++g) {
      // The row of lane 3 alone in all lanes of a single group.
      for (std::size_t i = 0; i < k * kLanes; ++i) {
        row[i] = x[g * k * kLanes + i / kLanes * kLanes + 3];
      }
      matmul(view, row.data(), alone.data(), 1, false);
      for (std::size_t i = 0; i < m; ++i) {
        const T expected = together[(g * m + i) * kLanes + 3];
        const T* lanes = alone.data() + i * kLanes;
        CHECK(std::all_of(lanes, lanes + kLanes, [&](T yi) { return yi == expected; }));
      }
    }
  }
}

}  // namespace
}  // namespace iflow::kernels
