#include "data/number_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace iflow {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals_ignoring_case(std::string_view text, std::string_view word) {
  return std::equal(text.begin(), text.end(), word.begin(), word.end(),
                    [](char a, char b) { return lower(a) == b; });
}

bool means_missing(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() == '+' || text.front() == '-') text.remove_prefix(1);
  constexpr std::array<std::string_view, 4> kWords = {"na", "nan", "inf", "infinity"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return equals_ignoring_case(text, word); });
}

}  // namespace

std::string_view trim_blanks(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

NumberKind parse_number(std::string_view text, double& value) {
  text = trim_blanks(text);
  std::string_view digits = text;
  // from_chars knows '-' but not '+'.
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  double parsed = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, status] = std::from_chars(digits.data(), end, parsed);
  if (status == std::errc() && stop == end && std::isfinite(parsed)) {
    value = parsed;
    return NumberKind::kFinite;
  }
  if (means_missing(text)) return NumberKind::kMissing;
  if (status == std::errc::result_out_of_range && stop == end) return NumberKind::kOutOfRange;
  return NumberKind::kText;
}

void append_number(std::string& out, double value) {
  std::array<char, 32> buffer{};  // the longest double takes 24
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), result.ptr);
}

std::string number_text(double value) {
  std::string text;
  append_number(text, value);
  return text;
}

}  // namespace iflow
