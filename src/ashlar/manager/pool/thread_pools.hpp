// SPDX-License-Identifier: MIT
// Thread-local pools: each thread that uses it has a pool of its own, with slabs of its own.
//
//     ashlar::thread_pools nodes({sizeof(node), alignof(node)}, {.cache_line = true});
//     void* p = nodes.get();   // from this thread's pool
//     nodes.put(p);            // back to the pool it came from, in whatever thread
//
// A slab serves one thread, so threads share no cache line but by handing blocks on. A block that
// another thread puts goes to the inbox of the pool that it came from, a list that any thread may
// push to, and whose owner takes all of it at once when its own blocks run out. So nothing is ever
// given to two, and no list needs a lock. When a thread ends, its pool stays with its blocks and
// its inbox, until a new thread takes it over.
//
// It neither walks nor frees all, as threads work on their pools without a lock. `trim` looks after
// the calling thread's pool and those whose threads ended. A foreign pointer into the addresses
// between two slabs, whose own slab's start is not mapped, ends the program when it is looked at
// instead of by a report.
// Faults: as the pool's. Threads: thread-safe. Cost: a pool's, and about 2 ns to find it; for a
// block of another thread one compare-and-swap, and O(threads) to know the owner.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/pool/shared_shape.hpp"
#include "ashlar/manager/pool/slab_store.hpp"
#include "ashlar/manager/pool/thread_records.hpp"

namespace ashlar {

class ASHLAR_EXPORT thread_pools : public manager {
 public:
  static constexpr const char* kind_name = "thread pools";
  static constexpr capability promises = capability::thread_safe;

  constexpr explicit thread_pools(layout block, const shared_pool_options& options = {}) noexcept
      : manager(ops_for<thread_pools>, options.upstream.get()),
        shape_(block, options),
        spare_(options.spare),
        store_(options.upstream, this, 0, slab_store::sharing::shared),
        records_(retire) {
    if (options.name != nullptr) join_registry(options.name);
  }
  ~thread_pools();

  /// Returns a block, or null if there is no memory.
  void* get() noexcept {
    own_pool* const own = mine();
    void* const p = own != nullptr ? own->core.try_get() : nullptr;
    return p != nullptr ? p : get_slow().data();
  }
  /// Takes a block back, from any thread; null is ignored.
  void put(void* p) noexcept {
    own_pool* const own = mine();
    if (own != nullptr && store_.may_hold(p) && slab_of(p)->owner == &own->core) [[likely]]
      own->core.put(p);
    else
      put_elsewhere(p);
  }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    if (shape_.serves(request)) [[likely]] {
      own_pool* const own = mine();
      void* const p = own != nullptr ? own->core.try_get() : nullptr;
      if (p != nullptr) [[likely]]
        return allocation::of(p, wanted == fit::get_no_less ? shape_.block.size : request.size);
    }
    return allocate_slow(request.size, request.alignment, wanted);
  }
  void deallocate(block b, std::size_t = default_alignment) noexcept {
    if (b.size > shape_.block.size) [[unlikely]]
      refuse(b);
    else
      put(b.data);
  }
  void deallocate(void* p) noexcept { put(p); }
  /// In place as long as the block is large enough, else `too_large`. Fault: invalid_resize.
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept;

  bool owns(const void* p) const noexcept { return store_.find(p) != nullptr; }
  std::size_t usable_size(const void*) const noexcept { return shape_.block.size; }
  /// Gives slabs without live blocks back, all but `keep` bytes of the calling thread's pool.
  /// Returns the bytes given back.
  std::size_t trim(std::size_t keep = 0) noexcept;
  /// Blocks in inboxes are not in use.
  manager_usage usage() const noexcept;

  std::size_t block_size() const { return shape_.block.size; }
  /// Returns whether everything fits together; reports a fault for what does not. Requires: no
  /// other thread is using the pools. O(blocks).
  bool check_invariants() const noexcept;

 private:
  // In pairs of lines, which processors fetch together: what other threads read, what the owner
  // works on, what other threads write.
  struct own_pool : thread_record {
    own_pool(thread_pools& p, std::size_t bytes)
        : pools(p), room(bytes), core(p.store_, p.spare_) {}
    thread_pools& pools;
    std::size_t room;  // bytes that the upstream gave for it
    alignas(128) pool_core core;
    alignas(128) std::atomic<void*> inbox{nullptr};
    std::atomic<std::size_t> pending{0};  // blocks in the inbox, or about to be
  };

  own_pool* mine() const noexcept { return static_cast<own_pool*>(records_.find()); }
  const pool_slab* slab_of(const void* p) const noexcept {
    return reinterpret_cast<const pool_slab*>(at_address(address_of(p) & load_relaxed(slab_mask_)));
  }
  own_pool* have_pool() noexcept;
  own_pool* owner_of(const pool_slab& slab) const noexcept;
  ASHLAR_COLD allocation get_slow() noexcept;
  ASHLAR_COLD allocation allocate_slow(std::size_t size, std::size_t alignment,
                                       fit wanted) noexcept;
  ASHLAR_NO_INLINE void put_elsewhere(void* p) noexcept;
  ASHLAR_COLD void refuse(block b) const noexcept;
  static void send(own_pool& to, void* p) noexcept;
  static bool open_inbox(own_pool& own) noexcept;
  static void retire(thread_record& record) noexcept;

  shared_shape shape_;
  std::uint32_t spare_;
  slab_store store_;
  thread_records records_;
  std::uintptr_t slab_mask_ = ~std::uintptr_t{0};  // set before there is a slab
  std::atomic<std::size_t> pool_bytes_{0};
};

}  // namespace ashlar
