// SPDX-License-Identifier: MIT
// Pools for many sizes over one store of slabs: the engine of `buckets` and `general_manager`.
//
// One core (pool_core.hpp) for each size class, made with the first request. A slab serves one
// class, and names its core in its header; the store finds the slab of any pointer.
//
// Threads: one at a time; `usage`, `held` and `bin` may be called by any.
// Cost: a table lookup and a pool's get or put.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/pool/class_table.hpp"
#include "ashlar/manager/pool/pool_core.hpp"
#include "ashlar/manager/pool/slab_store.hpp"

namespace ashlar {

/// What one size class has at the moment.
struct bin_usage {
  std::size_t block_size = 0;
  std::size_t live_blocks = 0;
  std::size_t slab_bytes = 0;  ///< taken for this class, headers and gaps included
};

class ASHLAR_EXPORT bucket_set {
 public:
  /// `page_size`: bytes of a slab of small blocks; 0: 64 KiB. `spare`: empty slabs kept for each
  /// class. `limit`: the largest block size.
  /// `owner`: the manager that this is a part of.
  constexpr bucket_set(const manager* owner, memory upstream, class_family family,
                       std::size_t page_size, std::uint32_t spare, std::size_t limit)
      : store_(upstream, owner, slab_size_for(page_size)),
        classes_(&class_tables[static_cast<std::size_t>(family)]),
        spare_(spare),
        slab_size_(slab_size_for(page_size)),
        limit_(limit < class_table::largest ? limit : class_table::largest) {}
  bucket_set(const bucket_set&) = delete;
  bucket_set& operator=(const bucket_set&) = delete;
  ~bucket_set();

  const class_table& classes() const { return *classes_; }
  /// Returns the class for a request, or `class_table::none` if it is too large or too aligned.
  std::size_t class_of(layout request) const noexcept {
    return request.size <= limit_ ? classes().class_of(request) : class_table::none;
  }

  /// Returns a block of the class for a request, with its whole size. Errors: the upstream's
  /// reason. Under a tool the rest of it is hidden, unless all of it was wanted.
  allocation get(std::size_t c, std::size_t asked, fit wanted) noexcept {
    if (cores_ != nullptr) [[likely]] {
      if (void* const p = cores_[c].try_get(); p != nullptr) [[likely]]
        return allocation::of(p, cores_[c].block_size());
    }
    return get_slow(c, asked, wanted);
  }
  /// Takes a block of a class back. Faults: as the pool's, and size_mismatch for another class.
  void put(std::size_t c, void* p) noexcept {
    if (cores_ != nullptr) [[likely]]
      cores_[c].put(p);
    else
      put_unknown(p);
  }
  /// Takes a block back whose class is not known; null is ignored.
  void put_unknown(void* p) noexcept;

  /// Returns the core whose block a pointer points into, or null.
  const pool_core* find(const void* p) const noexcept;
  /// Returns whether a block of ours starts at a pointer, live or not.
  bool is_block(const void* p) const noexcept {
    const pool_core* const core = find(p);
    return core != nullptr && core->is_block_start(p);
  }
  /// Returns the size of the block that a pointer points into, or 0. Under a tool all of it may be
  /// used from now on.
  std::size_t usable_size(const void* p) const noexcept;
  /// Tells a tool, if there is one, that a live block has kept its place and has another size.
  void note_resized(const void* p, std::size_t old_size, std::size_t size) const noexcept;
  void free_all() noexcept;
  bool walk(block_visitor visitor) const noexcept;
  std::size_t trim(std::size_t keep) noexcept;
  bool adopt(bucket_set& other) noexcept;
  bool is_well() const noexcept;

  bin_usage bin(std::size_t c) const noexcept;
  std::size_t held() const noexcept;
  /// Adds up all classes.
  manager_usage usage() const noexcept;

 private:
  static constexpr std::size_t slab_size_for(std::size_t page_size) {
    return page_size == 0 ? 64_KiB : slab_shape::slab_size_for(page_size, 4096);
  }
  ASHLAR_COLD allocation get_slow(std::size_t c, std::size_t asked, fit wanted) noexcept;
  allocation get_from_slabs(std::size_t c) noexcept;
  bool make_cores() noexcept;
  static bool has_same_shape(const pool_core& mine, const pool_core& other) noexcept;
  // acquire: pairs with the release in make_cores().
  static pool_core* load_acquire(pool_core* const& cores) {
    return __atomic_load_n(&cores, __ATOMIC_ACQUIRE);
  }

  slab_store store_;
  pool_core* cores_ = nullptr;  // one for each class; read by any thread
  std::size_t cores_bytes_ = 0;
  const class_table* classes_;
  std::uint32_t spare_;
  std::size_t slab_size_;  // of small blocks
  std::size_t limit_;
};

}  // namespace ashlar
