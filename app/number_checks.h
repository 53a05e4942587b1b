// Checks of numbers on the command line, with messages that say what is expected.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>

namespace iflow {

// A number for which `holds`; `condition` says which those are: "a number above 0".
CLI::Validator number_where(const std::string& condition, const std::function<bool(double)>& holds);

// How many of something: digits alone, from 1 to `largest`.
CLI::Validator count_up_to(std::uint64_t largest);

// The same, or the word auto.
CLI::Validator auto_or_count_up_to(std::uint64_t largest);

// Digits alone, from 0: 64 bits hold the number.
CLI::Validator whole_number();

}  // namespace iflow
