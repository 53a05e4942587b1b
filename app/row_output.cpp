#include "row_output.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/npy_writer.h"
#include "data/number_text.h"
#include "data/text_writer.h"

namespace iflow {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;

class CsvOutput final : public RowOutput {
 public:
  explicit CsvOutput(const std::string& path) : writer_(path) {}

  void begin(const std::vector<std::string>& columns, bool has_header) override {
    if (has_header) writer_.header(columns);
  }
  void number(double value) override { writer_.number(value); }
  void text(std::string_view value) override { writer_.text(value); }
  void missing() override { writer_.missing(); }
  void end_row() override { writer_.end_row(); }
  void finish() override { writer_.finish(); }

 private:
  TextWriter writer_;
};

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class JsonLinesOutput final : public RowOutput {
 public:
  explicit JsonLinesOutput(const std::string& path) : file_(path) {}

  void begin(const std::vector<std::string>& columns, bool) override {
    for (const std::string& column : columns) {
      keys_.push_back((keys_.empty() ? "{" : ",") + json_text(column) + ":");
    }
  }
  void number(double value) override {
    begin_field();
    if (!std::isfinite(value)) buffer_ += '"';
    append_number(buffer_, value);
    if (!std::isfinite(value)) buffer_ += '"';
  }
  void text(std::string_view value) override {
    begin_field();
    buffer_ += json_text(value);
  }
  void missing() override {
    begin_field();
    buffer_ += "null";
  }
  void end_row() override {
    column_ = 0;
    buffer_ += "}\n";
    if (buffer_.size() >= kBufferBytes) flush();
  }
  void finish() override {
    flush();
    file_.commit();
  }

 private:
  void begin_field() { buffer_ += keys_.at(column_++); }
  void flush() {
    file_.write(buffer_);
    buffer_.clear();
  }

  AtomicFile file_;
  std::vector<std::string> keys_;  // what stands before the value of every column
  std::size_t column_ = 0;
  std::string buffer_;
};

class NpyOutput final : public RowOutput {
 public:
  NpyOutput(std::string path, std::uint64_t rows) : path_(std::move(path)), rows_(rows) {}

  void begin(const std::vector<std::string>& columns, bool) override {
    writer_.emplace(path_, rows_, columns.size());
  }
  void number(double value) override { buffer_.push_back(value); }
  void text(std::string_view) override { throw std::logic_error(path_ + ": text in a .npy file"); }
  void missing() override { throw std::logic_error(path_ + ": a missing value in a .npy file"); }
  void end_row() override {
    if (buffer_.size() * sizeof(double) >= kBufferBytes) flush();
  }
  void finish() override {
    flush();
    writer_->finish();
  }

 private:
  void flush() {
    writer_->write(buffer_);
    buffer_.clear();
  }

  std::string path_;
  std::uint64_t rows_;
  std::optional<NpyWriter> writer_;
  std::vector<double> buffer_;
};

}  // namespace

std::unique_ptr<RowOutput> open_row_output(const std::string& path, bool json,
                                           std::optional<std::uint64_t> rows) {
  if (!path.ends_with(".npy")) {
    if (json) return std::make_unique<JsonLinesOutput>(path);
    return std::make_unique<CsvOutput>(path);
  }
  if (json) throw UsageError("--json writes JSON Lines: give -o another suffix than .npy");
  if (!rows) {
    throw UsageError(path +
                     ": this command can't write .npy, which begins with the number of "
                     "rows; use .csv");
  }
  return std::make_unique<NpyOutput>(path, *rows);
}

}  // namespace iflow
