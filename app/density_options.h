// How a command finds log-densities, as its options say.
#pragma once

#include <CLI/App.hpp>

#include "model/density.h"

namespace iflow {

// --logdet, --terms, --probes, --probe, --continuation, --max-se, --max-bound, --draws,
// --first-row and
// --seed.
void add_density_options(CLI::App& command, DensityOptions& options);

// To be called once everything is parsed. Throws UsageError for options that contradict each other.
void settle_density(const CLI::App& command, DensityOptions& options);

// Warns of rows whose standard error is above --max-se or whose bound is above --max-bound, and
// ends the command with exit code 5 if there are any.
void warn_of_missed(const MissedPromises& missed);

}  // namespace iflow
