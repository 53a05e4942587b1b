#include "model/fit_record.h"

#include <algorithm>
#include <cmath>

namespace iflow {

std::vector<std::string> modelled_columns(const DataRecord& data) {
  std::vector<std::string> names;
  for (const std::string& name : data.columns) {
    if (std::find(data.given.begin(), data.given.end(), name) == data.given.end()) {
      names.push_back(name);
    }
  }
  return names;
}

std::vector<std::string> row_columns(const DataRecord& data) {
  std::vector<std::string> names = modelled_columns(data);
  for (const std::string& name : data.columns) {
    if (std::find(data.given.begin(), data.given.end(), name) != data.given.end()) {
      names.push_back(name);
    }
  }
  return names;
}

std::uint64_t refit_steps(const Fit& fit) {
  const auto some = static_cast<double>(std::max<std::size_t>(fit.data.training_rows, 1));
  const auto all = some + static_cast<double>(fit.data.validation_rows);
  const double steps = std::round(static_cast<double>(fit.state.best_step) * (all / some));
  const bool within = steps < static_cast<double>(fit.settings.train.steps);
  return within ? static_cast<std::uint64_t>(steps) : fit.settings.train.steps;
}

bool is_refitted(const Fit& fit) { return fit.refit && fit.refit->step >= refit_steps(fit); }

bool keeps_bound(double found, double recorded) {
  constexpr double kRecomputation = 1e-12;  // relative
  return found <= recorded * (1 + kRecomputation);
}

}  // namespace iflow
