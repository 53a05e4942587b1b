// Colours, and the sequential colour map in which every density is drawn.
#pragma once

namespace iflow {

// sRGB-encoded components in [0, 1], as a PNG stores them (there times 255).
struct Rgb {
  double r = 0;
  double g = 0;
  double b = 0;
};

// The colour of t in [0, 1] (values outside are clamped): from near-black blue through purple, red
// and orange to pale yellow.
//
// A helix in OKLab (Björn Ottosson, "A perceptual color space for image processing", 2020):
// lightness L grows linearly with t while (a, b) runs along a circle at constant speed. Equal steps
// of t are therefore equal distances in OKLab, exactly, and because lightness alone orders the
// colours the map reads the same with any colour vision, or printed in grey. The circle is the one
// of greatest mean chroma for which the whole helix lies inside the sRGB gamut.
Rgb colormap(double t);

}  // namespace iflow
