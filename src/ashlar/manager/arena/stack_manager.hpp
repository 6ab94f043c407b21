// SPDX-License-Identifier: MIT
// The stack: blocks are freed one by one, last first, and each free gives the memory back at once.
//
// An arena with a record of two words in front of each block: which block is below it, and where
// the arena stood before. So the order is checked exactly: a block that is not the last one is the
// fault out_of_order_free, and stays. The backing is the arena's, chosen at run time.
//
//     |record|block A|  gap |record|block B|   free ...
//                 ^-----------'     ^ top
//
// A block with an alignment above 16 costs as much as its alignment in front of it.
// A resized block that has to move goes on top; its old record stays, dead, and ends with it.
// Invariants: the records form a list from the top down, with falling positions.
// Threads: one at a time; `usage` any time. Cost: a few instructions more than the arena's.
#pragma once

#include "ashlar/manager/arena/arena.hpp"

namespace ashlar {

class ASHLAR_EXPORT stack_manager : public manager {
 public:
  static constexpr const char* kind_name = "stack";
  static constexpr capability promises = capability::lifo_only;

  explicit stack_manager(const arena_options& options = {}) noexcept;
  ~stack_manager() { leave_registry(); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept;
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept;
  /// Fault: out_of_order_free, if it is not the last block.
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  /// The last block: in place, or by a new one that takes its place in the order. Another: only
  /// smaller, and its end comes back with the rest. Errors: unsupported else. Fault:
  /// invalid_resize, if it lies in no memory of the stack.
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept;

  bool owns(const void* p) const noexcept { return arena_.owns(p); }
  mark here() const noexcept { return arena_.here(); }
  /// Frees all blocks made since. Fault: stale_mark.
  void rewind(mark place) noexcept;
  void free_all() noexcept;
  std::size_t trim(std::size_t keep = 0) noexcept { return arena_.trim(keep); }
  manager_usage usage() const noexcept;

  bool check_invariants() const noexcept;

 private:
  struct record {
    record* below;
    std::size_t position;                                 // the arena's, before this block
    bool is_dead() const { return position > max_size; }  // its block has moved up
    std::size_t start() const { return position & max_size; }
    void* data() { return this + 1; }
  };

  allocation push(layout request, fit wanted, bool zeroed) noexcept;

  arena arena_;
  record* top_ = nullptr;
  std::size_t live_ = 0;
};

}  // namespace ashlar
