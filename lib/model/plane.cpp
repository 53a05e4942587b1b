#include "model/plane.h"

#include <cmath>

namespace iflow {

std::vector<DataPoint> points_of(const std::vector<double>& rows, bool conditional) {
  std::vector<DataPoint> points(rows.size() / 2);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double first = rows[2 * i], second = rows[2 * i + 1];
    points[i] = conditional ? DataPoint{second, first} : DataPoint{first, second};
  }
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

std::vector<DataPoint> points_given(const Model& model, std::uint64_t seed, std::size_t count,
                                    const std::vector<double>& rows) {
  const std::vector<double> z = model.sample_latent(seed, 0, count, 1);
  std::vector<double> latent;
  for (std::size_t i = 0; i < count; ++i) {
    latent.insert(latent.end(), {z[i], rows[(2 * i + 1) % rows.size()]});
  }
  InversionReport report;
  const std::vector<double> y = model.decode(latent, InverseOptions{}, report);
  for (std::size_t i = 0; i < count; ++i) latent[2 * i] = y[i];
  return points_of(latent, true);
}

DensityGrid density_over(const Window& window, const Model& model, int cells) {
  DensityGrid grid{cells, cells, {}};
  const bool conditional = model.dimension() < model.row_width();
  std::vector<double> centres;
  for (int row = 0; row < cells; ++row) {
    for (int column = 0; column < cells; ++column) {
      const double x = cell_centre(window.x, column, cells);
      const double y = cell_centre(window.y, row, cells);
      centres.push_back(conditional ? y : x);
      centres.push_back(conditional ? x : y);
    }
  }
  for (const double log_p : model.log_density(centres)) grid.p.push_back(std::exp(log_p));
  return grid;
}

}  // namespace iflow
