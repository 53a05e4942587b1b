#include "checkpoint/tensor_fields.h"

#include "base/error.h"

namespace iflow {
namespace {

// "F32 [2, 3]"
std::string description(Dtype dtype, const std::vector<std::size_t>& shape) {
  std::string text = dtype_name(dtype) + " [";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace

const Tensor& TensorFields::checked(const std::string& name, Dtype dtype,
                                    const std::vector<std::size_t>& shape) {
  const auto found = tensors_->find(name);
  if (found == tensors_->end()) throw CheckpointError(where_ + ": " + name + ": missing");
  const Tensor& tensor = found->second;
  if (tensor.dtype != dtype || tensor.shape != shape) {
    throw CheckpointError(where_ + ": " + name + ": expected " + description(dtype, shape) +
                          ", got " + description(tensor.dtype, tensor.shape));
  }
  read_.insert(name);
  return tensor;
}

void TensorFields::finish() const {
  for (const auto& [name, tensor] : *tensors_) {
    if (!read_.contains(name)) {
      throw CheckpointError(where_ + ": " + name + ": the model has no such tensor");
    }
  }
}

}  // namespace iflow
