#include "data/table_reader.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "support/temp_dir.h"

using namespace iflow;

namespace {

using Names = std::vector<std::string>;
using Values = std::vector<double>;

std::string gzipped(const std::string& text, const test::TempDir& folder) {
  const std::string path = (folder / "zipped").string();
  const gzFile file = gzopen(path.c_str(), "wb");
  REQUIRE(gzwrite(file, text.data(), static_cast<unsigned>(text.size())) ==
          static_cast<int>(text.size()));
  REQUIRE(gzclose(file) == Z_OK);
  return folder.read("zipped");
}

// A table in a file that is gone afterwards.
Table table_of(const std::string& bytes, const TableOptions& options = {},
               const std::string& name = "f.csv") {
  const test::TempDir folder;
  return read_table(folder.write(name, bytes).string(), options);
}

// The error without the folder's name.
std::string error_of(const std::string& bytes, const TableOptions& options = {},
                     const std::string& name = "f.csv") {
  try {
    table_of(bytes, options, name);
  } catch (const DataError& error) {
    const std::string message = error.what();
    return message.substr(message.find(name));
  }
  return "no error";
}

// All that chunks of some size say about a table.
struct Rows {
  std::vector<int> usable;
  Values values;
  Names kept;
  bool operator==(const Rows&) const = default;
};

Rows rows_in_chunks(const std::string& path, const TableOptions& options, std::size_t chunk_rows) {
  TableReader reader(path, options);
  TableChunk chunk;
  Rows rows;
  while (reader.next(chunk_rows, chunk)) {
    CHECK(chunk.first_row == rows.usable.size());
    CHECK(chunk.rows() <= chunk_rows);
    CHECK(chunk.usable_rows + chunk.dropped() == chunk.rows());
    CHECK(chunk.values.size() == chunk.usable_rows * reader.columns().size());
    CHECK(chunk.kept.size() == chunk.rows() * options.keep.size());
    rows.usable.insert(rows.usable.end(), chunk.usable.begin(), chunk.usable.end());
    rows.values.insert(rows.values.end(), chunk.values.begin(), chunk.values.end());
    rows.kept.insert(rows.kept.end(), chunk.kept.begin(), chunk.kept.end());
  }
  CHECK(chunk.rows() == 0);
  CHECK_FALSE(reader.next(chunk_rows, chunk));
  return rows;
}

// Standard input that delivers `bytes` a few at a time.
class StandardInput {
 public:
  StandardInput(const std::string& bytes, std::size_t piece) : saved_(::dup(STDIN_FILENO)) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    writer_ = std::thread([bytes, piece, out = ends[1]] {
      for (std::size_t i = 0; i < bytes.size(); i += piece) {
        const std::string part = bytes.substr(i, piece);
        if (::write(out, part.data(), part.size()) < 0) break;
      }
      ::close(out);
    });
  }
  ~StandardInput() {
    writer_.join();
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  int saved_;
  std::thread writer_;
};

}  // namespace

TEST_CASE("a header is found by itself") {
  const Table named = table_of("x, \"the y\"\n1,2\n3,4\n");
  CHECK(named.has_header);
  CHECK(named.columns == Names{"x", "the y"});
  CHECK(named.rows == 2);
  CHECK(named.values == Values{1, 2, 3, 4});
  const Table nameless = table_of("1,2\n3,4\n");
  CHECK_FALSE(nameless.has_header);
  CHECK(nameless.columns == Names{"x1", "x2"});
  CHECK(nameless.rows == 2);
  CHECK(table_of("1,b\n3,4\n").columns == Names{"1", "b"});
}

TEST_CASE("missing values make no header") {
  const Table table = table_of("1,NA\n3,4\n,5\n6,inf\n", {.na = NaPolicy::kDrop});
  CHECK_FALSE(table.has_header);
  CHECK(table.values == Values{3, 4});
  CHECK(table.dropped.size() == 3);
}

TEST_CASE("the header can be forced") {
  CHECK(table_of("1,2\n3,4\n", {.header = HeaderMode::kYes}).columns == Names{"1", "2"});
  CHECK(error_of("a,b\n3,4\n", {.header = HeaderMode::kNo}) ==
        "f.csv:1:1: expected a number, got \"a\" (column \"x1\"; choose the number columns with "
        "--columns)");
}

TEST_CASE("a column without a name is called by its position") {
  CHECK(table_of("\"\",b\n1,2\n").columns == Names{"x1", "b"});
}

TEST_CASE("quoted numbers, spaces and signs") {
  CHECK(table_of("a,b\n\"1.5\", +2 \n-3e2,\" 4\"\n").values == Values{1.5, 2, -300, 4});
}

TEST_CASE("delimiters") {
  CHECK(table_of("a\tb\n1\t2\n", {}, "f.tsv").values == Values{1, 2});
  CHECK(table_of("a;b\n1;2\n", {}, "f.dat").values == Values{1, 2});
  CHECK(table_of(" 1.0e0   2.0e0\n 3.0e0 4.0e0 \n", {}, "f.txt").values == Values{1, 2, 3, 4});
  CHECK(table_of("1\n2\n", {}, "f.txt").columns == Names{"x1"});
}

TEST_CASE("chunks of any size hold the same rows") {
  const test::TempDir folder;
  std::string text = "id,a,b\r\n";
  Rows expected;
  for (int i = 0; i < 20; ++i) {
    const bool missing = i % 5 == 3;
    text +=
        "\"row, " + std::to_string(i) + "\"," + (missing ? "NA" : std::to_string(i)) + ",0.5\r\n";
    expected.usable.push_back(missing ? 0 : 1);
    if (!missing) expected.values.insert(expected.values.end(), {static_cast<double>(i), 0.5});
    expected.kept.push_back("row, " + std::to_string(i));
  }
  const std::string plain = folder.write("f.csv", text).string();
  const std::string zipped = folder.write("f.csv.gz", gzipped(text, folder)).string();
  const TableOptions options{.na = NaPolicy::kDrop, .keep = {"id"}};
  for (const std::size_t chunk_rows : {1u, 2u, 7u, 20u, 1000u}) {
    CHECK(rows_in_chunks(plain, options, chunk_rows) == expected);
    CHECK(rows_in_chunks(zipped, options, chunk_rows) == expected);
  }
  for (const std::size_t piece : {1u, 3u, 100u}) {
    const StandardInput input(text, piece);
    CHECK(rows_in_chunks("-", options, 7) == expected);
  }
  const StandardInput input(gzipped(text, folder), 5);
  CHECK(rows_in_chunks("-", options, 7) == expected);
}

TEST_CASE("columns are chosen, ordered and passed through") {
  const std::string text = "a,name,b\n1,\"u, v\",2\n3,NA,4\n";
  const test::TempDir folder;
  const std::string path = folder.write("f.csv", text).string();
  TableReader reader(path, {.columns = {"b", "a"}, .keep = {"name", "a"}});
  CHECK(reader.columns() == Names{"b", "a"});
  CHECK(reader.kept_columns() == Names{"name", "a"});
  TableChunk chunk;
  REQUIRE(reader.next(10, chunk));
  CHECK(chunk.values == Values{2, 1, 4, 3});
  CHECK(chunk.kept == Names{"u, v", "1", "NA", "3"});
  CHECK(chunk.dropped() == 0);
  CHECK(table_of(text, {.keep = {"name"}}).values == Values{1, 2, 3, 4});
  CHECK(table_of("b,a\n1,2\n", {.expected = {"a", "b"}}).values == Values{2, 1});
  CHECK(error_of("b,c\n1,2\n", {.expected = {"b"}}) ==
        "f.csv:1: 1 column the model does not have: \"c\" (choose with --columns, pass through "
        "with --keep)");
}

TEST_CASE("what is wrong in a row is named with its place") {
  CHECK(error_of("a,b\n1,2\n\n3\n") == "f.csv:4:2: expected 2 fields, got 1");
  CHECK(error_of("a,b\n1,2,3\n") == "f.csv:2:3: expected 2 fields, got 3");
  CHECK(error_of("a,b\n1,2\n3,abc\n") ==
        "f.csv:3:2: expected a number, got \"abc\" (column \"b\"; choose the number columns with "
        "--columns)");
  CHECK(error_of("a,b\n1,1e999\n") == "f.csv:2:2: out of the range of a double: \"1e999\"");
  CHECK(error_of("a,b\n1,\n") ==
        "f.csv:2:2: expected a finite number, got an empty field (column \"b\"; --na drop leaves "
        "such rows out)");
  for (const std::string text : {"NA", "nan", "-inf"}) {
    CHECK(error_of("a,b\n1,2\n" + text + ",2\n") ==
          "f.csv:3:1: expected a finite number, got \"" + text +
              "\" (column \"a\"; --na drop leaves such rows out)");
  }
}

TEST_CASE("dropping rows forgives missing values only") {
  const TableOptions drop{.na = NaPolicy::kDrop};
  CHECK(table_of("a,b\n1,\nna,2\n3,NaN\n4,-Infinity\n5,6\n", drop).values == Values{5, 6});
  CHECK(error_of("a,b\nNA,abc\n", drop) ==
        "f.csv:2:2: expected a number, got \"abc\" (column \"b\"; choose the number columns with "
        "--columns)");
  CHECK(error_of("a,b\nNA,1e999\n", drop) == "f.csv:2:2: out of the range of a double: \"1e999\"");
  CHECK(error_of("a,b\nNA\n", drop) == "f.csv:2:2: expected 2 fields, got 1");
  CHECK(error_of("a,b\nNA,1\n2,NA\n", drop) ==
        "f.csv: no data: each of the 2 rows has a missing value");
}

TEST_CASE("messages show long and strange text with care") {
  CHECK(error_of("a\n" + std::string(100, 'x') + "\n") ==
        "f.csv:2:1: expected a number, got \"" + std::string(40, 'x') +
            "...\" (column \"a\"; choose the number columns with --columns)");
  CHECK(error_of("a\n\x1b[31m\n") ==
        "f.csv:2:1: expected a number, got \"?[31m\" (column \"a\"; choose the number columns with "
        "--columns)");
}

TEST_CASE("files without rows") {
  CHECK(error_of("") == "f.csv: no data: the file is empty");
  CHECK(error_of("\n\n") == "f.csv: no data: the file is empty");
  CHECK(error_of("\na,b\n") == "f.csv:2: no data: a header, but no rows");
  const test::TempDir folder;
  CHECK(error_of(gzipped("", folder), {}, "f.csv.gz") == "f.csv.gz: no data: the file is empty");
}

TEST_CASE("files that can't be read") {
  const test::TempDir folder;
  const std::string missing = (folder / "no.csv").string();
  CHECK_THROWS_WITH_AS(TableReader{missing},
                       (missing + ": cannot read: No such file or directory").c_str(), DataError);
  CHECK_THROWS_WITH_AS(TableReader{"/proc/self/mem"},  // nothing is mapped at address 0
                       "/proc/self/mem: cannot read: Input/output error", DataError);
  const std::string root = folder.path().string();
  CHECK_THROWS_WITH_AS(TableReader{root}, (root + ": cannot read: Is a directory").c_str(),
                       DataError);
}

TEST_CASE("damaged gzip") {
  const test::TempDir folder;
  std::string text = "a,b\n";
  for (int i = 0; i < 2000; ++i) text += std::to_string(i * i) + ",1\n";
  const std::string zipped = gzipped(text, folder);
  const std::string cut = "f.csv.gz: cannot read: the gzip data is cut short";
  for (const std::size_t bytes : {zipped.size() - 1, zipped.size() / 2, std::size_t{30}}) {
    CHECK(error_of(zipped.substr(0, bytes), {}, "f.csv.gz") == cut);
  }
  std::string flipped = zipped;
  flipped[zipped.size() - 6] ^= 1;  // in the checksum
  CHECK(error_of(flipped, {}, "f.csv.gz") ==
        "f.csv.gz: cannot read: the gzip data is corrupt: incorrect data check");
  CHECK(table_of(zipped + gzipped("7,1\n", folder), {}, "f.csv.gz").rows == 2001);
}

TEST_CASE("standard input has a name in messages") {
  const StandardInput input("a,b\n1,x\n", 1000);
  CHECK_THROWS_WITH_AS(read_table("-"),
                       "<stdin>:2:2: expected a number, got \"x\" (column \"b\"; choose the number "
                       "columns with --columns)",
                       DataError);
}

TEST_CASE("the hash tells tables apart by names and values") {
  const Table table = table_of("a,bc\n1,2\n");
  CHECK(content_hash(table).size() == 32);
  CHECK(content_hash(table) == content_hash(table_of("a;bc\r\n1.0;\"2\"\r\n", {}, "f.txt")));
  CHECK(content_hash(table) != content_hash(table_of("ab,c\n1,2\n")));
  CHECK(content_hash(table) != content_hash(table_of("bc,a\n1,2\n")));
  CHECK(content_hash(table) != content_hash(table_of("a,bc\n1,2.0000000000000004\n")));
  CHECK(content_hash(table) != content_hash(table_of("a,bc\n1,2\n1,2\n")));
}
