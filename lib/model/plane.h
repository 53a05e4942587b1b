// Rows of two columns as points of the plane, and densities over it: what figures show.
#pragma once

#include <vector>

#include "model/flow_model.h"
#include "report/panels.h"

namespace iflow {

// rows: (n, 2), their x first but for those of a conditional density p(y | x), which is drawn over
// its condition.
std::vector<DataPoint> points_of(const std::vector<double>& rows, bool conditional = false);

// At most as many points as still show their structure, evenly spread over the rows.
std::vector<DataPoint> thinned(const std::vector<DataPoint>& points);

// Points that the model draws.
std::vector<DataPoint> sampled_points(const Model& model, std::uint64_t seed, std::size_t count);

// Points that a conditional model draws at the conditions of such rows, one after the other.
std::vector<DataPoint> points_given(const Model& model, std::uint64_t seed, std::size_t count,
                                    const std::vector<double>& rows);

// The density, be it conditional or not, at the centres of the cells of a grid of cells x cells.
DensityGrid density_over(const Window& window, const Model& model, int cells);

}  // namespace iflow
