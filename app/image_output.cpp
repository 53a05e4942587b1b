#include "image_output.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/npy_writer.h"
#include "report/image_grid.h"
#include "report/png.h"

namespace iflow {
namespace {

namespace fs = std::filesystem;

// One file of all images: they are kept, as bytes, until there are no more.
class OneFileOutput : public ImageOutput {
 public:
  explicit OneFileOutput(const std::string& path) : file_(path) {}

  void add(const Images& images) override {
    if (all_.count() == 0) all_ = {images.shape, images.bits, {}, {}};
    all_.pixels.insert(all_.pixels.end(), images.pixels.begin(), images.pixels.end());
  }
  void finish() override {
    write(file_, all_);
    file_.commit();
  }

 private:
  virtual void write(AtomicFile& file, const Images& images) const = 0;

  AtomicFile file_;
  Images all_;
};

class NpyFile final : public OneFileOutput {
 public:
  using OneFileOutput::OneFileOutput;

 private:
  void write(AtomicFile& file, const Images& images) const override { write_npy(file, images); }
};

class PngFile final : public OneFileOutput {
 public:
  using OneFileOutput::OneFileOutput;

 private:
  void write(AtomicFile& file, const Images& images) const override {
    file.write(encode_png(images.count() == 1 ? picture_of(images, 0) : image_grid(images)));
  }
};

class Folder final : public ImageOutput {
 public:
  explicit Folder(const std::string& path) : path_(path) { make(path_); }

  void add(const Images& images) override {
    for (std::size_t i = 0; i < images.count(); ++i) {
      const fs::path name = images.names.empty() ? numbered(written_.size() + 1) : images.names[i];
      const fs::path target = (path_ / name).replace_extension(".png");
      if (!written_.insert(target).second) {
        throw DataError(target.string() + ": two images would be called this");
      }
      make(target.parent_path());
      AtomicFile file(target.string());
      file.write(encode_png(picture_of(images, i)));
      file.commit();
    }
  }
  void finish() override {}

 private:
  static std::string numbered(std::size_t number) {
    char text[32];
    std::snprintf(text, sizeof text, "%06zu.png", number);
    return text;
  }
  static void make(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) throw Error(folder.string() + ": cannot write: " + error.message());
  }

  fs::path path_;
  std::set<fs::path> written_;
};

}  // namespace

std::unique_ptr<ImageOutput> open_image_output(const std::string& path) {
  if (path == "-") {
    if (isatty(STDOUT_FILENO) == 0) return std::make_unique<NpyFile>(path);
    throw UsageError("-o: images go to a .png, a .npy or a folder/, not to a terminal");
  }
  if (path.ends_with('/') || fs::is_directory(path)) return std::make_unique<Folder>(path);
  if (path.ends_with(".npy")) return std::make_unique<NpyFile>(path);
  if (path.ends_with(".png") || path.ends_with(".PNG")) return std::make_unique<PngFile>(path);
  throw UsageError("-o: " + path + ": images go to a .png, a .npy or a folder/");
}

}  // namespace iflow
