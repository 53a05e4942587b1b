#include "flow/whiten.h"

#include <doctest/doctest.h>

#include "base/error.h"

namespace iflow {
namespace {

TEST_CASE("Whiten refuses what is no lower triangular factor") {
  CHECK_THROWS_AS(Whiten<double>({{1, 0, 0}}, 2), UsageError);
  CHECK_THROWS_AS(Whiten<double>({{1, 0.5, 0, 1}}, 2), UsageError);
  CHECK_THROWS_AS(Whiten<double>({{1, 0, 0.5, 0}}, 2), UsageError);
}

}  // namespace
}  // namespace iflow
