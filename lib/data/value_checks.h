// Checks of values that a person writes, with messages that say what is expected.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace iflow {

// What is wrong with a text; empty if nothing is.
using ValueCheck = std::function<std::string(const std::string& text)>;

// A number for which `holds`; `condition` says which those are: "a number above 0".
ValueCheck number_check(std::string condition, std::function<bool(double)> holds);

// How many of something: digits alone, from 1 to `largest`.
ValueCheck count_check(std::uint64_t largest);

// The same, or the word auto.
ValueCheck auto_or_count_check(std::uint64_t largest);

// Digits alone, from 0: 64 bits hold the number.
ValueCheck whole_number_check();

}  // namespace iflow
