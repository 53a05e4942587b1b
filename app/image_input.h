// Images on their way into a model.
#pragma once

#include <functional>
#include <string>

#include "checkpoint/model_file.h"
#include "data/image_reader.h"
#include "row_input.h"
#include "row_stream.h"

namespace iflow {

// Opens images like those a model was fitted on. Throws UsageError for options that only tables
// have, DataError for images of another shape.
ImageReader open_images(const RowInput& input, const Fit& fit, const std::string& checkpoint);

// Calls take(images, the same as rows) for some images after the other, and returns how many there
// were. No result may depend on how they are cut.
std::size_t for_each_images(
    ImageReader& reader, const std::function<void(const Images& images, const Rows& rows)>& take);

// The images themselves as a model takes them: in the middle of their bins.
std::vector<double> centred_rows(const Images& images);

}  // namespace iflow
