// SPDX-License-Identifier: MIT
#include "ashlar/replace/sampled_heap.hpp"

#include <algorithm>
#include <cstring>

#include "ashlar/os/clock.hpp"
#include "ashlar/os/entropy.hpp"
#include "ashlar/replace/debug/guarded_heap.hpp"

namespace ashlar::replace {

namespace {

using observe::drawn;

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

// What decides about the thread that this local heap counts for; about the calling one if null.
observe::sample_points& points_of(local_heap* own) noexcept {
  if (own != nullptr) return own->points();
  const observe::track_settings& settings = observe::process_tracker().settings();
  const std::size_t mean = load_relaxed(settings.sample_bytes);
  const std::size_t up_to = load_relaxed(settings.sample_up_to);
  if (!own_points.are_for(mean, up_to)) {
    std::uint64_t seed = 0;
    (void)os::fill_random(&seed, sizeof seed);
    own_points.start(mean, up_to, seed ^ address_of(&own_points));
  }
  return own_points;
}

bool happens(local_heap* own, double chance) noexcept { return points_of(own).fraction() < chance; }

double chance_of(std::size_t covered, std::uint8_t doublings) noexcept {
  return observe::sample_chance(covered, observe::process_tracker().mean_of(doublings));
}

// Whether an allocation is to be sampled, by what the heap will set aside for it.
drawn draw_block(local_heap* own, size_class c, std::size_t size) noexcept {
  if (c == class_count)
    return points_of(own).hits(heap::usable_bytes_of_large(std::max<std::size_t>(size, 1)));
  return own != nullptr ? own->is_due(c) : points_of(own).hits(size_classes[c].block_size);
}

// To be called last: malloc comes here where a class is due, which must not be forgotten.
void look_at_pace(local_heap* own) noexcept {
  if (own != nullptr && own->is_to_look()) [[unlikely]]
    own->slow_down(os::coarse_ns());
}

// Enters a block with a record as a sample, for the first time or anew.
void enter_sample(allocation a, const observe::origin& made, std::uint8_t doublings) noexcept {
  observe::origin sampled = made;
  sampled.covered = heap::usable_size(a.data());
  sampled.doublings = doublings;
  observe::process_tracker().note_sampled_birth(*heap::record_of(a.data()), a.data(), sampled);
}

// The same of one that was drawn just now.
void enter_drawn(local_heap* own, allocation a, const observe::origin& made,
                 std::uint8_t doublings) noexcept {
  enter_sample(a, made, doublings);
  observe::sample_points& points = points_of(own);
  if (points.have_a_limit()) points.took_one(os::monotonic_ns());
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

// A block that was drawn: with an empty record if it is hit, and there is memory for that. A large
// one without remembers what its bytes went by, for when it grows.
allocation place_drawn(local_heap* own, size_class c, layout request, bool zero,
                       drawn& hit) noexcept {
  if (hit) [[unlikely]] {
    const allocation a = place_sample(request, zero);
    if (a) return a;
    hit.is_hit = false;
  }
  const allocation a =
      process_heap.allocate_as(own != nullptr ? own : bound_local(), c, request, zero);
  if (a && hit.doublings != 0) heap::set_doublings(a.data(), hit.doublings);
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

// Whether the bytes that a large block without a record grows by make it a sample. Its chance comes
// from one mean, that of its birth: any other choice would depend on what was sampled since.
bool draw_growth(local_heap* own, std::uint8_t doublings, std::size_t more) noexcept {
  observe::sample_points& points = points_of(own);
  return doublings == points.doublings_ahead() ? points.hits(more).is_hit
                                               : happens(own, chance_of(more, doublings));
}

// A large block without a record. It may get one for the bytes that it grows by.
allocation resize_large(local_heap* own, slab& s, std::size_t size,
                        const observe::origin& made) noexcept {
  const std::size_t before = heap::usable_bytes_of(s);
  const std::size_t after = heap::good_size(size);
  const std::uint8_t doublings = s.doublings;
  const bool is_hit = after > before && draw_growth(own, doublings, after - before);
  // Those of a heap of the program's own move: it knows of no records.
  if (is_hit && s.home != &process_heap) {
    const allocation a = place_sample({size}, false);
    if (a) enter_drawn(own, a, made, doublings);
    if (a) return move_to(a, s.start, before);
  }
  const allocation a =
      process_heap.reallocate_from(bound_local(), s.start, default_alignment, {size});
  if (!a) return a;
  if (is_hit && heap::owner_of(a.data()) == &process_heap && heap::watch_large(a.data(), true))
    enter_drawn(own, a, made, doublings);
  return a;
}

// A block without a record. One of a class that leaves it for a larger one moves: it is drawn anew,
// all of it, as if it had been freed and allocated.
allocation resize_plain(local_heap* own, void* p, std::size_t size,
                        const observe::origin& made) noexcept {
  const std::size_t before = heap::usable_size(p);
  if (before > medium_limit) return resize_large(own, *process_page_map.header_of(p), size, made);
  if (before != 0 && size > before)
    return move_to(sampled_allocate({size}, false, made), p, before);
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

// A sample that leaves its class for a larger one is drawn anew, as any block is that does. Its
// death comes before that birth: in between nobody has both.
allocation regrow_sample(local_heap* own, void* p, std::size_t size,
                         const observe::origin& made) noexcept {
  const size_class c = process_heap.class_for({size});
  drawn hit = draw_block(own, c, size);
  const allocation a = place_drawn(own, c, {size}, false, hit);
  if (!a) return a;
  observe::block_record* const record = heap::record_of(p);
  const observe::block_facts facts = record->load();
  const std::size_t before = heap::usable_size(p);
  record->clear();
  observe::process_tracker().note_death(facts, p, before);
  if (hit) enter_drawn(own, a, made, hit.doublings);
  return move_to(a, p, before);
}

// A block with a record. Where it now covers less, the record goes unless it is lucky.
allocation resize_sampled(local_heap* own, void* p, std::size_t size,
                          const observe::origin& made) noexcept {
  if (!is_sample(p)) return watched_reallocate(p, size, made);
  const std::size_t before = heap::usable_size(p);
  if (size > before && before <= medium_limit && is_sampling())
    return regrow_sample(own, p, size, made);
  observe::block_record* const record = heap::record_of(p);
  const observe::block_facts facts = record->load();
  record->clear();  // the block may move, and its place be used again at once
  const allocation a = resize_place(p, size, before);
  if (!a) {
    record->store(facts);
    return a;
  }
  observe::process_tracker().note_death(facts, p, before);
  const std::size_t after = heap::usable_size(a.data());
  const std::uint8_t doublings = facts.doublings;
  if (after < before && !happens(own, chance_of(after, doublings) / chance_of(before, doublings))) {
    heap::set_doublings(a.data(), doublings);
    if (heap::watch_large(a.data(), false) || heap::record_of(a.data()) == nullptr) return a;
    const allocation plain = process_heap.allocate_from(bound_local(), {size}, false);
    if (plain) return move_to(plain, a.data(), size < after ? size : after);
  }
  if (heap::record_of(a.data()) != nullptr)
    enter_sample(a, made, doublings);
  else
    heap::set_doublings(a.data(), doublings);
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
  drawn hit = draw_block(own, c, request.size);
  const allocation a = place_drawn(own, c, request, zero, hit);
  if (a && hit) [[unlikely]]
    enter_drawn(own, a, made, hit.doublings);
  look_at_pace(own);
  return a;
}

allocation sampled_reallocate(void* p, std::size_t size, const observe::origin& made) noexcept {
  const slab* const s = process_page_map.header_of(p);
  local_heap* const own = counting_local();
  const allocation a = s != nullptr && s->watched ? resize_sampled(own, p, size, made)
                                                  : resize_plain(own, p, size, made);
  look_at_pace(own);
  return a;
}

}  // namespace ashlar::replace
