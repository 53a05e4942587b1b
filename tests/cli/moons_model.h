// A small model of the moons, fitted once per test program, and help with the tables that commands
// print.
#pragma once

#include <doctest/doctest.h>

#include <charconv>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/process.h"
#include "support/temp_dir.h"

namespace iflow::test {

// A folder with moons.csv (2,000 rows to train on), heldout.csv (500 others, of another seed) and
// the fit moons.iflow.
inline const TempDir& moons_folder() {
  struct Fitted {
    TempDir folder;
    Fitted() {
      const ProcessResult r = run_shell(
          "iflow toy moons -n 2000 -o moons.csv &&"
          "iflow toy moons -n 500 --seed 2 -o heldout.csv &&"
          "iflow fit moons.csv --blocks 6 --hidden 16,16 --steps 400 --quiet",
          {.cwd = folder.path()});
      if (r.exit_code != 0) throw std::runtime_error("cannot fit the moons: " + r.err);
    }
  };
  static const Fitted fitted;
  return fitted.folder;
}

// A script for bash in that folder.
inline ProcessResult in_moons_folder(const std::string& script) {
  return run_shell(script, {.cwd = moons_folder().path()});
}

// The output of a script that must succeed without a word on stderr.
inline std::string output_of(const std::string& script) {
  const ProcessResult r = in_moons_folder(script);
  CHECK_MESSAGE(r.exit_code == 0, script);
  CHECK_MESSAGE(r.err == "", script);
  return r.out;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The numbers of CSV text, row by row, without its header line if it has one. Throws for what is no
// number.
inline std::vector<std::vector<double>> numbers_of(const std::string& csv, bool has_header = true) {
  std::vector<std::vector<double>> rows;
  for (const std::string& line : lines_of(csv)) {
    std::vector<double> row;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) {
      if (has_header && rows.empty()) {
        row.push_back(0);
        continue;
      }
      double value = 0;
      const char* const end = field.data() + field.size();
      const auto [stop, error] = std::from_chars(field.data(), end, value);
      if (error != std::errc() || stop != end) throw std::runtime_error("no number: " + field);
      row.push_back(value);
    }
    rows.push_back(row);
  }
  if (has_header) rows.erase(rows.begin());
  return rows;
}

// Column `index` of such rows.
inline std::vector<double> column_of(const std::vector<std::vector<double>>& rows,
                                     std::size_t index) {
  std::vector<double> column;
  for (const auto& row : rows) column.push_back(row.at(index));
  return column;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace iflow::test
