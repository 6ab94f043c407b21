// SPDX-License-Identifier: MIT
// What containers took from arenas, pools and heaps of the program's own.
#include <fmt/format.h>

#include <algorithm>

#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {

namespace {

constexpr std::size_t longest_name = 20;

std::string manager_of(const inner_row& row, const glyph_set& glyphs) {
  return shorten(row.name.empty() ? row.kind : fmt::format("{} \"{}\"", row.kind, row.name),
                 longest_name, glyphs.more);
}

line title_of(const tracking& all, const report_format& format) {
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;
  for (const inner_row& row : all.inside) {
    bytes += row.site.sums.live_bytes;
    blocks += row.site.sums.live_blocks;
  }
  return line("INSIDE MANAGERS", style::heading)
      .add(fmt::format("   {} in {} blocks of containers", format_size(bytes, format.units),
                       group_digits(blocks)));
}

}  // namespace

lines inside_section(const tracking& all, const report_format& format) {
  const std::size_t count = std::min(all.inside.size(), format.top);
  if (count == 0) return {};
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < count; ++i) most = std::max(most, all.inside[i].site.sums.born_bytes);
  const scale unit = pick_scale(most, format.units);
  column manager{.name = "manager", .left_aligned = true};
  column live{.name = std::string("live ") + unit.name, .look = style::live};
  column blocks{.name = "blocks"};
  column bytes{.name = std::string("ever ") + unit.name};
  std::vector<const site_group*> picked;
  for (std::size_t i = 0; i < count; ++i) {
    const inner_row& row = all.inside[i];
    manager.cells.push_back(manager_of(row, format.glyphs()));
    live.cells.push_back(format_scaled(row.site.sums.live_bytes, unit));
    blocks.cells.push_back(group_digits(row.site.sums.live_blocks));
    bytes.cells.push_back(format_scaled(row.site.sums.born_bytes, unit));
    picked.push_back(&row.site);
  }
  lines out{title_of(all, format)};
  append(out, site_rows({manager, live, blocks, bytes}, picked, all, format));
  return out;
}

}  // namespace ashlar::tool
