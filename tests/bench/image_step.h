// The training step of the default model of images.
#pragma once

namespace iflow {

// Prints its time and its share of the peak, on images of 28x28.
void print_image_step();

}  // namespace iflow
