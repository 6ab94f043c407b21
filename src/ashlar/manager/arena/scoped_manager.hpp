// SPDX-License-Identifier: MIT
// A scope over any manager: what was not freed by its end is freed then.
//
//     {
//       ashlar::scoped_manager level(heap);        // any handle
//       load(level);
//     }                                            // every block of the level is free
//
// Each block carries a record of four words in front, which links it to the others; so the upstream
// needs no capability at all: the scope zeroes, resizes, walks, frees all, knows its blocks and
// their sizes by itself. It trims, is bounded, and wants the last block freed first where its
// upstream does. It cannot rewind: open a scope in the scope.
//
// If the upstream can rewind, the end of the scope is a rewind instead of a walk: blocks that
// others made in the upstream meanwhile end too, as with an arena_scope (which costs nothing per
// block: take that where the manager is known to be an arena).
//
// A block that is freed twice, or was made elsewhere, is a fault (invalid_free) as far as its
// record tells: what lies in front of it must be readable.
//
// Invariants: the list holds the live blocks, the latest first; `used` is the sum of their sizes.
// Threads: as the upstream's, but for one scope one at a time; `usage` any time. Cost: the
// upstream's and a few instructions; the end, one free for each block that is left.
#pragma once

#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/tally.hpp"

namespace ashlar {

/// What a scope over a manager that can do `upstream` can do.
constexpr capability scoped_rule(capability upstream) {
  // Where the last block must go first, nobody but the upstream can move one.
  const bool resizes = !has(upstream, capability::lifo_only) || has(upstream, capability::resize);
  return capability::zero | capability::own | capability::size | capability::free_all |
         capability::walk | (resizes ? capability::resize : capability::none) |
         (upstream & (capability::trim | capability::lifo_only | capability::bounded |
                      capability::serves_new));
}

struct scoped_options {
  const char* name = nullptr;  ///< in the registry
  /// Blocks that its end has to free are said on stderr, whatever the unreleased_policy, and are no
  /// fault: for a scope over code that ought to free all by itself.
  bool tells_left = false;
};

class ASHLAR_EXPORT scoped_manager : public manager {
 public:
  static constexpr const char* kind_name = "scoped";

  explicit scoped_manager(memory upstream, const scoped_options& options = {}) noexcept;
  /// A scope in a scope, and no copy.
  explicit scoped_manager(scoped_manager& upstream, const scoped_options& options = {}) noexcept
      : scoped_manager(memory(upstream), options) {}
  ~scoped_manager();

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept;
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept;
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  void deallocate(void* p) noexcept { deallocate(block{p, 0}); }
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept;
  /// Whether `p` points into a block of the scope; any pointer may be asked. O(blocks).
  bool owns(const void* p) const noexcept;
  std::size_t usable_size(const void* p) const noexcept;
  /// Visits the blocks, the latest first.
  void walk(block_visitor visitor) const noexcept;
  /// As the upstream's: what it holds idle is nobody's in particular.
  std::size_t trim(std::size_t keep = 0) noexcept { return upstream_.trim(keep); }
  /// Frees all blocks now; the scope goes on.
  void free_all() noexcept;
  manager_usage usage() const noexcept;
  void restart_peak() noexcept { use_.restart_peak(); }

  bool check_invariants() const noexcept;

 private:
  // In front of a block. The block of the upstream begins `offset_for(alignment)` before the data.
  struct record {
    record* newer;
    record* older;
    std::size_t size;  // of the block of the upstream
    std::size_t alignment;
  };

  static std::size_t offset_for(std::size_t alignment) noexcept;
  static record* record_of(const void* data) noexcept;
  static std::size_t usable(const record& r) noexcept;
  static block whole(const record& r) noexcept;
  allocation push(layout request, fit wanted, bool zeroed) noexcept;
  void link(record& r) noexcept;
  void relink(record& r) noexcept;
  void unlink(record& r) noexcept;
  bool end(record& r) noexcept;
  bool is_linked(const record& r) const noexcept;
  void count(const record& r) noexcept;
  void uncount(const record& r) noexcept;

  manager_ops table_;
  memory upstream_;
  mark start_;
  bool tells_left_;
  record* newest_ = nullptr;
  use_tally<false> use_;
  std::size_t held_ = 0;
};

}  // namespace ashlar
