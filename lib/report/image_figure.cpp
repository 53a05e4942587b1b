#include "report/image_figure.h"

#include <algorithm>

#include "report/figure_style.h"
#include "report/image_grid.h"

namespace iflow {
namespace {

using figure_style::kFaintInk;
using figure_style::kInk;
using figure_style::kPaper;
using figure_style::kTickSize;
using figure_style::kTitleSize;

constexpr std::size_t kPanelWidth = 440;  // about
constexpr std::size_t kLargestScale = 16;
constexpr int kMargin = 24;
constexpr int kTitleRoom = 46;
constexpr int kCaptionRoom = 44;

// One scale for all panels: that of the widest.
std::size_t scale_of(const std::vector<ImagePanel>& panels) {
  std::size_t widest = 1;
  for (const ImagePanel& p : panels) widest = std::max(widest, p.columns * p.images.shape.width);
  return std::clamp<std::size_t>(kPanelWidth / widest, 1, kLargestScale);
}

Rgb colour_of(const Picture& picture, std::size_t row, std::size_t column) {
  const std::size_t channels = picture.shape.channels;
  const std::uint8_t* pixel =
      picture.pixels.data() + (row * picture.shape.width + column) * channels;
  if (channels == 1) return {*pixel / 255.0, *pixel / 255.0, *pixel / 255.0};
  return {pixel[0] / 255.0, pixel[1] / 255.0, pixel[2] / 255.0};
}

void draw_picture(const Picture& picture, int left, int top, Canvas& canvas) {
  for (std::size_t row = 0; row < picture.shape.height; ++row) {
    for (std::size_t column = 0; column < picture.shape.width; ++column) {
      canvas.set_pixel(left + static_cast<int>(column), top + static_cast<int>(row),
                       colour_of(picture, row, column));
    }
  }
}

}  // namespace

Canvas render_image_figure(const ImageFigure& figure) {
  const std::size_t scale = scale_of(figure.panels);
  std::vector<Picture> grids;
  int width = kMargin, height = 0;
  for (const ImagePanel& panel : figure.panels) {
    grids.push_back(image_grid(panel.images, {.columns = panel.columns, .scale = scale}));
    width += static_cast<int>(grids.back().shape.width) + kMargin;
    height = std::max(height, static_cast<int>(grids.back().shape.height));
  }
  Canvas canvas(width, kTitleRoom + height + kCaptionRoom, kPaper);
  double left = kMargin;
  for (std::size_t i = 0; i < grids.size(); ++i) {
    const auto across = static_cast<double>(grids[i].shape.width);
    canvas.draw_text({left + across / 2, kTitleRoom - 14},
                     shortened(figure.panels[i].title, kTitleSize, across),
                     {.size = kTitleSize, .paint = {kInk}, .align = TextAlign::kCentre});
    draw_picture(grids[i], static_cast<int>(left), kTitleRoom, canvas);
    left += across + kMargin;
  }
  canvas.draw_text({kMargin, static_cast<double>(kTitleRoom + height + 30)},
                   shortened(figure.caption, kTickSize, width - 2 * kMargin),
                   {.size = kTickSize, .paint = {kFaintInk}});
  return canvas;
}

}  // namespace iflow
