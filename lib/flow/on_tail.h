// A layer that works on the last elements of a row and leaves those before them alone: the layers
// behind a factor-out (permutation.h).
#pragma once

#include <memory>

#include "flow/layer.h"

namespace iflow {

template <class T>
class OnTail final : public Layer<T>, public EstimatedLogDet<T> {
 public:
  // `count`: elements that `inner` works on, fewer than `dimension`, which a row has.
  OnTail(std::unique_ptr<Layer<T>> inner, std::size_t count, std::size_t dimension);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Var transform(const Pass<T>& pass, Var x) const override;
  void initialise(const Pass<T>& pass, std::span<T> values, Var x, const double* weights,
                  std::uint64_t seed) const override;
  // What is proved of the inner layer.
  Certificate prove(const ParameterLayout& layout, std::span<const double> values,
                    std::span<const double> norms) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                           double radius) const override;
  void bound_inverse(const Pass<T>& pass, Var y, const Inverted& inverted,
                     const Certificate& certificate, const InverseOptions& options,
                     std::span<double> errors) const override;

  // Where the inner layer is estimated, this one is.
  const EstimatedLogDet<T>* estimated() const override;
  Prepared<T> prepare_to_learn(const Pass<T>& pass, Var x,
                               const LogDetOptions& options) const override;
  Learnable<T> forward_to_learn(const Pass<T>& pass, Var x, const LogDetDraw& draw,
                                const Linearised<T>* known) const override;
  Var sample_log_det(const Pass<T>& pass, Var x, const Certificate& certificate,
                     const LogDetDraw& draw, LogDetSamples& samples) const override;

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
