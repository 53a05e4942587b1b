#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace iflow {
namespace {

[[noreturn]] void fail(const std::string& name, int error_number) {
  throw Error(name + ": cannot write: " + std::generic_category().message(error_number));
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// Short whatever the target is called, so that it fits wherever the target's name fits.
std::string temporary_name(const std::string& target) {
  static std::atomic<unsigned> count = 0;
  return folder_of(target) + "/.iflow-" + std::to_string(::getpid()) + "-" +
         std::to_string(count++) + ".tmp";
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : name_(path) {
  if (path == "-" || path == "/dev/stdout") {
    name_ = "<stdout>";
    descriptor_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    if (descriptor_ < 0) fail(name_, errno);
    return;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    target_ = path;  // a new file; a missing folder shows when the temporary is opened
    open_temporary();
  } else if (S_ISDIR(status.st_mode)) {
    fail(name_, EISDIR);
  } else if (!S_ISREG(status.st_mode)) {
    open_directly(path);
  } else {
    // Renaming would replace a write-protected file; it should stay.
    if (::access(path.c_str(), W_OK) != 0) fail(name_, errno);
    target_ = std::filesystem::canonical(path).string();
    open_temporary();
    // Best effort: some file systems have no permissions to copy.
    (void)::fchmod(descriptor_, status.st_mode & 07777);
  }
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : name_(std::move(other.name_)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::open_directly(const std::string& path) {
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor_ < 0) fail(name_, errno);
}

void AtomicFile::open_temporary() {
  std::string candidate;
  do {
    candidate = temporary_name(target_);
    descriptor_ = ::open(candidate.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) fail(name_, errno);
  temporary_ = std::move(candidate);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      fail(name_, errno);
    }
  }
}

void AtomicFile::commit() {
  if (target_.empty()) {
    close_checked();
    return;
  }
  if (::fsync(descriptor_) != 0) fail(name_, errno);
  close_checked();
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail(name_, errno);
  temporary_.clear();
  sync_folder();
}

// Some file systems report a full disk only here.
void AtomicFile::close_checked() {
  if (::close(std::exchange(descriptor_, -1)) != 0) fail(name_, errno);
}

// Makes the rename itself survive a power cut. A folder that can't be opened or synced (no read
// permission, a network file system) costs that guarantee, not the file.
void AtomicFile::sync_folder() const {
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  const int error_number = ::fsync(folder) == 0 ? 0 : errno;
  ::close(folder);
  if (error_number != 0 && error_number != EINVAL) fail(name_, error_number);
}

}  // namespace iflow
