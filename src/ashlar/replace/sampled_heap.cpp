// SPDX-License-Identifier: MIT
#include "ashlar/replace/sampled_heap.hpp"

#include <algorithm>
#include <cstring>

#include "ashlar/os/entropy.hpp"
#include "ashlar/replace/debug/guarded_heap.hpp"

namespace ashlar::replace {

namespace {

// The local heap that counts for this thread; null if it has none, or is not sampled.
local_heap* counting_local() noexcept {
  if (!is_sampling()) return nullptr;
  if (current_local->state != local_state::sampling) (void)bound_local();
  bin_set* const h = current_local;
  return h->state == local_state::sampling ? local_behind(h) : nullptr;
}

// The points of a thread without a local heap: one that has given up its local heap, for it ends,
// or that there was no memory for.
constinit thread_local observe::sample_points own_points;

observe::sample_points& points_of_this_thread() noexcept {
  const std::size_t mean = load_relaxed(observe::process_tracker().settings().sample_bytes);
  if (own_points.mean() != mean) {
    std::uint64_t seed = 0;
    (void)os::fill_random(&seed, sizeof seed);
    own_points.start(mean, seed ^ address_of(&own_points));
  }
  return own_points;
}

bool hits(local_heap* own, std::size_t size) noexcept {
  return own != nullptr ? own->hits(size) : points_of_this_thread().hits(size);
}

// Whether something with this chance happens.
bool happens(local_heap* own, double chance) noexcept {
  return own != nullptr ? own->happens(chance) : points_of_this_thread().fraction() < chance;
}

// Whether an allocation is to be sampled, by what the heap will set aside for it.
bool is_due(local_heap* own, size_class c, std::size_t size) noexcept {
  if (c == class_count)
    return hits(own, heap::usable_bytes_of_large(std::max<std::size_t>(size, 1)));
  return own != nullptr ? own->is_due(c) : hits(own, size_classes[c].block_size);
}

void enter_sample(allocation a, const observe::origin& made) noexcept {
  observe::origin sampled = made;
  sampled.covered = heap::usable_size(a.data());
  observe::process_tracker().note_sampled_birth(*heap::record_of(a.data()), a.data(), sampled);
}

// Room for a sample. A small one must lie where free takes the slow path; the others always do, so
// they get a span of the process heap, whose pages other blocks have used and will use.
allocation place_sample(layout request, bool zero) noexcept {
  const size_class c = process_heap.class_for(request);
  if (c < small_class_count) return watched_heap.allocate_from(watched_local(), request, zero);
  const std::size_t clear = zero ? request.size : 0;
  if (c != class_count) request.size = size_classes[c].block_size;  // its chance was that of these
  const allocation a = process_heap.allocate_large(request, clear);
  if (a) heap::watch_large(a.data(), true);
  return a;
}

// A block with a record. If there is no memory for one, one without.
allocation take_sample(layout request, bool zero, const observe::origin& made) noexcept {
  const allocation a = place_sample(request, zero);
  if (!a) return process_heap.allocate_from(bound_local(), request, zero);
  enter_sample(a, made);
  return a;
}

// Requires: a block without a record, or with an empty one.
allocation move_to(allocation to, void* p, std::size_t kept) noexcept {
  if (!to) return to;
  std::memcpy(to.data(), p, kept);
  const slab* const s = process_page_map.header_of(p);
  heap::deallocate_from(s->watched ? watched_local() : bound_local(), p);
  return to;
}

// A large block that is to grow, and to be a sample from then on.
allocation grow_to_sample(void* p, std::size_t size, const observe::origin& made) noexcept {
  const allocation a = process_heap.reallocate_from(bound_local(), p, default_alignment, {size});
  if (!a) return a;
  heap::watch_large(a.data(), true);
  enter_sample(a, made);
  return a;
}

// A block without a record. It may get one for the bytes that it grows by.
allocation resize_plain(local_heap* own, void* p, std::size_t size,
                        const observe::origin& made) noexcept {
  const std::size_t before = heap::usable_size(p);
  // Where memory is short, what it is can still grow in place.
  if (before != 0 && size > before && hits(own, heap::good_size(size) - before)) {
    // Those of a heap of the program's own move: it knows of no records.
    const bool is_ours = heap::owner_of(p) == &process_heap;
    const allocation a = is_ours && before > medium_limit
                             ? grow_to_sample(p, size, made)
                             : move_to(take_sample({size}, false, made), p, before);
    if (a) return a;
  }
  return process_heap.reallocate_from(bound_local(), p, default_alignment, {size});
}

// Resizes what was a sample until now, and may be one again: it moves where any block would. If
// there is no room for samples, it becomes one without a record.
allocation resize_place(void* p, std::size_t size, std::size_t before) noexcept {
  slab& s = *process_page_map.header_of(p);
  if (heap::resize_in_place(s, size, true)) return allocation::of(p, heap::usable_bytes_of(s));
  if (s.is_slab() ? size <= small_limit : size > medium_limit) {
    local_heap* const h = s.home == &process_heap ? bound_local() : watched_local();
    const allocation a = s.home->reallocate_from(h, p, default_alignment, {size});
    if (a) heap::watch_large(a.data(), true);
    if (a) return a;
  }
  allocation to = place_sample({size}, false);
  if (!to) to = process_heap.allocate_from(bound_local(), {size}, false);
  return move_to(to, p, std::min(before, size));
}

// A block with a record. Where it now covers less, the record goes unless it is lucky.
allocation resize_sampled(local_heap* own, void* p, std::size_t size,
                          const observe::origin& made) noexcept {
  observe::tracker& tracker = observe::process_tracker();
  if (!is_sample(p)) return watched_reallocate(p, size, made);
  observe::block_record* const record = heap::record_of(p);
  const observe::block_facts facts = record->load();
  const std::size_t before = heap::usable_size(p);
  record->clear();  // the block may move, and its place be used again at once
  const allocation a = resize_place(p, size, before);
  if (!a) {
    record->store(facts);
    return a;
  }
  tracker.note_death(facts, p, before);
  const std::size_t after = heap::usable_size(a.data());
  if (after < before && !happens(own, tracker.chance_of(after) / tracker.chance_of(before))) {
    if (heap::watch_large(a.data(), false) || heap::record_of(a.data()) == nullptr) return a;
    const allocation plain = process_heap.allocate_from(bound_local(), {size}, false);
    if (plain) return move_to(plain, a.data(), size < after ? size : after);
  }
  if (heap::record_of(a.data()) != nullptr) enter_sample(a, made);
  return a;
}

}  // namespace

void draw_other_points() noexcept { own_points = {}; }

bool is_sample(const void* p) noexcept {
  if (load_relaxed(guarding)) return false;
  const observe::block_record* const record = heap::record_of(p);
  return record != nullptr && record->is_live() && record->is_sampled();
}

allocation sampled_allocate(layout request, bool zero, const observe::origin& made) noexcept {
  if (!is_power_of_two(request.alignment) || request.size > max_size)
    return process_heap.allocate_from(bound_local(), request, zero);
  local_heap* const own = counting_local();
  const size_class c = process_heap.class_for(request);
  if (is_due(own, c, request.size)) [[unlikely]]
    return take_sample(request, zero, made);
  local_heap* const h = own != nullptr ? own : bound_local();
  return process_heap.allocate_as(h, c, request, zero);
}

allocation sampled_reallocate(void* p, std::size_t size, const observe::origin& made) noexcept {
  const slab* const s = process_page_map.header_of(p);
  local_heap* const own = counting_local();
  return s != nullptr && s->watched ? resize_sampled(own, p, size, made)
                                    : resize_plain(own, p, size, made);
}

}  // namespace ashlar::replace
