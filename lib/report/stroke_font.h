// The font of the pictures: glyphs as pen strokes. Text is sharp at any size, and no font has to be
// installed.
#pragma once

#include <vector>

#include "report/canvas.h"

namespace iflow {

// Lengths in em. The strokes' origin is on the baseline with x to the right and y UP (unlike a
// canvas); capitals are 0.7 high, the x-height is 0.5, descenders reach -0.21.
struct Glyph {
  double advance = 0;  // to the origin of the next glyph
  std::vector<Polyline> strokes;
};

// Printable ASCII and a few signs that figures need (see the table in stroke_font.cpp); every other
// code point is an empty box.
const Glyph& stroke_font_glyph(char32_t c);

}  // namespace iflow
