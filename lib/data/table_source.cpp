#include "data/table_source.h"

#include "base/error.h"
#include "data/number_text.h"

namespace iflow {

void throw_missing_value(const std::string& place, std::string_view text,
                         const std::string& column) {
  const std::string found = trim_blanks(text).empty() ? "an empty field" : shown(text);
  throw DataError(place + ": expected a finite number, got " + found + " (column " + shown(column) +
                  "; --na drop leaves such rows out)");
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMaxBytes = 40;
  std::string out = "\"";
  for (const char c : text.substr(0, kMaxBytes)) {
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    out += is_control ? '?' : c;
  }
  return out + (text.size() > kMaxBytes ? "...\"" : "\"");
}

}  // namespace iflow
