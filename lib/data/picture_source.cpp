#include "data/picture_source.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <utility>

#include "base/error.h"

namespace iflow {
namespace {

namespace fs = std::filesystem;

// The whole file, at most 256 MiB of it.
std::string contents_of(InputFile& file) {
  constexpr std::size_t kStepBytes = std::size_t{1} << 20, kMaxBytes = std::size_t{1} << 28;
  std::string bytes;
  while (true) {
    const std::size_t had = bytes.size();
    bytes.resize(had + kStepBytes);
    bytes.resize(had + file.read_fully(std::span(bytes).subspan(had)));
    if (bytes.size() < had + kStepBytes) return bytes;
    if (bytes.size() > kMaxBytes) {
      throw DataError(file.name() + ": a picture of more than " + std::to_string(kMaxBytes) +
                      " bytes");
    }
  }
}

std::vector<std::string> find_pictures(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->path().filename().string().starts_with('.')) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file() && is_named_picture(entry->path().string())) {
      paths.push_back(entry->path().lexically_relative(folder).string());
    }
  }
  if (error) throw DataError(folder + ": cannot read: " + error.message());
  if (paths.empty()) throw DataError(folder + ": a folder without PNG or JPEG files");
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string without_slash(std::string folder) {
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  return folder;
}

}  // namespace

bool is_named_picture(const std::string& path) {
  std::string suffix = fs::path(path).extension().string();
  for (char& c : suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return suffix == ".png" || suffix == ".jpg" || suffix == ".jpeg";
}

FolderSource::FolderSource(const std::string& folder)
    : folder_(without_slash(folder)), paths_(find_pictures(folder_)) {}

std::optional<Picture> FolderSource::next() {
  if (read_ == paths_.size()) return std::nullopt;
  ++read_;
  InputFile file(place());
  return decode_picture(file.name(), contents_of(file));
}

PictureSource::PictureSource(InputFile file) : file_(std::move(file)) {}

std::optional<Picture> PictureSource::next() {
  if (read_) return std::nullopt;
  read_ = true;
  return decode_picture(file_.name(), contents_of(file_));
}

std::string PictureSource::name() const { return fs::path(file_.name()).filename().string(); }

}  // namespace iflow
