#include "report/text_table.h"

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "report/utf8.h"

namespace iflow {
namespace {

TEST_CASE("numbers stand right, words left, and no line ends in spaces") {
  CHECK(format_text_table({"model", "nats", "note"},
                          {{"flow", "-2.4", "best"}, {"gaussian", "-10.25", ""}}) ==
        "model       nats  note\n"
        "flow        -2.4  best\n"
        "gaussian  -10.25\n");
}

TEST_CASE("units, signs and stand-ins don't turn a column of numbers into words") {
  CHECK(format_text_table({"v"}, {{"2.40 ± 0.01"}, {"+3"}, {"NA"}, {"-"}, {"-inf"}, {""}}) ==
        "          v\n"
        "2.40 ± 0.01\n"
        "         +3\n"
        "         NA\n"
        "          -\n"
        "       -inf\n"
        "\n");
  CHECK(format_text_table({}, {{"info", "x"}, {"7", "y"}}) == "info  x\n7     y\n");
}

TEST_CASE("widths count what is seen, not bytes") {
  CHECK(format_text_table({},
                          {{"Größe", "1"}, {"e\u0301te\u0301", "2"}, {"温度", "3"}, {"x", "4"}}) ==
        "Größe  1\n"
        "e\u0301te\u0301    2\n"
        "温度   3\n"
        "x      4\n");
}

TEST_CASE("cells can't break the layout or steer the terminal") {
  CHECK(format_text_table({}, {{"a\nb\x1B[31m", "\xFF"}}) == "a\uFFFDb\uFFFD[31m  \uFFFD\n");
}

TEST_CASE("empty tables and wrong cell counts") {
  CHECK(format_text_table({}, {}).empty());
  CHECK(format_text_table({"a", "b"}, {}) == "a  b\n" /* no cell speaks against numbers */);
  CHECK_THROWS_WITH_AS(format_text_table({"a", "b"}, {{"1", "2"}, {"1"}}),
                       "text table: row 2 has 1 cells, expected 2", Error);
  CHECK_THROWS_AS(format_text_table({}, {{"1"}, {"1", "2"}}), Error);
}

TEST_CASE("UTF-8: valid text survives, every invalid byte is replaced") {
  const std::string text = "a\u00DF\u6E29\U0001F600";
  CHECK(encode_utf8(decode_utf8(text)) == text);
  CHECK(decode_utf8(text) == U"a\u00DF\u6E29\U0001F600");
  CHECK(decode_utf8("\xC0\xAF") == U"\uFFFD\uFFFD");            // overlong
  CHECK(decode_utf8("\xED\xA0\x80") == U"\uFFFD\uFFFD\uFFFD");  // a surrogate
  CHECK(decode_utf8("\xE6\xB8") == U"\uFFFD\uFFFD");            // cut short
  CHECK(decode_utf8("\xE6zz") == U"\uFFFDzz");                  // continued wrongly
  CHECK(decode_utf8("\xF8z") == U"\uFFFDz");                    // no lead byte
  CHECK(decode_utf8("\xF4\x90\x80\x80").size() == 4);           // beyond U+10FFFF
  CHECK(decode_utf8("\t\x7F\u0085") == U"\uFFFD\uFFFD\uFFFD");  // controls
}

}  // namespace
}  // namespace iflow
