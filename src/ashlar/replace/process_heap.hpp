// SPDX-License-Identifier: MIT
// The one heap that serves malloc and new of this process: the memory manager as a singleton.
//
// It is constant-initialised: the first malloc may come before any constructor, from the loader or
// from libc. `current_local` points to a local heap whose bins are empty until the thread's first
// slow operation, so the fast paths need no test for "not started yet".
#pragma once

#include "ashlar/heap/fast_path.hpp"
#include "ashlar/heap/heap.hpp"

namespace ashlar::replace {

extern constinit heap& process_heap;
extern constinit local_heap unbound_local;
extern thread_local constinit local_heap* current_local
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/// Returns this thread's local heap, or null where it cannot have one.
local_heap* bound_local() noexcept;

/// Serves what the fast path could not. Null and errno = ENOMEM if there is no memory, EINVAL for a
/// bad alignment.
ASHLAR_COLD void* allocate_slow(std::size_t size) noexcept;
void* allocate_aligned(std::size_t alignment, std::size_t size) noexcept;
void* allocate_zeroed(std::size_t size) noexcept;
ASHLAR_COLD void deallocate_slow(void* p) noexcept;
void* reallocate(void* p, std::size_t size) noexcept;

/// Gives all memory of the process heap back to the OS. Returns what is left: nothing. No block may
/// be used any more.
os::counters release_everything() noexcept;

ASHLAR_FORCE_INLINE void* allocate(std::size_t size) noexcept {
  local_heap& h = *current_local;
  if (size <= tiny_limit) [[likely]] {
    if (void* const p = pop_block(h, bin_by_16[(size + 15) / 16])) [[likely]]
      return p;
  } else if (size <= small_limit) {
    if (void* const p = pop_block(h, bin_by_128[(size + 127) / 128])) [[likely]]
      return p;
  }
  return allocate_slow(size);
}

ASHLAR_FORCE_INLINE void deallocate(void* p) noexcept {
  if (!push_block(*current_local, p)) [[unlikely]]
    deallocate_slow(p);
}

}  // namespace ashlar::replace
