// SPDX-License-Identifier: MIT
// The report of `ashlar leaks`: what is lost, what is still held, what grew.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tools/ashlar/leaks.hpp"
#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {

namespace {

using observe::capture_site;

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
  heading.add(
      fmt::format("   {} in {} blocks", format_size(bytes, format.units), group_digits(blocks)));
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

/// Finds what two captures have in common: the calls as module and offset, the place that the API
/// gave, the tag.
std::string key_of_site(const capture& source, const capture_site& site, const memory_maps& maps) {
  std::string key =
      fmt::format("{} {}:{}", source.tag_path(site.tag), source.text(site.file), site.line);
  for (const std::uint64_t address : source.stack_of(site)) {
    const module_place place = maps.find(address - 1);
    key += fmt::format(" {}+{:x}", file_name(place.file), place.offset);
  }
  return key;
}

}  // namespace

lines leaks_report(const tracking& all, const leaks_options& options, const report_format& format) {
  lines out = title("ashlar leaks", name_of(*all.source), format);
  append(out, leaks_section(all, format));
  if (options.reachable) append_section(out, reachable_section(all, format));
  append_section(out, tracker_section(all, format));
  return out;
}

std::vector<growth> growth_between(const capture& before, const capture& after) {
  const memory_maps old_maps(before.maps);
  const memory_maps new_maps(after.maps);
  std::map<std::string, capture_site> old_sites;
  for (const capture_site& site : before.sites) {
    capture_site& sum = old_sites[key_of_site(before, site, old_maps)];
    sum.live_bytes += site.live_bytes;
    sum.live_blocks += site.live_blocks;
  }
  symbolizer symbols(after.maps, after.written);
  std::map<std::string, growth> grown;
  for (const capture_site& site : after.sites) {
    const capture_site& old = old_sites[key_of_site(after, site, new_maps)];
    const shown_stack where = stack_of(after, site, symbols);
    growth& each = grown[after.tag_path(site.tag) + "\n" + key_of(where.frames)];
    each.where = where;
    each.tag = site.tag;
    each.bytes += static_cast<std::int64_t>(site.live_bytes - old.live_bytes);
    each.blocks += static_cast<std::int64_t>(site.live_blocks - old.live_blocks);
    each.live_bytes += site.live_bytes;
  }
  std::vector<growth> all;
  for (auto& [key, each] : grown)
    if (each.bytes > 0) all.push_back(std::move(each));
  std::stable_sort(all.begin(), all.end(),
                   [](const growth& a, const growth& b) { return a.bytes > b.bytes; });
  return all;
}

lines growth_report(const capture& before, const capture& after, const std::vector<growth>& grown,
                    const report_format& format) {
  lines out = title("ashlar leaks --growing", name_of(before) + " to " + name_of(after), format);
  line heading("GROWING", style::heading);
  if (grown.empty()) {
    out.push_back(heading.add("   nothing"));
    return out;
  }
  std::int64_t sum = 0;
  for (const growth& each : grown) sum += each.bytes;
  out.push_back(
      heading.add(fmt::format("   {} stacks hold {} more", grown.size(),
                              format_size(static_cast<std::uint64_t>(sum), format.units))));
  const std::size_t shown = std::min(grown.size(), format.top);
  const scale unit = pick_scale(grown.front().live_bytes, format.units);
  column more{.name = std::string("more ") + unit.name, .look = style::alarm};
  column blocks{.name = "blocks"};
  column live{.name = "live", .look = style::live};
  tracking holder;  // what the rows need of it: the names of tags
  holder.source = std::shared_ptr<const capture>(&after, [](const capture*) {});
  std::vector<site_group> groups(shown);
  std::vector<const site_group*> rows;
  for (std::size_t i = 0; i < shown; ++i) {
    more.cells.push_back("+" + format_scaled(static_cast<std::uint64_t>(grown[i].bytes), unit));
    blocks.cells.push_back(fmt::format("{:+}", grown[i].blocks));
    live.cells.push_back(format_scaled(grown[i].live_bytes, unit));
    groups[i].where = grown[i].where;
    groups[i].tag = grown[i].tag;
    rows.push_back(&groups[i]);
  }
  append(out, site_rows({more, blocks, live}, rows, holder, format));
  return out;
}

}  // namespace ashlar::tool
