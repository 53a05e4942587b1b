#include "fit/compare_figure.h"

#include <algorithm>
#include <span>
#include <utility>

#include "fit/table_dataset.h"
#include "model/image_rows.h"
#include "model/plane.h"
#include "report/comparison_figure.h"
#include "report/image_figure.h"
#include "report/number_format.h"

namespace iflow {
namespace {

constexpr int kLargePanel = 300;  // pixels
constexpr int kSmallPanel = 160;
constexpr std::size_t kSamples = 20000;
constexpr std::size_t kImageColumns = 6;  // of a panel
constexpr std::size_t kImages = 3 * kImageColumns;

class PlaneCompareFigure final : public CompareFigure {
 public:
  PlaneCompareFigure(const std::vector<std::string>& models, bool is_single, std::uint64_t seed)
      : is_single_(is_single), seed_(seed) {
    figure_.panel_side = is_single ? kLargePanel : kSmallPanel;
    if (!is_single) figure_.rows.push_back({"data", {}});
    for (const std::string& model : models) figure_.rows.push_back({model, {}});
  }

  void add_data(const std::string& name, const Dataset& data) override {
    points_ = thinned(points_of(dynamic_cast<const TableDataset&>(data).training));
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

  void add_model(const std::string&, const Model& model, const MeanAndError& nats) override {
    const Window& window = figure_.columns.back().window;
    const DensityGrid density = density_over(window, model, figure_.panel_side);
    std::vector<ComparisonPanel>& panels = figure_.rows[next_row_++].panels;
    if (is_single_) {
      panels = {{points_},
                {density, with_error(nats) + " nats"},
                {sampled_points(model, seed_, kSamples)}};
    } else {
      panels.push_back({density, fixed_point(nats.mean, 3)});
    }
  }

  Canvas render() const override { return render_comparison_figure(figure_); }

 private:
  bool is_single_;
  std::uint64_t seed_;
  std::vector<DataPoint> points_;  // of the data added last
  std::size_t next_row_ = 0;       // for the next model
  ComparisonFigure figure_;
};

class ImageCompareFigure final : public CompareFigure {
 public:
  explicit ImageCompareFigure(std::uint64_t seed) : seed_(seed) {}

  void add_data(const std::string& name, const Dataset& data) override {
    record_ = *data.record.image;
    const std::span<const double> held_out = data.validation;
    const std::size_t most = kImages * record_.shape.size();
    originals_ = images_of(record_, held_out.first(std::min(most, held_out.size())));
    figure_.caption =
        name + ": held-out images, the first samples, and the images through the flow and back";
  }

  void add_model(const std::string& name, const Model& model, const MeanAndError& nats) override {
    const bool is_first = figure_.rows.empty();
    const auto panel = [&](const std::string& title, Images images) {
      return ImagePanel{is_first ? title : "", std::move(images), kImageColumns};
    };
    const double bits = bits_per_dimension(-nats.mean, model.dimension());
    ImagePanel samples =
        panel("samples", decoded(model, model.sample_latent(seed_, 0, kImages, 1)));
    samples.note = fixed_point(bits, 3) + " bits/dim";
    figure_.rows.push_back({name,
                            {panel("data", originals_), std::move(samples),
                             panel("reconstructions", reconstructed(model))}});
  }

  Canvas render() const override { return render_image_figure(figure_); }

 private:
  // From the middle of their bins.
  Images reconstructed(const Model& model) const {
    std::vector<double> rows = rows_of(originals_);
    for (double& x : rows) x += 0.5;
    return decoded(model, model.encode(rows));
  }

  Images decoded(const Model& model, const std::vector<double>& z) const {
    InversionReport report;
    return images_of(record_, model.decode(z, {}, report));
  }

  std::uint64_t seed_;
  Images originals_;
  ImageRecord record_;
  ImageFigure figure_;
};

}  // namespace

std::unique_ptr<CompareFigure> make_plane_compare_figure(const std::vector<std::string>& models,
                                                         bool is_single, std::uint64_t seed) {
  return std::make_unique<PlaneCompareFigure>(models, is_single, seed);
}

std::unique_ptr<CompareFigure> make_image_compare_figure(std::uint64_t seed) {
  return std::make_unique<ImageCompareFigure>(seed);
}

}  // namespace iflow
