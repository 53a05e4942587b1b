#include "data/csv_scanner.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"
#include "data/number_text.h"

namespace iflow {
namespace {

constexpr std::size_t kInitialBufferBytes = std::size_t{1} << 18;
constexpr std::size_t kMaxRecordBytes = std::size_t{1} << 24;
constexpr std::size_t kSampleBytes = std::size_t{1} << 16;
constexpr std::size_t kSampleLines = 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_separator(char c, char delimiter) {
  return c == delimiter || (delimiter == ' ' && c == '\t');
}

// Blanks around a quoted field, which are ignored.
bool is_padding(char c, char delimiter) { return c == ' ' || (c == '\t' && delimiter != '\t'); }

// Delimiters of a line outside quotes; a run of blanks counts once.
std::size_t count_separators(std::string_view line, char delimiter) {
  if (delimiter == ' ') line = trim_blanks(line);
  std::size_t count = 0;
  bool in_quotes = false;
  bool after_separator = false;
  for (const char c : line) {
    if (c == '"') in_quotes = !in_quotes;
    const bool separates = !in_quotes && is_separator(c, delimiter);
    if (separates && !(delimiter == ' ' && after_separator)) ++count;
    after_separator = separates;
  }
  return count;
}

std::vector<std::string_view> lines_with_text(std::string_view sample) {
  std::vector<std::string_view> lines;
  while (!sample.empty()) {
    const std::size_t length = std::min(sample.find('\n'), sample.size());
    std::string_view line = sample.substr(0, length);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!trim_blanks(line).empty()) lines.push_back(line);
    sample.remove_prefix(std::min(length + 1, sample.size()));
  }
  return lines;
}

// How a delimiter cuts lines into fields.
struct Cuts {
  std::size_t total = 0;
  bool in_every_line = true;
  bool evenly = true;  // in every line, and in all as often
};

Cuts count_cuts(const std::vector<std::string_view>& lines, char delimiter) {
  Cuts cuts;
  const std::size_t first = count_separators(lines.front(), delimiter);
  for (const std::string_view line : lines) {
    const std::size_t count = count_separators(line, delimiter);
    cuts.total += count;
    cuts.in_every_line = cuts.in_every_line && count > 0;
    cuts.evenly = cuts.evenly && count == first;
  }
  cuts.evenly = cuts.evenly && cuts.in_every_line;
  return cuts;
}

// The end of the first `count` lines of the text, or npos if it has fewer.
std::size_t end_of_lines(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  for (std::size_t line = 0; line < count; ++line) {
    const std::size_t newline = text.find('\n', end);
    if (newline == std::string_view::npos) return newline;
    end = newline + 1;
  }
  return end;
}

}  // namespace

char sniff_delimiter(std::string_view sample, std::optional<char> expected) {
  const std::vector<std::string_view> lines = lines_with_text(sample);
  if (lines.empty()) return expected.value_or(',');
  if (expected && count_separators(lines.front(), *expected) > 0) return *expected;

  // ';' before ',': where both cut evenly, the comma is a decimal comma. Blanks come last, and
  // never in a .csv or .tsv: they occur in text.
  for (const char candidate : {'\t', ';', ',', ' '}) {
    if (candidate == ' ' && expected) break;
    if (count_cuts(lines, candidate).evenly) return candidate;
  }
  if (expected) return *expected;

  char most_frequent = count_cuts(lines, ' ').in_every_line ? ' ' : ',';
  std::size_t highest_total = 0;
  for (const char candidate : {'\t', ';', ','}) {
    const std::size_t total = count_cuts(lines, candidate).total;
    if (total > highest_total) most_frequent = candidate;
    highest_total = std::max(total, highest_total);
  }
  return most_frequent;
}

std::optional<char> delimiter_of_suffix(std::string_view path) {
  if (path.ends_with(".gz")) path.remove_suffix(3);
  if (path.ends_with(".csv")) return ',';
  if (path.ends_with(".tsv")) return '\t';
  return std::nullopt;
}

CsvScanner::CsvScanner(InputFile file) : file_(std::move(file)), buffer_(kInitialBufferBytes) {
  read_sample();
}

// Reads as much as sniff_delimiter looks at: how many bytes a pipe delivers at a time must not
// change the result.
void CsvScanner::read_sample() {
  const auto text = [this] { return std::string_view(buffer_.data(), end_); };
  while (end_ < kSampleBytes && end_of_lines(text(), kSampleLines) == std::string_view::npos &&
         read_more()) {
  }
  std::string_view sample = text().substr(0, kSampleBytes);
  const std::size_t lines_end = end_of_lines(sample, kSampleLines);
  if (lines_end != std::string_view::npos) {
    sample = sample.substr(0, lines_end);
  } else if (end_ >= kSampleBytes) {
    // The last line may be cut off.
    const std::size_t last_newline = sample.rfind('\n');
    if (last_newline != std::string_view::npos) sample = sample.substr(0, last_newline);
  }
  if (sample.find('\0') != std::string_view::npos) {
    throw DataError(name() + ": binary data; expected CSV or TSV as UTF-8 text, or .npy");
  }
  if (sample.starts_with(kByteOrderMark)) {
    begin_ = kByteOrderMark.size();
    sample.remove_prefix(begin_);
  }
  delimiter_ = sniff_delimiter(sample, delimiter_of_suffix(name()));
}

// Moves the unread bytes to the front and reads more behind them. Each call at least doubles them,
// so that scanning a long record again each time takes linear time. False if nothing came.
bool CsvScanner::read_more() {
  if (at_end_of_file_) return false;
  const std::size_t pending = end_ - begin_;
  std::memmove(buffer_.data(), buffer_.data() + begin_, pending);
  begin_ = 0;
  end_ = pending;
  buffer_.resize(std::max(buffer_.size(), 2 * pending + 2));
  const std::size_t wanted = std::max(2 * pending, pending + 1);
  while (end_ < wanted && !at_end_of_file_) {
    // One byte stays free for scan_record's sentinel.
    const std::size_t count = file_.read({buffer_.data() + end_, buffer_.size() - 1 - end_});
    at_end_of_file_ = count == 0;
    end_ += count;
  }
  return end_ > pending;
}

bool CsvScanner::next() {
  while (true) {
    line_ = next_line_;
    const std::size_t record_begin = begin_;
    if (begin_ == end_ || scan_record() == Scan::kNeedsMore) {
      if (end_ - begin_ > kMaxRecordBytes) {
        throw DataError(name() + ":" + std::to_string(line_) +
                        ": a record of more than 16 MiB; is a quote never closed?");
      }
      if (!read_more() && begin_ == end_) {
        fields_.clear();
        return false;
      }
      continue;
    }
    next_line_ += 1;
    if (has_quotes_) {
      // The record's own line end, if it has one, is counted above.
      const char* const first = buffer_.data() + record_begin;
      const char* const last = buffer_.data() + begin_;
      next_line_ += static_cast<std::size_t>(std::count(first, last, '\n')) -
                    static_cast<std::size_t>(last[-1] == '\n');
      undo_doubled_quotes();
    }
    if (!is_blank_record()) return true;
  }
}

CsvScanner::Scan CsvScanner::scan_record() {
  fields_.clear();
  has_quotes_ = false;
  const char* cursor = buffer_.data() + begin_;
  const char* const end = buffer_.data() + end_;
  buffer_[end_] = '\n';  // a sentinel spares the inner loop a comparison

  while (true) {
    if (delimiter_ == ' ') {
      while (is_separator(*cursor, ' ')) ++cursor;
    }
    const char* first = cursor;
    while (is_padding(*first, delimiter_)) ++first;
    if (*first == '"') {
      cursor = first;
      if (scan_quoted(cursor) == Scan::kNeedsMore) return Scan::kNeedsMore;
    } else {
      const char* const start = cursor;
      while (*cursor != '\n' && !is_separator(*cursor, delimiter_)) ++cursor;
      fields_.push_back({std::string_view(start, static_cast<std::size_t>(cursor - start)), false});
    }
    if (*cursor != '\n') {
      ++cursor;
      continue;
    }
    if (cursor == end && !at_end_of_file_) return Scan::kNeedsMore;
    begin_ = static_cast<std::size_t>(std::min(cursor + 1, end) - buffer_.data());
    CsvField& last = fields_.back();
    if (!last.quoted && last.text.ends_with('\r')) last.text.remove_suffix(1);
    const bool after_trailing_blanks =
        delimiter_ == ' ' && fields_.size() > 1 && !last.quoted && last.text.empty();
    if (after_trailing_blanks) fields_.pop_back();
    return Scan::kRecord;
  }
}

// From the opening quote at `cursor` to the delimiter or line end behind the closing one.
CsvScanner::Scan CsvScanner::scan_quoted(const char*& cursor) {
  const char* const end = buffer_.data() + end_;
  const char* const start = cursor + 1;
  const char* quote = start;
  while (true) {
    quote = std::find(quote, end, '"');
    if (quote == end) {
      if (!at_end_of_file_) return Scan::kNeedsMore;
      throw DataError(place(fields_.size()) + ": the quote that opens here is never closed");
    }
    if (quote + 1 == end && !at_end_of_file_) return Scan::kNeedsMore;
    if (quote + 1 == end || quote[1] != '"') break;
    quote += 2;
  }
  const char* after = quote + 1;
  while (after < end && is_padding(*after, delimiter_)) ++after;
  if (after + 1 < end && after[0] == '\r' && after[1] == '\n') ++after;
  const bool is_cut = after == end || (after + 1 == end && *after == '\r');
  if (is_cut && !at_end_of_file_) return Scan::kNeedsMore;
  if (is_cut) after = end;
  const bool is_closed = after == end || *after == '\n' || is_separator(*after, delimiter_) ||
                         (delimiter_ == ' ' && after > quote + 1);
  if (!is_closed) {
    throw DataError(place(fields_.size()) +
                    ": unexpected text after the closing quote (a quote inside quotes is doubled)");
  }
  // Where blanks separate, the padding was the separator.
  if (delimiter_ == ' ' && after > quote + 1 && after < end && *after != '\n') --after;
  fields_.push_back({std::string_view(start, static_cast<std::size_t>(quote - start)), true});
  has_quotes_ = true;
  cursor = after;
  return Scan::kRecord;
}

bool CsvScanner::is_blank_record() const {
  return fields_.size() == 1 && !fields_.front().quoted &&
         trim_blanks(fields_.front().text).empty();
}

// In place: a record that was scanned is not scanned again.
void CsvScanner::undo_doubled_quotes() {
  for (CsvField& field : fields_) {
    if (!field.quoted || field.text.find('"') == std::string_view::npos) continue;
    char* const start = buffer_.data() + (field.text.data() - buffer_.data());
    char* out = start;
    for (std::size_t i = 0; i < field.text.size(); ++i) {
      const char c = start[i];
      *out++ = c;
      if (c == '"') ++i;
    }
    field.text = std::string_view(start, static_cast<std::size_t>(out - start));
  }
}

std::string CsvScanner::place(std::size_t index) const {
  return name() + ":" + std::to_string(line_) + ":" + std::to_string(index + 1);
}

}  // namespace iflow
