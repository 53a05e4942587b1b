// The safetensors layout (huggingface.co/docs/safetensors): named arrays that numpy and PyTorch
// users can load.
//
//   8 bytes            length N of the header, little-endian
//   N bytes            JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
//   to the file's end  the values, row-major and little-endian, without holes
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"

namespace iflow {

enum class Dtype { kF32, kF64, kI64, kU64, kU8 };

// The name safetensors gives it ("F32"), and its size in bytes.
std::string dtype_name(Dtype dtype);
std::size_t dtype_size(Dtype dtype);

// The Dtype of a C++ scalar.
template <class T>
constexpr Dtype dtype_of() {
  if constexpr (std::is_same_v<T, float>) return Dtype::kF32;
  if constexpr (std::is_same_v<T, double>) return Dtype::kF64;
  if constexpr (std::is_same_v<T, std::int64_t>) return Dtype::kI64;
  if constexpr (std::is_same_v<T, std::uint64_t>) return Dtype::kU64;
  if constexpr (std::is_same_v<T, std::uint8_t>) return Dtype::kU8;
}

// An array of any shape: the empty shape holds one value, a shape with a 0 none.
struct Tensor {
  Dtype dtype;
  std::vector<std::size_t> shape;
  std::vector<std::byte> bytes;  // product(shape) values, row-major

  // product(shape) values. Throws std::invalid_argument if there are more or fewer.
  template <class T>
  static Tensor from(std::span<const T> values, std::vector<std::size_t> shape);

  // Throws CheckpointError if the tensor holds another type.
  template <class T>
  std::vector<T> as() const;

  bool operator==(const Tensor&) const = default;
};

// By dotted parameter name ("flow.3.branch.1.weight").
using Tensors = std::map<std::string, Tensor>;

// The whole file; equal tensors give equal bytes. Throws NumericError, naming tensor and element,
// if a value isn't finite, and std::invalid_argument if the number of bytes belies the shape.
std::vector<std::byte> encode_safetensors(const Tensors& tensors);

// The inverse; `__metadata__` is dropped. Trusts nothing: throws CheckpointError, beginning with
// `path`, unless every byte of `file` is accounted for once and every value is finite.
Tensors decode_safetensors(std::span<const std::byte> file, const std::string& path);

namespace detail {
// Throws std::invalid_argument unless `bytes` is the size of a tensor.
void check_byte_count(Dtype dtype, const std::vector<std::size_t>& shape, std::size_t bytes);
// Throws CheckpointError unless they are equal.
void check_dtype(Dtype found, Dtype expected);
}  // namespace detail

template <class T>
Tensor Tensor::from(std::span<const T> values, std::vector<std::size_t> shape) {
  const auto bytes = std::as_bytes(values);
  detail::check_byte_count(dtype_of<T>(), shape, bytes.size());
  return {dtype_of<T>(), std::move(shape), {bytes.begin(), bytes.end()}};
}

template <class T>
std::vector<T> Tensor::as() const {
  detail::check_dtype(dtype, dtype_of<T>());
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace iflow
