// The convolution kernels at the shapes that the default models of images use.
#pragma once

namespace iflow {

// Prints a table of operations per second and their share of `peak`. Throws Error where a kernel
// differs from its naive twin.
void print_convolutions(double peak);

}  // namespace iflow
