#include "data/toy.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/toy_math.h"

namespace iflow {
namespace {

using std::numbers::pi;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// All toys keep their mass within [-kHalf, kHalf]^2, but for less than 1e-9.
constexpr double kHalf = 6;
constexpr double kCell = 0.25;
constexpr int kCells = 48;  // a side
constexpr int kNodes = 6;   // a side of a cell

// Integrals over the square: a Gauss-Legendre product rule in every cell.
struct Integrals {
  std::vector<double> cell_mass = std::vector<double>(kCells * kCells);
  double mass = 0;
  double entropy = 0;
};

Integrals integrate(const Toy& toy) {
  std::vector<double> edges;
  for (int j = 0; j <= kCells; ++j) edges.push_back(-kHalf + kCell * j);
  const Quadrature q = gauss_legendre(edges, kNodes);
  Integrals result;
  for (int i = 0; i < kCells * kNodes; ++i) {
    for (int j = 0; j < kCells * kNodes; ++j) {
      const double log_p = toy.log_density(q.nodes[i], q.nodes[j]);
      if (log_p == -kInfinity) continue;
      const double mass = std::exp(log_p) * q.weights[i] * q.weights[j];
      result.cell_mass[(i / kNodes) * kCells + j / kNodes] += mass;
      result.mass += mass;
      result.entropy -= mass * log_p;
    }
  }
  return result;
}

// Pearson's chi-square of the samples against the cells' masses, as a standard normal (Wilson,
// Hilferty 1931). Cells that expect fewer than ten samples, and all outside, are thrown together.
double chi_square_z(const std::vector<double>& rows, const std::vector<double>& cell_mass) {
  std::vector<double> count(cell_mass.size());
  double rest_count = 0;
  for (std::size_t i = 0; i < rows.size(); i += 2) {
    const double c1 = std::floor((rows[i] + kHalf) / kCell);
    const double c2 = std::floor((rows[i + 1] + kHalf) / kCell);
    if (0 <= c1 && c1 < kCells && 0 <= c2 && c2 < kCells) {
      count[static_cast<std::size_t>(c1 * kCells + c2)] += 1;
    } else {
      rest_count += 1;
    }
  }
  const double n = static_cast<double>(rows.size()) / 2;
  double rest_expected = n;
  double chi_square = 0;
  int used = 0;
  for (std::size_t c = 0; c < count.size(); ++c) {
    const double expected = n * cell_mass[c];
    if (expected >= 10) {
      chi_square += (count[c] - expected) * (count[c] - expected) / expected;
      rest_expected -= expected;
      ++used;
    } else {
      rest_count += count[c];
    }
  }
  double freedom = used - 1;
  if (rest_expected >= 10) {
    chi_square += (rest_count - rest_expected) * (rest_count - rest_expected) / rest_expected;
    freedom += 1;
  } else {
    CHECK(rest_count < 30);
  }
  const double spread = 2 / (9 * freedom);
  return (std::cbrt(chi_square / freedom) - (1 - spread)) / std::sqrt(spread);
}

// Simpson's rule with n (even) intervals, in long double.
double simpson(double from, double to, int n, const std::function<double(double)>& f) {
  long double sum = f(from) + f(to);
  for (int k = 1; k < n; ++k) sum += (k % 2 == 1 ? 4 : 2) * f(from + (to - from) * k / n);
  return static_cast<double>(sum * (to - from) / (3 * n));
}

double normal_density(double x, double sd) {
  return std::exp(-x * x / (2 * sd * sd)) / (std::sqrt(2 * pi) * sd);
}

double slow_moons(double x1, double x2) {
  return simpson(0, pi, 60000, [&](double t) {
    const double upper = normal_density((x1 + 1) / 2 - std::cos(t), 0.1) *
                         normal_density((x2 + 0.2) / 2 - std::sin(t), 0.1);
    const double lower = normal_density((x1 + 1) / 2 - 1 + std::cos(t), 0.1) *
                         normal_density((x2 + 0.2) / 2 - 0.5 + std::sin(t), 0.1);
    return (upper + lower) / 2 / pi / 4;
  });
}

double slow_swissroll(double x1, double x2) {
  return simpson(0, 1, 60000, [&](double u) {
    const double t = 1.5 * pi * (1 + 2 * u);
    return 25 * normal_density(5 * x1 - t * std::cos(t), 1) *
           normal_density(5 * x2 - t * std::sin(t), 1);
  });
}

// The uniform draws stay an integral here: no error function. U = v^2, m = 3 pi v, dU = 2 v dv.
double slow_2spirals(double x1, double x2) {
  static const Quadrature box = gauss_legendre({0, 1}, 16);
  const auto blurred = [](double y) {
    double sum = 0;
    for (std::size_t k = 0; k < box.nodes.size(); ++k) {
      sum += box.weights[k] * normal_density(y - 0.5 / 3 * box.nodes[k], 0.1);
    }
    return sum;
  };
  return simpson(0, 1, 40000, [&](double v) {
    const double m = 3 * pi * v;
    const double c1 = -m * std::cos(m) / 3;
    const double c2 = m * std::sin(m) / 3;
    return v * (blurred(x1 - c1) * blurred(x2 - c2) + blurred(-x1 - c1) * blurred(-x2 - c2));
  });
}

double pinwheel_f_density(std::complex<double> f) {
  return normal_density(f.real() - 1, 0.3) * normal_density(f.imag(), 0.1);
}

// Tries every angle of f in small steps, arm by arm, and bisects wherever f exp(-ia) crosses the
// direction of x; the Jacobian is a difference quotient.
double slow_pinwheel(double x1, double x2) {
  constexpr int kSteps = 20000;
  const std::complex<double> half(x1 / 2, x2 / 2);
  const double rho = std::abs(half);
  double density = 0;
  for (int arm = 0; arm < 5; ++arm) {
    const auto image = [&](std::complex<double> f) {
      return f * std::polar(1.0, -(2 * pi * arm / 5 + 0.25 * std::exp(f.real())));
    };
    const auto turn = [&](double psi) { return image(std::polar(rho, psi)) * std::conj(half); };
    for (int k = 0; k < kSteps; ++k) {
      double lo = -pi + 2 * pi * (k - 0.5) / kSteps;
      double hi = -pi + 2 * pi * (k + 0.5) / kSteps;
      const bool crosses = (turn(lo).imag() < 0) != (turn(hi).imag() < 0) && turn(lo).real() > 0;
      if (!crosses) continue;
      for (int halving = 0; halving < 60; ++halving) {
        const double middle = (lo + hi) / 2;
        ((turn(middle).imag() < 0) == (turn(lo).imag() < 0) ? lo : hi) = middle;
      }
      const std::complex<double> f = std::polar(rho, lo);
      const double h = 1e-4;
      const auto d = [&](std::complex<double> step) {  // fourth order
        return (8.0 * (image(f + h * step) - image(f - h * step)) -
                (image(f + 2 * h * step) - image(f - 2 * h * step))) /
               (12 * h);
      };
      const double jacobian = 4 * std::abs((std::conj(d(1)) * d({0, 1})).imag());
      density += pinwheel_f_density(f) / 5 / jacobian;
    }
  }
  return density;
}

// Points to compare at: some samples, and each moved away by `reach`.
std::vector<std::array<double, 2>> points_near(const Toy& toy, std::size_t n, double reach) {
  const std::vector<double> rows = toy.sample(5, 0, n);
  std::vector<std::array<double, 2>> points;
  for (std::size_t i = 0; i < n; ++i) {
    const double x1 = rows[2 * i];
    const double x2 = rows[2 * i + 1];
    const double angle = static_cast<double>(i);
    points.push_back({x1, x2});
    points.push_back({x1 + reach * std::cos(angle), x2 + reach * std::sin(angle)});
  }
  return points;
}

void check_against(const Toy& toy, double (*slow)(double, double), std::size_t n, double reach,
                   double tolerance) {
  for (const std::array<double, 2>& x : points_near(toy, n, reach)) {
    const double x1 = x[0];
    const double x2 = x[1];
    CAPTURE(x1);
    CAPTURE(x2);
    CHECK(std::abs(toy.log_density(x1, x2) - std::log(slow(x1, x2))) < tolerance);
  }
}

}  // namespace

TEST_CASE("toy: the names") {
  CHECK(toy_names() == std::vector<std::string>{"moons", "circles", "rings", "8gaussians",
                                                "pinwheel", "2spirals", "checkerboard",
                                                "swissroll"});
  for (const std::string& name : toy_names()) CHECK(find_toy(name).name() == name);
}

TEST_CASE("toy: an unknown name lists the known ones, the nearest first") {
  CHECK_THROWS_WITH_AS(find_toy("ring"),
                       "unknown toy data set \"ring\"; choose one of rings, moons, circles, "
                       "pinwheel, 2spirals, 8gaussians, swissroll, checkerboard",
                       UsageError);
  for (const std::string wrong : {"spirals", "2spiral", "two_spirals"}) {
    try {
      find_toy(wrong);
      FAIL("found " << wrong);
    } catch (const UsageError& error) {
      CHECK(std::string(error.what()).find("choose one of 2spirals,") != std::string::npos);
    }
  }
  CHECK_THROWS_AS(find_toy(""), UsageError);
}

TEST_CASE("toy: a row depends on the seed, the toy and its own index alone") {
  for (const std::string& name : toy_names()) {
    CAPTURE(name);
    const Toy& toy = find_toy(name);
    const std::vector<double> all = toy.sample(7, 0, 100);
    REQUIRE(all.size() == 200);
    CHECK(toy.sample(7, 0, 10) == std::vector<double>(all.begin(), all.begin() + 20));
    CHECK(toy.sample(7, 40, 60) == std::vector<double>(all.begin() + 80, all.end()));
    CHECK(toy.sample(7, 99, 1) == std::vector<double>(all.end() - 2, all.end()));
    CHECK(toy.sample(7, 0, 0).empty());
    CHECK(toy.sample(8, 0, 100) != all);
  }
  // The recipes of circles and rings consume the same draws; their angles must still differ.
  const std::vector<double> circles = find_toy("circles").sample(7, 0, 1);
  const std::vector<double> rings = find_toy("rings").sample(7, 0, 1);
  CHECK(std::abs(std::atan2(circles[1], circles[0]) - std::atan2(rings[1], rings[0])) > 0.5);
}

TEST_CASE("toy: densities integrate to one, to the entropy, and to what the samples do") {
  for (const std::string& name : toy_names()) {
    CAPTURE(name);
    const Toy& toy = find_toy(name);
    const Integrals integrals = integrate(toy);
    // Beyond rounding and the rule's own error the pinwheel has folds, where p is infinite.
    CHECK(std::abs(integrals.mass - 1) < 1e-6);
    CHECK(std::abs(integrals.entropy - toy.entropy()) < 2e-6);

    constexpr std::size_t kRows = 100000;
    const std::vector<double> rows = toy.sample(2, 0, kRows);
    const double z = chi_square_z(rows, integrals.cell_mass);
    CHECK(std::abs(z) < 4);

    double sum = 0;
    double sum_of_squares = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      const double excess = -toy.log_density(rows[2 * i], rows[2 * i + 1]) - toy.entropy();
      sum += excess;
      sum_of_squares += excess * excess;
    }
    const double mean = sum / kRows;
    const double standard_error = std::sqrt((sum_of_squares / kRows - mean * mean) / kRows);
    CHECK(std::abs(mean) < 4 * standard_error + 1e-12);  // checkerboard's error is zero
    CHECK(standard_error < 0.004);
  }
}

TEST_CASE("toy: entropies to 1e-7" * doctest::skip()) {
  // As above with panels and nodes fine enough for the last stored digit; half a minute.
  constexpr int kPanels = 96;
  std::vector<double> edges;
  for (int j = 0; j <= kPanels; ++j) edges.push_back(-kHalf + 2 * kHalf * j / kPanels);
  const Quadrature q = gauss_legendre(edges, 12);
  for (const std::string& name : toy_names()) {
    CAPTURE(name);
    const Toy& toy = find_toy(name);
    double entropy = 0;
    for (std::size_t i = 0; i < q.nodes.size(); ++i) {
      for (std::size_t j = 0; j < q.nodes.size(); ++j) {
        const double log_p = toy.log_density(q.nodes[i], q.nodes[j]);
        if (log_p == -kInfinity) continue;
        entropy -= q.weights[i] * q.weights[j] * std::exp(log_p) * log_p;
      }
    }
    CHECK(std::abs(entropy - toy.entropy()) < 1e-7);
  }
}

TEST_CASE("toy: densities agree with slow and simple computations") {
  check_against(find_toy("moons"), slow_moons, 40, 7 * 0.2, 1e-10);
  check_against(find_toy("swissroll"), slow_swissroll, 40, 7 * 0.2, 1e-10);
  check_against(find_toy("2spirals"), slow_2spirals, 15, 7 * 0.1, 1e-10);
  check_against(find_toy("pinwheel"), slow_pinwheel, 10, 7 * 0.2, 1e-8);
}

TEST_CASE("toy: pinwheel at the centre") {
  // Five times, once per arm, f = 0 is mapped to 0 with the Jacobian 4.
  CHECK(find_toy("pinwheel").log_density(0, 0) ==
        doctest::Approx(std::log(pinwheel_f_density(0) / 4)).epsilon(1e-14));
}

TEST_CASE("toy: pinwheel finds every preimage, folds and the cut at the angle pi included") {
  const Toy& pinwheel = find_toy("pinwheel");
  for (const double rho : {1e-9, 0.1, 1.0, 1.69, 1.71, 2.2, 3.0, 5.0}) {
    for (const double angle : {0.0, 0.3, 1.9, 2.8915, 2.8925, -0.25, -1.5, -2.7, pi, -pi}) {
      const double x1 = 2 * rho * std::cos(angle);
      const double x2 = 2 * rho * std::sin(angle);
      CAPTURE(rho);
      CAPTURE(angle);
      CHECK(std::abs(pinwheel.log_density(x1, x2) - std::log(slow_pinwheel(x1, x2))) < 1e-7);
    }
  }
}

TEST_CASE("toy: pinwheel's mean over the angle of x is that over the angle of f") {
  const Toy& pinwheel = find_toy("pinwheel");
  const auto f_mean = [](double rho) {
    return simpson(-pi, pi, 20000,
                   [&](double psi) { return pinwheel_f_density(std::polar(rho, psi)); }) /
           (8 * pi);
  };
  for (const double rho : {0.2, 0.7, 1.0, 1.5}) {  // no folds, hence smooth
    constexpr int kAngles = 2000;
    double mean = 0;
    for (int k = 0; k < kAngles; ++k) {
      const double angle = 2 * pi * k / kAngles;
      mean += std::exp(pinwheel.log_density(2 * rho * std::cos(angle), 2 * rho * std::sin(angle)));
    }
    CHECK(mean / kAngles == doctest::Approx(f_mean(rho)).epsilon(1e-10));
  }
  for (const double rho : {8.5, 10.0}) {  // where the mean stands for the density
    CHECK(std::abs(pinwheel.log_density(0, 2 * rho) - std::log(f_mean(rho))) < 1e-3);
  }
}

TEST_CASE("toy: checkerboard is 1/32 on the black squares and zero elsewhere") {
  const Toy& board = find_toy("checkerboard");
  for (const auto& [x1, x2] : std::vector<std::array<double, 2>>{
           {-4, -4}, {-2.1, -2.1}, {-1, -1}, {1, 1}, {1, -3}, {3.9, 3.9}, {-3, 1}}) {
    CHECK(board.log_density(x1, x2) == -std::log(32.0));
  }
  for (const auto& [x1, x2] : std::vector<std::array<double, 2>>{
           {1, -1}, {-1, 1}, {3, 1}, {4, 4}, {4, 0}, {0, 4}, {-4.1, -4.1}, {5, 5}, {1e300, 1}}) {
    CHECK(board.log_density(x1, x2) == -kInfinity);
  }
}

TEST_CASE("toy: the log-density is a number everywhere, also far away") {
  const double noise_of_checkerboard = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> noise = {
      0.2, 0.24, 0.08, 0.5 / 1.414, 2 * 0.3, 0.1, noise_of_checkerboard, 0.2};
  for (std::size_t k = 0; k < noise.size(); ++k) {
    const Toy& toy = find_toy(toy_names()[k]);
    CAPTURE(toy.name());
    for (const double r :
         {0.0, 1e-320, 1e-160, 0.5,  4.0,  8.0,   15.9,  16.1,  30.0,    1e2,
          1e3, 1e6,    1e15,   1e17, 1e77, 1e150, 1e160, 1e200, 1.7e308, kInfinity}) {
      for (const double s1 : {-1.0, -0.3, 0.0, 0.7, 1.0}) {
        for (const double s2 : {-1.0, 0.1, 1.0}) {
          const double x1 = s1 == 0 ? 0 : r * s1;
          const double x2 = r * s2;
          CAPTURE(x1);
          CAPTURE(x2);
          const double log_p = toy.log_density(x1, x2);
          CHECK(log_p < 4);  // neither NaN nor +inf
          if (toy.name() == "checkerboard") continue;
          if (r <= 1e150) CHECK(log_p > -kInfinity);
          const double distance = std::hypot(x1, x2);
          if (r >= 1e6 && r <= 1e150) {  // the noise decides
            CHECK(log_p ==
                  doctest::Approx(-distance * distance / (2 * noise[k] * noise[k])).epsilon(1e-4));
          }
        }
      }
    }
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(std::isnan(toy.log_density(nan, 0)));
    CHECK(std::isnan(toy.log_density(0, nan)));
  }
}

TEST_CASE("toy: densities far from the data are right to a hundredth of ln p") {
  for (const double r : {5.0, 6.5, 8.0}) {
    for (const double angle : {0.4, 2.0, 3.1, 4.5}) {
      const double x1 = r * std::cos(angle);
      const double x2 = r * std::sin(angle);
      CAPTURE(x1);
      CAPTURE(x2);
      CHECK(find_toy("moons").log_density(x1, x2) ==
            doctest::Approx(std::log(slow_moons(x1, x2))).epsilon(1e-4));
      CHECK(find_toy("swissroll").log_density(x1, x2) ==
            doctest::Approx(std::log(slow_swissroll(x1, x2))).epsilon(1e-4));
      if (r < 6) {  // beyond, the slow sum underflows
        CHECK(find_toy("2spirals").log_density(x1, x2) ==
              doctest::Approx(std::log(slow_2spirals(x1, x2))).epsilon(1e-4));
      }
    }
  }
}

TEST_CASE("toy: scaled Bessel function") {
  // e^-z I0(z) is the mean of exp(-z (1 - cos t)) over a period; the trapezoidal rule converges
  // geometrically.
  for (const double z : {0.0, 1e-9, 0.5, 1.0, 7.0, 19.999, 20.0, 20.001, 35.0, 700.0, 3000.0}) {
    constexpr int kPoints = 4000;
    double mean = 0;
    for (int k = 0; k < kPoints; ++k) {
      mean += std::exp(-z * (1 - std::cos(2 * pi * k / kPoints))) / kPoints;
    }
    CAPTURE(z);
    CHECK(std::abs(scaled_bessel_i0(z) / mean - 1) < 1e-13);
  }
  CHECK(scaled_bessel_i0(1) ==
        doctest::Approx(std::exp(-1) * 1.2660658777520083356).epsilon(1e-15));
  CHECK(scaled_bessel_i0(1e300) == doctest::Approx(1 / std::sqrt(2 * pi * 1e300)).epsilon(1e-14));
}

TEST_CASE("toy: scaled complementary error function") {
  // e^(z^2) erfc(z) = 2 / sqrt(pi) int_0^inf exp(-t^2 - 2 z t) dt.
  const Quadrature q = gauss_legendre({0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 5, 7}, 24);
  for (const double z : {0.0, 1e-9, 0.3, 1.0, 5.0, 19.999, 20.0, 20.001, 26.0, 60.0, 500.0}) {
    double integral = 0;
    for (std::size_t k = 0; k < q.nodes.size(); ++k) {
      integral += q.weights[k] * std::exp(-q.nodes[k] * (q.nodes[k] + 2 * z));
    }
    CAPTURE(z);
    CHECK(std::abs(scaled_erfc(z) / (2 / std::sqrt(pi) * integral) - 1) < 1e-12);
  }
  CHECK(scaled_erfc(1e200) == doctest::Approx(1 / (std::sqrt(pi) * 1e200)).epsilon(1e-14));
}

TEST_CASE("toy: n-point Gauss-Legendre quadrature is exact up to degree 2n - 1") {
  for (const int n : {1, 2, 5, 16, 24}) {
    const Quadrature q = gauss_legendre({-1, 0.5, 2}, n);
    REQUIRE(q.nodes.size() == static_cast<std::size_t>(2 * n));
    for (const int degree : {0, 1, 2 * n - 1}) {
      double sum = 0;
      for (std::size_t k = 0; k < q.nodes.size(); ++k) {
        sum += q.weights[k] * std::pow(q.nodes[k], degree);
      }
      const double exact = (std::pow(2, degree + 1) - std::pow(-1, degree + 1)) / (degree + 1);
      CHECK(sum == doctest::Approx(exact).epsilon(1e-13));
    }
    double over = 0;  // and not beyond
    for (std::size_t k = 0; k < q.nodes.size(); ++k) {
      over += q.weights[k] * std::pow(q.nodes[k], 2 * n);
    }
    const double exact = (std::pow(2, 2 * n + 1) + 1) / (2 * n + 1);
    if (n <= 5) CHECK(std::abs(over / exact - 1) > 1e-8);
  }
}

TEST_CASE("toy: ln sum exp") {
  LogSumExp sum;
  CHECK(sum.value() == -kInfinity);
  sum.add(-kInfinity);
  CHECK(sum.value() == -kInfinity);
  for (const double term : {-1000.0, -998.0, -kInfinity, -999.0}) sum.add(term);
  CHECK(sum.value() ==
        doctest::Approx(-998 + std::log(1 + std::exp(-1.0) + std::exp(-2.0))).epsilon(1e-15));
  sum.add(2000);
  CHECK(sum.value() == 2000);
}

}  // namespace iflow
