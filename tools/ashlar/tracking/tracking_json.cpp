// SPDX-License-Identifier: MIT
#include "tools/ashlar/tracking/tracking_json.hpp"

#include "tools/ashlar/report/text.hpp"
#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {

namespace {

using json = nlohmann::ordered_json;

json text_or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

json json_of(const frame& each) {
  json out{{"function", text_or_null(each.function)}, {"file", text_or_null(each.file)}};
  out["line"] = each.line > 0 ? json(each.line) : json(nullptr);
  out["module"] = text_or_null(each.module);
  out["offset"] = each.offset;
  out["inlined"] = each.inlined;
  return out;
}

json json_of(const said_line& each) {
  json frames = json::array();
  for (const frame& one : each.frames) frames.push_back(json_of(one));
  return {{"text", each.text}, {"frames", frames}};
}

json budget_json(std::uint64_t budget) {
  return budget == ~std::uint64_t{0} ? json(nullptr) : json(budget);
}

json json_of(const tag_row& row, const capture& source) {
  return {{"tag", row.path},
          {"live_bytes", row.live_bytes},
          {"live_blocks", row.live_blocks},
          {"live_error_bytes", error_of(source, {row.live_bytes, row.live_excess})},
          {"own_bytes", row.own_bytes},
          {"own_blocks", row.own_blocks},
          {"own_peak_bytes", row.own_peak},
          {"soft_budget", budget_json(row.soft)},
          {"hard_budget", budget_json(row.hard)},
          {"over_budget", row.has_budget() && row.is_over()}};
}

json json_of(const site_group& site, const capture& source) {
  const observe::capture_site& sums = site.sums;
  return {{"tag", source.tag_path(site.tag)},
          {"stacks", site.stacks},
          {"live_bytes", sums.live_bytes},
          {"live_error_bytes", error_of(source, {sums.live_bytes, sums.live_excess})},
          {"live_blocks", sums.live_blocks},
          {"allocations", sums.born_blocks},
          {"allocated_bytes", sums.born_bytes},
          {"allocated_error_bytes", error_of(source, {sums.born_bytes, sums.born_excess})},
          {"temporary_allocations", sums.temporary_blocks},
          {"head", site.where.head},
          {"stack", json_of(site.where)}};
}

json json_of(const inner_row& row, const capture& source) {
  const observe::capture_site& sums = row.site.sums;
  return {{"manager", row.kind},
          {"name", text_or_null(row.name)},
          {"tag", source.tag_path(row.site.tag)},
          {"stacks", row.site.stacks},
          {"live_bytes", sums.live_bytes},
          {"live_blocks", sums.live_blocks},
          {"allocations", sums.born_blocks},
          {"allocated_bytes", sums.born_bytes},
          {"head", row.site.where.head},
          {"stack", json_of(row.site.where)}};
}

json mark_or_null(std::uint32_t mark, const capture& source) {
  if (mark == 0 || mark > source.marks.size()) return nullptr;
  return printable(source.text(source.marks[mark - 1].name));
}

/// From the mark named `after`, or the start, to the one named `before`, or the end.
json json_of(const period& each, const capture& source) {
  const std::size_t first = source.marks.size() - source.header.period_marks + 1;
  const std::size_t next = each.mark == 0 ? first : each.mark + 1;
  return {{"after", mark_or_null(each.mark, source)},
          {"before", mark_or_null(static_cast<std::uint32_t>(next), source)},
          {"live_bytes", each.live_bytes},
          {"live_blocks", each.live_blocks},
          {"lost_bytes", each.lost_bytes},
          {"lost_blocks", each.lost_blocks}};
}

json json_of(const std::vector<period>& periods, const capture& source) {
  json list = json::array();
  if (source.header.period_marks == 0) return list;
  for (const period& each : periods) list.push_back(json_of(each, source));
  return list;
}

json json_of(const observe::capture_mark& mark, const capture& source) {
  return {{"name", printable(source.text(mark.name))},
          {"at_ms", mark.at_ms},
          {"frame", mark.frame},
          {"live_bytes", mark.live_bytes},
          {"page_bytes", mark.page_bytes}};
}

const char* reason_name(observe::capture_reason reason) {
  constexpr const char* names[] = {"exit", "request", "signal", "interval", "crash", "termination"};
  return names[static_cast<std::size_t>(reason)];
}

json json_of(const leak_group& leak, const capture& source) {
  return {{"kind", leak.held ? "kept_by_lost" : "lost"},
          {"bytes", leak.bytes},
          {"error_bytes", error_of(source, {leak.bytes, leak.excess})},
          {"blocks", leak.blocks},
          {"oldest_ms", leak.oldest},
          {"tag", source.tag_path(leak.tag)},
          {"suppressed_by", text_or_null(leak.suppressed_by)},
          {"periods", json_of(leak.periods, source)},
          {"head", leak.where.head},
          {"stack", json_of(leak.where)}};
}

json json_of(const observe::capture_thread& thread, const capture& source) {
  return {{"name", printable(source.text(thread.name))},
          {"id", thread.system_id},
          {"ended", thread.ended != 0},
          {"allocations", thread.born_blocks},
          {"allocated_bytes", thread.born_bytes},
          {"frees", thread.dead_blocks},
          {"freed_bytes", thread.dead_bytes},
          {"live_blocks", thread.live_blocks},
          {"live_bytes", thread.live_bytes}};
}

json json_of(const leak_sum& sum) {
  return {{"bytes", sum.bytes}, {"blocks", sum.blocks}, {"stacks", sum.stacks}};
}

}  // namespace

json json_of(const shown_stack& where) {
  json frames = json::array();
  for (const frame& each : where.frames) frames.push_back(json_of(each));
  return frames;
}

json json_of(const leak_findings& leaks, const capture& source) {
  if (!leaks.scanned) return nullptr;
  json found = json::array();
  for (const leak_group& each : leaks.groups) found.push_back(json_of(each, source));
  json suppressed = json::array();
  for (const leak_group& each : leaks.suppressed) suppressed.push_back(json_of(each, source));
  return {{"lost", json_of(leaks.lost)},
          {"kept_by_lost", json_of(leaks.held)},
          {"not_shown", json_of(leaks.hidden)},
          {"found", found},
          {"hidden", suppressed}};
}

json json_of(const growth_findings& found) {
  json list = json::array();
  const auto if_known = [&](std::uint64_t blocks) {
    return found.last->header.has_leaks != 0 ? json(blocks) : json(nullptr);
  };
  for (const growth& each : found.places)
    list.push_back({{"bytes", each.bytes},
                    {"blocks", each.blocks},
                    {"live_bytes", each.live_bytes},
                    {"live_blocks", each.live_blocks},
                    {"lost_blocks", if_known(each.lost_blocks)},
                    {"held_blocks", if_known(each.held_blocks)},
                    {"rose", each.rises},
                    {"steady", each.is_steady()},
                    {"certainty", each.certainty()},
                    {"tag", found.last->tag_path(each.tag)},
                    {"head", each.where.head},
                    {"stack", json_of(each.where)}});
  return {{"steps", found.steps}, {"span_ns", found.span_ns}, {"growing", list}};
}

json json_of(const tracking& all) {
  const observe::capture_header& header = all.source->header;
  json said = json::array();
  for (const said_line& each : all.said) said.push_back(json_of(each));
  json tags = json::array();
  for (const tag_row& row : all.tags) tags.push_back(json_of(row, *all.source));
  json sites = json::array();
  for (const site_group& each : all.sites) sites.push_back(json_of(each, *all.source));
  json inside = json::array();
  for (const inner_row& each : all.inside) inside.push_back(json_of(each, *all.source));
  json threads = json::array();
  for (const auto& each : all.source->threads) threads.push_back(json_of(each, *all.source));
  json marks = json::array();
  for (const auto& each : all.source->marks) marks.push_back(json_of(each, *all.source));
  return {{"level", level_name(header.level)},
          {"reason", reason_name(header.reason)},
          {"after_ns", header.taken_ns - header.start_ns},
          {"lacks_blocks", all.source->lacks(observe::gap_blocks)},
          {"lacks_leaks", all.source->lacks(observe::gap_leaks)},
          {"passed_locks", all.source->lacks(observe::gap_locks)},
          {"frame_pointers_only", header.frame_pointers_only != 0},
          {"depth", header.depth},
          {"sample_bytes", header.sample_bytes},
          {"most_sample_bytes", most_sample_bytes(*all.source)},
          {"live_bytes", all.live_bytes},
          {"live_blocks", all.live_blocks},
          {"peak_bytes", header.peak_bytes},
          {"own_bytes", header.own_bytes},
          {"lost_events", header.lost},
          {"said", said},
          {"tags", tags},
          {"sites", sites},
          {"inside", inside},
          {"threads", threads},
          {"marks", marks},
          {"frames", header.frame_count},
          {"periods", json_of(all.periods, *all.source)},
          {"leaks", json_of(all.leaks, *all.source)}};
}

}  // namespace ashlar::tool
