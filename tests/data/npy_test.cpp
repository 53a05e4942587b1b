#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/npy_header.h"
#include "data/npy_writer.h"
#include "data/table_reader.h"
#include "support/temp_dir.h"

using namespace iflow;

namespace {

using Values = std::vector<double>;

template <typename T>
std::string bytes_of(const std::vector<T>& values, bool big_endian = false) {
  std::string out;
  for (const T value : values) {
    std::string element(sizeof value, '\0');
    std::memcpy(element.data(), &value, sizeof value);
    if (big_endian) std::reverse(element.begin(), element.end());
    out += element;
  }
  return out;
}

std::string dictionary(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

// A .npy file of any version around a dictionary and data.
std::string npy(const std::string& text, const std::string& data, char version = 1) {
  std::string file = std::string(kNpyMagic) + version + '\0';
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  for (std::size_t i = 0; i < length_bytes; ++i) {
    file += static_cast<char>(text.size() >> (8 * i) & 0xFF);
  }
  return file + text + data;
}

Table table_of(const std::string& bytes, const TableOptions& options = {},
               const std::string& name = "f.npy") {
  const test::TempDir folder;
  return read_table(folder.write(name, bytes).string(), options);
}

// The error without the folder's name.
std::string error_of(const std::string& bytes, const std::string& name = "f.npy",
                     const TableOptions& options = {}) {
  try {
    table_of(bytes, options, name);
  } catch (const DataError& error) {
    const std::string message = error.what();
    return message.substr(message.find(name));
  }
  return "no error";
}

std::string gzipped(const std::string& bytes) {
  const test::TempDir folder;
  const gzFile file = gzopen((folder / "z").string().c_str(), "wb");
  REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) ==
          static_cast<int>(bytes.size()));
  REQUIRE(gzclose(file) == Z_OK);
  return folder.read("z");
}

template <typename T>
void check_type(const std::string& code, const std::vector<T>& values) {
  const Values expected(values.begin(), values.end());
  const std::string shape = "(" + std::to_string(values.size()) + ",)";
  CHECK_MESSAGE(table_of(npy(dictionary("<" + code, shape), bytes_of(values))).values == expected,
                code);
  CHECK_MESSAGE(
      table_of(npy(dictionary(">" + code, shape), bytes_of(values, true))).values == expected,
      code);
}

template <typename T>
void check_integer_type(const std::string& code) {
  using Limits = std::numeric_limits<T>;
  check_type<T>(code, {0, 1, 77, Limits::max(), Limits::min()});
}

const std::string kSixDoubles = bytes_of<double>({1, 2, 3, 4, 5, 6});

}  // namespace

TEST_CASE("npy: every element type in both byte orders") {
  check_type<double>("f8", {0.1, -1e300, 5e-324});
  check_type<float>("f4", {0.1f, -1e30f, 1e-45f});
  check_integer_type<std::int8_t>("i1");
  check_integer_type<std::int16_t>("i2");
  check_integer_type<std::int32_t>("i4");
  check_integer_type<std::int64_t>("i8");
  check_integer_type<std::uint8_t>("u1");
  check_integer_type<std::uint16_t>("u2");
  check_integer_type<std::uint32_t>("u4");
  check_integer_type<std::uint64_t>("u8");
  CHECK(table_of(npy(dictionary("|b1", "(3,)"), std::string("\0\1\1", 3))).values ==
        Values{0, 1, 1});
  CHECK(table_of(npy(dictionary("|u1", "(1,)"), "\xFF")).values == Values{255});
}

TEST_CASE("npy: versions, orders and shapes") {
  const Values rows{1, 2, 3, 4, 5, 6};
  for (const char version : {'\1', '\2', '\3'}) {
    const Table table = table_of(npy(dictionary("<f8", "(3, 2)"), kSixDoubles, version));
    CHECK(table.rows == 3);
    CHECK(table.columns == std::vector<std::string>{"x1", "x2"});
    CHECK_FALSE(table.has_header);
    CHECK(table.values == rows);
  }
  CHECK(table_of(npy(dictionary("<f8", "(3, 2)", true), kSixDoubles)).values ==
        Values{1, 4, 2, 5, 3, 6});
  CHECK(table_of(npy(dictionary("<f8", "(6,)", true), kSixDoubles)).columns.size() == 1);
  CHECK(table_of(npy(dictionary("<f8", "(3L, 2L)"), kSixDoubles)).values == rows);
  CHECK(
      table_of(npy("{\"shape\":(3,2),\"fortran_order\":False,\"descr\":\"<f8\"}   \n", kSixDoubles))
          .values == rows);
}

TEST_CASE("npy: recognised by its first bytes, compressed too") {
  const std::string file = npy(dictionary("<f8", "(3, 2)"), kSixDoubles);
  CHECK(table_of(file, {}, "f.bin").rows == 3);
  CHECK(table_of(gzipped(file), {}, "f.npy.gz").rows == 3);
  // A single column in Fortran order lies as in any other.
  const std::string column = npy(dictionary("<f8", "(6, 1)", true), kSixDoubles);
  CHECK(table_of(gzipped(column), {}, "f.npy.gz").rows == 6);
}

TEST_CASE("npy: chunks of any size, in either order") {
  // More than one block of the reader.
  constexpr std::size_t kRows = 150'000;
  std::vector<float> elements(3 * kRows);
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<float>(i);
  const std::string shape = "(" + std::to_string(kRows) + ", 3)";
  const test::TempDir folder;
  for (const bool fortran : {false, true}) {
    const std::string path =
        folder.write("f.npy", npy(dictionary("<f4", shape, fortran), bytes_of(elements))).string();
    for (const std::size_t chunk_rows : {7u, 100'000u}) {
      TableReader reader(path, {.columns = {"x3", "x1"}});
      TableChunk chunk;
      std::size_t wrong = 0;
      std::size_t rows = 0;
      while (reader.next(chunk_rows, chunk)) {
        CHECK(chunk.first_row == rows);
        for (std::size_t i = 0; i < chunk.rows(); ++i, ++rows) {
          const std::size_t third = fortran ? 2 * kRows + rows : 3 * rows + 2;
          const std::size_t first = fortran ? rows : 3 * rows;
          wrong += chunk.values[2 * i] != elements[third];
          wrong += chunk.values[2 * i + 1] != elements[first];
        }
      }
      CHECK(rows == kRows);
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("npy: missing values and kept columns") {
  const double nan = std::nan("");
  const std::string file =
      npy(dictionary("<f8", "(3, 2)"), bytes_of<double>({0.1, 2, 3, nan, 5, 6}));
  CHECK(error_of(file) ==
        "f.npy:2:2: expected a finite number, got \"nan\" (column \"x2\"; --na drop leaves such "
        "rows out)");
  const Table table = table_of(file, {.na = NaPolicy::kDrop});
  CHECK(table.values == Values{0.1, 2, 5, 6});
  CHECK(table.dropped.size() == 1);

  const test::TempDir folder;
  TableReader reader(folder.write("f.npy", file).string(), {.na = NaPolicy::kDrop, .keep = {"x1"}});
  TableChunk chunk;
  REQUIRE(reader.next(10, chunk));
  CHECK(chunk.kept == std::vector<std::string>{"0.1", "3", "5"});
  CHECK(chunk.values == Values{2, 6});
}

TEST_CASE("npy: headers that lie about the size") {
  const auto lie = [](const std::string& shape) {
    return error_of(npy(dictionary("<f8", shape), kSixDoubles));
  };
  CHECK(lie("(4, 2)") ==
        "f.npy: the header promises 4 x 2 elements of 8 bytes, but 48 bytes follow");
  CHECK(lie("(2, 2)") ==
        "f.npy: the header promises 2 x 2 elements of 8 bytes, but 48 bytes follow");
  CHECK(lie("(18446744073709551615, 2)") ==
        "f.npy: the header promises 18446744073709551615 x 2 elements of 8 bytes, but 48 bytes "
        "follow");
  // 2^61 * 8 bytes wraps to 0, 2^63 * 2 elements too.
  CHECK(lie("(2305843009213693952,)") ==
        "f.npy: the header promises 2305843009213693952 x 1 elements of 8 bytes, but 48 bytes "
        "follow");
  CHECK(lie("(9223372036854775808, 2)") ==
        "f.npy: the header promises 9223372036854775808 x 2 elements of 8 bytes, but 48 bytes "
        "follow");
}

TEST_CASE("npy: streams that lie about the size") {
  const auto lie = [](const std::string& shape, bool fortran = false) {
    return error_of(gzipped(npy(dictionary("<f8", shape, fortran), kSixDoubles)), "f.npy.gz");
  };
  CHECK(lie("(4, 2)") == "f.npy.gz: the header promises 4 rows, but the data ends after 3");
  CHECK(lie("(2, 2)") == "f.npy.gz: data follows the 2 rows that the header promises");
  CHECK(lie("(18446744073709551615, 2)") ==
        "f.npy.gz: the header promises 18446744073709551615 rows, but the data ends after 3");
  CHECK(lie("(1, 1000000000000)") ==
        "f.npy.gz: more than 1048576 columns in a stream or compressed file");
  CHECK(lie("(3, 2)", true) ==
        "f.npy.gz: an array in Fortran order can't be streamed; give an uncompressed file, or save "
        "it with numpy.ascontiguousarray");
}

TEST_CASE("npy: arrays that are no table of numbers") {
  const auto shaped = [](const std::string& shape) {
    return error_of(npy(dictionary("<f8", shape), kSixDoubles));
  };
  CHECK(shaped("()") == "f.npy: an array of 0 dimensions; expected rows and columns (one or two)");
  CHECK(shaped("(3, 2, 1)") ==
        "f.npy: an array of 3 dimensions; expected rows and columns (one or two)");
  CHECK(shaped("(0, 2)") == "f.npy: no data: the array is empty");
  CHECK(shaped("(2, 0)") == "f.npy: no data: the array is empty");
  for (const std::string descr : {"<c8", "<U5", "|O", "<f2", "<f16", "|f8", "<b8", "f8", "", "<"}) {
    CHECK(error_of(npy(dictionary(descr, "(3, 2)"), kSixDoubles)) ==
          "f.npy: elements of type \"" + descr +
              "\"; expected real numbers (f4, f8, integers or bool; try .astype('f8'))");
  }
  CHECK(error_of(npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (6,), }",
                     kSixDoubles)) == "f.npy: a structured array; expected an array of numbers");
}

TEST_CASE("npy: headers that can't be read") {
  const auto header = [](const std::string& text) { return error_of(npy(text, kSixDoubles)); };
  CHECK(header("") == "f.npy: bad .npy header: expected { at its end");
  CHECK(header("{'shape': (1,)}") ==
        "f.npy: bad .npy header: expected descr, fortran_order and shape at its end");
  CHECK(header("{'extra': 1}") == "f.npy: bad .npy header: unknown key \"extra\" at \" 1}\"");
  CHECK(header("{'shape': (-1,)}") == "f.npy: bad .npy header: expected a size at \"-1,)}\"");
  CHECK(header("{'shape': (99999999999999999999,)}") ==
        "f.npy: bad .npy header: expected a size at \"99999999999999999999,)}\"");
  CHECK(header("{'descr': '<f8") == "f.npy: bad .npy header: a string is not closed at \"'<f8\"");
  CHECK(header("{'fortran_order': 1}") == "f.npy: bad .npy header: expected False at \"1}\"");
  CHECK(header(dictionary("<f8", "(3, 2)") + "x") ==
        "f.npy: bad .npy header: text after the dictionary at \"x\"");

  const std::string whole = npy(dictionary("<f8", "(3, 2)"), kSixDoubles);
  CHECK(error_of(whole.substr(0, 4)) ==
        "f.npy: not a .npy file: the first bytes are not its magic number");
  CHECK(error_of("1,2\n3,4\n") ==
        "f.npy: not a .npy file: the first bytes are not its magic number");
  for (const std::size_t bytes : {6u, 7u, 8u, 9u, 10u, 40u}) {
    CHECK_MESSAGE(error_of(whole.substr(0, bytes)) == "f.npy: the .npy header is cut short", bytes);
  }
  CHECK(error_of(npy(dictionary("<f8", "(3, 2)"), kSixDoubles, 4)) ==
        "f.npy: .npy version 4; expected 1, 2 or 3");
  std::string huge = npy(dictionary("<f8", "(3, 2)"), kSixDoubles, 2);
  huge[11] = '\x7F';  // the top byte of the header's length
  CHECK(error_of(huge) == "f.npy: bad .npy header: it claims to be over 1 MiB long");
}

TEST_CASE("npy: what is written reads back") {
  const test::TempDir folder;
  const std::string path = (folder / "out.npy").string();
  const Values values{0.1, -0.0, 5e-324, 1e300, 5, 6};
  NpyWriter writer(path, 3, 2);
  writer.write(std::span(values).first(1));
  writer.write(std::span(values).subspan(1));
  CHECK_FALSE(std::filesystem::exists(path));
  writer.finish();
  const Table table = read_table(path);
  CHECK(table.rows == 3);
  CHECK(table.values == values);
  CHECK(std::signbit(table.values[1]));
  CHECK(folder.read("out.npy").size() == 128 + 48);
}

TEST_CASE("npy: a writer keeps its header's promise") {
  const test::TempDir folder;
  NpyWriter writer((folder / "out.npy").string(), 1, 2);
  CHECK_THROWS_AS(writer.write(Values{1, 2, 3}), std::logic_error);
  writer.write(Values{1});
  CHECK_THROWS_AS(writer.finish(), std::logic_error);
}
