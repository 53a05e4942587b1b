// The header of a .npy file. Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/input_file.h"

namespace iflow {

inline constexpr std::string_view kNpyMagic = "\x93NUMPY";

// What an array's elements are; converted to double one by one.
struct NpyType {
  char kind = 'f';        // 'f' floating, 'i' signed, 'u' unsigned, 'b' bool
  std::size_t bytes = 8;  // 4 or 8 for 'f'; 1, 2, 4 or 8 for 'i', 'u'; 1 for 'b'
  bool is_big_endian = false;
};

struct NpyHeader {
  NpyType type;
  bool fortran_order = false;  // columns contiguous instead of rows
  std::vector<std::uint64_t> shape;
  std::size_t data_offset = 0;  // bytes before the first element
};

// Reads magic, version (1 to 3) and header, leaving `file` at the first element. Throws DataError
// for anything that is not a .npy file of numbers.
NpyHeader read_npy_header(InputFile& file);

// The dictionary inside: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }. Sets all but
// data_offset; errors begin with `name`.
NpyHeader parse_npy_dictionary(const std::string& name, std::string_view text);

// One element, from type.bytes bytes.
double decode_npy_element(const char* bytes, const NpyType& type);

}  // namespace iflow
