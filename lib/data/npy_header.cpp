#include "data/npy_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "data/table_source.h"

namespace iflow {
namespace {

constexpr std::size_t kMaxHeaderBytes = std::size_t{1} << 20;

// Reads Python literals from the front of a text.
class LiteralParser {
 public:
  LiteralParser(const std::string& name, std::string_view text) : name_(name), rest_(text) {}

  bool accept(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  void expect(std::string_view token) {
    if (!accept(token)) fail("expected " + std::string(token));
  }

  std::string_view string() {
    skip_blanks();
    const char quote = rest_.empty() ? '\0' : rest_.front();
    if (quote != '\'' && quote != '"') fail("expected a string");
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) fail("a string is not closed");
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  bool boolean() {
    if (accept("True")) return true;
    expect("False");
    return false;
  }

  std::uint64_t integer() {
    skip_blanks();
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (status != std::errc()) fail("expected a size");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    accept("L");  // as Python 2 wrote it
    return value;
  }

  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> values;
    expect("(");
    while (!accept(")")) {
      values.push_back(integer());
      if (!accept(",")) {
        expect(")");
        break;
      }
    }
    return values;
  }

  void expect_end() {
    skip_blanks();
    if (!rest_.empty()) fail("text after the dictionary");
  }

  [[noreturn]] void fail(const std::string& reason) const {
    throw DataError(name_ + ": bad .npy header: " + reason +
                    (rest_.empty() ? " at its end" : " at " + shown(rest_)));
  }

 private:
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }

  const std::string& name_;
  std::string_view rest_;
};

NpyType parse_type(const std::string& name, std::string_view descr) {
  const char order = descr.empty() ? '\0' : descr.front();
  const std::string_view code = descr.substr(std::min<std::size_t>(1, descr.size()));
  constexpr std::array<std::string_view, 11> kCodes = {"f4", "f8", "i1", "i2", "i4", "i8",
                                                       "u1", "u2", "u4", "u8", "b1"};
  const bool known = std::string_view("<>|=").find(order) != std::string_view::npos &&
                     std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
  if (!known || (order == '|' && code[1] != '1')) {
    throw DataError(name + ": elements of type " + shown(descr) +
                    "; expected real numbers (f4, f8, integers or bool; try .astype('f8'))");
  }
  return {code[0], static_cast<std::size_t>(code[1] - '0'), order == '>'};
}

template <typename T>
double as_double(const std::array<char, 8>& bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return static_cast<double>(value);
}

}  // namespace

NpyHeader parse_npy_dictionary(const std::string& name, std::string_view text) {
  NpyHeader header;
  bool has_type = false;
  bool has_order = false;
  bool has_shape = false;
  LiteralParser parser(name, text);
  parser.expect("{");
  while (!parser.accept("}")) {
    const std::string_view key = parser.string();
    parser.expect(":");
    if (key == "descr") {
      if (parser.accept("[")) {
        throw DataError(name + ": a structured array; expected an array of numbers");
      }
      header.type = parse_type(name, parser.string());
      has_type = true;
    } else if (key == "fortran_order") {
      header.fortran_order = parser.boolean();
      has_order = true;
    } else if (key == "shape") {
      header.shape = parser.tuple();
      has_shape = true;
    } else {
      parser.fail("unknown key " + shown(key));
    }
    if (!parser.accept(",")) {
      parser.expect("}");
      break;
    }
  }
  parser.expect_end();
  if (!has_type || !has_order || !has_shape) {
    parser.fail("expected descr, fortran_order and shape");
  }
  return header;
}

NpyHeader read_npy_header(InputFile& file) {
  const auto fail = [&](const std::string& reason) {
    throw DataError(file.name() + ": " + reason);
  };
  std::array<char, 8> start{};
  const std::size_t start_bytes = file.read_fully(start);
  if (!std::string_view(start.data(), start_bytes).starts_with(kNpyMagic)) {
    fail("not a .npy file: the first bytes are not its magic number");
  }
  const unsigned version = static_cast<unsigned char>(start[6]);
  if (start_bytes == start.size() && (version < 1 || version > 3)) {
    fail(".npy version " + std::to_string(version) + "; expected 1, 2 or 3");
  }
  // The length of the rest: two bytes in version 1, four after, little-endian.
  std::array<char, 4> length{};
  const std::span<char> length_bytes(length.data(), version == 1 ? 2 : 4);
  std::size_t text_bytes = 0;
  if (file.read_fully(length_bytes) < length_bytes.size()) fail("the .npy header is cut short");
  for (std::size_t i = 0; i < length_bytes.size(); ++i) {
    text_bytes |= static_cast<std::size_t>(static_cast<unsigned char>(length[i])) << (8 * i);
  }
  if (text_bytes > kMaxHeaderBytes) fail("bad .npy header: it claims to be over 1 MiB long");
  std::string text(text_bytes, '\0');
  if (file.read_fully(text) < text_bytes) fail("the .npy header is cut short");
  NpyHeader header = parse_npy_dictionary(file.name(), text);
  header.data_offset = start.size() + length_bytes.size() + text_bytes;
  return header;
}

double decode_npy_element(const char* bytes, const NpyType& type) {
  std::array<char, 8> native{};
  std::copy_n(bytes, type.bytes, native.begin());
  if (type.is_big_endian != (std::endian::native == std::endian::big)) {
    std::reverse(native.begin(), native.begin() + static_cast<std::ptrdiff_t>(type.bytes));
  }
  const std::size_t bits = 8 * type.bytes;
  if (type.kind == 'f') return bits == 32 ? as_double<float>(native) : as_double<double>(native);
  if (type.kind == 'b') return native[0] != 0 ? 1 : 0;
  if (type.kind == 'i') {
    if (bits == 8) return as_double<std::int8_t>(native);
    if (bits == 16) return as_double<std::int16_t>(native);
    if (bits == 32) return as_double<std::int32_t>(native);
    return as_double<std::int64_t>(native);
  }
  if (bits == 8) return as_double<std::uint8_t>(native);
  if (bits == 16) return as_double<std::uint16_t>(native);
  if (bits == 32) return as_double<std::uint32_t>(native);
  return as_double<std::uint64_t>(native);
}

}  // namespace iflow
