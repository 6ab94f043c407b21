// SPDX-License-Identifier: MIT
// A pool for many threads: one pool behind a lock, and a magazine of blocks for each thread.
//
//     ashlar::thread_cached_pool jobs({sizeof(job), alignof(job)});
//     void* p = jobs.get();   // in one thread
//     jobs.put(p);            // in any other
//
// A thread takes blocks from its magazine and gives them back to it, whoever they came from. An
// empty magazine is half filled from the pool, a full one gives half of its blocks back: one lock
// for many blocks. When a thread ends, its magazine is emptied into the pool; its blocks live on.
//
// For data that one thread makes and another ends. Threads that mostly end what they made are
// better off with `thread_pools`, whose threads share no slab.
//
// It neither walks nor frees all: other threads take from their magazines without a lock. `trim`
// empties the magazine of the calling thread and those of threads that ended. A foreign pointer
// into the addresses between two slabs, whose own slab's start is not mapped, ends the program
// when it is looked at instead of by a report.
// Faults: as the pool's. Threads: thread-safe. Cost: about twice a pool's get and put.
// Source: magazines, Bonwick and Adams 2001.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/forkable_lock.hpp"
#include "ashlar/manager/pool/shared_shape.hpp"
#include "ashlar/manager/pool/slab_store.hpp"
#include "ashlar/manager/pool/thread_records.hpp"

namespace ashlar {

class ASHLAR_EXPORT thread_cached_pool : public manager {
 public:
  static constexpr const char* kind_name = "thread-cached pool";
  static constexpr capability promises = capability::thread_safe;

  constexpr explicit thread_cached_pool(layout block,
                                        const shared_pool_options& options = {}) noexcept
      : manager(ops_for<thread_cached_pool>, options.upstream.get()),
        shape_(block, options),
        capacity_(capacity_for(shape_.block.size, options.magazine)),
        store_(options.upstream, this),
        core_(store_, options.spare),
        records_(retire) {
    if (options.name != nullptr) join_registry(options.name);
  }
  ~thread_cached_pool();

  /// Returns a block, or null if there is no memory.
  void* get() noexcept {
    void* const p = try_get();
    return p != nullptr ? p : get_slow().data();
  }
  /// Takes a block back, from any thread; null is ignored.
  ASHLAR_FORCE_INLINE void put(void* p) noexcept;

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    if (shape_.serves(request)) [[likely]] {
      if (void* const p = try_get(); p != nullptr) [[likely]]
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

  bool owns(const void* p) const noexcept;
  std::size_t usable_size(const void*) const noexcept { return shape_.block.size; }
  /// Gives slabs without live blocks back, until `keep` bytes of them are left. Returns the bytes
  /// given back.
  std::size_t trim(std::size_t keep = 0) noexcept;
  /// Blocks in magazines are not in use.
  manager_usage usage() const noexcept;

  std::size_t block_size() const { return shape_.block.size; }
  /// Returns whether everything fits together; reports a fault for what does not. Requires: no
  /// other thread is using the pool. O(blocks).
  bool check_invariants() noexcept;

 private:
  struct magazine : thread_record {
    magazine(thread_cached_pool& p, std::size_t bytes, std::uint32_t most)
        : pool(p), room(bytes), capacity(most) {}
    thread_cached_pool& pool;
    const std::size_t room;        // bytes that the upstream gave for it
    const std::uint32_t capacity;  // in blocks; 0: every block comes by the core
    std::uint32_t count = 0;       // written by its thread, read by any
    void* free = nullptr;
  };
  // Two lines, since processors fetch lines in pairs: threads do not disturb each other.
  static constexpr std::size_t magazine_alignment = 128;
  static constexpr std::size_t magazine_size = align_up(sizeof(magazine), magazine_alignment);

  // A thread may keep 64 KiB, and two blocks whatever their size.
  static constexpr std::uint32_t capacity_for(std::size_t block_size, std::uint32_t asked) {
    const std::size_t fits = block_size == 0 ? 2 : (std::size_t{64} << 10) / block_size;
    const std::size_t most = fits < 2 ? 2 : fits;
    return asked < 2 ? 2 : asked < most ? asked : static_cast<std::uint32_t>(most);
  }
  magazine* mine() const noexcept { return static_cast<magazine*>(records_.find()); }
  ASHLAR_FORCE_INLINE void* try_get() noexcept;
  /// Whether a block of ours seems to start at `p`.
  bool is_plausible(const void* p) const noexcept {
    return store_.may_hold(p) && core_.slab_of(p)->owner == &core_ && core_.is_block_start(p);
  }
  ASHLAR_COLD allocation get_slow() noexcept;
  ASHLAR_COLD allocation allocate_slow(std::size_t size, std::size_t alignment,
                                       fit wanted) noexcept;
  ASHLAR_NO_INLINE void put_slow(void* p) noexcept;
  ASHLAR_COLD void refuse(block b) const noexcept;
  magazine* have_magazine() noexcept;
  allocation fill(magazine& m) noexcept;
  void empty(magazine& m, std::uint32_t keep) noexcept;
  static void retire(thread_record& record) noexcept;

  shared_shape shape_;
  const std::uint32_t capacity_;  // of each magazine, where no tool watches
  slab_store store_;
  pool_core core_;  // under the lock, but for what never changes
  thread_records records_;
  std::size_t magazine_bytes_ = 0;
  mutable manager_lock lock_;
};

void* thread_cached_pool::try_get() noexcept {
  magazine* const m = mine();
  if (m == nullptr || m->free == nullptr) [[unlikely]]
    return nullptr;
  void* const p = m->free;
  m->free = next_free(p);
  store_relaxed(m->count, m->count - 1);
  return p;
}

void thread_cached_pool::put(void* p) noexcept {
  magazine* const m = mine();
  if (m == nullptr || m->count >= m->capacity || m->free == p || !is_plausible(p)) [[unlikely]] {
    put_slow(p);
    return;
  }
  next_free(p) = m->free;
  m->free = p;
  store_relaxed(m->count, m->count + 1);
}

}  // namespace ashlar
