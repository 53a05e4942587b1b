#include "recipes/coupling_flows.h"

namespace iflow {

// Gap to the entropy, nats, of plans of 12,000 to 20,000 steps on 1,000,000 rows of toys, batch
// 128, learning rate 2e-3, one seed a figure:
//                                              8gaussians  circles
//   RealNVP, 8 couplings of 64-64, sine at 1      .142       .354
//                                  sine at 3      .072       .067
//                                  sine at 10     .041       .074
//                                  relu           .064       .068
//                                  tanh           .129
//                                  lipswish       .254
//                                  sine at 3, learning rate 1e-3 .098, .111; 5e-3 .078
//           8 of 128-128, sine at 3               .116       .071
//           16 of 64-64, sine at 3                .043       .040, and .123 where its loss jumped
//           16 of 64-64, relu                     .041       .026
//           16 of 32-32, relu                                .044; 32 of them .051
//   Glow, 8 couplings of 64-64, sine at 3         .085       .035
//         16 of 64-64, relu                       .037       .056
//   NICE, 16 couplings of 64-64, relu, learning rate 2e-4 .260
//                                                    5e-4 .181       .209
//                                                    2e-3 .118       nothing learned
//         8 of 64-64, learning rate 5e-4, relu          .409; 3e-4, sine at 3 .293
//   spline, 8 couplings of 64-64, sine at 3, 8 bins .0016    .0025 (2spirals .0092, pinwheel .0038)
// Gradients counted at most so many times their usual norm (whatever it is, 2, 4), 6,000 steps on
// 100,000 rows, the mean of two seeds:
//             circles        2spirals       rings          checkerboard
//   RealNVP   .090 .050 .039 .355 .141 .163 .781 .914 .531 .109 .137 .095
//   Glow      .048 .049 .033 .499 .245 .161 .749 .705 .630 .121 .121 .093
//   NICE      .287 .242      .335 .337      .963 .963      .343 .336
//   spline    .006 .006 .006 .022 .028 .019 .055 .074 .053 .093 .078 .101
// With 10 as with any norm. Longer runs, one seed, whatever it is | 4:
//   the default plan on 100,000 rows: RealNVP circles .020 | .013, 2spirals .038 | .030;
//     Glow circles .071 | .024, 2spirals .058 | .103
//   110,000 steps on 1,000,000 rows: RealNVP circles .018 | .024, with 10 .016
// The log-scale's bound of 2: 1 makes .034 of RealNVP's .026, 4 makes .040.
// So: sixteen couplings and ReLU, as in the papers, whose loss did not jump, and a quarter of the
// rate for NICE; for splines, sine.
// Three and more columns, held-out nats per row on the tables of defaults.cpp (the same rows that
// the README reports), 2,000 steps, batch 64, 8 couplings of 64-64, sine at .5 | 1:
//                    diabetes         breast cancer     digits
//   RealNVP        21.73 | 21.66      30.6 | 23.2      -120.9 | -123.4
//   Glow                 | 22.01      28.5 | 24.0      -114.9 |
//   NICE, 2e-3     21.86 |            16.0 |           -125.8 |
//   NICE, 5e-4     22.14 |            18.3 |           -126.6 |
//   spline, 3 bins 21.73 |            33.1 | 33.7      -107.8 | -115.2
//   spline, 8 bins 19.93 | 19.58      29.1 | 29.2      -112.8 | -117.1
//   chain of 16 columns, 45,000 rows, entropy 12.306: spline, 8 bins, 2,500 steps, sine at 1
//   -13.17, at 2 -13.03
FlowOptions default_coupling_options(ModelKind model, std::size_t training_rows,
                                     std::size_t columns) {
  FlowOptions options;
  options.model = model;
  options.hidden = {64, 64};
  options.bins = 8;
  options.activation = "sine";
  options.activation_start = 3;
  options.blocks = 8;
  if (columns > kPlane) {
    const bool many = training_rows >= kManyTableRows;
    options.activation_start = many ? 2 : 0.5;
    options.bins = many ? 8 : 3;
  } else if (model != ModelKind::kSpline) {
    options.activation = "relu";
    options.activation_start = 1;
    options.blocks = 16;
  }
  return options;
}

// Bits per dimension of 500 held-out images of MNIST after 1,000 steps, batch 32, the couplings
// counted on each size of the image; one seed a figure, which moves it by about .01. The learning
// rate rises over a part of the steps, where nothing is said a twentieth. Gradients counted
// whatever their norm, so that a loss could jump (see below). Seconds of one thread beside other
// work.
//   RealNVP   8 of 64-64  5e-3 1.220; 1e-2 1.196, over a fifth 1.189 (42 s); in the order without a
//                         factor-out 1.208 (1,200 steps), 1.203
//            12 of 48-48  1e-2, a fifth 1.181 (41 s); 16 of 40-40 1.179 (50 s)
//   Glow      8 of 64-64  5e-3 1.207, a fifth 1.222; 1e-2 1.307 with a jump, a fifth 1.217;
//                         elu, 5e-3, a fifth 1.249; without a factor-out 1.215, 1e-2 1.198
//             8 of 96-96  5e-3 1.261 with a jump; 12 of 48-48, a fifth 1.213
//   NICE      8 of 64-64  1e-2 1.338, without a factor-out 2e-3 1.412, 5e-3 1.358
//            12 of 64-64  1e-2, a fifth 1.321
//   spline, a fifth
//             8 of 64-64  5e-3, 8 bins 1.096 (145 s); 4 of them 1.121 (67 s)
//             4 of 64-64  1e-2, 4 bins 1.128 (42 s)
//             8 of 32-32  1e-2, 4 bins 1.112 (41 s)
// So: many narrow couplings, fewer of splines, whose maps cost more.
// A single image far out, through 32 exponentials, can make a gradient 500,000 times the usual one.
// Bits per dimension of 500 held-out images of Fashion-MNIST after 2,100 steps of these options,
// rate 1e-2 rising over a tenth, a gradient counted at most so many times its usual norm:
//   Glow     1.5 3.127; 2 3.111; 3 3.123; at 5e-3 2 3.137, 3 3.188, any norm 3.896 after a jump
//   RealNVP  2 3.123; any norm 3.146, of which a part at half the rate after a divergence
FlowOptions default_image_coupling_options(ModelKind model) {
  const bool is_spline = model == ModelKind::kSpline;
  FlowOptions options;
  options.model = model;
  options.blocks = is_spline ? 8 : 16;
  options.hidden = is_spline ? std::vector<std::size_t>{32, 32} : std::vector<std::size_t>{40, 40};
  options.activation = "relu";
  options.activation_start = 1;
  options.bins = 4;
  return options;
}

double default_coupling_rate(ModelKind model) { return model == ModelKind::kNice ? 5e-4 : 2e-3; }

namespace {

CouplingKind coupling_of(ModelKind model) {
  if (model == ModelKind::kNice) return CouplingKind::kAdditive;
  return model == ModelKind::kSpline ? CouplingKind::kSpline : CouplingKind::kAffine;
}

// Whether a matrix mixes the columns in front of every coupling.
bool has_matrices(ModelKind model) {
  return model == ModelKind::kGlow || model == ModelKind::kSpline;
}

CouplingConfig coupling_config(const FlowOptions& options) {
  CouplingConfig coupling;
  coupling.kind = coupling_of(options.model);
  coupling.hidden = options.hidden;
  coupling.activation = options.activation;
  coupling.activation_start = options.activation_start;
  coupling.bins = options.bins;
  return coupling;
}

}  // namespace

std::vector<std::size_t> kernel_sides(std::size_t hidden) {
  std::vector<std::size_t> sides(hidden + 1, 1);
  sides.front() = sides.back() = 3;
  return sides;
}

void append_couplings(const FlowOptions& options, FlowConfig& flow) {
  CouplingConfig coupling = coupling_config(options);
  for (std::size_t i = 0; i < options.blocks; ++i) {
    // the ActNorm of the first step is that in front of all blocks
    if (options.model == ModelKind::kGlow && i > 0) flow.layers.emplace_back(ActNormConfig{});
    if (has_matrices(options.model)) {
      flow.layers.emplace_back(PluConfig{});
    } else {
      coupling.from_second = i % 2 == 1;
    }
    flow.layers.emplace_back(coupling);
  }
}

void append_image_couplings(const FlowOptions& options, const ImageShape& shape, FlowConfig& flow) {
  CouplingConfig coupling = coupling_config(options);
  coupling.image = shape;
  coupling.sides = kernel_sides(options.hidden.size());
  const bool has_checkerboard = shape.channels % 4 == 0;
  for (std::size_t i = 0; i < options.blocks; ++i) {
    flow.layers.emplace_back(ActNormConfig{shape.channels});
    if (has_matrices(options.model)) {
      flow.layers.emplace_back(PluConfig{shape.channels});
    } else {
      coupling.from_second = i % 2 == 1;
      coupling.mask =
          has_checkerboard && i / 2 % 2 == 0 ? ChannelMask::kCheckerboard : ChannelMask::kHalves;
    }
    flow.layers.emplace_back(coupling);
  }
}

}  // namespace iflow
