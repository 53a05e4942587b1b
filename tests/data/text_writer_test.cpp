#include "data/text_writer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "data/csv_scanner.h"
#include "data/table_reader.h"
#include "support/temp_dir.h"

using namespace iflow;

TEST_CASE("rows of numbers, text and missing values") {
  const test::TempDir folder;
  for (const auto& [name, expected] :
       {std::pair<std::string, std::string>{"out.csv", "logprob,id\n-1.5,\"a,b\"\nNA,c\n"},
        {"out.tsv", "logprob\tid\n-1.5\ta,b\nNA\tc\n"}}) {
    TextWriter writer((folder / name).string());
    writer.header(std::vector<std::string>{"logprob", "id"});
    writer.number(-1.5);
    writer.text("a,b");
    writer.end_row();
    writer.missing();
    writer.text("c");
    writer.end_row();
    CHECK_FALSE(std::filesystem::exists(folder / name));
    writer.finish();
    CHECK(folder.read(name) == expected);
  }
}

TEST_CASE("any text reads back") {
  const std::vector<std::string> texts = {"",           "  ",         "plain", "a,b",
                                          "\"quoted\"", "two\nlines", "cr\rx", " pad ",
                                          "\ttab\t",    "\"",         "x\r\n"};
  for (const char* name : {"out.csv", "out.tsv"}) {
    const test::TempDir folder;
    const std::string path = (folder / name).string();
    TextWriter writer(path);
    for (const std::string& text : texts) {  // one field a row, and then two
      writer.text(text);
      writer.end_row();
    }
    writer.finish();
    CsvScanner one{InputFile(path)};
    for (const std::string& text : texts) {
      REQUIRE(one.next());
      CHECK(one.fields().size() == 1);
      CHECK(one.fields()[0].text == text);
    }
    CHECK_FALSE(one.next());

    TextWriter again(path);
    for (const std::string& text : texts) {
      again.text(text);
      again.text(text);
      again.end_row();
    }
    again.finish();
    CsvScanner two{InputFile(path)};
    for (const std::string& text : texts) {
      REQUIRE(two.next());
      REQUIRE(two.fields().size() == 2);
      CHECK(two.fields()[0].text == text);
      CHECK(two.fields()[1].text == text);
    }
    CHECK_FALSE(two.next());
  }
}

TEST_CASE("a table survives being written and read") {
  using Limits = std::numeric_limits<double>;
  const std::vector<double> values = {0.1,           -0.0,
                                      Limits::max(), Limits::min(),
                                      1.0 / 3,       Limits::denorm_min(),
                                      1e22,          Limits::lowest()};
  const test::TempDir folder;
  const std::string path = (folder / "out.csv").string();
  TextWriter writer(path);
  for (std::size_t i = 0; i < values.size(); i += 2) {
    writer.number(values[i]);
    writer.number(values[i + 1]);
    writer.end_row();
  }
  writer.finish();
  const Table table = read_table(path);
  CHECK_FALSE(table.has_header);
  CHECK(table.rows == values.size() / 2);
  CHECK(table.values == values);
  CHECK(std::signbit(table.values[1]));
}

TEST_CASE("output beyond the buffer arrives whole") {
  const test::TempDir folder;
  const std::string path = (folder / "out.csv").string();
  TextWriter writer(path);
  for (int i = 0; i < 100'000; ++i) {
    writer.number(i);
    writer.end_row();
  }
  writer.finish();
  const Table table = read_table(path);
  REQUIRE(table.rows == 100'000);
  CHECK(table.values[65'536] == 65'536);
  CHECK(table.values.back() == 99'999);
}

TEST_CASE("without finish nothing is left") {
  const test::TempDir folder;
  {
    TextWriter writer((folder / "out.csv").string());
    writer.number(1);
    writer.end_row();
    writer.flush();
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a full disk and a missing folder are errors with a name") {
  TextWriter writer("/dev/full");
  writer.number(1);
  writer.end_row();
  CHECK_THROWS_WITH_AS(writer.finish(), "/dev/full: cannot write: No space left on device", Error);
  const test::TempDir folder;
  const std::string path = (folder / "no" / "out.csv").string();
  CHECK_THROWS_WITH_AS(TextWriter{path},
                       (path + ": cannot write: No such file or directory").c_str(), Error);
}
