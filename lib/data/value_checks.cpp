#include "data/value_checks.h"

#include <charconv>
#include <limits>
#include <utility>

#include "data/number_text.h"

namespace iflow {

namespace {

std::string complaint(const std::string& condition, const std::string& text) {
  return "must be " + condition + ", got \"" + text + "\"";
}

struct Range {
  std::uint64_t smallest, largest;
};

bool is_whole(const std::string& text, Range range) {
  std::uint64_t n = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, n);
  // A leading 0 would make the number octal to the parser of options.
  const bool is_octal = text.size() > 1 && text.starts_with('0');
  const bool is_plain = error == std::errc() && stop == end && !is_octal;
  return is_plain && n >= range.smallest && n <= range.largest;
}

std::string words(Range range) {
  return "a whole number from " + std::to_string(range.smallest) + " to " +
         std::to_string(range.largest);
}

ValueCheck whole_number_in(Range range) {
  return [=](const std::string& text) {
    return is_whole(text, range) ? std::string() : complaint(words(range), text);
  };
}

}  // namespace

ValueCheck number_check(std::string condition, std::function<bool(double)> holds) {
  return [condition = std::move(condition), holds = std::move(holds)](const std::string& text) {
    double value = 0;
    const bool good = parse_number(text, value) == NumberKind::kFinite && holds(value);
    return good ? std::string() : complaint(condition, text);
  };
}

ValueCheck count_check(std::uint64_t largest) { return whole_number_in({1, largest}); }

ValueCheck auto_or_count_check(std::uint64_t largest) {
  return [=](const std::string& text) {
    const bool good = text == "auto" || is_whole(text, {1, largest});
    return good ? std::string() : complaint("auto or " + words({1, largest}), text);
  };
}

ValueCheck whole_number_check() {
  return whole_number_in({0, std::numeric_limits<std::uint64_t>::max()});
}

}  // namespace iflow
