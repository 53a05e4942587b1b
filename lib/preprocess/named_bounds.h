// Bounds of a column as a person writes them: a=0:1, a=0: or a=:1.
#pragma once

#include <optional>
#include <string>

namespace iflow {

struct NamedBounds {
  std::string column;
  std::optional<double> lower, upper;
};

// Reads them; returns what is wrong with `text`, empty if nothing is.
std::string parse_bounds(const std::string& text, NamedBounds& bounds);

}  // namespace iflow
