// Checks of numbers on the command line.
#pragma once

#include <CLI/Validators.hpp>

#include "data/value_checks.h"

namespace iflow {

inline CLI::Validator validator(ValueCheck check) { return {std::move(check), ""}; }

// As the checks of the same name (data/value_checks.h).
inline CLI::Validator number_where(const std::string& condition,
                                   std::function<bool(double)> holds) {
  return validator(number_check(condition, std::move(holds)));
}
inline CLI::Validator count_up_to(std::uint64_t largest) { return validator(count_check(largest)); }
inline CLI::Validator auto_or_count_up_to(std::uint64_t largest) {
  return validator(auto_or_count_check(largest));
}
inline CLI::Validator whole_number() { return validator(whole_number_check()); }

}  // namespace iflow
