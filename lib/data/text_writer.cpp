#include "data/text_writer.h"

#include <algorithm>

#include "data/number_text.h"

namespace iflow {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;

bool needs_quotes(std::string_view text, char delimiter) {
  const auto is_special = [=](char c) {
    return c == delimiter || c == '"' || c == '\n' || c == '\r';
  };
  return std::any_of(text.begin(), text.end(), is_special) || trim_blanks(text) != text;
}

}  // namespace

TextWriter::TextWriter(const std::string& path)
    : file_(path), delimiter_(path.ends_with(".tsv") ? '\t' : ',') {}

void TextWriter::begin_field() {
  if (!row_is_empty_) buffer_ += delimiter_;
  row_is_empty_ = false;
}

void TextWriter::number(double value) {
  begin_field();
  append_number(buffer_, value);
  field_is_empty_ = false;
}

void TextWriter::text(std::string_view value) {
  field_is_empty_ = row_is_empty_ && value.empty();
  begin_field();
  if (!needs_quotes(value, delimiter_)) {
    buffer_ += value;
    return;
  }
  buffer_ += '"';
  for (const char c : value) {
    if (c == '"') buffer_ += '"';
    buffer_ += c;
  }
  buffer_ += '"';
}

void TextWriter::end_row() {
  // A row of one empty field would be a blank line, which is no row.
  if (field_is_empty_) buffer_ += "\"\"";
  buffer_ += '\n';
  row_is_empty_ = true;
  field_is_empty_ = false;
  if (buffer_.size() >= kBufferBytes) flush();
}

void TextWriter::header(std::span<const std::string> names) {
  for (const std::string& name : names) text(name);
  end_row();
}

void TextWriter::flush() {
  file_.write(buffer_);
  buffer_.clear();
}

void TextWriter::finish() {
  flush();
  file_.commit();
}

}  // namespace iflow
