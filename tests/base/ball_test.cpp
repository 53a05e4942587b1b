#include "base/ball.h"

#include <doctest/doctest.h>

#include <functional>

#include "base/rng.h"

namespace iflow {
namespace {

using Wide = long double;

// A number in [-10, 10] with a radius of any size, 0 included, and a number within it.
struct Sample {
  Ball ball;
  Wide inside;
};

Sample draw(Rng& rng) {
  const double mid = 20 * rng.uniform() - 10;
  const double rad = rng.uniform() < 0.2 ? 0 : std::exp(-25 * rng.uniform());
  const double part = rng.uniform() < 0.3 ? 1 - 1e-6 : rng.uniform();
  return {{mid, rad}, mid + (rng.uniform() < 0.5 ? -1 : 1) * Wide(part) * rad};
}

bool encloses(Ball ball, Wide x) { return std::fabs(x - ball.mid) <= ball.rad; }

TEST_CASE("ball: what an operation encloses is what it gives anywhere inside") {
  Rng rng(1, RngPurpose::kTest);
  std::size_t outside = 0, loose = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto [a, x] = draw(rng);
    const auto [b, y] = draw(rng);
    const auto check = [&](Ball ball, Wide exact) {
      if (!encloses(ball, exact)) ++outside;
      if (a.rad + b.rad == 0 && ball.rad > 1e-14 * (std::fabs(ball.mid) + 1)) ++loose;
    };
    check(a + b, x + y);
    check(a - b, x - y);
    check(a * b, x * y);
    if (std::fabs(b.mid) > b.rad) check(a / b, x / y);
    check(exp(a), std::exp(x));
    check(tanh(a), std::tanh(x));
    check(sigmoid(a), 1 / (1 + std::exp(-x)));
    check(softplus(a), std::log1p(std::exp(x)));
    if (x >= 0) check(sqrt(a), std::sqrt(x));
    if (!encloses(hull(a, b), x) || !encloses(hull(a, b), y)) ++outside;
    CHECK(a.magnitude() >= std::fabs(static_cast<double>(x)));
    CHECK(a.distance_from(b.mid) >= static_cast<double>(std::fabs(x - b.mid)) * (1 - 1e-15));
  }
  CHECK(outside == 0);
  CHECK(loose == 0);
}

TEST_CASE("ball: a divisor that can be zero leaves nothing known") {
  CHECK(std::isinf((Ball(1) / Ball(0.5, 0.5)).rad));
  CHECK(std::isinf((Ball(1) / Ball(0)).rad));
  CHECK_FALSE((Ball(0) * (Ball(1) / Ball(0))).magnitude() < 1e300);
}

}  // namespace
}  // namespace iflow
