// SPDX-License-Identifier: MIT
// Bars and maps in one-column glyphs, in Unicode blocks or plain ASCII.
//
// A bar grows to the right in steps of an eighth of a column. A map shows address space: one glyph
// for each cell, its height the used share, with a sign of its own for what is free, returned to
// the OS, reserved, or metadata. Cells are merged until the map is small enough to be looked at.
// Threads: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ashlar/observe/snapshot.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

/// The signs that a report is drawn with.
struct glyph_set {
  std::span<const char* const> bar_steps;    // parts of a full column, ascending; last is full
  std::span<const char* const> map_heights;  // shares of a used cell, ascending; last is full
  const char* bar_rest;                      // the part of a bar that is not reached
  const char* free;
  const char* returned;
  const char* reserved;
  const char* metadata;
  const char* rule;       // of the title
  const char* separator;  // between numbers of a sum
  const char* dot;        // between remarks
  const char* about;      // marks an estimate
  const char* nothing;    // where a number has no meaning
  const char* more;       // things left out
  const char* caller;     // before the caller of a function
  const char* plus_minus;
};

const glyph_set& unicode_glyphs();
const glyph_set& ascii_glyphs();

/// Draws `share` (0..1, clamped) as a bar, `width` columns with the rest. A share above zero shows
/// at least the smallest step, and only a full share fills the bar.
std::string draw_bar(double share, std::size_t width, const glyph_set& glyphs, const char* rest);

/// What one glyph of a map stands for: several cells of the snapshot, in shares of 0..1.
struct merged_cell {
  double used = 0;
  double free = 0;
  double returned = 0;
  double reserved = 0;
  double metadata = 0;
};

/// A map ready to be drawn.
struct merged_map {
  std::vector<merged_cell> cells;
  std::uint64_t cell_bytes = 0;         // address space of one merged cell
  std::uint64_t trailing_reserved = 0;  // bytes at the end, never used, that are not drawn
};

/// Merges the cells of `record` so that `limit` cells at most are left, and leaves out the reserved
/// space at the end, which says nothing.
merged_map merge_cells(const observe::snapshot& record, std::size_t limit);

struct cell_glyph {
  const char* utf8;
  style look;
};

/// Returns the sign for a cell: its height if anything in it is live, else what most of it is.
cell_glyph glyph_of(const merged_cell& cell, const glyph_set& glyphs);

}  // namespace ashlar::tool
