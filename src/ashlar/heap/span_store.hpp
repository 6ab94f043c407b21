// SPDX-License-Identifier: MIT
// The spans of one heap: runs of 64 KiB slices, cut from regions, coalesced when freed, purged when
// idle.
//
// Each slice has a record. Of a free span the first and the last record carry its length, so that
// neighbours coalesce in O(1). Free spans hang in lists by length (exact up to 31 slices, then four
// a doubling), one set of lists for spans with dirty slices and one for clean ones; a request takes
// the best fit, dirty first: its pages are there already.
//
// A slice is fresh (never used: reads as zero), dirty (used: pages may be resident) or purged
// (given back: reads as zero). Committing proceeds from the start of a region in growing steps.
//
// Purging has two bounds that hold at once, and a clock. Used and dirty bytes together stay at most
// `headroom` above the peak of the used ones: what is kept for reuse does not make a program larger
// than it was when it needed everything. And the dirty bytes alone stay below `retained`, so that
// most of a large burst goes back to the OS while it is being freed, even if the program falls
// asleep right after. Both rise when purged slices are wanted again within a second, so that
// programs which breathe stop paying for page faults. Below the bounds, what was not needed for
// half a second (the low-water mark of the dirty bytes) is idle: three quarters of it go back, then
// three quarters of the rest. All is driven by the operations of the program; there is no thread
// (local_heap.hpp, parking).
//
// Invariants: (1) records of a region alternate in spans whose lengths add up to its size; (2) no
// two free spans touch; (3) `dirty` of a free span counts its dirty slices, and dirty_slices() is
// their sum; (4) slices beyond `committed` of their region are fresh.
// Threads: thread-safe; one lock, held for bookkeeping only, not while the OS discards pages.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/result.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/structure/intrusive_list.hpp"
#include "ashlar/structure/lock.hpp"
#include "ashlar/structure/page_map.hpp"

namespace ashlar {

enum class slice_state : std::uint8_t { fresh, dirty, purged };

struct slice_record {
  slice_record* next = nullptr;  // links of the free span that starts here
  slice_record* prev = nullptr;
  std::uint32_t length = 0;  // slices of the span; in its first and last record
  std::uint32_t dirty = 0;   // dirty slices of the free span that starts here
  std::uint16_t region = 0;
  slice_state state = slice_state::fresh;
  bool free = false;  // in the first and last record of a span
};
static_assert(sizeof(slice_record) == 32);

/// A span in use.
struct span {
  std::byte* data = nullptr;
  slice_record* record = nullptr;  // of its first slice
  std::uint32_t slices = 0;
  bool zeroed = false;              // every byte is known to be zero
  status reason = status::success;  // why `data` is null
};

struct region {
  std::byte* base = nullptr;        // null: this place in the table is free
  slice_record* records = nullptr;  // with a sentinel before the first and after the last
  std::uint32_t slices = 0;
  std::uint32_t committed = 0;  // slices, from the start
};

class span_store {
 public:
  constexpr span_store() = default;
  span_store(const span_store&) = delete;
  span_store& operator=(const span_store&) = delete;

  /// `owner`: the heap, whose tag its regions belong to. Null: they are counted to none. `hidden`:
  /// a tool may have been told that free spans are not to be touched.
  void initialize(os_manager& os, const manager* owner = nullptr, bool hidden = false) noexcept;

  /// Returns a span of `slices` slices at a multiple of `alignment` slices (a power of two).
  /// Cost: one lock; O(1) but for scanning one list above 31 slices; may call the OS.
  span allocate(std::uint32_t slices, std::uint32_t alignment = 1) noexcept;

  /// Takes a span back. `dirty` is false if all of it reads as zero (its pages were moved away).
  void deallocate(const span& s, bool dirty = true) noexcept;

  /// Grows a span in place into the free slices behind it. Returns false and changes nothing
  /// if they are in use. `zeroed` tells of the added part.
  bool try_grow(span& s, std::uint32_t slices, bool& zeroed) noexcept;
  void shrink(span& s, std::uint32_t slices) noexcept;

  /// Moves pages of a span in use to another. Returns false if the source cannot.
  bool move_pages(const span& from, const span& to, std::size_t bytes) noexcept;

  /// Gives dirty pages back until at most `target` bytes of them are left. Returns bytes purged.
  std::size_t purge(std::size_t target) noexcept;

  /// Decays idle spans if it is time. Span operations do so on their way. Returns whether there is
  /// anything left to decay.
  bool tick() noexcept;

  /// How often the bound was met. A sign that the program gives memory back in earnest.
  std::uint32_t purge_count() const noexcept { return load_relaxed(purge_count_); }

  /// Gives regions back that hold no span in use. For when address space is short. Returns whether
  /// there were any.
  bool release_empty_regions() noexcept;

  /// Gives all regions back. No span may be used any more.
  void release() noexcept;

  /// Calls `visit(first record, slice address)` for every span in address order inside each region.
  /// Requires: the lock is held.
  template <class Visitor>
  void for_each_span(Visitor visit) const;

  struct totals {
    std::size_t reserved = 0;
    std::size_t committed = 0;
    std::size_t used = 0;  // in spans handed out
    std::size_t dirty = 0;
    std::size_t metadata = 0;  // the records
  };
  totals current_totals() const noexcept;

  std::size_t used_bytes() const noexcept { return load_relaxed(used_slices_) * slice_size; }
  std::size_t dirty_bytes() const noexcept { return load_relaxed(dirty_slices_) * slice_size; }
  std::size_t peak_used_bytes() const noexcept { return load_relaxed(peak_slices_) * slice_size; }
  /// With the free spans whose pages have not gone back.
  std::size_t held_bytes() const noexcept {
    return (load_relaxed(used_slices_) + load_relaxed(dirty_slices_)) * slice_size;
  }
  os_manager& os() const { return *os_; }
  lock& mutex() { return mutex_; }
  /// Takes the lock at a moment when no thread is giving pages back: in the child nobody would
  /// finish that.
  void lock_for_fork() noexcept;
  std::uint32_t region_count() const { return region_count_; }
  const region& region_at(std::uint32_t i) const { return regions_[i]; }

  void check_invariants() const noexcept;

 private:
  static constexpr std::uint32_t exact_lists = 32;
  static constexpr std::uint32_t list_count = 128;
  static constexpr std::uint32_t most_slices = 1u << 28;  // 16 TiB: all lengths have a list
  static constexpr std::uint32_t region_limit = 1024;

  struct free_lists {
    intrusive_list<slice_record> lists[list_count];
    std::uint64_t occupied[list_count / 64] = {};
  };

  static std::uint32_t list_of(std::uint32_t length);
  std::byte* address_of_record(const slice_record& r) const;
  slice_record* find(const free_lists& lists, std::uint32_t slices) const;
  slice_record* find_aligned(std::uint32_t slices, std::uint32_t alignment) const;
  std::uint32_t gap_before(const slice_record& first, std::uint32_t alignment) const;
  void insert(slice_record& first) noexcept;
  void remove(slice_record& first) noexcept;
  os::range reserve_region(std::size_t size) noexcept;
  slice_record* add_region(std::uint32_t slices) noexcept;
  void release_region(region& r) noexcept;
  status commit_through(const slice_record& first, std::uint32_t slices) noexcept;
  span take(slice_record& first, std::uint32_t skip, std::uint32_t slices) noexcept;
  void give(slice_record& first, std::uint32_t slices) noexcept;
  /// Pages that went back must read as zero, or they would pass for what they are not.
  bool can_purge() const { return os_ != nullptr && os_->can_discard() && os_->zeroed(); }
  static std::uint32_t current_tick() noexcept;
  void decay(std::uint32_t now) noexcept;
  slice_record* next_victim() noexcept;
  std::size_t purge_until(std::size_t target_slices) noexcept;
  bool purge_span(slice_record& first, std::size_t most) noexcept;
  std::uint32_t discard_from_end(slice_record& first, std::uint32_t length,
                                 std::size_t most) noexcept;
  void note_demand(std::uint32_t purged_slices) noexcept;
  std::size_t dirty_bound() const noexcept;
  void keep_bound() noexcept;
  void set_length(slice_record& first, std::uint32_t slices, bool free) noexcept;

  lock mutex_;
  os_manager* os_ = nullptr;
  const manager* owner_ = nullptr;
  bool hidden_ = false;
  std::size_t used_slices_ = 0;
  std::size_t peak_slices_ = 0;
  std::size_t dirty_slices_ = 0;
  std::size_t purging_slices_ = 0;  // in spans whose pages are going back right now
  std::size_t regretted_ = 0;       // slices that the bounds have risen by
  std::size_t low_water_ = 0;       // least dirty slices since the window began
  std::uint32_t window_start_ = 0;  // tick
  std::uint32_t last_tick_ = 0;
  std::uint32_t last_purge_ = 0;
  std::uint32_t purge_count_ = 0;
  std::uint32_t region_count_ = 0;
  free_lists free_[2];  // [0] clean, [1] with dirty slices
  region regions_[region_limit];

 public:
  // 256 MiB: what a program that falls asleep right after a burst keeps at most. Lower, and bursts
  // of this size pay for their page faults twice before regret shows.
  static constexpr std::size_t retained = (std::size_t{256} << 20) >> slice_shift;
  // 12 MiB: what a program that grows may hold free in pieces that do not fit its requests.
  static constexpr std::size_t headroom = (std::size_t{12} << 20) >> slice_shift;
};

template <class Visitor>
void span_store::for_each_span(Visitor visit) const {
  for (std::uint32_t i = 0; i < region_count_; ++i) {
    const region& r = regions_[i];
    // A copy of the process may have caught a span half cut, without a length.
    for (std::uint32_t s = 0; s < r.slices; s += std::max(r.records[s].length, std::uint32_t{1}))
      visit(r.records[s], r.base + s * slice_size);
  }
}

}  // namespace ashlar
