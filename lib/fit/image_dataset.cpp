#include "fit/image_dataset.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "data/image_reader.h"
#include "data/split.h"
#include "flow/dequantise.h"
#include "model/image_rows.h"
#include "recipes/image_flows.h"
#include "train/prefix.h"

namespace iflow {
namespace {

void check_dimension(const std::string& path, const ImageShape& shape) {
  if (shape.size() <= kMaxDimension) return;
  throw DataError(path + ": images of " + std::to_string(shape.size()) +
                  " numbers; a flow takes up to " + std::to_string(kMaxDimension) +
                  " (--crop, --resize)");
}

// Their density would be infinite.
void check_differ(const std::string& path, const Images& images,
                  const std::vector<std::size_t>& rows) {
  const auto first = images.image(rows.front());
  const bool same = std::all_of(rows.begin(), rows.end(), [&](std::size_t row) {
    return std::equal(first.begin(), first.end(), images.image(row).begin());
  });
  if (same) {
    throw DataError(path + ": all images to train on are the same" +
                    (rows.size() == 1 ? ": there is but one" : ""));
  }
}

// Adds the images of the file `val`; all of them validate.
void append_validation(Images& images, Split& split, const std::string& val,
                       const Settings& settings) {
  const Images more = read_images(val, settings.image);
  if (more.shape != images.shape) {
    throw DataError(val + ": " + describe(more.shape) + ", but the images to train on are " +
                    describe(images.shape));
  }
  split.training.resize(images.count());
  std::iota(split.training.begin(), split.training.end(), 0);
  split.validation.resize(more.count());
  std::iota(split.validation.begin(), split.validation.end(), images.count());
  images.pixels.insert(images.pixels.end(), more.pixels.begin(), more.pixels.end());
}

}  // namespace

DataShape ImageDataset::shape() const {
  return {record.training_rows, images.shape.size(), 0, images.shape};
}

FlowConfig ImageDataset::flow_of(const FlowOptions& options) const {
  return make_image_flow(options, {images.shape, pixels});
}

// Images stay bytes until a step needs them.
TrainingData ImageDataset::training_data(const FlowConfig& flow, std::uint64_t seed) const {
  const Dequantise dequantise(lattices, flow.dimension);
  TrainingData data;
  data.validation = validation;
  data.drawn_rows = record.training_rows;
  data.draw = [this, flow, dequantise, seed](std::span<const std::uint32_t> numbers,
                                             std::uint64_t pass) {
    const std::size_t d = images.shape.size();
    std::vector<double> drawn(numbers.size() * d);
    parallel_for(numbers.size(), [&](std::size_t i) {
      const std::uint64_t id = training_ids[numbers[i]];
      const auto image = images.image(id);
      const std::span<double> row = std::span(drawn).subspan(i * d, d);
      std::copy(image.begin(), image.end(), row.begin());
      dequantise.add_noise(row, std::span(&id, 1), seed, pass);
    });
    return rows_after_prefix(flow, drawn);
  };
  return data;
}

void ImageDataset::set_baselines(Fit& fit) const { fit.pixels = pixels; }

BaselineScores ImageDataset::scores_of_baselines(const Fit& fit) const {
  std::vector<double> log_p;
  for (const std::uint64_t id : validation_ids) {
    log_p.push_back(log_probability(fit.pixels, images.image(id)));
  }
  return {.pixels = mean_and_error(log_p)};
}

std::unique_ptr<const Dataset> ImageDataset::without_validation() const {
  throw UsageError("a model of images has no refit");
}

std::unique_ptr<const ImageDataset> read_image_dataset(const std::string& path,
                                                       const std::string& val,
                                                       const Settings& settings) {
  auto data = std::make_unique<ImageDataset>();
  Images& images = data->images;
  images = read_images(path, settings.image);
  check_dimension(path, images.shape);
  Split split;
  if (val.empty()) {
    split =
        split_rows(images.count(), held_out_part(settings, images.count()), settings.train.seed);
  } else {
    append_validation(images, split, val, settings);
  }
  check_differ(path, images, split.training);
  const std::size_t d = images.shape.size();
  data->record.hash = content_hash(images);
  data->record.rows = images.count();
  data->record.training_rows = split.training.size();
  data->record.validation_rows = split.validation.size();
  data->record.image = ImageRecord{images.shape, images.bits};
  data->lattices = unit_lattices(d);
  data->pixels = fit_pixels(images, split.training);
  data->training_ids.assign(split.training.begin(), split.training.end());
  data->validation_ids.assign(split.validation.begin(), split.validation.end());
  for (const std::uint64_t id : data->validation_ids) {
    append_row(images.image(id), data->validation);
  }
  Dequantise(data->lattices, d)
      .add_noise(data->validation, data->validation_ids, settings.train.seed, 0);
  return data;
}

}  // namespace iflow
