// Images from one array of bytes: IDX, or .npy of unsigned bytes.
#pragma once

#include <optional>
#include <string>

#include "data/idx_header.h"
#include "data/image_source.h"
#include "data/input_file.h"

namespace iflow {

class PixelArraySource final : public ImageSource {
 public:
  // `file` stands at its beginning, which must be that of IDX or .npy. Throws DataError where the
  // header promises more or fewer bytes than an ordinary file has; of a stream `next` throws it, at
  // the end.
  explicit PixelArraySource(InputFile file);

  std::uint64_t count() const override { return array_.count; }
  bool has_names() const override { return false; }
  std::optional<Picture> next() override;
  std::string place() const override;
  std::string name() const override { return std::to_string(read_); }

 private:
  void check_size() const;
  [[noreturn]] void fail_size(const std::string& found) const;

  InputFile file_;
  PixelArray array_;
  std::uint64_t read_ = 0;
};

}  // namespace iflow
