// SPDX-License-Identifier: MIT
// A heap whose blocks may move: its handles stay, so that compaction can undo fragmentation.
//
//     ashlar::relocatable_heap heap({.block = level_memory});
//     auto mesh = heap.allocate({.size = 40'000});
//     {
//       ashlar::pinned_block data(heap, mesh.handle);   // does not move in this scope
//       read(file, data.data(), data.size());
//     }
//     heap.compact({.max_bytes = 256_KiB});             // each frame: a bounded number of bytes
//
// An offset manager keeps the ranges, in units of 16 bytes, with its records elsewhere; so blocks
// have no header, and overruns of one cannot break the heap. Its units are counted from address 0:
// what it aligns is the address itself. Its word for each range is how often the block is pinned.
//
// Memory is a block of the user's, used exclusively, or reserved from the OS at the first request
// and committed in steps. Sizes are rounded up to 16 bytes.
//
// A handle carries a generation: one whose block was freed is stale. Given to a function that does
// something, it is the fault `stale_handle`, and nothing happens.
//
// Under a tool that watches memory what is free is hidden, and so is what a block has left behind
// when it moved: an address that was kept too long is found.
//
// It is no `manager`: containers hold on to addresses.
// Invariants: `check_invariants`. Threads: one at a time; `usage` any. Cost: as the offset manager;
// `lock` a few loads; `compact` a memmove for each block that it moves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "ashlar/manager/offset/offset_manager.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

/// Names a block for as long as it lives, wherever it is. The default names none.
using relocatable_handle = offset_handle;

struct relocatable_options {
  std::span<std::byte> block = {};                  ///< memory to live in; empty: from the OS
  std::size_t reserve = std::size_t{1} << 30;       ///< address space to reserve from the OS
  std::size_t commit_step = std::size_t{64} << 10;  ///< the least to commit at a time
  std::size_t limit = manager_usage::unknown;       ///< budget: the most bytes in blocks
  os_manager* os = nullptr;                         ///< null: the system's
  memory metadata = {};                             ///< for records; empty: the current manager
};

struct [[nodiscard]] relocatable_allocation {
  relocatable_handle handle;
  status reason = status::success;
  std::size_t would_fit = 0;  ///< with `not_enough_memory`: the largest size that fits now

  constexpr explicit operator bool() const { return static_cast<bool>(handle); }
};

/// Bounds of one call of `compact`.
struct compact_budget {
  std::size_t max_bytes = std::size_t{256} << 10;  ///< larger blocks are not moved
  std::uint32_t max_blocks = 256;                  ///< pinned ones that it comes across count too
};

struct compaction {
  std::size_t bytes = 0;  ///< moved
  std::uint32_t blocks = 0;
  bool done = false;  ///< another call would find nothing to move
};

struct relocatable_report {
  std::size_t used = 0;
  std::size_t free = 0;  ///< of what is held
  std::size_t largest_free = 0;
  std::uint32_t blocks = 0;
  std::uint32_t pinned_blocks = 0;
  std::uint32_t free_ranges = 0;
  double fragmentation = 0;  ///< 0: what is free is in one piece; near 1: it lies scattered
};

/// A block as seen by a walk.
struct walked_relocatable {
  relocatable_handle handle;
  void* data = nullptr;
  std::size_t size = 0;
  std::uint64_t pins = 0;
};

class ASHLAR_EXPORT relocatable_heap {
 public:
  explicit relocatable_heap(const relocatable_options& options = {}) noexcept;
  /// Gives all memory back. Blocks need not be freed before.
  ~relocatable_heap();
  relocatable_heap(const relocatable_heap&) = delete;
  relocatable_heap& operator=(const relocatable_heap&) = delete;

  /// Returns a block, not pinned, or the reason why not.
  relocatable_allocation allocate(layout request) noexcept;
  /// Takes a block back. An empty handle is ignored. Faults: `stale_handle`; `pin_mismatch` if it
  /// is pinned.
  void deallocate(relocatable_handle h) noexcept;
  /// Resizes a block: in place if possible, else it moves, with the first `used` bytes of it, and
  /// keeps its handle. A pinned one is resized in place or not at all.
  /// Errors: the reason (`unsupported`: it would have had to move, and is pinned or may not; or the
  /// handle is stale, a fault); the block is as it was.
  [[nodiscard]] status reallocate(relocatable_handle h, const resize& change) noexcept;

  /// Pins a block and returns its address, which stays until as many `unlock`. Null: the handle is
  /// stale, a fault.
  void* lock(relocatable_handle h) noexcept;
  /// Ends one `lock`. Faults: `stale_handle`; `pin_mismatch` if the block is not pinned.
  void unlock(relocatable_handle h) noexcept;
  bool is_locked(relocatable_handle h) const noexcept { return space_.user(h) != 0; }

  /// Returns where a block is until something is allocated, resized or compacted; empty if the
  /// handle is stale.
  block find(relocatable_handle h) const noexcept {
    const offset_range r = space_.find(h);
    return r ? block{address(r.offset), static_cast<std::size_t>(r.units) * unit} : block{};
  }
  bool owns(relocatable_handle h) const noexcept { return space_.owns(h); }

  /// Moves blocks that are not pinned to lower addresses. Goes on where the last call ended.
  compaction compact(const compact_budget& budget = {}) noexcept;
  /// Gives whole pages at the end back to the OS, but for `keep` bytes. Returns the bytes given
  /// back: 0 over a block of the user's.
  std::size_t trim(std::size_t keep = 0) noexcept;
  /// Ends all blocks. Fault: `pin_mismatch` if one is pinned; nothing happens.
  void free_all() noexcept;

  manager_usage usage() const noexcept;
  relocatable_report report() const noexcept;
  /// Calls `visit(const walked_relocatable&)` for each block in the order of addresses until it
  /// returns false. It must not change the heap.
  template <class Visit>
  void walk(Visit&& visit) const {
    space_.walk([&](const walked_range& found) -> bool {
      if (found.kind == range_kind::free) return true;
      return visit(walked_relocatable{found.range.handle, address(found.range.offset),
                                      static_cast<std::size_t>(found.range.units) * unit,
                                      found.user});
    });
  }
  void check_invariants() const noexcept;

  /// What sizes are rounded up to, and the least alignment. Units: bytes.
  static constexpr std::size_t unit = 16;

 private:
  static std::byte* address(std::uint64_t offset) {
    return at_address(static_cast<std::uintptr_t>(offset * unit));
  }
  bool make_space() noexcept;
  status extend(offset_layout request) noexcept;
  bool extend_behind(relocatable_handle h, std::uint64_t units) noexcept;
  std::size_t would_fit(std::uint64_t alignment) const noexcept;
  status move_resized(relocatable_handle h, const resize& change) noexcept;
  void publish() noexcept;
  std::span<std::byte> memory_now() const noexcept;
  block told(relocatable_handle h) const noexcept;
  void hide(block b) const noexcept;
  void note_resized(block before, block now) const noexcept;

  offset_manager space_;
  memory metadata_;
  os_manager* os_;              // null: over a block of the user's
  os::range reserved_;          // from the OS
  std::span<std::byte> block_;  // the user's
  std::size_t committed_ = 0;   // of it, from the start
  std::size_t reserve_;
  std::size_t commit_step_;
  std::size_t limit_;
  std::uint32_t pinned_blocks_ = 0;
  bool is_watched_;  // by a tool (base/poison.hpp)
  // What other threads read.
  std::size_t used_ = 0;
  std::size_t held_ = 0;
  std::size_t peak_ = 0;
  std::size_t live_ = 0;
};

/// Pins a block for a scope.
class [[nodiscard]] pinned_block {
 public:
  /// Empty, after the fault, if the handle is stale.
  pinned_block(relocatable_heap& heap, relocatable_handle h) noexcept : heap_(heap), handle_(h) {
    if (heap_.lock(h) != nullptr) block_ = heap_.find(h);
  }
  ~pinned_block() {
    if (block_) heap_.unlock(handle_);
  }
  pinned_block(const pinned_block&) = delete;
  pinned_block& operator=(const pinned_block&) = delete;

  explicit operator bool() const { return static_cast<bool>(block_); }
  void* data() const { return block_.data; }
  std::size_t size() const { return block_.size; }
  template <class T>
  T* as() const {
    return static_cast<T*>(block_.data);
  }

 private:
  relocatable_heap& heap_;
  relocatable_handle handle_;
  block block_;
};

}  // namespace ashlar
