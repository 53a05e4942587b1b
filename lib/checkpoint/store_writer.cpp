#include "checkpoint/store_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "checkpoint/store_layout.h"
#include "checkpoint/store_reader.h"
#include "checkpoint/stored_file.h"

namespace iflow {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Encoded blobs by file name.
using BlobFiles = std::map<std::string, std::vector<std::byte>>;

[[noreturn]] void fail(const std::string& path, const std::string& what, int error_number) {
  throw Error(path + ": " + what + ": " + std::generic_category().message(error_number));
}

std::string inside(const std::string& folder, std::string_view name) {
  return folder + "/" + std::string(name);
}

// What AtomicFile calls a file that has not been committed.
bool is_temporary(std::string_view name) {
  return name.starts_with(".iflow-") && name.ends_with(".tmp");
}

bool is_ours(std::string_view name) {
  return name == kModelFile || name == kLogFile || name == kLockFile || is_blob_file(name) ||
         is_temporary(name);
}

// Lets a new entry of `folder` survive a power cut; best effort, as the folder may not be readable.
void sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  (void)::fsync(descriptor);
  ::close(descriptor);
}

// Returns whether there was none.
bool make_folder(const std::string& folder) {
  const bool made = ::mkdir(folder.c_str(), 0777) == 0;
  if (made) {
    sync_folder(inside(folder, ".."));
  } else if (errno != EEXIST) {
    fail(folder, "cannot make the checkpoint directory", errno);
  }
  std::error_code error;
  if (!fs::is_directory(folder, error)) throw Error(folder + ": a file is in the way");
  return made;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) fail(folder, "cannot list", error.value());
  return names;
}

// A mistyped name must not fill somebody's folder with checkpoint files.
void check_folder_is_ours(const std::string& folder) {
  const std::vector<std::string> names = names_in(folder);
  if (std::ranges::find(names, kModelFile) != names.end()) return;
  if (std::ranges::all_of(names, is_ours)) return;
  throw UsageError(folder + ": holds other files and no checkpoint; choose a new name");
}

void check_finite(const json& model, const std::string& path) {
  const json values = model.flatten();  // by JSON pointer
  for (const auto& item : values.items()) {
    if (item.value().is_number_float() && !std::isfinite(item.value().get<double>())) {
      throw NumericError(path + ": " + item.key() + " is not a finite number");
    }
  }
}

// Sorted keys, and numbers in the shortest form that reads back as the same number.
std::string model_text(const json& model, const std::string& path) {
  check_finite(model, path);
  std::string text;
  try {
    text = model.dump(1) + "\n";
  } catch (const json::exception&) {
    throw Error(path + ": cannot write: a name or text is not valid UTF-8");
  }
  if (text.size() > kMaxModelBytes) throw Error(path + ": cannot write: too large");
  return text;
}

// The blobs as files, entered into the model's table.
BlobFiles encode_blobs(const std::map<std::string, Tensors>& blobs, json& model) {
  BlobFiles files;
  json& table = model["blobs"] = json::object();
  for (const auto& [kind, tensors] : blobs) {
    std::vector<std::byte> bytes = encode_safetensors(tensors);
    const std::string checksum = hash_hex(bytes);
    const std::string name = blob_file(kind, checksum);
    if (!is_blob_file(name)) throw std::invalid_argument("no kind of blob: \"" + kind + "\"");
    table[kind] = {{"name", name}, {"size", bytes.size()}, {"checksum", checksum}};
    files.emplace(name, std::move(bytes));
  }
  return files;
}

// The name alone doesn't prove the content: the file may have been damaged since.
bool holds(const std::string& path, const std::vector<std::byte>& bytes) {
  try {
    const std::optional<StoredFile> file = StoredFile::open(path);
    return file && file->size() == bytes.size() && file->read() == bytes;
  } catch (const CheckpointError&) {
    return false;
  }
}

void write_file(const std::string& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

// Leftovers do no harm, so what can't be removed stays.
void remove_leftovers(const std::string& folder, const std::set<std::string>& named) {
  for (const std::string& name : names_in(folder)) {
    const bool unnamed_blob = is_blob_file(name) && !named.contains(name);
    std::error_code ignored;
    if (unnamed_blob || is_temporary(name)) fs::remove(inside(folder, name), ignored);
  }
}

// Those of a writer that was killed, perhaps between its commit and its own removal of leftovers.
// What a damaged model.json names can't be known, so that then everything stays.
void remove_leftovers_of_a_kill(const std::string& folder) {
  if (!checkpoint_exists(folder)) return;
  try {
    remove_leftovers(folder, blobs_of_checkpoint(folder));
  } catch (const CheckpointError&) {
  }
}

}  // namespace

CheckpointWriter::CheckpointWriter(const std::string& directory)
    : folder_(checkpoint_folder(directory)), made_(make_folder(folder_)) {
  check_folder_is_ours(folder_);
  lock();
  remove_leftovers_of_a_kill(folder_);
}

CheckpointWriter::~CheckpointWriter() {
  if (made_ && !committed_) {
    std::error_code ignored;
    for (const std::string_view name : {kLogFile, kLockFile}) {
      fs::remove(inside(folder_, name), ignored);
    }
    fs::remove(folder_, ignored);  // only if that was all
  }
  if (lock_ >= 0) ::close(lock_);
}

void CheckpointWriter::lock() {
  const std::string path = inside(folder_, kLockFile);
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) fail(path, "cannot lock", errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return;
  const int error_number = errno;
  ::close(std::exchange(lock_, -1));
  if (error_number == EWOULDBLOCK) {
    throw Error(folder_ + ": in use: another iflow is writing this checkpoint");
  }
  fail(path, "cannot lock", error_number);
}

void CheckpointWriter::commit(json model, const std::map<std::string, Tensors>& blobs) {
  const std::string model_path = inside(folder_, kModelFile);
  model["format_version"] = kCheckpointFormat;
  const BlobFiles files = encode_blobs(blobs, model);
  const std::string text = model_text(model, model_path);

  std::set<std::string> named;
  for (const auto& [name, bytes] : files) {
    named.insert(name);
    const std::string path = inside(folder_, name);
    if (!holds(path, bytes)) write_file(path, bytes);
  }
  write_file(model_path, std::as_bytes(std::span(text)));
  committed_ = true;
  remove_leftovers(folder_, named);
}

void CheckpointWriter::clear_log() {
  const std::string path = inside(folder_, kLogFile);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail(path, "cannot remove", errno);
}

void CheckpointWriter::append_log(std::string_view line) {
  const std::string path = inside(folder_, kLogFile);
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(path, "cannot write", errno);
  const std::string text = std::string(line) + "\n";
  // In one piece, so that a kill leaves no half line.
  const ssize_t written = ::write(descriptor, text.data(), text.size());
  const int error_number = written < 0 ? errno : ENOSPC;
  ::close(descriptor);
  if (written != static_cast<ssize_t>(text.size())) fail(path, "cannot write", error_number);
}

}  // namespace iflow
