// SPDX-License-Identifier: MIT
// What the cells of all threads come to: for reports, for budgets that are set anew, and in the
// child of a fork. And how far off that may be.
#include <algorithm>

#include "ashlar/observe/tracker.hpp"

namespace ashlar::observe {

namespace {

// Null: the thread has never used it.
site_cell* cell_in(thread_tally& t, site_id site) {
  // acquire: pairs with the release in add_page().
  site_page* const page = __atomic_load_n(&t.sites[site / site_page::size], __ATOMIC_ACQUIRE);
  return page != nullptr ? &page->cells[site % site_page::size] : nullptr;
}

}  // namespace

// Without a cell, for which there was no memory, the site's error comes out too small.
ASHLAR_COLD void tracker::tally_excess(thread_tally& t, const block_facts& facts,
                                       const block_weight& w) noexcept {
  if (site_cell* const of_site = cell_in(t, facts.site); of_site != nullptr)
    store_relaxed(of_site->born_excess,
                  capped_sum(of_site->born_excess, excess_of(w, facts.doublings)));
  std::uint8_t most = most_doublings_.load(std::memory_order_relaxed);
  while (most < facts.doublings &&
         !most_doublings_.compare_exchange_weak(most, facts.doublings, std::memory_order_relaxed)) {
  }
}

ASHLAR_COLD void tracker::count_late_excess(const block_facts& facts,
                                            const block_weight& w) noexcept {
  lock_guard guard(late_mutex_);
  if (ended_ != nullptr) tally_excess(*ended_, facts, w);
}

template <class Function>
void tracker::for_each_tally(Function function) noexcept {
  lock_guard guard(mutex_);
  if (ended_ != nullptr) function(*ended_);
  for (thread_tally* t = first_; t != nullptr; t = t->next) function(*t);
}

site_cell tracker::sum_of(site_id site) noexcept {
  site_cell sum;
  for_each_tally([&](thread_tally& t) {
    if (const site_cell* const cell = cell_in(t, site); cell != nullptr) sum.add(*cell);
  });
  return sum;
}

tag_sum tracker::sum_of_tag(tag_id tag) noexcept {
  tag_sum sum;
  if (tag >= tags.size()) return sum;
  const std::uint32_t count = sites.size();
  for_each_tally([&](thread_tally& t) {
    for (std::uint32_t p = 0; p * site_page::size < count; ++p) {
      // acquire: pairs with the release in add_page().
      const site_page* const page = __atomic_load_n(&t.sites[p], __ATOMIC_ACQUIRE);
      if (page == nullptr) continue;
      for (std::uint32_t i = 0; i < site_page::size && p * site_page::size + i < count; ++i)
        if (sites.tag_of(p * site_page::size + i) == tag) sum.blocks.add(page->cells[i]);
    }
  });
  const tag_record& r = tags[tag];
  sum.live_bytes = live_of(tag);
  sum.page_bytes = r.pages.load(std::memory_order_relaxed);
  sum.peak_bytes = peak_of(tag);
  return sum;
}

site_cell tracker::inner_sum_of_tag(tag_id tag) const noexcept {
  site_cell sum;
  const std::uint32_t end = inner.group_end();
  for (std::uint32_t g = 1; g < end; ++g)
    if (sites.tag_of(inner.group(g).site) == tag) sum.add(inner.group(g).counts);
  return sum;
}

// Calls `function(cell)` for the cells of a tag.
template <class Function>
void tracker::for_each_cell(tag_id tag, Function function) noexcept {
  for_each_tally([&](thread_tally& t) {
    // acquire: pairs with the release in add_page().
    if (tag_page* const page = __atomic_load_n(&t.tags[tag / tag_page::size], __ATOMIC_ACQUIRE))
      function(page->cells[tag % tag_page::size]);
  });
}

// Has nothing of a tag wait in a cell.
void tracker::publish_all(tag_id tag) noexcept {
  if (tag >= tags.size()) return;
  tag_record& r = tags[tag];
  for_each_cell(tag, [&](tag_cell& cell) { publish(cell, r.live, r.peak); });
}

void tracker::publish_all_tags() noexcept {
  for_each_tally([&](thread_tally& t) { publish(t.total, live_, peak_); });
  for (std::uint32_t tag = 0; tag < tags.size(); ++tag) publish_all(static_cast<tag_id>(tag));
}

std::int64_t tracker::live_of(tag_id tag) noexcept {
  if (tag >= tags.size()) return 0;
  std::int64_t live = tags[tag].pages.load(std::memory_order_relaxed) +
                      tags[tag].apart.load(std::memory_order_relaxed);
  for_each_cell(tag, [&](const tag_cell& cell) { live += load_relaxed(cell.sum); });
  return live;
}

std::int64_t tracker::live_bytes() noexcept {
  std::int64_t live = 0;
  for_each_tally([&](const thread_tally& t) { live += load_relaxed(t.total.sum); });
  return live;
}

// What is published lags behind: the highest that any thread has seen counts, too.
std::int64_t tracker::recent_peak_bytes() noexcept {
  std::int64_t peak = std::max(peak_.load(std::memory_order_relaxed), live_bytes());
  for_each_tally(
      [&](const thread_tally& t) { peak = std::max(peak, load_relaxed(t.total.highest)); });
  return peak;
}

std::int64_t tracker::peak_bytes() noexcept {
  return std::max(earlier_peak_.load(std::memory_order_relaxed), recent_peak_bytes());
}

void tracker::restart_peak() noexcept {
  earlier_peak_.store(peak_bytes(), std::memory_order_relaxed);
  for_each_tally([](thread_tally& t) { store_relaxed(t.total.highest, std::int64_t{0}); });
  peak_.store(live_bytes(), std::memory_order_relaxed);
}

std::int64_t tracker::peak_of(tag_id tag) noexcept {
  if (tag >= tags.size()) return 0;
  std::int64_t peak = std::max(tags[tag].peak.load(std::memory_order_relaxed), live_of(tag));
  for_each_cell(tag,
                [&](const tag_cell& cell) { peak = std::max(peak, load_relaxed(cell.highest)); });
  return peak;
}

std::size_t tracker::own_bytes() const noexcept {
  return sites.committed() + tags.committed() + inner.committed() + threads_.committed() +
         tallies_.committed() + site_pages_.committed() + tag_pages_.committed() +
         marks_.committed() + frames_.committed();
}

// Sums up anew what is published: another thread may have been about to add what its cell says
// that it has, or stood between two counts of pages.
void tracker::count_anew() noexcept {
  const auto settle = [](tag_cell& cell) { store_relaxed(cell.published, cell.sum); };
  for_each_tally([&](thread_tally& t) { settle(t.total); });
  live_.store(live_bytes(), std::memory_order_relaxed);
  std::int64_t pages = 0;
  for (std::uint32_t i = 0; i < tags.size(); ++i) {
    const auto tag = static_cast<tag_id>(i);
    for_each_cell(tag, settle);
    tags[tag].live.store(live_of(tag), std::memory_order_relaxed);
    pages += tags[tag].pages.load(std::memory_order_relaxed);
  }
  pages_.store(pages, std::memory_order_relaxed);
}

}  // namespace ashlar::observe
