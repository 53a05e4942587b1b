#include "training_rows.h"

#include <algorithm>
#include <span>
#include <vector>

#include "base/parallel.h"
#include "flow/dequantise.h"
#include "train/prefix.h"

namespace iflow {

DrawRows noisy_rows(const FlowConfig& flow, const FitData& data, std::uint64_t seed) {
  const Dequantise dequantise(data.lattices, flow.row_width());
  return [flow, dequantise, seed, rows = std::span(data.training),
          table_ids = std::span(data.training_ids), weights = RowWeights(data.weights),
          width = data.training.size() / data.training_ids.size()](
             std::span<const std::uint32_t> numbers, std::uint64_t pass) {
    std::vector<double> drawn, drawn_weights;
    std::vector<std::uint64_t> ids;
    for (const std::uint32_t number : numbers) {
      const std::span<const double> row = rows.subspan(number * width, width);
      drawn.insert(drawn.end(), row.begin(), row.end());
      ids.push_back(table_ids[number]);
      if (!weights.empty()) drawn_weights.push_back(weights[number]);
    }
    dequantise.round_down(drawn);
    dequantise.add_noise(drawn, ids, seed, pass);
    return rows_after_prefix(flow, drawn, drawn_weights);
  };
}

DrawRows image_rows(const FlowConfig& flow, const FitData& data, std::uint64_t seed) {
  const Dequantise dequantise(data.lattices, flow.dimension);
  return [flow, dequantise, seed, images = data.images, ids = std::span(data.training_ids)](
             std::span<const std::uint32_t> numbers, std::uint64_t pass) {
    const std::size_t d = images->shape.size();
    std::vector<double> drawn(numbers.size() * d);
    parallel_for(numbers.size(), [&](std::size_t i) {
      const std::uint64_t id = ids[numbers[i]];
      const auto image = images->image(id);
      const std::span<double> row = std::span(drawn).subspan(i * d, d);
      std::copy(image.begin(), image.end(), row.begin());
      dequantise.add_noise(row, std::span(&id, 1), seed, pass);
    });
    return rows_after_prefix(flow, drawn);
  };
}

}  // namespace iflow
