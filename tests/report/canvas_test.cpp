#include "report/canvas.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <numbers>
#include <string>

#include "base/error.h"
#include "report/stroke_font.h"
#include "report/utf8.h"

namespace iflow {
namespace {

constexpr Rgb kBlack = {0, 0, 0};
constexpr Rgb kWhite = {1, 1, 1};

// Pixels' worth of white on black.
double ink(const Canvas& canvas) {
  double sum = 0;
  for (int row = 0; row < canvas.height(); ++row) {
    for (int column = 0; column < canvas.width(); ++column) sum += canvas.pixel(column, row).g;
  }
  return sum;
}

TEST_CASE("sizes out of bounds are refused") {
  CHECK_THROWS_AS(Canvas(0, 5, kBlack), Error);
  CHECK_THROWS_AS(Canvas(5, -1, kBlack), Error);
  CHECK_THROWS_WITH_AS(Canvas(5, 20000, kBlack),
                       "picture height of 20000 pixels is not within 1 to 16384", Error);
}

TEST_CASE("shapes cover their area, wherever they lie between pixels") {
  for (const double shift : {0.0, 0.25, 0.5, 0.8}) {
    CAPTURE(shift);
    Canvas rect(40, 40, kBlack);
    rect.fill_rect({5 + shift, 6 + shift, 15 + shift, 9 + shift}, {kWhite});
    CHECK(ink(rect) == doctest::Approx(30));

    Canvas disc(40, 40, kBlack);
    disc.fill_disc({20 + shift, 20 - shift}, 10, {kWhite});
    CHECK(ink(disc) == doctest::Approx(100 * std::numbers::pi).epsilon(0.01));

    Canvas line(40, 40, kBlack);
    line.stroke_line({10 + shift, 20 + shift}, {30 + shift, 20 + shift}, 4, {kWhite});
    CHECK(ink(line) == doctest::Approx(20 * 4 + 4 * std::numbers::pi).epsilon(0.02));

    Canvas frame(40, 40, kBlack);
    frame.stroke_rect({10 + shift, 10, 30 + shift, 30}, 2, {kWhite});
    CHECK(ink(frame) == doctest::Approx(22 * 22 - 18 * 18));
  }
}

TEST_CASE("alpha mixes, and a stroke that crosses itself is laid on once") {
  Canvas canvas(21, 21, kBlack);
  canvas.stroke({{{0, 10.5}, {21, 10.5}}, {{10.5, 0}, {10.5, 21}}}, 3, {kWhite, 0.5});
  CHECK(canvas.pixel(10, 10).r == doctest::Approx(0.5));
  CHECK(canvas.pixel(3, 10).r == doctest::Approx(0.5));
  CHECK(canvas.pixel(3, 3).r == 0);
}

TEST_CASE("ten thousand faint layers add up") {
  Canvas canvas(3, 3, kBlack);
  for (int i = 0; i < 10000; ++i) canvas.fill_rect({0, 0, 3, 3}, {kWhite, 0.0005});
  CHECK(canvas.pixel(1, 1).r > 0.99);
}

TEST_CASE("nothing is drawn outside the clip rectangle, or the picture") {
  Canvas canvas(20, 20, kBlack);
  {
    const ClipTo inside(canvas, {5, 5, 10, 10});
    canvas.fill_disc({7, 7}, 30, {kWhite});
    canvas.stroke_line({-1e6, 0}, {1e6, 20}, 5, {kWhite});
    canvas.fill_rect({-100, -100, 100, 100}, {kWhite});
    canvas.draw_text({0, 9}, "MMMM", {.size = 20, .paint = {kWhite}});
  }
  CHECK(ink(canvas) == doctest::Approx(25));
  CHECK(canvas.clip().right == 20);
  canvas.fill_disc({-100, 7}, 30, {kWhite});
  canvas.fill_disc({500, 500}, 30, {kWhite});
  canvas.stroke({}, 3, {kWhite});
  canvas.stroke({{}}, 3, {kWhite});
  canvas.draw_text({-500, -500}, "away", {.paint = {kWhite}});
  CHECK(ink(canvas) == doctest::Approx(25));
}

TEST_CASE("every printable ASCII character has a glyph of its own, and ink of its own") {
  const Glyph& box = stroke_font_glyph(kReplacementCharacter);
  CHECK(&stroke_font_glyph(U'温') == &box);
  std::vector<std::vector<unsigned char>> pictures;
  for (char32_t c = 0x21; c < 0x7F; ++c) {
    CAPTURE(static_cast<char>(c));
    CHECK(&stroke_font_glyph(c) != &box);
    Canvas canvas(40, 40, kBlack);
    canvas.draw_text({5, 28}, encode_utf8(std::u32string(1, c)), {.size = 24, .paint = {kWhite}});
    CHECK(ink(canvas) > 5);
    const std::vector<unsigned char> picture = canvas.rgb_bytes();
    CHECK(std::find(pictures.begin(), pictures.end(), picture) == pictures.end());
    pictures.push_back(picture);
  }
}

TEST_CASE("glyphs stay within their advance and the height of a line") {
  for (char32_t c = 0x21; c < 0x7F; ++c) {
    CAPTURE(static_cast<char>(c));
    const Glyph& glyph = stroke_font_glyph(c);
    for (const Polyline& stroke : glyph.strokes) {
      for (const Point& p : stroke) {
        CHECK(p.x > 0);
        CHECK(p.x < glyph.advance);
        CHECK(p.y > -0.25);
        CHECK(p.y < 0.8);
      }
    }
  }
}

struct Extent {
  int left = std::numeric_limits<int>::max(), right = -1;
  int top = std::numeric_limits<int>::max(), bottom = -1;
};

Extent extent_of_text(const std::string& text, const TextStyle& style) {
  Canvas canvas(400, 400, kBlack);
  canvas.draw_text({200, 200}, text, style);
  Extent e;
  for (int row = 0; row < 400; ++row) {
    for (int column = 0; column < 400; ++column) {
      if (canvas.pixel(column, row).r < 0.5) continue;
      e = {std::min(e.left, column), std::max(e.right, column), std::min(e.top, row),
           std::max(e.bottom, row)};
    }
  }
  return e;
}

TEST_CASE("text lies where its alignment says, also upwards") {
  TextStyle style = {.size = 20, .paint = {kWhite}};
  const double width = text_width("HIH", 20);

  const Extent left = extent_of_text("HIH", style);
  CHECK(left.left >= 200);
  CHECK(left.right <= 200 + width);
  CHECK(left.right > 200 + width - 5);
  CHECK(left.bottom <= 201);
  CHECK(left.top >= 200 - 16);

  style.align = TextAlign::kRight;
  const Extent right = extent_of_text("HIH", style);
  CHECK(right.right <= 200);
  CHECK(right.left < 200 - width + 5);

  style.align = TextAlign::kCentre;
  const Extent centre = extent_of_text("HIH", style);
  CHECK(std::abs((centre.left + centre.right + 1) / 2.0 - 200) <= 1);

  style.align = TextAlign::kLeft;
  style.upwards = true;
  const Extent upwards = extent_of_text("HIH", style);
  CHECK(upwards.bottom <= 200);
  CHECK(upwards.top >= 200 - width - 1);
  CHECK(upwards.bottom - upwards.top == left.right - left.left);
  CHECK(upwards.right <= 201);
}

TEST_CASE("long text is shortened to fit, text that fits is left alone") {
  CHECK(shortened("moons", 20, 500) == "moons");
  const std::string cut = shortened("a rather long column name", 20, 120);
  CHECK(cut.starts_with("a rath"));
  CHECK(cut.ends_with("…"));
  CHECK(text_width(cut, 20) <= 120);
  CHECK(shortened("moons", 20, 1) == "…");
}

}  // namespace
}  // namespace iflow
