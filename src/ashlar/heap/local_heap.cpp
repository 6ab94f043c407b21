// SPDX-License-Identifier: MIT
// The bins of a local heap: where they lie, how they grow, and what a miss does. Once in some
// dozens of operations.
#include "ashlar/heap/local_heap.hpp"

#include <cstring>

#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/metadata_store.hpp"

namespace ashlar {

namespace {

// Capacities are 2^n - 1, so that a bin with its null slot fills a power of two of memory.
// Start: what fits in little memory. Most: 128 KiB of blocks a class, but never below 3 blocks
// (1 for the largest), and never above 2047. Larger bins hide memory from other threads;
// smaller ones flush more often. 1600 blocks of 16 bytes is what glibc's own benchmark cycles.
constexpr std::uint32_t first_capacity(size_class c) {
  const std::uint32_t size = size_classes[c].block_size;
  if (size <= 128) return 31;
  if (size <= 512) return 15;
  if (size <= 2_KiB) return 7;
  return size <= 64_KiB ? 3 : 1;
}

constexpr std::uint32_t most_capacity(size_class c) {
  const std::uint32_t size = size_classes[c].block_size;
  const std::uint32_t least = first_capacity(c);
  std::uint32_t capacity = 2047;
  while (capacity > least && capacity * size > 130_KiB) capacity = capacity / 2;
  return capacity;
}

constexpr std::size_t first_slots() {
  std::size_t slots = 0;
  for (size_class c = 0; c < class_count; ++c) slots += first_capacity(c) + 1;
  return slots;
}

// With its first slots.
constexpr std::size_t total_size() { return sizeof(local_heap) + first_slots() * sizeof(void*); }

}  // namespace

local_heap* local_heap::create(heap& owner_heap, std::uint32_t heap_tag) noexcept {
  auto* const h = static_cast<local_heap*>(process_metadata.allocate(total_size()));
  if (h == nullptr) return nullptr;
  // The piece is zero, which is what everything but the bins begins with.
  h->tag = heap_tag;
  h->home = &owner_heap;
  void** next = h->slots();
  for (size_class c = 0; c < class_count; ++c) {
    const std::uint32_t capacity = first_capacity(c);
    h->bins[c] = {.capacity = static_cast<std::uint16_t>(capacity),
                  .top = next,
                  .base = next,
                  .end = next + capacity};
    next += capacity + 1;
  }
  return h;
}

void local_heap::destroy(local_heap* h) noexcept { process_metadata.deallocate(h, total_size()); }

void local_heap::release_slots() noexcept {
  for (size_class c = 0; c < class_count; ++c)
    if (bins[c].capacity != first_capacity(c))
      process_metadata.deallocate(bins[c].base, (bins[c].capacity + 1u) * sizeof(void*));
}

// The fork may have caught a bin half parked, so nothing but its place and size is believed.
void local_heap::drop_bins() noexcept {
  for (bin& b : bins) {
    store_relaxed(b.top, b.base);
    b.end = b.base + b.capacity;
    store_relaxed(b.parked, std::uint16_t{0});
  }
}

void* local_heap::refill(size_class c, std::size_t requested) noexcept {
  bin& b = bins[c];
  if (b.end == b.base) {
    unpark(b);
    tend();
    unpark(b);
    if (void* const p = b.pop()) {
      park_again(b);
      return p;
    }
  }
  // What bins hold is out of the reach of others, who may need it.
  if (b.refilled != 0 && b.capacity < most_capacity(c) && !home->is_short()) grow_bin(c);
  b.refilled = 1;
  const std::uint32_t wanted = b.capacity / 2u + 1;
  mutex.acquire();
  const std::uint32_t got = take_batch(c, b.base + wanted, wanted);
  mutex.release();
  if (got == 0) return nullptr;
  store_relaxed(samples[c].requests, samples[c].requests + 1);
  store_relaxed(samples[c].bytes, samples[c].bytes + requested);
  if (got < wanted)  // the batch lies at the upper end: close the gap
    move_slots(b.base + 1, b.base + 1 + (wanted - got), got);
  store_relaxed(b.top, b.base + got);
  return b.pop();
}

void local_heap::grow_bin(size_class c) noexcept {
  bin& b = bins[c];
  const std::uint32_t capacity = b.capacity * 2u + 1;
  auto* const grown =
      static_cast<void**>(process_metadata.allocate((capacity + 1) * sizeof(void*)));
  if (grown == nullptr) return;  // the smaller one will do
  void** const old = b.base;
  const std::uint32_t count = b.count();
  const std::uint32_t old_capacity = b.capacity;
  {
    // A walker holds this lock while it reads the slots.
    lock_guard guard(mutex);
    std::memcpy(grown, old, (count + 1) * sizeof(void*));
    store_relaxed(b.base, grown);
    store_relaxed(b.top, grown + count);
    b.end = grown + capacity;
    store_relaxed(b.capacity, static_cast<std::uint16_t>(capacity));
  }
  if (old_capacity != first_capacity(c))
    process_metadata.deallocate(old, (old_capacity + 1u) * sizeof(void*));
}

// A full bin grows or is flushed. One that was refilled since its last flush is in demand both
// ways: it is too small. So is one that collects blocks of other threads: each flush takes their
// locks. One that only ever fills with its own belongs to a program that is giving memory back: all
// of it goes. Returns whether it did.
bool local_heap::make_room(size_class c) noexcept {
  bin& b = bins[c];
  const bool in_demand = b.refilled != 0 || b.mostly_foreign != 0;
  b.refilled = 0;
  if (in_demand && b.capacity < most_capacity(c)) {
    grow_bin(c);
    if (b.top != b.end) return false;
  }
  flush(c, in_demand ? b.capacity / 2u + 1 : b.capacity);
  if (home->store().purge_count() != seen_purges) {
    flush_all();
    release_empty_slabs();
    seen_purges = home->store().purge_count();
  }
  return !in_demand;
}

void local_heap::flush_all() noexcept {
  for (size_class c = 0; c < class_count; ++c) {
    bin& b = bins[c];
    const bool was_parked = b.end == b.base;
    unpark(b);
    if (const std::uint32_t count = b.count(); count != 0) flush(c, count);
    if (was_parked) park(b);
  }
}

}  // namespace ashlar
