// SPDX-License-Identifier: MIT
// What a heap does under a tool that watches memory (base/poison.hpp): it tells of each block.
//
// Such a heap has no fast paths: its threads are bound to no local heap, so each request takes one
// block straight from a slab, and each free puts one back, both under a lock. The hits of a heap
// that tells nothing are not touched by this.
//
//     place:  | what was asked for | hidden, 16 bytes or more |
//
// What was asked for is all that the user gets, `usable_size` and `get_no_less` included, so that
// an overrun by a single byte is found. The sizes lie beside the bits of the slab, or in the header
// of a large block. Free blocks stay hidden, those too whose span went back to the store, until the
// region goes back to where it came from (span_store). Large blocks that shrink or grow much move.
//
// To memcheck a heap is one pool. Heaps that serve malloc, which tools replace, tell nothing.
#include <cstring>

#include "ashlar/base/poison.hpp"
#include "ashlar/heap/heap.hpp"

namespace ashlar {

namespace {

// Blocks in places up to this are never moved for being small.
constexpr std::size_t smallest_worth_moving = 64;

}  // namespace

std::size_t slab::place_size() const noexcept {
  if (is_slab()) return block_size;
  return kind == slab_kind::direct ? reserved_size : load_relaxed(slices) * slice_size;
}

std::size_t slab::asked_for(const void* p) const noexcept {
  return is_slab() ? load_relaxed(size_at(index_of(p))) : load_relaxed(requested);
}

void slab::lend(void* p, std::size_t size) noexcept {
  if (is_slab()) {
    store_relaxed(size_at(index_of(p)), static_cast<std::uint32_t>(size));
  } else {
    store_relaxed(requested, size);
    poison::hide(start + size, place_size() - size);
  }
  poison::lend(home, p, size);
}

void slab::take_back(void* p) noexcept { poison::take_back(home, p, asked_for(p)); }

bool slab::resize_lent(void* p, std::size_t size, bool may_move) noexcept {
  const std::size_t place = place_size();
  const bool is_small = size < place / 2 && place > smallest_worth_moving;
  if (size > place - poison::red_zone || (may_move && is_small)) return false;
  const std::size_t old_size = asked_for(p);
  if (is_slab())
    store_relaxed(size_at(index_of(p)), static_cast<std::uint32_t>(size));
  else
    store_relaxed(requested, size);
  poison::resize(home, p, old_size, size);
  return true;
}

// As a heap that tells nothing would serve some bytes more.
allocation heap::allocate_told(layout request, bool zero) noexcept {
  if (request.size > max_size - poison::red_zone) return allocation::failed(status::too_large);
  const layout padded = {request.size + poison::red_zone, request.alignment};
  const size_class c = class_for(padded);
  const allocation a =
      c == class_count ? allocate_large(padded, 0) : refill(nullptr, c, padded.size);
  if (!a) return a;
  slab& s = *process_page_map.header_of(a.data());
  s.lend(a.data(), request.size);
  if (zero && s.kind == slab_kind::direct)
    poison::show_defined(a.data(), request.size);
  else if (zero)
    std::memset(a.data(), 0, request.size);
  return allocation::of(a.data(), request.size);
}

// Before the mapping of a direct block goes: whoever gets the addresses next is not to find them
// hidden.
void heap::show_direct(const slab& s) noexcept { poison::show(s.start, s.reserved_size); }

}  // namespace ashlar
