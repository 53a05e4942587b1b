#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "base/json_fields.h"

namespace iflow {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the values are stored little-endian and copied as they are");

constexpr std::size_t kLengthBytes = 8;  // the header's length at the file's start
constexpr std::size_t kAlignment = 8;    // of the values' start, hence of every value

// Far above any model's header, and small enough that parsing a hostile one is harmless.
constexpr std::uint64_t kMaxHeaderBytes = 16u << 20;

constexpr std::string_view kMetadata = "__metadata__";

struct DtypeInfo {
  Dtype dtype;
  std::string_view name;
  std::size_t size;
};

constexpr std::array kDtypes = {
    DtypeInfo{Dtype::kF32, "F32", 4}, DtypeInfo{Dtype::kF64, "F64", 8},
    DtypeInfo{Dtype::kI64, "I64", 8}, DtypeInfo{Dtype::kU64, "U64", 8},
    DtypeInfo{Dtype::kU8, "U8", 1},
};

const DtypeInfo& info(Dtype dtype) { return kDtypes.at(static_cast<std::size_t>(dtype)); }

static_assert(std::ranges::all_of(kDtypes, [](const DtypeInfo& row) {
  return static_cast<std::size_t>(row.dtype) == static_cast<std::size_t>(&row - kDtypes.data());
}));

std::optional<Dtype> dtype_named(std::string_view name) {
  const auto row = std::ranges::find(kDtypes, name, &DtypeInfo::name);
  if (row == kDtypes.end()) return std::nullopt;
  return row->dtype;
}

// The bytes of an array; nothing if they can't be counted in a std::size_t.
std::optional<std::size_t> byte_count(Dtype dtype, const std::vector<std::size_t>& shape) {
  if (std::ranges::find(shape, 0u) != shape.end()) return 0;
  std::size_t bytes = info(dtype).size;
  for (const std::size_t extent : shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  }
  return bytes;
}

template <class T>
void check_finite_as(std::span<const std::byte> bytes, const std::string& where,
                     ThrowError throw_error) {
  for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    if (std::isfinite(value)) continue;
    const char* kind = std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
    throw_error(where + ": element " + std::to_string(i) + " is " + kind);
  }
}

void check_finite(Dtype dtype, std::span<const std::byte> bytes, const std::string& where,
                  ThrowError throw_error) {
  if (dtype == Dtype::kF32) check_finite_as<float>(bytes, where, throw_error);
  if (dtype == Dtype::kF64) check_finite_as<double>(bytes, where, throw_error);
}

// The order of the values in the file: wide types first, so that each is aligned to its size.
std::vector<const Tensors::value_type*> storage_order(const Tensors& tensors) {
  std::vector<const Tensors::value_type*> order;
  for (const auto& named : tensors) order.push_back(&named);
  std::ranges::stable_sort(order, std::ranges::greater(), [](const Tensors::value_type* named) {
    return dtype_size(named->second.dtype);
  });
  return order;
}

// The JSON header, padded with spaces so that the values start aligned.
std::string encode_header(const std::vector<const Tensors::value_type*>& order) {
  nlohmann::json header = nlohmann::json::object();
  std::size_t offset = 0;
  for (const auto* named : order) {
    const auto& [name, tensor] = *named;
    const std::size_t end = offset + tensor.bytes.size();
    header[name] = {{"dtype", dtype_name(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((kAlignment - (kLengthBytes + text.size()) % kAlignment) % kAlignment, ' ');
  return text;
}

// What the header says of one tensor. `begin` and `end` count from the values' start.
struct Entry {
  std::string name;
  Dtype dtype;
  std::vector<std::size_t> shape;
  std::size_t begin, end;
};

Entry read_entry(const std::string& name, JsonFields fields) {
  const auto dtype_text = fields.get<std::string>("dtype");
  const auto shape = fields.get<std::vector<std::size_t>>("shape");
  const auto offsets = fields.get<std::vector<std::size_t>>("data_offsets");
  fields.finish();

  const std::optional<Dtype> dtype = dtype_named(dtype_text);
  if (!dtype) fields.fail("dtype", "unsupported type \"" + dtype_text + "\"");
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    fields.fail("data_offsets", "expected a begin and an end");
  }
  const std::optional<std::size_t> bytes = byte_count(*dtype, shape);
  if (!bytes) fields.fail("shape", "too large");
  if (offsets[1] - offsets[0] != *bytes) {
    fields.fail("data_offsets", "expected " + std::to_string(*bytes) +
                                    " bytes for the shape, got " +
                                    std::to_string(offsets[1] - offsets[0]));
  }
  return {name, *dtype, shape, offsets[0], offsets[1]};
}

// Every value belongs to exactly one tensor: no overlap, no hole, nothing out of range.
void check_layout(std::vector<Entry>& entries, std::size_t data_bytes, const std::string& path) {
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::pair(e.begin, e.end); });
  std::size_t expected = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != expected) {
      throw CheckpointError(path + ": tensor " + entry.name + " begins at byte " +
                            std::to_string(entry.begin) + ", expected " + std::to_string(expected) +
                            (entry.begin < expected ? " (overlap)" : " (hole)"));
    }
    expected = entry.end;
  }
  if (expected != data_bytes) {
    throw CheckpointError(path + ": the header describes " + std::to_string(expected) +
                          " bytes of values, the file holds " + std::to_string(data_bytes));
  }
}

std::string_view header_text(std::span<const std::byte> file, const std::string& path) {
  if (file.size() < kLengthBytes) {
    throw CheckpointError(path + ": too short for a safetensors file");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  if (length > file.size() - kLengthBytes || length > kMaxHeaderBytes) {
    throw CheckpointError(path + ": absurd header length " + std::to_string(length));
  }
  return {reinterpret_cast<const char*>(file.data()) + kLengthBytes, length};
}

std::vector<Entry> read_header(std::string_view text, const std::string& path) {
  const nlohmann::json json = parse_json(text, path, throw_as<CheckpointError>);
  JsonFields header(json, path, throw_as<CheckpointError>);
  std::vector<Entry> entries;
  for (const std::string& name : header.keys()) {
    if (name != kMetadata) entries.push_back(read_entry(name, header.object(name)));
  }
  return entries;
}

}  // namespace

std::string dtype_name(Dtype dtype) { return std::string(info(dtype).name); }

std::size_t dtype_size(Dtype dtype) { return info(dtype).size; }

std::vector<std::byte> encode_safetensors(const Tensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (name == kMetadata) throw std::invalid_argument("a tensor can't be called " + name);
    detail::check_byte_count(tensor.dtype, tensor.shape, tensor.bytes.size());
    check_finite(tensor.dtype, tensor.bytes, "tensor " + name, throw_as<NumericError>);
  }
  const auto order = storage_order(tensors);
  const std::string header = encode_header(order);
  const std::uint64_t length = header.size();
  if (length > kMaxHeaderBytes) throw Error("too many tensors for one safetensors file");

  std::size_t total = kLengthBytes + header.size();
  for (const auto* named : order) total += named->second.bytes.size();
  std::vector<std::byte> file(total);
  auto end = file.begin();
  const auto append = [&end](std::span<const std::byte> bytes) {
    end = std::ranges::copy(bytes, end).out;
  };
  append(std::as_bytes(std::span(&length, 1)));
  append(std::as_bytes(std::span(header)));
  for (const auto* named : order) append(named->second.bytes);
  return file;
}

Tensors decode_safetensors(std::span<const std::byte> file, const std::string& path) {
  const std::string_view header = header_text(file, path);
  const std::span<const std::byte> data = file.subspan(kLengthBytes + header.size());
  std::vector<Entry> entries = read_header(header, path);
  check_layout(entries, data.size(), path);

  Tensors tensors;
  for (Entry& entry : entries) {
    const auto bytes = data.subspan(entry.begin, entry.end - entry.begin);
    check_finite(entry.dtype, bytes, path + ": tensor " + entry.name, throw_as<CheckpointError>);
    tensors[entry.name] = {entry.dtype, std::move(entry.shape), {bytes.begin(), bytes.end()}};
  }
  return tensors;
}

namespace detail {

void check_byte_count(Dtype dtype, const std::vector<std::size_t>& shape, std::size_t bytes) {
  const std::optional<std::size_t> expected = byte_count(dtype, shape);
  if (expected != bytes) {
    throw std::invalid_argument("a tensor has " + std::to_string(bytes) +
                                " bytes, its shape wants " +
                                (expected ? std::to_string(*expected) : "too many to count"));
  }
}

void check_dtype(Dtype found, Dtype expected) {
  if (found == expected) return;
  throw CheckpointError("a tensor holds " + dtype_name(found) + ", expected " +
                        dtype_name(expected));
}

}  // namespace detail
}  // namespace iflow
