// SPDX-License-Identifier: MIT
#include "ashlar/observe/table/inner_table.hpp"

#include <cstring>

namespace ashlar::observe {

namespace {

void bump(std::uint64_t& counter, std::uint64_t by) { store_relaxed(counter, counter + by); }

template <std::size_t Capacity>
void copy_text(char (&into)[Capacity], const char* text) {
  std::strncpy(into, text != nullptr ? text : "", Capacity - 1);
  into[Capacity - 1] = 0;
}

}  // namespace

// --- managers and groups -------------------------------------------------------------------------

// The number of one that ended without telling may be another's now.
bool inner_table::knows(const inner_manager& m) const noexcept {
  return m.number != 0 && m.number < manager_end_ && managers_[m.number].self == m.self;
}

bool inner_table::make_known(const inner_manager& m) noexcept {
  if (knows(m)) return true;
  if (!labels_.ensure(1)) return false;
  std::uint32_t number = unused_manager_;
  if (number != 0) {
    unused_manager_ = managers_[number].next_unused;
  } else {
    if (!managers_.ensure(manager_end_ + 1)) return false;
    number = manager_end_++;
  }
  managers_[number] = {.self = m.self, .newest = nullptr, .label = label_for(m), .next_unused = 0};
  store_relaxed(m.number, number);
  return true;
}

// There are few: most managers have no name, or one that others had before. What finds no room is
// called by the first label. Requires: there is room for that.
std::uint32_t inner_table::label_for(const inner_manager& m) noexcept {
  if (label_count_ == 0) copy_text(labels_[label_count_++].kind, "others");
  inner_label wanted = {};
  copy_text(wanted.kind, m.kind);
  copy_text(wanted.name, m.name);
  for (std::uint32_t i = 1; i < label_count_; ++i)
    if (std::memcmp(&labels_[i], &wanted, sizeof wanted) == 0) return i;
  if (!labels_.ensure(label_count_ + 1)) return 0;
  const std::uint32_t number = label_count_;
  labels_[number] = wanted;
  __atomic_store_n(&label_count_, number + 1, __ATOMIC_RELEASE);
  return number;
}

// Returns 0 if there is no memory.
std::uint32_t inner_table::group_for(site_id site, std::uint32_t label) noexcept {
  if (site >= sites_covered_) {
    if (!of_site_.ensure(site + 1)) return 0;
    __atomic_store_n(&sites_covered_, site + 1, __ATOMIC_RELEASE);
  }
  for (std::uint32_t g = of_site_[site]; g != 0; g = groups_[g].next)
    if (groups_[g].label == label) return g;
  return add_group(site, label);
}

std::uint32_t inner_table::add_group(site_id site, std::uint32_t label) noexcept {
  const std::uint32_t number = group_end_ != 0 ? group_end_ : 1;
  if (!groups_.ensure(number + 1)) return 0;
  groups_[number] = {.counts = {}, .site = site, .label = label, .next = of_site_[site]};
  // Both after the entry: who finds the number finds the rest.
  __atomic_store_n(&group_end_, number + 1, __ATOMIC_RELEASE);
  __atomic_store_n(&of_site_[site], number, __ATOMIC_RELEASE);
  return number;
}

// --- the tree ------------------------------------------------------------------------------------

auto inner_table::first_from(std::uintptr_t begin, std::uint32_t manager) const noexcept
    -> block_node* {
  return tree_.lower_bound([=](const block_node* n) { return is_before(n, begin, manager); });
}

auto inner_table::last_before(std::uintptr_t begin) const noexcept -> block_node* {
  block_node* found = nullptr;
  for (block_node* n = tree_.root(); n != nullptr;) {
    const bool is_lower = n->begin < begin;
    if (is_lower) found = n;
    n = n->child[is_lower];
  }
  return found;
}

auto inner_table::find(std::uintptr_t begin, std::uint32_t manager) const noexcept -> block_node* {
  block_node* const n = first_from(begin, manager);
  return n != nullptr && n->begin == begin && n->manager == manager ? n : nullptr;
}

auto inner_table::take_node() noexcept -> block_node* {
  if (block_node* const n = unused_; n != nullptr) {
    unused_ = n->child[0];
    return n;
  }
  return blocks_.ensure(nodes_made_ + 1) ? &blocks_[nodes_made_++] : nullptr;
}

void inner_table::link(block_node& n) noexcept {
  tree_.insert(&n);
  block_node*& newest = managers_[n.manager].newest;
  n.newer = nullptr;
  n.older = newest;
  if (newest != nullptr) newest->newer = &n;
  newest = &n;
  if (live_ == 0 || n.begin < lowest_) store_relaxed(lowest_, n.begin);
  if (live_ == 0 || n.begin > highest_) store_relaxed(highest_, n.begin);
  store_relaxed(live_, live_ + 1);
}

void inner_table::remove(block_node& n) noexcept {
  tree_.erase(&n);
  (n.newer != nullptr ? n.newer->older : managers_[n.manager].newest) = n.older;
  if (n.older != nullptr) n.older->newer = n.newer;
  n.child[0] = unused_;
  unused_ = &n;
  store_relaxed(live_, live_ - 1);
}

void inner_table::end(block_node& n) noexcept {
  site_cell& counts = groups_[n.group].counts;
  bump(counts.dead_blocks, 1);
  bump(counts.dead_bytes, n.size);
  remove(n);
}

// Invariant (2) leaves one at most that begins before; if a block of another manager hides it, it
// stays.
void inner_table::end_overlapping(std::uintptr_t begin, std::uintptr_t end_,
                                  std::uint32_t manager) noexcept {
  if (block_node* const n = last_before(begin);
      n != nullptr && n->manager == manager && n->end() > begin)
    end(*n);
  for (block_node* n = first_from(begin, 0); n != nullptr && n->begin < end_;) {
    block_node* const next = tree_.next(n);
    if (n->manager == manager) end(*n);
    n = next;
  }
}

void inner_table::end_list(std::uint32_t manager) noexcept {
  while (managers_[manager].newest != nullptr) end(*managers_[manager].newest);
}

// --- blocks --------------------------------------------------------------------------------------

bool inner_table::enter(const inner_manager& from, const void* data, std::size_t size,
                        site_id site) noexcept {
  lock_guard guard(mutex_);
  const std::uint32_t group =
      make_known(from) ? group_for(site, managers_[from.number].label) : std::uint32_t{0};
  return enter_in(group, from, data, size);
}

// Group 0: there was no memory for one.
bool inner_table::enter_in(std::uint32_t group, const inner_manager& from, const void* data,
                           std::size_t size) noexcept {
  block_node* const n = group != 0 ? take_node() : nullptr;
  if (n == nullptr) {
    bump(lost_, 1);
    return false;
  }
  n->begin = address_of(data);
  n->size = size;
  n->group = group;
  n->manager = from.number;
  end_overlapping(n->begin, n->end(), n->manager);
  link(*n);
  bump(groups_[group].counts.born_blocks, 1);
  bump(groups_[group].counts.born_bytes, size);
  return true;
}

inner_facts inner_table::leave(const inner_manager& from, const void* data) noexcept {
  // Whoever gives a block back has learned of it from who entered it: its count is seen here.
  if (!has_blocks()) return {};
  lock_guard guard(mutex_);
  if (!knows(from)) return {};
  block_node* const n = find(address_of(data), from.number);
  if (n == nullptr) return {};
  const inner_facts was = {.size = n->size, .group = n->group};
  end(*n);
  return was;
}

void inner_table::restore(const inner_manager& from, const void* data,
                          const inner_facts& was) noexcept {
  if (was.group == 0) return;
  lock_guard guard(mutex_);
  block_node* const n = knows(from) ? take_node() : nullptr;
  if (n == nullptr) return;
  n->begin = address_of(data);
  n->size = was.size;
  n->group = was.group;
  n->manager = from.number;
  link(*n);
  site_cell& counts = groups_[was.group].counts;
  store_relaxed(counts.dead_blocks, counts.dead_blocks - 1);
  store_relaxed(counts.dead_bytes, counts.dead_bytes - was.size);
}

bool inner_table::enter_anew(const inner_manager& from, const void* data, std::size_t size,
                             const inner_facts& was) noexcept {
  if (was.group == 0) return true;
  lock_guard guard(mutex_);
  return enter_in(knows(from) ? was.group : std::uint32_t{0}, from, data, size);
}

void inner_table::end_found_between(std::uintptr_t begin, std::uintptr_t end_) noexcept {
  lock_guard guard(mutex_);
  for (block_node* n = first_from(begin, 0); n != nullptr && n->begin < end_;) {
    block_node* const next = tree_.next(n);
    end(*n);
    n = next;
  }
}

void inner_table::end_all(const inner_manager& of) noexcept {
  if (!has_blocks()) return;
  lock_guard guard(mutex_);
  if (knows(of)) end_list(of.number);
}

void inner_table::close(const inner_manager& of) noexcept {
  lock_guard guard(mutex_);
  if (!knows(of)) return;
  end_list(of.number);
  managers_[of.number] = {
      .self = nullptr, .newest = nullptr, .label = 0, .next_unused = unused_manager_};
  unused_manager_ = of.number;
  store_relaxed(of.number, std::uint32_t{0});
}

// --- readers -------------------------------------------------------------------------------------

site_cell inner_table::sum_of(site_id site) const noexcept {
  site_cell sum;
  // acquire: pair with the releases in group_for() and add_group().
  if (site >= __atomic_load_n(&sites_covered_, __ATOMIC_ACQUIRE)) return sum;
  for (std::uint32_t g = __atomic_load_n(&of_site_[site], __ATOMIC_ACQUIRE); g != 0;
       g = groups_[g].next)
    sum.add(groups_[g].counts);
  return sum;
}

std::size_t inner_table::list(const inner_block& last, inner_block* into,
                              std::size_t most) noexcept {
  lock_guard guard(mutex_);
  std::size_t count = 0;
  for (block_node* n = first_from(address_of(last.data), last.manager + 1);
       n != nullptr && count < most; n = tree_.next(n))
    into[count++] = {at_address(n->begin), n->size, n->group, n->manager};
  return count;
}

void inner_table::release() noexcept {
  tree_ = red_black_tree<access>();
  live_ = 0;
  lost_ = 0;
  lowest_ = ~std::uintptr_t{0};
  highest_ = 0;
  unused_ = nullptr;
  nodes_made_ = 0;
  group_end_ = label_count_ = unused_manager_ = sites_covered_ = 0;
  manager_end_ = 1;
  blocks_.release();
  groups_.release();
  of_site_.release();
  managers_.release();
  labels_.release();
}

}  // namespace ashlar::observe
