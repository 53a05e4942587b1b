// The recorded operations. Each is defined with its backward right below its forward.
//
// Sizes: E elements, G groups of kLanes rows, D tangents. A tensor with tangents is
// [(1 + D) G][E][kLanes]: first the values of G groups, then, D times, the directional derivatives
// of those G groups.
#pragma once

#include <cstddef>

#include "autodiff/tape.h"
#include "kernels/channel_activation.h"
#include "kernels/convolution.h"

namespace iflow::ops {

// x with the E unit vectors as tangents: x [G][E] -> [(1 + E) G][E].
template <class T>
Var unit_tangents(Tape<T>& tape, Var x);

// x with the tangents t: x [G][E], t [D G][E] -> [(1 + D) G][E].
template <class T>
Var with_tangents(Tape<T>& tape, Var x, Var t);

// The tangents alone: h [(1 + D) G][E] -> [D G][E]; `groups` is G.
template <class T>
Var tangents_of(Tape<T>& tape, Var h, std::size_t groups);

// The mean over the tangents t_j of h of <t_j, v_j> per row, v constant: h [(1 + D) G][E],
// v [D G][E] -> [G][1]; `groups` is G. With t_j = A v_j and random v_j it is Hutchinson's estimate
// of tr(A). (Hutchinson, "A stochastic estimator of the trace of the influence matrix", 1990)
template <class T>
Var mean_tangent_product(Tape<T>& tape, Var h, Var v, std::size_t groups);

// v - strength ||J||_F^2 per row, J's columns the tangents of h: v [G][1], h [(1 + D) G][E] ->
// [G][1].
template <class T>
Var less_squared_norm(Tape<T>& tape, Var v, Var h, T strength);

// An optional constant input beside x: weight (M, C), c [G][C][kLanes]. c must outlive the
// recording.
template <class T>
struct ConstantInput {
  Parameter<T> weight = {};
  const T* c = nullptr;
};

// y = w x + bias (+ weight c of a constant input) on the values, w t on the tangents.
// w: (M, E)  bias: (M, 1)  x: [(1 + D) G][E] -> [(1 + D) G][M]; `groups` is G.
template <class T>
Var linear(Tape<T>& tape, const Parameter<T>& w, const Parameter<T>& bias, Var x,
           std::size_t groups, const ConstantInput<T>& constant = {});

// linear(unit_tangents(x)) without a product for the tangents, which are the columns of w:
// w x + bias on the values. w: (M, E)  bias: (M, 1)  x: [G][E] -> [(1 + E) G][M].
template <class T>
Var linear_with_unit_tangents(Tape<T>& tape, const Parameter<T>& w, const Parameter<T>& bias,
                              Var x);

// y = phi(x) on the values, phi'(x) t on the tangents. `raw` (1, 1): the activation's parameter is
// softplus(raw); ignored by activations that have none. `groups` is G.
template <class T>
Var activation(Tape<T>& tape, Activation kind, const Parameter<T>& raw, Var x, std::size_t groups);

// y = w phi(x) + bias on the values, w phi'(x) t on the tangents: activation and linear in one. The
// activated tangents of a wide network are not kept for the backward pass: to make them again is
// faster than to read them back from memory. w: (M, E)  bias: (M, 1)  x: [(1 + D) G][E] -> [(1 + D)
// G][M]; `groups` is G.
template <class T>
Var activated_linear(Tape<T>& tape, Activation kind, const Parameter<T>& raw, const Parameter<T>& w,
                     const Parameter<T>& bias, Var x, std::size_t groups);

// Results of a convolution on the values that were computed before it is recorded, so that only the
// tangents remain; null where unknown.
template <class T>
struct KnownValues {
  const T* output = nullptr;  // [G][H W outputs]
  const T* kept = nullptr;    // of Phi in front of it, if there is one: [G][H W phi.kept(channels)]
};

// y = w * x + bias on the values, w * t on the tangents: the convolution of images that stand
// [H][W][channels] in their rows (kernels/convolution.h). w: (outputs, columns)
// bias: (outputs, 1)  x: [(1 + D) G][H W inputs] -> [(1 + D) G][H W outputs]; `groups` is G.
template <class T>
Var convolution(Tape<T>& tape, const kernels::ConvolutionShape& shape, const Parameter<T>& w,
                const Parameter<T>& bias, Var x, std::size_t groups, KnownValues<T> known = {});

// y = w * Phi(x) + bias on the values, w * Phi'(x) t on the tangents. Only x is kept for the
// backward pass: to make Phi(x) again is faster than to read it back from memory. `raw` as in
// `activation`; shape.inputs = phi.outputs(channels of x).
template <class T>
Var activated_convolution(Tape<T>& tape, ChannelActivation phi, const Parameter<T>& raw,
                          const kernels::ConvolutionShape& shape, const Parameter<T>& w,
                          const Parameter<T>& bias, Var x, std::size_t groups,
                          KnownValues<T> known = {});

// y = [x, -x]: x [G][E] -> [G][2 E].
template <class T>
Var mirror(Tape<T>& tape, Var x);

// The elements first .. first + count - 1 of x: x [G][E] -> [G][count].
template <class T>
Var elements(Tape<T>& tape, Var x, std::size_t first, std::size_t count);

// y[i] = x[source[i]], source naming `count` different elements and outliving the tape's backward
// pass: x [G][E] -> [G][count].
template <class T>
Var select(Tape<T>& tape, Var x, const std::size_t* source, std::size_t count);

// y = [b, a]: a [G][E], b [G][F] -> [G][F + E].
template <class T>
Var behind(Tape<T>& tape, Var a, Var b);

// y = factor x.
template <class T>
Var scale(Tape<T>& tape, Var x, T factor);

// y = x + the values (the first groups) of h: x [G][E], h [(1 + D) G][E] -> [G][E].
template <class T>
Var add_values(Tape<T>& tape, Var x, Var h);

// ln det(I + J) per row, J[i][j] = element i of tangent j of h: h [(1 + E) G][E] -> [G][1].
// Closed form for E = 1, 2, 3, else LU without pivoting: with Lip(g) < 1 the symmetric part of
// I + J is positive definite. Rows where it is not give NaN. (lib/MATHS.md, section 3)
template <class T>
Var log_det_identity_plus(Tape<T>& tape, Var h, std::size_t groups);

// y = (x + shift) exp(log_scale), element by element: x [G][E], shift and log_scale (C, 1), of
// which element i takes number i mod C.
template <class T>
Var scale_and_shift(Tape<T>& tape, const Parameter<T>& log_scale, const Parameter<T>& shift, Var x);

// The sum of the parameter's entries for every row: -> [G][1].
template <class T>
Var sum_to_rows(Tape<T>& tape, const Parameter<T>& p, std::size_t groups);

// y = a + b, of the same shape.
template <class T>
Var add(Tape<T>& tape, Var a, Var b);

}  // namespace iflow::ops
