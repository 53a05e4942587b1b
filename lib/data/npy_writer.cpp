#include "data/npy_writer.h"

#include <bit>
#include <stdexcept>

#include "data/npy_header.h"

namespace iflow {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are written as they lie");

// Magic, version 1.0, length and dictionary, padded so that the data starts at a multiple of 64.
// `shape`: at least two sizes.
std::string npy_header(const std::string& descr, const std::vector<std::uint64_t>& shape) {
  constexpr std::size_t kAlignment = 64;
  constexpr std::size_t kStartBytes = 10;
  std::string sizes;
  for (const std::uint64_t size : shape) {
    sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
  }
  std::string dictionary =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + sizes + "), }";
  const std::size_t unpadded = kStartBytes + dictionary.size() + 1;
  dictionary.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  dictionary += '\n';
  std::string header(kNpyMagic);
  header += '\1';
  header += '\0';
  header += static_cast<char>(dictionary.size() & 0xFF);
  header += static_cast<char>(dictionary.size() >> 8);
  return header + dictionary;
}

}  // namespace

NpyWriter::NpyWriter(const std::string& path, std::uint64_t rows, std::uint64_t columns)
    : file_(path), elements_left_(rows * columns) {
  file_.write(npy_header("<f8", {rows, columns}));
}

void NpyWriter::write(std::span<const double> values) {
  if (values.size() > elements_left_) {
    throw std::logic_error("NpyWriter: more elements than the header promises");
  }
  file_.write(std::as_bytes(values));
  elements_left_ -= values.size();
}

void NpyWriter::finish() {
  if (elements_left_ > 0) {
    throw std::logic_error("NpyWriter: fewer elements than the header promises");
  }
  file_.commit();
}

void write_npy(AtomicFile& file, const Images& images) {
  const ImageShape& shape = images.shape;
  file.write(npy_header("|u1", {images.count(), shape.height, shape.width, shape.channels}));
  std::vector<std::uint8_t> bytes(images.pixels);
  for (std::uint8_t& v : bytes) v = to_8_bits(v, images.bits);
  file.write(std::as_bytes(std::span(bytes)));
}

}  // namespace iflow
