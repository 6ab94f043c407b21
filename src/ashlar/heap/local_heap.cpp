// SPDX-License-Identifier: MIT
// Refilling and flushing of bins: what happens once in some dozens of operations.
#include "ashlar/heap/local_heap.hpp"

#include <cstring>

#include "ashlar/base/cpu.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/metadata_store.hpp"

namespace ashlar {

namespace {

// Capacities are 2^n - 1, so that a bin with its null slot fills a power of two of memory.
// Start: what fits in little memory. Most: 64 KiB of blocks a class, but never below 3 blocks
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
  while (capacity > least && capacity * size > 66_KiB) capacity = capacity / 2;
  return capacity;
}

constexpr std::size_t first_slots() {
  std::size_t slots = 0;
  for (size_class c = 0; c < class_count; ++c) slots += first_capacity(c) + 1;
  return slots;
}

}  // namespace

std::size_t local_heap::total_size() {
  return sizeof(local_heap) + first_slots() * sizeof(void*);
}

void local_heap::initialize(heap& owner_heap, std::uint32_t owner_tag) noexcept {
  tag = owner_tag;
  home = &owner_heap;
  void** next = slots;
  for (size_class c = 0; c < class_count; ++c) {
    const std::uint32_t capacity = first_capacity(c);
    bins[c] = {next, next + capacity, next, 0, capacity};
    next += capacity + 1;
  }
}

void* local_heap::pop(size_class c) noexcept {
  bin& b = bins[c];
  void* const p = *b.top;
  if (p != nullptr) store_relaxed(b.top, b.top - 1);
  return p;
}

void* local_heap::refill(size_class c, std::size_t requested) noexcept {
  bin& b = bins[c];
  if (b.refills != 0 && b.capacity < most_capacity(c)) grow_bin(c);
  ++b.refills;
  samples[c].requests += 1;
  samples[c].bytes += requested;
  const std::uint32_t wanted = b.capacity / 2 + 1;
  mutex.acquire();
  const std::uint32_t got = take_batch(c, b.base + wanted, wanted);
  mutex.release();
  if (got == 0) return nullptr;
  if (got < wanted)  // the batch lies at the upper end: close the gap
    std::memmove(b.base + 1, b.base + 1 + (wanted - got), got * sizeof(void*));
  store_relaxed(b.top, b.base + got);
  return pop(c);
}

// Fills slots_top, slots_top - 1, ... The lowest addresses come to lie on top, to be used first.
std::uint32_t local_heap::take_batch(size_class c, void** slots_top,
                                     std::uint32_t wanted) noexcept {
  std::uint32_t got = 0;
  while (got < wanted) {
    slab* s = partial[c].front();
    if (s == nullptr) {
      if (got != 0) break;  // a new slab only if there is nothing else
      s = slab_with_free(c);
      if (s == nullptr) break;
    }
    got += s->take(slots_top - got, wanted - got);
    if (s->free_count == 0) {
      partial[c].remove(*s);
      s->linked = false;
    }
  }
  return got;
}

slab* local_heap::slab_with_free(size_class c) noexcept {
  slab* s = home->has_idle() ? steal_slab(c) : nullptr;
  if (s == nullptr) s = new_slab(c);
  if (s != nullptr && !s->linked) {
    partial[c].push_front(*s);
    s->linked = true;
  }
  return s;
}

slab* local_heap::new_slab(size_class c) noexcept {
  slab* const s = home->allocate_slab(c);
  if (s == nullptr) return nullptr;
  s->owner.store(this, std::memory_order_relaxed);
  ++slab_count;
  home->publish_slab(*s, code_of(c));
  return s;
}

// Requires this lock; gives it up meanwhile, for no thread may hold two of them.
slab* local_heap::steal_slab(size_class c) noexcept {
  mutex.release();
  slab* const s = home->take_idle_slab(c, *this);
  mutex.acquire();
  if (s != nullptr) ++slab_count;
  return s;
}

void* local_heap::take_one(size_class c) noexcept {
  lock_guard guard(mutex);
  void* p = nullptr;
  return take_batch(c, &p, 1) == 1 ? p : nullptr;
}

void local_heap::grow_bin(size_class c) noexcept {
  bin& b = bins[c];
  const std::uint32_t capacity = b.capacity * 2 + 1;
  auto* const grown =
      static_cast<void**>(process_metadata.allocate((capacity + 1) * sizeof(void*)));
  if (grown == nullptr) return;  // the smaller one will do
  const std::uint32_t count = b.count();
  std::memcpy(grown, b.base, (count + 1) * sizeof(void*));
  void** const old = b.base;
  // A reader of statistics may see the new top with the old base: a wrong figure, no harm.
  store_relaxed(b.base, grown);
  store_relaxed(b.top, grown + count);
  b.end = grown + capacity;
  if (b.capacity != first_capacity(c))
    process_metadata.deallocate(old, (b.capacity + 1) * sizeof(void*));
  b.capacity = capacity;
}

void local_heap::push(size_class c, void* p) noexcept {
  bin& b = bins[c];
  if (b.top == b.end) {
    // A bin that was refilled since its last flush is in demand both ways: it is too small. One
    // that only ever fills belongs to a program that is giving memory back.
    if (b.refills != 0 && b.capacity < most_capacity(c)) grow_bin(c);
    if (b.top == b.end) flush(c, b.capacity / 2 + 1);
    b.refills = 0;
  }
  b.top[1] = p;
  store_relaxed(b.top, b.top + 1);
}

void local_heap::flush(size_class c, std::uint32_t count) noexcept {
  bin& b = bins[c];
  constexpr std::uint32_t ahead = 4;  // headers in flight while one is worked on
  for (std::uint32_t i = 1; i <= count && i <= ahead; ++i)
    prefetch_for_write(&process_page_map.header_of(b.base[i])->summary);
  mutex.acquire();
  for (std::uint32_t i = 1; i <= count; ++i) {
    if (i + ahead <= count)
      prefetch_for_write(&process_page_map.header_of(b.base[i + ahead])->summary);
    void* const p = b.base[i];
    slab& s = *process_page_map.header_of(p);
    if (s.owner.load(std::memory_order_relaxed) == this) [[likely]] {
      put_block(s, p);
    } else {  // the slab was given away while its block lay in this bin
      mutex.release();
      put_remote(s, p);
      mutex.acquire();
    }
  }
  mutex.release();
  const std::uint32_t left = b.count() - count;
  std::memmove(b.base + 1, b.base + 1 + count, left * sizeof(void*));
  store_relaxed(b.top, b.base + left);
}

void local_heap::flush_all() noexcept {
  for (size_class c = 0; c < class_count; ++c)
    if (const std::uint32_t count = bins[c].count(); count != 0) flush(c, count);
}

void local_heap::push_remote(void* p) noexcept {
  if (remote_count == remote_capacity) flush_remote();
  remote[remote_count] = p;
  store_relaxed(remote_count, remote_count + 1);
}

// Runs of blocks of one owner are the rule, so the lock is kept while the owner stays the same.
void local_heap::flush_remote() noexcept {
  local_heap* locked = nullptr;
  for (std::uint32_t i = 0; i < remote_count; ++i) {
    slab& s = *process_page_map.header_of(remote[i]);
    while (true) {
      // relaxed: the answer is checked again under the lock of the owner.
      local_heap* const owner = s.owner.load(std::memory_order_relaxed);
      if (owner == locked) break;
      if (locked != nullptr) locked->mutex.release();
      locked = owner;
      locked->mutex.acquire();
    }
    put_block(s, remote[i]);
  }
  if (locked != nullptr) locked->mutex.release();
  store_relaxed(remote_count, 0u);
}

void put_remote(slab& s, void* p) noexcept {
  while (true) {
    local_heap* const owner = s.owner.load(std::memory_order_relaxed);
    lock_guard guard(owner->mutex);
    if (s.owner.load(std::memory_order_relaxed) != owner) continue;  // given away meanwhile
    put_block(s, p);
    return;
  }
}

void put_block(slab& s, void* p) noexcept {
  switch (s.put(p)) {
    case slab::put_result::done: break;
    case slab::put_result::already_free: report_fault(fault_kind::double_free, p); return;
    case slab::put_result::not_a_block: report_fault(fault_kind::interior_free, p); return;
  }
  local_heap& owner = *s.owner.load(std::memory_order_relaxed);
  intrusive_list<slab>& list = owner.partial[s.class_index];
  if (!s.linked) {
    list.push_front(s);
    s.linked = true;
  }
  // An empty slab goes back at once unless it is the class's last one with room: that one would be
  // fetched again by the next refill.
  if (s.free_count == s.capacity && (s.next != nullptr || s.prev != nullptr)) {
    list.remove(s);
    --owner.slab_count;
    owner.home->deallocate_slab(s);
  }
}

void local_heap::drop_bins() noexcept {
  for (bin& b : bins) store_relaxed(b.top, b.base);
  store_relaxed(remote_count, 0u);
}

void local_heap::release_slots() noexcept {
  for (size_class c = 0; c < class_count; ++c)
    if (bins[c].capacity != first_capacity(c))
      process_metadata.deallocate(bins[c].base, (bins[c].capacity + 1) * sizeof(void*));
}

void local_heap::release_empty_slabs() noexcept {
  lock_guard guard(mutex);
  for (intrusive_list<slab>& list : partial) {
    for (slab* s = list.front(); s != nullptr;) {
      slab* const next = s->next;
      if (s->free_count == s->capacity) {
        list.remove(*s);
        --slab_count;
        home->deallocate_slab(*s);
      }
      s = next;
    }
  }
}

}  // namespace ashlar
