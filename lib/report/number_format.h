// Numbers as people read them in tables; files and pipes get every digit (data/number_text.h).
#pragma once

#include <cstdint>
#include <string>

#include "base/mean_and_error.h"

namespace iflow {

// `digits` significant digits: "0.00123", "1.5e-13"; "inf"; "NA" for a NaN.
std::string significant(double value, int digits = 3);

// `decimals` digits behind the point: "-2.4013"; "-inf"; "NA" for a NaN.
std::string fixed_point(double value, int decimals = 4);

// "-2.4013 ± 0.0042"
std::string with_error(const MeanAndError& value);

// "1,234,567"
std::string with_commas(std::uint64_t n);

}  // namespace iflow
