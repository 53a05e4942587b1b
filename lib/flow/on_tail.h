// A layer that works on the last elements of a row and leaves those before them alone: the layers
// behind a factor-out (permutation.h).
#pragma once

#include <memory>

#include "flow/layer.h"

namespace iflow {

template <class T>
class OnTail final : public Layer<T> {
 public:
  // `count`: elements that `inner` works on, fewer than `dimension`, which a row has.
  OnTail(std::unique_ptr<Layer<T>> inner, std::size_t count, std::size_t dimension);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Var transform(const Pass<T>& pass, Var x) const override;
  Prepared<T> prepare_to_learn(const Pass<T>& pass, Var x,
                               const LogDetConfig& config) const override;
  Learnable<T> forward_to_learn(const Pass<T>& pass, Var x, const LogDetDraw& draw,
                                const Linearised<T>* known) const override;
  Var sample_log_det(const Pass<T>& pass, Var x, const LogDetSampling& sampling,
                     LogDetSamples& samples) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const InverseOptions& options) const override;
  void initialise(const Pass<T>& pass, std::span<T> values, Var x, const double* weights,
                  std::uint64_t seed) const override;
  void prove(const ParameterLayout& layout, std::span<const double> values,
             std::span<const double> norms) override;
  double residual_lipschitz() const override { return inner_->residual_lipschitz(); }
  double inverse_lipschitz(const T* values) const override;
  double inverse_lipschitz_near(const T* values, const T* y, double radius) const override;
  double inverse_error(const T* values, const T* y, const T* x, const InverseRow* row,
                       double error) const override;

 private:
  Var tail(Tape<T>& tape, Var x) const;
  // y behind the elements of x that were left alone.
  Var joined(Tape<T>& tape, Var x, Var y) const;

  std::unique_ptr<Layer<T>> inner_;
  std::size_t count_;
  std::size_t skipped_;  // numbers of a row's lanes in front
};

extern template class OnTail<float>;
extern template class OnTail<double>;

}  // namespace iflow
