// Readers of tables on bytes nobody meant to be a table: whatever comes in, a table or a DataError
// comes out, and it doesn't matter in which pieces the bytes arrive.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "data/npy_header.h"
#include "data/table_reader.h"
#include "data/text_writer.h"
#include "support/damage.h"
#include "support/temp_dir.h"

using namespace iflow;
using iflow::test::damaged;
using iflow::test::gzipped;

namespace {

// All there is to say about a table or its error, as text.
std::string outcome(const std::string& path, const TableOptions& options, std::size_t chunk_rows) {
  std::string text;
  try {
    TableReader reader(path, options);
    for (const std::string& name : reader.columns()) text += name + '|';
    TableChunk chunk;
    while (reader.next(chunk_rows, chunk)) {
      REQUIRE(chunk.values.size() == chunk.usable_rows * reader.columns().size());
      for (const std::uint8_t usable : chunk.usable) text += usable ? 'u' : 'd';
      for (const double value : chunk.values) {
        REQUIRE(std::isfinite(value));
        text += std::to_string(value) + ' ';
      }
    }
  } catch (const DataError& error) {
    const std::string message = error.what();
    const std::string shown_name = path == "-" ? "<stdin>" : path;
    REQUIRE(message.starts_with(shown_name));
    return "error " + message.substr(shown_name.size());
  }
  return text;
}

// The outcome for a file with these bytes.
std::string outcome_from_file(const test::TempDir& folder, const std::string& name,
                              const std::string& bytes, const TableOptions& options = {}) {
  // A new file each time: file systems flush one that is written over.
  std::filesystem::remove(folder / name);
  return outcome(folder.write(name, bytes).string(), options, 7);
}

std::string outcome_from_pipe(const std::string& bytes, std::size_t piece,
                              const TableOptions& options) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const std::string path = "/dev/fd/" + std::to_string(ends[0]);
  std::thread writer([&] {
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      const std::string part = bytes.substr(i, piece);
      if (::write(ends[1], part.data(), part.size()) < 0) break;
    }
    ::close(ends[1]);
  });
  const std::string text = outcome(path, options, 3);
  // Unread bytes would leave the writer waiting.
  char rest[256];
  while (::read(ends[0], rest, sizeof rest) > 0) {
  }
  writer.join();
  ::close(ends[0]);
  return text;
}

std::string random_text(Rng& rng, std::string_view alphabet, std::size_t max_length) {
  std::string text(rng.below(max_length), ' ');
  for (char& c : text) c = alphabet[rng.below(alphabet.size())];
  return text;
}

}  // namespace

TEST_CASE("any text gives the same outcome in any pieces and chunks") {
  const test::TempDir folder;
  Rng rng(1, RngPurpose::kTest, 1);
  for (int round = 0; round < 600; ++round) {
    const std::string text = random_text(rng, "1,1,2,3\n\n\r\"\" \t;aN.-", 40);
    const TableOptions options{.na = round % 2 ? NaPolicy::kDrop : NaPolicy::kError};
    const std::string expected = outcome_from_file(folder, "f", text, options);
    CAPTURE(text);
    CHECK(outcome_from_pipe(text, 1, options) == expected);
    CHECK(outcome_from_pipe(text, 7, options) == expected);
  }
}

TEST_CASE("damaged .npy, plain and compressed") {
  const std::string start = std::string(kNpyMagic) + '\1' + '\0' + '\x38' + '\0' +
                            "{'descr': '<f4', 'fortran_order': False, 'shape': (6,2)}" +
                            std::string(48, 'A');
  std::string fortran = start;
  fortran.replace(fortran.find("False"), 5, "True ");
  const test::TempDir folder;
  REQUIRE(read_table(folder.write("f.npy", start).string()).rows == 6);
  Rng rng(1, RngPurpose::kTest, 2);
  int readable = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string bytes = damaged(round % 2 ? fortran : start, rng);
    const std::string plain = outcome_from_file(folder, "f.npy", bytes);
    readable += !plain.starts_with("error");
    if (round % 10 == 0) outcome_from_file(folder, "f.npy.gz", gzipped(bytes));
  }
  CHECK(readable > 100);
  CHECK(readable < 2900);
}

TEST_CASE("damaged gzip") {
  std::string text = "a,b\n";
  for (int i = 0; i < 300; ++i) text += std::to_string(i * i) + ",0.5\n";
  const std::string zipped = gzipped(text);
  const test::TempDir folder;
  const std::string expected = outcome_from_file(folder, "f.csv.gz", zipped);
  Rng rng(1, RngPurpose::kTest, 3);
  for (int round = 0; round < 500; ++round) {
    // Bytes 3 to 9 are flags, time and system, which need not matter.
    std::string bytes = zipped;
    const std::size_t at = 10 + rng.below(bytes.size() - 10);
    bytes[at] ^= static_cast<char>(1 + rng.below(255));
    CHECK(outcome_from_file(folder, "f.csv.gz", bytes) != expected);
    outcome_from_file(folder, "f.csv.gz", damaged(zipped, rng));
  }
}

TEST_CASE("any fields that are written read back") {
  const test::TempDir folder;
  Rng rng(1, RngPurpose::kTest, 4);
  for (int round = 0; round < 60; ++round) {
    const std::string path = (folder / (round % 2 ? "f.csv" : "f.tsv")).string();
    std::vector<std::string> texts;
    TextWriter writer(path);
    writer.header(std::vector<std::string>{"n", "t"});
    for (std::uint64_t row = 0, rows = 1 + rng.below(5); row < rows; ++row) {
      texts.push_back(random_text(rng, "ab,;\t\"\r\n '", 9));
      writer.number(static_cast<double>(row));
      writer.text(texts.back());
      writer.end_row();
    }
    writer.finish();
    TableReader reader(path, {.keep = {"t"}});
    TableChunk chunk;
    REQUIRE(reader.next(100, chunk));
    CHECK(chunk.kept == texts);
  }
}
