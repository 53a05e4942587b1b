#include "report/number_format.h"

#include <cmath>
#include <cstdio>

namespace iflow {

namespace {

std::string formatted(const char* format, int precision, double value) {
  if (std::isnan(value)) return "NA";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const int length = std::snprintf(nullptr, 0, format, precision, value);
  std::string text(static_cast<std::size_t>(length) + 1, '\0');
  std::snprintf(text.data(), text.size(), format, precision, value);
  text.pop_back();
  return text;
}

}  // namespace

std::string significant(double value, int digits) { return formatted("%.*g", digits, value); }

std::string fixed_point(double value, int decimals) { return formatted("%.*f", decimals, value); }

std::string with_error(const MeanAndError& value) {
  return fixed_point(value.mean) + " ± " + fixed_point(value.standard_error);
}

std::string with_commas(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t from_end = 3; from_end < text.size(); from_end += 4) {
    text.insert(text.size() - from_end, ",");
  }
  return text;
}

}  // namespace iflow
