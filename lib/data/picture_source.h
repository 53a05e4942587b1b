// Images from PNG and JPEG files.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data/image_source.h"
#include "data/input_file.h"

namespace iflow {

// Whether a file is called .png, .jpg or .jpeg, in either case.
bool is_named_picture(const std::string& path);

// The pictures of a folder and those below it, by their names, sorted by path; hidden files and
// folders are left out. Throws DataError for a folder without any, or one that can't be read.
class FolderSource final : public ImageSource {
 public:
  explicit FolderSource(const std::string& folder);

  std::uint64_t count() const override { return paths_.size(); }
  bool has_names() const override { return true; }
  std::optional<Picture> next() override;
  std::string place() const override { return folder_ + "/" + paths_[read_ - 1]; }
  std::string name() const override { return paths_[read_ - 1]; }

 private:
  std::string folder_;
  std::vector<std::string> paths_;  // within the folder
  std::size_t read_ = 0;
};

class PictureSource final : public ImageSource {
 public:
  explicit PictureSource(InputFile file);

  std::uint64_t count() const override { return 1; }
  bool has_names() const override { return true; }
  std::optional<Picture> next() override;
  std::string place() const override { return file_.name(); }
  std::string name() const override;

 private:
  InputFile file_;
  bool read_ = false;
};

}  // namespace iflow
