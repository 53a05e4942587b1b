// What every layer must be: a bijection whose log-determinant, gradients and inverse agree with
// what it does to numbers. A new kind of layer joins by a row of the table.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "flow/flow_fixture.h"
#include "mixture/mixture_fixture.h"
#include "objective/likelihood.h"
#include "support/gradient_check.h"

namespace iflow {
namespace {

struct Row {
  std::string name;
  std::size_t dimension;  // of the layer
  LayerConfig config;
  std::size_t condition = 0;
  // Whether it stands behind a factor-out, which keeps the last half of a row for it.
  bool on_tail = false;

  std::size_t width() const { return on_tail ? 2 * dimension : dimension; }

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
  // Whether its inverse has a Lipschitz constant, of all rows: that of couplings and of mixtures
  // has none.
  bool has_constant() const {
    return !std::holds_alternative<CouplingConfig>(config) &&
           !std::holds_alternative<MixtureConfig>(config) &&
           !std::holds_alternative<ColumnMapsConfig>(config);
  }
  bool is_marginal() const { return std::holds_alternative<MarginalConfig>(config); }
  // Whether what differences see has kinks: a spline's slope has them at its knots, a
  // marginal jumps between its bins.
  bool kinks() const {
    const auto* coupling = std::get_if<CouplingConfig>(&config);
    return is_marginal() || has_kinks(activation()) ||
           (coupling && coupling->kind == CouplingKind::kSpline);
  }
};

// Every second column is mapped.
ColumnMapsConfig column_maps_config(std::size_t d) {
  const ColumnMixture spread{
      {std::log(0.6), std::log(0.39), std::log(0.01)}, {-1, 1.5, 0}, {0.5, 0.2, 4}};
  ColumnMapsConfig config;
  for (std::size_t j = 0; j < d; ++j) {
    config.columns.push_back(j % 2 == 0 ? spread : ColumnMixture{});
  }
  return config;
}

std::vector<Row> table() {
  std::vector<Row> rows;
  for (const std::size_t d : {1, 2, 3, 5, 16}) {
    const std::string suffix = ", d = " + std::to_string(d);
    rows.push_back({"standardise" + suffix, d, standardise_config(d)});
    rows.push_back({"bounds" + suffix, d, interval_config(d)});
    rows.push_back({"whiten" + suffix, d, whiten_config(d)});
    rows.push_back({"actnorm" + suffix, d, ActNormConfig{}});
    rows.push_back({"plu" + suffix, d, PluConfig{}});
    rows.push_back({"column maps" + suffix, d, column_maps_config(d)});
    if (d < 16) rows.push_back({"mixture" + suffix, d, MixtureConfig{example_mixture(d)}});
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
  for (const std::size_t channels : {1, 2}) {
    rows.push_back(
        {"marginal of channels, " + std::to_string(channels), 4, marginal_config(channels)});
  }
  // every layer behind a tail
  for (const Row& row : std::vector<Row>(rows)) {
    if (row.dimension > 18) continue;
    rows.push_back(row);
    rows.back().name += ", on a tail";
    rows.back().on_tail = true;
  }
  return rows;
}

// Rows (n, width) that a layer can take; the half in front of a tail is like the tail.
std::vector<double> rows_for(const Row& row, std::uint64_t key, std::size_t n) {
  if (!row.is_marginal()) return random_rows(key, n * row.width() / row.dimension, row.dimension);
  Rng rng(key, RngPurpose::kTest);
  std::vector<double> pixels(n * row.width());
  for (double& v : pixels) v = 4 + 4 * rng.uniform();  // an ActNorm in front keeps them in range
  return pixels;
}

// The layers, behind a factor-out where the row says so.
FlowConfig flow_of(const Row& row, std::vector<LayerConfig> layers) {
  FlowConfig flow{row.width(), std::move(layers)};
  if (row.on_tail) {
    const ImageShape pixel{1, 1, row.width()};
    flow.layers.insert(flow.layers.begin(), FactorOutConfig{pixel});
  }
  return conditional(flow, row.condition);
}

// The layer, in a flow whose last layer makes sure that there is something to learn.
class LayerFixture {
 public:
  explicit LayerFixture(const Row& row)
      : flow_(flow_of(row, {row.config, ActNormConfig{}})),
        layer_(row.on_tail ? 1 : 0),
        dimension_(row.width()),
        condition_(same_for_all_lanes(random_condition(flow_.config, 1))) {}

  const Layer<double>& layer() const { return flow_.flow.layer(layer_); }
  const ParameterLayout& layout() const { return flow_.flow.layout(); }
  const std::vector<double>& values() const { return flow_.values; }
  const Certificate& certificate() const { return flow_.certificate.layers[layer_]; }
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
  std::size_t layer_;
  std::size_t dimension_;
  AlignedVector<double> condition_;  // of one group
};

TEST_CASE("the table has every kind of layer, on a tail and without") {
  for (const LayerConfig& kind : every_kind()) {
    for (const bool on_tail : {false, true}) {
      INFO(kind_of(kind), ", on a tail: ", on_tail);
      const std::vector<Row> rows = table();
      CHECK(std::any_of(rows.begin(), rows.end(), [&](const Row& row) {
        return kind_of(row.config) == kind_of(kind) && row.on_tail == on_tail;
      }));
    }
  }
}

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
    const std::vector<double> x = rows_for(row, 1, kRows);
    std::vector<double> y;
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::vector<double> yi = layer.forward(row_of(x, i, row.width()));
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
    const std::vector<double> x = rows_for(row, 2, kRows);
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::vector<double> xi = row_of(x, i, row.width());
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
    CheckedInput x = random_input("x", row.width(), 1, 3);
    if (row.is_marginal()) x.values = rows_for(row, 3, kLanes);
    const CheckedParameter p{"parameters", 1, layer.layout().size(), layer.values(),
                             &layer.layout()};
    expect_gradient(y, {x}, {p}, row.kinks() ? gradient_tolerances("relu") : GradientTolerances{});
    expect_gradient(log_det, {x}, {p},
                    row.kinks() ? gradient_tolerances("relu") : GradientTolerances{});
  }
}

TEST_CASE("every layer: inverse_lipschitz bounds how far the inverse spreads rows") {
  for (const Row& row : table()) {
    if (!row.has_constant()) continue;
    INFO(row.name);
    const LayerFixture layer(row);
    const double bound = layer.inverse_lipschitz();
    const std::vector<double> x = rows_for(row, 4, 60);
    double largest = 0;
    for (std::size_t i = 0; i + 1 < 60; ++i) {
      const std::vector<double> a = row_of(x, i, row.width());
      std::vector<double> b = row_of(x, i + 1, row.width());
      if (i % 2 == 0) {  // a close pair
        for (std::size_t j = 0; j < b.size(); ++j) b[j] = a[j] + 1e-4 * (b[j] - a[j]);
      }
      largest = std::max(largest, distance(a, b) / distance(layer.forward(a), layer.forward(b)));
    }
    CHECK(largest <= bound * (1 + 1e-9));
    CHECK(std::isfinite(bound));
  }
}

// A group of rows that pass the layer between two others, whose parameters see what it passes on
// and what it passes back.
class SandwichFixture {
 public:
  explicit SandwichFixture(const Row& row)
      : flow_(flow_of(row, {ActNormConfig{}, row.config, ActNormConfig{}})),
        condition_(random_condition(flow_.config, 1)),
        rows_(rows_for(row, 5, kLanes)) {}

  const FlowFixture& flow() const { return flow_; }

  // ln p of every row, exactly.
  std::vector<double> log_density(const std::vector<double>& values) const {
    Tape<double> tape(false);
    const Var x = load(tape);
    const double* log_p = tape.value(
        Likelihood(flow_.flow)
            .log_density({tape, flow_.flow.layout(), values.data(), nullptr, condition_.data()},
                         x));
    return {log_p, log_p + kLanes};
  }

  // The gradient of the sum of ln p that the flow learns from; log_p: the log-densities.
  std::vector<double> learn(const LogDetOptions& options, std::vector<double>& log_p) const {
    // what the gradients were before does not count
    std::vector<double> gradient(flow_.values.size(), std::numeric_limits<double>::quiet_NaN());
    const std::vector<double> weights(kLanes, 1);
    log_p.resize(kLanes);
    Tape<double> inputs(false), tape(true);
    const Var x = load(inputs);
    Likelihood(flow_.flow)
        .learn({inputs, tape, flow_.values.data(), gradient.data(), options, 1, 0, kIds, 1,
                condition_.data(), flow_.config.condition.size()},
               x, 0, weights.data(), log_p.data());
    return gradient;
  }

  // Samples of ln p, one a probe.
  LogDetSamples sample(const LogDetOptions& options) const {
    Tape<double> tape(false);
    const Var x = load(tape);
    return Likelihood(flow_.flow)
        .sample_log_density(
            {tape, flow_.flow.layout(), flow_.values.data(), nullptr, condition_.data()}, x,
            flow_.certificate, {options, 1, kIds});
  }

 private:
  static constexpr std::uint64_t kIds[kLanes] = {};

  Var load(Tape<double>& tape) const {
    const Var x = tape.variable(flow_.config.dimension, 1);
    rows_to_lanes(rows_.data(), kLanes, flow_.config.dimension, tape.value(x));
    return x;
  }

  FlowFixture flow_;
  AlignedVector<double> condition_;  // of one group
  std::vector<double> rows_;
};

// All unit vectors as probes, and enough terms that nothing is missing: no noise, no bias.
LogDetOptions every_direction(const Row& row, LogDetGradient gradient) {
  return {.method = LogDetMethod::kSeries,
          .gradient = gradient,
          .probe = ProbeKind::kUnit,
          .probes = row.dimension,
          .terms = 120};
}

TEST_CASE("every layer: what it is learned from has the gradient of the log-density") {
  for (const Row& row : table()) {
    INFO(row.name);
    const SandwichFixture fixture(row);
    std::vector<double> exact_p;
    const std::vector<double> exact = fixture.learn({}, exact_p);
    const std::vector<double> log_p = fixture.log_density(fixture.flow().values);
    for (std::size_t i = 0; i < kLanes; ++i)
      CHECK(Tolerance{1e-9, 1e-9}.holds(exact_p[i], log_p[i]));
    // some parameters against differences
    const std::size_t n = exact.size(), stride = std::max<std::size_t>(n / 30, 1);
    const double h = row.kinks() ? 1e-6 : 1e-4;
    for (std::size_t at = 0; at < n; at += stride) {
      const auto moved = [&](double step) {
        std::vector<double> values = fixture.flow().values;
        values[at] += step;
        const std::vector<double> p = fixture.log_density(values);
        return std::accumulate(p.begin(), p.end(), 0.0);
      };
      const double expected =
          (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / 12 / h;
      INFO("parameter ", at);
      CHECK(Tolerance{1e-5, 1e-5}.holds(exact[at], expected));
    }
    for (const LogDetGradient gradient : {LogDetGradient::kNeumann, LogDetGradient::kBasic}) {
      std::vector<double> estimated_p;
      const std::vector<double> estimated =
          fixture.learn(every_direction(row, gradient), estimated_p);
      for (std::size_t i = 0; i < kLanes; ++i) {
        CHECK(Tolerance{1e-8, 1e-8}.holds(estimated_p[i], log_p[i]));
      }
      for (std::size_t i = 0; i < n; ++i) {
        CHECK(Tolerance{1e-7, 1e-7}.holds(estimated[i], exact[i]));
      }
    }
  }
}

TEST_CASE("every layer: samples by all unit vectors have the exact log-determinant as their mean") {
  for (const Row& row : table()) {
    INFO(row.name);
    const SandwichFixture fixture(row);
    const std::vector<double> log_p = fixture.log_density(fixture.flow().values);
    const std::optional<std::size_t> counts[] = {3, 120, std::nullopt};
    for (const std::optional<std::size_t> terms : counts) {
      LogDetOptions options = every_direction(row, LogDetGradient::kNeumann);
      options.terms = terms;
      options.max_bound = 1e-6;
      const LogDetSamples samples = fixture.sample(options);
      const auto probes = static_cast<double>(row.dimension);
      for (std::size_t i = 0; i < kLanes; ++i) {
        double mean = 0, bound = 0;
        for (std::size_t p = 0; p < row.dimension; ++p) {
          mean += samples.values[p * kLanes + i] / probes;
          bound += samples.bounds[p * kLanes + i] / probes;
        }
        CHECK(std::fabs(mean - log_p[i]) <= bound + 1e-9);
        if (terms == 120) CHECK(bound < 1e-4);
        if (!terms) CHECK(bound <= 1e-6);
      }
    }
  }
}

}  // namespace
}  // namespace iflow
