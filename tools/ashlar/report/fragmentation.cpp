// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "tools/ashlar/report/text_report.hpp"

namespace ashlar::tool {

namespace {

using observe::snapshot;

/// More rows show no more than a reader takes in at a glance.
constexpr std::size_t map_rows = 4;

line dot(const report_format& format) {
  return line(fmt::format(" {} ", format.glyphs().dot), style::dim);
}

/// Address space and memory differ by orders of magnitude, so each size has its own unit.
lines header(const snapshot& record, const report_format& format) {
  const auto item = [&](const char* name, std::uint64_t bytes) {
    return line(fmt::format("{} {}", name, format_size(bytes, format.units)));
  };
  const lines items{item("reserved", record.reserved), item("committed", record.committed),
                    item("returned", record.returned)};
  return flow(line("FRAGMENTATION   ", style::heading), items, dot(format), format.width);
}

lines map_rows_of(const merged_map& map, std::size_t columns, const glyph_set& glyphs) {
  lines out;
  for (std::size_t i = 0; i < map.cells.size(); ++i) {
    if (i % columns == 0) out.emplace_back("  ");
    const cell_glyph glyph = glyph_of(map.cells[i], glyphs);
    out.back().add(glyph.utf8, glyph.look);
  }
  return out;
}

/// A cell is a round number of slices, so it has a short name in binary units.
std::string cell_size(std::uint64_t bytes, unit_system units) {
  return units == unit_system::iec ? format_round_size(bytes) : format_size(bytes, units);
}

/// Explains the signs that the map uses, and no others.
lines legend(const merged_map& map, const report_format& format) {
  const glyph_set& glyphs = format.glyphs();
  const auto used = [&](const char* sign) {
    return std::any_of(map.cells.begin(), map.cells.end(), [&](const merged_cell& cell) {
      return glyph_of(cell, glyphs).utf8 == sign;
    });
  };
  std::string heights;
  for (const char* height : glyphs.map_heights) heights += height;

  lines items{line(fmt::format("1 cell = {}", cell_size(map.cell_bytes, format.units))),
              line(heights, style::live).add(" live or cached")};
  if (used(glyphs.free)) items.push_back(line(glyphs.free, style::free).add(" free"));
  if (used(glyphs.returned)) items.push_back(line(glyphs.returned).add(" returned to the OS"));
  if (used(glyphs.reserved)) items.push_back(line(glyphs.reserved).add(" reserved"));
  if (used(glyphs.metadata))
    items.push_back(line(glyphs.metadata, style::metadata).add(" metadata"));
  if (map.trailing_reserved > 0)
    items.emplace_back(fmt::format("then {} reserved, never used",
                                   format_size(map.trailing_reserved, format.units)));
  return flow(line("  "), items, line("  "), format.width);
}

lines free_lines(const snapshot& record, const report_format& format) {
  const scale unit = pick_scale(std::max(record.unused, record.total_free), format.units);
  const auto part = [&](std::uint64_t bytes) { return format_scaled(bytes, unit); };
  const lines items{
      line(fmt::format("total free {} {} in {} ranges", part(record.total_free), unit.name,
                       group_digits(record.free_ranges))),
      line(fmt::format("unused incl. slack {} {}", part(record.unused), unit.name)),
      line(fmt::format("largest free block {}", format_size(record.largest_free, format.units)))};
  return flow(line("  "), items, dot(format), format.width);
}

lines fit_lines(const snapshot& record, const report_format& format) {
  const auto total = static_cast<double>(record.total_free);
  if (record.total_free == 0) return {};
  lines items;
  for (std::size_t i = 0; i < observe::snapshot_fit_sizes; ++i)
    items.emplace_back(fmt::format("{} {}", format_round_size(observe::snapshot_fit_bytes[i]),
                                   format_percent(static_cast<double>(record.fits[i]), total)));
  const line separator(fmt::format(" {} ", format.glyphs().separator), style::dim);
  lines out = flow(line("  would fit  "), items, separator, format.width);
  const line of_what("  of the free bytes");
  if (out.back().width() + of_what.width() <= format.width) out.back().add(of_what);
  return out;
}

}  // namespace

lines fragmentation_section(const snapshot& record, const report_format& format) {
  const std::size_t columns = format.width - 2;
  const merged_map map = merge_cells(record, columns * map_rows);
  lines out = header(record, format);
  if (!map.cells.empty()) {
    append(out, map_rows_of(map, columns, format.glyphs()));
    append(out, legend(map, format));
  }
  append(out, free_lines(record, format));
  append(out, fit_lines(record, format));
  return out;
}

}  // namespace ashlar::tool
