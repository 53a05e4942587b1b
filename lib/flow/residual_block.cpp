#include "flow/residual_block.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "autodiff/ops.h"
#include "base/error.h"
#include "report/number_format.h"

namespace iflow {

namespace {

// Up to this dimension an inversion step with the Jacobian (1 + d evaluations' worth of work) pays.
// (tests/bench/RESULTS.md, the inverse)
constexpr std::size_t kNewtonLimit = 16;

// Steps that the fixed-point iteration beyond remembers. They spare two evaluations in five.
// (tests/bench/RESULTS.md, the inverse)
constexpr std::size_t kAndersonMemory = 5;

// A series whose proved truncation bound has not come down after so many terms reports the bound it
// has reached.
constexpr std::size_t kMaxTerms = 100000;

// sums[row] += factor <a, b> for every lane of every tangent; a, b: [D G][E], sums: (16 G).
template <class T, class Sum>
void add_products(Var shape, std::size_t groups, double factor, const T* a, const T* b, Sum* sums) {
  for (std::size_t g = 0; g < shape.groups; ++g) {
    Sum* row = sums + g % groups * kLanes;
    for (std::size_t i = 0; i < shape.elements; ++i) {
      const std::size_t at = (g * shape.elements + i) * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) {
        row[l] += static_cast<Sum>(factor) * static_cast<Sum>(a[at + l] * b[at + l]);
      }
    }
  }
}

// y = x + g(x)
template <class T>
Var plus_branch(Tape<T>& tape, Var x, const Linearised<T>& at) {
  const Var y = tape.variable(x.elements, x.groups);
  for (std::size_t i = 0; i < x.size(); ++i) tape.value(y)[i] = tape.value(x)[i] + at.value[i];
  return y;
}

// One lane's sample of ln det, term by term.
class LaneSeries {
 public:
  // limit: the number of terms; none: they go on until the bound is at most `tolerance`.
  LaneSeries(double lipschitz, std::optional<std::size_t> limit, double tolerance)
      : lipschitz_(lipschitz), limit_(limit), tolerance_(tolerance) {}

  // Term k: c_k v^T J^k v / k, given the squared norms of v and of J^k v.
  void add(std::size_t k, double weight, double product, double v_squared, double t_squared) {
    const auto index = static_cast<double>(k);
    value += weight * product / index;
    // per probe: what is left is at most ||v|| ||J^k v|| L / ((k + 1) (1 - L))
    bound = std::sqrt(v_squared * t_squared) * lipschitz_ / ((index + 1) * (1 - lipschitz_));
    done = limit_ ? k >= *limit_ : bound <= tolerance_ || k >= kMaxTerms;
  }

  double value = 0;
  double bound = 0;
  bool done = false;

 private:
  double lipschitz_;
  std::optional<std::size_t> limit_;
  double tolerance_;
};

// Terms that roulette always computes.
std::size_t sure_terms(const LogDetOptions& options) { return options.terms.value_or(1); }

// How many terms roulette gives a lane.
std::size_t roulette_length(const LogDetDraw& draw, double lipschitz, std::uint64_t row,
                            std::size_t probe) {
  Rng rng(draw.seed, RngPurpose::kRoulette, row, static_cast<std::uint32_t>(probe));
  std::size_t n = sure_terms(draw.options);
  while (n < kMaxTerms && rng.uniform() < chance_of_term(draw.options, n + 1, lipschitz)) ++n;
  return n;
}

// Without a bound there is no proof that the block has an inverse.
const DenseBranchConfig& checked(const DenseBranchConfig& branch, const std::string& prefix) {
  if (!branch.bounded) throw UsageError(prefix + ": a block's branch needs bounded weights");
  if (branch.outputs != 0 && branch.outputs != branch.dimension) {
    throw UsageError(prefix + ": a block's branch has as many outputs as inputs");
  }
  return branch;
}

}  // namespace

namespace {

// ", sine first, c 0.97"
template <class Branch>
std::string describe_branch(const Branch& branch) {
  return ", " + branch.activation + (branch.activation_first ? " first" : "") + ", c " +
         significant(branch.coefficient, 6);
}

}  // namespace

// "residual block of 2-32-32-2": the widths from input to output; "(2+1)-32-32-2" with a condition.
std::string ResidualBlockConfig::describe() const {
  const std::string own = std::to_string(branch.dimension);
  const std::string inputs =
      branch.condition == 0 ? own : "(" + own + "+" + std::to_string(branch.condition) + ")";
  return "residual block of " + inputs + "-" + dashed(branch.hidden) + "-" + own +
         describe_branch(branch);
}

template <class T>
std::unique_ptr<Layer<T>> ResidualBlockConfig::make(const LayerSite& site) const {
  if (branch.dimension != site.dimension) {
    throw UsageError(site.name + ": the branch has another dimension than the flow");
  }
  if (branch.condition != site.condition) {
    throw UsageError(site.name + ": the branch has another condition than the flow");
  }
  return std::make_unique<ResidualBlock<T>>(branch, site.layout, site.name);
}

std::string ConvolutionalBlockConfig::describe() const {
  const std::string channels = std::to_string(branch.image.channels);
  return "residual block of convolutions " + dashed(branch.sides) + at_size(branch.image) +
         ", channels " + channels + "-" + dashed(branch.filters) + "-" + channels +
         describe_branch(branch);
}

template <class T>
std::unique_ptr<Layer<T>> ConvolutionalBlockConfig::make(const LayerSite& site) const {
  check_image(branch.image, site);
  if (site.condition > 0) throw UsageError(site.name + ": convolutional blocks take no condition");
  return std::make_unique<ResidualBlock<T>>(branch, site.layout, site.name);
}

template <class T>
ResidualBlock<T>::ResidualBlock(const DenseBranchConfig& branch, ParameterLayout& layout,
                                const std::string& prefix)
    : branch_(
          std::make_unique<DenseBranch<T>>(checked(branch, prefix), layout, prefix + ".branch")) {}

template <class T>
ResidualBlock<T>::ResidualBlock(const ConvolutionalBranchConfig& branch, ParameterLayout& layout,
                                const std::string& prefix)
    : branch_(std::make_unique<ConvolutionalBranch<T>>(branch, layout, prefix + ".branch")) {}

namespace {

// x + g(x) and ln det (I + J) from g's values with J as their tangents.
template <class T>
Transformed exactly(Tape<T>& tape, Var x, Var g) {
  return {ops::add_values(tape, x, g), ops::log_det_identity_plus(tape, g, x.groups)};
}

}  // namespace

template <class T>
Transformed ResidualBlock<T>::forward(const Pass<T>& pass, Var x) const {
  return exactly(pass.tape, x, branch_->forward_with_jacobian(pass, x));
}

template <class T>
Var ResidualBlock<T>::transform(const Pass<T>& pass, Var x) const {
  return ops::add_values(pass.tape, x, branch_->forward(pass, x, x.groups));
}

template <class T>
Prepared<T> ResidualBlock<T>::prepare_to_learn(const Pass<T>& pass, Var x,
                                               const LogDetOptions& options) const {
  if (options.method == LogDetMethod::kExact || options.gradient != LogDetGradient::kNeumann) {
    return {transform(pass, x), std::nullopt};
  }
  Linearised<T> at = branch_->evaluate(pass, pass.tape.value(x), x.groups);
  return {plus_branch(pass.tape, x, at), std::move(at)};
}

template <class T>
Learnable<T> ResidualBlock<T>::forward_to_learn(const Pass<T>& pass, Var x, const LogDetDraw& draw,
                                                const Linearised<T>* known) const {
  const LogDetOptions& options = draw.options;
  if (options.method == LogDetMethod::kExact) return learn_exactly(pass, x, draw.jacobian_penalty);
  Rng rng(draw.seed, RngPurpose::kRoulette, draw.shard);
  const std::vector<double> weights = series_weights(options, rng);
  const Var v = pass.tape.variable(x.elements, options.probes * x.groups);
  draw_probes(options.probe, draw.seed, draw.rows, x.groups, x.elements, 0, options.probes,
              pass.tape.value(v));
  if (options.gradient != LogDetGradient::kNeumann) return learn_by_series(pass, x, v, weights);
  const T* at_x = pass.tape.value(x);
  Linearised<T> at = known != nullptr ? *known : branch_->evaluate(pass, at_x, x.groups);
  branch_->complete(pass, at_x, at);
  return learn_by_neumann(pass, x, v, weights, at);
}

template <class T>
Learnable<T> ResidualBlock<T>::learn_exactly(const Pass<T>& pass, Var x,
                                             double jacobian_penalty) const {
  const Var g = branch_->forward_with_jacobian(pass, x);
  const Transformed out = exactly(pass.tape, x, g);
  const T* log_det = pass.tape.value(out.log_det);
  if (jacobian_penalty == 0) return {out.y, {out.log_det}, log_det};
  const auto strength = static_cast<T>(jacobian_penalty / 2);
  return {out.y, {ops::less_squared_norm(pass.tape, out.log_det, g, strength)}, log_det};
}

template <class T>
Learnable<T> ResidualBlock<T>::learn_by_neumann(const Pass<T>& pass, Var x, Var v,
                                                const std::vector<double>& weights,
                                                const Linearised<T>& at) const {
  Tape<T>& tape = pass.tape;
  const std::size_t probes = v.groups / x.groups, lanes = x.groups * kLanes;
  T* log_det = tape.scratch(lanes);
  std::fill_n(log_det, lanes, T(0));
  std::vector<T> terms(lanes, 0), term(lanes);        // terms: sum over k of c_k v^T J^k v
  const Var u = tape.variable(v.elements, v.groups);  // sum over k of c_k J^{k-1} v
  {
    const auto space = tape.workspace(v.size());
    T* t = space.data();  // J^k v
    std::copy_n(tape.value(v), v.size(), t);
    std::fill_n(tape.value(u), u.size(), T(0));
    for (std::size_t k = 1; k <= weights.size(); ++k) {
      const T weight = static_cast<T>(weights[k - 1]);
      for (std::size_t i = 0; i < u.size(); ++i) tape.value(u)[i] += weight * t[i];
      if (k == weights.size()) break;
      branch_->jacobian_product(pass, at, t, t, probes);
      std::fill(term.begin(), term.end(), T(0));
      add_products(v, x.groups, weights[k - 1] / static_cast<double>(probes), tape.value(v), t,
                   term.data());
      for (std::size_t l = 0; l < lanes; ++l) {
        terms[l] += term[l];
        log_det[l] += term[l] / static_cast<T>(k);
      }
    }
  }
  const Var h = branch_->forward_at(pass, at, ops::with_tangents(tape, x, u));
  const Var surrogate = ops::mean_tangent_product(tape, h, v, x.groups);
  // Its value v^T J u holds all terms: what it has beyond those above is the last one.
  for (std::size_t l = 0; l < lanes; ++l) {
    log_det[l] += (tape.value(surrogate)[l] - terms[l]) / static_cast<T>(weights.size());
  }
  return {ops::add_values(tape, x, h), {surrogate}, log_det};
}

template <class T>
Learnable<T> ResidualBlock<T>::learn_by_series(const Pass<T>& pass, Var x, Var v,
                                               const std::vector<double>& weights) const {
  Tape<T>& tape = pass.tape;
  Var t = v, y{}, sum{};
  for (std::size_t k = 1; k <= weights.size(); ++k) {
    const Var h = branch_->forward(pass, ops::with_tangents(tape, x, t), x.groups);
    const Var term = ops::scale(tape, ops::mean_tangent_product(tape, h, v, x.groups),
                                static_cast<T>(weights[k - 1] / static_cast<double>(k)));
    if (k == 1) y = ops::add_values(tape, x, h);
    sum = k == 1 ? term : ops::add(tape, sum, term);
    if (k < weights.size()) t = ops::tangents_of(tape, h, x.groups);
  }
  return {y, {sum}, tape.value(sum)};
}

template <class T>
Var ResidualBlock<T>::sample_log_det(const Pass<T>& pass, Var x, const Certificate& certificate,
                                     const LogDetDraw& draw, LogDetSamples& samples) const {
  Tape<T>& tape = pass.tape;
  const double lipschitz = certificate.branch.value().lipschitz();
  const std::size_t lanes = x.groups * kLanes;
  const auto at = branch_->linearise(pass, tape.value(x), x.groups);
  const LogDetOptions& options = draw.options;
  const bool roulette = options.method == LogDetMethod::kRoulette;
  const auto probe_space = tape.workspace(x.size()), product_space = tape.workspace(x.size());
  T* v = probe_space.data();
  T* t = product_space.data();
  std::vector<double> product(lanes), v_squared(lanes), t_squared(lanes);
  for (std::size_t probe = 0; probe < options.probes; ++probe) {
    draw_probes(options.probe, draw.seed, draw.rows, x.groups, x.elements, probe, 1, v);
    if (options.probe == ProbeKind::kUnit) {
      // Of more unit probes than the block has columns, the others being zero, the mean is still
      // the trace.
      const T scale = std::sqrt(static_cast<T>(options.probes) / static_cast<T>(x.elements));
      for (std::size_t i = 0; i < x.size(); ++i) v[i] *= scale;
    }
    std::copy_n(v, x.size(), t);
    std::vector<LaneSeries> series;
    for (std::size_t l = 0; l < lanes; ++l) {
      const std::optional<std::size_t> limit =
          roulette ? roulette_length(draw, lipschitz, draw.rows[l], probe) : options.terms;
      series.emplace_back(lipschitz, limit, options.max_bound);
    }
    std::fill(v_squared.begin(), v_squared.end(), 0);
    add_products(x, x.groups, 1, v, v, v_squared.data());
    double sign = 1, reached = 1;  // reached: P(N >= k)
    for (std::size_t k = 1;; ++k, sign = -sign) {
      branch_->jacobian_product(pass, at, t, t, 1);
      std::fill(product.begin(), product.end(), 0);
      std::fill(t_squared.begin(), t_squared.end(), 0);
      add_products(x, x.groups, 1, v, t, product.data());
      add_products(x, x.groups, 1, t, t, t_squared.data());
      if (roulette && k > sure_terms(options)) reached *= chance_of_term(options, k, lipschitz);
      bool all_done = true;
      for (std::size_t l = 0; l < lanes; ++l) {
        if (series[l].done) continue;
        series[l].add(k, sign / reached, product[l], v_squared[l], t_squared[l]);
        all_done = all_done && series[l].done;
      }
      if (all_done) break;
    }
    for (std::size_t l = 0; l < lanes; ++l) {
      samples.values[probe * lanes + l] += series[l].value;
      if (!roulette) samples.bounds[probe * lanes + l] += series[l].bound;
    }
  }
  return plus_branch(tape, x, at);
}

template <class T>
Inverted ResidualBlock<T>::inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                                   const InverseOptions& options) const {
  const BranchBounds& bounds = certificate.branch.value();
  return y.elements <= kNewtonLimit
             ? invert_by_newton(*branch_, bounds, pass, y, options)
             : invert_by_fixed_point(*branch_, bounds, pass, y, options, kAndersonMemory);
}

template <class T>
void ResidualBlock<T>::initialise(const Pass<T>& pass, std::span<T> values, Var, const double*,
                                  std::uint64_t seed) const {
  branch_->initialise(pass.layout, values, seed);
}

template <class T>
Certificate ResidualBlock<T>::prove(const ParameterLayout& layout, std::span<const double> values,
                                    std::span<const double> norms) const {
  Certificate certificate;
  certificate.branch = branch_->bounds(layout, values, norms);
  return certificate;
}

template <class T>
double ResidualBlock<T>::inverse_lipschitz(const Certificate& certificate, const T*, const T*,
                                           double) const {
  return certificate.branch.value().block_inverse_lipschitz();
}

template <class T>
void ResidualBlock<T>::bound_inverse(const Pass<T>&, Var, const Inverted& inverted,
                                     const Certificate& certificate, const InverseOptions&,
                                     std::span<double> errors) const {
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const InverseRow& row = inverted.rows[i];
    errors[i] = row.converged ? distance_to_root(certificate.branch.value(), row.local_inverse,
                                                 row.residual + errors[i])
                              : std::numeric_limits<double>::infinity();
  }
}

template class ResidualBlock<float>;
template class ResidualBlock<double>;
template std::unique_ptr<Layer<float>> ResidualBlockConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> ResidualBlockConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<float>> ConvolutionalBlockConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> ConvolutionalBlockConfig::make(const LayerSite&) const;

}  // namespace iflow
