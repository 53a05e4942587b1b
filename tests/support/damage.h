// Files as nobody meant them to be.
#pragma once

#include <zlib.h>

#include <string>

#include "base/rng.h"
#include "support/temp_dir.h"

namespace iflow::test {

inline std::string gzipped(const std::string& bytes) {
  const TempDir folder;
  const gzFile file = gzopen((folder / "z").string().c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return folder.read("z");
}

// A few bytes overwritten, removed or doubled.
inline std::string damaged(std::string bytes, Rng& rng) {
  for (std::uint64_t change = 0, count = 1 + rng.below(3); change < count && !bytes.empty();
       ++change) {
    const std::size_t at = rng.below(bytes.size());
    switch (rng.below(3)) {
      case 0:
        bytes[at] = static_cast<char>(rng.below(256));
        break;
      case 1:
        bytes.erase(at, 1 + rng.below(8));
        break;
      default:
        bytes.insert(at, bytes.substr(at, 1 + rng.below(8)));
    }
  }
  return bytes;
}

}  // namespace iflow::test
