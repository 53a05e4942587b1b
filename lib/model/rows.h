// Rows on their way through a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace iflow {

struct Rows {
  std::span<const double> values;          // (n, d)
  std::span<const std::uint64_t> indices;  // (n): which rows of the input they are, from 0
};

// Rows to work on at a time: enough to keep threads busy, few enough to stay in cache.
std::size_t chunk_rows(std::size_t columns);

// z1, z2, ..., z<count>: the columns of a latent row.
std::vector<std::string> latent_names(std::size_t count);

}  // namespace iflow
