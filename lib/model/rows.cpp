#include "model/rows.h"

#include <algorithm>

namespace iflow {

std::size_t chunk_rows(std::size_t columns) {
  constexpr std::size_t kMostRows = 8192, kFewestRows = 64, kValues = std::size_t{1} << 20;
  return std::clamp(kValues / columns, kFewestRows, kMostRows);
}

std::vector<std::string> latent_names(std::size_t count) {
  std::vector<std::string> names(count);
  for (std::size_t i = 0; i < count; ++i) names[i] = "z" + std::to_string(i + 1);
  return names;
}

}  // namespace iflow
