// SPDX-License-Identifier: MIT
// The two paths that nearly every malloc and free take, and nothing else.
//
//   allocate(h, n)      table -> bin -> pop                    16 instructions as malloc, no call
//     `-> refill        the bin is empty: a batch from slabs   ~100 ns a batch
//   deallocate(h, p)    page map -> bin -> push                20 instructions as free, no call
//     `-> ..._slow      null, full bin, another thread's, medium, large, foreign
//
// One branch answers three questions about a freed pointer. The route of its slice, taken exclusive-or
// with this thread's tag, is the offset of the bin if this thread owns the slab, and large otherwise.
// The offset inside the slice times the route's magic is small if a block starts there, and large
// otherwise. So "either is large" means: not simple, leave it to the slow path. Null and foreign
// pointers have no route and fall out the same way.
//
// tests/codegen holds the counts above. A change here shows its numbers first.
#pragma once

#include "ashlar/heap/local_heap.hpp"
#include "ashlar/structure/page_map.hpp"

namespace ashlar {

/// Pops a block of `c` from the thread's bin, or returns null.
ASHLAR_FORCE_INLINE void* pop_block(bin& b) {
  void** const top = b.top;
  void* const p = *top;
  if (p != nullptr) [[likely]] store_relaxed(b.top, top - 1);
  return p;
}

/// Pushes `p` onto the bin that its route names. Returns false, and changes nothing, if `p` is not
/// the start of a block in one of `h`'s small slabs, or if the bin is full.
ASHLAR_FORCE_INLINE bool push_block(local_heap& h, void* p) {
  const std::uintptr_t address = address_of(p);
  const route& r = process_page_map.route_of(address);
  const std::uint32_t misfit = static_cast<std::uint16_t>(address) * load_relaxed(r.magic);
  const std::uint32_t code = load_relaxed(r.code) ^ h.tag;
  if ((misfit | code) > page_map::misfit_limit) [[unlikely]] return false;
  bin& b = *reinterpret_cast<bin*>(reinterpret_cast<std::byte*>(&h) + code);
  void** const top = b.top;
  if (top == b.end) [[unlikely]] return false;
  top[1] = p;
  store_relaxed(b.top, top + 1);
  return true;
}

}  // namespace ashlar
