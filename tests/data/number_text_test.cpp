#include "data/number_text.h"

#include <doctest/doctest.h>

#include <bit>
#include <clocale>
#include <cmath>
#include <cstdint>
#include <limits>
#include <locale>
#include <string>
#include <vector>

#include "base/rng.h"

using namespace iflow;

namespace {

NumberKind kind_of(std::string_view text) {
  double ignored = 0;
  return parse_number(text, ignored);
}

double value_of(std::string_view text) {
  double value = 0;
  REQUIRE_MESSAGE(parse_number(text, value) == NumberKind::kFinite, text);
  return value;
}

std::string text_of(double value) {
  std::string text;
  append_number(text, value);
  return text;
}

void check_round_trip(double value) {
  const std::string text = text_of(value);
  CHECK_MESSAGE(std::bit_cast<std::uint64_t>(value_of(text)) == std::bit_cast<std::uint64_t>(value),
                text);
}

// A numpunct as German has it.
struct DecimalComma : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

}  // namespace

TEST_CASE("numbers as people and programs write them") {
  CHECK(value_of("1.5") == 1.5);
  CHECK(value_of("+1.5") == 1.5);
  CHECK(value_of(" \t-2e-3  ") == -2e-3);
  CHECK(value_of("1.") == 1.0);
  CHECK(value_of(".5") == 0.5);
  CHECK(value_of("1E+2") == 100.0);
  CHECK(value_of("007") == 7.0);
}

TEST_CASE("what is no number is text") {
  for (const char* text :
       {"abc", "1.5x", "1,5", "1 2",  "+-1",   "++1", "-+1",  "--1", "+",      "-",
        ".",   "e5",   "1e",  "0x10", "1_000", "1d5", "nano", "N/A", "nan(1)", "- 1"}) {
    CHECK_MESSAGE(kind_of(text) == NumberKind::kText, text);
  }
}

TEST_CASE("missing values in any case") {
  for (const char* text :
       {"", "   ", "NA", "na", "NaN", "nan", "-nan", "inf", "+Inf", "-INF", "Infinity", " NA "}) {
    CHECK_MESSAGE(kind_of(text) == NumberKind::kMissing, text);
  }
}

TEST_CASE("numbers beyond a double are neither infinite nor zero") {
  for (const char* text : {"1e999", "-1e999", "1e-999", "+1e400"}) {
    CHECK_MESSAGE(kind_of(text) == NumberKind::kOutOfRange, text);
  }
  CHECK(kind_of("1e999x") == NumberKind::kText);
}

TEST_CASE("written numbers read back as the same bits") {
  using Limits = std::numeric_limits<double>;
  for (const double value : {0.0, -0.0, 0.1, 1.0 / 3, Limits::max(), Limits::lowest(),
                             Limits::min(), Limits::denorm_min(), -Limits::denorm_min(),
                             Limits::min() - Limits::denorm_min(), 1e22, 9007199254740993.0}) {
    check_round_trip(value);
  }
  Rng rng(1, RngPurpose::kTest);
  for (int i = 0; i < 2000; ++i) {
    const double value = std::bit_cast<double>(rng.next_u64());
    if (std::isfinite(value)) check_round_trip(value);
  }
}

TEST_CASE("written numbers are as short as they can be") {
  CHECK(text_of(0.1) == "0.1");
  CHECK(text_of(-3) == "-3");
  CHECK(text_of(-0.0) == "-0");
  CHECK(text_of(0.30000000000000004) == "0.30000000000000004");
}

TEST_CASE("a locale with a decimal comma changes nothing") {
  const std::locale before = std::locale::global(std::locale(std::locale(), new DecimalComma));
  std::string c_locale = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"}) {
    if (std::setlocale(LC_ALL, name) != nullptr) break;  // where the system has one
  }
  CHECK(value_of("1234.5") == 1234.5);
  CHECK(kind_of("1,5") == NumberKind::kText);
  CHECK(text_of(1234.5) == "1234.5");
  std::setlocale(LC_ALL, c_locale.c_str());
  std::locale::global(before);
}
