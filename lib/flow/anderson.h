// Anderson's acceleration of the iteration x <- x + r(x): the next step is that of the combination
// of the last few iterates whose residual would be smallest if r were affine. (Walker, Ni,
// "Anderson acceleration for fixed-point iterations", SIAM J. Numer. Anal. 49, 2011)
//
// Every row has a history of its own.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "autodiff/tape.h"
#include "kernels/simd.h"

namespace iflow {

template <class T>
class Anderson {
 public:
  // For rows [groups][elements], remembering `memory` steps; none: every step is r. The numbers
  // live on the tape.
  Anderson(Tape<T>& tape, std::size_t elements, std::size_t groups, std::size_t memory);

  // Takes in the iterates x of group g with residuals r, given the ones before; a row whose iterate
  // is not accepted forgets its history. All [groups][elements]. Once per group and iteration.
  void record(std::size_t g, const std::array<bool, kLanes>& accepted, const T* x, const T* r,
              const T* x_before, const T* r_before);

  // step <- the steps of group g from the iterates of residual r.
  void step(std::size_t g, const T* r, T* step) const;

 private:
  // Numbers of one difference, of all groups.
  std::size_t size() const { return elements_ * groups_ * kLanes; }
  double& gram(std::size_t g, std::size_t i, std::size_t j, std::size_t l) {
    return gram_[((g * memory_ + i) * memory_ + j) * kLanes + l];
  }
  double gram(std::size_t g, std::size_t i, std::size_t j, std::size_t l) const {
    return gram_[((g * memory_ + i) * memory_ + j) * kLanes + l];
  }
  std::array<double, kLanes> products(std::size_t g, const T* a, const T* b) const;

  std::size_t elements_, groups_, memory_;
  // Differences of successive residuals, and of successive x + r: [memory][groups][elements].
  T *residuals_, *steps_;
  std::vector<double> gram_;           // products of the former, [groups][memory][memory][kLanes]
  std::vector<std::size_t> recorded_;  // calls of `record` per group: the next one's place
  std::vector<bool> begun_;            // whether the row has an iterate before
};

extern template class Anderson<float>;
extern template class Anderson<double>;

}  // namespace iflow
