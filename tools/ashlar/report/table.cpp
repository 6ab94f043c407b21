// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/table.hpp"

#include <algorithm>
#include <iterator>

namespace ashlar::tool {

namespace {

constexpr const char* gap = "  ";

std::string aligned(const column& each, const std::string& text) {
  const std::size_t width = each.width() - visible_width(gap);
  return gap + (each.left_aligned ? pad_right(text, width) : pad_left(text, width));
}

}  // namespace

std::size_t column::width() const {
  std::size_t widest = visible_width(name);
  for (const std::string& cell : cells) widest = std::max(widest, visible_width(cell));
  return widest + visible_width(gap);
}

std::size_t width_of(const columns& all) {
  std::size_t width = 0;
  for (const column& each : all) width += each.width();
  return width;
}

void fit_columns(columns& all, std::size_t width) {
  while (width_of(all) > width) {
    const auto last =
        std::find_if(all.rbegin(), all.rend(), [](const column& each) { return each.can_go; });
    if (last == all.rend()) return;
    all.erase(std::next(last).base());
  }
}

line header_line(const columns& all) {
  line out;
  for (const column& each : all) out.add(aligned(each, each.name), style::dim);
  return out;
}

line row_line(const columns& all, std::size_t index) {
  line out;
  for (const column& each : all) out.add(aligned(each, each.cells[index]), each.look);
  return out;
}

}  // namespace ashlar::tool
