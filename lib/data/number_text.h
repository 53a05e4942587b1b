// Numbers as text, independent of any locale.
#pragma once

#include <string>
#include <string_view>

namespace iflow {

enum class NumberKind {
  kFinite,
  kMissing,     // nothing, NA, nan, inf or infinity, in any case, with or without a sign
  kOutOfRange,  // a number that no finite double (or none but 0) is near to, such as 1e999
  kText,        // anything else
};

// Reads a decimal number; blanks around it and a leading '+' are allowed. `value` is set only for
// kFinite.
NumberKind parse_number(std::string_view text, double& value);

// `text` without the spaces and tabs around it.
std::string_view trim_blanks(std::string_view text);

// Appends the shortest decimal form that parse_number reads back as the same double.
void append_number(std::string& out, double value);

// The same as a text of its own.
std::string number_text(double value);

}  // namespace iflow
