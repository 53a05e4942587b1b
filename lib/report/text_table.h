// Aligned tables of text for a terminal.
#pragma once

#include <string>
#include <vector>

namespace iflow {

// `header` (empty: none) and `rows` as lines of columns two spaces apart, each line ended by '\n'
// and none by spaces. A column is right-aligned when every cell of it is a number, perhaps with
// something behind it ("2.401", "-3 nats", "2.40 ± 0.01"), or stands for one ("NA", "-", "inf", an
// empty cell), and left-aligned otherwise. Cells are UTF-8; see utf8.h for what becomes of bytes
// that are not.
//
// Throws Error when a row has another number of cells than the header (or the first row).
std::string format_text_table(const std::vector<std::string>& header,
                              const std::vector<std::vector<std::string>>& rows);

}  // namespace iflow
