#include "preprocess/named_bounds.h"

#include <cmath>

#include "data/number_text.h"

namespace iflow {

namespace {

// False where `text` is no number; nothing at all is no bound.
bool read_bound(const std::string& text, std::optional<double>& bound) {
  if (text.empty()) return true;
  double value = 0;
  if (parse_number(text, value) != NumberKind::kFinite) return false;
  bound = value;
  return true;
}

}  // namespace

std::string parse_bounds(const std::string& text, NamedBounds& bounds) {
  const std::string form = "expected COLUMN=LOW:HIGH, COLUMN=LOW: or COLUMN=:HIGH, got \"";
  const std::size_t equals = text.rfind('=');
  const std::size_t colon = text.rfind(':');
  if (equals == std::string::npos || equals == 0 || colon == std::string::npos || colon < equals ||
      !read_bound(text.substr(equals + 1, colon - equals - 1), bounds.lower) ||
      !read_bound(text.substr(colon + 1), bounds.upper) || (!bounds.lower && !bounds.upper)) {
    return form + text + "\"";
  }
  bounds.column = text.substr(0, equals);
  if (bounds.lower && bounds.upper) {
    if (*bounds.lower >= *bounds.upper) {
      return "the lower bound of \"" + bounds.column + "\" must be below the upper one";
    }
    if (!std::isfinite(*bounds.upper - *bounds.lower)) {
      return "the bounds of \"" + bounds.column + "\" are too far apart";
    }
  }
  return {};
}

}  // namespace iflow
