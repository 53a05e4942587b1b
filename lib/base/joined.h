// Lists of texts as one text.
#pragma once

#include <string>
#include <vector>

namespace iflow {

// The texts one after the other, `between` between them.
std::string joined(const std::vector<std::string>& texts, const std::string& between);

}  // namespace iflow
