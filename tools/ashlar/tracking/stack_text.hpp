// SPDX-License-Identifier: MIT
// Functions, places and stacks as text that fits a width.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "tools/ashlar/report/report.hpp"

namespace ashlar::tool {

/// Returns "file.cpp:12" with the path as it is seen from the working directory, else
/// "in libfoo.so", else an address.
std::string place_of(const frame& each);

/// Returns `text`, or `more` and its end if it is wider than `width`.
std::string shorten_left(std::string_view text, std::size_t width, std::string_view more);

/// The function and its place, in `width` columns at most.
line frame_line(const frame& each, std::size_t width, const glyph_set& glyphs);

/// The frame that a reader looks for, and up to `callers` of those that led there, each on a line
/// of at most `width` columns. With `whole` nothing is left out.
struct stack_view {
  std::size_t width = 80;
  std::size_t callers = 2;
  bool whole = false;
};
lines stack_lines(const shown_stack& where, const stack_view& view, const glyph_set& glyphs);

}  // namespace ashlar::tool
