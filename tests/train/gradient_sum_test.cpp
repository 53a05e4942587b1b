#include "train/gradient_sum.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/parallel.h"
#include "base/rng.h"

namespace iflow {
namespace {

constexpr std::size_t kParameters = 37;

// Numbers of very different sizes, so that another order of adding gives other bits.
std::vector<std::vector<float>> gradients_of(std::size_t slices) {
  std::vector<std::vector<float>> gradients(slices, std::vector<float>(kParameters));
  Rng rng(1, RngPurpose::kTest, slices);
  for (std::vector<float>& gradient : gradients) {
    for (float& g : gradient) g = static_cast<float>(rng.normal() * (1 + 100 * rng.uniform()));
  }
  return gradients;
}

double fill(GradientSum& sum, const std::vector<std::vector<float>>& gradients) {
  return sum.fill([&](std::size_t slice, float* gradient) {
    std::copy(gradients[slice].begin(), gradients[slice].end(), gradient);
    return 1.0 + static_cast<double>(slice);
  });
}

TEST_CASE("gradient sum: the tree of every number of slices, written out") {
  for (std::size_t slices = 1; slices <= 8; ++slices) {
    const std::vector<std::vector<float>> g = gradients_of(slices);
    const auto tree = [&](std::size_t i) {
      const auto pair = [&](std::size_t first) {
        return first + 1 < slices ? g[first][i] + g[first + 1][i] : g[first][i];
      };
      const auto four = [&](std::size_t first) {
        return first + 2 < slices ? pair(first) + pair(first + 2) : pair(first);
      };
      return 4 < slices ? four(0) + four(4) : four(0);
    };
    GradientSum sum(slices, kParameters);
    CHECK(sum.slices() == slices);
    CHECK(fill(sum, g) == static_cast<double>(slices * (slices + 1)) / 2);
    const float* total = sum.total(0, kParameters);
    bool same = true;
    for (std::size_t i = 0; i < kParameters; ++i) same = same && total[i] == tree(i);
    INFO(slices, " slices");
    CHECK(same);
  }
}

TEST_CASE("gradient sum: the tree is not the sum in the slices' order") {
  const std::vector<std::vector<float>> g = gradients_of(8);
  GradientSum sum(8, kParameters);
  fill(sum, g);
  const float* total = sum.total(0, kParameters);
  bool same = true;
  for (std::size_t i = 0; i < kParameters; ++i) {
    float in_order = 0;
    for (const std::vector<float>& gradient : g) in_order += gradient[i];
    same = same && total[i] == in_order;
  }
  CHECK_FALSE(same);
}

TEST_CASE("gradient sum: parts give the bits of the whole, for any number of threads") {
  const std::vector<std::vector<float>> g = gradients_of(7);
  GradientSum whole(7, kParameters);
  fill(whole, g);
  const float* expected = whole.total(0, kParameters);
  const int before = threads();
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    GradientSum parts(7, kParameters);
    fill(parts, g);
    fill(parts, g);  // what was there before has no part in it
    constexpr std::size_t kCuts[] = {0, 5, 6, 30, kParameters};
    for (std::size_t piece = 0; piece + 1 < std::size(kCuts); ++piece) {
      const std::size_t begin = kCuts[piece], end = kCuts[piece + 1];
      const float* total = parts.total(begin, end - begin);
      for (std::size_t i = begin; i < end; ++i) CHECK(total[i - begin] == expected[i]);
    }
  }
  set_threads(before);
}

}  // namespace
}  // namespace iflow
