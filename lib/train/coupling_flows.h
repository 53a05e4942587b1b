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

#include "train/defaults.h"

namespace iflow {

FlowOptions default_coupling_options(ModelKind model, std::size_t training_rows,
                                     std::size_t columns);
// The learning rate at the top of its schedule.
double default_coupling_rate(ModelKind model);

// Appends options.blocks couplings and what belongs to each of them. The model is a coupling flow.
void append_couplings(const FlowOptions& options, FlowConfig& flow);

}  // namespace iflow
