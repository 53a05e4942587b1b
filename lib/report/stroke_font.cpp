#include "report/stroke_font.h"

#include <cmath>
#include <cstdlib>
#include <map>
#include <numbers>
#include <string_view>

#include "report/utf8.h"

namespace iflow {
namespace {

constexpr double kUnitsPerEm = 20;
constexpr double kSideBearing = 1.75;  // free space left and right of the pen's path

struct GlyphSource {
  char32_t character;
  double width;  // of the pen's path, which begins at x = 0
  // Strokes, separated by ';'. Each is a list of points "x y" and elliptical arcs
  // "(cx cy rx ry first last)", angles in degrees counter-clockwise from the right.
  const char* path;
};

// All lengths in units, kUnitsPerEm to the em: capitals 14 high, lower case 10, descenders to -4.2.
// Digits have one width, so that columns of tick labels line up.
constexpr GlyphSource kGlyphs[] = {
    {U' ', 2.2, ""},
    {U'!', 0, "0 14 0 4.4 ; (0 .2 .3 .3 0 360)"},
    {U'"', 3.2, "0 14 0 9.8 ; 3.2 14 3.2 9.8"},
    {U'#', 9.6, "3.4 14 1.6 0 ; 8 14 6.2 0 ; .6 9.4 9.6 9.4 ; 0 4.6 9 4.6"},
    {U'$', 8, "(4 9.8 3.7 2.9 35 270) (4 3.5 4 3.4 90 -148) ; 4 15.2 4 -1.8"},
    {U'%', 11.6, "(2.4 11.2 2.4 2.8 0 360) ; (9.2 2.8 2.4 2.8 0 360) ; 9.6 14 2 0"},
    {U'&', 10,
     "10 0 2.3 9.2 (4.4 11.1 2.7 2.9 215 -40) 1.7 6.5 (3.9 3.6 3.9 3.6 128 270) (3.9 5.6 5.2 5.6 "
     "270 365)"},
    {U'\'', 0, "0 14 0 9.8"},
    {U'(', 3.2, "(8 6 8 9.4 128 232)"},
    {U')', 3.2, "(-4.8 6 8 9.4 52 -52)"},
    {U'*', 6, "3 14 3 7.4 ; .1 12.3 5.9 9.1 ; 5.9 12.3 .1 9.1"},
    {U'+', 8, "4 10 4 2 ; 0 6 8 6"},
    {U',', 1.2, "1.1 .4 .2 -2.6"},
    {U'-', 5, "0 5.6 5 5.6"},
    {U'.', 0, "(0 .2 .3 .3 0 360)"},
    {U'/', 5.6, "5.6 14.6 0 -1.6"},
    {U'0', 8, "(4 7 4 7 0 360)"},
    {U'1', 8, "1.2 11.2 4.6 14 4.6 0"},
    {U'2', 8, "(4 10.1 3.9 3.9 165 -35) .1 0 8 0"},
    {U'3', 8, "(3.9 10.6 3.5 3.4 152 -90) 2.7 7.2 3.9 7.2 (3.9 3.6 4.1 3.6 90 -152)"},
    {U'4', 8, "6 0 6 14 -.2 4 8.4 4"},
    {U'5', 8, "7.3 14 1.4 14 .8 7.5 (3.9 4.5 4.1 4.5 138 -146)"},
    {U'6', 8, "(4 4.4 4 4.4 180 540) ; (7.6 4.6 7.6 9.4 180 97)"},
    {U'7', 8, "0 14 8 14 2.6 0"},
    {U'8', 8, "(4 10.6 3.4 3.4 -90 270) (4 3.6 4 3.6 90 450)"},
    {U'9', 8, "(4 9.6 4 4.4 0 360) ; (.4 9.4 7.6 9.4 0 -83)"},
    {U':', 0, "(0 .2 .3 .3 0 360) ; (0 9.4 .3 .3 0 360)"},
    {U';', 1.2, "1.1 .4 .2 -2.6 ; (.9 9.4 .3 .3 0 360)"},
    {U'<', 7.6, "7.6 10.2 0 6 7.6 1.8"},
    {U'=', 8, "0 8.2 8 8.2 ; 0 4 8 4"},
    {U'>', 7.6, "0 10.2 7.6 6 0 1.8"},
    {U'?', 7, "(3.5 10.6 3.5 3.4 165 -45) 3.6 5.9 3.5 4.4 ; (3.5 .2 .3 .3 0 360)"},
    {U'@', 13,
     "(6.2 5.4 2.9 3.2 0 360) ; 9.1 8.8 9.1 4.6 (11.05 4.6 1.95 2.2 180 350) (6.5 5.6 6.5 7 -5 "
     "305)"},
    {U'A', 10.4, "0 0 5.2 14 10.4 0 ; 1.7 4.6 8.7 4.6"},
    {U'B', 8.8,
     "4.6 7.4 0 7.4 0 14 4.4 14 (4.4 10.7 3.4 3.3 90 -90) (4.8 3.7 4 3.7 90 -90) 0 0 0 7.4"},
    {U'C', 11, "(6.3 7 6.3 7 46 314)"},
    {U'D', 9.8, "0 0 0 14 3.4 14 (3.4 7 6.4 7 90 -90) 0 0"},
    {U'E', 7.8, "7.8 14 0 14 0 0 7.8 0 ; 0 7.3 7 7.3"},
    {U'F', 7.4, "7.4 14 0 14 0 0 ; 0 7 6.6 7"},
    {U'G', 11.6, "(6.3 7 6.3 7 46 333) 11.8 6.6 7.4 6.6"},
    {U'H', 9.4, "0 0 0 14 ; 9.4 0 9.4 14 ; 0 7.2 9.4 7.2"},
    {U'I', 0, "0 0 0 14"},
    {U'J', 5.4, "5.4 14 5.4 4 (2.6 4 2.8 4 0 -160)"},
    {U'K', 9, "0 0 0 14 ; 8.6 14 0 5.6 ; 3 8.5 9 0"},
    {U'L', 7.2, "0 14 0 0 7.2 0"},
    {U'M', 11.4, "0 0 0 14 5.7 4 11.4 14 11.4 0"},
    {U'N', 9.6, "0 0 0 14 9.6 0 9.6 14"},
    {U'O', 13, "(6.5 7 6.5 7 0 360)"},
    {U'P', 8.4, "0 0 0 14 4.6 14 (4.6 10.3 3.8 3.7 90 -90) 0 6.6"},
    {U'Q', 13, "(6.5 7 6.5 7 0 360) ; 8 4 12.6 -.8"},
    {U'R', 8.8, "0 0 0 14 4.6 14 (4.6 10.3 3.8 3.7 90 -90) 0 6.6 ; 4.6 6.6 8.8 0"},
    {U'S', 8.6, "(4.3 10.6 3.9 3.4 38 255) 5.5 6.9 (4.3 3.6 4.3 3.6 65 -150)"},
    {U'T', 10, "0 14 10 14 ; 5 14 5 0"},
    {U'U', 9.2, "0 14 0 4.6 (4.6 4.6 4.6 4.6 180 360) 9.2 14"},
    {U'V', 10, "0 14 5 0 10 14"},
    {U'W', 15, "0 14 3.8 0 7.5 13 11.2 0 15 14"},
    {U'X', 9.2, "0 14 9.2 0 ; 9.2 14 0 0"},
    {U'Y', 9.6, "0 14 4.8 7 9.6 14 ; 4.8 7 4.8 0"},
    {U'Z', 8.8, "0 14 8.8 14 0 0 8.8 0"},
    {U'[', 2.6, "2.6 15 0 15 0 -2.6 2.6 -2.6"},
    {U'\\', 5.6, "0 14.6 5.6 -1.6"},
    {U']', 2.6, "0 15 2.6 15 2.6 -2.6 0 -2.6"},
    {U'^', 6.6, "0 9 3.3 14 6.6 9"},
    {U'_', 8.4, "-.6 -2 9 -2"},
    {U'`', 2.2, "0 14 2.2 11.6"},
    {U'a', 7.2,
     "(3.6 6.6 3.6 3.4 155 0) 7.2 0 ; 7.2 5.9 3.2 5.9 (3.2 2.95 3.2 2.95 90 270) (3.2 3.4 4 3.4 "
     "-90 0)"},
    {U'b', 8, "0 14 0 0 ; (4 5 4 5 0 360)"},
    {U'c', 7.3, "(4.2 5 4.2 5 46 314)"},
    {U'd', 8, "8 14 8 0 ; (4 5 4 5 0 360)"},
    {U'e', 8.4, "0 5.1 8.4 5.1 (4.2 5 4.2 5 0 316)"},
    {U'f', 5, "0 9.8 4.8 9.8 ; (5 11 3 3 75 180) 2 0"},
    {U'g', 8, "(4 5 4 5 0 360) ; 8 10 8 -.5 (4 -.5 4 3.7 0 -152)"},
    {U'h', 7.4, "0 14 0 0 ; (3.7 6.3 3.7 3.7 180 0) 7.4 0"},
    {U'i', 0, "0 10 0 0 ; (0 13.6 .3 .3 0 360)"},
    {U'j', 1.6, "1.6 10 1.6 -1.3 (-1 -1.3 2.6 2.9 0 -75) ; (1.6 13.6 .3 .3 0 360)"},
    {U'k', 7, "0 14 0 0 ; 6.6 10 0 4.1 ; 2.5 6.3 7 0"},
    {U'l', 2, "0 14 0 2 (2 2 2 2 180 276)"},
    {U'm', 12, "0 10 0 0 ; (3 6.9 3 3.1 180 0) 6 0 ; (9 6.9 3 3.1 180 0) 12 0"},
    {U'n', 7.4, "0 10 0 0 ; (3.7 6.3 3.7 3.7 180 0) 7.4 0"},
    {U'o', 8.6, "(4.3 5 4.3 5 0 360)"},
    {U'p', 8, "0 10 0 -4.2 ; (4 5 4 5 0 360)"},
    {U'q', 8, "8 10 8 -4.2 ; (4 5 4 5 0 360)"},
    {U'r', 4.4, "0 10 0 0 ; (4 6 4 4 180 82)"},
    {U's', 6.8, "(3.4 7.5 3.1 2.5 38 255) 4.3 4.95 (3.4 2.55 3.4 2.55 65 -150)"},
    {U't', 4.8, "2 13.2 2 3 (4.6 3 2.6 3 180 280) ; 0 9.8 4.8 9.8"},
    {U'u', 7.4, "0 10 0 3.7 (3.7 3.7 3.7 3.7 180 360) ; 7.4 10 7.4 0"},
    {U'v', 7.8, "0 10 3.9 0 7.8 10"},
    {U'w', 12, "0 10 3.1 0 6 9.4 8.9 0 12 10"},
    {U'x', 7.2, "0 10 7.2 0 ; 7.2 10 0 0"},
    {U'y', 8, "0 10 4 0 ; 8 10 2.3 -4.2"},
    {U'z', 7.2, "0 10 7 10 0 0 7.2 0"},
    {U'{', 3.6,
     "3.6 15 (3.4 13.2 1.8 1.8 90 180) 1.6 8 (0 8 1.6 1.8 0 -90) (0 4.4 1.6 1.8 90 0) 1.6 -.8 (3.4 "
     "-.8 1.8 1.8 180 270) 3.6 -2.6"},
    {U'|', 0, "0 15 0 -2.6"},
    {U'}', 3.6,
     "0 15 (.2 13.2 1.8 1.8 90 0) 2 8 (3.6 8 1.6 1.8 180 270) (3.6 4.4 1.6 1.8 90 180) 2 -.8 (.2 "
     "-.8 1.8 1.8 0 -90) 0 -2.6"},
    {U'~', 8, "(2.1 5.2 2.1 1.6 170 30) 4.2 5.6 (6 6.4 2.1 1.6 210 350)"},
    {U'±', 8, "4 11.4 4 4.4 ; .2 7.9 7.8 7.9 ; .2 1 7.8 1"},
    {U'·', 0, "(0 6 .3 .3 0 360)"},
    {U'×', 6.4, "0 9.2 6.4 2.8 ; 0 2.8 6.4 9.2"},
    {U'–', 8, "0 5.6 8 5.6"},
    {U'−', 8, "0 6 8 6"},
    {U'…', 9, "(0 .2 .3 .3 0 360) ; (4.5 .2 .3 .3 0 360) ; (9 .2 .3 .3 0 360)"},
    {kReplacementCharacter, 7, "0 0 0 14 7 14 7 0 0 0"},
};

// Reads the paths of kGlyphs.
class PathReader {
 public:
  explicit PathReader(const char* path) : rest_(path) {}

  std::vector<Polyline> read() {
    std::vector<Polyline> strokes;
    for (skip_spaces(); *rest_ != '\0'; skip_spaces()) {
      if (strokes.empty()) strokes.emplace_back();
      if (*rest_ == ';') {
        ++rest_;
        strokes.emplace_back();
      } else if (*rest_ == '(') {
        ++rest_;
        append_arc(strokes.back());
      } else {
        const double x = number();
        const double y = number();
        strokes.back().push_back(in_em(x, y));
      }
    }
    return strokes;
  }

 private:
  static Point in_em(double x, double y) {
    return {(x + kSideBearing) / kUnitsPerEm, y / kUnitsPerEm};
  }

  void skip_spaces() {
    while (*rest_ == ' ') ++rest_;
  }

  double number() {
    char* end = nullptr;
    const double value = std::strtod(rest_, &end);
    rest_ = end;
    return value;
  }

  void append_arc(Polyline& line) {
    const double cx = number(), cy = number();
    const double rx = number(), ry = number();
    const double first = number(), last = number();
    ++rest_;  // the closing parenthesis
    constexpr double kDegreesPerSegment = 6;
    const int segments = static_cast<int>(std::ceil(std::abs(last - first) / kDegreesPerSegment));
    for (int i = 0; i <= segments; ++i) {
      const double angle = (first + (last - first) * i / segments) * std::numbers::pi / 180;
      line.push_back(in_em(cx + rx * std::cos(angle), cy + ry * std::sin(angle)));
    }
  }

  const char* rest_;
};

std::map<char32_t, Glyph> read_glyphs() {
  std::map<char32_t, Glyph> glyphs;
  for (const GlyphSource& source : kGlyphs) {
    glyphs[source.character] = {(source.width + 2 * kSideBearing) / kUnitsPerEm,
                                PathReader(source.path).read()};
  }
  return glyphs;
}

}  // namespace

const Glyph& stroke_font_glyph(char32_t c) {
  static const std::map<char32_t, Glyph> glyphs = read_glyphs();
  const auto found = glyphs.find(c);
  return found != glyphs.end() ? found->second : glyphs.at(kReplacementCharacter);
}

}  // namespace iflow
