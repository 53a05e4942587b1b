#include "plane.h"

#include <cmath>

namespace iflow {

std::vector<DataPoint> points_of(const std::vector<double>& rows) {
  std::vector<DataPoint> points(rows.size() / 2);
  for (std::size_t i = 0; i < points.size(); ++i) points[i] = {rows[2 * i], rows[2 * i + 1]};
  return points;
}

std::vector<DataPoint> thinned(const std::vector<DataPoint>& points) {
  constexpr std::size_t kMaxPoints = 100000;
  if (points.size() <= kMaxPoints) return points;
  std::vector<DataPoint> some(kMaxPoints);
  for (std::size_t i = 0; i < kMaxPoints; ++i) some[i] = points[i * points.size() / kMaxPoints];
  return some;
}

std::vector<DataPoint> sampled_points(const Model& model, std::uint64_t seed, std::size_t count) {
  InversionReport report;
  const std::vector<double> z = model.sample_latent(seed, 0, count, 1);
  return points_of(model.decode(z, InverseOptions{}, report));
}

DensityGrid density_over(const Window& window, const Model& model, int cells) {
  DensityGrid grid{cells, cells, {}};
  std::vector<double> centres;
  for (int row = 0; row < cells; ++row) {
    for (int column = 0; column < cells; ++column) {
      centres.push_back(cell_centre(window.x, column, cells));
      centres.push_back(cell_centre(window.y, row, cells));
    }
  }
  for (const double log_p : model.log_density(centres)) grid.p.push_back(std::exp(log_p));
  return grid;
}

}  // namespace iflow
