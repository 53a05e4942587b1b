#include "data/table_reader.h"

#include <utility>

#include "base/error.h"
#include "data/csv_source.h"
#include "data/input_file.h"
#include "data/npy_source.h"

namespace iflow {
namespace {

std::unique_ptr<TableSource> open_source(const std::string& path, HeaderMode header) {
  InputFile file(path);
  const bool is_named_npy = path.ends_with(".npy") || path.ends_with(".npy.gz");
  if (is_named_npy || file.peek(kNpyMagic.size()) == kNpyMagic) {
    return std::make_unique<NpySource>(std::move(file));
  }
  return std::make_unique<CsvSource>(std::move(file), header);
}

}  // namespace

TableReader::TableReader(const std::string& path, TableOptions options)
    : options_(std::move(options)),
      source_(open_source(path, options_.header)),
      selection_(
          select_columns(source_->header_place(), source_->columns(), has_header(), options_)) {
  for (const std::size_t index : selection_.values) columns_.push_back(source_->columns()[index]);
}

bool TableReader::next(std::size_t max_rows, TableChunk& chunk) {
  chunk.first_row = rows_read_;
  chunk.usable.clear();
  chunk.usable_rows = 0;
  chunk.values.clear();
  chunk.kept.clear();
  source_->read(max_rows, selection_, options_.na, chunk);
  rows_read_ += chunk.rows();
  if (rows_read_ == 0) {
    throw DataError(source_->header_place() + ": no data: a header, but no rows");
  }
  return chunk.rows() > 0;
}

Table read_table(const std::string& path, const TableOptions& options) {
  constexpr std::size_t kChunkRows = 4096;
  TableReader reader(path, options);
  Table table;
  table.columns = reader.columns();
  table.has_header = reader.has_header();
  TableChunk chunk;
  while (reader.next(kChunkRows, chunk)) {
    table.values.insert(table.values.end(), chunk.values.begin(), chunk.values.end());
    table.rows += chunk.usable_rows;
    for (std::size_t i = 0; i < chunk.rows(); ++i) {
      if (chunk.usable[i] == 0) table.dropped.push_back(chunk.first_row + i);
    }
  }
  if (table.rows == 0) {
    throw DataError(display_name(path) + ": no data: each of the " +
                    std::to_string(table.dropped.size()) + " rows has a missing value");
  }
  return table;
}

}  // namespace iflow
