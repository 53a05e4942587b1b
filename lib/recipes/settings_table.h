// The one table of settings. The command line, the checkpoint and the refusals of a resumed fit
// loop over it: a new setting is a field of Settings and a row here.
#pragma once

#include <string>
#include <vector>

#include "recipes/setting.h"

namespace iflow {

// In the order in which --help lists them.
const std::vector<Setting>& settings_table();

// Throws UsageError, with the nearest name, for one that no setting has.
const Setting& find_setting(const std::string& name);

}  // namespace iflow
