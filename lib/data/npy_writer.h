// Tables and images as .npy files.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "data/images.h"

namespace iflow {

// Writes a [rows][columns] array of little-endian doubles (version 1.0, C order), row after row.
// The file appears under its name on finish(). Writing throws Error naming the path and the reason.
class NpyWriter {
 public:
  // Opens `path` ("-" is standard output).
  NpyWriter(const std::string& path, std::uint64_t rows, std::uint64_t columns);

  // The next elements, row-major; not necessarily whole rows.
  void write(std::span<const double> values);

  // Completes the file. Throws std::logic_error unless rows * columns elements were written.
  void finish();

 private:
  AtomicFile file_;
  std::uint64_t elements_left_;
};

// Writes an [N][H][W][C] array of unsigned bytes, 8 bits a pixel (to_8_bits). The caller commits.
void write_npy(AtomicFile& file, const Images& images);

}  // namespace iflow
