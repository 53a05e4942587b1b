// Output that is never half-written: a file appears under its name only once it is complete.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace iflow {

// Writes to a temporary file beside `path` and renames it there on commit(). What can't be renamed
// (standard output, devices, pipes) is written directly. Unbuffered: hand it large pieces.
//
// Every member throws Error naming the path and the system's reason.
class AtomicFile {
 public:
  // Opens for writing; "-" is standard output. A symbolic link is followed, and a file that is
  // replaced passes on its permissions.
  explicit AtomicFile(const std::string& path);

  // Discards what was written, unless commit() succeeded.
  ~AtomicFile();

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  AtomicFile& operator=(AtomicFile&&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

  // Flushes to disk and gives the file its name. Nothing may be written after.
  void commit();

  // The name for messages: the path as given, or "<stdout>".
  const std::string& name() const { return name_; }

 private:
  void open_directly(const std::string& path);
  void open_temporary();
  void close_checked();
  void sync_folder() const;

  std::string name_;
  std::string target_;     // where commit() puts the file; empty when written directly
  std::string temporary_;  // what the destructor removes; empty when there is nothing to remove
  int descriptor_ = -1;
};

}  // namespace iflow
