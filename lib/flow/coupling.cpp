#include "flow/coupling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "autodiff/ops.h"
#include "base/aligned.h"
#include "base/error.h"
#include "base/rounding.h"
#include "flow/spline_map.h"
#include "nn/dense_branch.h"

namespace iflow {

namespace {

template <class T>
std::unique_ptr<ColumnMap<T>> make_map(const CouplingConfig& config, const std::string& prefix) {
  switch (config.kind) {
    case CouplingKind::kAdditive:
      return make_additive_map<T>();
    case CouplingKind::kAffine:
      if (!(config.log_scale_bound > 0 && std::isfinite(config.log_scale_bound))) {
        throw UsageError(prefix + ": the bound of the log-scale must be positive");
      }
      return make_affine_map<T>(config.log_scale_bound);
    case CouplingKind::kSpline:
      break;
  }
  if (config.bins == 0 || config.bins > kMaxSplineBins) {
    throw UsageError(prefix + ": a spline has from 1 to " + std::to_string(kMaxSplineBins) +
                     " bins");
  }
  if (!(config.range > 0 && std::isfinite(config.range))) {
    throw UsageError(prefix + ": a spline's range must be positive");
  }
  return make_spline_map<T>(config.bins, config.range);
}

// The columns of both halves.
struct Halves {
  std::vector<std::size_t> first, second;
};

Halves halves_of_row(std::size_t dimension, const std::string& prefix) {
  if (dimension < 2) throw UsageError(prefix + ": a coupling layer needs at least 2 columns");
  Halves halves{std::vector<std::size_t>(dimension / 2),
                std::vector<std::size_t>(dimension - dimension / 2)};
  std::iota(halves.first.begin(), halves.first.end(), std::size_t{0});
  std::iota(halves.second.begin(), halves.second.end(), dimension / 2);
  return halves;
}

bool is_in_first(ChannelMask mask, std::size_t channel, std::size_t channels) {
  if (mask == ChannelMask::kHalves) return channel < channels / 2;
  const std::size_t pixel = channel / (channels / 4);  // of the block of 2 x 2: [dy][dx]
  return pixel == 0 || pixel == 3;
}

// Either half is an image itself: [H][W][its channels].
Halves halves_of_image(const CouplingConfig& config, const std::string& prefix) {
  const std::size_t channels = config.image.channels;
  if (channels < 2) throw UsageError(prefix + ": a coupling layer needs at least 2 channels");
  if (config.mask == ChannelMask::kCheckerboard && channels % 4 != 0) {
    throw UsageError(prefix + ": only squeezed images have a checkerboard of channels");
  }
  Halves halves;
  for (std::size_t i = 0; i < config.image.size(); ++i) {
    (is_in_first(config.mask, i % channels, channels) ? halves.first : halves.second).push_back(i);
  }
  return halves;
}

// `inputs` and `outputs`: columns, of images in all pixels.
template <class T>
std::unique_ptr<Branch<T>> make_conditioner(const CouplingConfig& config, std::size_t inputs,
                                            std::size_t outputs, std::size_t condition,
                                            ParameterLayout& layout, const std::string& name) {
  // No shift at all is a stationary point wherever the data are symmetric.
  const double start_gain = config.kind == CouplingKind::kAdditive ? 1 : 0;
  if (config.image.size() > 0) {
    ConvolutionalBranchConfig network;
    network.image = config.image;
    network.image.channels = inputs / config.image.pixels();
    network.outputs = outputs / config.image.pixels();
    network.filters = config.hidden;
    network.sides = config.sides;
    network.activation = config.activation;
    network.activation_start = config.activation_start;
    network.activation_first = false;
    network.start_gain = start_gain;
    network.bounded = false;
    return std::make_unique<ConvolutionalBranch<T>>(network, layout, name);
  }
  DenseBranchConfig network;
  network.dimension = inputs;
  network.condition = condition;
  network.outputs = outputs;
  network.hidden = config.hidden;
  network.activation = config.activation;
  network.activation_start = config.activation_start;
  network.start_gain = start_gain;
  network.bounded = false;
  return std::make_unique<DenseBranch<T>>(network, layout, name);
}

}  // namespace

const std::map<CouplingKind, std::string>& coupling_names() {
  static const std::map<CouplingKind, std::string> names = {{CouplingKind::kAdditive, "additive"},
                                                            {CouplingKind::kAffine, "affine"},
                                                            {CouplingKind::kSpline, "spline"}};
  return names;
}

const std::map<std::string, ChannelMask>& channel_masks() {
  static const std::map<std::string, ChannelMask> masks = {
      {"halves", ChannelMask::kHalves}, {"checkerboard", ChannelMask::kCheckerboard}};
  return masks;
}

std::vector<CouplingConfig> CouplingConfig::varieties() {
  std::vector<CouplingConfig> all;
  for (const auto& [kind, name] : coupling_names()) {
    all.emplace_back();
    all.back().kind = kind;
  }
  return all;
}

std::string CouplingConfig::describe() const {
  std::string text = variety() + " coupling of ";
  if (image.size() > 0) {
    text += "convolutions " + dashed(sides) + at_size(image) + ", " +
            (mask == ChannelMask::kCheckerboard ? "checkerboard" : "halves") + ", filters ";
  }
  text += dashed(hidden) + ", " + activation;
  if (kind == CouplingKind::kSpline) text += ", " + std::to_string(bins) + " bins";
  return text;
}

template <class T>
std::unique_ptr<Layer<T>> CouplingConfig::make(const LayerSite& site) const {
  if (image.size() > 0) {
    check_image(image, site);
    if (site.condition > 0) {
      throw UsageError(site.name + ": couplings of images take no condition");
    }
  }
  return std::make_unique<Coupling<T>>(*this, site.dimension, site.condition, site.layout,
                                       site.name);
}

template <class T>
Coupling<T>::Coupling(const CouplingConfig& config, std::size_t dimension, std::size_t condition,
                      ParameterLayout& layout, const std::string& prefix)
    : dimension_(dimension), given_(condition), map_(make_map<T>(config, prefix)) {
  Halves halves =
      config.image.size() > 0 ? halves_of_image(config, prefix) : halves_of_row(dimension, prefix);
  if (config.from_second) std::swap(halves.first, halves.second);
  passed_ = std::move(halves.first);
  mapped_ = std::move(halves.second);
  conditioner_ = make_conditioner<T>(config, passed_.size(), mapped_.size() * map_->parameters(),
                                     condition, layout, prefix + ".conditioner");
}

// The h of every mapped column: [G][mapped columns * parameters].
template <class T>
Var Coupling<T>::condition(const Pass<T>& pass, Var x) const {
  const Var passed = ops::select(pass.tape, x, passed_.data(), passed_.size());
  return conditioner_->forward(pass, passed, x.groups);
}

template <class T>
Transformed Coupling<T>::forward(const Pass<T>& pass, Var x) const {
  const std::size_t per_column = map_->parameters() * kLanes;
  const Var h = condition(pass, x);
  // y, and behind its columns ln |det|: one variable, so that one backward serves both
  const Var out = pass.tape.variable(dimension_ + 1, x.groups);
  for (std::size_t g = 0; g < x.groups; ++g) {
    const T* xs = pass.tape.value(x) + g * dimension_ * kLanes;
    const T* hs = pass.tape.value(h) + g * h.elements * kLanes;
    T* ys = pass.tape.value(out) + g * out.elements * kLanes;
    T* log_det = ys + dimension_ * kLanes;
    for (const std::size_t i : passed_) std::copy_n(xs + i * kLanes, kLanes, ys + i * kLanes);
    std::fill_n(log_det, kLanes, T(0));
    for (std::size_t i = 0; i < mapped_.size(); ++i) {
      const std::size_t at = mapped_[i] * kLanes;
      map_->forward(xs + at, hs + i * per_column, ys + at, log_det);
    }
  }
  pass.tape.on_backward(out, [=, this](Tape<T>& t) {
    T* const dx = t.adjoint_to_add(x);
    T* const dh = t.adjoint_to_add(h);
    for (std::size_t g = 0; g < x.groups; ++g) {
      const T* dy = t.output_adjoint(out) + g * out.elements * kLanes;
      const T* d_log_det = dy + dimension_ * kLanes;
      const T* xs = t.value(x) + g * dimension_ * kLanes;
      const T* hs = t.value(h) + g * h.elements * kLanes;
      T* dxs = dx + g * dimension_ * kLanes;
      T* dhs = dh + g * h.elements * kLanes;
      for (const std::size_t i : passed_) {
        for (std::size_t l = i * kLanes; l < (i + 1) * kLanes; ++l) dxs[l] += dy[l];
      }
      for (std::size_t i = 0; i < mapped_.size(); ++i) {
        const std::size_t at = mapped_[i] * kLanes;
        map_->backward(xs + at, hs + i * per_column, dy + at, d_log_det, dxs + at,
                       dhs + i * per_column);
      }
    }
  });
  return {ops::elements(pass.tape, out, 0, dimension_),
          ops::elements(pass.tape, out, dimension_, 1)};
}

template <class T>
Inverted Coupling<T>::inverse(const Pass<T>& pass, Var y, const Certificate&,
                              const InverseOptions&) const {
  const std::size_t per_column = map_->parameters() * kLanes;
  const Var h = condition(pass, y);  // x_1 = y_1
  const Var x = pass.tape.variable(dimension_, y.groups);
  std::copy_n(pass.tape.value(y), y.size(), pass.tape.value(x));
  for (std::size_t g = 0; g < y.groups; ++g) {
    const T* hs = pass.tape.value(h) + g * h.elements * kLanes;
    T* xs = pass.tape.value(x) + g * dimension_ * kLanes;
    for (std::size_t i = 0; i < mapped_.size(); ++i) {
      T* const xi = xs + mapped_[i] * kLanes;
      map_->inverse(xi, hs + i * per_column, xi);
    }
  }
  return {x};
}

template <class T>
void Coupling<T>::initialise(const Pass<T>& pass, std::span<T> values, Var, const double*,
                             std::uint64_t seed) const {
  conditioner_->initialise(pass.layout, values, seed);
}

template <class T>
double Coupling<T>::inverse_lipschitz(const Certificate&, const T*, const T*, double) const {
  return std::numeric_limits<double>::infinity();
}

template <class T>
Certificate Coupling<T>::prove(const ParameterLayout& layout, std::span<const double> values,
                               std::span<const double>) const {
  Certificate certificate;
  if (dimension_ <= kMostBoundedColumns) {
    certificate.conditioner = conditioner_->enclosure(layout, values);
  }
  return certificate;
}

template <class T>
void Coupling<T>::bound_inverse(const Pass<T>& pass, Var y, const Inverted& inverted,
                                const Certificate& certificate, const InverseOptions& options,
                                std::span<double> errors) const {
  if (!options.local || !certificate.conditioner) {
    std::fill(errors.begin(), errors.end(), std::numeric_limits<double>::infinity());
    return;
  }
  for (std::size_t g = 0; g * kLanes < errors.size(); ++g) {
    const std::size_t first = g * kLanes, at = first * dimension_;
    const T* condition = given_ > 0 ? pass.condition + first * given_ : nullptr;
    bound_group(*certificate.conditioner, pass.tape.value(y) + at, pass.tape.value(inverted.x) + at,
                condition, errors.subspan(first, std::min(kLanes, errors.size() - first)));
  }
}

namespace {

// Numbers [elements][kLanes] in double.
template <class T>
AlignedVector<double> in_double(const T* from, std::size_t elements) {
  return AlignedVector<double>(from, from + elements * kLanes);
}

// ||(I, 0; S, D)||, at most that of (1, 0; ||S||, ||D||).
double norm_of_derivative(double s, double d) {
  const double trace = 1 + s * s + d * d;
  const double root = std::sqrt(std::max(trace * trace - 4 * d * d, 0.0));
  return std::sqrt((trace + root) / 2);
}

// What the inverse of a coupling does to one row.
struct RowInverse {
  double off = 0;        // squares of how far its numbers are off by rounding
  double by_passed = 0;  // squares of S
  double by_mapped = 0;  // largest of D

  // An upper bound of ||x - x'||, for y' within `error`.
  double bound(double error) const {
    const double result =
        norm_of_derivative(std::sqrt(by_passed), by_mapped) * error * kUpAfterThousands +
        std::sqrt(off) * kUpAfterThousands;
    const double infinity = std::numeric_limits<double>::infinity();
    return result < infinity ? result : infinity;  // not a number where nothing is known
  }
};

}  // namespace

template <class T>
void Coupling<T>::bound_group(const BranchEnclosure& conditioner, const T* y, const T* x,
                              const T* condition, std::span<double> errors) const {
  AlignedVector<double> passed(passed_.size() * kLanes), radii(kLanes, 0);
  for (std::size_t j = 0; j < passed_.size(); ++j) {
    std::copy_n(y + passed_[j] * kLanes, kLanes, passed.data() + j * kLanes);
  }
  std::copy(errors.begin(), errors.end(), radii.begin());
  const AlignedVector<double> given = in_double(condition, given_);
  const EnclosedBranch at = conditioner(passed.data(), given.data(), radii.data());

  const std::size_t per_column = map_->parameters(), outputs = mapped_.size() * per_column;
  std::vector<Ball> h(per_column);
  ColumnInverse inverse{{}, {}, std::vector<Ball>(per_column)};
  for (std::size_t l = 0; l < errors.size(); ++l) {
    RowInverse row;
    for (std::size_t i = 0; i < mapped_.size(); ++i) {
      const std::size_t column = mapped_[i] * kLanes + l, first = i * per_column;
      const auto enclose = [&](double error, const AlignedVector<double>& h_radii) {
        for (std::size_t k = 0; k < per_column; ++k) {
          const std::size_t from = (first + k) * kLanes + l;
          h[k] = {at.value[from], h_radii[from]};
        }
        map_->enclose_inverse({static_cast<double>(y[column]), error}, h, inverse);
      };
      enclose(0, at.rounding);
      const double off = inverse.x.distance_from(static_cast<double>(x[column]));
      row.off += off * off;
      enclose(errors[l], at.reach);
      const double by_y = inverse.by_y.magnitude();
      if (!(by_y <= row.by_mapped)) row.by_mapped = by_y;
      for (std::size_t j = 0; j < passed_.size(); ++j) {
        Ball sum;
        for (std::size_t k = 0; k < per_column; ++k) {
          const std::size_t from = (j * outputs + first + k) * kLanes + l;
          sum = sum + inverse.by_h[k] * Ball(at.jacobian[from], at.jacobian_radius[from]);
        }
        row.by_passed += sum.magnitude() * sum.magnitude();
      }
    }
    errors[l] = row.bound(errors[l]);
  }
}

template class Coupling<float>;
template class Coupling<double>;
template std::unique_ptr<Layer<float>> CouplingConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> CouplingConfig::make(const LayerSite&) const;

}  // namespace iflow
