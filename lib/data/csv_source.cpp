#include "data/csv_source.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "data/table.h"

namespace iflow {
namespace {

bool looks_like_header(std::span<const CsvField> fields) {
  return std::any_of(fields.begin(), fields.end(), [](const CsvField& field) {
    double ignored = 0;
    return parse_number(field.text, ignored) == NumberKind::kText;
  });
}

std::vector<std::string> names_from(std::span<const CsvField> fields) {
  std::vector<std::string> names = default_column_names(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = fields[i].quoted ? fields[i].text : trim_blanks(fields[i].text);
    if (!name.empty()) names[i] = name;
  }
  return names;
}

}  // namespace

CsvSource::CsvSource(InputFile file, HeaderMode header) : scanner_(std::move(file)) {
  if (!scanner_.next()) throw DataError(scanner_.name() + ": no data: the file is empty");
  has_header_ = header == HeaderMode::kYes ||
                (header == HeaderMode::kAuto && looks_like_header(scanner_.fields()));
  columns_ =
      has_header_ ? names_from(scanner_.fields()) : default_column_names(scanner_.fields().size());
  header_line_ = scanner_.line();
  first_row_waits_ = !has_header_;
}

std::string CsvSource::header_place() const {
  return scanner_.name() + ":" + std::to_string(header_line_);
}

bool CsvSource::next_row() {
  if (std::exchange(first_row_waits_, false)) return true;
  if (!scanner_.next()) return false;
  const std::size_t got = scanner_.fields().size();
  if (got != columns_.size()) {
    throw DataError(scanner_.place(std::min(got, columns_.size())) + ": expected " +
                    std::to_string(columns_.size()) + " fields, got " + std::to_string(got));
  }
  return true;
}

void CsvSource::read(std::size_t max_rows, const ColumnSelection& selection, NaPolicy na,
                     TableChunk& chunk) {
  for (std::size_t row = 0; row < max_rows && next_row(); ++row) {
    const bool usable = append_values(selection, na, chunk.values);
    chunk.usable.push_back(usable ? 1 : 0);
    chunk.usable_rows += usable ? 1 : 0;
    for (const std::size_t column : selection.keep) {
      chunk.kept.emplace_back(scanner_.fields()[column].text);
    }
  }
}

// Appends the current row; false, and nothing appended, if it is to be dropped.
bool CsvSource::append_values(const ColumnSelection& selection, NaPolicy na,
                              std::vector<double>& values) {
  const std::size_t old_size = values.size();
  bool usable = true;
  for (const std::size_t column : selection.values) {
    double value = 0;
    const NumberKind kind = parse_number(scanner_.fields()[column].text, value);
    const bool is_missing = kind == NumberKind::kMissing;
    if (kind != NumberKind::kFinite && !(is_missing && na == NaPolicy::kDrop)) fail(kind, column);
    usable = usable && !is_missing;
    values.push_back(value);
  }
  if (!usable) values.resize(old_size);
  return usable;
}

void CsvSource::fail(NumberKind kind, std::size_t column) const {
  const std::string place = scanner_.place(column);
  const std::string_view text = scanner_.fields()[column].text;
  if (kind == NumberKind::kMissing) throw_missing_value(place, text, columns_[column]);
  if (kind == NumberKind::kOutOfRange) {
    throw DataError(place + ": out of the range of a double: " + shown(text));
  }
  throw DataError(place + ": expected a number, got " + shown(text) + " (column " +
                  shown(columns_[column]) + "; choose the number columns with --columns)");
}

}  // namespace iflow
