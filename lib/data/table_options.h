// Options for reading a table.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace iflow {

enum class HeaderMode {
  kAuto,  // the first row is a header if a field of it is neither a number nor missing
  kYes,
  kNo,
};

// What happens to a row with a missing value: an empty field, NA, nan or inf.
enum class NaPolicy { kError, kDrop };

const std::map<std::string, HeaderMode>& header_modes();  // auto, yes, no
const std::map<std::string, NaPolicy>& na_policies();     // error, drop

struct TableOptions {
  HeaderMode header = HeaderMode::kAuto;
  NaPolicy na = NaPolicy::kError;
  // The number columns, in this order; empty: all but `keep`.
  std::vector<std::string> columns = {};
  // Columns to pass through as text.
  std::vector<std::string> keep = {};
  // The columns a model was fitted on; empty: any. They are found by name, in any order, if both
  // the model's data and this table have a header, and by their number otherwise.
  std::vector<std::string> expected = {};
  bool expected_has_header = true;
  // Columns to put behind all others; of the expected ones, where some are expected.
  std::vector<std::string> last = {};
  // Columns to accept besides the expected ones, where those are found by name.
  std::vector<std::string> unused = {};
};

}  // namespace iflow
