// What every layer must be: a bijection whose log-determinant, gradients and inverse agree with
// what it does to numbers. A new kind of layer joins by a row of the table.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "flow/flow_fixture.h"
#include "support/gradient_check.h"

namespace iflow {
namespace {

struct Row {
  std::string name;
  std::size_t dimension;
  LayerConfig config;
  std::size_t condition = 0;

  // Of the residual block or of the conditioner, else empty.
  std::string activation() const {
    if (const auto* block = std::get_if<ResidualBlockConfig>(&config)) {
      return block->branch.activation;
    }
    if (const auto* block = std::get_if<ConvolutionalBlockConfig>(&config)) {
      return block->branch.activation;
    }
    const auto* coupling = std::get_if<CouplingConfig>(&config);
    return coupling ? coupling->activation : "";
  }
  bool is_coupling() const { return std::holds_alternative<CouplingConfig>(config); }
  // Whether what differences see has kinks: a spline's slope has them at its knots.
  bool kinks() const {
    const auto* coupling = std::get_if<CouplingConfig>(&config);
    return has_kinks(activation()) || (coupling && coupling->kind == CouplingKind::kSpline);
  }
};

std::vector<Row> table() {
  std::vector<Row> rows;
  for (const std::size_t d : {1, 2, 3, 5, 16}) {
    const std::string suffix = ", d = " + std::to_string(d);
    rows.push_back({"standardise" + suffix, d, standardise_config(d)});
    rows.push_back({"bounds" + suffix, d, interval_config(d)});
    rows.push_back({"whiten" + suffix, d, whiten_config(d)});
    rows.push_back({"actnorm" + suffix, d, ActNormConfig{}});
    rows.push_back({"plu" + suffix, d, PluConfig{}});
    for (const auto& [kind, name] : coupling_names()) {
      if (d < 2) break;
      for (const bool from_second : {false, true}) {
        rows.push_back({name + " coupling" + (from_second ? ", from second" : "") + suffix, d,
                        coupling_config(kind, from_second)});
      }
    }
    for (const std::string& activation : activation_names()) {
      rows.push_back({"residual, " + activation + suffix, d,
                      ResidualBlockConfig{branch_config(d, {6, 5}, activation)}});
    }
  }
  for (const ImageShape image : {ImageShape{2, 4, 1}, ImageShape{2, 4, 2}, ImageShape{3, 3, 2}}) {
    const std::size_t d = image.size();
    const std::string suffix = ", " + std::to_string(image.height) + " x " +
                               std::to_string(image.width) + " x " + std::to_string(image.channels);
    rows.push_back({"actnorm of channels" + suffix, d, ActNormConfig{image.channels}});
    if (image.height % 2 == 0) rows.push_back({"squeeze" + suffix, d, SqueezeConfig{image}});
    if (image.channels > 1) rows.push_back({"factor out" + suffix, d, FactorOutConfig{image}});
    for (const std::string& activation : activation_names()) {
      rows.push_back(
          {"convolutional, " + activation + suffix, d, convolutional_config(image, activation)});
    }
  }
  for (const auto& [kind, name] : coupling_names()) {
    const ImageShape squeezed{2, 2, 4}, colour{2, 3, 3};
    const std::string suffix = " coupling of images, ";
    rows.push_back({name + suffix + "checkerboard", squeezed.size(),
                    image_coupling_config(kind, squeezed, ChannelMask::kCheckerboard, false)});
    rows.push_back({name + suffix + "halves", squeezed.size(),
                    image_coupling_config(kind, squeezed, ChannelMask::kHalves, true)});
    rows.push_back({name + suffix + "uneven halves", colour.size(),
                    image_coupling_config(kind, colour, ChannelMask::kHalves, true)});
  }
  rows.push_back({"plu of channels", 18, PluConfig{3}});
  // beyond the dimension up to which Newton inverts
  rows.push_back(
      {"residual, sine, d = 20", 20, ResidualBlockConfig{branch_config(20, {6, 5}, "sine")}});
  for (const std::size_t d : {1, 3, 20}) {
    rows.push_back({"residual, conditional, d = " + std::to_string(d), d,
                    ResidualBlockConfig{branch_config(d, {6, 5}, "sine")}, 2});
  }
  for (const auto& [kind, name] : coupling_names()) {
    rows.push_back({name + " coupling, conditional", 3, coupling_config(kind, false), 2});
  }
  return rows;
}

// The layer, in a flow whose second layer makes sure that there is something to learn.
class LayerFixture {
 public:
  explicit LayerFixture(const Row& row)
      : flow_(conditional({row.dimension, {row.config, ActNormConfig{}}}, row.condition)),
        dimension_(row.dimension),
        condition_(same_for_all_lanes(random_condition(flow_.config, 1))) {}

  const Layer<double>& layer() const { return flow_.flow.layer(0); }
  const ParameterLayout& layout() const { return flow_.flow.layout(); }
  const std::vector<double>& values() const { return flow_.values; }
  const Certificate& certificate() const { return flow_.certificate.layers[0]; }
  const double* condition() const { return condition_.data(); }

  // y and ln |det| of one row.
  std::vector<double> forward(const std::vector<double>& row, double* log_det = nullptr) const {
    Tape<double> tape(false);
    const Var x = tape.variable(dimension_, 1);
    rows_to_lanes(row.data(), 1, dimension_, tape.value(x));
    const Transformed result = layer().forward(pass(tape), x);
    if (log_det != nullptr) *log_det = tape.value(result.log_det)[0];
    std::vector<double> y(dimension_);
    lanes_to_rows(tape.value(result.y), 1, dimension_, y.data());
    return y;
  }

  // Wherever y is.
  double inverse_lipschitz() const {
    const std::vector<double> y(dimension_ * kLanes, 0);
    return layer().inverse_lipschitz(certificate(), values().data(), y.data(),
                                     std::numeric_limits<double>::infinity());
  }

  // Of the inverse. Rows of 8 columns and more are 10 to 40 long: what rounding can do to a
  // residual of that size, over 1 - L, comes to 1e-12 itself.
  double tolerance() const { return dimension_ < 8 ? 1e-12 : 1e-11; }

  std::vector<double> inverse(const std::vector<double>& rows, std::size_t n) const {
    Tape<double> tape(false);
    const Var y = tape.variable(dimension_, groups_for(n));
    rows_to_lanes(rows.data(), n, dimension_, tape.value(y));
    const Inverted x = layer().inverse(pass(tape), y, certificate(), {tolerance(), 1000});
    for (std::size_t i = 0; x.rows != nullptr && i < n; ++i) CHECK(x.rows[i].converged);
    std::vector<double> result(n * dimension_);
    lanes_to_rows(tape.value(x.x), n, dimension_, result.data());
    return result;
  }

 private:
  Pass<double> pass(Tape<double>& tape) const {
    return {tape, layout(), values().data(), nullptr, condition()};
  }
  static AlignedVector<double> same_for_all_lanes(AlignedVector<double> lanes) {
    for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i] = lanes[i / kLanes * kLanes];
    return lanes;
  }

  FlowFixture flow_;
  std::size_t dimension_;
  AlignedVector<double> condition_;  // of one group
};

constexpr std::size_t kRows = 5;

std::vector<double> row_of(const std::vector<double>& rows, std::size_t i, std::size_t d) {
  const auto first = rows.begin() + static_cast<std::ptrdiff_t>(i * d);
  return {first, first + static_cast<std::ptrdiff_t>(d)};
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

TEST_CASE("every layer: the inverse undoes it") {
  for (const Row& row : table()) {
    INFO(row.name);
    const LayerFixture layer(row);
    const std::vector<double> x = random_rows(1, kRows, row.dimension);
    std::vector<double> y;
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::vector<double> yi = layer.forward(row_of(x, i, row.dimension));
      y.insert(y.end(), yi.begin(), yi.end());
    }
    const std::vector<double> back = layer.inverse(y, kRows);
    CHECK(distance(back, x) < 10 * layer.tolerance());
    CHECK(distance(y, x) > 1e-3);
  }
}

TEST_CASE("every layer: log_det is that of the numerical Jacobian") {
  for (const Row& row : table()) {
    INFO(row.name);
    const LayerFixture layer(row);
    const std::vector<double> x = random_rows(2, kRows, row.dimension);
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::vector<double> xi = row_of(x, i, row.dimension);
      double log_det = 0;
      layer.forward(xi, &log_det);
      const double expected =
          numerical_log_det([&](const std::vector<double>& at) { return layer.forward(at); }, xi,
                            row.kinks() ? 1e-5 : 1e-3);
      CHECK(Tolerance{1e-7, 1e-7}.holds(log_det, expected));
    }
  }
}

TEST_CASE("every layer: gradients of what it does and of its log_det") {
  for (const Row& row : table()) {
    INFO(row.name);
    const LayerFixture layer(row);
    const auto pass = [&](Tape<double>& tape, const Parameter<double>& p) {
      return Pass<double>{tape, layer.layout(), p.value, p.gradient, layer.condition()};
    };
    const CheckedFunction y = [&](Tape<double>& tape, std::span<const Var> x,
                                  std::span<const Parameter<double>> p) {
      return layer.layer().forward(pass(tape, p[0]), x[0]).y;
    };
    const CheckedFunction log_det = [&](Tape<double>& tape, std::span<const Var> x,
                                        std::span<const Parameter<double>> p) {
      return layer.layer().forward(pass(tape, p[0]), x[0]).log_det;
    };
    const CheckedInput x = random_input("x", row.dimension, 1, 3);
    const CheckedParameter p{"parameters", 1, layer.layout().size(), layer.values(),
                             &layer.layout()};
    expect_gradient(y, {x}, {p}, row.kinks() ? gradient_tolerances("relu") : GradientTolerances{});
    expect_gradient(log_det, {x}, {p},
                    row.kinks() ? gradient_tolerances("relu") : GradientTolerances{});
  }
}

TEST_CASE("every layer: inverse_lipschitz bounds how far the inverse spreads rows") {
  for (const Row& row : table()) {
    if (row.is_coupling()) continue;  // which have no such constant: coupling.h
    INFO(row.name);
    const LayerFixture layer(row);
    const double bound = layer.inverse_lipschitz();
    const std::vector<double> x = random_rows(4, 60, row.dimension);
    double largest = 0;
    for (std::size_t i = 0; i + 1 < 60; ++i) {
      const std::vector<double> a = row_of(x, i, row.dimension);
      std::vector<double> b = row_of(x, i + 1, row.dimension);
      if (i % 2 == 0) {  // a close pair
        for (std::size_t j = 0; j < b.size(); ++j) b[j] = a[j] + 1e-4 * (b[j] - a[j]);
      }
      largest = std::max(largest, distance(a, b) / distance(layer.forward(a), layer.forward(b)));
    }
    CHECK(largest <= bound * (1 + 1e-9));
    CHECK(std::isfinite(bound));
  }
}

}  // namespace
}  // namespace iflow
