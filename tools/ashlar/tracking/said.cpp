// SPDX-License-Identifier: MIT
// What ashlar said on stderr, line by line. Stacks in it are addresses there, for the process that
// said it knows no symbols; here they become functions and lines.
#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "tools/ashlar/capture/function_names.hpp"
#include "tools/ashlar/report/text.hpp"
#include "tools/ashlar/tracking/stack_text.hpp"
#include "tools/ashlar/tracking/tracking.hpp"
#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {

namespace {

/// Returns the address of a line "    #3 0x55d0c0de1189 /usr/bin/program+0x1189"; 0: it is none.
std::uint64_t address_in(std::string_view text) {
  const std::size_t number = text.find_first_not_of(' ');
  if (number == std::string_view::npos || number < 4 || text[number] != '#') return 0;
  const std::size_t at = text.find(" 0x", number);
  if (at == std::string_view::npos) return 0;
  std::uint64_t address = 0;
  (void)std::from_chars(text.data() + at + 3, text.data() + text.size(), address, 16);
  return address;
}

/// Goes through a stack that is shown from its first frame outside of the allocator down to main or
/// the thread's start.
class stack_part {
 public:
  void begin() { where_ = place::allocator; }

  /// Returns what is to be shown of the frames at the next address.
  stack next(const stack& frames) {
    stack shown;
    for (const frame& each : frames) {
      if (where_ == place::allocator && !is_allocator(each)) where_ = place::program;
      if (where_ == place::program && is_entry(each.function)) where_ = place::behind;
      if (where_ == place::program) shown.push_back(each);
      if (each.function == "main") where_ = place::behind;
    }
    return shown;
  }

 private:
  enum class place { allocator, program, behind };
  place where_ = place::allocator;
};

}  // namespace

std::vector<said_line> said_lines(const capture& source, symbolizer& symbols) {
  std::vector<said_line> all;
  stack_part part;
  for (std::string_view rest = source.said; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string text = printable(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::uint64_t address = address_in(text);
    if (address == 0) {
      part.begin();
      all.push_back({.text = text, .frames = {}});
    } else if (stack shown = part.next(symbols.frames_at(address)); !shown.empty()) {
      all.push_back({.text = text, .frames = std::move(shown)});
    }
  }
  return all;
}

lines said_section(const tracking& all, const report_format& format) {
  if (all.said.empty()) return {};
  line title("SAID", style::heading);
  lines out{title.add("   on stderr, with places")};
  const std::string indent = "      ";
  const std::size_t inner = format.width - std::min(format.width, indent.size());
  for (const said_line& each : all.said) {
    if (each.frames.empty()) {
      // What it says of is indented: those lines are left as they are, for they may be dumps.
      const bool is_first = each.text.starts_with("ashlar: ");
      out.emplace_back("  " + each.text, is_first ? style::alarm : style::plain);
      continue;
    }
    for (const frame& one : each.frames) {
      line shown(indent);
      out.push_back(shown.add(frame_line(one, inner, format.glyphs())));
    }
  }
  return out;
}

}  // namespace ashlar::tool
