#include "flow/on_tail.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "autodiff/ops.h"
#include "base/rounding.h"

namespace iflow {

template <class T>
OnTail<T>::OnTail(std::unique_ptr<Layer<T>> inner, std::size_t count, std::size_t dimension)
    : inner_(std::move(inner)), count_(count), skipped_((dimension - count) * kLanes) {}

template <class T>
Var OnTail<T>::tail(Tape<T>& tape, Var x) const {
  return ops::elements(tape, x, x.elements - count_, count_);
}

template <class T>
Var OnTail<T>::joined(Tape<T>& tape, Var x, Var y) const {
  return ops::behind(tape, y, ops::elements(tape, x, 0, x.elements - count_));
}

template <class T>
Transformed OnTail<T>::forward(const Pass<T>& pass, Var x) const {
  Transformed result = inner_->forward(pass, tail(pass.tape, x));
  result.y = joined(pass.tape, x, result.y);
  return result;
}

template <class T>
Var OnTail<T>::transform(const Pass<T>& pass, Var x) const {
  return joined(pass.tape, x, inner_->transform(pass, tail(pass.tape, x)));
}

template <class T>
void OnTail<T>::initialise(const Pass<T>& pass, std::span<T> values, Var x, const double* weights,
                           std::uint64_t seed) const {
  inner_->initialise(pass, values, tail(pass.tape, x), weights, seed);
}

template <class T>
Certificate OnTail<T>::prove(const ParameterLayout& layout, std::span<const double> values,
                             std::span<const double> norms) const {
  return inner_->prove(layout, values, norms);
}

template <class T>
Inverted OnTail<T>::inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                            const InverseOptions& options) const {
  Inverted result = inner_->inverse(pass, tail(pass.tape, y), certificate, options);
  result.x = joined(pass.tape, y, result.x);
  return result;
}

template <class T>
double OnTail<T>::inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                                    double radius) const {
  return std::max(inner_->inverse_lipschitz(certificate, values, y + skipped_, radius), 1.0);
}

// The head passes an error on as it is, the tail by the inner layer's constant; the inner layer
// adds what it would without any.
template <class T>
void OnTail<T>::bound_inverse(const Pass<T>& pass, Var y, const Inverted& inverted,
                              const Certificate& certificate, const InverseOptions& options,
                              std::span<double> errors) const {
  Tape<T>& tape = pass.tape;
  std::vector<double> own(errors.size(), 0);
  inner_->bound_inverse(pass, tail(tape, y), {tail(tape, inverted.x), inverted.rows}, certificate,
                        options, own);
  for (std::size_t row = 0; row < errors.size(); ++row) {
    double& error = errors[row];
    if (!(error < std::numeric_limits<double>::infinity())) continue;
    const T* const ys = tape.value(y) + row / kLanes * y.elements * kLanes + row % kLanes;
    const double carried =
        error > 0 ? inverse_lipschitz(certificate, pass.values, ys, error) * error : 0;
    error = (carried + own[row]) * kUpAfter6;
  }
}

template <class T>
const EstimatedLogDet<T>* OnTail<T>::estimated() const {
  return inner_->estimated() != nullptr ? this : nullptr;
}

template <class T>
Prepared<T> OnTail<T>::prepare_to_learn(const Pass<T>& pass, Var x,
                                        const LogDetOptions& options) const {
  Prepared<T> result = inner_->estimated()->prepare_to_learn(pass, tail(pass.tape, x), options);
  result.y = joined(pass.tape, x, result.y);
  return result;
}

template <class T>
Learnable<T> OnTail<T>::forward_to_learn(const Pass<T>& pass, Var x, const LogDetDraw& draw,
                                         const Linearised<T>* known) const {
  Learnable<T> result =
      inner_->estimated()->forward_to_learn(pass, tail(pass.tape, x), draw, known);
  result.y = joined(pass.tape, x, result.y);
  return result;
}

template <class T>
Var OnTail<T>::sample_log_det(const Pass<T>& pass, Var x, const Certificate& certificate,
                              const LogDetDraw& draw, LogDetSamples& samples) const {
  return joined(
      pass.tape, x,
      inner_->estimated()->sample_log_det(pass, tail(pass.tape, x), certificate, draw, samples));
}

template class OnTail<float>;
template class OnTail<double>;

}  // namespace iflow
