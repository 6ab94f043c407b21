// SPDX-License-Identifier: MIT
#include "ashlar/replace/sampled_heap.hpp"

#include <cstring>

namespace ashlar::replace {

namespace {

// The sampling bins that serve this thread; null if it has none. Requires: allocations of the
// thread are to be sampled.
sampling_bins* front_of_this_thread() noexcept {
  if (current_local->state != local_state::sampling) (void)bound_local();
  bin_set* const h = current_local;
  return h->state == local_state::sampling ? static_cast<sampling_bins*>(h) : nullptr;
}

void enter_sample(allocation a, const observe::origin& made) noexcept {
  observe::origin sampled = made;
  sampled.covered = heap::usable_size(a.data());
  observe::process_tracker().note_sampled_birth(*heap::record_of(a.data()), a.data(), sampled);
}

// A block with a record. If there is no memory for one, one without.
allocation take_sample(layout request, bool zero, const observe::origin& made) noexcept {
  const allocation a = watched_heap.allocate_from(watched_local(), request, zero);
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

// A block without a record. It may get one for the bytes that it grows by.
allocation resize_plain(sampling_bins* front, void* p, std::size_t size,
                        const observe::origin& made) noexcept {
  const std::size_t before = heap::usable_size(p);
  const std::size_t after = heap::good_size(size);
  // Where memory is short, what it is can still grow in place.
  if (front != nullptr && before != 0 && after > before && front->hits(after - before)) {
    const allocation a = move_to(take_sample({size}, false, made), p, before);
    if (a) return a;
  }
  return process_heap.reallocate_from(bound_local(), p, default_alignment, {size});
}

// A block with a record. Where it now covers less, the record goes unless it is lucky.
allocation resize_sampled(sampling_bins* front, void* p, std::size_t size,
                          const observe::origin& made) noexcept {
  observe::tracker& tracker = observe::process_tracker();
  observe::block_record* const record = heap::record_of(p);
  const observe::block_facts facts = record != nullptr ? record->load() : observe::block_facts{};
  const bool is_live = facts.site != observe::site_table::none;
  if (front == nullptr || !is_live || !facts.sampled) return watched_reallocate(p, size, made);

  const std::size_t before = heap::usable_size(p);
  record->clear();  // the block may move, and its place be used again at once
  const allocation a = watched_heap.reallocate_from(watched_local(), p, default_alignment, {size});
  if (!a) {
    record->store(facts);
    return a;
  }
  tracker.note_death(facts, p, before);
  const std::size_t after = heap::usable_size(a.data());
  if (after < before && !front->happens(tracker.chance_of(after) / tracker.chance_of(before))) {
    const allocation plain = process_heap.allocate_from(bound_local(), {size}, false);
    if (plain) return move_to(plain, a.data(), size < after ? size : after);
  }
  enter_sample(a, made);
  return a;
}

}  // namespace

allocation sampled_allocate(layout request, bool zero, const observe::origin& made) noexcept {
  sampling_bins* const front = front_of_this_thread();
  if (front == nullptr || !is_power_of_two(request.alignment) || request.size > max_size)
    return process_heap.allocate_from(bound_local(), request, zero);

  const size_class c = process_heap.class_for(request);
  const bool is_due =
      c == class_count ? front->hits(align_up(request.size, os::page_size())) : front->is_due(c);
  if (is_due) [[unlikely]]
    return take_sample(request, zero, made);
  return process_heap.allocate_as(&front->own(), c, request, zero);
}

allocation sampled_reallocate(void* p, std::size_t size, const observe::origin& made) noexcept {
  const slab* const s = process_page_map.header_of(p);
  sampling_bins* const front = front_of_this_thread();
  return s != nullptr && s->watched ? resize_sampled(front, p, size, made)
                                    : resize_plain(front, p, size, made);
}

}  // namespace ashlar::replace
