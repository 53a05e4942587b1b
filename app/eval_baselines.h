// The densities that eval holds a model against.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "baselines/kde.h"
#include "checkpoint/model_file.h"
#include "model/density.h"
#include "row_input.h"

namespace iflow {

struct Baseline {
  std::string name;                 // in a table
  std::string key, difference_key;  // in JSON
  std::function<std::vector<double>(std::span<const double> rows)> log_density;
};

// Those that the checkpoint holds, and the KDE where there is one.
std::vector<Baseline> baselines_of(const Fit& fit, const std::optional<KernelDensity>& kde);

// The KDE of the rows of `path`, read as `input` says; integers are spread over their steps, keyed
// by `seed`. Throws DataError for rows that have none.
KernelDensity kde_of_file(const Fit& fit, const std::string& path, const RowInput& input,
                          std::uint64_t seed);

// How it came about, in words.
std::string describe(const KernelDensity& kde, const Fit& fit);

// By every baseline the log-density of every row, averaged over the draws of its noise where it has
// some.
std::vector<std::vector<double>> averaged_log_densities(const std::vector<Baseline>& baselines,
                                                        const Density& density, const Rows& rows);

}  // namespace iflow
