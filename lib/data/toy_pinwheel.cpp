#include <algorithm>
#include <cmath>
#include <numbers>

#include "data/toy_math.h"
#include "data/toy_recipes.h"

// With complex numbers the recipe reads x / 2 = f exp(-i a), a = 2 pi l / 5 + .25 exp(f1): a
// rotation, so that |f| = |x| / 2. Write x / 2 = rho exp(i phi) and f = rho exp(i psi). Then the
// preimages of x under all five arms are the psi in [-pi, pi) with
//   G(psi) = psi - .25 exp(rho cos psi) = phi (mod 2 pi / 5),
// and the Jacobian of arm l is |dx/df| = 4 |1 + .25 exp(f1) f2| = 4 |G'(psi)|.
// G rises on the whole circle or, for rho above about 1.7, falls between two turning points.

namespace iflow {

namespace {

using std::numbers::pi;

constexpr double kArms = 5;
constexpr double kSpacing = 2 * pi / kArms;
constexpr double kRate = 0.25;
constexpr double kRadialNoise = 0.3;
constexpr double kTangentialNoise = 0.1;
// Beyond it p < 1e-118 and the preimages number thousands.
constexpr double kFarRho = 8;
// On a fold G' = 0 and p is infinite; rounding leaves |G'| uncertain by about this much there.
constexpr double kFoldSlope = 1e-8;

// A function's value and derivative at one point.
struct Jet {
  double value;
  double slope;
};

// The zero of a function that is monotone on [lo, hi]: Newton's method, halving the bracket where
// Newton would leave it. Without a change of sign, which only rounding can cause here, it ends at
// the nearer end.
template <class Function>
double monotone_zero(const Function& f, double lo, double hi) {
  const bool rising = f(lo).value < f(hi).value;
  double x = (lo + hi) / 2;
  for (int step = 0; step < 100; ++step) {
    const Jet y = f(x);
    ((y.value < 0) == rising ? lo : hi) = x;
    double next = x - y.value / y.slope;
    if (!(lo < next && next < hi)) next = (lo + hi) / 2;
    if (std::abs(next - x) <= 1e-15 * std::abs(x)) return next;
    x = next;
  }
  return x;
}

// The circle |f| = rho and the map G on it.
class ArmAngle {
 public:
  explicit ArmAngle(double rho) : rho_(rho) {}

  // G and G'.
  Jet angle(double psi) const {
    const double turn = kRate * std::exp(rho_ * std::cos(psi));
    return {psi - turn, 1 + turn * rho_ * std::sin(psi)};
  }
  // G' and G''.
  Jet slope(double psi) const {
    const double sine = std::sin(psi);
    const double cosine = std::cos(psi);
    const double turn = kRate * std::exp(rho_ * cosine);
    return {1 + turn * rho_ * sine, turn * rho_ * (cosine - rho_ * sine * sine)};
  }
  // Where G' is least, in [-pi / 2, 0): cos psi = rho sin^2 psi.
  double steepest_fall() const {
    return -std::acos(2 * rho_ / (1 + std::sqrt(1 + 4 * rho_ * rho_)));
  }

 private:
  double rho_;
};

// Calls visit(psi) for every psi in [-pi, pi) with G(psi) = phi (mod 2 pi / 5).
template <class Visit>
void for_each_preimage(const ArmAngle& arm, double phi, const Visit& visit) {
  // Values of G are counted in arms: G(psi) = phi + kSpacing * level, level a whole number.
  const auto level = [&](double psi) { return (arm.angle(psi).value - phi) / kSpacing; };
  const auto visit_levels = [&](double from, double to, double lo, double hi) {
    for (double k = from; k <= to; ++k) {
      const auto miss = [&](double psi) {
        const Jet g = arm.angle(psi);
        return Jet{g.value - phi - k * kSpacing, g.slope};
      };
      visit(monotone_zero(miss, lo, hi));
    }
  };
  // Once round the circle G gains 2 pi: from the first to the last level there are five steps,
  // counted here and not at +pi, where rounding might lose one or count it twice.
  const double first = std::ceil(level(-pi));
  const double last = first + kArms - 1;

  const double fall = arm.steepest_fall();
  if (arm.slope(fall).value >= 0) {
    visit_levels(first, last, -pi, pi);
    return;
  }
  const auto slope = [&](double psi) { return arm.slope(psi); };
  const double peak = monotone_zero(slope, -pi, fall);
  const double valley = monotone_zero(slope, fall, 0);
  visit_levels(first, std::floor(level(peak)), -pi, peak);
  visit_levels(std::ceil(level(valley)), std::floor(level(peak)), peak, valley);
  visit_levels(std::ceil(level(valley)), last, valley, pi);
}

double square(double x) { return x * x; }

// ln p(f) of f = (1 + .3 N, .1 N).
double log_density_f(double f1, double f2) {
  return -(square((f1 - 1) / kRadialNoise) + square(f2 / kTangentialNoise)) / 2 -
         std::log(2 * pi * kRadialNoise * kTangentialNoise);
}

// The mean of p over the angle of x, which is that of p(f) / 4 over the angle of f, by Laplace's
// method about psi = 0.
double log_mean_density(double rho) {
  // - d^2/dpsi^2 ln p(f) at psi = 0, over rho^2
  const double curvature = 1 / square(kTangentialNoise) - (1 - 1 / rho) / square(kRadialNoise);
  return log_density_f(rho, 0) - std::log(std::sqrt(2 * pi * curvature)) - std::log(rho) -
         std::log(4.0);
}

}  // namespace

std::array<double, 2> draw_pinwheel(Rng& rng) {
  const double n1 = rng.normal();
  const double n2 = rng.normal();
  const double f1 = 1 + kRadialNoise * n1;
  const double f2 = kTangentialNoise * n2;
  const double a = kSpacing * static_cast<double>(rng.below(5)) + kRate * std::exp(f1);
  return {2 * (f1 * std::cos(a) + f2 * std::sin(a)), 2 * (-f1 * std::sin(a) + f2 * std::cos(a))};
}

double log_density_pinwheel(double x1, double x2) {
  const double rho = std::hypot(x1, x2) / 2;
  if (rho > kFarRho) return log_mean_density(rho);

  const ArmAngle arm(rho);
  LogSumExp sum;
  for_each_preimage(arm, std::atan2(x2, x1), [&](double psi) {
    const double slope = std::max(std::abs(arm.angle(psi).slope), kFoldSlope);
    sum.add(log_density_f(rho * std::cos(psi), rho * std::sin(psi)) - std::log(slope));
  });
  return sum.value() - std::log(kArms * 4);
}

}  // namespace iflow
