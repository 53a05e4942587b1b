// Text with delimiters, cut into records of fields.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/input_file.h"

namespace iflow {

// One field of a record; valid until the next record is read.
struct CsvField {
  std::string_view text;  // without its quotes, doubled quotes undone
  bool quoted = false;
};

// The delimiter between fields: ',' ';' '\t', or ' ' for any run of spaces and tabs.
//
// `sample` is the start of the text. `expected` is the delimiter that the file's suffix suggests. A
// delimiter is even if it cuts all lines of the sample into the same number of fields. `expected`
// is chosen, unless the first line lacks it and another delimiter is even. Where none is expected,
// an even one is chosen, else the most frequent one.
char sniff_delimiter(std::string_view sample, std::optional<char> expected);

// The delimiter that the suffix suggests: ',' for .csv, tab for .tsv; a .gz behind it is ignored.
std::optional<char> delimiter_of_suffix(std::string_view path);

// Reads RFC 4180 and its relatives: any of the delimiters above, LF or CRLF, a byte order mark,
// quoted fields (with delimiters and line ends inside), blank lines (skipped). Memory is bounded by
// the longest record, at most 16 MiB.
class CsvScanner {
 public:
  explicit CsvScanner(InputFile file);

  // Moves to the next record that is not blank; false at the end. Throws DataError for a quote that
  // is never closed, text after a closing quote, a record beyond the limit, and binary data.
  bool next();

  std::span<const CsvField> fields() const { return fields_; }

  // The line, from 1, on which the current record starts.
  std::size_t line() const { return line_; }

  char delimiter() const { return delimiter_; }
  const std::string& name() const { return file_.name(); }

  // "file:line:field" of the field `index` (from 0) of the current record.
  std::string place(std::size_t index) const;

 private:
  enum class Scan { kRecord, kNeedsMore };

  void read_sample();
  bool read_more();
  Scan scan_record();
  Scan scan_quoted(const char*& cursor);
  bool is_blank_record() const;
  void undo_doubled_quotes();

  InputFile file_;
  char delimiter_ = ',';
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of the next record in buffer_
  std::size_t end_ = 0;    // of the bytes in buffer_
  bool at_end_of_file_ = false;
  std::vector<CsvField> fields_;
  bool has_quotes_ = false;  // in the current record
  std::size_t line_ = 0;
  std::size_t next_line_ = 1;
};

}  // namespace iflow
