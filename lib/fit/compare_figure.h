// The figure of a comparison: of models of the plane, or of images.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mean_and_error.h"
#include "fit/dataset.h"
#include "model/flow_model.h"
#include "report/canvas.h"

namespace iflow {

// Grows with the models: to every set of data its models are added in order.
class CompareFigure {
 public:
  CompareFigure() = default;
  CompareFigure(const CompareFigure&) = delete;
  CompareFigure& operator=(const CompareFigure&) = delete;
  virtual ~CompareFigure() = default;

  virtual void add_data(const std::string& name, const Dataset& data) = 0;
  // `nats`: the model's mean negative log-density per held-out row.
  virtual void add_model(const std::string& name, const Model& model, const MeanAndError& nats) = 0;
  virtual Canvas render() const = 0;
};

// Of two columns. One set of data: a row a model with data, density and samples. Several: a column
// a set, the data on top and below them a row of densities a model. `models`: names; samples are
// drawn by `seed`.
std::unique_ptr<CompareFigure> make_plane_compare_figure(const std::vector<std::string>& models,
                                                         bool is_single, std::uint64_t seed);

// Of one set of images: a row a model with some of the images held out, as many samples, and the
// images through the flow and back.
std::unique_ptr<CompareFigure> make_image_compare_figure(std::uint64_t seed);

}  // namespace iflow
