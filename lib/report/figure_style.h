// Colours and text sizes of all figures.
#pragma once

#include "report/colormap.h"

namespace iflow::figure_style {

inline constexpr Rgb kPaper = {1, 1, 1};
inline constexpr Rgb kInk = {0.13, 0.13, 0.16};       // titles, names, frames
inline constexpr Rgb kFaintInk = {0.36, 0.36, 0.41};  // tick labels, captions
inline constexpr Rgb kRule = {0.90, 0.90, 0.92};      // grid lines

// Text sizes in pixels of the em, for pictures that a page shows at about half their size.
inline constexpr double kTitleSize = 27;
inline constexpr double kNameSize = 24;
inline constexpr double kTickSize = 21;

}  // namespace iflow::figure_style
