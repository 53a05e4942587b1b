#include "data/npy_writer.h"

#include <bit>
#include <stdexcept>

#include "data/npy_header.h"

namespace iflow {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are written as they lie");

// Magic, version 1.0, length and dictionary, padded so that the data starts at a multiple of 64.
std::string npy_header(std::uint64_t rows, std::uint64_t columns) {
  constexpr std::size_t kAlignment = 64;
  constexpr std::size_t kStartBytes = 10;
  std::string dictionary = "{'descr': '<f8', 'fortran_order': False, 'shape': (" +
                           std::to_string(rows) + ", " + std::to_string(columns) + "), }";
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
  file_.write(npy_header(rows, columns));
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

}  // namespace iflow
