// SPDX-License-Identifier: MIT
// The pool: blocks of one size, in slabs of pages, free ones linked through themselves.
//
//     ashlar::pool nodes(ashlar::learn, {.upstream = level});   // the first request says the size
//     std::map<K, V, Less, ashlar::std_allocator<pair>> m(nodes);
//
//     ashlar::pool particles({sizeof(particle), alignof(particle)});   // pages from the OS
//     void* p = particles.get();
//     particles.put(p);
//
// It serves every request up to its block size, and refuses larger ones as `too_large`. A size of
// its blocks may be learned from the first request, so that nobody has to know how large the node
// of a container is. How it works: pool_core.hpp; how slabs look: slab.hpp.
//
// Bounds: blocks up to 256 MiB. Blocks of more than half an OS page may cross from one page into
// the next; smaller ones never do. Alignment: the one asked for at the beginning, or more where the
// block size happens to give more; `bad_alignment` beyond. Faults: pool_core.hpp.
// Threads: one at a time. Cost: get and put 6 and 17 instructions, inline: 2 ns for both; a
// call of the upstream for each slab.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/pool/pool_core.hpp"
#include "ashlar/manager/pool/slab_store.hpp"

namespace ashlar {

/// As the layout of a pool's blocks: the first request says it.
inline constexpr layout learn{0, 1};

struct pool_options {
  memory upstream{};          ///< where slabs come from; none: the OS
  std::size_t page_size = 0;  ///< bytes of a slab, rounded up to a power of two, from an OS page to
                              ///< 1 GiB; 0: 64 KiB, less where the upstream has not that much
  bool cache_line = false;    ///< blocks start at cache lines and share none
  std::uint32_t spare = 1;    ///< slabs without live blocks that are kept
  const char* name = nullptr;
};

class ASHLAR_EXPORT pool : public manager {
 public:
  static constexpr const char* kind_name = "pool";
  static constexpr std::size_t cache_line_size = 64;

  constexpr explicit pool(layout block = learn, const pool_options& options = {}) noexcept
      : manager(ops_for<pool>, options.upstream.get()),
        store_(options.upstream, this),
        core_(store_, options.spare),
        wanted_(block),
        page_size_(options.page_size),
        cache_line_(options.cache_line) {
    if (options.name != nullptr) join_registry(options.name);
  }
  ~pool();

  /// Returns a block, or null if there is no memory. The pool must know
  /// its block size: one that learns and has not yet returns null.
  void* get() noexcept {
    void* const p = core_.try_get();
    if (p != nullptr) [[likely]]
      return p;
    return get_slow().data();
  }
  /// Takes a block back; null is ignored.
  void put(void* p) noexcept { core_.put(p); }

  /// Fills `blocks` in from its start. Returns how many; less than asked for if memory runs out.
  std::size_t get_many(std::span<void*> blocks) noexcept;
  void put_many(std::span<void* const> blocks) noexcept;

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    if (serves(request)) [[likely]] {
      if (void* const p = core_.try_get(); p != nullptr) [[likely]] {
        return allocation::of(p, wanted == fit::get_no_less ? core_.block_size() : request.size);
      }
    }
    // Not `request` itself: GCC would put it together in memory on the fast path too.
    return allocate_slow(request.size, request.alignment, wanted);
  }
  void deallocate(block b, std::size_t = default_alignment) noexcept {
    if (b.size > core_.block_size()) [[unlikely]]
      refuse(b);
    else
      core_.put(b.data);
  }
  void deallocate(void* p) noexcept { core_.put(p); }
  /// In place as long as the block is large enough, else `too_large`. Fault: invalid_resize.
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept;

  /// Returns whether a pointer points into a slab of this pool. O(1); any pointer may be asked.
  bool owns(const void* p) const noexcept { return store_.find(p) != nullptr; }
  std::size_t usable_size(const void*) const noexcept { return core_.block_size(); }
  void free_all() noexcept;
  /// As `free_all`, showing each live block before it ends. The visitor, whose answer is not looked
  /// at, may put other blocks back, which are not shown then, and get some, which are; it must not
  /// walk.
  void free_each(block_visitor visitor) noexcept;
  /// Within a `free_each`: whether a block was shown or put back already. Costs a load otherwise.
  bool has_ended(const void* p) const noexcept {
    return core_.is_freeing_each() && core_.has_ended(p);
  }
  void walk(block_visitor visitor) const noexcept { (void)core_.walk(visitor); }
  std::size_t trim(std::size_t keep = 0) noexcept;
  manager_usage usage() const noexcept;

  /// Bytes of a block; 0 while none was learned.
  std::size_t block_size() const { return core_.block_size(); }
  /// Takes over all blocks of another pool, which is empty afterwards. Both must take slabs from
  /// the same upstream and have the same shape. Returns false, having changed nothing, otherwise,
  /// or if there is no memory for the table of slabs.
  bool adopt(pool& other) noexcept;
  /// Returns whether everything fits together; reports a fault for what does not, double frees
  /// among them. O(blocks).
  bool check_invariants() const noexcept;

 private:
  bool serves(layout request) const {
    return request.size <= core_.block_size() && request.alignment - 1 < core_.shape().alignment &&
           (request.alignment & (request.alignment - 1)) == 0;
  }
  allocation get_slow() noexcept;
  ASHLAR_COLD allocation allocate_slow(std::size_t size, std::size_t alignment,
                                       fit wanted) noexcept;
  ASHLAR_COLD void refuse(block b) const noexcept;
  status learn_from(layout request) noexcept;
  allocation first_get() noexcept;
  layout block_wanted() const noexcept;
  bool wants_same(const pool& other) const noexcept;

  slab_store store_;
  pool_core core_;
  layout wanted_;
  std::size_t page_size_;
  bool cache_line_;
};

}  // namespace ashlar
