// SPDX-License-Identifier: MIT
// Where pools get slabs from: pieces of an upstream, aligned to their size, that it knows again.
//
// An upstream that cannot align so far is asked for twice the size, and the slab lies at the
// multiple inside. A table (address_table.hpp) with one entry for each granule, the size of the
// smallest slabs, finds the slab of any pointer without touching what it points to.
//
// Threads: thread-compatible; `shared` stores take a lock of their own in all functions, and their
// upstream is only called under it. `held` may be called by any thread. Cost: what the upstream
// costs.
#pragma once

#include <atomic>
#include <cstddef>

#include "ashlar/manager/forkable_lock.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/pool/address_table.hpp"
#include "ashlar/manager/pool/slab.hpp"

namespace ashlar {

class ASHLAR_EXPORT slab_store {
 public:
  enum class sharing : bool { single, shared };

  /// A null upstream stands for the operating system. `granule`: the size of the smallest slabs, a
  /// power of two; 0: all slabs that are there at a time have one size, whichever it is.
  /// `owner`: the manager whose slabs these are; its tag counts what is taken.
  constexpr explicit slab_store(memory upstream, const manager* owner = nullptr,
                                std::size_t granule = 0, sharing use = sharing::single)
      : upstream_(upstream),
        owner_(owner),
        granule_shift_(granule != 0 ? log2_floor(granule) : 0),
        is_fixed_(granule != 0),
        is_shared_(use == sharing::shared) {}

  /// Returns what memory comes from.
  memory upstream() const noexcept;

  bool is_shared() const { return is_shared_; }

  /// Returns a slab of `size` bytes, a power of two of at least a granule, with its header filled
  /// in. Errors: the upstream's reason.
  allocation acquire(std::size_t size, pool_core& owner) noexcept;
  void release(pool_slab& slab) noexcept;

  /// Takes other memory from the upstream, all usable bytes of it, and gives it back.
  allocation allocate(layout request) noexcept;
  void deallocate(block b, std::size_t alignment) noexcept;

  /// Returns the slab that a pointer points into, or null. Any pointer may be asked for.
  pool_slab* find(const void* p) const noexcept;

  /// Returns false for most pointers that point into no slab. Threads: any, without the lock; for a
  /// block that this thread knows of the answer is true.
  bool may_hold(const void* p) const noexcept {
    const std::uintptr_t low = load_relaxed(low_);
    return address_of(p) - low < load_relaxed(high_) - low;
  }

  /// Takes over the slabs of another store with the same upstream and granule. Returns false,
  /// having changed nothing, if there is no memory for the table.
  bool adopt(slab_store& other) noexcept;
  /// Gives the room of the table back, after all slabs were released.
  void forget_all() noexcept;
  /// Releases all slabs, whatever their owners say of them, and the room of the table.
  void release_all() noexcept;

  /// Bytes taken from the upstream and not given back.
  std::size_t held() const noexcept { return load_relaxed(held_) + table_.held(); }
  /// Whether the table has just the slabs that were acquired: `bytes` of them.
  bool agrees_with(std::size_t bytes) const noexcept;

 private:
  class [[nodiscard]] guard;

  allocation take(std::size_t size) noexcept;
  std::uintptr_t number_of(const void* p) const { return address_of(p) >> granule_shift_; }
  void enter(pool_slab& slab) noexcept;
  void strike(pool_slab& slab) noexcept;
  void give_back(pool_slab& slab) noexcept;

  memory upstream_;
  const manager* owner_;
  address_table table_;
  std::size_t held_ = 0;
  std::uintptr_t low_ = ~std::uintptr_t{0};  // all slabs that there ever were lie between the two
  std::uintptr_t high_ = 0;
  unsigned granule_shift_;
  bool is_fixed_;
  bool is_shared_;
  mutable manager_lock lock_;
};

}  // namespace ashlar
