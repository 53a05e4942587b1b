// A file of a checkpoint, opened for reading; errors are CheckpointErrors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace iflow {

// A regular file whose size is known before any of it is read. Stays readable when the file is
// removed or replaced.
class StoredFile {
 public:
  // Nothing if there is no such file. Throws CheckpointError, beginning with `path`, if it can't be
  // opened or isn't a regular file.
  static std::optional<StoredFile> open(const std::string& path);

  ~StoredFile();
  StoredFile(StoredFile&& other) noexcept;
  StoredFile(const StoredFile&) = delete;
  StoredFile& operator=(const StoredFile&) = delete;
  StoredFile& operator=(StoredFile&&) = delete;

  std::uint64_t size() const { return size_; }

  // All size() bytes. Throws CheckpointError if they can't be read.
  std::vector<std::byte> read() const;

 private:
  StoredFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::string path_;
  int descriptor_;
  std::uint64_t size_ = 0;
};

}  // namespace iflow
