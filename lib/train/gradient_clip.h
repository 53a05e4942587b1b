// Gradients far beyond their usual size, as a single wild row can make them, count no more than
// some times that size: Adam would forget them only over a thousand steps. (Pascanu, Mikolov,
// Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, section 3.2, with a
// threshold that follows the gradient's own second moment.)
#pragma once

#include <cstddef>

namespace iflow {

// Scales the gradient g (n) of a parameter down to a norm of at most `most` sqrt(sum of v /
// gathered), where v (n) is Adam's moment of the squared gradients before this one and `gathered`
// the sum of the weights in it, 1 - beta2^t after t steps. Where v is 0, nothing is usual and g
// stays. `g` is finite; `most` and `gathered` are positive.
void clip_to_usual(double most, double gathered, const float* v, std::size_t n, float* g);

}  // namespace iflow
