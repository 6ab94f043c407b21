// SPDX-License-Identifier: MIT
#include "tools/ashlar/tracking/growth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>

namespace ashlar::tool {

namespace {

using observe::capture_site;

struct holding {
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;
  std::uint64_t lost = 0;
  std::uint64_t kept_by_lost = 0;

  bool operator==(const holding&) const = default;
};

/// What one place held at each capture.
using series = std::vector<holding>;

/// Finds what captures have in common: the calls as module and offset, the place that the API gave,
/// the tag.
std::string key_of_site(const capture& source, const capture_site& site, const memory_maps& maps) {
  std::string key =
      fmt::format("{} {}:{}", source.tag_path(site.tag), source.text(site.file), site.line);
  for (const std::uint64_t address : source.stack_of(site)) {
    const module_place place = maps.find(address - 1);
    key += fmt::format(" {}+{:x}", file_name(place.file), place.offset);
  }
  return key;
}

std::map<std::string, series> series_of(const captures& all) {
  std::map<std::string, series> found;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const memory_maps maps(all[i]->maps);
    for (const capture_site& site : all[i]->sites) {
      series& each = found[key_of_site(*all[i], site, maps)];
      each.resize(all.size());
      each[i].bytes += site.live_bytes;
      each[i].blocks += site.live_blocks;
      each[i].lost += site.lost_blocks;
      each[i].kept_by_lost += site.held_blocks;
    }
  }
  return found;
}

bool ever_changed(const series& held) {
  return std::adjacent_find(held.begin(), held.end(), std::not_equal_to<>()) != held.end();
}

void add(series& sum, const series& more) {
  sum.resize(more.size());
  for (std::size_t i = 0; i < more.size(); ++i) {
    sum[i].bytes += more[i].bytes;
    sum[i].blocks += more[i].blocks;
    sum[i].lost += more[i].lost;
    sum[i].kept_by_lost += more[i].kept_by_lost;
  }
}

void judge(const series& held, growth& into) {
  into.steps = held.size() - 1;
  for (std::size_t i = 1; i < held.size(); ++i)
    into.rises += held[i].bytes > held[i - 1].bytes && held[i].blocks > held[i - 1].blocks;
  into.bytes = static_cast<std::int64_t>(held.back().bytes - held.front().bytes);
  into.blocks = static_cast<std::int64_t>(held.back().blocks - held.front().blocks);
  into.live_bytes = held.back().bytes;
  into.live_blocks = held.back().blocks;
  into.lost_blocks = held.back().lost;
  into.held_blocks = held.back().kept_by_lost;
}

/// Numbers of processes come again; one that began within the same second is the same.
bool is_same_process(const capture& a, const capture& b) {
  constexpr std::uint64_t a_second = 1'000'000'000;
  const std::uint64_t between = a.header.start_ns > b.header.start_ns
                                    ? a.header.start_ns - b.header.start_ns
                                    : b.header.start_ns - a.header.start_ns;
  return a.header.pid == b.header.pid && between < a_second && a.program() == b.program();
}

}  // namespace

double growth::certainty() const {
  return is_steady() ? 1 - std::exp2(-static_cast<double>(steps)) : 0;
}

bool are_of_one_process(const captures& all) {
  return std::all_of(all.begin(), all.end(),
                     [&](const auto& each) { return is_same_process(*each, *all.front()); });
}

captures comparable(captures all) {
  if (!are_of_one_process(all)) return all;
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a->header.taken_ns < b->header.taken_ns;
  });
  const auto is_last = [](const auto& each) {
    return each->header.reason == observe::capture_reason::exit;
  };
  const auto meanwhile =
      all.size() - static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is_last));
  if (meanwhile >= 2) std::erase_if(all, is_last);
  return all;
}

growth_findings growth_in(const captures& all) {
  const std::map<std::string, series> held = series_of(all);
  const capture& last = *all.back();
  const memory_maps maps(last.maps);
  symbolizer symbols(last.maps, last.written);
  std::map<std::string, std::pair<growth, series>> grouped;
  std::map<std::string, bool> seen;
  for (const capture_site& site : last.sites) {
    const std::string key = key_of_site(last, site, maps);
    const series& each = held.at(key);
    if (!ever_changed(each) || !seen.try_emplace(key, true).second) continue;
    const shown_stack where = stack_of(last, site, symbols);
    auto& [found, sum] = grouped[last.tag_path(site.tag) + "\n" + key_of(where.frames)];
    found.where = where;
    found.tag = site.tag;
    add(sum, each);
  }
  growth_findings findings;
  findings.steps = all.size() - 1;
  findings.last = all.back();
  if (are_of_one_process(all))
    findings.span_ns = last.header.taken_ns - all.front()->header.taken_ns;
  for (auto& [key, each] : grouped) {
    judge(each.second, each.first);
    if (each.first.bytes <= 0) continue;
    findings.steady += each.first.is_steady() ? 1 : 0;
    findings.places.push_back(std::move(each.first));
  }
  std::stable_sort(findings.places.begin(), findings.places.end(),
                   [](const auto& a, const auto& b) {
                     return a.is_steady() != b.is_steady() ? a.is_steady() : a.bytes > b.bytes;
                   });
  return findings;
}

}  // namespace ashlar::tool
