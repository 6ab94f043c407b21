// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "tools/ashlar/tracking/growth.hpp"
#include "tools/ashlar/tracking/stack_text.hpp"
#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {

namespace {

std::string counted(std::size_t count, const char* one, const char* many) {
  return fmt::format("{} {}", group_digits(count), count == 1 ? one : many);
}

lines heading_of(const growth_findings& found, std::size_t others, const report_format& format) {
  const std::string span = found.span_ns == 0 ? "" : " over " + format_duration(found.span_ns);
  const std::string steps = found.steps == 1 ? "from one capture to the next"
                                             : fmt::format("in each of {} steps", found.steps);
  lines parts;
  if (found.steady == 0)
    parts.emplace_back(fmt::format("nothing rose {}{}", steps, span));
  else
    parts.push_back(line(counted(found.steady, "place", "places"), style::alarm)
                        .add(fmt::format(" rose {}{}", steps, span)));
  if (others != 0) parts.emplace_back(counted(others, "other holds more", "others hold more"));
  const line dot(fmt::format(" {} ", format.glyphs().dot), style::dim);
  return flow(line("GROWING   ", style::heading), parts, dot, format.width);
}

/// Are its blocks leaks already, or does the program still know them?
line standing_of(const growth& each, const capture& last) {
  if (last.header.has_leaks == 0) return line("lost or not: not looked at");
  const std::uint64_t gone = each.lost_blocks + each.held_blocks;
  if (gone == 0) return line("still referenced");
  const char* const how = each.lost_blocks != 0 ? "lost" : "kept by lost ones";
  if (gone >= each.live_blocks) return line(how, style::alarm);
  return line(
      fmt::format("{} of {} blocks {}", group_digits(gone), group_digits(each.live_blocks), how),
      style::alarm);
}

std::string rate_of(const growth& each, const growth_findings& found, unit_system units) {
  const double seconds = static_cast<double>(found.span_ns) / 1e9;
  return format_size(static_cast<std::uint64_t>(static_cast<double>(each.bytes) / seconds), units) +
         " a second";
}

/// One place: how much more, how fast, how sure, what of it is lost, and where it comes from.
lines place_lines(const growth& each, const growth_findings& found, const report_format& format) {
  const auto more = static_cast<std::uint64_t>(each.bytes);
  lines parts{
      line("+" + format_size(more, format.units), style::alarm)
          .add(fmt::format(" in {:+} {}", each.blocks, each.blocks == 1 ? "block" : "blocks"))};
  if (found.span_ns != 0) parts.emplace_back(rate_of(each, found, format.units));
  parts.emplace_back("now " + format_size(each.live_bytes, format.units));
  if (each.is_steady())
    parts.emplace_back(format_percent(each.certainty(), 1) + " sure");
  else
    parts.emplace_back(fmt::format("rose in {} of {} steps", each.rises, each.steps));
  parts.push_back(standing_of(each, *found.last));
  const line dot(fmt::format(" {} ", format.glyphs().dot), style::dim);
  lines out = flow(line("  "), parts, dot, format.width);
  const std::string path = found.last->tag_path(each.tag);
  if (!path.empty())
    out.push_back(line("      <" + shorten(path, format.width - 8, format.glyphs().more) + ">",
                       style::cached));
  const stack_view view{.width = format.width - 6, .callers = 6};
  for (const line& row : stack_lines(each.where, view, format.glyphs()))
    out.push_back(line("      ").add(row));
  return out;
}

}  // namespace

lines growth_section(const growth_findings& found, bool all_that_rose,
                     const report_format& format) {
  const std::size_t candidates = all_that_rose ? found.places.size() : found.steady;
  lines out = heading_of(found, all_that_rose ? found.places.size() - found.steady : 0, format);
  const std::size_t shown = std::min(candidates, format.top);
  for (std::size_t i = 0; i < shown; ++i) append(out, place_lines(found.places[i], found, format));
  if (shown < candidates)
    out.push_back(
        line(fmt::format("  {} {} more places (--top)", format.glyphs().more, candidates - shown),
             style::dim));
  return out;
}

}  // namespace ashlar::tool
