#include "base/joined.h"

namespace iflow {

std::string joined(const std::vector<std::string>& texts, const std::string& between) {
  std::string result;
  for (const std::string& text : texts) result += (&text == texts.data() ? "" : between) + text;
  return result;
}

}  // namespace iflow
