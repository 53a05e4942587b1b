// CSV and TSV output.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"

namespace iflow {

// Writes rows field by field: row ends are '\n', numbers take the shortest form that reads back as
// the same double, text is quoted where a reader needs it. The file appears under its name on
// finish(). Every member that writes throws Error naming the path and the reason.
class TextWriter {
 public:
  // Opens `path` ("-" is standard output). Tabs separate the fields of a path that ends in .tsv,
  // commas all others.
  explicit TextWriter(const std::string& path);

  void number(double value);
  void text(std::string_view value);
  void missing() { text("NA"); }
  void end_row();

  // A whole row of text: the column names.
  void header(std::span<const std::string> names);

  // Writes what is buffered, so that the reader of a stream sees it now.
  void flush();

  // Completes the file. Nothing may be written after.
  void finish();

 private:
  void begin_field();

  AtomicFile file_;
  char delimiter_;
  std::string buffer_;
  bool row_is_empty_ = true;     // no field yet
  bool field_is_empty_ = false;  // the row's only field so far is empty text
};

}  // namespace iflow
