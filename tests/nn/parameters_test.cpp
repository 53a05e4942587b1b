#include "nn/parameters.h"

#include <doctest/doctest.h>

#include <vector>

namespace iflow {
namespace {

TEST_CASE("parameters stand one behind the other, each at the start of a cache line") {
  ParameterLayout layout;
  CHECK(layout.add("a", 3, 5, 0.9) == 0);
  CHECK(layout.add("b", 1, 1) == 1);
  CHECK(layout.add("c", 4, 8) == 2);
  CHECK(layout[0].name == "a");
  CHECK(layout[0].max_norm == 0.9);
  CHECK(layout[1].max_norm == 0);
  std::size_t end = 0;
  for (const ParameterInfo& info : layout.entries()) {
    CHECK(info.offset >= end);
    CHECK(info.offset % 16 == 0);
    end = info.offset + info.size();
  }
  CHECK(layout.size() >= end);
  CHECK(layout.count() == 3 * 5 + 1 + 4 * 8);
}

TEST_CASE("a pass hands out a parameter's numbers and where its gradient goes") {
  ParameterLayout layout;
  layout.add("a", 2, 2);
  const std::size_t b = layout.add("b", 3, 1);
  std::vector<double> values(layout.size()), gradients(layout.size());
  Tape<double> tape(false);
  const Parameter<double> p =
      Pass<double>{tape, layout, values.data(), gradients.data()}.parameter(b);
  CHECK(p.value == values.data() + layout[b].offset);
  CHECK(p.gradient == gradients.data() + layout[b].offset);
  CHECK(p.rows == 3);
  CHECK(p.columns == 1);
  CHECK(Pass<double>{tape, layout, values.data()}.parameter(b).gradient == nullptr);
}

}  // namespace
}  // namespace iflow
