#include "report/utf8.h"

#include <algorithm>
#include <iterator>

namespace iflow {
namespace {

struct CodePoint {
  char32_t value;
  std::size_t length;  // bytes taken from the text
};

constexpr CodePoint kInvalid = {kReplacementCharacter, 1};

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

bool is_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

// The code point at the front of `text`, which isn't empty.
CodePoint decode_first(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};

  std::size_t length = 0;
  char32_t smallest = 0;  // anything below has a shorter form, so this one would be overlong
  if ((first & 0xE0) == 0xC0) {
    length = 2;
    smallest = 0x80;
  } else if ((first & 0xF0) == 0xE0) {
    length = 3;
    smallest = 0x800;
  } else if ((first & 0xF8) == 0xF0) {
    length = 4;
    smallest = 0x10000;
  }
  if (length == 0 || text.size() < length) return kInvalid;

  char32_t value = first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return kInvalid;
    value = (value << 6) | (byte(i) & 0x3F);
  }
  if (value < smallest || value > 0x10FFFF || is_surrogate(value)) return kInvalid;
  return {value, length};
}

struct Interval {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool contains(const Interval (&intervals)[N], char32_t c) {
  return std::any_of(std::begin(intervals), std::end(intervals),
                     [c](Interval i) { return c >= i.first && c <= i.last; });
}

// The blocks of combining marks, joiners and variation selectors.
constexpr Interval kZeroWidth[] = {{0x0300, 0x036F}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
                                   {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F},
                                   {0xFE20, 0xFE2F}};

// The blocks that terminals draw two columns wide: Hangul, CJK, full-width forms, emoji.
constexpr Interval kDoubleWidth[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},  {0x3041, 0xA4CF},
                                     {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},  {0xFE30, 0xFE6F},
                                     {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
                                     {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string code_points;
  while (!text.empty()) {
    const CodePoint c = decode_first(text);
    code_points += is_control(c.value) ? kReplacementCharacter : c.value;
    text.remove_prefix(c.length);
  }
  return code_points;
}

std::string encode_utf8(std::u32string_view code_points) {
  std::string text;
  const auto append = [&](char32_t byte) { text += static_cast<char>(byte); };
  for (const char32_t c : code_points) {
    if (c < 0x80) {
      append(c);
    } else if (c < 0x800) {
      append(0xC0 | (c >> 6));
      append(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      append(0xE0 | (c >> 12));
      append(0x80 | ((c >> 6) & 0x3F));
      append(0x80 | (c & 0x3F));
    } else {
      append(0xF0 | (c >> 18));
      append(0x80 | ((c >> 12) & 0x3F));
      append(0x80 | ((c >> 6) & 0x3F));
      append(0x80 | (c & 0x3F));
    }
  }
  return text;
}

std::size_t display_width(std::u32string_view code_points) {
  std::size_t width = 0;
  for (const char32_t c : code_points) {
    if (contains(kZeroWidth, c)) continue;
    width += contains(kDoubleWidth, c) ? 2 : 1;
  }
  return width;
}

}  // namespace iflow
