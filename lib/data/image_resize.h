// Pictures made smaller.
#pragma once

#include <string>

#include "data/image_options.h"
#include "data/picture.h"

namespace iflow {

// The middle of the picture. Where an odd number of rows or columns is cut off, the bottom and the
// right lose one more. Throws DataError beginning with `name` where the picture is smaller.
Picture cropped(const std::string& name, const Picture& picture, const ImageSize& size);

// Every new pixel is the mean of the area that it covers, rounded.
Picture resized(const Picture& picture, const ImageSize& size);

// The picture cropped, resized and reduced to its highest bits, as the options say.
Picture adapted(const std::string& name, Picture picture, const ImageOptions& options);

}  // namespace iflow
