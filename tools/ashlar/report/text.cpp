// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/text.hpp"

#include <algorithm>

namespace ashlar::tool {

namespace {

/// The sixteen colours of the terminal, so that the user's theme decides how they look.
const char* escape_of(style look) {
  switch (look) {
    case style::plain: return "";
    case style::title: return "\x1b[1m";
    case style::heading: return "\x1b[1m";
    case style::dim: return "\x1b[2m";
    case style::alarm: return "\x1b[1;31m";
    case style::live: return "\x1b[32m";
    case style::slack: return "\x1b[33m";
    case style::free: return "\x1b[34m";
    case style::cached: return "\x1b[36m";
    case style::metadata: return "\x1b[35m";
    case style::file: return "\x1b[37m";
    case style::unexplained: return "\x1b[90m";
  }
  return "";
}

bool starts_code_point(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

/// Returns the bytes of `utf8` that make its first `columns` columns.
std::string_view first_columns(std::string_view utf8, std::size_t columns) {
  std::size_t end = 0;
  for (; end < utf8.size(); ++end)
    if (starts_code_point(utf8[end]) && columns-- == 0) break;
  return utf8.substr(0, end);
}

}  // namespace

std::size_t visible_width(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), starts_code_point));
}

std::string pad_left(std::string_view utf8, std::size_t width) {
  const std::size_t columns = visible_width(utf8);
  return std::string(columns < width ? width - columns : 0, ' ').append(utf8);
}

std::string pad_right(std::string_view utf8, std::size_t width) {
  const std::size_t columns = visible_width(utf8);
  return std::string(utf8).append(columns < width ? width - columns : 0, ' ');
}

std::string printable(std::string_view text) {
  std::string clean(text);
  for (char& byte : clean) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7F) byte = '?';
  }
  return clean;
}

line& line::add(std::string_view utf8, style look) {
  if (utf8.empty()) return *this;
  width_ += visible_width(utf8);
  if (!fragments_.empty() && fragments_.back().look == look)
    fragments_.back().utf8 += utf8;
  else
    fragments_.push_back({std::string(utf8), look});
  return *this;
}

line& line::add(const line& other) {
  for (const fragment& part : other.fragments_) add(part.utf8, part.look);
  return *this;
}

std::string line::render(bool color, std::size_t limit) const {
  std::string out;
  for (const fragment& part : fragments_) {
    const std::string_view shown = first_columns(part.utf8, limit);
    limit -= std::min(limit, visible_width(shown));
    const bool colored = color && part.look != style::plain && !shown.empty();
    if (colored) out += escape_of(part.look);
    out += shown;
    if (colored) out += "\x1b[0m";
  }
  if (!color) out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

lines flow(const line& heading, const lines& items, const line& separator, std::size_t width) {
  lines out;
  for (const line& item : items) {
    const bool fits =
        !out.empty() && out.back().width() + separator.width() + item.width() <= width;
    if (fits) {
      out.back().add(separator).add(item);
    } else {
      out.push_back(out.empty() ? heading : line(std::string(heading.width(), ' ')));
      out.back().add(item);
    }
  }
  return out;
}

lines wrap(std::string_view text, std::size_t width) {
  lines words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return flow(line(), words, line(" "), width);
}

std::string shorten(std::string_view name, std::size_t width, std::string_view more) {
  if (visible_width(name) <= width) return std::string(name);
  const std::size_t kept = width - std::min(width, visible_width(more));
  return std::string(first_columns(name, kept)).append(more);
}

void append(lines& all, const lines& more) { all.insert(all.end(), more.begin(), more.end()); }

std::string render(const lines& all, bool color, std::size_t limit) {
  std::string out;
  for (const line& each : all) {
    out += each.render(color, limit);
    out += '\n';
  }
  return out;
}

}  // namespace ashlar::tool
