#include "report/image_figure.h"

#include <algorithm>
#include <utility>

#include "report/figure_style.h"
#include "report/image_grid.h"

namespace iflow {
namespace {

using figure_style::kFaintInk;
using figure_style::kInk;
using figure_style::kNameSize;
using figure_style::kPaper;
using figure_style::kTickSize;
using figure_style::kTitleSize;

constexpr std::size_t kPanelWidth = 440;  // about
constexpr std::size_t kLargestScale = 16;
// Pixels.
constexpr int kMargin = 24;
constexpr int kTitleRoom = 46;
constexpr int kLabelRoom = 44;  // where a row has a label
constexpr int kRowGap = 14;     // between rows without titles
constexpr int kNoteRoom = 30;   // below a row that has notes
constexpr int kCaptionRoom = 44;
constexpr int kBaseline = 14;  // of titles and labels above or beside the panels' edge

// One scale for all panels: that of the widest.
std::size_t scale_of(const std::vector<ImageRow>& rows) {
  std::size_t widest = 1;
  for (const ImageRow& row : rows) {
    for (const ImagePanel& p : row.panels) {
      widest = std::max(widest, p.columns * p.images.shape.width);
    }
  }
  return std::clamp<std::size_t>(kPanelWidth / widest, 1, kLargestScale);
}

bool any_title(const ImageRow& row) {
  return std::any_of(row.panels.begin(), row.panels.end(),
                     [](const ImagePanel& p) { return !p.title.empty(); });
}

bool any_note(const ImageRow& row) {
  return std::any_of(row.panels.begin(), row.panels.end(),
                     [](const ImagePanel& p) { return !p.note.empty(); });
}

// A row's panels as pictures, and where it is.
struct PlacedRow {
  std::vector<Picture> grids;
  int top = 0, height = 0;  // of the panels
};

struct Placed {
  std::vector<PlacedRow> rows;
  std::vector<int> lefts;  // of the columns of panels
  int width = 0, bottom = 0;
};

Placed placed(const ImageFigure& figure) {
  const std::size_t scale = scale_of(figure.rows);
  Placed result;
  std::vector<int> widths(figure.rows.front().panels.size(), 0);
  bool has_labels = false;
  for (const ImageRow& row : figure.rows) {
    PlacedRow at;
    for (std::size_t j = 0; j < row.panels.size(); ++j) {
      at.grids.push_back(
          image_grid(row.panels[j].images, {.columns = row.panels[j].columns, .scale = scale}));
      widths[j] = std::max(widths[j], static_cast<int>(at.grids.back().shape.width));
      at.height = std::max(at.height, static_cast<int>(at.grids.back().shape.height));
    }
    at.top = result.bottom + (any_title(row) ? kTitleRoom : kRowGap);
    result.bottom = at.top + at.height + (any_note(row) ? kNoteRoom : 0);
    result.rows.push_back(std::move(at));
    has_labels = has_labels || !row.label.empty();
  }
  result.width = kMargin + (has_labels ? kLabelRoom : 0);
  for (const int width : widths) {
    result.lefts.push_back(result.width);
    result.width += width + kMargin;
  }
  return result;
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

void draw_row(const ImageRow& row, const PlacedRow& at, const std::vector<int>& lefts,
              Canvas& canvas) {
  canvas.draw_text(
      {lefts.front() - double{kBaseline}, at.top + at.height / 2.0},
      shortened(row.label, kNameSize, at.height),
      {.size = kNameSize, .paint = {kInk}, .align = TextAlign::kCentre, .upwards = true});
  for (std::size_t j = 0; j < row.panels.size(); ++j) {
    const ImagePanel& panel = row.panels[j];
    const auto across = static_cast<double>(at.grids[j].shape.width);
    const double middle = lefts[j] + across / 2;
    canvas.draw_text({middle, double(at.top - kBaseline)},
                     shortened(panel.title, kTitleSize, across),
                     {.size = kTitleSize, .paint = {kInk}, .align = TextAlign::kCentre});
    draw_picture(at.grids[j], lefts[j], at.top, canvas);
    canvas.draw_text({middle, at.top + at.height + kTickSize},
                     shortened(panel.note, kTickSize, across),
                     {.size = kTickSize, .paint = {kFaintInk}, .align = TextAlign::kCentre});
  }
}

}  // namespace

Canvas render_image_figure(const ImageFigure& figure) {
  const Placed at = placed(figure);
  Canvas canvas(at.width, at.bottom + kCaptionRoom, kPaper);
  for (std::size_t i = 0; i < figure.rows.size(); ++i) {
    draw_row(figure.rows[i], at.rows[i], at.lefts, canvas);
  }
  canvas.draw_text({kMargin, static_cast<double>(at.bottom + 30)},
                   shortened(figure.caption, kTickSize, at.width - 2 * kMargin),
                   {.size = kTickSize, .paint = {kFaintInk}});
  return canvas;
}

}  // namespace iflow
