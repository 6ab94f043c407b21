// SPDX-License-Identifier: MIT
// The one heap that serves malloc and new of this process: the memory manager as a singleton.
//
// It is constant-initialised: the first malloc may come before any constructor, from the loader or
// from libc. `current_local` points to bins that are always empty until the thread's first slow
// operation, so the fast paths need no test for "not started yet". Then it points to the thread's
// local heap, or a few bytes into it while allocations are sampled.
#pragma once

#include "ashlar/heap/fast_path.hpp"
#include "ashlar/heap/heap.hpp"
#include "ashlar/observe/block_record.hpp"
#include "ashlar/observe/stack_walk.hpp"

namespace ashlar::replace {

extern constinit heap& process_heap;
extern constinit bin_table unbound_local;
extern thread_local constinit bin_set* current_local
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/// Returns this thread's local heap, or null where it cannot have one.
local_heap* bound_local() noexcept;

using observe::caller;
using observe::family;

/// What the fast path could not serve. Null and errno = ENOMEM if there is no memory, EINVAL for a
/// bad alignment. Each takes whoever called the function that ends by calling it (a jump) for the
/// caller; the others are told.
ASHLAR_NO_INLINE void* allocate_slow(std::size_t size) noexcept;
ASHLAR_NO_INLINE void* allocate_zeroed(std::size_t size) noexcept;
ASHLAR_NO_INLINE void* allocate_aligned(std::size_t alignment, std::size_t size) noexcept;
ASHLAR_NO_INLINE void* reallocate(void* p, std::size_t size) noexcept;
void* allocate_for(layout request, family made_by, const caller& from) noexcept;

/// What a free says about the block.
struct freeing {
  static constexpr std::size_t not_told = static_cast<std::size_t>(-1);
  family by = family::malloc;
  std::size_t size = not_told;
  std::size_t alignment = not_told;
  bool is_aligned_form = false;  // an alignment was given, whichever
  caller from = {};
};

/// What the fast path could not take. The other two are for frees that say more than the pointer,
/// which is looked at at the debug level only: of what they say the first word, since a second one
/// would have to be kept throughout the fast path.
ASHLAR_NO_INLINE void deallocate_slow(void* p, family freed_by) noexcept;
ASHLAR_NO_INLINE void deallocate_sized_slow(void* p, std::size_t size, family freed_by,
                                            bool is_aligned_form) noexcept;
ASHLAR_NO_INLINE void deallocate_aligned_slow(void* p, std::size_t alignment,
                                              family freed_by) noexcept;

/// Returns the bytes that the program may use of a block: at the debug level those asked for.
std::size_t usable_size(const void* p) noexcept;

/// Gives all memory of the process heap back to the OS. Returns what is left: nothing. No block may
/// be used any more.
os::counters release_everything() noexcept;

/// Serves a small block that is at hand, or returns null.
ASHLAR_FORCE_INLINE void* try_allocate(std::size_t size) noexcept {
  bin_set& h = *current_local;
  std::size_t offset = 0;
  if (size <= tiny_limit) [[likely]]
    offset = bin_by_16[(size + 15) / 16];
  else if (size <= small_limit)
    offset = bin_by_128[(size + 127) / 128];
  else
    return nullptr;
  void* const p = pop_block(h, offset);
  if (p != nullptr) [[likely]]
    return p;
  return pop_counted(h, offset);
}

ASHLAR_FORCE_INLINE void* allocate(std::size_t size) noexcept {
  void* const p = try_allocate(size);
  if (p != nullptr) [[likely]]
    return p;
  return allocate_slow(size);
}

ASHLAR_FORCE_INLINE void deallocate(void* p, family freed_by = family::malloc) noexcept {
  if (!push_block(*current_local, p)) [[unlikely]]
    deallocate_slow(p, freed_by);
}

ASHLAR_FORCE_INLINE void deallocate_sized(void* p, std::size_t size, family freed_by,
                                          bool is_aligned_form = false) noexcept {
  if (!push_block(*current_local, p)) [[unlikely]]
    deallocate_sized_slow(p, size, freed_by, is_aligned_form);
}

ASHLAR_FORCE_INLINE void deallocate_aligned(void* p, std::size_t alignment,
                                            family freed_by) noexcept {
  if (!push_block(*current_local, p)) [[unlikely]]
    deallocate_aligned_slow(p, alignment, freed_by);
}

}  // namespace ashlar::replace
