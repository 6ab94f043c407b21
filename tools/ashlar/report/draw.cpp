// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/draw.hpp"

#include <algorithm>
#include <cmath>

namespace ashlar::tool {

namespace {

constexpr const char* unicode_bar_steps[] = {"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
constexpr const char* unicode_heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr const char* ascii_bar_steps[] = {"#"};
constexpr const char* ascii_heights[] = {"-", "+", "#"};

constexpr glyph_set unicode_set{unicode_bar_steps,
                                unicode_heights,
                                "░",
                                "·",
                                "░",
                                "▒",
                                "≡",
                                "─",
                                "│",
                                "·",
                                "≈",
                                "–",
                                "…",
                                "←",
                                "±"};
constexpr glyph_set ascii_set{
    ascii_bar_steps, ascii_heights, ".", ".", "~", "_", "m", "-", "|", "*", "~", "-",
    "...",           "<-",          "+-"};

double share_of(std::uint8_t share) { return share / 255.0; }

/// Adds one cell of the snapshot, which is `weight` of the merged cell. What a used cell holds
/// besides its shares is rounding and slab headers, and counts as nothing.
void add_cell(merged_cell& merged, const observe::cell& cell, double weight) {
  switch (cell.kind) {
    case observe::cell_kind::none: return;
    case observe::cell_kind::free: merged.free += weight; return;
    case observe::cell_kind::returned: merged.returned += weight; return;
    case observe::cell_kind::reserved: merged.reserved += weight; return;
    case observe::cell_kind::metadata: merged.metadata += weight; return;
    case observe::cell_kind::used: break;
  }
  merged.used += weight * share_of(cell.used_share);
  merged.free += weight * share_of(cell.free_share);
  merged.returned += weight * share_of(cell.returned_share);
}

std::size_t drawn_cells(const observe::snapshot& record) {
  std::size_t count = record.cell_count;
  const auto says_nothing = [](const observe::cell& cell) {
    return cell.kind == observe::cell_kind::reserved || cell.kind == observe::cell_kind::none;
  };
  while (count > 0 && says_nothing(record.cells[count - 1])) --count;
  return count;
}

}  // namespace

const glyph_set& unicode_glyphs() { return unicode_set; }
const glyph_set& ascii_glyphs() { return ascii_set; }

std::string draw_bar(double share, std::size_t width, const glyph_set& glyphs, const char* rest) {
  const std::size_t steps = glyphs.bar_steps.size();
  const std::size_t all = width * steps;
  auto filled =
      static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(all)));
  if (share > 0) filled = std::max<std::size_t>(filled, 1);
  if (share < 1) filled = std::min(filled, all == 0 ? 0 : all - 1);

  std::string bar;
  std::size_t column = 0;
  for (; column < filled / steps; ++column) bar += glyphs.bar_steps[steps - 1];
  if (filled % steps != 0) {
    bar += glyphs.bar_steps[filled % steps - 1];
    ++column;
  }
  for (; column < width; ++column) bar += rest;
  return bar;
}

merged_map merge_cells(const observe::snapshot& record, std::size_t limit) {
  merged_map map;
  const std::size_t count = drawn_cells(record);
  const std::size_t factor = std::max<std::size_t>((count + limit - 1) / limit, 1);
  map.cell_bytes = record.cell_bytes * factor;
  for (std::size_t i = count; i < record.cell_count; ++i)
    if (record.cells[i].kind == observe::cell_kind::reserved)
      map.trailing_reserved += record.cell_bytes;

  map.cells.resize((count + factor - 1) / factor);
  for (std::size_t i = 0; i < count; ++i)
    add_cell(map.cells[i / factor], record.cells[i], 1.0 / static_cast<double>(factor));
  return map;
}

cell_glyph glyph_of(const merged_cell& cell, const glyph_set& glyphs) {
  if (cell.used > 0) {
    const std::size_t heights = glyphs.map_heights.size();
    const auto height =
        static_cast<std::size_t>(std::ceil(cell.used * static_cast<double>(heights) - 1e-9));
    return {glyphs.map_heights[std::clamp<std::size_t>(height, 1, heights) - 1], style::live};
  }
  const double most = std::max({cell.free, cell.returned, cell.reserved, cell.metadata});
  if (most <= 0) return {" ", style::plain};
  if (most == cell.metadata) return {glyphs.metadata, style::metadata};
  if (most == cell.free) return {glyphs.free, style::free};
  if (most == cell.returned) return {glyphs.returned, style::dim};
  return {glyphs.reserved, style::dim};
}

}  // namespace ashlar::tool
