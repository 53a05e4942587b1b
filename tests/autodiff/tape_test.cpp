#include "autodiff/tape.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "autodiff/ops.h"

namespace iflow {
namespace {

Var filled(Tape<double>& tape, std::size_t elements, std::size_t groups, double value) {
  const Var v = tape.variable(elements, groups);
  std::fill_n(tape.value(v), v.size(), value);
  return v;
}

// A pass over variables of many sizes, some of them larger than a chunk of the arena.
void pass(Tape<double>& tape) {
  Var x = filled(tape, 3, 2, 0.5);
  for (int i = 0; i < 5; ++i) x = ops::add(tape, ops::scale(tape, x, 0.5), x);
  const Var wide = ops::unit_tangents(tape, filled(tape, 40, 8, 0.1));
  const Var log_det = ops::log_det_identity_plus(tape, wide, 8);
  std::fill_n(tape.adjoint(log_det).data, log_det.size(), 1.0);
  std::fill_n(tape.adjoint(x).data, x.size(), 1.0);
  tape.backward();
}

TEST_CASE("values are aligned and stay where they are") {
  Tape<float> tape(true);
  std::vector<Var> vars;
  std::vector<float*> values;
  for (std::size_t i = 0; i < 200; ++i) {
    vars.push_back(tape.variable(1 + i % 7, 1 + i % 30));
    values.push_back(tape.value(vars[i]));
    CHECK(reinterpret_cast<std::uintptr_t>(values[i]) % 64 == 0);
    std::fill_n(values[i], vars[i].size(), static_cast<float>(i));
  }
  bool untouched = true;
  for (std::size_t i = 0; i < vars.size(); ++i) {
    CHECK(tape.value(vars[i]) == values[i]);
    for (std::size_t j = 0; j < vars[i].size(); ++j) {
      untouched = untouched && values[i][j] == static_cast<float>(i);
    }
  }
  CHECK(untouched);
}

TEST_CASE("a tape's memory does not grow from pass to pass") {
  Tape<double> tape(true);
  pass(tape);
  const std::size_t after_one = tape.capacity();
  CHECK(after_one > 0);
  for (int i = 0; i < 20; ++i) {
    tape.clear();
    pass(tape);
  }
  CHECK(tape.capacity() == after_one);
}

TEST_CASE("rewinding gives memory back") {
  Tape<double> tape(false);
  const Var kept = filled(tape, 2, 1, 3);
  const auto mark = tape.mark();
  const double* first = tape.value(filled(tape, 1000, 4, 1));
  std::size_t after_one = 0;
  for (int i = 0; i < 20; ++i) {
    tape.rewind(mark);
    const Var again = filled(tape, 1000, 4, 1);
    CHECK(tape.value(again) == first);
    filled(tape, 3000, 4, 1);
    if (i == 0) after_one = tape.capacity();
  }
  CHECK(tape.capacity() == after_one);
  CHECK(tape.value(kept)[0] == 3);
}

TEST_CASE("adjoints that meet in one variable add up, whichever comes first") {
  Tape<double> tape(true);
  const Var x = filled(tape, 1, 1, 1);
  const Var y = ops::scale(tape, x, 2.0);
  const Var z = ops::scale(tape, y, 3.0);
  const Var sum = ops::add(tape, ops::add(tape, z, y), ops::add(tape, x, x));  // 6x + 2x + 2x
  std::fill_n(tape.adjoint(sum).data, sum.size(), 1.0);
  tape.backward();
  for (std::size_t l = 0; l < kLanes; ++l) CHECK(tape.adjoint(x).data[l] == 10);
}

TEST_CASE("several variables can be seeded, and one that nothing reaches is passed over") {
  Tape<double> tape(true);
  const Var x = filled(tape, 1, 1, 1);
  const Var y = ops::scale(tape, x, 2.0);
  const Var unused = ops::scale(tape, x, 100.0);
  const Var z = ops::scale(tape, y, 3.0);
  std::fill_n(tape.adjoint(y).data, y.size(), 1.0);
  std::fill_n(tape.adjoint(z).data, z.size(), 10.0);
  tape.backward();
  CHECK(tape.adjoint(x).data[3] == 62);  // 2 * 1 + 6 * 10
  CHECK(tape.adjoint(unused).fresh);
}

TEST_CASE("a pass after another does not see its adjoints") {
  Tape<double> tape(true);
  for (int i = 0; i < 3; ++i) {
    tape.clear();
    const Var x = filled(tape, 1, 1, 1);
    const Var y = ops::scale(tape, x, 2.0);
    CHECK(tape.adjoint(y).fresh);
    std::fill_n(tape.adjoint(y).data, y.size(), 1.0);
    tape.backward();
    CHECK(tape.adjoint(x).data[0] == 2);
  }
}

}  // namespace
}  // namespace iflow
