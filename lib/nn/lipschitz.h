// Spectral norms: the cheap estimate from below that training follows, and the bound from above
// that a proof needs. (lib/MATHS.md, section 1; Miyato et al., "Spectral Normalization for
// Generative Adversarial Networks", ICLR 2018)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/parameters.h"

namespace iflow {

// The singular vectors that power iteration carries from step to step, for one matrix W (M, K), or
// for the operator of a convolution on images of its size.
struct PowerVectors {
  std::vector<float> u;  // (M), or an image of the outputs
  std::vector<float> v;  // (K), or an image of the inputs
};

// Random unit vectors for a parameter of the layout, keyed by (seed, index).
PowerVectors initial_power_vectors(const ParameterInfo& info, std::uint64_t seed,
                                   std::size_t index);

// `iterations` steps v <- W^T u / ||.||, u <- W v / ||.||; returns sigma = u^T W v, which
// approaches the spectral norm of W from below. An all-zero W leaves u and v and returns 0.
float power_iteration(const float* w, PowerVectors& vectors, int iterations);

// The same for the operator A of a convolution: v <- A^T u / ||.||, u <- A v / ||.||.
void power_iteration(const kernels::ConvolutionShape& shape, const float* kernel,
                     PowerVectors& vectors, int iterations);

// W_eff = W min(1, c / sigma), row-major.
void normalise_matrix(const float* w, std::size_t size, float sigma, float c, float* effective);

// The gradient of the raw W given that of W_eff, u and v held fixed: with s = c / sigma < 1,
// dW = s dW_eff - (s / sigma) <dW_eff, W> u v^T; dW = dW_eff where s >= 1. In place.
void pull_back_through_norm(const float* w, const PowerVectors& vectors, float sigma, float c,
                            float* gradient);

// The same with any direction D = d sigma / dW, held fixed, that sigma = <D, W> is the product of:
// dW = s dW_eff - (s / sigma) <dW_eff, W> D.
void pull_back_through_norm(const float* w, const float* direction, std::size_t size, float sigma,
                            float c, float* gradient);

// An upper bound of the spectral norm of the row-major (M, K) matrix: its largest singular value in
// double, raised by the rounding error that the computation can have made.
double proved_spectral_norm(const double* w, std::size_t rows, std::size_t columns);

// An upper bound of the spectral norm that `info` speaks of: of the matrix, or of the convolution.
double proved_norm(const ParameterInfo& info, const double* w);

// Scales every spectrally normalised parameter of the flat array `values` so that its *proved* norm
// is at most its coefficient, the rounding to float included; leaves the others.
void scale_to_proved_bound(const ParameterLayout& layout, std::span<float> values);

// The proved norm of every spectrally normalised parameter, 0 for free ones.
std::vector<double> proved_norms(const ParameterLayout& layout, std::span<const double> values);

}  // namespace iflow
