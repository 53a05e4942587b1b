#include "fit_images.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "data/image_reader.h"
#include "data/split.h"
#include "flow/dequantise.h"
#include "image_rows.h"

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
                       const FitSettings& settings) {
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

FitData read_fit_images(const std::string& path, const std::string& val,
                        const FitSettings& settings) {
  Images images = read_images(path, settings.image);
  check_dimension(path, images.shape);
  Split split;
  if (val.empty()) {
    // more only slow the run down, as their log-determinants are estimated
    constexpr double kMost = 500;
    split = split_rows(images.count(), held_out_part(images.count(), settings, kMost),
                       settings.train.seed);
  } else {
    append_validation(images, split, val, settings);
  }
  check_differ(path, images, split.training);
  const std::size_t d = images.shape.size();
  FitData data;
  data.record.hash = content_hash(images);
  data.record.rows = images.count();
  data.record.training_rows = split.training.size();
  data.record.validation_rows = split.validation.size();
  data.record.image = ImageRecord{images.shape, images.bits};
  data.lattices = unit_lattices(d);
  data.pixels = fit_pixels(images, split.training);
  data.training_ids.assign(split.training.begin(), split.training.end());
  const std::vector<std::uint64_t> validation_ids(split.validation.begin(), split.validation.end());
  for (const std::uint64_t id : validation_ids) append_row(images.image(id), data.validation);
  Dequantise(data.lattices, d).add_noise(data.validation, validation_ids, settings.train.seed, 0);
  data.validation_images = std::move(split.validation);
  data.images = std::make_shared<const Images>(std::move(images));
  return data;
}

}  // namespace iflow
