// The parameters of a model: names and shapes in one table, numbers in one flat array beside it, so
// that raw, effective and averaged copies, gradients and optimiser moments are arrays of the same
// layout.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "autodiff/tape.h"
#include "kernels/convolution.h"

namespace iflow {

// One parameter, row-major rows x columns at `offset` of the flat array. Its dotted name is its key
// in checkpoints and messages ("flow.3.branch.1.weight").
struct ParameterInfo {
  std::string name;
  std::size_t rows, columns;
  std::size_t offset;
  // The coefficient c of lib/MATHS.md, section 1: the effective matrix has a spectral norm of at
  // most this. 0 for parameters that are free.
  double max_norm;
  // Of the kernel of a convolution, whose norm is that of the operator; none for a matrix.
  std::optional<kernels::ConvolutionShape> convolution;

  std::size_t size() const { return rows * columns; }
  // Numbers that its linear operator yields and takes: of a row, or of an image.
  std::size_t outputs() const { return convolution ? convolution->pixels() * rows : rows; }
  std::size_t inputs() const {
    return convolution ? convolution->pixels() * convolution->inputs : columns;
  }
};

class ParameterLayout {
 public:
  // Appends a parameter and returns its index. max_norm 0: free.
  std::size_t add(std::string name, std::size_t rows, std::size_t columns, double max_norm = 0);
  // The kernel of a convolution.
  std::size_t add(std::string name, const kernels::ConvolutionShape& shape, double max_norm);

  const std::vector<ParameterInfo>& entries() const { return entries_; }
  const ParameterInfo& operator[](std::size_t index) const { return entries_[index]; }
  // Numbers in the flat array, the padding that aligns each parameter included.
  std::size_t size() const { return size_; }
  // Numbers that are learned.
  std::size_t count() const;

 private:
  std::vector<ParameterInfo> entries_;
  std::size_t size_ = 0;
};

// What layers need during one pass over some rows: the tape, the effective parameters, where their
// gradients are added (null without recording), and what the rows' densities are conditional on:
// standardised, [G][condition][kLanes], null without a condition. It must live as long as the
// tape's recordings, and has no gradient.
template <class T>
struct Pass {
  Tape<T>& tape;
  const ParameterLayout& layout;
  const T* values;
  T* gradients = nullptr;
  const T* condition = nullptr;

  Parameter<T> parameter(std::size_t index) const {
    const ParameterInfo& info = layout[index];
    return {values + info.offset, gradients ? gradients + info.offset : nullptr, info.rows,
            info.columns};
  }
};

}  // namespace iflow
