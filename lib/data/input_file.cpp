#include "data/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace iflow {
namespace {

constexpr unsigned kZipBufferBytes = 1u << 17;
constexpr std::size_t kMaxReadBytes = std::size_t{1} << 30;  // zlib counts in int

std::string system_reason(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace

std::string display_name(const std::string& path) { return path == "-" ? "<stdin>" : path; }

InputFile::InputFile(const std::string& path)
    : name_(display_name(path)),
      descriptor_(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                              : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) fail(system_reason(errno));
  struct stat status {};
  if (::fstat(descriptor_, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(descriptor_);
    fail(system_reason(EISDIR));
  }
  zip_ = ::gzdopen(descriptor_, "rb");
  if (zip_ == nullptr) {
    ::close(descriptor_);
    throw std::bad_alloc();
  }
  ::gzbuffer(zip_, kZipBufferBytes);
  // Standard input may already have been read in part by whoever shares it.
  if (path != "-" && S_ISREG(status.st_mode) && ::gzdirect(zip_) == 1) {
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
}

InputFile::InputFile(InputFile&& other) noexcept
    : name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      zip_(std::exchange(other.zip_, nullptr)),
      peeked_(std::move(other.peeked_)),
      size_(other.size_) {}

InputFile::~InputFile() {
  if (zip_ != nullptr) ::gzclose_r(zip_);
}

std::size_t InputFile::read(std::span<char> bytes) {
  if (peeked_.empty()) return read_past_peeked(bytes);
  const std::size_t count = peeked_.copy(bytes.data(), bytes.size());
  peeked_.erase(0, count);
  return count;
}

std::string_view InputFile::peek(std::size_t count) {
  while (peeked_.size() < count) {
    const std::size_t had = peeked_.size();
    peeked_.resize(count);
    const std::size_t got = read_past_peeked(std::span(peeked_).subspan(had));
    peeked_.resize(had + got);
    if (got == 0) break;
  }
  return std::string_view(peeked_).substr(0, count);
}

std::size_t InputFile::read_past_peeked(std::span<char> bytes) {
  const auto wanted = static_cast<unsigned>(std::min(bytes.size(), kMaxReadBytes));
  while (true) {
    errno = 0;
    const int count = ::gzread(zip_, bytes.data(), wanted);
    const int error_number = errno;
    if (count > 0 || wanted == 0) return static_cast<std::size_t>(count);
    int status = Z_OK;
    const std::string_view message = ::gzerror(zip_, &status);
    if (count == 0 && status == Z_OK) return 0;
    if (status == Z_ERRNO && error_number == EINTR) {
      ::gzclearerr(zip_);
      continue;
    }
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    // A file that ends inside a gzip member yields its bytes first and Z_BUF_ERROR at the end.
    if (status == Z_BUF_ERROR) fail("the gzip data is cut short");
    const std::string reason(message.substr(message.find(": ") + 2));  // behind zlib's file name
    fail(status == Z_ERRNO ? reason : "the gzip data is corrupt: " + reason);
  }
}

std::size_t InputFile::read_fully(std::span<char> bytes) {
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const std::size_t count = read(bytes.subspan(filled));
    if (count == 0) break;
    filled += count;
  }
  return filled;
}

void InputFile::read_at(std::uint64_t offset, std::span<char> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count == 0) fail("the file became shorter while it was read");
    if (count > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    } else if (errno != EINTR) {
      fail(system_reason(errno));
    }
  }
}

void InputFile::fail(const std::string& reason) const {
  throw DataError(name_ + ": cannot read: " + reason);
}

}  // namespace iflow
