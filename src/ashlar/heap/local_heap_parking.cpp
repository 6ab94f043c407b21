// SPDX-License-Identifier: MIT
// Parking: how a bin that is hit again and again still takes the slow path now and then, so that
// somebody looks at the clock (local_heap.hpp).
#include "ashlar/heap/local_heap.hpp"

#include "ashlar/heap/heap.hpp"
#include "ashlar/os/clock.hpp"

namespace ashlar {

namespace {

// With this much to give back, a burst of frees leaves its bins parked: the next malloc must look
// at the clock, for the program may do next to nothing from then on, and hit bins with all of it.
// Each free of such a burst is slow, so programs that breathe with less are spared: 12 MiB instead
// of 32 cost the workload `fragmentation` a seventh of its time.
constexpr std::size_t much_dirty = 32_MiB;

}  // namespace

void local_heap::park(bin& b) noexcept {
  if (b.end == b.base) return;  // parked already
  store_relaxed(b.parked, static_cast<std::uint16_t>(b.top - b.base));
  store_relaxed(b.top, b.base);
  b.end = b.base;
}

void local_heap::unpark(bin& b) noexcept {
  if (b.end != b.base) return;
  store_relaxed(b.top, b.base + b.parked);
  b.end = b.base + b.capacity;
  store_relaxed(b.parked, std::uint16_t{0});
}

void local_heap::park_again(bin& b) noexcept {
  constexpr std::uint8_t limit = 32;
  if (b.reparked == limit) return;
  ++b.reparked;
  park(b);
}

void local_heap::tend() noexcept {
  // Longer pauses give memory back later; shorter ones cost busy programs slow operations.
  constexpr std::uint64_t pause_ns = 20'000'000;
  constexpr std::uint8_t idle_limit = 10;
  const std::uint64_t now = os::coarse_ns();
  if (now - tended_at < pause_ns) return;
  tended_at = now;
  bool more = home->store().tick();
  for (size_class c = 0; c < class_count; ++c) {
    bin& b = bins[c];
    const bool untouched = b.end == b.base;
    unpark(b);
    const std::uint32_t count = b.count();
    if (count == 0) continue;
    b.idle = untouched ? (b.idle + 1) & 0x3f : 0;
    b.reparked = 0;
    if (b.idle == idle_limit) {
      flush(c, count);
      b.idle = 0;
    }
    more = true;
  }
  if (!more) return;
  for (bin& b : bins) park(b);
}

void local_heap::push(size_class c, void* p) noexcept {
  bin& b = bins[c];
  const bool was_parked = b.end == b.base;
  if (was_parked) {
    unpark(b);
    tend();
    unpark(b);
  }
  const bool full = b.top == b.end;
  const bool giving_back = full && make_room(c);
  store_relaxed(b.top[1], p);
  store_relaxed(b.top, b.top + 1);
  if (!full && !was_parked) return;
  if (full) tend();
  if (home->store().dirty_bytes() <= much_dirty) {
    full ? park(b) : park_again(b);
  } else if (giving_back) {
    for (bin& each : bins) {
      park(each);
      each.reparked = 0;
    }
  } else {
    park(b);
  }
}

}  // namespace ashlar
