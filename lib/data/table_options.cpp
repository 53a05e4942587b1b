#include "data/table_options.h"

namespace iflow {

const std::map<std::string, HeaderMode>& header_modes() {
  static const std::map<std::string, HeaderMode> modes = {
      {"auto", HeaderMode::kAuto}, {"yes", HeaderMode::kYes}, {"no", HeaderMode::kNo}};
  return modes;
}

const std::map<std::string, NaPolicy>& na_policies() {
  static const std::map<std::string, NaPolicy> policies = {{"error", NaPolicy::kError},
                                                           {"drop", NaPolicy::kDrop}};
  return policies;
}

}  // namespace iflow
