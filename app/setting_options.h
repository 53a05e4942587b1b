// The options of `iflow fit` that set its settings: those of the table, one by one.
#pragma once

#include <CLI/App.hpp>
#include <functional>

#include "recipes/setting.h"

namespace iflow {

// Adds an option for every setting that `is_wanted`. What is given comes to stand in `given`, which
// must outlive the command.
void add_setting_options(CLI::App& command, GivenSettings& given,
                         const std::function<bool(const Setting&)>& is_wanted);

}  // namespace iflow
