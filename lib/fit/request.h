// What a fit is asked for.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "model/fit_record.h"
#include "recipes/settings.h"

namespace iflow {

struct FitRequest {
  std::string data;      // path of the rows, or "-"
  std::string val = {};  // path of the rows to validate on; empty: they are held out
  GivenSettings given = GivenSettings::object();
  // As many steps as this time allows, in seconds by `clock`, which counts from the beginning;
  // none: as many as the settings say.
  std::optional<double> seconds = std::nullopt;
  std::function<double()> clock = nullptr;
  // A trial may choose the activation where it is not given.
  bool may_try = true;
  // The record to go on with; none: a new fit. `checkpoint` is what messages call it.
  std::optional<Fit> resumed = std::nullopt;
  std::string checkpoint = "the checkpoint";
};

}  // namespace iflow
