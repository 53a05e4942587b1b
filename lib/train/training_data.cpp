#include "train/training_data.h"

#include <algorithm>

namespace iflow {

std::size_t TrainingData::row_count(std::size_t width) const {
  if (draw) return drawn_rows;
  return rows ? rows->size() / width : 0;
}

PrefixedRows TrainingData::at(std::span<const std::uint32_t> numbers, std::uint64_t pass,
                              std::size_t width) const {
  if (draw) return draw(numbers, pass);
  PrefixedRows taken{std::vector<float>(numbers.size() * width), mean_log_det};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    std::copy_n(rows->data() + std::size_t{numbers[i]} * width, width,
                taken.rows.data() + i * width);
  }
  return taken;
}

}  // namespace iflow
