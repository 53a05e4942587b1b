#include "model/flow_model.h"

#include <algorithm>
#include <array>

#include "flow/lanes.h"
#include "flow/row_tiles.h"

namespace iflow {

namespace {

// What happened to the rows of one tile, summed up per layer.
struct TileReport {
  std::vector<long> iterations;
  std::vector<int> max_iterations;
  std::size_t unconverged = 0;  // rows
};

}  // namespace

std::vector<double> Model::encode(std::span<const double> rows) const {
  const std::size_t d = dimension(), n = rows.size() / row_width();
  std::vector<double> result(n * d);
  for_each_tile(n, d, [&](Tape<double>& tape, std::size_t first, std::size_t count) {
    const auto [pass, x] = load(tape, rows.data() + first * row_width(), count);
    const Var z = flow().transform(pass, x);
    lanes_to_rows(tape.value(z), count, d, result.data() + first * d);
  });
  return result;
}

std::vector<double> Model::decode(std::span<const double> rows, const InverseOptions& options,
                                  InversionReport& report) const {
  const std::size_t d = dimension(), n = rows.size() / row_width(), layers = flow().layer_count();
  std::vector<double> result(n * d);
  report = {std::vector<double>(layers, 0), std::vector<int>(layers, 0), std::vector<double>(n, 0),
            0};
  const std::size_t rows_a_tile = tile_rows(d);
  std::vector<TileReport> tiles((n + rows_a_tile - 1) / rows_a_tile,
                                {std::vector<long>(layers, 0), std::vector<int>(layers, 0), 0});
  for_each_tile(n, d, [&](Tape<double>& tape, std::size_t first, std::size_t count) {
    const auto [pass, x] = load(tape, rows.data() + first * row_width(), count);
    TileReport& tile = tiles[first / rows_a_tile];
    std::array<bool, kMostTileRows> converged;
    converged.fill(true);
    for (std::size_t i = layers; i-- > 0;) {
      const auto mark = tape.mark();
      const Certificate& proved = certificate().layers[i];
      const Inverted inverted = flow().layer(i).inverse(pass, x, proved, options);
      flow().layer(i).bound_inverse(pass, x, inverted, proved, options,
                                    std::span(report.bound).subspan(first, count));
      for (std::size_t row = 0; row < count && inverted.rows != nullptr; ++row) {
        const InverseRow& lane = inverted.rows[row];
        converged[row] = converged[row] && lane.converged;
        tile.iterations[i] += lane.iterations;
        tile.max_iterations[i] = std::max(tile.max_iterations[i], lane.iterations);
      }
      std::copy_n(tape.value(inverted.x), x.size(), tape.value(x));
      tape.rewind(mark);
    }
    tile.unconverged = static_cast<std::size_t>(std::count(
        converged.begin(), converged.begin() + static_cast<std::ptrdiff_t>(count), false));
    lanes_to_rows(tape.value(x), count, d, result.data() + first * d);
  });
  for (const TileReport& tile : tiles) {
    report.unconverged += tile.unconverged;
    for (std::size_t i = 0; i < layers; ++i) {
      report.mean_iterations[i] += static_cast<double>(tile.iterations[i]) / static_cast<double>(n);
      report.max_iterations[i] = std::max(report.max_iterations[i], tile.max_iterations[i]);
    }
  }
  return result;
}

}  // namespace iflow
