#include "data/csv_scanner.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "support/temp_dir.h"

using namespace iflow;

namespace {

struct Record {
  std::size_t line;
  std::vector<std::string> fields;
  bool operator==(const Record&) const = default;
};

std::vector<Record> scan(const std::string& text, const std::string& name = "f.csv") {
  const test::TempDir folder;
  CsvScanner scanner{InputFile(folder.write(name, text).string())};
  std::vector<Record> records;
  while (scanner.next()) {
    Record record{scanner.line(), {}};
    for (const CsvField& field : scanner.fields()) record.fields.emplace_back(field.text);
    records.push_back(record);
  }
  CHECK_FALSE(scanner.next());
  return records;
}

using Records = std::vector<Record>;

// The error without the folder's name.
std::string error_of(const std::string& text, const std::string& name = "f.csv") {
  try {
    scan(text, name);
  } catch (const DataError& error) {
    const std::string message = error.what();
    return message.substr(message.find(name));
  }
  return "no error";
}

}  // namespace

TEST_CASE("records, with and without a last line end") {
  CHECK(scan("a,b\n1,2\n") == Records{{1, {"a", "b"}}, {2, {"1", "2"}}});
  CHECK(scan("a,b\n1,2") == Records{{1, {"a", "b"}}, {2, {"1", "2"}}});
  CHECK(scan("a,\n,\n") == Records{{1, {"a", ""}}, {2, {"", ""}}});
  CHECK(scan("").empty());
  CHECK(scan("\n\n\r\n  \n").empty());
}

TEST_CASE("byte order mark, CRLF and blank lines") {
  const std::string bom = "\xEF\xBB\xBF";
  CHECK(scan(bom + "a,b\r\n\r\n1,2\r\n   \r\n3,4\r\n\r\n") ==
        Records{{1, {"a", "b"}}, {3, {"1", "2"}}, {5, {"3", "4"}}});
  CHECK(scan(bom + "\"a\",b\r\n1,2\r") == Records{{1, {"a", "b"}}, {2, {"1", "2"}}});
  CHECK(scan(bom).empty());
}

TEST_CASE("quotes") {
  CHECK(scan("\"a,b\",\"c\"\"d\"\"\"\n\"\",\"1\n2\r\n3\"\nx,y\n") ==
        Records{{1, {"a,b", "c\"d\""}}, {2, {"", "1\n2\r\n3"}}, {5, {"x", "y"}}});
  CHECK(scan("a, \"b\" ,c\n") == Records{{1, {"a", "b", "c"}}});
  CHECK(scan("\"a\",\"b\"\r\n\"1\",\"2\"") == Records{{1, {"a", "b"}}, {2, {"1", "2"}}});
  CHECK(scan("x\"y,5\" disk\n") == Records{{1, {"x\"y", "5\" disk"}}});
  CHECK(scan("\"a\",\"b\"\r") == Records{{1, {"a", "b"}}});
  CHECK(scan("\"\"\n") == Records{{1, {""}}});
  CHECK(scan("\"\"\"\"\n") == Records{{1, {"\""}}});
}

TEST_CASE("tabs keep empty fields, blanks run together") {
  CHECK(scan("a\tb\tc\n1\t\t3\n\t\t\n", "f.tsv") ==
        Records{{1, {"a", "b", "c"}}, {2, {"1", "", "3"}}, {3, {"", "", ""}}});
  CHECK(scan("  1   2\t3 \r\n4 5 6\n \"7 8\" \"9\"  10 \n", "f.txt") ==
        Records{{1, {"1", "2", "3"}}, {2, {"4", "5", "6"}}, {3, {"7 8", "9", "10"}}});
  CHECK(scan("1 \"2\"\n3 \"4\"\r\n5 \"6\" \r\n7 \"8\"", "f.txt") ==
        Records{{1, {"1", "2"}}, {2, {"3", "4"}}, {3, {"5", "6"}}, {4, {"7", "8"}}});
}

TEST_CASE("quotes that go wrong") {
  CHECK(error_of("a,b\n1,\"2\n3,4\n") == "f.csv:2:2: the quote that opens here is never closed");
  CHECK(error_of("\"") == "f.csv:1:1: the quote that opens here is never closed");
  CHECK(error_of("a,b\n\"1\"x,2\n") ==
        "f.csv:2:1: unexpected text after the closing quote (a quote inside quotes is doubled)");
}

TEST_CASE("binary data is no text") {
  CHECK(error_of(std::string("a,b\n1,\0 2\n", 10)) ==
        "f.csv: binary data; expected CSV or TSV as UTF-8 text, or .npy");
  CHECK(error_of(std::string("\xFF\xFE"
                             "a\0,\0b\0\n\0",
                             10)) ==
        "f.csv: binary data; expected CSV or TSV as UTF-8 text, or .npy");
}

TEST_CASE("records of every length cross the buffer's end unharmed") {
  // Line i holds i % 977 quoted and escaped characters; the whole is many times the buffer.
  std::string text = "a,b\n";
  Records expected{{1, {"a", "b"}}};
  for (std::size_t i = 0; i < 3000; ++i) {
    const std::size_t length = i % 977;
    const std::string number = std::to_string(i);
    text += number;
    text += ",\"" + std::string(length, 'x') + "\"\"" + std::string(length, ',') + "\"\r\n";
    expected.push_back(
        {i + 2, {number, std::string(length, 'x') + '"' + std::string(length, ',')}});
  }
  CHECK(text.size() > 2'000'000);
  const Records found = scan(text);
  REQUIRE(found.size() == expected.size());
  CHECK(found == expected);
}

TEST_CASE("a record longer than the buffer") {
  const std::string wide(3'000'000, '7');
  CHECK(scan("a,b\n" + wide + ",1\n2,3\n") ==
        Records{{1, {"a", "b"}}, {2, {wide, "1"}}, {3, {"2", "3"}}});
}

TEST_CASE("a record without end is refused before it fills the memory") {
  const std::string endless(40'000'000, '7');
  CHECK(error_of("a,b\n1,\"" + endless) ==
        "f.csv:2: a record of more than 16 MiB; is a quote never closed?");
}

TEST_CASE("the delimiter is sniffed") {
  const std::optional<char> none;
  CHECK(sniff_delimiter("a,b\n1,2\n", none) == ',');
  CHECK(sniff_delimiter("a;b\n1,5;2,5\n", none) == ';');
  CHECK(sniff_delimiter("1,5;2,5\n3,5;4,5\n", none) == ';');
  CHECK(sniff_delimiter("a b\tc\n1\t2\n", none) == '\t');
  CHECK(sniff_delimiter("  1   2 \n3 4\n", none) == ' ');
  CHECK(sniff_delimiter("first name,last name\nx,y\n", none) == ',');
  CHECK(sniff_delimiter("id,tags\n1,a;b;c\n2,d;e\n", none) == ',');
  CHECK(sniff_delimiter("\"a;b\",c\n\"d;e\",f\n", none) == ',');
  CHECK(sniff_delimiter("my column\n1\n2\n", none) == ',');
  CHECK(sniff_delimiter("1\n2\n", none) == ',');
  CHECK(sniff_delimiter("1 2\n3 4 5\n", none) == ' ');
  CHECK(sniff_delimiter("1,2\n3,4,5\n", none) == ',');
  CHECK(sniff_delimiter("", none) == ',');
}

TEST_CASE("a suffix decides unless the first line contradicts it") {
  CHECK(delimiter_of_suffix("a.csv") == ',');
  CHECK(delimiter_of_suffix("a.csv.gz") == ',');
  CHECK(delimiter_of_suffix("a.tsv") == '\t');
  CHECK(delimiter_of_suffix("a.txt") == std::nullopt);
  CHECK(sniff_delimiter("a,b;c\n1,2;3\n", ',') == ',');
  CHECK(sniff_delimiter("a;b\n1,5;2,5\n", ',') == ';');
  CHECK(sniff_delimiter("New York\nLos Angeles\n", ',') == ',');
  CHECK(sniff_delimiter("a,b\n1,2\n", '\t') == ',');
  CHECK(sniff_delimiter("note\na,b\n", '\t') == '\t');
}
