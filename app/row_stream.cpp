#include "row_stream.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/columns.h"

namespace iflow {

namespace {

bool has_nan(std::span<const double> values) {
  return std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); });
}

// Whether f has an answer for these rows.
bool succeeds(const RowFunction& f, const Rows& rows) {
  try {
    return !has_nan(f(rows));
  } catch (const NumericError&) {
    return false;
  }
}

// Finds the row to blame among the usable ones of a chunk, by trying one after the other.
[[noreturn]] void throw_bad_row(const std::string& path, const TableChunk& chunk, const Rows& rows,
                                const RowFunction& f) {
  const std::size_t d = chunk.values.size() / chunk.usable_rows;
  std::size_t row = 0, usable = 0;
  for (; row < chunk.rows(); ++row) {
    if (chunk.usable[row] == 0) continue;
    if (!succeeds(f, {rows.values.subspan(usable * d, d), rows.indices.subspan(usable, 1)})) break;
    ++usable;
  }
  throw NumericError(display_name(path) + ": row " + std::to_string(chunk.first_row + row + 1) +
                     " (the header not counted): the result is not a number; the row is too far "
                     "from the data the model was fitted on");
}

std::vector<double> results_of(const std::string& path, const TableChunk& chunk,
                               const RowFunction& f) {
  if (chunk.usable_rows == 0) return {};
  std::vector<std::uint64_t> indices;
  for (std::size_t row = 0; row < chunk.rows(); ++row) {
    if (chunk.usable[row] != 0) indices.push_back(chunk.first_row + row);
  }
  const Rows rows{chunk.values, indices};
  try {
    std::vector<double> results = f(rows);
    if (!has_nan(results)) return results;
  } catch (const RowError& error) {
    throw DataError(display_name(path) + ": row " + std::to_string(indices[error.row()] + 1) +
                    " (the header not counted): " + error.problem());
  } catch (const NumericError&) {
    // The computation counts rows from the chunk's start; named below as the file counts them.
  }
  throw_bad_row(path, chunk, rows, f);
}

}  // namespace

RowCounts for_each_chunk(
    TableReader& reader, const std::string& path, const RowFunction& f,
    const std::function<void(const TableChunk& chunk, std::span<const double> results)>& take) {
  RowCounts counts;
  TableChunk chunk;
  while (reader.next(chunk_rows(reader.columns().size()), chunk)) {
    take(chunk, results_of(path, chunk, f));
    counts.read += chunk.rows();
    counts.dropped += chunk.dropped();
  }
  return counts;
}

RowCounts stream_rows(TableReader& reader, const std::string& path, const RowFunction& f,
                      const std::vector<std::string>& columns, RowOutput& out) {
  std::vector<std::string> names = columns;
  const std::size_t kept = reader.kept_columns().size();
  names.insert(names.end(), reader.kept_columns().begin(), reader.kept_columns().end());
  out.begin(names, reader.has_header());
  const auto write = [&](const TableChunk& chunk, std::span<const double> results) {
    const double* result = results.data();
    for (std::size_t row = 0; row < chunk.rows(); ++row) {
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (chunk.usable[row] == 0) {
          out.missing();
        } else {
          out.number(*result++);
        }
      }
      for (std::size_t i = 0; i < kept; ++i) out.text(chunk.kept[row * kept + i]);
      out.end_row();
    }
  };
  const RowCounts counts = for_each_chunk(reader, path, f, write);
  out.finish();
  return counts;
}

}  // namespace iflow
