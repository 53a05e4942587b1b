// The flow of model.json: the dimension and every layer by its kind.
#pragma once

#include <nlohmann/json.hpp>

#include "base/json_fields.h"
#include "flow/build_flow.h"

namespace iflow {

nlohmann::json flow_to_json(const FlowConfig& flow);

// Throws as `fields` does for a field that is missing, left over or makes no sense by itself;
// whether the layers fit one another is build_flow's to say.
FlowConfig flow_from_json(JsonFields fields);

}  // namespace iflow
