// SPDX-License-Identifier: MIT
// Memory for the heap's own structures: slab headers, thread-local heaps, bins, region tables.
//
// Kept apart from the blocks of programs, so that no overrun of a block reaches it. Pieces are cut
// from reservations by a bump pointer and recycled through one free list a size; sizes are rounded
// up to 64 bytes (a cache line, so that two threads' structures never share one), and to powers of
// two above 1 KiB. Larger requests than `direct_limit` are mappings of their own.
// Every piece is zero when handed out.
// Threads: thread-safe, one lock, the innermost but one (ARCHITECTURE.md, lock order).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/units.hpp"
#include "ashlar/os/address_space.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar {

class metadata_store {
 public:
  static constexpr std::size_t direct_limit = 128_KiB;

  constexpr metadata_store() = default;

  /// Returns `size` zero bytes aligned to a cache line (to a page above `direct_limit`), or null.
  void* allocate(std::size_t size) noexcept;

  /// Takes back what `allocate(size)` returned.
  void deallocate(void* p, std::size_t size) noexcept;

  /// Bytes that take up memory, but for pieces in mappings of their own. Slow: asks the OS.
  std::size_t resident_bytes() noexcept;
  /// Bytes that such a piece takes up; 0 for any other one. Slow, too.
  static std::size_t direct_resident_bytes(const void* p, std::size_t size) noexcept;

  /// Calls `visit(range)` for each reservation that pieces are cut from.
  template <class Visitor>
  void for_each_reservation(Visitor visit) noexcept {
    lock_guard guard(mutex_);
    for (reservation* r = newest_; r != nullptr; r = r->next)
      visit(os::range{reinterpret_cast<std::byte*>(r), r->size});
  }

  /// Gives everything back to the OS. Nothing handed out may be used any more.
  void release() noexcept;

  lock& mutex() { return mutex_; }

 private:
  static constexpr std::size_t step = 64;
  static constexpr std::size_t exact_limit = 1_KiB;
  static constexpr std::size_t list_count = exact_limit / step + 7;
  // Reserved at a time; address space only. A 1 GiB heap of small blocks needs about 8 MiB.
  static constexpr std::size_t reservation_size = 16_MiB;
  static constexpr std::size_t smallest_reservation = 1_MiB;
  static constexpr std::size_t commit_step = 64_KiB;

  struct free_piece {
    free_piece* next;
  };
  struct reservation {  // lies at its own start
    reservation* next;
    std::size_t size;
    std::size_t committed;
  };

  static std::size_t rounded(std::size_t size);
  static std::size_t list_of(std::size_t rounded_size);
  void* bump(std::size_t size) noexcept;
  bool add_reservation(std::size_t size) noexcept;

  lock mutex_;
  std::byte* next_ = nullptr;  // bump pointer in the newest reservation
  reservation* newest_ = nullptr;
  free_piece* free_[list_count] = {};
};

extern constinit metadata_store process_metadata;

}  // namespace ashlar
