// The activations of a residual branch, over lanes of rows, with everything a log-determinant and
// its gradient need: phi, phi', phi'' and the derivatives by the activation's own parameter.
//
// A tensor of values and tangents is [(1 + D) G][E][kLanes]: G groups of values z, then D times G
// groups of tangents (directional derivatives of z). The activation maps z to phi(z) and a tangent
// t to phi'(z) t.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace iflow {

enum class Activation {
  kSigmoid,   // 1 / (1 + e^-z)
  kTanh,      // tanh z
  kRelu,      // max(z, 0); phi'' = 0, so the log-determinant has a poor gradient
  kElu,       // z for z > 0, else e^z - 1
  kLipSwish,  // z sigmoid(a z) / 1.1
  kSine,      // sin(a z) / a
};

// Whether the activation has a learned parameter a > 0 (softplus of a raw one).
bool has_parameter(Activation activation);

// The largest |phi'(z)| over all z and a (an upper bound, proved or published).
double lipschitz_constant(Activation activation);

namespace kernels {

// y = phi(z) and, for each tangent, phi'(z) t. z, y: [(1 + D) G][E][kLanes]. Keeps phi'(z),
// [G][E][kLanes], for the backward pass unless `first` is null.
template <class T>
void activation_forward(Activation activation, T a, const T* z, T* y, T* first,
                        std::size_t elements, std::size_t groups, std::size_t tangents);

// The tangents of activation_forward once more: y holds `size` values, of which nothing is changed,
// then `tangents` times phi'(z) t.  first: (size)  z, y: ((1 + tangents) size)
template <class T>
void activation_tangents(const T* first, const T* z, T* y, std::size_t size, std::size_t tangents);

// The adjoint dz of z given the adjoint dy of y (both [(1 + D) G][E][kLanes]; dz is overwritten,
// and may be dy itself) and phi'(z) as the forward pass left it. Returns the adjoint of a (0 where
// the activation has none).
template <class T>
T activation_backward(Activation activation, T a, const T* z, const T* y, const T* first,
                      const T* dy, T* dz, std::size_t elements, std::size_t groups,
                      std::size_t tangents);

// phi and its derivatives at one point in plain C++: the oracle of the tests.
struct ActivationValue {
  double value, first, second;
  double value_by_a, first_by_a;
};
ActivationValue activation_reference(Activation activation, double a, double z);

}  // namespace kernels
}  // namespace iflow
