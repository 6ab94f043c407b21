// SPDX-License-Identifier: MIT
// The two paths that nearly every malloc and free take, and nothing else.
//
//   allocate(h, n)      table -> bin -> pop                    15 or 18 instructions as malloc
//     |-> pop_counted   sampling: count -> pop                 8 more
//     `-> refill        the bin is empty: a batch from slabs   ~100 ns a batch
//   deallocate(h, p)    page map -> bin -> push                20 instructions as free
//     `-> ..._slow      null, full bin, medium, large, another heap's, foreign
//
// One branch answers three questions about a freed pointer. The route of its slice, taken
// exclusive-or with the heap's tag, is the offset of the bin if the slab belongs to this heap, and
// large otherwise. The offset inside the slice times the route's magic is small if a block starts
// there, and large otherwise. So "either is large" means: not simple, leave it to the slow path.
// Null and foreign pointers have no route and fall out the same way.
//
// tests/codegen holds the counts above. A change here shows its numbers first.
#pragma once

#include "ashlar/base/cpu.hpp"
#include "ashlar/heap/bin.hpp"
#include "ashlar/structure/page_map.hpp"

namespace ashlar {

/// The bin at a byte offset inside a set: what routes and the size tables hold.
ASHLAR_FORCE_INLINE bin& bin_at(bin_set& h, std::size_t offset) {
  return *reinterpret_cast<bin*>(reinterpret_cast<std::byte*>(&h) + offset - offsetof(bin, top));
}

/// Pops a block from the bin at `offset`, or returns null.
ASHLAR_FORCE_INLINE void* pop_block(bin_set& h, std::size_t offset) {
  void** const top = bin_at(h, offset).top;
  void* const p = *top;
  if (p == nullptr) [[unlikely]]
    return nullptr;
  forget(offset);
  store_relaxed(bin_at(h, offset).top, top - 1);
  return p;
}

/// Pops a block from the bin at `offset` that looks empty, and counts it. Null if nothing counts,
/// if the next pop is not to be served like this, or if the bin is empty. Reads zero where nothing
/// counts: there `h` is `sampled_distance` less, and what it reads the end of what lies in front.
/// The count goes through a register: taken down in memory it costs two nanoseconds where one block
/// is taken and freed in a loop (decision 0020).
ASHLAR_FORCE_INLINE void* pop_counted(bin_set& h, std::size_t offset) {
  constexpr std::size_t distance = bin_set::sampled_distance;
  forget(offset);
  std::uint32_t left = bin_at(h, offset - distance).pops_left;
  if (__builtin_sub_overflow(left, 1u, &left)) return nullptr;
  forget(left);  // or the compiler takes it down in memory all the same
  forget(offset);
  void** const top = bin_at(h, offset - distance).top;
  void* p = *top;
  if (p == nullptr) [[unlikely]]
    return nullptr;
  forget(offset);
  bin_at(h, offset - distance).pops_left = static_cast<std::uint16_t>(left);
  forget(offset);
  store_relaxed(bin_at(h, offset - distance).top, top - 1);
  forget(p);  // or the compiler ends this path by a jump to the end of another
  if (p == nullptr) __builtin_unreachable();
  return p;
}

/// Pushes `p` onto the bin that its route names. Returns false, and changes nothing, if `p` is not
/// the start of a block in a small slab of `h`'s heap, or if the bin is full.
ASHLAR_FORCE_INLINE bool push_block(bin_set& h, void* p) {
  const std::uintptr_t address = address_of(p);
  std::uintptr_t index = page_map::route_index(address);
  const std::uint32_t misfit =
      static_cast<std::uint16_t>(address) * load_relaxed(routes[index].magic);
  forget(index);
  const std::uint32_t code = load_relaxed(routes[index].code) ^ h.tag;
  if ((misfit | code) > page_map::misfit_limit) [[unlikely]]
    return false;
  std::size_t offset = code;
  void** const top = bin_at(h, offset).top;
  forget(offset);
  if (top == bin_at(h, offset).end) [[unlikely]]
    return false;
  store_relaxed(top[1], p);
  forget(offset);
  store_relaxed(bin_at(h, offset).top, top + 1);
  return true;
}

/// Offsets of bins by request size, for the fast path of malloc: (size + 15) / 16 up to 1 KiB, and
/// (size + 127) / 128 up to 32 KiB.
template <std::size_t Entries>
constexpr std::array<std::uint16_t, Entries> bin_offsets(
    const std::array<std::uint8_t, Entries>& classes) {
  std::array<std::uint16_t, Entries> offsets{};
  for (std::size_t i = 0; i < Entries; ++i)
    offsets[i] = static_cast<std::uint16_t>(bin_offset_of(classes[i]));
  return offsets;
}

inline constexpr auto bin_by_16 = bin_offsets(detail::class_by_16);
inline constexpr auto bin_by_128 = bin_offsets(detail::class_by_128);

}  // namespace ashlar
