// SPDX-License-Identifier: MIT
// Between bins and slabs: where batches come from, where blocks go back to, and which slabs stay.
#include "ashlar/heap/local_heap.hpp"

#include "ashlar/base/cpu.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/heap/heap.hpp"

namespace ashlar {

namespace {

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

}  // namespace

// Takes blocks from a slab with room.
std::uint32_t local_heap::take_from(slab& s, void** slots_top, std::uint32_t wanted) noexcept {
  const std::uint32_t got = s.take(slots_top, wanted);
  if (s.free_count == 0) {
    partial[s.class_index].remove(s);
    s.linked = false;
  }
  return got;
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
    got += take_from(*s, slots_top - got, wanted - got);
  }
  return got;
}

void* local_heap::take_one(size_class c) noexcept {
  lock_guard guard(mutex);
  void* p = nullptr;
  return take_batch(c, &p, 1) == 1 ? p : nullptr;
}

void* local_heap::take_left_over(size_class c, size_class last) noexcept {
  const std::uint32_t size = size_classes[c].block_size;
  const std::size_t alignment = size & (0 - size);
  lock_guard guard(mutex);
  void* p = nullptr;
  for (; c <= last && p == nullptr; ++c) {
    slab* const s = partial[c].front();
    if (s != nullptr && is_aligned(s->block_size, alignment)) (void)take_from(*s, &p, 1);
  }
  return p;
}

slab* local_heap::slab_with_free(size_class c) noexcept {
  slab* s = home->has_idle() || home->is_short() ? steal_slab(c) : nullptr;
  if (s == nullptr) s = new_slab(c);
  if (s == nullptr) return nullptr;
  s->linked = true;
  partial[c].push_front(*s);
  return s;
}

// Requires this lock; gives it up meanwhile, for no thread may hold two of them.
slab* local_heap::steal_slab(size_class c) noexcept {
  mutex.release();
  slab* s = home->take_idle_slab(c, *this);
  if (s == nullptr && home->is_short()) s = home->take_any_slab(c, *this);
  mutex.acquire();
  if (s == nullptr) return nullptr;
  ++class_slabs[c];
  return s;
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

bool local_heap::last_is_well_used(size_class c) const noexcept {
  return newest[c] != nullptr && is_well_used(*newest[c]);
}

void local_heap::disown(const slab& s) noexcept {
  --class_slabs[s.class_index];
  if (newest[s.class_index] == &s) newest[s.class_index] = nullptr;
}

void local_heap::flush(size_class c, std::uint32_t count) noexcept {
  bin& b = bins[c];
  void** const blocks = b.base + 1;
  // One round for each owner: this one first, for most blocks are its own.
  std::uint32_t left = put_owned(blocks, count, *this);
  b.mostly_foreign = left > count / 2 ? 1 : 0;
  while (left != 0) {
    slab* const s = slab_of(blocks[0]);
    // acquire: pairs with the release in hand_over_slab(). Asked again under the owner's lock.
    local_heap* const owner = s == nullptr ? this : s->owner.load(std::memory_order_acquire);
    left = put_owned(blocks, left, *owner);
  }
  const std::uint32_t kept = b.count() - count;
  move_slots(blocks, blocks + count, kept);
  store_relaxed(b.top, b.base + kept);
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

void put_remote(slab& s, void* p) noexcept {
  while (true) {
    // acquire: pairs with the release in hand_over_slab().
    local_heap* const owner = s.owner.load(std::memory_order_acquire);
    lock_guard guard(owner->mutex);
    if (s.owner.load(std::memory_order_relaxed) != owner) continue;  // given away meanwhile
    put_block(s, p);
    return;
  }
}

void put_block(slab& s, void* p) noexcept {
  if (s.told && !s.is_free(s.index_of(p))) [[unlikely]]
    s.take_back(p);
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
