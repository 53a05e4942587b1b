// Strict reading of a blob: every tensor is asked for by name, type and shape.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/safetensors.h"

namespace iflow {

// The tensors of one blob. Throws CheckpointError, as in `moons.iflow: weights: flow.3.log_scale:
// expected F64 [2], got F32 [3]`, for whatever is missing, different or left over.
class TensorFields {
 public:
  // Reads `tensors`, which must outlive this; `where` begins every message.
  TensorFields(const Tensors& tensors, std::string where)
      : tensors_(&tensors), where_(std::move(where)) {}
  TensorFields(Tensors&& tensors, std::string where) = delete;

  bool has(const std::string& name) const { return tensors_->contains(name); }

  // product(shape) values, row-major.
  template <class T>
  std::vector<T> get(const std::string& name, const std::vector<std::size_t>& shape) {
    return checked(name, dtype_of<T>(), shape).template as<T>();
  }

  // Throws for a tensor that nobody asked for.
  void finish() const;

 private:
  const Tensor& checked(const std::string& name, Dtype dtype,
                        const std::vector<std::size_t>& shape);

  const Tensors* tensors_;
  std::string where_;
  std::set<std::string> read_;
};

}  // namespace iflow
