// SPDX-License-Identifier: MIT
// The engine of all pools: blocks of one size from slabs, and which of them are free.
//
// A free block holds the address of the next one, so the free lists cost no memory. One slab is
// current: its free list and its fresh blocks (never handed out) are named by the core itself, so
// that get and put touch no header while the work stays within one slab. Every other slab has its
// list in its header and is in one of three lists: full (no free block), partial, or spare (no live
// block; up to a number of them is kept, the others go back). When the current slab is exhausted it
// is full, and the partial one that was used last becomes current, else a spare, else a new one.
//
//   get        free_ -> block            6 instructions
//              else fresh_               bump
//              else get_slow             another page of the slab, another slab
//   put        current slab              push on free_, after three checks: 17 instructions
//              else put_elsewhere        its owner and state are checked too
//
// Live blocks are counted as gets less puts: two counters that each change once in a pair form a
// shorter chain of dependent stores than one that changes twice.
//
// Invariants, checked by `is_well`: free lists stay inside their slab, name block starts that were
// handed out before, each once; a slab in a list has live = carved - free; gets - puts is the sum.
// Found at once: a block put back twice in a row, a pointer to no block start, a pointer into no
// slab of ours unless it stands where the current slab is. Not found: a block of the current slab
// that was never handed out. Found by `is_well`: every double put.
//
// Under a tool that watches memory (base/poison.hpp) no slab is current, so that every get and put
// comes by where it is told of. A block is lent whole; buckets hide what was not asked for.
//
// Threads: one at a time; `live_blocks`, `block_size` and `slab_bytes` may be asked by any.
// Source: free list in the free objects, Lea and Weinstock's node allocators; slabs, Bonwick 1994.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/cpu.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/manager/manager.hpp"
#include "ashlar/manager/pool/slab.hpp"
#include "ashlar/manager/pool/slab_store.hpp"
#include "ashlar/structure/intrusive_list.hpp"

namespace ashlar {

class ASHLAR_EXPORT pool_core {
 public:
  /// The largest block: so numbers and offsets of blocks fit into 32 bits.
  static constexpr std::size_t max_block = std::size_t{1} << 28;

  constexpr explicit pool_core(slab_store& store, std::uint32_t spare = 1)
      : store_(&store), spare_limit_(spare) {}
  pool_core(const pool_core&) = delete;
  pool_core& operator=(const pool_core&) = delete;

  bool has_shape() const { return stride_ != 0; }
  const slab_shape& shape() const { return shape_; }
  std::size_t block_size() const { return load_relaxed(stride_); }
  /// Sets what blocks look like. Requires: there is no slab yet.
  void set_shape(const slab_shape& shape) noexcept;

  /// Returns a block, or null: `refusal` tells why.
  void* get() noexcept {
    void* const p = try_get();
    return p != nullptr ? p : get_slow();
  }
  /// Returns a block of the current slab, or null.
  ASHLAR_FORCE_INLINE void* try_get() noexcept;
  ASHLAR_COLD void* get_slow() noexcept;
  allocation refusal() const { return refusal_; }

  /// As `get_slow`, where there is no slab yet: sets the shape for blocks that hold `wanted`, in
  /// slabs of `size`, or of as much less, down to `least`, as the upstream has.
  allocation get_first(layout wanted, std::size_t size, std::size_t least) noexcept;

  /// Takes a block back. Faults: see the note above; nothing has changed then.
  ASHLAR_FORCE_INLINE void put(void* p) noexcept;

  /// Returns the slab in which a block of this core would lie.
  pool_slab* slab_of(const void* p) const {
    return reinterpret_cast<pool_slab*>(at_address(address_of(p) & slab_mask_));
  }
  bool is_block_start(const void* p) const {
    return shape_.starts_block(address_of(p) & ~slab_mask_);
  }

  std::size_t live_blocks() const noexcept {
    const std::size_t puts = load_relaxed(puts_);
    const std::size_t gets = load_relaxed(gets_);
    return gets > puts ? gets - puts : 0;  // read while they change, they need not fit together
  }
  std::size_t slab_bytes() const noexcept { return load_relaxed(slab_bytes_); }

  /// Gives slabs without live blocks back until `keep` bytes of them are left. Returns the bytes.
  std::size_t trim(std::size_t keep) noexcept;
  /// Bytes in slabs that `trim` could give back, but for the current one.
  std::size_t spare_bytes() const { return spares_ * shape_.slab_size; }
  /// Gives all slabs back: every block ends.
  void free_all() noexcept;
  /// Ends every block after a visit to it, and gives all slabs back. The visitor may put other
  /// blocks back, and get some, which are visited too.
  void free_each(block_visitor visitor) noexcept;
  bool is_freeing_each() const { return ending_ != nullptr; }
  /// Whether a block was put back, or visited, since the `free_each` that is under way began.
  /// False for blocks that it has not come near yet, and for pointers to no block.
  bool has_ended(const void* p) const noexcept;
  /// Visits the live blocks. Returns false if the visitor said to stop.
  bool walk(block_visitor visitor) const noexcept;
  /// Lets no slab be current. Before `adopt`, and before the last blocks are counted.
  void leave_current() noexcept;
  /// Takes over all slabs of a core of the same shape without a current one. Requires: our store
  /// has them.
  void adopt(pool_core& other) noexcept;
  /// Returns whether the invariants hold, and reports a fault for each that does not.
  bool is_well() const noexcept;

 private:
  using slab_list = intrusive_list<pool_slab>;
  struct ending;
  static constexpr std::uintptr_t no_slab = 1;  // no masked address is odd
  // Added to `live` of the slab whose blocks are being ended, which is in no list: it looks neither
  // full nor empty to who puts a block of it back.
  static constexpr std::uint32_t ending_bias = std::uint32_t{1} << 31;

  ASHLAR_COLD void* get_watched() noexcept;
  void put_elsewhere(pool_slab* slab, void* p) noexcept;
  ASHLAR_COLD void push_watched(pool_slab& slab, void* p) noexcept;
  ASHLAR_COLD void bad_put(void* p) const noexcept;
  bool is_ours(const pool_slab* slab, const void* p) const noexcept;
  pool_slab* take_spare() noexcept;
  pool_slab* new_slab() noexcept;
  bool next_page() noexcept;
  void make_current(pool_slab& slab) noexcept;
  void retire(pool_slab& slab) noexcept;
  void release(pool_slab& slab) noexcept;
  void take_over(pool_slab& slab, slab_list& list) noexcept;
  pool_slab& current() const { return *reinterpret_cast<pool_slab*>(at_address(current_)); }
  bool has_current() const { return current_ != no_slab; }
  bool is_current(const pool_slab& slab) const { return address_of(&slab) == current_; }
  const void* free_in(const pool_slab& slab) const { return is_current(slab) ? free_ : slab.free; }
  std::uint32_t carved_in(const pool_slab& slab) const noexcept;
  std::uint32_t count_free(const void* list) const noexcept;
  bool walk_slab(const pool_slab& slab, block_visitor visitor) const noexcept;
  bool is_slab_well(const pool_slab& slab, std::size_t& live) const noexcept;
  bool is_list_well(const pool_slab& slab, std::uint32_t& count) const noexcept;
  void end_blocks_of(pool_slab& slab, ending& now, block_visitor visitor) noexcept;
  template <class F>
  bool for_each_slab(F f) const;

  void* free_ = nullptr;            // of the current slab
  std::byte* fresh_ = nullptr;      // the next fresh block of the current slab's page
  std::byte* fresh_end_ = nullptr;  // behind the last one of that page
  std::size_t stride_ = 0;          // shape_.block_size, for any thread to read
  std::size_t gets_ = 0;
  std::size_t puts_ = 0;
  std::uintptr_t first_block_ = 0;  // address of the current slab's first block
  std::size_t blocks_bytes_ = 0;    // from there to the slab's end; 0: there is no current slab
  slab_shape shape_;
  std::uintptr_t current_ = no_slab;  // address of the current slab
  std::uintptr_t slab_mask_ = 0;

  slab_store* store_;
  slab_list full_;
  slab_list partial_;
  slab_list spare_;
  std::size_t slab_bytes_ = 0;
  std::uint32_t carved_ = 0;  // of the current slab: blocks up to fresh_end_
  std::uint32_t spare_limit_;
  std::uint32_t spares_ = 0;
  allocation refusal_;
  ending* ending_ = nullptr;  // while `free_each` is under way
};

void* pool_core::try_get() noexcept {
  void* p = free_;
  if (p != nullptr) [[likely]] {
    free_ = next_free(p);
  } else {
    if (fresh_ == fresh_end_) return nullptr;
    p = fresh_;
    fresh_ += stride_;
  }
  store_relaxed(gets_, gets_ + 1);
  return p;
}

void pool_core::put(void* p) noexcept {
  // The stores below wait for each other: one for a line that is not there would hold up the rest.
  prefetch_for_write(p);
  if (address_of(p) - first_block_ >= blocks_bytes_) [[unlikely]] {
    put_elsewhere(slab_of(p), p);
    return;
  }
  if (p == free_ || !shape_.is_start(address_of(p))) [[unlikely]] {
    bad_put(p);
    return;
  }
  next_free(p) = free_;
  free_ = p;
  store_relaxed(puts_, puts_ + 1);
}

}  // namespace ashlar
