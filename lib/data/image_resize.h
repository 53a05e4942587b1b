// Pictures made smaller.
#pragma once

#include <string>

#include "data/image_options.h"
#include "data/picture.h"

namespace iflow {

// The middle of the picture; of an odd rest, one row or column more is cut off at the bottom and
// on the right. Throws DataError beginning with `name` where the picture is smaller.
Picture cropped(const std::string& name, const Picture& picture, const ImageSize& size);

// Every new pixel is the mean of the area that it covers, rounded.
Picture resized(const Picture& picture, const ImageSize& size);

// As the options say, bits included.
Picture adapted(const std::string& name, Picture picture, const ImageOptions& options);

}  // namespace iflow
