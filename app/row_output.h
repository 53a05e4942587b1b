// Rows of results on their way out, in the format that the path and --json ask for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iflow {

// The most rows that a command writes when it is told how many.
inline constexpr std::uint64_t kMaxRows = 1'000'000'000'000;

class RowOutput {
 public:
  RowOutput() = default;
  virtual ~RowOutput() = default;
  RowOutput(const RowOutput&) = delete;
  RowOutput& operator=(const RowOutput&) = delete;

  // The columns of the rows to come. Only CSV and TSV have header lines to write or to leave out.
  virtual void begin(const std::vector<std::string>& columns, bool has_header) = 0;

  // The fields of a row, one for each column.
  virtual void number(double value) = 0;
  virtual void text(std::string_view value) = 0;
  virtual void missing() = 0;
  virtual void end_row() = 0;

  // Completes the output. Nothing may be written after.
  virtual void finish() = 0;
};

// Opens `path` ("-" is standard output): JSON Lines with `json` (an object a row; null for missing
// values, infinities as text), else .npy by its suffix, else TSV or CSV. Everything that writes
// throws Error naming the path and the reason.
//
// `rows`, where known from the start, is how many will be written. A .npy file says so in its first
// bytes: without it, or with --json, a path in .npy throws UsageError.
std::unique_ptr<RowOutput> open_row_output(const std::string& path, bool json,
                                           std::optional<std::uint64_t> rows = std::nullopt);

}  // namespace iflow
