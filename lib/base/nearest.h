// "Did you mean": the known word closest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace iflow {

// The candidate with the fewest edits (insertions, deletions, substitutions and swaps of
// neighbours) to `word`, the first of equals; empty if there are no candidates.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace iflow
