// The coupling flows that an i-ResNet is measured against, with defaults that suit them.
//   NICE     additive couplings, a diagonal scale at the end: the last ActNorm (Dinh, Krueger,
//            Bengio, ICLR 2015 workshop)
//   RealNVP  affine couplings (Dinh, Sohl-Dickstein, Bengio, ICLR 2017)
//   Glow     steps of ActNorm, an invertible matrix and an affine coupling (Kingma, Dhariwal,
//            NeurIPS 2018)
//   spline   steps of an invertible matrix and a rational-quadratic spline coupling (Durkan et al.,
//            "Neural Spline Flows", NeurIPS 2019)
// The couplings of NICE and RealNVP take turns in which half of the columns they map.
#pragma once

#include <cstddef>
#include <vector>

#include "recipes/defaults.h"

namespace iflow {

FlowOptions default_coupling_options(ModelKind model, std::size_t training_rows,
                                     std::size_t columns);
// For images.
FlowOptions default_image_coupling_options(ModelKind model);
// The learning rate at the top of its schedule.
double default_coupling_rate(ModelKind model);

// Of the kernels of a network of images with so many hidden layers: 3, 1 ... 1, 3.
std::vector<std::size_t> kernel_sides(std::size_t hidden);

// Appends options.blocks couplings and what belongs to each of them. The model is a coupling flow.
void append_couplings(const FlowOptions& options, FlowConfig& flow);

// The same for images of this shape, of at least 2 channels: convolutional couplings, each behind
// an ActNorm of channels. NICE and RealNVP take turns in masks and halves, Glow and splines have an
// invertible 1x1 convolution before each coupling.
void append_image_couplings(const FlowOptions& options, const ImageShape& shape, FlowConfig& flow);

}  // namespace iflow
