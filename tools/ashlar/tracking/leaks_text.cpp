// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "tools/ashlar/tracking/stack_text.hpp"
#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {

namespace {

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return fmt::format("{} {}", group_digits(count), count == 1 ? one : many);
}

std::string amount(std::uint64_t bytes, std::uint64_t blocks, unit_system units) {
  return fmt::format("{} in {}", format_size(bytes, units), counted(blocks, "block", "blocks"));
}

lines title(const leak_findings& found, const report_format& format) {
  lines parts;
  if (found.lost.blocks != 0)
    parts.push_back(
        line(amount(found.lost.bytes, found.lost.blocks, format.units), style::alarm).add(" lost"));
  else
    parts.emplace_back("none");
  if (found.held.blocks != 0)
    parts.emplace_back(amount(found.held.bytes, found.held.blocks, format.units) +
                       " kept by lost ones");
  if (found.hidden.stacks != 0)
    parts.emplace_back(fmt::format("{} of {} not shown",
                                   amount(found.hidden.bytes, found.hidden.blocks, format.units),
                                   counted(found.hidden.stacks, "stack", "stacks")));
  const line dot(fmt::format(" {} ", format.glyphs().dot), style::dim);
  return flow(line("LEAKS   ", style::heading), parts, dot, format.width);
}

/// When the blocks of a group were made, where the program has marked the time.
lines period_lines(const leak_group& group, const capture& source, const report_format& format) {
  if (source.header.period_marks == 0 || group.periods.empty()) return {};
  lines parts;
  const bool is_one = group.periods.size() == 1;
  for (const period& each : group.periods)
    parts.emplace_back((is_one ? "" : group_digits(each.lost_blocks) + " ") +
                       words_for(each, source));
  const line dot(fmt::format(" {} ", format.glyphs().dot), style::dim);
  const line heading(is_one ? "      all made " : "      made ", style::dim);
  return flow(heading, parts, dot, format.width);
}

/// One group: what was lost, and where it came from.
lines group_lines(const leak_group& group, const tracking& all, const report_format& format) {
  line head("  ");
  head.add(amount(group.bytes, group.blocks, format.units),
           group.held ? style::plain : style::alarm);
  if (is_estimate(*all.source))
    head.add(" (" + error_text(*all.source, {group.bytes, group.excess}, format) + ")", style::dim);
  head.add(group.held ? " kept by lost ones" : " lost");
  const std::string path = all.source->tag_path(group.tag);
  if (!path.empty())
    head.add("  <" + shorten(path, format.width / 3, format.glyphs().more) + ">", style::cached);
  if (group.blocks > 1)
    head.add(fmt::format("  {} B each", group_digits(group.bytes / group.blocks)), style::dim);
  lines out{head};
  stack_view view{.width = format.width - 6, .callers = 6};
  view.whole = format.all_leaks;
  for (const line& each : stack_lines(group.where, view, format.glyphs()))
    out.push_back(line("      ").add(each));
  append(out, period_lines(group, *all.source, format));
  return out;
}

}  // namespace

lines leaks_section(const tracking& all, const report_format& format) {
  const leak_findings& found = all.leaks;
  if (!found.scanned && all.source->lacks(observe::gap_leaks))
    return {line("LEAKS   ", style::heading).add("not known: the scan had no memory, or no time")};
  if (!found.scanned) return {};
  lines out = title(found, format);
  const std::size_t shown =
      format.all_leaks ? found.groups.size() : std::min(found.groups.size(), format.top);
  for (std::size_t i = 0; i < shown; ++i) append(out, group_lines(found.groups[i], all, format));
  if (shown < found.groups.size())
    out.push_back(line(fmt::format("  {} {} more stacks (--leaks)", format.glyphs().more,
                                   found.groups.size() - shown),
                       style::dim));
  return out;
}

}  // namespace ashlar::tool
