// SPDX-License-Identifier: MIT
// The general manager: every size, routed by how large it is.
//
//     ashlar::user_block_os block({.memory = {bytes, size}});
//     ashlar::general_manager scripts({.os = &block, .name = "scripts"});
//     void* p = scripts.allocate({.size = 300}).data();
//     scripts.deallocate(p);   // its size is known
//
//   small    up to half a page   size classes in pages: a block never crosses from page to page
//   medium   up to 256 KiB       size classes in slabs of their own
//   large    beyond              whole pages from the OS, at the start of a page
//
// Small and medium blocks are those of `buckets`: what is freed becomes a link of its class's list,
// and the next request of the class takes the first of the list. All memory comes from one OS
// manager, so it works over the system, a block of the user's or functions of the user's. It knows
// the size of each block, so blocks can be freed without one.
//
// Beside the heap (heap/): no thread caches, no purging, no hardening; a few hundred lines over
// whatever OS manager one has, and one thread at a time.
//
// Faults: as the buckets'. Threads: one at a time. Cost: a pool's for small and medium blocks; a
// few system calls for a large one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/pool/bucket_set.hpp"
#include "ashlar/manager/pool/large_blocks.hpp"

namespace ashlar {

struct general_options {
  os_manager* os = nullptr;  ///< where all memory comes from; null: the system's
  class_family family = class_family::fine;
  std::size_t page_size = 0;  ///< bytes of a slab, more for medium blocks; 0: 64 KiB
  std::size_t max_medium = class_table::largest;  ///< larger blocks are large; at most 256 KiB
  std::uint32_t spare = 1;  ///< slabs without live blocks that each class keeps
  const char* name = nullptr;
};

class ASHLAR_EXPORT general_manager : public manager {
 public:
  static constexpr const char* kind_name = "general";

  constexpr explicit general_manager(const general_options& options = {}) noexcept
      : manager(ops_for<general_manager>, options.os),
        set_(this, options.os != nullptr ? memory(*options.os) : memory(), options.family,
             options.page_size, options.spare, options.max_medium),
        large_(options.os) {
    if (options.name != nullptr) join_registry(options.name);
  }
  ~general_manager() { leave_registry(); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    const std::size_t c =
        is_power_of_two(request.alignment) ? set_.class_of(request) : class_table::none;
    const allocation got = c != class_table::none ? set_.get(c, request.size, wanted)
                                                  : allocate_large(request.size, request.alignment);
    if (!got || wanted == fit::get_no_less) return got;
    return allocation::of(got.data(), request.size);
  }
  /// Clears nothing of a large block, which is fresh from the OS.
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept;
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  void deallocate(void* p) noexcept;
  /// In place within its class, or within the pages that a large block once had; else by moving, if
  /// that is allowed. A large block that shrinks gives pages back. Fault: invalid_resize.
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept;

  /// Returns whether a pointer points into memory for blocks of this manager. O(1) but for pointers
  /// into large blocks beyond their first page: O(large blocks).
  bool owns(const void* p) const noexcept { return set_.find(p) != nullptr || large_.owns(p); }
  std::size_t usable_size(const void* p) const noexcept;
  void free_all() noexcept;
  void walk(block_visitor visitor) const noexcept;
  std::size_t trim(std::size_t keep = 0) noexcept { return set_.trim(keep) + large_.trim(); }
  manager_usage usage() const noexcept;

  std::size_t class_count() const { return set_.classes().count(); }
  /// What one class of small or medium blocks has at the moment. Threads: any.
  bin_usage bin(std::size_t c) const noexcept { return set_.bin(c); }
  /// Returns whether everything fits together; reports a fault for what does not. O(blocks).
  bool check_invariants() const noexcept { return set_.is_well() && large_.is_well(); }

 private:
  ASHLAR_COLD allocation allocate_large(std::size_t size, std::size_t alignment) noexcept;
  void end_large(void* p) noexcept;
  allocation resize_in_place(block b, std::size_t alignment, const resize& change) noexcept;

  bucket_set set_;
  large_blocks large_;
};

}  // namespace ashlar
