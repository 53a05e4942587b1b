#include "report/ticks.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/error.h"

namespace iflow {
namespace {

constexpr double kShortestSpan = 1e-300;
constexpr double kShortestRelativeSpan = 1e-13;
constexpr int kLargestPower = 6;    // labels from 10^6 on are scientific,
constexpr int kSmallestPower = -4;  // and those of steps below 10^-4

// mantissa * 10^exponent; kept in decimal, so that 3 * 10^-1 is the double nearest to 0.3.
struct Step {
  int mantissa;
  int exponent;
};

template <typename... Format>
std::string number_text(double value, Format... format) {
  char text[400];  // the longest double in fixed notation has 309 digits before the point
  return {text, std::to_chars(std::begin(text), std::end(text), value, format...).ptr};
}

double multiple(Step step, std::int64_t k) {
  const std::string decimal =
      std::to_string(k * step.mantissa) + "e" + std::to_string(step.exponent);
  double value = 0;
  std::from_chars(decimal.data(), decimal.data() + decimal.size(), value);
  return value;
}

std::vector<double> multiples_within(Range range, Step step) {
  const double length = multiple(step, 1);
  // The quotients are rounded: look one further on both sides, and let the values decide.
  const auto first = static_cast<std::int64_t>(std::floor(range.min / length)) - 1;
  const auto last = static_cast<std::int64_t>(std::ceil(range.max / length)) + 1;
  std::vector<double> values;
  for (std::int64_t k = first; k <= last; ++k) {
    const double value = multiple(step, k);
    if (value < range.min || value > range.max) continue;
    if (values.empty() || value > values.back()) values.push_back(value);
  }
  return values;
}

Step next_longer(Step step) {
  if (step.mantissa == 1) return {2, step.exponent};
  if (step.mantissa == 2) return {5, step.exponent};
  return {1, step.exponent + 1};
}

// "2.5e+06" as "2.5e6".
std::string scientific_label(double value) {
  std::string text = number_text(value, std::chars_format::scientific);
  const std::size_t e = text.find('e');
  const int exponent = std::stoi(text.substr(e + 1));
  return text.substr(0, e) + "e" + std::to_string(exponent);
}

std::string label(double value, Step step, double largest) {
  if (value == 0) return "0";
  if (largest >= std::pow(10, kLargestPower) || step.exponent < kSmallestPower) {
    return scientific_label(value);
  }
  return number_text(value, std::chars_format::fixed, std::max(0, -step.exponent));
}

}  // namespace

std::string decimal_text(double value, int digits) {
  return number_text(value, std::chars_format::general, digits);
}

std::vector<Tick> ticks(Range range, int max_count) {
  if (!(range.min <= range.max) || !std::isfinite(range.span())) {
    throw NumericError("no axis from " + number_text(range.min) + " to " + number_text(range.max));
  }
  const double size = std::max(std::abs(range.min), std::abs(range.max));
  if (range.span() < std::max(kShortestSpan, kShortestRelativeSpan * size)) {
    return {{range.min, number_text(range.min)}};
  }

  // A step below span / (max_count + 1) has too many multiples, so the search begins there.
  Step step = {1, static_cast<int>(std::floor(std::log10(range.span() / (max_count + 1))))};
  std::vector<double> values = multiples_within(range, step);
  while (values.size() > static_cast<std::size_t>(max_count)) {
    step = next_longer(step);
    values = multiples_within(range, step);
  }
  const double largest = std::max(std::abs(values.front()), std::abs(values.back()));
  std::vector<Tick> result;
  for (const double value : values) result.push_back({value, label(value, step, largest)});
  return result;
}

}  // namespace iflow
