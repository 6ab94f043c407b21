// SPDX-License-Identifier: MIT
// The report of `ashlar leaks`: what is lost, what is still held, what grew.
#include <fmt/format.h>

#include <algorithm>

#include "tools/ashlar/leaks.hpp"
#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {

namespace {

lines title(const char* what, const std::string& who, const report_format& format) {
  const glyph_set& glyphs = format.glyphs();
  const std::string rule = std::string(glyphs.rule) + glyphs.rule;
  line out(rule + " ", style::dim);
  out.add(what, style::title).add(fmt::format(" {} ", glyphs.dot), style::dim);
  const std::size_t left = format.width - std::min(format.width, out.width() + 3);
  out.add(shorten(who, left, glyphs.more)).add(" " + rule, style::dim);
  return {out, line()};
}

std::string name_of(const capture& source) {
  const std::uint64_t ran = source.header.taken_ns - source.header.start_ns;
  return fmt::format("{} (pid {}), after {}", source.program(), source.header.pid,
                     format_duration(ran));
}

/// What is live and neither lost nor kept by lost blocks.
lines reachable_section(const tracking& all, const report_format& format) {
  std::vector<site_group> held;
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;
  for (site_group each : all.sites) {
    each.sums.live_bytes -=
        std::min(each.sums.live_bytes, each.sums.lost_bytes + each.sums.held_bytes);
    each.sums.live_blocks -=
        std::min(each.sums.live_blocks, each.sums.lost_blocks + each.sums.held_blocks);
    if (each.sums.live_blocks == 0) continue;
    bytes += each.sums.live_bytes;
    blocks += each.sums.live_blocks;
    held.push_back(std::move(each));
  }
  line heading("STILL REFERENCED", style::heading);
  if (held.empty()) return {heading.add("   nothing")};
  heading.add(fmt::format("   {} in {} {}", format_size(bytes, format.units), group_digits(blocks),
                          blocks == 1 ? "block" : "blocks"));
  std::stable_sort(held.begin(), held.end(), [](const auto& a, const auto& b) {
    return a.sums.live_bytes > b.sums.live_bytes;
  });
  const std::size_t shown = std::min(held.size(), format.top);
  const scale unit = pick_scale(held.front().sums.live_bytes, format.units);
  column live{.name = std::string("live ") + unit.name, .look = style::live};
  column count{.name = "blocks"};
  std::vector<const site_group*> picked;
  for (std::size_t i = 0; i < shown; ++i) {
    live.cells.push_back(format_scaled(held[i].sums.live_bytes, unit));
    count.cells.push_back(group_digits(held[i].sums.live_blocks));
    picked.push_back(&held[i]);
  }
  lines out{heading};
  append(out, site_rows({live, count}, picked, all, format));
  if (shown < held.size())
    out.push_back(
        line(fmt::format("  {} {} more places (--top)", format.glyphs().more, held.size() - shown),
             style::dim));
  return out;
}

}  // namespace

lines leaks_report(const tracking& all, const leaks_options& options, const report_format& format) {
  lines out = title("ashlar leaks", name_of(*all.source), format);
  append(out, leaks_section(all, format));
  if (options.reachable) append_section(out, reachable_section(all, format));
  append_section(out, tracker_section(all, format));
  return out;
}

lines comparison_report(const tracking& last, const growth_findings& found,
                        const leaks_options& options, const report_format& format) {
  lines out = title("ashlar leaks", name_of(*last.source), format);
  append(out, leaks_section(last, format));
  append_section(out, growth_section(found, false, format));
  if (options.reachable) append_section(out, reachable_section(last, format));
  append_section(out, tracker_section(last, format));
  return out;
}

lines growth_report(const capture& first, const growth_findings& found,
                    const report_format& format) {
  lines out =
      title("ashlar leaks --growing", name_of(first) + " to " + name_of(*found.last), format);
  append(out, growth_section(found, true, format));
  return out;
}

}  // namespace ashlar::tool
