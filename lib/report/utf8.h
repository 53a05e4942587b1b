// Reading UTF-8 just well enough to lay out text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace iflow {

inline constexpr char32_t kReplacementCharacter = U'\uFFFD';

// The code points of `text`. Each byte that belongs to no valid sequence (overlong forms and
// surrogates included) and each control character becomes one kReplacementCharacter, so that a
// column name read from a file can neither break a layout nor steer a terminal.
std::u32string decode_utf8(std::string_view text);

std::string encode_utf8(std::u32string_view code_points);

// Columns that `code_points` take on a terminal: 0 for combining marks, 2 for East Asian wide
// characters and emoji, 1 for all else.
std::size_t display_width(std::u32string_view code_points);

}  // namespace iflow
