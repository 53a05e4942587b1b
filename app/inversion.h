// What the commands that invert the flow share: the tolerance, and what missing it means.
#pragma once

#include <CLI/App.hpp>
#include <cstddef>

#include "flow/layer.h"

namespace iflow {

// The exit code of a command that missed what was asked of it, or found a promise broken.
inline constexpr int kPromiseMissed = 5;

// Adds --tol.
void add_tolerance_option(CLI::App& command, InverseOptions& inverse);

// Says how many of the rows did not meet the tolerance; if any, ends the command with exit code 5.
void finish_inversion(std::size_t unconverged, std::size_t rows, const InverseOptions& inverse);

}  // namespace iflow
