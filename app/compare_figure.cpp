#include "compare_figure.h"

#include "number_format.h"
#include "plane.h"

namespace iflow {
namespace {

constexpr int kLargePanel = 300;  // pixels
constexpr int kSmallPanel = 160;
constexpr std::size_t kSamples = 20000;

}  // namespace

CompareFigure::CompareFigure(const std::vector<std::string>& models, bool is_single,
                             std::uint64_t seed)
    : is_single_(is_single), seed_(seed) {
  figure_.panel_side = is_single ? kLargePanel : kSmallPanel;
  if (!is_single) figure_.rows.push_back({"data", {}});
  for (const std::string& model : models) figure_.rows.push_back({model, {}});
}

void CompareFigure::add_data(const std::string& name, const std::vector<double>& rows) {
  points_ = thinned(points_of(rows));
  const Window window = window_around(points_);
  if (is_single_) {
    for (const char* title : {"data", "density", "samples"}) {
      figure_.columns.push_back({title, window});
    }
  } else {
    figure_.columns.push_back({name, window});
    figure_.rows.front().panels.push_back({points_});
  }
  next_row_ = is_single_ ? 0 : 1;
}

void CompareFigure::add_model(const Model& model, const MeanAndError& nats) {
  const Window& window = figure_.columns.back().window;
  const DensityGrid density = density_over(window, model, figure_.panel_side);
  std::vector<ComparisonPanel>& panels = figure_.rows[next_row_++].panels;
  if (is_single_) {
    panels = {
        {points_}, {density, with_error(nats) + " nats"}, {sampled_points(model, seed_, kSamples)}};
  } else {
    panels.push_back({density, fixed_point(nats.mean, 3)});
  }
}

}  // namespace iflow
