// SPDX-License-Identifier: MIT
// Buckets: blocks of many sizes, each from the pool of its size class.
//
//     ashlar::buckets parts({.upstream = level, .family = ashlar::class_family::geometric});
//     ashlar::allocation a = parts.allocate({100, 8});   // served by the class of 112 or so
//
// Three families of classes (class_table.hpp) trade unused bytes inside blocks against partly empty
// slabs. Every class keeps counters, so that the memory of each can be read at any time.
//
// Bounds: requests up to `max_block`, 256 KiB at most; larger ones are `too_large`: general_manager
// serves those too. Alignments up to `max_block`. Faults: as the pool's; a block that comes back
// with a size of another class: size_mismatch.
// Threads: one at a time. Cost: a table lookup more than the pool.
// Source: "Bins for different size allocations"; the geometric family after jemalloc's idea.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/pool/bucket_set.hpp"

namespace ashlar {

struct bucket_options {
  memory upstream{};  ///< where slabs come from; none: the OS
  class_family family = class_family::fine;
  std::size_t page_size = 0;  ///< bytes of a slab, more for large blocks; 0: 64 KiB
  std::size_t max_block = class_table::largest;
  std::uint32_t spare = 1;  ///< slabs without live blocks that each class keeps
  const char* name = nullptr;
};

class ASHLAR_EXPORT buckets : public manager {
 public:
  static constexpr const char* kind_name = "buckets";

  constexpr explicit buckets(const bucket_options& options = {}) noexcept
      : manager(ops_for<buckets>, options.upstream.get()),
        set_(this, options.upstream, options.family, options.page_size, options.spare,
             options.max_block) {
    if (options.name != nullptr) join_registry(options.name);
  }
  ~buckets() { leave_registry(); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    const std::size_t c =
        is_power_of_two(request.alignment) ? set_.class_of(request) : class_table::none;
    if (c == class_table::none) [[unlikely]]
      return refuse(request.size, request.alignment);
    const allocation got = set_.get(c, request.size, wanted);
    if (!got || wanted == fit::get_no_less) return got;
    return allocation::of(got.data(), request.size);
  }
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  void deallocate(void* p) noexcept { set_.put_unknown(p); }
  /// In place within its class; else by moving, if that is allowed. Fault: invalid_resize.
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept;

  /// Returns whether a pointer points into a slab of these buckets. O(1); any pointer may be asked.
  bool owns(const void* p) const noexcept { return set_.find(p) != nullptr; }
  std::size_t usable_size(const void* p) const noexcept;
  void free_all() noexcept {
    inner_blocks_ended();
    set_.free_all();
  }
  void walk(block_visitor visitor) const noexcept { (void)set_.walk(visitor); }
  std::size_t trim(std::size_t keep = 0) noexcept { return set_.trim(keep); }
  manager_usage usage() const noexcept { return set_.usage(); }

  std::size_t class_count() const { return set_.classes().count(); }
  /// What one class has at the moment. Threads: any.
  bin_usage bin(std::size_t c) const noexcept { return set_.bin(c); }
  /// Takes over all blocks of other buckets with the same upstream and the same options. Returns
  /// false, having changed nothing, otherwise, or if there is no memory for the tables.
  bool adopt(buckets& other) noexcept;
  /// Returns whether everything fits together; reports a fault for what does not. O(blocks).
  bool check_invariants() const noexcept { return set_.is_well(); }

 private:
  ASHLAR_COLD allocation refuse(std::size_t size, std::size_t alignment) const noexcept;

  bucket_set set_;
};

}  // namespace ashlar
