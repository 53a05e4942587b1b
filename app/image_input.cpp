#include "image_input.h"

#include "base/error.h"
#include "model/image_rows.h"

namespace iflow {
namespace {

void refuse_table_options(const TableOptions& table) {
  const bool given = table.header != HeaderMode::kAuto || table.na != NaPolicy::kError ||
                     !table.columns.empty() || !table.keep.empty();
  if (given) throw UsageError("--header, --columns, --na and --keep: images have no columns");
}

}  // namespace

ImageReader open_images(const RowInput& input, const Fit& fit, const std::string& checkpoint) {
  refuse_table_options(input.table);
  const ImageRecord& record = fit.data.image.value();
  ImageOptions options = input.image;
  options.bits = record.bits;
  ImageReader reader(input.path, options);
  if (reader.shape() != record.shape) {
    throw DataError(display_name(input.path) + ": " + describe(reader.shape()) + ", but " +
                    checkpoint + " is a model of images that are " + describe(record.shape) +
                    " (--crop, --resize)");
  }
  return reader;
}

std::size_t for_each_images(
    ImageReader& reader, const std::function<void(const Images& images, const Rows& rows)>& take) {
  Images images;
  std::uint64_t first = 0;
  while (reader.next(chunk_rows(reader.shape().size()), images)) {
    std::vector<std::uint64_t> indices(images.count());
    for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = first + i;
    take(images, {rows_of(images), indices});
    first = reader.position();
  }
  return first;
}

std::vector<double> centred_rows(const Images& images) {
  std::vector<double> rows = rows_of(images);
  for (double& x : rows) x += 0.5;
  return rows;
}

}  // namespace iflow
