// SPDX-License-Identifier: MIT
#include "ashlar/manager/offset/relocatable_heap.hpp"

#include <algorithm>
#include <cstring>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/poison.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/source/current.hpp"

namespace ashlar {

namespace {

constexpr std::size_t unit = relocatable_heap::unit;

constexpr offset_layout in_units(std::size_t size, std::size_t alignment) {
  return {divide_up(at_least_one(size), unit), alignment > unit ? alignment / unit : 1};
}

constexpr std::uint64_t limit_in_units(std::size_t limit) {
  return limit == manager_usage::unknown ? offset_options::unlimited : limit / unit;
}

// The space of a user's block: whole units, counted from address 0.
offset_options over_block(const relocatable_options& options, memory metadata) {
  const std::size_t first = divide_up(address_of(options.block.data()), unit);
  const std::size_t last = address_of(options.block.data() + options.block.size()) / unit;
  return {.units = last > first ? last - first : 0,
          .first = first,
          .limit = limit_in_units(options.limit),
          .metadata = metadata};
}

}  // namespace

relocatable_heap::relocatable_heap(const relocatable_options& options) noexcept
    : space_({.metadata = options.metadata}),
      metadata_(options.metadata ? options.metadata : current()),
      os_(options.block.empty() ? (options.os != nullptr ? options.os : &system_os()) : nullptr),
      reserve_(options.reserve),
      commit_step_(std::max(options.commit_step, std::size_t{1})),
      limit_(options.limit),
      is_watched_(poison::is_watched()) {
  if (os_ != nullptr) return;
  offset_manager space(over_block(options, metadata_));
  space_.adopt(space);
  held_ = options.block.size();
  block_ = options.block;
  hide({block_.data(), block_.size()});
}

relocatable_heap::~relocatable_heap() {
  const std::span<std::byte> memory = memory_now();
  if (is_watched_) poison::show_defined(memory.data(), memory.size());
  if (reserved_) os_->release(reserved_, committed_);
}

// --- Memory --------------------------------------------------------------------------------------

// Reserves address space at the first request.
bool relocatable_heap::make_space() noexcept {
  if (os_ == nullptr || reserved_) return true;
  reserved_ = os_->reserve(reserve_, unit);
  if (!reserved_) return false;
  offset_manager space({.first = address_of(reserved_.data) / unit,
                        .limit = limit_in_units(limit_),
                        .metadata = metadata_});
  space_.adopt(space);
  return true;
}

// Commits as much more as lets the request fit at the end.
status relocatable_heap::extend(offset_layout request) noexcept {
  if (os_ == nullptr) return status::not_enough_memory;
  const std::size_t room = reserved_.size - committed_;
  const std::uint64_t end = (address_of(reserved_.data) + committed_) / unit;
  const std::uint64_t tail = end - space_.free_at_end();
  const std::uint64_t start = (tail + request.alignment - 1) & ~(request.alignment - 1);
  const std::uint64_t missing = start + request.units - end;
  if (missing > room / unit) return status::not_enough_memory;
  const std::size_t wanted = std::max(static_cast<std::size_t>(missing) * unit, commit_step_);
  const std::size_t size = std::min(align_up(std::min(wanted, room), os_->page_size()), room);
  const os::range part{reserved_.data + committed_, size};
  if (!os_->commit(part)) return status::no_memory;
  if (const status outcome = space_.grow(size / unit); outcome != status::success) {
    os_->decommit(part);
    return outcome;
  }
  committed_ += size;
  hide({part.data, part.size});
  return status::success;
}

// Commits what lets the last block grow to so many units where it is. Returns false for others.
bool relocatable_heap::extend_behind(relocatable_handle h, std::uint64_t units) noexcept {
  const offset_range r = space_.find(h);
  const std::uint64_t tail =
      (address_of(reserved_.data) + committed_) / unit - space_.free_at_end();
  return r.offset + r.units == tail && extend({units - r.units, 1}) == status::success;
}

// What fits now, whether it is committed or not.
std::size_t relocatable_heap::would_fit(std::uint64_t alignment) const noexcept {
  const std::uint64_t inside = space_.largest_free(alignment);
  if (os_ == nullptr) return static_cast<std::size_t>(inside) * unit;
  const std::uint64_t tail =
      (address_of(reserved_.data) + committed_) / unit - space_.free_at_end();
  const std::uint64_t start = (tail + alignment - 1) & ~(alignment - 1);
  const std::uint64_t last = address_of(reserved_.end()) / unit;
  const std::uint64_t at_end = last > start ? last - start : 0;
  return static_cast<std::size_t>(std::max(inside, at_end)) * unit;
}

std::size_t relocatable_heap::trim(std::size_t keep) noexcept {
  if (os_ == nullptr || !reserved_) return 0;
  const auto tail = static_cast<std::size_t>(space_.free_at_end()) * unit;
  if (tail <= keep) return 0;
  const std::size_t cut = committed_ - align_up(committed_ - tail + keep, os_->page_size());
  if (cut == 0 || cut > tail) return 0;
  const os::range pages{reserved_.data + committed_ - cut, cut};
  if (is_watched_) poison::show(pages.data, pages.size);  // the OS, or who stands for it, may write
  if (!os_->decommit(pages)) {
    hide({pages.data, pages.size});
    return 0;
  }
  space_.trim((tail - cut) / unit);
  committed_ -= cut;
  publish();
  return cut;
}

void relocatable_heap::publish() noexcept {
  const auto used = static_cast<std::size_t>(space_.used()) * unit;
  store_relaxed(used_, used);
  store_relaxed(peak_, std::max(peak_, used));
  store_relaxed(live_, std::size_t{space_.used_ranges()});
  if (os_ != nullptr) store_relaxed(held_, committed_);
}

// --- Under a tool --------------------------------------------------------------------------------

// All that a block can lie in.
std::span<std::byte> relocatable_heap::memory_now() const noexcept {
  return os_ == nullptr ? block_ : std::span<std::byte>{reserved_.data, committed_};
}

// The block, but only where a tool is told of it: else it is not looked up.
block relocatable_heap::told(relocatable_handle h) const noexcept {
  return is_watched_ ? find(h) : block{};
}

void relocatable_heap::hide(block b) const noexcept {
  if (is_watched_) [[unlikely]]
    poison::hide(b.data, b.size);
}

// A block that is where it was, or none that now is one.
void relocatable_heap::note_resized(block before, block now) const noexcept {
  if (!is_watched_) [[likely]]
    return;
  auto* const data = static_cast<std::byte*>(now.data);
  if (now.size > before.size)
    poison::show(data + before.size, now.size - before.size);
  else
    poison::hide(data + now.size, before.size - now.size);
}

// --- Blocks --------------------------------------------------------------------------------------

relocatable_allocation relocatable_heap::allocate(layout request) noexcept {
  if (!is_power_of_two(request.alignment)) return {{}, status::bad_alignment};
  if (request.size > max_size - unit) return {{}, status::too_large};
  if (!make_space()) return {{}, status::no_memory};
  const offset_layout wanted = in_units(request.size, request.alignment);
  offset_allocation got = space_.allocate(wanted);
  if (got.reason == status::not_enough_memory) {
    const status extended = extend(wanted);
    if (extended == status::not_enough_memory) return {{}, extended, would_fit(wanted.alignment)};
    if (extended != status::success) return {{}, extended};
    got = space_.allocate(wanted);
  }
  publish();
  note_resized({}, told(got.range.handle));
  return {got.range.handle, got.reason};
}

void relocatable_heap::deallocate(relocatable_handle h) noexcept {
  if (is_locked(h)) return report_fault(fault_kind::pin_mismatch, find(h).data);
  hide(told(h));
  space_.deallocate(h);
  publish();
}

void* relocatable_heap::lock(relocatable_handle h) noexcept {
  const std::uint64_t pins = space_.user(h);
  space_.set_user(h, pins + 1);
  const block found = find(h);
  if (found && pins == 0) ++pinned_blocks_;
  return found.data;
}

void relocatable_heap::unlock(relocatable_handle h) noexcept {
  const block found = find(h);
  const std::uint64_t pins = space_.user(h);
  if (found && pins == 0) return report_fault(fault_kind::pin_mismatch, found.data);
  space_.set_user(h, pins - 1);
  if (found && pins == 1) --pinned_blocks_;
}

status relocatable_heap::reallocate(relocatable_handle h, const resize& change) noexcept {
  if (change.size > max_size - unit) return status::too_large;
  const std::uint64_t units = in_units(change.size, 1).units;
  const block before = told(h);
  status outcome = space_.resize(h, units);
  if (outcome == status::not_enough_memory && extend_behind(h, units))
    outcome = space_.resize(h, units);
  publish();
  if (outcome == status::success) note_resized(before, told(h));
  if (outcome != status::not_enough_memory) return outcome;
  if (!change.may_move || is_locked(h)) return status::unsupported;
  return move_resized(h, change);
}

// The new block is made before the old one ends; then they change handles. `resize` has found that
// the budget allows the new size, so the moment at which there are both is not held against it.
status relocatable_heap::move_resized(relocatable_handle h, const resize& change) noexcept {
  const auto alignment = static_cast<std::size_t>(space_.alignment(h)) * unit;
  space_.set_limit(offset_options::unlimited);
  const relocatable_allocation fresh = allocate({change.size, alignment});
  space_.set_limit(limit_in_units(limit_));
  if (!fresh) return fresh.reason;
  const block from = find(h);
  const block to = find(fresh.handle);
  std::memcpy(to.data, from.data, std::min({from.size, change.used, change.size}));
  space_.exchange(h, fresh.handle);
  deallocate(fresh.handle);
  return status::success;
}

compaction relocatable_heap::compact(const compact_budget& budget) noexcept {
  compaction outcome;
  const defragment_limits limits{
      .max_moves = budget.max_blocks, .max_units = budget.max_bytes / unit, .may_overlap = true};
  const auto move_block = [&](const offset_move& m) {
    if (m.user != 0) return move_answer::ignored;
    const std::size_t size = static_cast<std::size_t>(m.units) * unit;
    // Downwards, maybe over a part of itself: what of the new place was free, and of the old one
    // is.
    const std::size_t moved = std::min(size, static_cast<std::size_t>(m.from - m.to) * unit);
    note_resized({}, {address(m.to), moved});
    std::memmove(address(m.to), address(m.from), size);
    hide({address(m.from) + size - moved, moved});
    outcome.bytes += size;
    ++outcome.blocks;
    return move_answer::copied;
  };
  outcome.done = space_.defragment(limits, move_block).done;
  return outcome;
}

void relocatable_heap::free_all() noexcept {
  if (pinned_blocks_ != 0) return report_fault(fault_kind::pin_mismatch, this);
  space_.free_all();
  hide({memory_now().data(), memory_now().size()});
  publish();
}

// --- What it says of itself ----------------------------------------------------------------------

manager_usage relocatable_heap::usage() const noexcept {
  return {.used = load_relaxed(used_),
          .held = load_relaxed(held_),
          .peak_used = load_relaxed(peak_),
          .limit = limit_,
          .live_blocks = load_relaxed(live_)};
}

relocatable_report relocatable_heap::report() const noexcept {
  const offset_report r = space_.report();
  return {.used = static_cast<std::size_t>(r.used) * unit,
          .free = static_cast<std::size_t>(r.free) * unit,
          .largest_free = static_cast<std::size_t>(r.largest_free) * unit,
          .blocks = r.used_ranges,
          .pinned_blocks = pinned_blocks_,
          .free_ranges = r.free_ranges,
          .fragmentation = r.fragmentation()};
}

void relocatable_heap::check_invariants() const noexcept {
  space_.check_invariants();
  const offset_report r = space_.report();
  std::uint32_t pinned = 0;
  space_.walk([&pinned](const walked_range& found) {
    pinned += found.kind == range_kind::used && found.user != 0;
    return true;
  });
  ASHLAR_CHECK(pinned == pinned_blocks_);
  ASHLAR_CHECK(r.held_by_moves == 0);
  ASHLAR_CHECK(r.used * unit == used_);
  ASHLAR_CHECK(os_ == nullptr || r.units * unit == committed_);
  ASHLAR_CHECK(committed_ <= reserved_.size);
}

}  // namespace ashlar
