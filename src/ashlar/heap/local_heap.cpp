// SPDX-License-Identifier: MIT
// Refilling and flushing of bins: what happens once in some dozens of operations.
#include "ashlar/heap/local_heap.hpp"

#include <algorithm>
#include <cstring>

#include "ashlar/base/cpu.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/os/clock.hpp"

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

// A thread that has this many slabs of a class will fill the next one too, so its pages are brought
// in by one call instead of a fault each. Fewer, and programs with little memory pay for pages that
// they never touch; at 8 the waste is 6 % of the class on average. Blocks larger than a quarter of
// a page may be used in part only: then the slab before this one tells whether the program does.
// That takes 52,800 of 64,800 faults off `burst_idle`, and a tenth of its time.
constexpr std::uint32_t slabs_before_populating = 8;
constexpr std::uint32_t largest_populated = 1024;

// Whether the program has written to nearly all of a slab: seven pages of eight.
bool is_well_used(const slab& s) {
  const std::size_t size = std::size_t{s.capacity} * s.block_size;
  const os::range memory = {s.start, align_up(size, os::page_size())};
  return os::resident_bytes(memory) >= memory.size / 8 * 7;
}

// With this much to give back, a burst of frees leaves its bins parked: the next malloc must look
// at the clock, for the program may do next to nothing from then on, and hit bins with all of it.
// Each free of such a burst is slow, so programs that breathe with less are spared: 12 MiB instead
// of 32 cost the workload `fragmentation` a seventh of its time.
constexpr std::size_t much_dirty = 32_MiB;

void report_unless_done(slab::put_result result, const void* p) {
  if (result == slab::put_result::done) [[likely]]
    return;
  report_fault(result == slab::put_result::already_free ? fault_kind::double_free
                                                        : fault_kind::interior_free,
               p);
}

// The slab of a block in a bin; null if the block was freed twice and its slab is gone by now.
slab* slab_of(const void* p) {
  slab* const s = process_page_map.header_of(p);
  return s != nullptr && s->is_slab() ? s : nullptr;
}

void prefetch_header(const void* p) {
  if (const slab* const s = process_page_map.header_of(p)) prefetch_for_write(&s->summary);
}

// memmove, but for readers of statistics; slots of a bin only.
void move_down(void** to, void** from, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) store_relaxed(to[i], from[i]);
}

constexpr std::size_t first_slots() {
  std::size_t slots = 0;
  for (size_class c = 0; c < class_count; ++c) slots += first_capacity(c) + 1;
  return slots;
}

// What lies in front of a local heap with sampling bins, and the whole of it with its first slots.
std::size_t front_size(bool with_front) { return with_front ? bin_set::front_distance : 0; }

std::size_t total_size(bool with_front) {
  return front_size(with_front) + sizeof(local_heap) + first_slots() * sizeof(void*);
}

}  // namespace

local_heap* local_heap::create(heap& owner_heap, std::uint32_t heap_tag, bool with_front) noexcept {
  auto* const memory = static_cast<std::byte*>(process_metadata.allocate(total_size(with_front)));
  if (memory == nullptr) return nullptr;
  // The piece is zero, which is what everything but the bins begins with.
  auto* const h = reinterpret_cast<local_heap*>(memory + front_size(with_front));
  h->tag = heap_tag;
  h->home = &owner_heap;
  h->has_front = with_front;
  void** next = h->slots();
  for (size_class c = 0; c < class_count; ++c) {
    const std::uint32_t capacity = first_capacity(c);
    h->bins[c] = {.top = next,
                  .end = next + capacity,
                  .base = next,
                  .capacity = static_cast<std::uint16_t>(capacity)};
    next += capacity + 1;
  }
  return h;
}

void local_heap::destroy(local_heap* h) noexcept {
  const bool with_front = h->has_front;
  process_metadata.deallocate(reinterpret_cast<std::byte*>(h) - front_size(with_front),
                              total_size(with_front));
}

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
  if (b.refilled != 0 && b.capacity < most_capacity(c)) grow_bin(c);
  b.refilled = 1;
  store_relaxed(samples[c].requests, samples[c].requests + 1);
  store_relaxed(samples[c].bytes, samples[c].bytes + requested);
  const std::uint32_t wanted = b.capacity / 2u + 1;
  mutex.acquire();
  const std::uint32_t got = take_batch(c, b.base + wanted, wanted);
  mutex.release();
  if (got == 0) return nullptr;
  if (got < wanted)  // the batch lies at the upper end: close the gap
    move_down(b.base + 1, b.base + 1 + (wanted - got), got);
  store_relaxed(b.top, b.base + got);
  return b.pop();
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
  if (s == nullptr) return nullptr;
  s->linked = true;
  partial[c].push_front(*s);
  return s;
}

void local_heap::disown(const slab& s) noexcept {
  --class_slabs[s.class_index];
  if (newest[s.class_index] == &s) newest[s.class_index] = nullptr;
}

bool local_heap::last_is_well_used(size_class c) const noexcept {
  return newest[c] != nullptr && is_well_used(*newest[c]);
}

slab* local_heap::new_slab(size_class c) noexcept {
  const bool populate = class_slabs[c] >= slabs_before_populating &&
                        (size_classes[c].block_size <= largest_populated || last_is_well_used(c));
  slab* const s = home->allocate_slab(c, populate);
  if (s == nullptr) return nullptr;
  s->owner.store(this, std::memory_order_relaxed);
  ++class_slabs[c];
  newest[c] = s;
  home->publish_slab(*s);
  return s;
}

// Requires this lock; gives it up meanwhile, for no thread may hold two of them.
slab* local_heap::steal_slab(size_class c) noexcept {
  mutex.release();
  slab* const s = home->take_idle_slab(c, *this);
  mutex.acquire();
  if (s == nullptr) return nullptr;
  ++class_slabs[c];
  return s;
}

void* local_heap::take_one(size_class c) noexcept {
  lock_guard guard(mutex);
  void* p = nullptr;
  return take_batch(c, &p, 1) == 1 ? p : nullptr;
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

// Puts back those of `blocks` that `owner` owns, and moves the others to the front. Returns how
// many are left. Neighbours in a bin often come from one slab, which is looked up and settled once.
std::uint32_t local_heap::put_owned(void** blocks, std::uint32_t count,
                                    local_heap& owner) noexcept {
  constexpr std::uint32_t ahead = 4;  // headers in flight while one is worked on
  std::uint32_t left = 0;
  slab* current = nullptr;  // owned by `owner`; not settled yet
  lock_guard guard(owner.mutex);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i + ahead < count) prefetch_header(blocks[i + ahead]);
    void* const p = blocks[i];
    if (current == nullptr || !current->contains(p)) {
      slab* const s = slab_of(p);
      if (s == nullptr) [[unlikely]] {
        report_fault(fault_kind::double_free, p);
        continue;
      }
      if (s->owner.load(std::memory_order_acquire) != &owner) {
        store_relaxed(blocks[left++], p);
        continue;
      }
      if (current != nullptr) owner.settle(*current);
      current = s;
    }
    report_unless_done(current->put(p), p);
  }
  if (current != nullptr) owner.settle(*current);
  return left;
}

void local_heap::flush(size_class c, std::uint32_t count) noexcept {
  bin& b = bins[c];
  void** const blocks = b.base + 1;
  // One round for each owner: this one first, for most blocks are its own.
  std::uint32_t left = put_owned(blocks, count, *this);
  b.mostly_foreign = left > count / 2 ? 1 : 0;
  while (left != 0) {
    slab* const s = slab_of(blocks[0]);
    // acquire: pairs with the release in take_idle_slab(). Asked again under the owner's lock.
    local_heap* const owner = s == nullptr ? this : s->owner.load(std::memory_order_acquire);
    left = put_owned(blocks, left, *owner);
  }
  const std::uint32_t kept = b.count() - count;
  move_down(blocks, blocks + count, kept);
  store_relaxed(b.top, b.base + kept);
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

void put_remote(slab& s, void* p) noexcept {
  while (true) {
    // acquire: pairs with the release in take_idle_slab().
    local_heap* const owner = s.owner.load(std::memory_order_acquire);
    lock_guard guard(owner->mutex);
    if (s.owner.load(std::memory_order_relaxed) != owner) continue;  // given away meanwhile
    put_block(s, p);
    return;
  }
}

void put_block(slab& s, void* p) noexcept {
  report_unless_done(s.put(p), p);
  s.owner.load(std::memory_order_relaxed)->settle(s);
}

// After blocks were put into `s`: it belongs into the list of slabs with room, or, when it is
// empty, back to the store. It stays if it is a small class's last one with room: that one would be
// fetched again by the next refill. Medium slabs are too large to keep for that. A slab on its way
// to a new owner is in no list yet, and stays too.
void local_heap::settle(slab& s) noexcept {
  intrusive_list<slab>& list = partial[s.class_index];
  if (!s.linked && s.free_count != 0) {
    list.push_front(s);
    s.linked = true;
  }
  if (s.free_count != s.capacity) return;
  const bool alone = s.next == nullptr && s.prev == nullptr;
  if (alone && !(s.kind == slab_kind::medium && list.front() == &s)) return;
  list.remove(s);
  disown(s);
  home->deallocate_slab(s);
}

// The fork may have caught a bin half parked, so nothing but its place and size is believed.
void local_heap::drop_bins() noexcept {
  for (bin& b : bins) {
    store_relaxed(b.top, b.base);
    b.end = b.base + b.capacity;
    store_relaxed(b.parked, std::uint16_t{0});
  }
  if (has_front) front().draw_anew();
}

void local_heap::release_slots() noexcept {
  for (size_class c = 0; c < class_count; ++c)
    if (bins[c].capacity != first_capacity(c))
      process_metadata.deallocate(bins[c].base, (bins[c].capacity + 1u) * sizeof(void*));
}

void local_heap::release_empty_slabs() noexcept {
  lock_guard guard(mutex);
  for (intrusive_list<slab>& list : partial) {
    for (slab* s = list.front(); s != nullptr;) {
      slab* const next = s->next;
      if (s->free_count == s->capacity) {
        list.remove(*s);
        disown(*s);
        home->deallocate_slab(*s);
      }
      s = next;
    }
  }
}

}  // namespace ashlar
