#include "checkpoint/store_layout.h"

#include <cstddef>

namespace iflow {
namespace {

constexpr std::string_view kBlobSuffix = ".safetensors";
constexpr std::size_t kHashDigits = 32;

bool consists_of(std::string_view text, std::string_view letters) {
  return text.find_first_not_of(letters) == std::string_view::npos;
}

}  // namespace

std::string blob_file(std::string_view kind, std::string_view checksum) {
  return std::string(kind) + "-" + std::string(checksum) + std::string(kBlobSuffix);
}

bool is_blob_file(std::string_view name) {
  if (!name.ends_with(kBlobSuffix)) return false;
  name.remove_suffix(kBlobSuffix.size());
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos) return false;
  const std::string_view kind = name.substr(0, dash);
  const std::string_view hash = name.substr(dash + 1);
  return !kind.empty() && consists_of(kind, "abcdefghijklmnopqrstuvwxyz") &&
         hash.size() == kHashDigits && consists_of(hash, "0123456789abcdef");
}

std::string checkpoint_folder(std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  return directory;
}

}  // namespace iflow
