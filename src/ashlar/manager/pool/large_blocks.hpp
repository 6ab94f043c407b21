// SPDX-License-Identifier: MIT
// Large blocks straight from an OS manager: whole pages, one reservation each.
//
// What is known of a block stands in a record of its own, from a pool, so that the block begins at
// its page and nothing of ours lies beside the caller's bytes. A table finds the record by the
// block's first page. A block that shrinks gives its last pages back and keeps their addresses, so
// it can grow into them again without moving.
//
// Under a tool that watches memory a block is what was asked for: what its pages hold more, 16
// bytes at least, is hidden.
//
// Threads: one at a time; `held`, `used` and `count` may be called by any.
// Cost: a few system calls for each block.
#pragma once

#include <cstddef>

#include "ashlar/manager/pool/address_table.hpp"
#include "ashlar/manager/pool/pool.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/structure/intrusive_list.hpp"

namespace ashlar {

class ASHLAR_EXPORT large_blocks {
 public:
  /// A null `os` stands for the system's.
  constexpr explicit large_blocks(os_manager* os)
      : os_(os), records_({sizeof(record), alignof(record)}, {.upstream = handle_of(os)}) {}
  large_blocks(const large_blocks&) = delete;
  large_blocks& operator=(const large_blocks&) = delete;
  ~large_blocks() { free_all(); }

  os_manager& os() const noexcept;

  /// Returns a block, with all its usable bytes. Errors: no_memory, not_enough_memory, over_budget,
  /// too_large.
  allocation allocate(layout request) noexcept;
  /// Takes a block back. Returns false if none starts at `p`.
  bool deallocate(void* p) noexcept;
  /// Resizes a block in place. Errors: unsupported: it would have to move; no_memory;
  /// over_budget; invalid blocks: too_large. The block is as it was then.
  allocation resize(void* p, std::size_t size) noexcept;
  /// Returns the usable bytes of the block that starts at `p`; 0: none does.
  std::size_t usable_size(const void* p) const noexcept;
  /// Returns whether a pointer points into a block. O(blocks) for pointers beyond the first page.
  bool owns(const void* p) const noexcept;

  void free_all() noexcept;
  bool walk(block_visitor visitor) const noexcept;
  std::size_t trim() noexcept { return records_.trim(); }
  bool is_well() const noexcept;

  std::size_t used() const noexcept { return load_relaxed(used_); }
  std::size_t count() const noexcept { return records_.usage().live_blocks; }
  std::size_t held() const noexcept {
    return load_relaxed(used_) + table_.held() + records_.usage().held;
  }

 private:
  struct record {
    std::byte* data;
    std::size_t size;  // committed: whole pages
    std::size_t reserved;
    std::size_t usable;  // by the caller: the same, or under a tool what was asked for
    record* next;
    record* prev;
  };

  static constexpr memory handle_of(os_manager* os) {
    return os != nullptr ? memory(*os) : memory();
  }
  std::uintptr_t number_of(const void* p) const { return address_of(p) / os().page_size(); }
  record* find(const void* p) const noexcept;
  void end(record& r) noexcept;
  /// Returns what a block of `size` bytes takes. Requires: size <= max_size - a page.
  std::size_t pages_for(std::size_t size) const noexcept;
  void lend(record& r, std::size_t asked) noexcept;
  void lend_again(record& r, std::size_t asked) noexcept;

  os_manager* os_;
  pool records_;
  address_table table_;
  intrusive_list<record> blocks_;
  std::size_t used_ = 0;
};

}  // namespace ashlar
