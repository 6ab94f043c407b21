// SPDX-License-Identifier: MIT
#include "tools/ashlar/tracking/tracking.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "ashlar/base/bits.hpp"
#include "tools/ashlar/capture/function_names.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

namespace {

using observe::capture_site;

void add_figures(capture_site& sums, const capture_site& site) {
  sums.born_blocks += site.born_blocks;
  sums.born_bytes += site.born_bytes;
  sums.live_blocks += site.live_blocks;
  sums.live_bytes += site.live_bytes;
  sums.temporary_blocks += site.temporary_blocks;
  sums.lost_blocks += site.lost_blocks;
  sums.lost_bytes += site.lost_bytes;
  sums.held_blocks += site.held_blocks;
  sums.held_bytes += site.held_bytes;
  sums.born_excess = capped_sum(sums.born_excess, site.born_excess);
  sums.live_excess = capped_sum(sums.live_excess, site.live_excess);
}

/// The place that the program itself gave goes before the stack, in place of the same in there.
void add_place(const capture& source, const capture_site& site, stack& frames) {
  if (site.file == 0) return;
  frame place;
  place.file = source.text(site.file);
  place.function = readable_name(std::string(source.text(site.function)).c_str());
  place.line = static_cast<int>(site.line);
  place.from_api = true;
  const auto same = std::find_if(frames.begin(), frames.end(), [&](const frame& each) {
    return each.line == place.line && file_name(each.file) == file_name(place.file);
  });
  if (same != frames.end()) frames.erase(frames.begin(), same + 1);
  frames.insert(frames.begin(), place);
}

/// What starts threads and programs is the same on each stack.
void cut_entry(stack& frames) {
  for (std::size_t i = 1; i < frames.size(); ++i)
    if (frames[i - 1].function == "main" || is_entry(frames[i].function)) {
      frames.resize(i);
      return;
    }
}

std::size_t head_of(const stack& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i)
    if (!is_plumbing(frames[i].function, frames[i].file)) return i;
  return 0;
}

std::string place_key(const frame& each) {
  if (!each.file.empty()) return fmt::format("{}:{} {}", each.file, each.line, each.function);
  return fmt::format("{}+{:x}", file_name(each.module), each.offset);
}

/// A place is shown once, however many stacks lead there. Without lines, calls of one function are
/// told apart by nothing that a reader could use.
std::string head_key(const shown_stack& where, std::uint32_t tag) {
  if (where.frames.empty()) return fmt::format("{}", tag);
  const frame& head = where.frames[where.head];
  const bool by_name = head.file.empty() && !head.function.empty();
  return fmt::format("{} {}", tag, by_name ? head.function : place_key(head));
}

class site_grouper {
 public:
  void add(const capture_site& site, shown_stack where) {
    const std::string key = head_key(where, site.tag);
    const auto [found, is_new] = groups_.try_emplace(key);
    entry& e = found->second;
    const auto weight = std::pair(site.live_bytes, site.born_bytes);
    if (is_new || weight > e.heaviest) {
      e.group.where = std::move(where);
      e.heaviest = weight;
    }
    e.group.tag = site.tag;
    ++e.group.stacks;
    add_figures(e.group.sums, site);
  }

  std::vector<site_group> take() {
    std::vector<site_group> all;
    for (auto& [key, e] : groups_) all.push_back(std::move(e.group));
    std::stable_sort(all.begin(), all.end(), [](const site_group& a, const site_group& b) {
      return a.sums.live_bytes > b.sums.live_bytes;
    });
    return all;
  }

 private:
  struct entry {
    site_group group;
    std::pair<std::uint64_t, std::uint64_t> heaviest;
  };
  std::map<std::string, entry> groups_;
};

std::pair<std::uint64_t, std::uint64_t> weight_of(const inner_row& row) {
  return {row.site.sums.live_bytes, row.site.sums.born_bytes};
}

std::vector<inner_row> inner_rows(const capture& source, symbolizer& symbols) {
  std::map<std::pair<std::string, std::string>, site_grouper> managers;
  for (const observe::capture_inner& each : source.inner) {
    capture_site site = source.sites[each.site];
    shown_stack where = stack_of(source, site, symbols);
    site.born_blocks = each.born_blocks;
    site.born_bytes = each.born_bytes;
    site.live_blocks = each.live_blocks;
    site.live_bytes = each.live_bytes;
    site.temporary_blocks = 0;
    managers[{printable(source.text(each.kind)), printable(source.text(each.name))}].add(
        site, std::move(where));
  }
  std::vector<inner_row> rows;
  for (auto& [manager, grouper] : managers)
    for (site_group& group : grouper.take())
      rows.push_back({manager.first, manager.second, std::move(group)});
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return weight_of(a) > weight_of(b); });
  return rows;
}

/// Adds a period to a list of them that is in order.
void add_period(std::vector<period>& list, const period& more) {
  const auto at = std::lower_bound(list.begin(), list.end(), more,
                                   [](const auto& a, const auto& b) { return a.mark < b.mark; });
  if (at == list.end() || at->mark != more.mark) {
    list.insert(at, more);
    return;
  }
  at->live_blocks += more.live_blocks;
  at->live_bytes += more.live_bytes;
  at->lost_blocks += more.lost_blocks;
  at->lost_bytes += more.lost_bytes;
}

/// Sorts the periods of a capture by their sites.
std::vector<std::vector<period>> periods_of_sites(const capture& source) {
  std::vector<std::vector<period>> all(source.sites.size());
  for (const observe::capture_period& each : source.periods)
    add_period(all[each.site],
               {each.mark, each.live_blocks, each.live_bytes, each.lost_blocks, each.lost_bytes});
  return all;
}

class leak_grouper {
 public:
  /// `made`: when the blocks of the site were made.
  void add(const capture_site& site, const shown_stack& where, const std::vector<period>& made) {
    if (site.lost_blocks != 0) {
      leak_group& group = add(site, where, site.lost_blocks, site.lost_bytes, false);
      for (const period& each : made)
        if (each.lost_blocks != 0) add_period(group.periods, each);
    }
    if (site.held_blocks != 0) add(site, where, site.held_blocks, site.held_bytes, true);
  }

  void take(const analysis_options& options, leak_findings& into) {
    for (auto& [key, group] : groups_) {
      const std::string* pattern = options.suppressed.find(group.where.frames);
      if (pattern != nullptr) group.suppressed_by = *pattern;
      if (pattern != nullptr || group.bytes < options.least_leak) {
        into.hidden.add(group);
        into.suppressed.push_back(std::move(group));
      } else {
        (group.held ? into.held : into.lost).add(group);
        into.groups.push_back(std::move(group));
      }
    }
    for (auto* list : {&into.groups, &into.suppressed})
      std::stable_sort(list->begin(), list->end(), [](const auto& a, const auto& b) {
        return a.held != b.held ? b.held : a.bytes > b.bytes;
      });
  }

 private:
  leak_group& add(const capture_site& site, const shown_stack& where, std::uint64_t blocks,
                  std::uint64_t bytes, bool held) {
    leak_group& group = groups_[fmt::format("{}{} {}", held, site.tag, key_of(where.frames))];
    const bool is_new = group.blocks == 0;
    if (is_new) group.where = where;
    group.oldest = is_new ? site.oldest : std::min(group.oldest, site.oldest);
    group.tag = site.tag;
    group.held = held;
    group.blocks += blocks;
    group.bytes += bytes;
    group.excess = capped_sum(group.excess, site.live_excess);
    return group;
  }

  std::map<std::string, leak_group> groups_;
};

/// Children follow their parent, the largest first; "no tag" is left to the table to place.
void add_subtree(const std::vector<tag_row>& all, const capture& source, std::uint32_t parent,
                 std::size_t depth, std::vector<tag_row>& ordered) {
  std::vector<std::uint32_t> children;
  for (std::uint32_t i = 1; i < all.size(); ++i)
    if (source.tags[i].parent == parent) children.push_back(i);
  std::stable_sort(children.begin(), children.end(),
                   [&](auto a, auto b) { return all[a].live_bytes > all[b].live_bytes; });
  for (const std::uint32_t child : children) {
    ordered.push_back(all[child]);
    ordered.back().depth = depth;
    const std::size_t before = ordered.size();
    add_subtree(all, source, child, depth + 1, ordered);
    ordered[before - 1].has_children = ordered.size() > before;
  }
}

std::vector<tag_row> tag_rows(const capture& source) {
  std::vector<tag_row> all(source.tags.size());
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    const observe::capture_tag& tag = source.tags[i];
    all[i].name = i == 0 ? "" : source.tag_path(i).substr(source.tag_path(tag.parent).size());
    if (all[i].name.starts_with('/')) all[i].name.erase(0, 1);
    all[i].path = source.tag_path(i);
    all[i].own_bytes = all[i].live_bytes = tag.live_bytes;
    all[i].own_peak = tag.peak_bytes;
    all[i].soft = tag.soft;
    all[i].hard = tag.hard;
  }
  for (const capture_site& site : source.sites)
    if (site.tag < all.size()) {
      all[site.tag].own_blocks += site.live_blocks;
      all[site.tag].live_excess = capped_sum(all[site.tag].live_excess, site.live_excess);
    }
  for (tag_row& row : all) row.live_blocks = row.own_blocks;
  for (std::size_t i = all.size(); i-- > 1;) {
    const std::uint32_t parent = source.tags[i].parent;
    if (parent == 0) continue;
    all[parent].live_bytes += all[i].live_bytes;
    all[parent].live_blocks += all[i].live_blocks;
    all[parent].live_excess = capped_sum(all[parent].live_excess, all[i].live_excess);
  }
  std::vector<tag_row> ordered;
  if (!all.empty()) add_subtree(all, source, 0, 0, ordered);
  if (!all.empty()) ordered.push_back(all[0]);
  return ordered;
}

}  // namespace

shown_stack stack_of(const capture& source, const capture_site& site, symbolizer& symbols) {
  shown_stack shown;
  for (const std::uint64_t address : source.stack_of(site)) {
    const stack& frames = symbols.frames_at(address);
    shown.frames.insert(shown.frames.end(), frames.begin(), frames.end());
  }
  const auto outside = std::find_if_not(shown.frames.begin(), shown.frames.end(), is_allocator);
  if (outside != shown.frames.end()) shown.frames.erase(shown.frames.begin(), outside);
  add_place(source, site, shown.frames);
  cut_entry(shown.frames);
  shown.head = head_of(shown.frames);
  return shown;
}

bool is_allocator(const frame& each) {
  return file_name(each.module).starts_with("libashlar-") ||
         each.function.starts_with("ashlar::replace::");
}

std::string key_of(const stack& frames) {
  std::string key;
  for (const frame& each : frames) key += place_key(each) + "\n";
  return key;
}

std::string words_for(const period& when, const capture& source) {
  const auto name = [&](std::size_t mark) {
    return fmt::format("\"{}\"", printable(source.text(source.marks[mark - 1].name)));
  };
  const std::size_t first = source.marks.size() - source.header.period_marks + 1;
  if (when.mark == 0) return "before " + name(first);
  if (when.mark == source.marks.size()) return "after " + name(when.mark);
  return fmt::format("between {} and {}", name(when.mark), name(when.mark + 1));
}

tracking analyse(std::shared_ptr<const capture> source, const analysis_options& options) {
  tracking all;
  all.source = std::move(source);
  all.tags = tag_rows(*all.source);
  symbolizer symbols(all.source->maps, all.source->written);
  analysis_options asked = options;
  asked.suppressed.add_own(all.source->suppressions, all.source->program());
  site_grouper sites;
  leak_grouper leaks;
  all.leaks.scanned = all.source->header.has_leaks != 0;
  all.said = said_lines(*all.source, symbols);
  const std::vector<std::vector<period>> made = periods_of_sites(*all.source);
  for (std::size_t i = 0; i < all.source->sites.size(); ++i) {
    const capture_site& site = all.source->sites[i];
    for (const period& each : made[i]) add_period(all.periods, each);
    all.live_bytes += site.live_bytes;
    all.live_blocks += site.live_blocks;
    all.live_excess = capped_sum(all.live_excess, site.live_excess);
    shown_stack where = stack_of(*all.source, site, symbols);
    if (all.leaks.scanned) leaks.add(site, where, made[i]);
    if (site.born_blocks != 0) sites.add(site, std::move(where));
  }
  all.sites = sites.take();
  all.inside = inner_rows(*all.source, symbols);
  leaks.take(asked, all.leaks);
  all.stale_files = symbols.stale_files();
  return all;
}

}  // namespace ashlar::tool
