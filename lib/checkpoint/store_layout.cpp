#include "checkpoint/store_layout.h"

#include <cstddef>

namespace iflow {
namespace {

constexpr std::string_view kBlobSuffix = ".safetensors";
constexpr std::size_t kHashDigits = 32;

}  // namespace

std::string blob_file(std::string_view kind, std::string_view checksum) {
  return std::string(kind) + "-" + std::string(checksum) + std::string(kBlobSuffix);
}

bool is_blob_file(std::string_view name) {
  if (!name.ends_with(kBlobSuffix)) return false;
  name.remove_suffix(kBlobSuffix.size());
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return false;
  const std::string_view hash = name.substr(dash + 1);
  return hash.size() == kHashDigits &&
         hash.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string checkpoint_folder(std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  return directory;
}

}  // namespace iflow
