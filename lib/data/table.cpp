#include "data/table.h"

#include "base/hash.h"

namespace iflow {

std::vector<std::string> default_column_names(std::size_t count) {
  std::vector<std::string> names;
  names.reserve(count);
  for (std::size_t i = 1; i <= count; ++i) names.push_back("x" + std::to_string(i));
  return names;
}

std::string content_hash(const Table& table) {
  // Each name with its length, so that ("ab", "c") and ("a", "bc") differ.
  std::string text = hash_hex(std::as_bytes(std::span(table.values)));
  for (const std::string& name : table.columns) {
    text += ' ' + std::to_string(name.size()) + ':' + name;
  }
  return hash_hex(std::as_bytes(std::span(text)));
}

}  // namespace iflow
