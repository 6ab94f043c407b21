// SPDX-License-Identifier: MIT
// Lines of styled text that know how wide they are.
//
// A report is a list of lines; each line is a list of fragments with a style. Colour is a matter of
// rendering only, so the layout is the same with and without it, and tests read plain text.
// Width counts code points: every glyph that the reports draw is one column wide.
// Threads: values; thread-compatible.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::tool {

enum class style {
  plain,
  title,
  heading,
  dim,
  alarm,
  live,
  slack,
  free,
  cached,
  metadata,
  file,
  unexplained,
};

/// Returns the columns that `utf8` takes on a terminal.
std::size_t visible_width(std::string_view utf8);

/// Returns `utf8` behind as many spaces as make it `width` columns wide.
std::string pad_left(std::string_view utf8, std::size_t width);
std::string pad_right(std::string_view utf8, std::size_t width);

/// Returns `text` with control characters replaced, so that no name can move the cursor.
std::string printable(std::string_view text);

class line {
 public:
  line() = default;
  explicit line(std::string_view utf8, style look = style::plain) { add(utf8, look); }

  line& add(std::string_view utf8, style look = style::plain);
  line& add(const line& other);
  std::size_t width() const { return width_; }

  /// Writes the line without its end, cut to `limit` columns.
  std::string render(bool color, std::size_t limit) const;

 private:
  struct fragment {
    std::string utf8;
    style look;
  };

  std::vector<fragment> fragments_;
  std::size_t width_ = 0;
};

using lines = std::vector<line>;

/// Sets `items` one behind the other after `heading`, `separator` between, and begins a new line
/// where `width` would be exceeded: under the first item, without a separator.
lines flow(const line& heading, const lines& items, const line& separator, std::size_t width);

/// Sets the words of `text` in lines of at most `width` columns.
lines wrap(std::string_view text, std::size_t width);

/// Returns `name`, or its beginning and `more` if it is wider than `width`.
std::string shorten(std::string_view name, std::size_t width, std::string_view more);

/// Adds the lines of `more` to those of `all`.
void append(lines& all, const lines& more);

std::string render(const lines& all, bool color, std::size_t limit);

}  // namespace ashlar::tool
