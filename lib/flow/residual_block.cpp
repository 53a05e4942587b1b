#include "flow/residual_block.h"

#include "autodiff/ops.h"
#include "flow/fixed_point.h"

namespace iflow {

namespace {

// Up to this dimension an inversion step with the Jacobian (1 + d evaluations' worth of work) pays:
// Newton needs about 3 of them where the fixed point needs 6 to 15 evaluations and sometimes 250.
constexpr std::size_t kNewtonLimit = 16;

}  // namespace

template <class T>
ResidualBlock<T>::ResidualBlock(const DenseBranchConfig& branch, ParameterLayout& layout,
                                const std::string& prefix)
    : branch_(branch, layout, prefix + ".branch") {}

template <class T>
Transformed ResidualBlock<T>::forward(const Pass<T>& pass, Var x) const {
  const Var with_tangents = ops::unit_tangents(pass.tape, x);
  const Var h = branch_.forward(pass, with_tangents, x.groups);
  return {ops::add_values(pass.tape, x, h), ops::log_det_identity_plus(pass.tape, h, x.groups)};
}

template <class T>
Inverted ResidualBlock<T>::inverse(const Pass<T>& pass, Var y,
                                   const InverseOptions& options) const {
  return y.elements <= kNewtonLimit ? invert_by_newton(branch_, lipschitz_, pass, y, options)
                                    : invert_by_fixed_point(branch_, lipschitz_, pass, y, options);
}

template <class T>
void ResidualBlock<T>::initialise(const Pass<T>& pass, std::span<T> values, Var,
                                  std::uint64_t seed) const {
  branch_.initialise(pass.layout, values, seed);
}

template <class T>
void ResidualBlock<T>::set_proved_norms(std::span<const double> norms) {
  lipschitz_ = branch_.lipschitz_bound(norms);
}

template class ResidualBlock<float>;
template class ResidualBlock<double>;

}  // namespace iflow
