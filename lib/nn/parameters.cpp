#include "nn/parameters.h"

#include <utility>

namespace iflow {

namespace {

// Numbers between the starts of parameters are a multiple of this: whole cache lines.
constexpr std::size_t kAlignment = 16;

}  // namespace

std::size_t ParameterLayout::add(std::string name, std::size_t rows, std::size_t columns,
                                 double max_norm) {
  entries_.push_back({std::move(name), rows, columns, size_, max_norm, std::nullopt});
  size_ += (rows * columns + kAlignment - 1) / kAlignment * kAlignment;
  return entries_.size() - 1;
}

// With a side of 1 the operator's norm is that of the matrix, which acts on every pixel alone.
std::size_t ParameterLayout::add(std::string name, const kernels::ConvolutionShape& shape,
                                 double max_norm) {
  const std::size_t index = add(std::move(name), shape.outputs, shape.columns(), max_norm);
  if (shape.side > 1) entries_[index].convolution = shape;
  return index;
}

std::size_t ParameterLayout::count() const {
  std::size_t n = 0;
  for (const ParameterInfo& info : entries_) n += info.size();
  return n;
}

}  // namespace iflow
