#include "data/npy_source.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "data/number_text.h"
#include "data/table.h"

namespace iflow {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
// A stream's header can't be compared with its size, so what it may ask for is bounded.
constexpr std::uint64_t kMaxStreamColumns = std::uint64_t{1} << 20;

// a * b, or nothing where that doesn't fit.
std::optional<std::uint64_t> product(std::uint64_t a, std::uint64_t b) {
  if (a != 0 && b > std::numeric_limits<std::uint64_t>::max() / a) return std::nullopt;
  return a * b;
}

}  // namespace

NpySource::NpySource(InputFile file) : file_(std::move(file)), header_(read_npy_header(file_)) {
  const std::vector<std::uint64_t>& shape = header_.shape;
  if (shape.empty() || shape.size() > 2) {
    throw DataError(file_.name() + ": an array of " + std::to_string(shape.size()) +
                    " dimensions; expected rows and columns (one or two)");
  }
  rows_ = shape[0];
  const std::uint64_t column_count = shape.size() == 2 ? shape[1] : 1;
  if (rows_ == 0 || column_count == 0)
    throw DataError(file_.name() + ": no data: the array is empty");
  check_size();
  if (!file_.size() && column_count > kMaxStreamColumns) {
    throw DataError(file_.name() + ": more than " + std::to_string(kMaxStreamColumns) +
                    " columns in a stream or compressed file");
  }
  // Either order means the same for a single column or row.
  header_.fortran_order = header_.fortran_order && rows_ > 1 && column_count > 1;
  if (header_.fortran_order && !file_.size()) {
    throw DataError(file_.name() +
                    ": an array in Fortran order can't be streamed; give an uncompressed file, or "
                    "save it with numpy.ascontiguousarray");
  }
  columns_ = default_column_names(column_count);
}

void NpySource::check_size() const {
  if (!file_.size()) return;
  const std::uint64_t column_count = header_.shape.size() == 2 ? header_.shape[1] : 1;
  const std::uint64_t found =
      *file_.size() - std::min<std::uint64_t>(*file_.size(), header_.data_offset);
  const std::optional<std::uint64_t> elements = product(rows_, column_count);
  const std::optional<std::uint64_t> bytes =
      elements ? product(*elements, header_.type.bytes) : std::nullopt;
  if (bytes == found) return;
  throw DataError(file_.name() + ": the header promises " + std::to_string(rows_) + " x " +
                  std::to_string(column_count) + " elements of " +
                  std::to_string(header_.type.bytes) + " bytes, but " + std::to_string(found) +
                  " bytes follow");
}

void NpySource::read(std::size_t max_rows, const ColumnSelection& selection, NaPolicy na,
                     TableChunk& chunk) {
  for (std::size_t count = 0; count < max_rows && next_row_ < rows_; ++count, ++next_row_) {
    if (next_row_ == block_end_) read_block();
    const double* const row = block_.data() + (next_row_ - block_first_) * columns_.size();
    const bool usable = append_values(row, selection, na, chunk.values);
    chunk.usable.push_back(usable ? 1 : 0);
    chunk.usable_rows += usable ? 1 : 0;
    for (const std::size_t column : selection.keep) {
      append_number(chunk.kept.emplace_back(), row[column]);
    }
  }
}

void NpySource::read_block() {
  const std::size_t row_bytes = columns_.size() * header_.type.bytes;
  const std::uint64_t rows =
      std::min<std::uint64_t>(std::max<std::size_t>(1, kBlockBytes / row_bytes), rows_ - next_row_);
  block_.resize(rows * columns_.size());
  bytes_.resize(rows * row_bytes);
  block_first_ = next_row_;
  block_end_ = next_row_ + rows;
  if (header_.fortran_order) {
    read_block_of_columns(rows);
  } else {
    read_block_of_rows(rows);
  }
}

void NpySource::read_block_of_rows(std::size_t rows) {
  const std::size_t read = file_.read_fully(bytes_);
  char beyond = 0;
  if (read < bytes_.size()) {
    const std::uint64_t whole = block_first_ + read / (bytes_.size() / rows);
    throw DataError(file_.name() + ": the header promises " + std::to_string(rows_) +
                    " rows, but the data ends after " + std::to_string(whole));
  }
  if (block_end_ == rows_ && file_.read({&beyond, 1}) > 0) {
    throw DataError(file_.name() + ": data follows the " + std::to_string(rows_) +
                    " rows that the header promises");
  }
  for (std::size_t i = 0; i < block_.size(); ++i) {
    block_[i] = decode_npy_element(bytes_.data() + i * header_.type.bytes, header_.type);
  }
}

void NpySource::read_block_of_columns(std::size_t rows) {
  const std::size_t element_bytes = header_.type.bytes;
  const std::span<char> part = std::span(bytes_).first(rows * element_bytes);
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    const std::uint64_t first_element = column * rows_ + block_first_;
    file_.read_at(header_.data_offset + first_element * element_bytes, part);
    for (std::size_t row = 0; row < rows; ++row) {
      block_[row * columns_.size() + column] =
          decode_npy_element(part.data() + row * element_bytes, header_.type);
    }
  }
}

// Appends the row; false, and nothing appended, if it is to be dropped.
bool NpySource::append_values(const double* row, const ColumnSelection& selection, NaPolicy na,
                              std::vector<double>& values) const {
  const auto is_finite = [&](std::size_t column) { return std::isfinite(row[column]); };
  const auto bad = std::find_if_not(selection.values.begin(), selection.values.end(), is_finite);
  if (bad == selection.values.end()) {
    for (const std::size_t column : selection.values) values.push_back(row[column]);
    return true;
  }
  if (na == NaPolicy::kDrop) return false;
  std::string text;
  append_number(text, row[*bad]);
  throw_missing_value(
      file_.name() + ":" + std::to_string(next_row_ + 1) + ":" + std::to_string(*bad + 1), text,
      columns_[*bad]);
}

}  // namespace iflow
