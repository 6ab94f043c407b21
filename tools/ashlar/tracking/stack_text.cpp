// SPDX-License-Identifier: MIT
#include "tools/ashlar/tracking/stack_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "tools/ashlar/capture/function_names.hpp"

namespace ashlar::tool {

namespace {

/// A place is what a reader needs first: the function gives way, but not below this.
constexpr std::size_t least_function = 16;

/// From here on a stack looks whole, and what is missing must be said.
constexpr std::size_t many_callers = 4;

std::string seen_from_here(const std::string& file) {
  std::error_code error;
  const std::string here = std::filesystem::current_path(error).string() + "/";
  return !error && here.size() > 1 && file.starts_with(here) ? file.substr(here.size()) : file;
}

bool says_something(const frame& each) { return !is_plumbing(each.function, each.file); }

/// What is said of a frame besides its place.
std::string remark_on(const frame& each) { return each.inlined ? " (inlined)" : ""; }

/// Returns the frames that led to the head, without what says nothing, each recursion once.
stack callers_of(const shown_stack& where, bool whole) {
  stack callers;
  for (std::size_t i = where.head + 1; i < where.frames.size(); ++i) {
    const frame& each = where.frames[i];
    if (!whole && !says_something(each)) continue;
    const frame& last = callers.empty() ? where.frames[where.head] : callers.back();
    if (each == last) continue;
    callers.push_back(each);
  }
  return callers;
}

}  // namespace

std::string place_of(const frame& each) {
  if (!each.file.empty())
    return fmt::format("{}:{}", printable(seen_from_here(each.file)), each.line);
  if (each.module.empty()) return fmt::format("at 0x{:x}", each.offset);
  const std::string module = printable(file_name(each.module));
  return each.function.empty() ? fmt::format("{}+0x{:x}", module, each.offset) : "in " + module;
}

std::string shorten_left(std::string_view text, std::size_t width, std::string_view more) {
  const std::size_t all = visible_width(text);
  if (all <= width) return std::string(text);
  const std::size_t kept = width - std::min(width, visible_width(more));
  // The end of the text is what is left when its beginning goes, column by column.
  std::size_t begin = shorten(text, all - kept, "").size();
  // At best it begins with the name of a folder.
  const std::size_t slash = text.find('/', begin);
  if (slash != std::string_view::npos && slash + 1 < text.size()) begin = slash;
  return std::string(more) + std::string(text.substr(begin));
}

line frame_line(const frame& each, std::size_t width, const glyph_set& glyphs) {
  const std::string function = printable(short_name(each.function));
  const std::string remark = remark_on(each);
  std::string place = place_of(each);
  if (function.empty()) return line(shorten_left(place, width, glyphs.more), style::file);

  const std::size_t for_function = std::min(visible_width(function), least_function);
  const std::size_t rest = width - std::min(width, for_function + 2 + remark.size());
  place = shorten_left(place, rest, glyphs.more);
  const std::size_t taken = 2 + visible_width(place) + remark.size();
  const std::size_t left = width - std::min(width, taken);
  line out(shorten(function, left, glyphs.more));
  return out.add("  ").add(place, style::live).add(remark, style::dim);
}

lines stack_lines(const shown_stack& where, const stack_view& view, const glyph_set& glyphs) {
  if (where.frames.empty()) return {line("no stack was recorded", style::dim)};
  lines out;
  const std::string arrow = std::string(glyphs.caller) + " ";
  const std::size_t inner = view.width - std::min(view.width, visible_width(arrow));
  if (view.whole)
    for (std::size_t i = 0; i < where.head; ++i)
      out.push_back(frame_line(where.frames[i], view.width, glyphs));
  out.push_back(frame_line(where.frames[where.head], view.width, glyphs));
  if (where.head > 0 && !view.whole) {
    const std::string via = short_name(where.frames[where.head - 1].function);
    out.push_back(line("via " + shorten(printable(via), view.width - 4, glyphs.more), style::dim));
  }
  const stack callers = callers_of(where, view.whole);
  const std::size_t shown = view.whole ? callers.size() : std::min(callers.size(), view.callers);
  for (std::size_t i = 0; i < shown; ++i) {
    line each(arrow, style::dim);
    out.push_back(each.add(frame_line(callers[i], inner, glyphs)));
  }
  // Where only a few are shown anyway, a remark on each stack would say nothing.
  if (shown < callers.size() && view.callers >= many_callers)
    out.emplace_back(fmt::format("{} {} more", glyphs.more, callers.size() - shown), style::dim);
  return out;
}

}  // namespace ashlar::tool
