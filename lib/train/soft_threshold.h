// The proximal step of an l1 penalty, which makes weights exactly zero that the data do not bear
// out. (Parikh, Boyd, "Proximal Algorithms", 2014, section 6.5.2)
#pragma once

#include <cstddef>

namespace iflow {

// theta <- sign(theta) max(|theta| - threshold, 0), n numbers; what minimises
// threshold |x| + (x - theta)^2 / 2. NaN stays. `threshold`: at least 0.
void soft_threshold(float threshold, std::size_t n, float* theta);

}  // namespace iflow
