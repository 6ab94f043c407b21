// SPDX-License-Identifier: MIT
// The fit managers: heaps over one region, which they never leave. Three indexes, one block format.
//
//     best_fit_manager   the smallest free block that fits: least fragmentation
//     tlsf_manager       a free block of the next bin: bounded time, whatever happened before
//     hybrid_manager     bins for what is small and many, best fit for what is large and rare
//
//     alignas(16) std::byte memory[1_MiB];
//     best_fit_manager level(memory, {.limit = 768_KiB, .name = "level"});   // never asks anyone
//     tlsf_manager voices({.reserve = 64_MiB});                              // grows in 64 MiB
//
// Free neighbours are joined after every free, by the next call, before it does anything else
// (fit_free.hpp). All bookkeeping of blocks lies in the region; the manager itself holds the roots
// of the index only. What remains of a block that is more than was asked for becomes a free block,
// from 16 bytes on. A block is its contents and 8 bytes more, rounded up to 16; where an alignment
// of 8 is all that was asked for, to 8, and small blocks lie closer.
//
// Invariants: those of fit_space.hpp and of the index, and (1) the index holds exactly the free
// blocks but crumbs; (2) `used` is the sum of the usable bytes of used blocks, and `live` their
// number; (3) used <= peak, used <= limit. (1), and (2) to (4) of the space, hold but for the block
// freed last, which the next call joins.
// Under a tool that watches memory a block takes 16 bytes more, which count as used
// (fit_poison.cpp). Threads: single-threaded. Cost: see the indexes; growing the region is a system
// call.
#pragma once

#include <span>

#include "ashlar/base/macros.hpp"
#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/fit/fit_indexes.hpp"
#include "ashlar/manager/fit/fit_space.hpp"
#include "ashlar/manager/tally.hpp"

namespace ashlar {

/// Where the memory of a fit manager is. Units: bytes. Made by a walk: O(blocks).
struct fragmentation_report {
  std::size_t free_bytes = 0;   ///< free and accessible: free blocks and the end of the region
  std::size_t free_blocks = 0;  ///< in how many pieces
  /// The most that the largest of them holds, aligned to 8. Bins may not find it: what a refusal
  /// tells would.
  std::size_t largest_free = 0;
  std::size_t live_blocks = 0;
  std::size_t live_bytes = 0;  ///< as asked for
  std::size_t slack = 0;       ///< handed out, but not asked for
  std::size_t headers = 0;     ///< of used blocks
  std::size_t footprint = 0;   ///< from the start of the region to its last used block

  /// Returns what the used blocks hold and nobody uses.
  std::size_t unused_bytes() const { return slack + headers; }
};

template <class Index>
class ASHLAR_EXPORT fit_manager : public manager {
 public:
  static constexpr const char* kind_name = Index::kind_name;

  /// Over address space from an OS manager, reserved at the first request.
  constexpr explicit fit_manager(const fit_options& options = {}) noexcept
      : manager(ops_for<fit_manager>, options.os), space_(options), limit_(options.limit) {
    if (options.name != nullptr) enter(options.name);
  }
  /// Over a block of the user's alone, which must outlive the manager.
  explicit fit_manager(std::span<std::byte> block, const fit_options& options = {}) noexcept
      : manager(bounded_ops, nullptr), space_(block, options.zeroed), limit_(options.limit) {
    if (options.name != nullptr) enter(options.name);
  }
  ~fit_manager() {
    leave_registry();
    space_.release();
  }

  /// Errors: `over_budget`; `not_enough_memory` with what would fit (for alignments above 8, what
  /// surely would: that and all that is smaller); `no_memory` if the OS refuses to commit more.
  /// Cost: of a refusal at alignments above 8 up to a few looks for each bin, or size in the tree.
  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept;
  /// Clears what is not known to be zero: memory that was never used is not cleared again.
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept;
  /// Faults: double, interior and invalid free, size mismatch, corruption of what is around it;
  /// that of a free block's header before it is told by the next call, as is a used block's behind
  /// it that came to look like a free one's.
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  void deallocate(void* p) noexcept;
  /// Grows and shrinks in place where the neighbours allow it; else slides down over a free block
  /// before it, or moves. Copies `change.used` bytes at most.
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept;

  bool owns(const void* p) const noexcept { return space_.owns(p); }
  /// Faults: invalid query; returns 0 then.
  std::size_t usable_size(const void* p) const noexcept;
  /// Ends every block. The region goes back to the OS; the user's blocks stay.
  void free_all() noexcept;
  /// Visits the live blocks, each row by rising addresses.
  void walk(block_visitor visitor) noexcept;
  /// Gives the pages at the end of the region back, then those inside free blocks, until `keep`
  /// bytes of free memory are left.
  std::size_t trim(std::size_t keep = 0) noexcept {
    finish_free();
    return space_.trim(keep);
  }

  /// Takes a further block of the user's, which must outlive the manager. Errors: `unsupported`: it
  /// lies more than 16 GiB from the region, or overlaps it; `not_enough_memory`: it is too small.
  status add(std::span<std::byte> block) noexcept;

  manager_usage usage() const noexcept;
  void restart_peak() noexcept { use_.restart_peak(); }
  // These three are const, and first do what the last free left: as the rest, for one thread.

  /// Returns the bytes from the start of the region to its last used block, and of added blocks.
  std::size_t footprint() const noexcept {
    finish_free();
    return space_.footprint();
  }
  fragmentation_report fragmentation() const noexcept;
  /// Panics if a rule is broken. O(blocks).
  void check_invariants() const noexcept;

  /// The tag of one block: at first the manager's. Faults: invalid query; returns 0, and sets
  /// nothing, then.
  tag_id tag_of(const void* p) const noexcept;
  void set_tag_of(void* p, tag_id tag) noexcept;

 private:
  /// Where a request can be served.
  struct place {
    fit_block* from = nullptr;  // a free block, or the top
    std::size_t gap = 0;        // bytes of it to leave in front
  };

  // Over a user's block it never asks anyone.
  static constexpr manager_ops make_bounded_ops() {
    manager_ops ops = make_ops<fit_manager>();
    ops.can = ops.can | capability::bounded;
    return ops;
  }
  static const manager_ops bounded_ops;

  void enter(const char* name) noexcept {
    // From here on other threads may ask for it.
    if (upstream() == nullptr && space_.is_from_os()) set_upstream(&system_os());
    join_registry(name);
  }

  bool is_over_budget(std::size_t more) const { return more > limit_ - use_.used(); }
  void insert_free(fit_block* b, std::size_t size) const {
    space_.set_free(b, size);
    index_.insert(b);
  }

  /// Requires: it is ready; the size is at most max_size.
  std::size_t need_for(layout request) const {
    return fit_block::size_for(request.size + space_.red_zone(), request.alignment);
  }
  status prepare();
  allocation serve(place where, std::size_t need, std::size_t asked, fit wanted);
  allocation serve_top(std::size_t gap, std::size_t need, std::size_t asked, fit wanted);
  allocation finish(fit_block* b, std::size_t size, std::size_t asked, fit wanted,
                    std::uint64_t previous);
  allocation allocate_elsewhere(layout request, fit wanted);
  place find_place(std::size_t need, std::size_t alignment) const;
  place find_place_by_chance(std::size_t need, std::size_t alignment) const;
  bool can_serve(layout request) const;
  allocation refusal(layout request) const;
  allocation refuse_corrupt(fit_block* b) const;

  /// Does what the last free left to do.
  void finish_free() const {
    if (freed_ != nullptr) [[likely]]
      join_freed();
  }
  void release(fit_block* b);
  static void fetch(const fit_block* b);
  void join_freed() const;
  void join_and_insert(fit_block* b, std::size_t size) const;
  void report(const void* p) const;

  bool resize_in_place(fit_block* b, std::size_t need, std::size_t most);
  void set_size(fit_block* b, std::size_t size);
  void shrink(fit_block* b, std::size_t need);
  bool grow(fit_block* b, std::size_t need, std::size_t most);
  fit_block* slide_down(fit_block* b, std::size_t need, std::size_t alignment, std::size_t keep);
  allocation resized(fit_block* b, const resize& change, std::size_t kept);

  // Mutable: also a call that only looks does first what the last free left to do.
  mutable fit_block* freed_ = nullptr;  // freed, but not yet joined with its neighbours
  mutable Index index_;
  mutable fit_space space_;
  mutable use_tally<false> use_;
  std::size_t limit_;
};

template <class Index>
inline constexpr manager_ops fit_manager<Index>::bounded_ops = make_bounded_ops();

using best_fit_manager = fit_manager<fit_tree>;
using tlsf_manager = fit_manager<fit_tlsf>;
using hybrid_manager = fit_manager<fit_hybrid>;

extern template class fit_manager<fit_tree>;
extern template class fit_manager<fit_tlsf>;
extern template class fit_manager<fit_hybrid>;

}  // namespace ashlar
