#include "mixture/knothe_rosenblatt.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/normal.h"
#include "mixture/mixture_fixture.h"

namespace iflow {
namespace {

struct Image {
  std::vector<double> z;
  double log_det;
};

Image image_of(const KnotheRosenblatt& map, const std::vector<double>& row) {
  const std::size_t d = row.size();
  const AlignedVector<double> x = lanes_of(row.data(), d);
  AlignedVector<double> z(d * kLanes), log_det(kLanes);
  map.forward(x.data(), z.data(), log_det.data());
  Image image{{}, log_det[0]};
  for (std::size_t i = 0; i < d; ++i) image.z.push_back(z[i * kLanes]);
  return image;
}

std::vector<double> inverse_of(const KnotheRosenblatt& map, const std::vector<double>& z) {
  AlignedVector<double> x(z.size() * kLanes);
  map.inverse(lanes_of(z.data(), z.size()).data(), x.data());
  std::vector<double> row;
  for (std::size_t i = 0; i < z.size(); ++i) row.push_back(x[i * kLanes]);
  return row;
}

double log_normal(const std::vector<double>& z) {
  double sum = 0;
  for (const double zi : z) sum -= 0.5 * zi * zi + kernels::kHalfLogTwoPi;
  return sum;
}

TEST_CASE("ln N(z) + ln |det| is the mixture's density") {
  for (const std::size_t d : {1, 2, 3, 6}) {
    const GaussianMixture mixture = example_mixture(d);
    const KnotheRosenblatt map(mixture);
    for (const double scale : {1.0, 4.0, 10.0}) {
      for (std::uint64_t key = 0; key < 20; ++key) {
        const std::vector<double> row = normal_numbers(key, d, scale);
        const Image image = image_of(map, row);
        CHECK(std::fabs(log_normal(image.z) + image.log_det -
                        plain_log_density(mixture, row.data())) < 1e-12 * (1 + scale * scale / 4));
      }
    }
  }
}

TEST_CASE("the log-determinant is that of differences") {
  for (const std::size_t d : {1, 2, 4}) {
    const KnotheRosenblatt map(example_mixture(d));
    for (std::uint64_t key = 0; key < 10; ++key) {
      const std::vector<double> row = normal_numbers(key, d, 2);
      double sum = 0;  // of a triangular Jacobian's diagonal
      for (std::size_t i = 0; i < d; ++i) {
        std::vector<double> low = row, high = row;
        low[i] -= 1e-5;
        high[i] += 1e-5;
        sum += std::log((image_of(map, high).z[i] - image_of(map, low).z[i]) / 2e-5);
        for (std::size_t j = 0; j < i; ++j)
          CHECK(image_of(map, high).z[j] == image_of(map, row).z[j]);
      }
      CHECK(image_of(map, row).log_det == doctest::Approx(sum).epsilon(1e-6));
    }
  }
}

TEST_CASE("the inverse undoes the map, ten standard deviations out and between clusters") {
  for (const std::size_t d : {1, 2, 5}) {
    const KnotheRosenblatt map(example_mixture(d));
    for (const double scale : {0.3, 1.0, 3.0, 10.0}) {
      for (std::uint64_t key = 0; key < 20; ++key) {
        const std::vector<double> row = normal_numbers(key, d, scale);
        const Image image = image_of(map, row);
        const std::vector<double> back = inverse_of(map, image.z);
        std::vector<double> bounds(d);
        map.bound_inverse(back, image.z, 0, bounds);
        for (std::size_t i = 0; i < d; ++i) {
          CHECK(std::fabs(back[i] - row[i]) < 1e-8);
          // z is the exact row's but for rounding, which the bound of the inverse leaves out.
          CHECK(bounds[i] < 1e-5);
        }
      }
    }
  }
}

TEST_CASE("the bound covers the inverse of anything within the error of z") {
  const std::size_t d = 3;
  const KnotheRosenblatt map(example_mixture(d));
  for (const double error : {1e-9, 1e-6, 1e-4}) {
    for (std::uint64_t key = 0; key < 20; ++key) {
      const std::vector<double> z = normal_numbers(key, d);
      const std::vector<double> x = inverse_of(map, z);
      std::vector<double> bounds(d);
      map.bound_inverse(x, z, error, bounds);
      for (int corner = 0; corner < 8; ++corner) {
        std::vector<double> moved = z;
        for (std::size_t i = 0; i < d; ++i) moved[i] += (corner >> i & 1) ? error : -error;
        const std::vector<double> other = inverse_of(map, moved);
        for (std::size_t i = 0; i < d; ++i) {
          CHECK(std::fabs(other[i] - x[i]) <= bounds[i] * (1 + 1e-6) + 1e-14);
        }
      }
      // and is no vague one in the first column, where there is nothing to propagate
      const double slope = std::fabs(inverse_of(map, {z[0] + error, z[1], z[2]})[0] -
                                     inverse_of(map, {z[0] - error, z[1], z[2]})[0]) /
                           2;
      CHECK(bounds[0] < 4 * slope + 1e-10);
    }
  }
}

TEST_CASE("a wrong x is found out, and a hopeless error proves nothing") {
  const KnotheRosenblatt map(example_mixture(2));
  const std::vector<double> z = {0.4, -0.2};
  std::vector<double> x = inverse_of(map, z), bounds(2);
  x[0] += 0.01;
  map.bound_inverse(x, z, 0, bounds);
  CHECK(bounds[0] >= 0.01);
  map.bound_inverse(x, z, INFINITY, bounds);
  CHECK(bounds[0] == INFINITY);
  CHECK(bounds[1] == INFINITY);
}

TEST_CASE("finite and increasing up to a million standard deviations") {
  const KnotheRosenblatt map(example_mixture(2));
  for (const std::size_t column : {0, 1}) {
    double last = -INFINITY;
    for (int step = -600; step <= 600; ++step) {
      const double at = std::copysign(std::pow(10, std::abs(step) / 100.0) - 1, step);
      std::vector<double> row = {0.2, -0.1};
      row[column] = at;
      const Image image = image_of(map, row);
      CHECK(std::isfinite(image.log_det));
      CHECK(std::isfinite(image.z[1]));
      CHECK(image.z[column] > last);
      last = image.z[column];
    }
    CHECK(last > 1e4);
  }
}

TEST_CASE("a lane does not depend on its neighbours") {
  const std::size_t d = 3;
  const KnotheRosenblatt map(example_mixture(d));
  AlignedVector<double> z(d * kLanes), x(d * kLanes);
  const std::vector<double> numbers = normal_numbers(5, z.size());
  std::copy(numbers.begin(), numbers.end(), z.begin());
  map.inverse(z.data(), x.data());
  for (std::size_t l = 0; l < kLanes; ++l) {
    const std::vector<double> alone = inverse_of(map, {z[l], z[kLanes + l], z[2 * kLanes + l]});
    for (std::size_t i = 0; i < d; ++i) CHECK(alone[i] == x[i * kLanes + l]);
  }
}

}  // namespace
}  // namespace iflow
