#include "flow/permutation.h"

#include <algorithm>
#include <string>

#include "autodiff/ops.h"
#include "base/error.h"

namespace iflow {

ImageShape squeezed(const ImageShape& image) {
  return {image.height / 2, image.width / 2, 4 * image.channels};
}

ImageShape kept_by_factor_out(const ImageShape& image) {
  return {image.height, image.width, image.channels - image.channels / 2};
}

namespace {

std::vector<std::size_t> squeeze_source(const ImageShape& image) {
  if (image.size() == 0 || image.height % 2 != 0 || image.width % 2 != 0) {
    throw UsageError("squeeze: both sides of an image must be even, got " +
                     std::to_string(image.height) + " x " + std::to_string(image.width));
  }
  std::vector<std::size_t> source;
  for (std::size_t i = 0; i < image.height; i += 2) {
    for (std::size_t j = 0; j < image.width; j += 2) {
      for (std::size_t k = 0; k < 4; ++k) {
        const std::size_t pixel = (i + k / 2) * image.width + j + k % 2;
        for (std::size_t c = 0; c < image.channels; ++c) {
          source.push_back(pixel * image.channels + c);
        }
      }
    }
  }
  return source;
}

std::vector<std::size_t> factor_out_source(const ImageShape& image) {
  if (image.size() == 0 || image.channels < 2) {
    throw UsageError("factor-out: an image needs two channels");
  }
  const std::size_t half = image.channels / 2;
  std::vector<std::size_t> source;
  for (std::size_t p = 0; p < image.pixels(); ++p) {
    for (std::size_t c = 0; c < half; ++c) source.push_back(p * image.channels + c);
  }
  for (std::size_t p = 0; p < image.pixels(); ++p) {
    for (std::size_t c = half; c < image.channels; ++c) source.push_back(p * image.channels + c);
  }
  return source;
}

}  // namespace

std::string SqueezeConfig::describe() const { return kKind; }

template <class T>
std::unique_ptr<Layer<T>> SqueezeConfig::make(const LayerSite& site) const {
  check_image(image, site);
  return std::make_unique<Permutation<T>>(*this);
}

std::string FactorOutConfig::describe() const { return kKind; }

template <class T>
std::unique_ptr<Layer<T>> FactorOutConfig::make(const LayerSite& site) const {
  check_image(image, site);
  return std::make_unique<Permutation<T>>(*this);
}

template <class T>
Permutation<T>::Permutation(const SqueezeConfig& config) : source_(squeeze_source(config.image)) {}

template <class T>
Permutation<T>::Permutation(const FactorOutConfig& config)
    : source_(factor_out_source(config.image)) {}

template <class T>
Transformed Permutation<T>::forward(const Pass<T>& pass, Var x) const {
  const Var log_det = pass.tape.variable(1, x.groups);
  std::fill_n(pass.tape.value(log_det), log_det.size(), T(0));
  return {ops::select(pass.tape, x, source_.data(), source_.size()), log_det};
}

template <class T>
Inverted Permutation<T>::inverse(const Pass<T>& pass, Var y, const Certificate&,
                                 const InverseOptions&) const {
  const Var x = pass.tape.variable(y.elements, y.groups);
  for (std::size_t g = 0; g < y.groups; ++g) {
    const T* ys = pass.tape.value(y) + g * y.elements * kLanes;
    T* xs = pass.tape.value(x) + g * y.elements * kLanes;
    for (std::size_t i = 0; i < y.elements; ++i) {
      std::copy_n(ys + i * kLanes, kLanes, xs + source_[i] * kLanes);
    }
  }
  return {x};
}

template class Permutation<float>;
template class Permutation<double>;
template std::unique_ptr<Layer<float>> SqueezeConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> SqueezeConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<float>> FactorOutConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> FactorOutConfig::make(const LayerSite&) const;

}  // namespace iflow
