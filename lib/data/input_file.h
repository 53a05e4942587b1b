// Bytes of a file or of standard input; gzip is undone on the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct gzFile_s;  // zlib's handle

namespace iflow {

// The path as messages name it: "<stdin>" for "-".
std::string display_name(const std::string& path);

// Read from the start, any size, in constant memory. What can't be read throws DataError naming the
// file and the reason.
class InputFile {
 public:
  // "-" is standard input. Gzip is recognised by its first two bytes, whatever the name.
  explicit InputFile(const std::string& path);
  ~InputFile();

  InputFile(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  InputFile& operator=(InputFile&&) = delete;

  // Reads the next bytes: at least one, at most bytes.size(); 0 at the end of the file.
  std::size_t read(std::span<char> bytes);

  // Reads until `bytes` is full or the file ends; returns how many were read.
  std::size_t read_fully(std::span<char> bytes);

  // The next bytes without moving past them: `count`, or fewer where the file ends. Valid until the
  // next call.
  std::string_view peek(std::size_t count);

  // The size in bytes, where known from the start: an ordinary file that is not compressed. Only
  // such a file has read_at().
  std::optional<std::uint64_t> size() const { return size_; }

  // Fills `bytes` from `offset`, without moving the position of read(). A file that ends before is
  // an error.
  void read_at(std::uint64_t offset, std::span<char> bytes) const;

  // The name for messages: the path as given, or "<stdin>".
  const std::string& name() const { return name_; }

 private:
  std::size_t read_past_peeked(std::span<char> bytes);
  [[noreturn]] void fail(const std::string& reason) const;

  std::string name_;
  int descriptor_ = -1;  // owned by zip_
  gzFile_s* zip_ = nullptr;
  std::string peeked_;
  std::optional<std::uint64_t> size_;
};

}  // namespace iflow
