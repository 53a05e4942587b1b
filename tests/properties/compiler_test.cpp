#include <doctest/doctest.h>

#include <vector>

namespace iflow {
namespace {

// The first half of the numbers is 1, the rest 0.
template <class T>
void check_halves(const std::vector<T>& numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    CHECK(numbers[i] == T(i < numbers.size() / 2 ? 1 : 0));
  }
}

// GCC 12 gets this wrong without a flag of CMakeLists.txt.
TEST_CASE("compiler: constants that end in zeros keep them") {
  check_halves(std::vector<double>{1, 1, 0, 0});
  check_halves(std::vector<double>{1, 1, 1, 1, 0, 0, 0, 0});
  check_halves(std::vector<float>{1, 1, 1, 1, 0, 0, 0, 0});
  check_halves(std::vector<int>{1, 1, 1, 1, 0, 0, 0, 0});
}

}  // namespace
}  // namespace iflow
